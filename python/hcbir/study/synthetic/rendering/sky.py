"""The sky behind everything, and what water shows of it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.light import Light
from hcbir.study.synthetic.rendering.numbers import Floats, Rng, generator, noise, soften


def sky(camera: Camera, light: Light, rng: Rng, *, mirrored: bool = False) -> Floats:
    """(h, w, 3), 0..255, of the whole image; below the horizon the haze, or the sky again."""
    height, width = camera.height, camera.width
    up = _elevation(camera)
    up = np.abs(up) if mirrored else up
    share = np.sqrt(np.clip(up * np.float32(1.6), 0, 1))[..., None]
    low, top = np.array(light.sky_low, np.float32), np.array(light.sky_top, np.float32)
    pixels: Floats = low + (top - low) * share
    if light.clouds > 0:
        texture = _clouds(int(rng.integers(6)))
        # heaps that lie closer together and flatter towards the horizon
        near = np.float32(1) - np.clip(up, 0, 1)
        far = np.float32(0.75) + np.float32(0.6) * near
        across = (np.arange(width, dtype=np.float32) - np.float32(width / 2)) * np.float32(170 / max(width, height))
        at_row = (near * near * np.float32(230) + np.float32(rng.integers(256))).astype(np.int32) & 255
        at_col = (across[None] * far + np.float32(rng.integers(512))).astype(np.int32) & 511
        amount = np.clip(
            (texture.reshape(-1)[at_row * 512 + at_col] + np.float32(light.clouds * 1.6 - 0.75)) * 2.2, 0, 1
        )
        amount = soften(amount, 2)
        shade = np.float32(0.86) + np.float32(0.14) * (1 - amount)
        cloud = np.array(light.cloud, np.float32)
        cover = (amount * np.clip(up * 9, 0, 1))[..., None]
        pixels += (cloud * shade[..., None] - pixels) * cover * np.float32(0.9)
    hazy = np.clip(1 - up * 9, 0, 1)[..., None]
    pixels += (np.array(light.haze, np.float32) - pixels) * hazy * np.float32(0.8)
    assert pixels.shape == (height, width, 3)
    return pixels


@lru_cache(maxsize=6)
def _clouds(number: int) -> Floats:
    """(256, 512), as wide as two of its heights: round heaps."""
    return noise(256, 512, 64, generator(number, "clouds"), octaves=6)


def _elevation(camera: Camera) -> Floats:
    """(h, w) sine of each ray's angle above the horizon, roughly."""
    right, down, forward = (np.float32(axis[2]) for axis in camera.axes)
    x = (np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.centre[0])) * np.float32(1 / camera.focal)
    y = (np.arange(camera.height, dtype=np.float32) + np.float32(0.5 - camera.centre[1])) * np.float32(1 / camera.focal)
    up = (right * x)[None] + (down * y + forward)[:, None]
    out: Floats = (up / np.sqrt((x * x)[None] + (y * y + np.float32(1))[:, None])).astype(np.float32)
    return out
