"""The local features of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._arrays import positive_int

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """Keypoints of an image and a descriptor for each.

    Parameters
    ----------
    keypoints : (n, 2) float32
        x, y in pixels of the image in its own full size; (0, 0) is the centre of the top-left pixel.
    descriptors : (n, d) float32 or (n, bytes) uint8
        Unit vectors, or binary descriptors packed into bytes.
    scores : (n,) float32
        Detector response, larger is better; rows stand in descending order of it.
    scales, orientations : (n,) float32, optional
        Diameter of the described patch in pixels, positive; angle in radians, from x towards y. Both finite.
    image_size : (width, height), optional
        Of the image in pixels.

    Raises
    ------
    ValueError, TypeError
        If a shape, dtype or value is not as above.
    """

    keypoints: FloatArray
    descriptors: FloatArray | npt.NDArray[np.uint8]
    scores: FloatArray
    scales: FloatArray | None = None
    orientations: FloatArray | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("keypoints", "descriptors", "scores", "scales", "orientations"):
            values = getattr(self, name)
            if not isinstance(values, np.ndarray) and not (values is None and name in ("scales", "orientations")):
                raise TypeError(f"{name} must be a numpy array, got {type(values).__name__}")
        n = len(self.keypoints)
        if self.keypoints.shape != (n, 2) or self.keypoints.dtype != np.float32:
            raise ValueError(f"keypoints must be (n, 2) float32, got {self.keypoints.shape} {self.keypoints.dtype}")
        if self.descriptors.ndim != 2 or len(self.descriptors) != n:
            raise ValueError(f"descriptors must be ({n}, d), one row a keypoint, got {self.descriptors.shape}")
        if self.descriptors.dtype not in (np.float32, np.uint8):
            raise TypeError(f"descriptors must be float32, or uint8 for binary ones, got {self.descriptors.dtype}")
        for name in ("scores", "scales", "orientations"):
            values = getattr(self, name)
            if values is not None and values.shape != (n,):
                raise ValueError(f"{name} must be ({n},), one a keypoint, got {values.shape}")
        if self.scales is not None:
            _require("scales", "positive and finite", self.scales, np.isfinite(self.scales) & (self.scales > 0))
        if self.orientations is not None:
            _require("orientations", "finite", self.orientations, np.isfinite(self.orientations))
        if self.image_size is not None:
            object.__setattr__(self, "image_size", _width_and_height(self.image_size))

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def is_binary(self) -> bool:
        """Whether the descriptors are compared by Hamming distance."""
        return bool(self.descriptors.dtype == np.uint8)


def _require(name: str, expected: str, values: FloatArray, fits: npt.NDArray[np.bool_]) -> None:
    if not fits.all():
        row = int(fits.argmin())
        raise ValueError(f"{name} must be {expected}, got {values[row]} in row {row}")


def _width_and_height(size: Any) -> tuple[int, int]:
    try:
        width, height = size
        return positive_int(width, "width"), positive_int(height, "height")
    except (TypeError, ValueError):
        raise ValueError(f"image_size must be width and height, two positive whole numbers, got {size!r}") from None
