"""Numbers that are the same bits everywhere: generators, angles, noise, small blurs."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Rng = np.random.Generator
Colour = tuple[float, float, float]
"""RGB, 0 to 255."""
T = TypeVar("T")


def generator(seed: int, *key: str | int) -> Rng:
    """Random numbers as a function of the seed and of what they are for."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.Generator(np.random.PCG64([seed, *words]))


def pick(rng: Rng, values: Sequence[T]) -> T:
    return values[int(rng.integers(len(values)))]


def direction(angle: float) -> tuple[float, float]:
    """Cosine and sine, rounded: the last bits of a libm's are its own."""
    return round(math.cos(angle), 12), round(math.sin(angle), 12)


def luma(pixels: Floats) -> Floats:
    """(h, w) of (h, w, 3)."""
    out: Floats = np.float32(0.299) * pixels[..., 0] + np.float32(0.587) * pixels[..., 1]
    out += np.float32(0.114) * pixels[..., 2]
    return out


def grain(height: int, width: int, rng: Rng) -> Floats:
    """(height, width) independent values about 0, variance 1, bell-shaped."""
    words = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
    total = words[0].astype(np.float32) + words[1] + words[2]
    out: Floats = (total - np.float32(382.5)) * np.float32(1 / 128)
    return out


def noise(height: int, width: int, cell: float, rng: Rng, *, octaves: int = 3) -> Floats:
    """(height, width) smooth noise of about -1..1 that tiles; `cell` is the size in pixels of its coarsest features."""
    total = np.zeros((height, width), np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for _ in range(octaves):
        rows, cols = max(1, round(height / cell)), max(1, round(width / cell))
        grid = rng.random((rows, cols), np.float32) * np.float32(2) - np.float32(1)
        at_rows = _between(grid, height, 0)
        total += np.float32(weight) * _between(at_rows, width, 1)
        sum_of_weights += weight
        weight, cell = weight / 2, cell / 2
        if cell < 1.5:
            break
    total *= np.float32(1.6 / sum_of_weights)
    return total


def _between(grid: Floats, size: int, axis: int) -> Floats:
    count = grid.shape[axis]
    at = np.arange(size, dtype=np.float32) * np.float32(count / size)
    low = np.minimum(at.astype(np.intp), count - 1)
    part = at - low.astype(np.float32)
    part = part * part * (np.float32(3) - np.float32(2) * part)
    part = part[:, None] if axis == 0 else part[None, :]
    first, second = grid.take(low, axis=axis), grid.take((low + 1) % count, axis=axis)
    out: Floats = first + (second - first) * part
    return out


def soften(values: Floats, times: int = 1) -> Floats:
    """[1 2 1] / 4 down and across, `times` over; the edge repeated."""
    for _ in range(times):
        for axis in (0, 1):
            values = np.moveaxis(values, axis, 0)
            out = values * np.float32(2)
            out[1:] += values[:-1]
            out[0] += values[0]
            out[:-1] += values[1:]
            out[-1] += values[-1]
            values = np.moveaxis(out * np.float32(0.25), 0, axis)
    return np.ascontiguousarray(values)


def halve(values: Floats) -> Floats:
    """Means of 2 x 2; an odd last row or column is repeated."""
    if values.shape[0] % 2 or values.shape[1] % 2:
        ends = [(0, values.shape[0] % 2), (0, values.shape[1] % 2)] + [(0, 0)] * (values.ndim - 2)
        values = np.pad(values, ends, mode="edge")
    total = values[0::2, 0::2] + values[0::2, 1::2]
    total += values[1::2, 0::2]
    total += values[1::2, 1::2]
    out: Floats = total * np.float32(0.25)
    return out


def enlarge(values: Floats, height: int, width: int) -> Floats:
    """Linear interpolation to a larger size."""
    for axis, size in ((0, height), (1, width)):
        count = values.shape[axis]
        at = np.clip(
            (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(count / size) - 0.5, 0, count - 1
        )
        low = np.minimum(at.astype(np.intp), max(count - 2, 0))
        part = (at - low).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(values.ndim)])
        first, second = values.take(low, axis=axis), values.take(np.minimum(low + 1, count - 1), axis=axis)
        values = first + (second - first) * part
    return values


def blur(values: Floats, radius: float) -> Floats:
    """A soft blur, exact in no respect but its bits: halved until small, softened, enlarged."""
    sizes: list[tuple[int, int]] = []
    while radius > 2 and min(values.shape[:2]) > 4:
        sizes.append((values.shape[0], values.shape[1]))
        values, radius = halve(values), radius / 2
    values = soften(values, max(1, round(2 * radius * radius)))
    for height, width in reversed(sizes):
        values = enlarge(values, height, width)
    return values


def sines(angles: npt.NDArray[np.floating]) -> Floats:
    """sin(2 pi x) of each x, to 0.1 %: a parabola, corrected, for waves and hatching."""
    part = angles - np.floor(angles)
    half = np.where(part < 0.5, part, part - 0.5)
    arch = 16 * half * (0.5 - half)
    arch = arch * (0.775 + 0.225 * arch)
    out: Floats = np.where(part < 0.5, arch, -arch).astype(np.float32)
    return out


def length(vector: Sequence[float]) -> float:
    return math.sqrt(sum(part * part for part in vector))
