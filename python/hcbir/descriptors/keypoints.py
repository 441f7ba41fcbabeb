"""Keypoints of a shrunken image in pixels of the full one."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from hcbir._features import FloatArray, LocalFeatures
from hcbir.descriptors.shrinking import thumbnail_size


def to_full_size(points: npt.ArrayLike, size: tuple[int, int], full_size: tuple[int, int]) -> FloatArray:
    """Scales (n, 2) x, y; (0, 0) is the centre of the top-left pixel, so the image begins at (-0.5, -0.5)."""
    scale = np.array(full_size, np.float64) / np.array(size, np.float64)
    return ((np.asarray(points, np.float64) + 0.5) * scale - 0.5).astype(np.float32)


def to_size(points: FloatArray, size: tuple[int, int], full_size: tuple[int, int]) -> FloatArray:
    """The inverse of `to_full_size`."""
    return to_full_size(points, full_size, size)


def enlargement(size: tuple[int, int], full_size: tuple[int, int]) -> float:
    """Of lengths, from the shrunken image to the full one."""
    return sqrt(full_size[0] * full_size[1] / (size[0] * size[1]))


def as_described(features: LocalFeatures, image_size: int) -> LocalFeatures:
    """The same with keypoints and scales in pixels of the image as it was described, at that longest side at most."""
    full_size = features.image_size
    if full_size is None or max(full_size) <= image_size:
        return features
    size = thumbnail_size(full_size, image_size)
    scales = None if features.scales is None else features.scales / np.float32(enlargement(size, full_size))
    return replace(features, keypoints=to_size(features.keypoints, size, full_size), scales=scales, image_size=size)


def empty_features(dim: int, dtype: npt.DTypeLike, full_size: tuple[int, int]) -> LocalFeatures:
    """The features of an image in which there are none."""
    none = np.empty(0, np.float32)
    return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, dim), dtype), none, none, none, full_size)
