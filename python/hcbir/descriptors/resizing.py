"""Resizing of normalised images, exactly as the definitions of the descriptors say."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._features import FloatArray
from hcbir.descriptors.device import Between, DeviceTensors

Places = npt.NDArray[np.floating[Any]]
Tensors = FloatArray | DeviceTensors


def resize(tensors: Tensors, scale: float) -> Tensors:
    """(n, c, h, w) at another scale, bilinear, pixel centres at halves (align_corners=False), no smoothing.

    The size is rounded down; output pixel i lies at (i + 0.5) / scale - 0.5, whatever the rounding.
    """
    if scale == 1.0:
        return tensors
    places = [(np.arange(max(1, int(size * scale))) + 0.5) / scale - 0.5 for size in tensors.shape[2:]]
    return _sampled(tensors, places)


def resize_from_corner(tensors: Tensors, scale: float) -> Tensors:
    """(n, c, h, w) at another scale, bilinear, first pixel on first pixel, no smoothing.

    DELF's: the size is rounded, and output pixel i lies at i * (old size / new size). So a place of its map lies at
    stride * index / scale of the image, with no offset. Source: tensorflow/models, delf/feature_extractor.py.
    """
    if scale == 1.0:
        return tensors
    sizes = [(size, max(1, round(size * scale))) for size in tensors.shape[2:]]
    return _sampled(tensors, [np.arange(new) * (old / new) for old, new in sizes])


def _sampled(tensors: Tensors, places: list[Places]) -> Tensors:
    """At the product of the places along height and width, held within the first and last pixel."""
    rows, columns = (_between(along, size) for along, size in zip(places, tensors.shape[2:], strict=True))
    if isinstance(tensors, DeviceTensors):
        return tensors.sampled(rows, columns)
    for axis, (before, after, weight) in ((2, rows), (3, columns)):
        first, second = tensors.take(before, axis=axis), tensors.take(after, axis=axis)
        second -= first
        second *= weight.astype(tensors.dtype).reshape((-1, 1) if axis == 2 else (-1,))
        second += first
        tensors = second
    return tensors


def _between(along: Places, size: int) -> Between:
    along = np.clip(along, 0, size - 1)
    before = np.floor(along).astype(np.int64)
    return before, np.minimum(before + 1, size - 1), (along - before).astype(np.float32)
