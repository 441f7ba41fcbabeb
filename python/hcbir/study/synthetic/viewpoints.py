"""Where an image is taken from: scale, orientation, positioning."""

from __future__ import annotations

import math

import numpy as np

from hcbir.study.synthetic.places.place import Place
from hcbir.study.synthetic.rendering.camera import Camera, look_at
from hcbir.study.synthetic.rendering.mesh import Faces, Part
from hcbir.study.synthetic.rendering.numbers import Rng, direction, pick

_TURN = ((0.0, 0.1), (0.3, 0.45), (0.6, 0.8), (0.85, 1.0))  # share of how far one may walk around
_RISE = ((0.0, 0.0), (0.0, 0.06), (0.1, 0.25), (0.25, 0.6))  # added to the eye's height, share of the distance
_ROLL = ((0.0, 0.006), (0.01, 0.03), (0.03, 0.09), (0.06, 0.2))
_ZOOM = ((0.96, 1.04), (1.25, 1.4), (1.65, 1.95), (2.2, 3.0))  # or one over it
_OFF = ((0.0, 0.02), (0.08, 0.13), (0.2, 0.28), (0.32, 0.42))  # share of the image


def viewpoint(
    place: Place, *, scale: int, orientation: int, positioning: int, turned: float, longest_side: int, rng: Rng
) -> Camera:
    """`turned` radians is the reference's own direction, the same for a whole class."""
    extent, kind = place.extent, place.kind
    upright = extent.height > 1.05 * extent.width
    short = round(longest_side * 0.75 / 2) * 2
    width, height = (short, longest_side) if upright else (longest_side, short)
    side = 1 if rng.random() < 0.5 else -1
    azimuth = turned + side * kind.turns * _between(rng, _TURN[orientation])
    zoom = _between(rng, _ZOOM[scale])
    if scale and rng.random() < 0.55:
        zoom = 1 / zoom
    rise = _between(rng, _RISE[orientation]) * (rng.random() < 0.5)
    roll = pick(rng, (-1, 1)) * _between(rng, _ROLL[orientation])
    focal = 1.15 * longest_side
    share = kind.fill
    far = max(extent.width * focal / (share * width), extent.height * focal / (share * height)) + extent.depth / 2
    # nearer or farther by half of the zoom, a longer or shorter lens by the rest
    distance, focal = far / math.sqrt(zoom), focal * math.sqrt(zoom)
    cos, sin = direction(azimuth - math.pi / 2)
    stand = kind.stand + rise
    if stand > 0.4:
        flat = distance / math.sqrt(1 + stand * stand)
        eye = (cos * flat, sin * flat, place.base + flat * stand)
        target = (0.0, 0.0, place.base + extent.height * 0.2)
    else:
        low = place.base * 0.4 if place.base > 1 else (0.6 if place.scene.water else 0)
        eye = (cos * distance, sin * distance, low + max(1.8, stand * distance) + 1.2 * place.scene.water)
        target = (0.0, 0.0, place.base + extent.height * 0.46)
    off = _between(rng, _OFF[positioning])
    across = pick(rng, (-1, 1)) * off * (1.0 if rng.random() < 0.75 else 0.6)
    down = pick(rng, (-1, 1)) * off * (0.25 if abs(across) == off else 0.9)
    return look_at(eye, target, focal=focal, width=width, height=height, roll=roll, aim=(0.5 + across, 0.5 + down))


def clear_view(faces: Faces, camera: Camera) -> Faces:
    """Without the houses and trees that stand between the camera and the landmark, or at the camera."""
    eye = np.array(camera.eye)
    away = faces.corners - eye
    right, _, forward = camera.axes
    deep = away[..., 0] * forward[0] + away[..., 1] * forward[1] + away[..., 2] * forward[2]
    across = (away[..., 0] * right[0] + away[..., 1] * right[1] + away[..., 2] * right[2]) / np.maximum(deep, 0.5)
    landmark = faces.parts == Part.LANDMARK
    left, last = across[landmark].min() - 0.03, across[landmark].max() + 0.03
    near = float(deep[landmark].min())
    within = (across.max(axis=1) > left) & (across.min(axis=1) < last) & (deep.min(axis=1) < near)
    before = within & (deep.max(axis=1) > 0.5)
    beside = (deep.min(axis=1) < min(24.0, 0.4 * near)) & (deep.max(axis=1) > -6)
    unwanted = np.unique(faces.bodies[(before | beside) & (faces.bodies > 0)])
    return faces.where(~np.isin(faces.bodies, unwanted) | (faces.bodies == 0))


def _between(rng: Rng, ends: tuple[float, float]) -> float:
    return float(rng.uniform(*ends))
