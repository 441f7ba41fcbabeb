"""The sky behind everything, and what water shows of it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.light import Light
from hcbir.study.synthetic.rendering.numbers import Floats, Mask, Rng, generator, noise, soften

_BAND = 16


def sky(camera: Camera, light: Light, rng: Rng, wanted: Mask, *, mirrored: bool = False) -> Floats:
    """(h, w, 3), 0..255, where a row is `wanted` (h,); below the horizon the haze, or the sky again."""
    pixels = np.zeros((camera.height, camera.width, 3), np.float32)
    clouds, shift = _clouds(int(rng.integers(6))), (int(rng.integers(256)), int(rng.integers(512)))
    for top in range(0, camera.height, _BAND):
        rows = slice(top, min(top + _BAND, camera.height))
        if wanted[rows].any():
            up = _elevation(camera, rows)
            pixels[rows] = _band(np.abs(up) if mirrored else up, light, clouds, shift, max(camera.width, camera.height))
    return pixels


def _band(up: Floats, light: Light, texture: Floats, shift: tuple[int, int], side: int) -> Floats:
    share = np.sqrt(np.clip(up * np.float32(1.6), 0, 1))[..., None]
    low, top = np.array(light.sky_low, np.float32), np.array(light.sky_top, np.float32)
    pixels: Floats = low + (top - low) * share
    if light.clouds > 0:
        # heaps that lie closer together and flatter towards the horizon
        near = np.float32(1) - np.clip(up, 0, 1)
        far = np.float32(0.75) + np.float32(0.6) * near
        width = up.shape[1]
        across = (np.arange(width, dtype=np.float32) - np.float32(width / 2)) * np.float32(340 / side)
        at_row = (near * near * np.float32(460) + np.float32(2 * shift[0])).astype(np.int32) & 511
        at_col = (across[None] * far + np.float32(2 * shift[1])).astype(np.int32) & 1023
        amount = texture.reshape(-1).take(at_row * 1024 + at_col) + np.float32(light.clouds * 1.6 - 0.75)
        amount = np.clip(amount * np.float32(2.2), 0, 1)
        shade = np.float32(1) - np.float32(0.14) * amount
        cover = amount * np.clip(up * np.float32(9), 0, 1) * np.float32(0.9)
        pixels += (np.array(light.cloud, np.float32) * shade[..., None] - pixels) * cover[..., None]
    hazy = np.clip(np.float32(1) - up * np.float32(9), 0, 1) * np.float32(0.8)
    pixels += (np.array(light.haze, np.float32) - pixels) * hazy[..., None]
    return pixels


@lru_cache(maxsize=6)
def _clouds(number: int) -> Floats:
    """(512, 1024): round heaps."""
    return soften(noise(512, 1024, 128, generator(number, "clouds"), octaves=7))


def _elevation(camera: Camera, rows: slice) -> Floats:
    """Sine of each ray's angle above the horizon, of these rows."""
    right, down, forward = (np.float32(axis[2]) for axis in camera.axes)
    at = np.arange(rows.start, rows.stop, dtype=np.float32)
    x = (np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.centre[0])) * np.float32(1 / camera.focal)
    y = (at + np.float32(0.5 - camera.centre[1])) * np.float32(1 / camera.focal)
    up = (right * x)[None] + (down * y + forward)[:, None]
    out: Floats = (up / np.sqrt((x * x)[None] + (y * y + np.float32(1))[:, None])).astype(np.float32)
    return out
