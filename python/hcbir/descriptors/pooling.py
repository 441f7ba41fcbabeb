"""Activation maps -> vectors.

The definitions are those of Radenović et al. (filipradenovic/cnnimageretrieval-pytorch, layers/functional.py).
"""

from __future__ import annotations

from math import floor

import numpy as np

from hcbir._features import FloatArray

EPSILON = 1e-6

RMAC_LEVELS = 3
RMAC_OVERLAP = 0.4


def pool(maps: FloatArray, pooling: str, *, p: float = 3.0) -> FloatArray:
    """Pools activation maps over all places.

    Parameters
    ----------
    maps : (n, c, h, w) float32
    pooling : {"gem", "mac", "spoc", "rmac"}
        The generalised mean with power p of values clipped from below at 1e-6; the maximum; the mean; the sum of the
        unit vectors of the maxima over the whole map and over each of `rmac_regions`.
    p : float

    Returns
    -------
    (n, c) float32
    """
    if pooling == "mac":
        pooled = np.max(maps, axis=(2, 3))
    elif pooling == "spoc":
        pooled = np.mean(maps, axis=(2, 3), dtype=np.float64)
    elif pooling == "rmac":
        pooled = _rmac(maps)
    else:
        clipped = np.maximum(maps, np.float32(EPSILON))
        powers = clipped * clipped * clipped if p == 3.0 else np.power(clipped, np.float32(p))
        pooled = np.power(np.mean(powers, axis=(2, 3), dtype=np.float64), 1.0 / p)
    return np.asarray(pooled, np.float32)


def rmac_regions(height: int, width: int) -> list[tuple[int, int, int]]:
    """The squares of R-MAC on a map: (top, left, side), level by level, without the whole map.

    Source: Tolias et al., ICLR 2016.
    """
    short, long = min(height, width), max(height, width)
    steps = range(1, 7)  # on the longer side, so that neighbours overlap by nearest to 40 %
    overlaps = [(short * short - short * (long - short) / step) / (short * short) for step in steps]
    misses = [abs(overlap - RMAC_OVERLAP) for overlap in overlaps]
    extra = 0 if height == width else misses.index(min(misses)) + 1
    regions = []
    for level in range(1, RMAC_LEVELS + 1):
        side = 2 * short // (level + 1)
        if side == 0:
            continue
        rows = _starts(height, side, level + (extra if height > width else 0))
        columns = _starts(width, side, level + (extra if width > height else 0))
        regions += [(row, column, side) for row in rows for column in columns]
    return regions


def _starts(length: int, side: int, count: int) -> list[int]:
    step = (length - side) / (count - 1) if count > 1 else 0.0
    half = floor(side / 2 - 1)
    return [floor(half + k * step) - half for k in range(count)]


def _rmac(maps: FloatArray) -> FloatArray:
    total = normalise(np.max(maps, axis=(2, 3)))
    for row, column, side in rmac_regions(*maps.shape[2:]):
        total += normalise(np.max(maps[:, :, row : row + side, column : column + side], axis=(2, 3)))
    return total


def normalise(vectors: FloatArray) -> FloatArray:
    """Rows divided by (their length + 1e-6)."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / (lengths + EPSILON), np.float32)


def combine_scales(descriptors: list[FloatArray], *, power: float = 1.0) -> FloatArray:
    """The generalised mean of the (n, d) descriptors of each scale, as unit vectors.

    Raises
    ------
    ValueError
        If a power other than 1 meets a negative value.
    """
    if len(descriptors) == 1:
        return descriptors[0]
    stacked = np.stack(descriptors).astype(np.float64)
    if power != 1.0:
        if (stacked < 0).any():
            raise ValueError(f"power must be 1 where descriptors have negative values, got {power}")
        stacked **= power
    mean = stacked.mean(axis=0) ** (1.0 / power)
    lengths = np.linalg.norm(mean, axis=1, keepdims=True)
    return np.asarray(mean / np.where(lengths > 0, lengths, 1.0), np.float32)
