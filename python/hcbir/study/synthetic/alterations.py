"""What befalls a print: fading, stains, scratches, folds, stamps, torn corners."""

from __future__ import annotations

import cv2
import numpy as np

from hcbir.study.synthetic.lettering import write
from hcbir.study.synthetic.rendering.numbers import Floats, Rng, direction, grain, noise, pick


def alter(pixels: Floats, strength: int, rng: Rng) -> Floats:
    """0 nothing; 1 faded, a few specks; 2 stains, scratches and a fold; 3 all of it and more."""
    if strength == 0:
        return pixels
    pixels = _fade(pixels, float(rng.uniform(0.06, 0.14)) * strength, rng)
    pixels = _specks(pixels, 25 * strength, rng)
    if strength >= 2:
        pixels = _stains(pixels, 1 + 2 * (strength - 1), rng)
        pixels = _scratches(pixels, 14 * (strength - 1), rng)
        pixels = _fold(pixels, rng, down=bool(rng.random() < 0.5))
    if strength == 3:
        pixels = _tear(pixels, rng)
        pixels = _stamp(pixels, rng)
    return pixels


def _fade(pixels: Floats, amount: float, rng: Rng) -> Floats:
    """Towards the paper, unevenly, as light from one side does."""
    height, width = pixels.shape[:2]
    uneven = np.clip(1 + np.float32(0.5) * noise(height, width, width / 2, rng, octaves=2), 0.3, 1.7)
    paper = np.array((226, 222, 214), np.float32)
    out: Floats = pixels + (paper - pixels) * (uneven * np.float32(amount))[..., None]
    return out


def _specks(pixels: Floats, count: int, rng: Rng) -> Floats:
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        at = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(mask, at, int(rng.integers(1, 3)), int(pick(rng, (1, 2))), -1)
    pixels = np.where((mask == 1)[..., None], np.float32(228), pixels)
    return np.where((mask == 2)[..., None], np.float32(52), pixels)


def _stains(pixels: Floats, count: int, rng: Rng) -> Floats:
    height, width = pixels.shape[:2]
    rows, cols = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    rough = noise(height, width, width / 8, rng, octaves=4) * np.float32(0.3)
    shade = np.ones((height, width), np.float32)
    for _ in range(count):
        y, x = np.float32(rng.uniform(0, height)), np.float32(rng.uniform(0, width))
        radius = np.float32(width * rng.uniform(0.06, 0.2))
        reach = np.sqrt((rows - y) * (rows - y) + (cols - x) * (cols - x)) / radius + rough
        edge = np.clip(np.float32(1) - np.abs(reach - np.float32(0.97)) * np.float32(14), 0, 1)
        inside = np.clip((np.float32(1) - reach) * np.float32(8), 0, 1)
        shade *= np.float32(1) - np.float32(0.2) * inside - np.float32(0.22) * edge
    tea = np.array((0.85, 1.0, 1.3), np.float32)
    return np.maximum(pixels * (np.float32(1) - (np.float32(1) - shade[..., None]) * tea), np.float32(0))


def _scratches(pixels: Floats, count: int, rng: Rng) -> Floats:
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(count):
        x, y, run = float(rng.uniform(0, width)), float(rng.uniform(0, height)), float(rng.uniform(0.05, 0.5)) * height
        cos, sin = direction(float(rng.uniform(1.1, 2.0)))
        cv2.line(mask, (round(x), round(y)), (round(x + run * cos), round(y + run * sin)), 1, 1)
    return np.where((mask == 1)[..., None], pixels * np.float32(0.25) + np.float32(172), pixels)


def _fold(pixels: Floats, rng: Rng, *, down: bool) -> Floats:
    pixels = pixels.copy()
    along = pixels if down else np.swapaxes(pixels, 0, 1)
    at = int(along.shape[1] * rng.uniform(0.25, 0.75))
    worn = (noise(1, along.shape[0], 12, rng)[0] > -0.4)[:, None]
    for k, tone in enumerate((0.86, 0.7, 1.5, 1.25, 0.92)):
        along[:, at + k] = np.where(
            worn, np.minimum(along[:, at + k] * np.float32(tone) + (12 if tone > 1 else 0), 255), along[:, at + k]
        )
    return pixels


def _tear(pixels: Floats, rng: Rng) -> Floats:
    """Takes a corner off, along a ragged edge that shows the paper's white core."""
    height, width = pixels.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None] / np.float32(height)
    cols = np.arange(width, dtype=np.float32)[None] / np.float32(width)
    rows = rows if rng.random() < 0.5 else 1 - rows
    cols = cols if rng.random() < 0.5 else 1 - cols
    edge = (rows + cols) / np.float32(rng.uniform(0.22, 0.42)) + np.float32(0.07) * noise(
        height, width, width / 10, rng, octaves=5
    )
    pixels = np.where((edge < 1.05)[..., None], np.array((238, 234, 226), np.float32), pixels)
    return np.where((edge < 1)[..., None], np.float32(66) + 4 * grain(height, width, rng)[..., None], pixels)


def _stamp(pixels: Floats, rng: Rng) -> Floats:
    """An archive's stamp, in one ink."""
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    radius = round(width * float(rng.uniform(0.07, 0.1)))
    x, y = int(width * rng.uniform(0.15, 0.85)), int(height * rng.uniform(0.15, 0.85))
    for r in (radius, round(radius * 0.72)):
        cv2.circle(mask, (x, y), r, 255, max(1, radius // 16))
    write(mask, "ARCHIVES", (x - radius * 0.62, y - radius * 0.16), radius * 0.3, max(1, radius // 18))
    ink = (mask > 0) & (noise(height, width, 9, rng) > -0.5)
    return np.where(ink[..., None], pixels * np.float32(0.45) + np.array((36, 30, 62), np.float32), pixels)
