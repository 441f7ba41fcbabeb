"""Clutter: passers-by, stalls, cars, posts, boats."""

from __future__ import annotations

import math

import numpy as np

from hcbir.study.synthetic.places.place import Place
from hcbir.study.synthetic.places.solids import box, lathe
from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.mesh import Mesh, Part, Surface
from hcbir.study.synthetic.rendering.numbers import Rng, pick

CLUTTER = (0, 8, 26, 60)
"""Objects by strength."""

_COATS = ((60, 52, 50), (120, 40, 40), (44, 60, 92), (200, 190, 170), (90, 96, 70), (30, 30, 34), (180, 140, 70))
PAINTS = ((170, 40, 36), (40, 70, 120), (226, 222, 212), (50, 54, 58), (60, 110, 80), (206, 160, 60))
_SKIN = (206, 160, 130)


def plain(mesh: Mesh) -> Surface:
    """White, to be tinted."""
    return Surface(mesh.atlas.add(np.full((8, 8, 3), 255, np.uint8), 8, tiled=True))


def _colour(white: Surface, colour: tuple[float, float, float]) -> Surface:
    return white.tinted(*(c / 255 for c in colour))


def add_clutter(mesh: Mesh, place: Place, camera: Camera, strength: int, rng: Rng) -> None:
    """On the ground before and beside the landmark, where the camera looks."""
    white = plain(mesh)
    watery = place.scene.water
    look = camera.axes[2]
    flat = math.sqrt(look[0] ** 2 + look[1] ** 2) or 1.0
    ahead, right = (look[0] / flat, look[1] / flat), (look[1] / flat, -look[0] / flat)
    reach = math.sqrt(camera.eye[0] ** 2 + camera.eye[1] ** 2)
    for _ in range(CLUTTER[strength]):
        deep = reach * float(rng.uniform(0.16, 0.95)) ** 0.8
        wide = deep * float(rng.uniform(-0.5, 0.5)) * camera.width / camera.focal * 1.1
        x, y = camera.eye[0] + ahead[0] * deep + right[0] * wide, camera.eye[1] + ahead[1] * deep + right[1] * wide
        if abs(x) < place.extent.width / 2 + 1 and abs(y) < place.extent.depth / 2 + 1:
            continue
        z = ground_height(place, x, y)
        turn = float(rng.uniform(-3, 3))
        with mesh.at(x, y, z, turn, part=Part.CLUTTER):
            kind = rng.random()
            if watery and z < 0.5:
                boat(mesh, white, rng)
            elif kind < 0.55:
                person(mesh, white, rng)
            elif kind < 0.75:
                car(mesh, white, rng)
            elif kind < 0.88:
                stall(mesh, white, rng)
            else:
                post(mesh, white, rng)


def ground_height(place: Place, x: float, y: float) -> float:
    setting = place.kind.setting
    if setting == "river":
        return 2.46 if abs(x) > place.extent.width / 2 - 4 else 0.0
    if setting == "coast":
        return place.base if math.sqrt(x * x + y * y) < place.extent.width / 2 + 9 else 0.0
    if setting == "hill":
        return place.base if math.sqrt(x * x + y * y) < place.extent.width * 0.56 else 0.0
    return 0.0


def person(mesh: Mesh, white: Surface, rng: Rng) -> None:
    coat, size = _colour(white, pick(rng, _COATS)), float(rng.uniform(0.9, 1.1))
    lathe(mesh, [(0.16 * size, 0), (0.22 * size, 0.8 * size), (0.26 * size, 1.35 * size), (0.1, 1.5 * size)], 5, coat)
    lathe(mesh, [(0.1, 1.46 * size), (0.14, 1.6 * size), (0, 1.76 * size)], 5, _colour(white, _SKIN))


def car(mesh: Mesh, white: Surface, rng: Rng) -> None:
    paint, glass = _colour(white, pick(rng, PAINTS)), _colour(white, (60, 74, 86))
    tall = float(rng.choice([1.0, 1.0, 1.9]))
    box(mesh, (-2.1, -0.85, 0.3), (2.1, 0.85, 0.95), paint, paint)
    box(mesh, (-1.2, -0.75, 0.95), (1.1, 0.75, 0.95 + 0.55 * tall), glass, paint)
    for x in (-1.35, 1.35):
        box(mesh, (x - 0.3, -0.9, 0), (x + 0.3, 0.9, 0.6), _colour(white, (30, 30, 32)))


def stall(mesh: Mesh, white: Surface, rng: Rng) -> None:
    canvas, wood = _colour(white, pick(rng, PAINTS)), _colour(white, (120, 90, 66))
    box(mesh, (-1.3, -0.8, 0), (1.3, 0.8, 1.0), wood, _colour(white, (190, 150, 90)))
    mesh.polygon([(-1.6, -1.3, 2.1), (1.6, -1.3, 2.1), (1.6, 1.1, 2.7), (-1.6, 1.1, 2.7)], canvas, two_sided=True)
    for x, y in ((-1.5, -1.2), (1.5, -1.2), (1.5, 1.0), (-1.5, 1.0)):
        box(mesh, (x - 0.05, y - 0.05, 0), (x + 0.05, y + 0.05, 2.3), wood)


def post(mesh: Mesh, white: Surface, rng: Rng) -> None:
    """A signpost, a lamp, a pole with wires' insulators."""
    iron = _colour(white, (58, 60, 64))
    tall = float(rng.uniform(3, 7))
    lathe(mesh, [(0.12, 0), (0.09, tall)], 5, iron)
    sign = _colour(white, pick(rng, PAINTS))
    mesh.polygon([(-0.9, 0, tall - 1), (0.9, 0, tall - 1), (0.9, 0, tall), (-0.9, 0, tall)], sign, two_sided=True)


def boat(mesh: Mesh, white: Surface, rng: Rng, *, size: float = 1.0) -> None:
    """A hull, a cabin or a mast with a sail."""
    hull, deck = _colour(white, pick(rng, PAINTS)), _colour(white, (170, 140, 104))
    a, b, h = 3.4 * size, 1.1 * size, 0.9 * size
    outline = [(-a, -b * 0.8), (a * 0.5, -b), (a * 1.2, 0.0), (a * 0.5, b), (-a, b * 0.8)]
    for p, q in zip(outline, [*outline[1:], outline[0]], strict=True):
        mesh.polygon([(p[0] * 0.85, p[1] * 0.7, 0), (q[0] * 0.85, q[1] * 0.7, 0), (*q, h), (*p, h)], hull)
    mesh.polygon([(*p, h * 0.9) for p in outline], deck)
    if rng.random() < 0.6 or size > 1.5:
        box(mesh, (-0.06 * size, -0.06 * size, h), (0.06 * size, 0.06 * size, 9 * size), deck)
        cloth = _colour(white, pick(rng, ((236, 230, 214), (176, 84, 56), (226, 206, 160))))
        mesh.polygon(
            [(-0.1, 0, 1.6 * size), (-3.2 * size, 0.4, 1.9 * size), (-0.1, 0, 8.6 * size)], cloth, two_sided=True
        )
        mesh.polygon([(0.1, 0, 1.6 * size), (3.4 * size, 0.2, 1.4 * size), (0.1, 0, 7.6 * size)], cloth, two_sided=True)
    else:
        box(
            mesh,
            (-1.6 * size, -0.7 * size, h),
            (0.4 * size, 0.7 * size, h + 1.3 * size),
            _colour(white, (232, 228, 218)),
            deck,
        )
