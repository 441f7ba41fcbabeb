"""Lloyd's iteration, specified. The seeding is random, so only what must hold of its result is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def assign(vectors: Array, centroids: Array) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Nearest centroid of every vector, the first of equally near ones, and the squared distance to it."""
    x, c = vectors.astype(np.float64), centroids.astype(np.float64)
    squared = ((x[:, None] - c[None]) ** 2).sum(axis=2).astype(np.float32)
    nearest = squared.argmin(axis=1)
    return nearest, squared[np.arange(len(x)), nearest].astype(np.float64)


def lloyd_step(vectors: Array, centroids: Array) -> npt.NDArray[np.float32]:
    """Every centroid moved to the mean of its vectors; an empty cluster stays where it is."""
    nearest, _ = assign(vectors, centroids)
    moved = centroids.astype(np.float32).copy()
    for c in range(len(centroids)):
        if (nearest == c).any():
            moved[c] = vectors[nearest == c].astype(np.float64).mean(axis=0)
    return moved
