"""Textures of which synthetic buildings are made, and the noise below them.

A texture is a function of its size in pixels, of the scale (pixels a unit of the plan) and of a generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
"""(height, width, 3) RGB or (height, width), values 0..255, or 0..1 for masks."""

Colour = tuple[float, float, float]


def as_pixels(array: npt.ArrayLike) -> Pixels:
    return np.asarray(array, dtype=np.float32)


def noise(height: int, width: int, cell: float, rng: np.random.Generator, *, octaves: int = 3) -> Pixels:
    """(height, width) smooth noise of about -1..1; `cell` is the size in pixels of its coarsest features."""
    total = np.zeros((height, width), np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for _ in range(octaves):
        rows, cols = max(2, round(height / cell) + 2), max(2, round(width / cell) + 2)
        grid = rng.uniform(-1, 1, (rows, cols)).astype(np.float32)
        total += np.float32(weight) * as_pixels(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC))
        sum_of_weights += weight
        weight, cell = weight / 2, max(1.0, cell / 2)
    return total / np.float32(sum_of_weights)


def lookup(table: Pixels, rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> Pixels:
    return as_pixels(table[rows % table.shape[0], cols % table.shape[1]])


class Material(Protocol):
    def texture(self, height: int, width: int, scale: float, rng: np.random.Generator) -> Pixels:
        """(height, width, 3) float32, 0..255."""
        ...


def _tinted(colour: Colour, tone: Pixels) -> Pixels:
    return as_pixels(np.clip(tone[..., None] * as_pixels(colour), 0, 255))


@dataclass(frozen=True)
class Plain:
    """Plaster, glass, metal: one colour with a grain and large stains."""

    colour: Colour
    grain: float = 0.05

    def texture(self, height: int, width: int, scale: float, rng: np.random.Generator) -> Pixels:
        tone = 1 + self.grain * 2 * noise(height, width, 60 * scale, rng)
        tone += np.float32(self.grain) * rng.standard_normal((height, width), np.float32)
        return _tinted(self.colour, tone)


@dataclass(frozen=True)
class Masonry:
    """Courses of stones or bricks, each with its own tone, between joints; `course` and `length` in plan units."""

    colour: Colour
    course: float = 16
    length: float = 34
    contrast: float = 0.17
    joint: float = 0.72

    def texture(self, height: int, width: int, scale: float, rng: np.random.Generator) -> Pixels:
        course, length = max(3.0, self.course * scale), max(4.0, self.length * scale)
        y = np.arange(height, dtype=np.float32) + rng.uniform(0, course)
        rows = (y // course).astype(np.intp)
        shift = rng.uniform(0, length, rows[-1] + 1).astype(np.float32)
        x = np.arange(width, dtype=np.float32)[None, :] + shift[rows][:, None]
        cols = (x // length).astype(np.intp)
        tones = as_pixels(1 + self.contrast * rng.standard_normal((rows[-1] + 1, int(cols.max()) + 1), np.float32))
        tone = lookup(np.clip(tones, 0.45, 1.5), rows[:, None], cols)
        width_of_joint = max(1.0, 1.6 * scale)
        tone[(y % course) < width_of_joint, :] *= np.float32(self.joint)
        tone[(x % length) < width_of_joint] *= np.float32(self.joint)
        tone *= 1 + 0.16 * noise(height, width, 90 * scale, rng)
        tone += np.float32(0.04) * rng.standard_normal((height, width), np.float32)
        return _tinted(self.colour, tone)


@dataclass(frozen=True)
class Tiles:
    """Rows of roof tiles or slates, darker below each row's edge."""

    colour: Colour
    size: float = 11

    def texture(self, height: int, width: int, scale: float, rng: np.random.Generator) -> Pixels:
        size = max(3.0, self.size * scale)
        y, x = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
        rows = (y // size).astype(np.intp)
        cols = ((x[None, :] + (rows[:, None] % 2) * (size / 2)) // size).astype(np.intp)
        tones = as_pixels(1 + 0.16 * rng.standard_normal((rows[-1] + 1, int(cols.max()) + 1), np.float32))
        tone = lookup(tones, rows[:, None], cols) * (0.8 + 0.3 * (y % size) / size)[:, None]
        tone = tone * (1 + 0.14 * noise(height, width, 120 * scale, rng))
        return _tinted(self.colour, as_pixels(tone))


@dataclass(frozen=True)
class Planks:
    """Upright or lying boards."""

    colour: Colour
    size: float = 14
    upright: bool = True

    def texture(self, height: int, width: int, scale: float, rng: np.random.Generator) -> Pixels:
        size = max(3.0, self.size * scale)
        along, across = (height, width) if self.upright else (width, height)
        position = np.arange(across, dtype=np.float32)
        boards = (position // size).astype(np.intp)
        tones = as_pixels(1 + 0.15 * rng.standard_normal(boards[-1] + 1, np.float32))
        profile = tones[boards] * np.where(position % size < max(1.0, 1.5 * scale), 0.6, 1.0)
        grain = noise(along, across, 26 * scale, rng)
        tone = profile[None, :] * (1 + 0.16 * grain)
        return _tinted(self.colour, as_pixels(tone if self.upright else tone.T))
