"""The sheet on which a building is drawn in elevation: plan units, x to the right, y up from the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hcbir.study.synthetic.materials import Material, Pixels, as_pixels

Points = Sequence[tuple[float, float]]

_SHIFT = 4  # fractional bits of OpenCV's polygon corners


@dataclass(frozen=True, eq=False)
class Elevation:
    """A drawn building.

    `pixels` (h, w, 3) RGB 0..255; `alpha` (h, w) 0..1, 0 where one sees through; `light` (h, w) 0..1, what shines at
    night; `scale` is pixels a plan unit. The last row is the ground.
    """

    pixels: Pixels
    alpha: Pixels
    light: Pixels
    scale: float


class Canvas:
    """Paints filled outlines with materials, the later over the earlier."""

    def __init__(self, width: float, height: float, *, scale: float, rng: np.random.Generator) -> None:
        rows, cols = math.ceil(height * scale), math.ceil(width * scale)
        self.width, self.height, self.scale, self.rng = width, height, scale, rng
        self._pixels = np.zeros((rows, cols, 3), np.float32)
        self._alpha = np.zeros((rows, cols), np.float32)
        self._light = np.zeros((rows, cols), np.float32)

    def elevation(self) -> Elevation:
        return Elevation(np.clip(self._pixels, 0, 255), self._alpha, self._light, self.scale)

    def fill(
        self, outline: Points, material: Material, *, shade: float = 1, rounded: float = 0, light: float = 0
    ) -> None:
        """Fills an outline; `rounded` (0..1) darkens towards the sides as on a column, `light` shines at night."""
        found = self._mask(outline)
        if found is None:
            return
        window, mask = found
        texture = material.texture(mask.shape[0], mask.shape[1], self.scale, self.rng) * np.float32(shade)
        if rounded:
            across = np.linspace(-1, 1, mask.shape[1], dtype=np.float32)
            # lit from the left
            texture *= (1 - rounded * (0.05 + 0.38 * (across + 0.35) ** 2))[None, :, None]
        opaque = mask[..., None]
        self._pixels[window] += (texture - self._pixels[window]) * opaque
        self._alpha[window] = np.maximum(self._alpha[window], mask)
        self._light[window] += (light - self._light[window]) * mask

    def cut(self, outline: Points) -> None:
        """Opens a hole through which the background is seen."""
        found = self._mask(outline)
        if found is not None:
            window, mask = found
            self._alpha[window] *= 1 - mask
            self._light[window] *= 1 - mask

    def shade(self, outline: Points, factor: float) -> None:
        """Darkens (or lightens) what is already painted, as a cast shadow does."""
        found = self._mask(outline)
        if found is not None:
            window, mask = found
            self._pixels[window] *= 1 + (factor - 1) * mask[..., None]

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float, material: Material) -> None:
        (x0, y0), (x1, y1) = start, end
        length = math.hypot(x1 - x0, y1 - y0)
        if length:
            dx, dy = (y1 - y0) / length * width / 2, (x0 - x1) / length * width / 2
            self.fill([(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)], material)

    def _mask(self, outline: Points) -> tuple[tuple[slice, slice], Pixels] | None:
        """The part of the sheet that the outline touches and its coverage there; None outside the sheet."""
        corners = np.array(outline, dtype=np.float64)
        corners = np.stack([corners[:, 0], self.height - corners[:, 1]], axis=1) * self.scale
        rows, cols = self._alpha.shape
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, [cols, rows])
        if right <= left or bottom <= top:
            return None
        mask = np.zeros((bottom - top, right - left), np.uint8)
        # pixel centres stand at whole numbers in OpenCV, at halves on the sheet
        fixed = np.round((corners - [left + 0.5, top + 0.5]) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
        return (slice(top, bottom), slice(left, right)), as_pixels(mask) / np.float32(255)
