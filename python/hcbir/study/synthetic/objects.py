"""What gets between: passers-by, carts, cars and boats (clutter); trees, scaffolds and ships (occlusion)."""

from __future__ import annotations

import math

import numpy as np

from hcbir.study.synthetic.places.kit import LEAVES, Kit
from hcbir.study.synthetic.places.place import Place
from hcbir.study.synthetic.places.solids import box, lathe, tree
from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.mesh import Mesh, Part, Surface
from hcbir.study.synthetic.rendering.numbers import Mask, Rng, noise, pick

CLUTTER = (0, 8, 26, 60)
"""Objects by strength."""
HIDDEN = (0.0, 0.1, 0.3, 0.5)
"""The share of the landmark that occluders are to cover, by strength."""

_COATS = ((60, 52, 50), (120, 40, 40), (44, 60, 92), (200, 190, 170), (90, 96, 70), (30, 30, 34), (180, 140, 70))
_PAINTS = ((170, 40, 36), (40, 70, 120), (226, 222, 212), (50, 54, 58), (60, 110, 80), (206, 160, 60))
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
        z = _ground(place, x, y)
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


def _ground(place: Place, x: float, y: float) -> float:
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
    paint, glass = _colour(white, pick(rng, _PAINTS)), _colour(white, (60, 74, 86))
    tall = float(rng.choice([1.0, 1.0, 1.9]))
    box(mesh, (-2.1, -0.85, 0.3), (2.1, 0.85, 0.95), paint, paint)
    box(mesh, (-1.2, -0.75, 0.95), (1.1, 0.75, 0.95 + 0.55 * tall), glass, paint)
    for x in (-1.35, 1.35):
        box(mesh, (x - 0.3, -0.9, 0), (x + 0.3, 0.9, 0.6), _colour(white, (30, 30, 32)))


def stall(mesh: Mesh, white: Surface, rng: Rng) -> None:
    canvas, wood = _colour(white, pick(rng, _PAINTS)), _colour(white, (120, 90, 66))
    box(mesh, (-1.3, -0.8, 0), (1.3, 0.8, 1.0), wood, _colour(white, (190, 150, 90)))
    mesh.polygon([(-1.6, -1.3, 2.1), (1.6, -1.3, 2.1), (1.6, 1.1, 2.7), (-1.6, 1.1, 2.7)], canvas, two_sided=True)
    for x, y in ((-1.5, -1.2), (1.5, -1.2), (1.5, 1.0), (-1.5, 1.0)):
        box(mesh, (x - 0.05, y - 0.05, 0), (x + 0.05, y + 0.05, 2.3), wood)


def post(mesh: Mesh, white: Surface, rng: Rng) -> None:
    """A signpost, a lamp, a pole with wires' insulators."""
    iron = _colour(white, (58, 60, 64))
    tall = float(rng.uniform(3, 7))
    lathe(mesh, [(0.12, 0), (0.09, tall)], 5, iron)
    sign = _colour(white, pick(rng, _PAINTS))
    mesh.polygon([(-0.9, 0, tall - 1), (0.9, 0, tall - 1), (0.9, 0, tall), (-0.9, 0, tall)], sign, two_sided=True)


def boat(mesh: Mesh, white: Surface, rng: Rng, *, size: float = 1.0) -> None:
    """A hull, a cabin or a mast with a sail."""
    hull, deck = _colour(white, pick(rng, _PAINTS)), _colour(white, (170, 140, 104))
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


def add_occluders(mesh: Mesh, kit: Kit, place: Place, camera: Camera, landmark: Mask, strength: int, rng: Rng) -> None:
    """Between the camera and the landmark until `HIDDEN` of it, as boxes in the image tell, is covered.

    `landmark` (h, w) is where it shows before anything hides it.
    """
    rows, cols = np.nonzero(landmark[::4, ::4])
    if len(rows) < 4:
        return
    left, right = 4 * int(cols.min()), 4 * int(cols.max()) + 4
    covered = np.zeros(len(rows), np.bool_)
    white, reach = plain(mesh), math.sqrt(sum(e * e for e in camera.eye))
    kind = pick(rng, ("trees", "trees", "net", "hoarding")) if camera.axes[2][2] > -0.35 else "cloud"
    leaves, shape = pick(rng, LEAVES), pick(rng, ("round", "round", "tall"))
    for _ in range(14):
        if covered.mean() >= HIDDEN[strength]:
            return
        deep = reach * float(rng.uniform(0.25, 0.5)) - 0.3 * place.extent.depth
        deep = max(deep, 4.0)
        at = float(rng.uniform(left, right))
        wide = (right - left) * float(rng.uniform(0.22, 0.38))
        if kind == "cloud":
            wide *= 1.5
        base, top = (
            float(camera.height),
            4.0 * float(np.quantile(rows, float(rng.uniform(0.0, 0.25)), method="nearest")),
        )
        if kind in ("net", "cloud"):
            base = 4.0 * float(rows.max()) + 6
        _stand_up(mesh, kit, camera, white, kind, (at, base, top, wide), deep, (leaves, shape), rng)
        grow = 0.8 if kind == "trees" else 1.0
        covered |= (
            (np.abs(4 * cols - at) < wide / 2 * grow)
            & (4 * rows > top + (0.1 * (base - top) if kind == "trees" else 0))
            & (4 * rows < base)
        )


