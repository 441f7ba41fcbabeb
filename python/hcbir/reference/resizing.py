"""Bicubic resizing as the core promises it (resize.hpp)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def resize_bicubic(pixels: Bytes, width: int, height: int, *, box: tuple[float, float] | None = None) -> Bytes:
    """(height, width, c) uint8 of (h, w, c) uint8.

    Parameters
    ----------
    pixels : (h, w, c)
    width, height : int
        In pixels.
    box : (width, height), optional
        Of what the result shows, from the first pixel on; default: all.
    """
    box_width, box_height = box or pixels.shape[1::-1]
    old_height, old_width = pixels.shape[:2]
    if old_height - height > max(0, 2 * (old_width - width)):
        return _along_rows(_along_columns(pixels, box_height, height), box_width, width)
    return _along_columns(_along_rows(pixels, box_width, width), box_height, height)


def _along_rows(pixels: Bytes, length: float, size: int) -> Bytes:
    return _along_columns(pixels.transpose(1, 0, 2), length, size).transpose(1, 0, 2)


def _along_columns(pixels: Bytes, length: float, size: int) -> Bytes:
    weights = np.rint(_weights(len(pixels), float(np.float32(length)), size) * (1 << 22)).astype(np.int64)
    sums = np.einsum("ij,jkc->ikc", weights, pixels.astype(np.int64))
    return np.asarray(np.clip((sums + (1 << 21)) >> 22, 0, 255), np.uint8)


def _weights(source_size: int, length: float, size: int) -> npt.NDArray[np.float64]:
    """(size, source_size): how much each source pixel counts; rows sum to 1."""
    step = length / size
    widening = max(step, 1.0)
    centres = (np.arange(size)[:, None] + 0.5) * step
    places = np.arange(source_size)
    first, end = np.floor(centres - 2 * widening + 0.5), np.floor(centres + 2 * widening + 0.5)
    weights = np.where((places >= first) & (places < end), _cubic((places - centres + 0.5) / widening), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _cubic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys's kernel with a = -1/2."""
    x = np.abs(x)
    near, far = 1 - 2.5 * x**2 + 1.5 * x**3, 2 - 4 * x + 2.5 * x**2 - 0.5 * x**3
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
