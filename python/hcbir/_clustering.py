"""k-means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import large_matrix, positive_int, seed_number
from hcbir._runtime import num_threads_argument


@dataclass(frozen=True, eq=False)
class KMeans:
    """A clustering.

    Parameters
    ----------
    centroids : (c, d) float32
    mean_squared_distance : float
        Of the vectors to their nearest centroids.
    """

    centroids: npt.NDArray[np.float32]
    mean_squared_distance: float


def kmeans(
    vectors: npt.NDArray[np.float32],
    num_clusters: int,
    *,
    num_iterations: int = 20,
    seed: int = 0,
    num_threads: int | None = None,
) -> KMeans:
    """Clusters vectors by k-means++ and Lloyd's iterations, the same for any number of threads.

    Parameters
    ----------
    vectors : (n, d) float32
        Never copied.
    num_clusters : int
        1 to n.
    num_iterations : int
        At most; the iteration ends earlier once no vector changes its cluster.
    seed : int
        0 to 2**64 - 1.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`.

    Raises
    ------
    ValueError, TypeError
        For a shape, dtype or number that does not fit, and for NaN or infinite values.

    >>> import numpy as np
    >>> vectors = np.array([[0.0], [0.2], [10.0], [10.4]], dtype=np.float32)
    >>> sorted(kmeans(vectors, 2).centroids.ravel().tolist())
    [0.10000000149011612, 10.199999809265137]
    """
    v = large_matrix(vectors, "vectors")
    if positive_int(num_clusters, "num_clusters") > len(v):
        raise ValueError(f"num_clusters must be at most the number of vectors, {len(v)}, got {num_clusters}")
    seed = seed_number(seed)
    positive_int(num_iterations, "num_iterations")
    return KMeans(*_core.kmeans(v, num_clusters, num_iterations, seed, num_threads_argument(num_threads)))