def _stand_up(
    mesh: Mesh,
    kit: Kit,
    camera: Camera,
    white: Surface,
    kind: str,
    where: tuple[float, float, float, float],
    deep: float,
    tree_of: tuple[tuple[float, float, float], str],
    rng: Rng,
) -> None:
    """An upright thing that covers a rectangle of the image: x of its middle, bottom, top and width in pixels."""
    at, base, top, wide = where

    def point(x: float, y: float) -> tuple[float, float, float]:
        dx, dy = (x - camera.centre[0]) / camera.focal, (y - camera.centre[1]) / camera.focal
        px, py, pz = (
            camera.eye[k] + deep * (camera.axes[2][k] + dx * camera.axes[0][k] + dy * camera.axes[1][k])
            for k in range(3)
        )
        return px, py, pz

    corners = [
        point(at - wide / 2, base),
        point(at + wide / 2, base),
        point(at + wide / 2, top),
        point(at - wide / 2, top),
    ]
    with mesh.at(part=Part.OCCLUDER):
        if kind == "trees":
            foot, head = point(at, base), point(at, top)
            height = math.sqrt(sum((head[k] - foot[k]) ** 2 for k in range(3)))
            tree(mesh, foot[0], foot[1], foot[2], height, kit.crown(tree_of[0], tree_of[1], height), part=Part.OCCLUDER)
        elif kind == "cloud":
            mesh.polygon(corners, _cloud(mesh, corners, rng), two_sided=True, up=True)
        elif kind == "net":
            mesh.polygon(corners, _net(mesh, corners, rng), two_sided=True)
        else:
            mesh.polygon(corners, _hoarding(mesh, corners, rng), two_sided=True)


def _size(corners: list[tuple[float, float, float]]) -> tuple[float, float]:
    across = math.sqrt(sum((corners[1][k] - corners[0][k]) ** 2 for k in range(3)))
    up = math.sqrt(sum((corners[3][k] - corners[0][k]) ** 2 for k in range(3)))
    return across, up


def _cloud(mesh: Mesh, corners: list[tuple[float, float, float]], rng: Rng) -> Surface:
    """Smoke or a cloud below the aeroplane."""
    across, up = _size(corners)
    density = 160 / max(across, up)
    rows, cols = max(8, round(up * density)), max(8, round(across * density))
    rough = noise(rows, cols, max(rows, cols) / 2, rng, octaves=5)
    y = (np.arange(rows, dtype=np.float32) * np.float32(2 / rows) - 1)[:, None]
    x = (np.arange(cols, dtype=np.float32) * np.float32(2 / cols) - 1)[None]
    inside = x * x + y * y + np.float32(0.4) * rough < np.float32(0.85)
    tone = np.clip(np.float32(216) + np.float32(26) * rough, 0, 255)[..., None]
    return Surface(
        mesh.atlas.add(np.dstack([np.repeat(tone, 3, axis=2).astype(np.uint8), inside.astype(np.uint8) * 255]), density)
    )


def _net(mesh: Mesh, corners: list[tuple[float, float, float]], rng: Rng) -> Surface:
    """Sheeted scaffolding: poles, boards, cloth."""
    across, up = _size(corners)
    density = 220 / max(across, up)
    rows, cols = max(8, round(up * density)), max(8, round(across * density))
    pixels = np.zeros((rows, cols, 4), np.uint8)
    cloth = pick(rng, ((196, 200, 196), (96, 140, 110), (150, 160, 176)))
    folds = np.float32(0.8) + np.float32(0.35) * rng.random((1, cols), np.float32)
    pixels[..., :3] = np.minimum(np.array(cloth, np.float32) * folds[..., None], 255).astype(np.uint8)
    pixels[..., 3] = 255
    for k in range(0, rows, max(6, rows // 8)):
        pixels[k : k + 2] = (110, 84, 60, 255)
    for k in range(0, cols, max(6, cols // 6)):
        pixels[:, k : k + 2] = (120, 120, 124, 255)
    return Surface(mesh.atlas.add(pixels, density))


def _hoarding(mesh: Mesh, corners: list[tuple[float, float, float]], rng: Rng) -> Surface:
    """A wall nearby, with posters."""
    across, up = _size(corners)
    density = 220 / max(across, up)
    rows, cols = max(8, round(up * density)), max(8, round(across * density))
    tone = np.float32(0.85) + np.float32(0.3) * rng.random((rows, cols, 1), np.float32)
    pixels = np.minimum(
        np.array(pick(rng, ((150, 130, 110), (120, 120, 122), (168, 150, 120))), np.float32) * tone, 255
    ).astype(np.uint8)
    for _ in range(5):
        y, x = int(rng.integers(rows)), int(rng.integers(cols))
        pixels[y : y + rows // 5, x : x + cols // 4] = pick(rng, _PAINTS)
        pixels[y + 3 : y + 6, x + 3 : x + cols // 5] = (236, 232, 220)
    return Surface(mesh.atlas.add(pixels, density))
