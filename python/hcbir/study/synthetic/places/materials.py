"""Textures that tile: 256 x 256 texels of stone, roof, ground, leaves."""

from __future__ import annotations

import numpy as np

from hcbir.study.synthetic.rendering.atlas import OPAQUE
from hcbir.study.synthetic.rendering.numbers import Bytes, Colour, Floats, Rng, grain, noise, sines

SIDE = 256


def coloured(tone: Floats, colour: Colour) -> Bytes:
    """(h, w, 3) of a tone about 1."""
    return np.clip(tone[..., None] * np.array(colour, np.float32), 0, 255).astype(np.uint8)


def blocks(height: int, width: int, course: int, block: int, rng: Rng, *, contrast: float = 0.15) -> Floats:
    """Courses of stones or bricks, each with its own tone, between darker joints; sizes in texels."""
    rows, cols = np.arange(height), np.arange(width)
    row = rows // course
    shift = (row % 2) * (block // 2)
    col = (cols[None] + shift[:, None]) // block
    count = width // block + 2
    tones = 1 + np.float32(contrast * 2) * (rng.random((row[-1] + 1, count), np.float32) - np.float32(0.5))
    tone = tones[row[:, None], np.where(col * block >= width, 0, col)]
    joint = max(1, course // 9)
    tone[rows % course < joint] *= np.float32(0.74)
    tone[(cols[None] + shift[:, None]) % block < joint] *= np.float32(0.78)
    tone[rows % course == joint] *= np.float32(1.08)
    return tone


def stone(colour: Colour, rng: Rng, *, course: int = 16, block: int = 32, contrast: float = 0.15) -> Bytes:
    tone = blocks(SIDE, SIDE, course, block, rng, contrast=contrast)
    tone *= 1 + np.float32(0.1) * noise(SIDE, SIDE, 128, rng, octaves=4)
    return coloured(tone + np.float32(0.04) * grain(SIDE, SIDE, rng), colour)


def plaster(colour: Colour, rng: Rng, *, stains: float = 0.1) -> Bytes:
    tone = 1 + np.float32(stains) * noise(SIDE, SIDE, 128, rng, octaves=6)
    return coloured(tone + np.float32(0.03) * grain(SIDE, SIDE, rng), colour)


def rubble(colour: Colour, rng: Rng) -> Bytes:
    """Rock and rough masonry: noise with its edges brought out."""
    rough = noise(SIDE, SIDE, 48, rng, octaves=6)
    edge = np.abs(rough - np.roll(rough, 2, axis=0)) + np.abs(rough - np.roll(rough, 2, axis=1))
    tone = 1 + np.float32(0.3) * rough - np.float32(1.6) * np.minimum(edge, np.float32(0.3))
    return coloured(tone + np.float32(0.05) * grain(SIDE, SIDE, rng), colour)


def roof(colour: Colour, rng: Rng, *, size: int = 16) -> Bytes:
    """Tiles or slates, darker below each row's edge."""
    tone = blocks(SIDE, SIDE, size, size, rng, contrast=0.2)
    tone *= (np.float32(0.8) + np.float32(0.3 / size) * (np.arange(SIDE) % size).astype(np.float32))[:, None]
    tone *= 1 + np.float32(0.12) * noise(SIDE, SIDE, 128, rng, octaves=3)
    return coloured(tone, colour)


def planks(colour: Colour, rng: Rng, *, size: int = 16, upright: bool = True) -> Bytes:
    across = np.arange(SIDE)
    tones = 1 + np.float32(0.3) * (rng.random(SIDE // size, np.float32) - np.float32(0.5))
    profile = tones[across // size] * np.where(across % size < max(1, size // 8), np.float32(0.6), np.float32(1))
    tone = profile[None] * (1 + np.float32(0.12) * noise(SIDE, SIDE, 24, rng, octaves=3))
    return coloured(tone if upright else tone.T, colour)


def ground(colour: Colour, other: Colour, rng: Rng, *, cell: float = 64, speckle: float = 0.07) -> Bytes:
    """Grass, sand, earth: two colours in patches."""
    patches = np.clip(noise(SIDE, SIDE, cell, rng, octaves=6) * np.float32(0.7) + np.float32(0.5), 0, 1)[..., None]
    tone = 1 + np.float32(speckle) * grain(SIDE, SIDE, rng)
    mixed = np.array(colour, np.float32) * (1 - patches) + np.array(other, np.float32) * patches
    out: Bytes = np.clip(mixed * tone[..., None], 0, 255).astype(np.uint8)
    return out


def furrows(colour: Colour, other: Colour, rng: Rng, *, count: int = 32) -> Bytes:
    """A field's rows, along the texture's columns."""
    at = np.arange(SIDE, dtype=np.float32) * np.float32(count / SIDE)
    bend = noise(SIDE, SIDE, 128, rng, octaves=2) * np.float32(0.35)
    wave = sines(at[None] + bend) * np.float32(0.5) + np.float32(0.5)
    wave = (wave * np.float32(0.7) + np.float32(0.3) * (noise(SIDE, SIDE, 32, rng, octaves=5) + 1) / 2)[..., None]
    mixed = np.array(colour, np.float32) * (1 - wave) + np.array(other, np.float32) * wave
    return np.clip(mixed * (1 + np.float32(0.05) * grain(SIDE, SIDE, rng))[..., None], 0, 255).astype(np.uint8)


def paving(colour: Colour, rng: Rng, *, size: int = 32) -> Bytes:
    tone = blocks(SIDE, SIDE, size, size, rng, contrast=0.1)
    tone *= 1 + np.float32(0.13) * noise(SIDE, SIDE, 128, rng, octaves=5)
    return coloured(tone + np.float32(0.03) * grain(SIDE, SIDE, rng), colour)


def canopy(colour: Colour, rng: Rng) -> Bytes:
    """A wood from a distance: round crowns lit from above."""
    bumps = noise(SIDE, SIDE, 32, rng, octaves=4)
    slope = np.roll(bumps, 3, axis=0) - bumps
    tone = np.float32(0.85) + np.float32(0.25) * bumps + np.float32(0.5) * slope
    return coloured(np.clip(tone, 0.3, 1.4), colour)


def crown(colour: Colour, rng: Rng, *, shape: str = "round") -> Bytes:
    """A tree before nothing: (192, 128, 4), its trunk at the bottom's middle."""
    height, width = 192, 128
    y = ((np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height))[:, None]
    x = ((np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(width))[None] * 2 - 1
    rough = noise(height, width, 40, rng, octaves=5)
    if shape == "round":
        reach = x * x / np.float32(0.86) + (y - np.float32(0.4)) * (y - np.float32(0.4)) / np.float32(0.145)
    elif shape == "tall":
        reach = x * x / np.float32(0.2) + (y - np.float32(0.46)) * (y - np.float32(0.46)) / np.float32(0.2)
    else:  # a fir
        tier = np.float32(0.72) + np.float32(0.28) * ((y * np.float32(6.5)) % np.float32(1))
        reach = np.abs(x) / np.maximum(y * np.float32(0.9) * tier, np.float32(0.02)) + np.where(y > 0.9, 9, 0)
    leaves = reach + np.float32(0.55) * rough < np.float32(0.95)
    leaves &= noise(height, width, 10, rng, octaves=3) > np.float32(-0.62)
    light = (
        np.float32(0.82) + np.float32(0.36) * rough - np.float32(0.24) * x - np.float32(0.42) * (y - np.float32(0.4))
    )
    slope = np.roll(rough, 2, axis=0) - rough
    pixels = coloured(np.clip(light + slope * np.float32(0.7), 0.25, 1.5), colour)
    trunk = (np.abs(x) < np.float32(0.055)) & (y > np.float32(0.55))
    pixels[trunk & ~leaves] = (74, 58, 44)
    alpha = np.where(leaves | trunk, OPAQUE, 0).astype(np.uint8)
    return np.dstack([pixels, alpha])
