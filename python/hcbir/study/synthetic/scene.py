"""A photograph of a building: camera, sky, hills, ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hcbir.study.synthetic.canvas import Elevation
from hcbir.study.synthetic.materials import Pixels, as_pixels, noise
from hcbir.study.synthetic.plan import Ground


@dataclass(frozen=True)
class View:
    """Where a photograph is taken from.

    `yaw`, `roll` in radians; `fill` is the share of the frame that the building fills; `eye` the camera's height and
    `aim` the point looked at (across, up), as shares of the building's size.
    """

    yaw: float = 0
    roll: float = 0
    fill: float = 0.86
    eye: float = 0.2
    aim: tuple[float, float] = (0.5, 0.47)


@dataclass(eq=False)
class Scene:
    """`pixels` (h, w, 3) RGB 0..255; `light` (h, w) 0..1 shines at night; `sky` (h, w) 0..1, `base` the ground's row.

    `building` is the 3 x 3 map from pixels of the elevation to pixels of the scene.
    """

    pixels: Pixels
    light: Pixels
    sky: Pixels
    base: float
    building: npt.NDArray[np.float64]
    ground: Ground


def photograph(building: Elevation, ground: Ground, view: View, longest_side: int, rng: np.random.Generator) -> Scene:
    """Places a building in a landscape of its own and projects it onto an image."""
    rows, cols = building.alpha.shape
    short = round(longest_side * 0.75)
    width, height = (longest_side, short) if cols >= rows else (short, longest_side)
    onto, horizon = _projection(rows, cols, view, width, height)
    layers = np.dstack([building.pixels * building.alpha[..., None], building.alpha, building.light])
    shrink = _shrinkage(onto, rows, cols)
    if shrink > 1.5:  # against aliasing
        layers = cv2.GaussianBlur(layers, (0, 0), 0.4 * shrink)
    layers = as_pixels(cv2.warpPerspective(layers, onto, (width, height), flags=cv2.INTER_LINEAR))
    alpha = layers[..., 3]
    foot = cv2.perspectiveTransform(np.array([[[0.0, rows], [cols, rows]]]), onto)[0]
    base = float(foot[:, 1].max())

    pixels, sky = _sky(height, width, rng)
    _hills(pixels, sky, horizon, rng)
    _ground(pixels, sky, ground, horizon, rng)
    if ground == "water":
        _reflect(pixels, layers, foot, rng)
    else:
        _contact_shadow(pixels, foot)
    pixels += layers[..., :3] - pixels * alpha[..., None]
    sky *= 1 - alpha
    return Scene(pixels, np.clip(layers[..., 4], 0, 1), sky, base, onto, ground)


def _projection(rows: int, cols: int, view: View, width: int, height: int) -> tuple[npt.NDArray[np.float64], float]:
    """The homography from the elevation's pixels to the image's, and the horizon's row."""
    focal = 1.15 * max(width, height)
    distance = max(focal * cols / (view.fill * width), focal * rows / (view.fill * height))
    centre_x, up = cols / 2, view.aim[1] * rows
    eye = view.eye * rows
    pitch = math.atan2(up - eye, distance) * 0.55  # the rest is a shift lens: verticals converge, but mildly
    cos, sin = math.cos(view.yaw), math.sin(view.yaw)
    # world: x right, y down from the eye, z away; the elevation turns about its middle axis
    plane = np.array(
        [[cos, 0, -cos * centre_x], [0, 1, eye - rows], [sin, 0, distance - sin * centre_x]], dtype=np.float64
    )
    tilt = np.array(
        [[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]], dtype=np.float64
    )
    camera = np.array([[focal, 0, 0], [0, focal, 0], [0, 0, 1]], dtype=np.float64)
    onto = camera @ tilt @ plane
    target = onto @ [view.aim[0] * cols, rows - up, 1]
    shift = np.array([[1, 0, width / 2 - target[0] / target[2]], [0, 1, height / 2 - target[1] / target[2]], [0, 0, 1]])
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), math.degrees(view.roll), 1), [0, 0, 1]])
    horizon = float(focal * math.tan(pitch) + shift[1, 2])
    return turn @ shift @ onto, horizon


def _shrinkage(onto: npt.NDArray[np.float64], rows: int, cols: int) -> float:
    corners = np.array([[[0.0, 0], [cols, 0], [cols, rows], [0, rows]]])
    area = abs(cv2.contourArea(cv2.perspectiveTransform(corners, onto)[0].astype(np.float32)))
    return math.sqrt(rows * cols / max(area, 1.0))


