"""Ripples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.light import Light
from hcbir.study.synthetic.rendering.numbers import Floats, Rng

DEEP = (46, 74, 84)


def on_water(
    pixels: Floats, water: npt.NDArray[np.bool_], camera: Camera, light: Light, waves: Floats, rng: Rng
) -> Floats:
    """What is reflected at z = 0 is broken by waves and darkened towards the viewer."""
    if not water.any():
        return pixels
    height = water.shape[0]
    right, down, forward = camera.axes
    rows, cols = np.nonzero(water)
    x = (cols.astype(np.float32) + np.float32(0.5 - camera.centre[0])) * np.float32(1 / camera.focal)
    y = (rows.astype(np.float32) + np.float32(0.5 - camera.centre[1])) * np.float32(1 / camera.focal)
    ray = [np.float32(right[k]) * x + np.float32(down[k]) * y + np.float32(forward[k]) for k in range(3)]
    steep = np.maximum(-ray[2], np.float32(1e-4))
    far = np.minimum(np.float32(camera.eye[2]) / steep, np.float32(3000))
    east, north = far * ray[0], far * ray[1]
    size = waves.shape[0]
    # longer across the view than along it, and coarser where it is far, lest it flicker
    cell = np.float32(0.25) + far * np.float32(1 / 200)
    at_row = (north / (cell * np.float32(0.5)) + np.float32(rng.integers(size))).astype(np.int64) & (size - 1)
    at_col = (east / cell + np.float32(rng.integers(size))).astype(np.int64) & (size - 1)
    wave = waves[at_row, at_col]
    reach = np.float32(height / 60)
    source = np.clip(rows + (wave * reach).astype(np.int64), 0, height - 1)
    source = np.where(water[source, cols], source, rows)
    shown = pixels[source, cols]
    size_of_ray = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    grazing = np.float32(1) - np.minimum(steep / size_of_ray * np.float32(2.2), np.float32(1))
    mirror = (np.float32(0.25) + np.float32(0.55) * grazing * grazing)[:, None]
    tone = (max(light.ambient) + 0.6 * max(light.sun_colour) * max(light.sun[2], 0)) / 255
    deep = np.array(DEEP, np.float32) * np.float32(tone) * (np.float32(1) + np.float32(0.35) * wave)[:, None]
    out = pixels.copy()
    out[rows, cols] = deep + (shown - deep) * mirror + (wave * np.float32(9))[:, None] * np.float32(min(tone, 1))
    return out


def below_horizon(camera: Camera) -> npt.NDArray[np.bool_]:
    right, down, forward = (axis[2] for axis in camera.axes)
    x = (np.arange(camera.width) + 0.5 - camera.centre[0]) / camera.focal
    y = (np.arange(camera.height) + 0.5 - camera.centre[1]) / camera.focal
    below: npt.NDArray[np.bool_] = (right * x)[None] + (down * y + forward)[:, None] < 0
    return below
