"""A pinhole camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hcbir.study.synthetic.rendering.numbers import Doubles, direction

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """World: x east, y north, z up, metres. Image: pixels, x right, y down, 0 at the first pixel's outer edge.

    `axes` are the camera's right, down and forward in the world; `centre` is the principal point.
    """

    eye: Vector
    axes: tuple[Vector, Vector, Vector]
    focal: float
    centre: tuple[float, float]
    width: int
    height: int

    def matrix(self) -> Doubles:
        """(3, 4): world to image, homogeneous."""
        right, down, forward = (np.array(axis) for axis in self.axes)
        rows = [
            self.focal * right + self.centre[0] * forward,
            self.focal * down + self.centre[1] * forward,
            forward,
        ]
        shift = [-sum(float(row[k]) * self.eye[k] for k in range(3)) for row in rows]
        return np.array([[*row, last] for row, last in zip(rows, shift, strict=True)], dtype=np.float64)


def look_at(
    eye: Vector,
    target: Vector,
    *,
    focal: float,
    width: int,
    height: int,
    roll: float = 0,
    aim: tuple[float, float] = (0.5, 0.5),
    upright: float = 0.6,
) -> Camera:
    """A camera at `eye` that shows `target` at `aim`, a share of the image's width and height.

    `upright` (0..1) is how much of the pitch a shifted lens takes over, so that verticals stay nearly vertical; it is
    used for small pitches only, as photographers do.
    """
    away = [target[k] - eye[k] for k in range(3)]
    flat = math.sqrt(away[0] ** 2 + away[1] ** 2)
    slope = away[2] / flat if flat else -1e9
    if abs(slope) < 0.8:
        slope *= 1 - upright
    forward = _unit((away[0], away[1], slope * flat)) if flat > 1e-6 else (0.0, 0.0, -1.0)
    right = _unit((forward[1], -forward[0], 0.0)) if flat > 1e-6 else (1.0, 0.0, 0.0)
    down = _cross(forward, right)
    cos, sin = direction(roll)
    axes = (
        tuple(cos * r + sin * d for r, d in zip(right, down, strict=True)),
        tuple(cos * d - sin * r for r, d in zip(right, down, strict=True)),
        forward,
    )
    depth = _dot(axes[2], away)
    shown = focal * _dot(axes[0], away) / depth, focal * _dot(axes[1], away) / depth
    centre = aim[0] * width - shown[0], aim[1] * height - shown[1]
    return Camera(eye, axes, focal, centre, width, height)  # type: ignore[arg-type]


def _dot(a: Vector | tuple[float, ...], b: list[float]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _unit(a: Vector) -> Vector:
    size = math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])
    return a[0] / size, a[1] / size, a[2] / size
