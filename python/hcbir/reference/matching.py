"""One-to-one matching, specified."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.reference.search import scores

Array = npt.NDArray[Any]


def hamming(descriptors0: Array, descriptors1: Array) -> npt.NDArray[np.int64]:
    """(n0, n1) numbers of different bits."""
    bits0, bits1 = np.unpackbits(descriptors0, axis=1), np.unpackbits(descriptors1, axis=1)
    return np.asarray((bits0[:, None] != bits1[None]).sum(axis=2, dtype=np.int64))


def distance(score: float, metric: str) -> float:
    """Bits, or Euclidean distance; for "dot" and "cosine" that of unit vectors of that score."""
    if metric == "hamming":
        return -score
    return math.sqrt(max(0.0, -score if metric == "l2" else 2 - 2 * score))


def match(
    descriptors0: Array,
    descriptors1: Array,
    *,
    cross_check: bool = True,
    max_distance: float = math.inf,
    max_ratio: float = math.inf,
    metric: str = "dot",
) -> list[tuple[int, int]]:
    """Pairs of rows, ascending by the first; the nearest neighbour is the first of equally near ones."""
    pairs: list[tuple[int, int]] = []
    if len(descriptors0) == 0 or len(descriptors1) == 0:
        return pairs
    if metric == "hamming":
        table = -hamming(descriptors0, descriptors1).astype(np.float64)
    else:
        table = scores(descriptors0, descriptors1, metric).astype(np.float64)
    for i, row in enumerate(table):
        j = int(row.argmax())
        nearest = distance(row[j], metric)
        others = np.delete(row, j)
        second = distance(others.max(), metric) if len(others) else math.inf
        if cross_check and int(table[:, j].argmax()) != i:
            continue
        if nearest < max_distance and (math.isinf(max_ratio) or nearest < max_ratio * second):
            pairs.append((i, j))
    return pairs
