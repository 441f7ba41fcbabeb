"""VLAD: an image's local features aggregated into one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hcbir._clustering import kmeans
from hcbir._features import FloatArray, LocalFeatures
from hcbir._search import search
from hcbir.descriptors.base import LocalDescriptor
from hcbir.descriptors.local import Sift

MAX_SAMPLE = 100_000


class Vlad:
    """Sums of the residuals of local descriptors to their nearest centres.

    Each centre's sum and then the whole is L2-normalised. The centres are learned on the collection by k-means.
    Sources: Jégou et al., CVPR 2010; normalisation within each centre: Arandjelović and Zisserman, CVPR 2013.

    Parameters
    ----------
    local : LocalDescriptor, optional
        Gives float descriptors; default: `Sift()`.
    num_centres : int
    num_threads : int, optional
        Of `fit`; default: `hcbir.default_num_threads()`.
    """

    kind: Literal["aggregated"] = "aggregated"
    name = "vlad"

    def __init__(
        self, local: LocalDescriptor | None = None, *, num_centres: int = 64, num_threads: int | None = None
    ) -> None:
        self.local: LocalDescriptor = Sift() if local is None else local
        self.num_centres = num_centres
        self.num_threads = num_threads
        self._centres: FloatArray | None = None

    @property
    def image_size(self) -> int:
        """Longest side, in pixels, at which images are described."""
        return self.local.image_size

    @property
    def is_fitted(self) -> bool:
        return self._centres is not None

    @property
    def centres(self) -> FloatArray:
        """(c, d) float32; c is `num_centres`, or the number of features it was learned on if that is smaller.

        Raises
        ------
        RuntimeError
            Before `fit` or `load_state`.
        """
        if self._centres is None:
            raise RuntimeError("vlad has no centres yet: call fit on the collection's features, or load_state")
        return self._centres

    @property
    def dim(self) -> int:
        """Number of centres times dimension of the local descriptors."""
        return self.centres.size

    def fit(self, features: Sequence[LocalFeatures], *, seed: int = 0) -> None:
        """Learns the centres on a sample of at most 100,000 of the features' descriptors.

        Parameters
        ----------
        features : sequence of LocalFeatures
            One an image.
        seed : int
            Of the sample and of k-means.

        Raises
        ------
        ValueError
            If there is no feature at all, or the descriptors are binary.
        """
        if any(f.is_binary for f in features):
            raise ValueError("features must have float32 descriptors, got binary ones")
        described = [f.descriptors for f in features if len(f)]
        if not described:
            raise ValueError("features must hold at least one keypoint, got none: vlad cannot learn its centres")
        sample = _sample(described, seed)
        clusters = min(self.num_centres, len(sample))
        self._centres = kmeans(sample, clusters, seed=seed, num_threads=self.num_threads).centroids

    def aggregate(self, features: LocalFeatures) -> FloatArray:
        """(dim,) float32 unit vector; zero if there is no feature.

        Raises
        ------
        RuntimeError
            Before `fit` or `load_state`.
        """
        centres = self.centres
        if len(features) == 0:
            return np.zeros(centres.size, np.float32)
        descriptors = features.descriptors
        nearest = search(descriptors, centres, k=1, metric="l2", num_threads=1).indices[:, 0]
        residuals = descriptors.astype(np.float64) - centres[nearest]
        sums = np.zeros(centres.shape, np.float64)
        np.add.at(sums, nearest, residuals)
        return _unit(_unit(sums).ravel()).astype(np.float32)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What `fit` learned."""
        return {"centres": self.centres}

    def load_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Takes back what `state` gave.

        Raises
        ------
        ValueError
            If it is not (c, d) float32 centres.
        """
        centres = state.get("centres")
        if centres is None or centres.ndim != 2 or centres.dtype != np.float32 or centres.size == 0:
            got = "none" if centres is None else f"{centres.shape} {centres.dtype}"
            raise ValueError(f"state['centres'] must be (c, d) float32, got {got}")
        self._centres = np.ascontiguousarray(centres)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, but for its state."""
        return {"kind": self.kind, "name": self.name, "num_centres": self.num_centres, "local": self.local.spec()}


def _sample(described: Sequence[npt.NDArray[Any]], seed: int) -> FloatArray:
    """(at most MAX_SAMPLE, d) rows drawn without replacement, in their order; only the drawn are copied."""
    ends = np.cumsum([len(d) for d in described])
    if ends[-1] <= MAX_SAMPLE:
        return np.concatenate(described)
    drawn = np.sort(np.random.default_rng(seed).choice(ends[-1], MAX_SAMPLE, replace=False))
    parts = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    starts = ends - [len(d) for d in described]
    return np.concatenate([d[part - start] for d, part, start in zip(described, parts, starts, strict=True)])


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Vectors along the last axis divided by their length; zero stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
