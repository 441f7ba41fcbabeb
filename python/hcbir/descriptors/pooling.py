"""Activation maps -> vectors.

The definitions are those of Radenović et al. (filipradenovic/cnnimageretrieval-pytorch, layers/functional.py).
"""

from __future__ import annotations

import numpy as np

from hcbir._features import FloatArray

EPSILON = 1e-6


def pool(maps: FloatArray, pooling: str, *, p: float = 3.0) -> FloatArray:
    """Pools activation maps over all places.

    Parameters
    ----------
    maps : (n, c, h, w) float32
    pooling : {"gem", "mac", "spoc"}
        The generalised mean with power p of values clipped from below at 1e-6; the maximum; the mean.
    p : float

    Returns
    -------
    (n, c) float32
    """
    if pooling == "mac":
        pooled = np.max(maps, axis=(2, 3))
    elif pooling == "spoc":
        pooled = np.mean(maps, axis=(2, 3), dtype=np.float64)
    else:
        powers = np.power(np.maximum(maps, np.float32(EPSILON)), np.float32(p))
        pooled = np.power(np.mean(powers, axis=(2, 3), dtype=np.float64), 1.0 / p)
    return np.asarray(pooled, np.float32)


def normalise(vectors: FloatArray) -> FloatArray:
    """Rows divided by (their length + 1e-6)."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / (lengths + EPSILON), np.float32)


def combine_scales(descriptors: list[FloatArray], *, p: float = 1.0) -> FloatArray:
    """The generalised mean, with power p, of the (n, d) descriptors of each scale, as unit vectors."""
    if len(descriptors) == 1:
        return descriptors[0]
    mean = np.mean([np.power(d.astype(np.float64), p) for d in descriptors], axis=0)
    return normalise(np.power(mean, 1.0 / p).astype(np.float32))


def resize(tensors: FloatArray, scale: float) -> FloatArray:
    """(n, c, h, w) at another scale, bilinear, pixel centres at halves (align_corners=False), no smoothing."""
    if scale == 1.0:
        return tensors
    for axis in (2, 3):
        size = tensors.shape[axis]
        places = (np.arange(max(1, int(size * scale))) + 0.5) / scale - 0.5
        places = np.clip(places, 0, size - 1)
        before = np.floor(places).astype(np.intp)
        weight = (places - before).astype(np.float32).reshape((-1, 1) if axis == 2 else (-1,))
        after = np.minimum(before + 1, size - 1)
        tensors = tensors.take(before, axis=axis) * (1 - weight) + tensors.take(after, axis=axis) * weight
    return tensors
