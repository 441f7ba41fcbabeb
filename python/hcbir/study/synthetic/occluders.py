"""What stands before a building: trees, people, boats, a scaffolding."""

from __future__ import annotations

import math

import cv2
import numpy as np

from hcbir.study.synthetic.materials import Pixels, as_pixels
from hcbir.study.synthetic.scene import Scene

_GREENS = as_pixels([(62, 84, 40), (84, 104, 48), (50, 74, 46), (110, 116, 56), (126, 100, 50)])
_LEAVES = 280


def surround(scene: Scene, rng: np.random.Generator) -> None:
    """Plants a few trees at the sides, where there is ground for them."""
    if scene.ground == "water":
        return
    height, width = scene.sky.shape
    for _ in range(int(rng.integers(1, 4))):
        x = width * float(rng.choice([rng.uniform(-0.04, 0.14), rng.uniform(0.86, 1.04)]))
        tree(scene, x, scene.base + height * 0.02, height * float(rng.uniform(0.14, 0.3)), rng)


def tree(scene: Scene, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """Paints a broad-leaved tree of `size` pixels whose trunk stands at (x, y)."""
    height, width = scene.sky.shape
    mask = np.zeros((height, width), np.uint8)
    trunk = max(2, round(size * 0.07))
    cv2.line(scene.pixels, (round(x), round(y)), (round(x), round(y - size * 0.5)), (70, 54, 42), trunk, cv2.LINE_AA)
    green = _GREENS[int(rng.integers(len(_GREENS)))]
    for k in range(_LEAVES):
        turn, reach = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform(0, 1))
        dx, dy = reach * math.cos(turn) * size * 0.36, reach * math.sin(turn) * size * 0.34
        centre = round(x + dx), round(y - size * 0.66 + dy)
        radius = max(1, round(size * float(rng.uniform(0.015, 0.05))))
        tone = (0.62 + 0.4 * k / _LEAVES) * (1 - 0.5 * dy / size - 0.3 * dx / size) * float(rng.uniform(0.8, 1.2))
        cv2.circle(scene.pixels, centre, radius, [float(v) for v in green * tone], -1, cv2.LINE_AA)
        cv2.circle(mask, centre, radius, 255, -1)
    scene.light[mask > 0] = 0
    scene.sky[mask > 0] = 0


def person(pixels: Pixels, x: float, size: float, rng: np.random.Generator) -> None:
    """A figure seen from behind, cut off by the lower edge."""
    height = pixels.shape[0]
    coat = [float(v) for v in rng.uniform(30, 90) + rng.uniform(-18, 18, 3)]
    top = height - size * float(rng.uniform(0.7, 1))
    shoulder = size * 0.15
    body = [(-0.6, 0.19), (0.6, 0.19), (1, 0.3), (1.05, 1.1), (-1.05, 1.1), (-1, 0.3)]
    corners = np.array([(x + shoulder * dx, top + size * dy) for dx, dy in body])
    cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], coat, cv2.LINE_AA)
    head = max(2, round(size * 0.085))
    cv2.circle(pixels, (round(x), round(top + head)), head, [70.0, 52.0, 44.0], -1, cv2.LINE_AA)


def boat(pixels: Pixels, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """A sailing boat whose hull floats at (x, y)."""
    side = 1 if rng.random() < 0.5 else -1
    canvas = as_pixels((244, 236, 216)) * rng.uniform(0.75, 1)
    parts = (
        ([(-0.3, -0.07), (0.34, -0.07), (0.24, 0.02), (-0.22, 0.02)], rng.uniform(30, 120, 3)),
        ([(0.0, -0.07), (0.015, -0.07), (0.015, -1), (0, -1)], np.array([80.0, 60, 44])),
        ([(-0.02, -0.98), (-0.02, -0.12), (-0.3, -0.14)], canvas),
        ([(0.03, -0.9), (0.03, -0.12), (0.32, -0.1)], canvas * 0.88),
    )
    for outline, colour in parts:
        corners = np.array([(x + side * size * dx, y + size * dy) for dx, dy in outline])
        cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], [float(v) for v in colour], cv2.LINE_AA)


def scaffold(scene: Scene, rng: np.random.Generator) -> None:
    """Poles, boards and a net over one part of the building."""
    height, width = scene.sky.shape
    left = round(width * float(rng.uniform(0.15, 0.5)))
    right, top = left + round(width * 0.3), round(height * float(rng.uniform(0.2, 0.4)))
    bottom = round(min(height - 1, scene.base))
    if bottom - top < 20:
        return
    net = scene.pixels[top:bottom, left:right]
    net += (as_pixels((98, 128, 112)) - net) * 0.62
    step = max(10, round(height / 14))
    for y in range(top, bottom, step):
        cv2.rectangle(scene.pixels, (left - 3, y), (right + 3, y + max(2, step // 7)), (150, 124, 84), -1)
    for x in range(left, right + 1, max(6, step)):
        cv2.line(scene.pixels, (x, top - 6), (x, bottom), (84, 86, 90), max(2, width // 220), cv2.LINE_AA)
    scene.light[top:bottom, left:right] *= 0.2