def _sky(height: int, width: int, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    top = as_pixels([(92, 138, 196), (120, 150, 186), (150, 160, 172), (74, 120, 190)][int(rng.integers(4))])
    low = as_pixels([(206, 220, 232), (232, 216, 196), (214, 218, 220)][int(rng.integers(3))])
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] ** np.float32(0.8)
    pixels = np.broadcast_to(top + (low - top) * down, (height, width, 3)).copy()
    stretched = noise(height, max(4, width // 2), height / 3, rng, octaves=5)
    clouds = np.clip(as_pixels(cv2.resize(stretched, (width, height))) * 2.4 + rng.uniform(-0.5, 0.4), 0, 0.9)
    pixels += (as_pixels((246, 246, 248)) - pixels) * clouds[..., None]
    return pixels, np.ones((height, width), np.float32)


def _hills(pixels: Pixels, sky: Pixels, horizon: float, rng: np.random.Generator) -> None:
    height, width = sky.shape
    for distance in (1.0, 0.55):
        crest = noise(1, width, width * 0.35 * distance, rng, octaves=4)[0]
        top = horizon - height * (0.05 + 0.05 * distance) - crest * height * 0.09 * distance
        colour = as_pixels((96, 112, 96)) * (0.85 + 0.5 * (distance - 0.5)) + as_pixels((0, 6, 26)) * distance
        mask = np.clip(np.arange(height, dtype=np.float32)[:, None] - top[None, :], 0, 1)
        tone = 1 + 0.25 * noise(height, width, 14, rng, octaves=2)
        pixels += (tone[..., None] * colour - pixels) * mask[..., None]
        sky *= 1 - mask


def _ground(pixels: Pixels, sky: Pixels, ground: Ground, horizon: float, rng: np.random.Generator) -> None:
    height, width = sky.shape
    first = int(np.clip(horizon, 0, height))
    if first == height:
        return
    near_to_far = {
        "grass": ((84, 108, 52), (142, 148, 92)),
        "paving": ((146, 138, 126), (188, 180, 166)),
        "water": ((58, 86, 98), (148, 170, 180)),
    }[ground]
    depth = height - first
    down = np.linspace(0, 1, depth, dtype=np.float32)[:, None, None]
    colour = as_pixels(near_to_far[1]) * (1 - down) + as_pixels(near_to_far[0]) * down
    # flat things look stretched sideways the farther they are: noise sampled on the ground plane
    texture = noise(256, 256, 24 if ground != "water" else 10, rng, octaves=5)
    away = 3.2 * depth / (np.arange(depth, dtype=np.float32) + 0.06 * depth + 1)
    across = (np.arange(width, dtype=np.float32) / width - 0.5)[None, :] * away[:, None] * 90
    along = np.broadcast_to(away[:, None] * 60, (depth, width))
    grid = [as_pixels(np.abs(np.mod(position + 80, 510) - 255)) for position in (across, along)]  # there and back
    tone = as_pixels(cv2.remap(texture, grid[0], grid[1], cv2.INTER_LINEAR))
    tone = 1 + (0.5 if ground == "water" else 0.38) * tone * np.linspace(0.4, 1, depth, dtype=np.float32)[:, None]
    tone += np.float32(0.05) * rng.standard_normal((depth, width), np.float32)
    pixels[first:] = np.clip(colour * tone[..., None], 0, 255)
    sky[first:] = 0


def _reflect(pixels: Pixels, layers: Pixels, foot: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
    """Mirrors the building in the water below the line of its foot."""
    height, width = pixels.shape[:2]
    slope = (foot[1, 1] - foot[0, 1]) / (foot[1, 0] - foot[0, 0])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    line = as_pixels(foot[0, 1] + slope * (x - foot[0, 0]))
    ripple = 5 * noise(height, width, max(4.0, height / 60), rng, octaves=2)
    mirrored = as_pixels(cv2.remap(layers, x + ripple, 2 * line - y, cv2.INTER_LINEAR))
    strength = 0.55 * np.clip(1 - (y - line) / (0.6 * height), 0, 1) * (y >= line)
    pixels += (mirrored[..., :3] * 0.8 - pixels * mirrored[..., 3:4]) * strength[..., None]


def _contact_shadow(pixels: Pixels, foot: npt.NDArray[np.float64]) -> None:
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    drop = height * 0.035
    corners = np.array([foot[0] - [4, 3], foot[1] + [4, -3], foot[1] + [4, drop], foot[0] + [-4, drop]])
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    soft = as_pixels(cv2.GaussianBlur(mask, (0, 0), max(1.0, height / 90))) / 255
    pixels *= 1 - 0.45 * soft[..., None]
