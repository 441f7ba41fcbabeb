"""What gets between the camera and the landmark: trees, branches, scaffolds, walls, sails, clouds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hcbir.study.synthetic.objects import PAINTS, boat, ground_height, plain
from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.places.palette import LEAVES
from hcbir.study.synthetic.places.place import Place
from hcbir.study.synthetic.places.solids import tree
from hcbir.study.synthetic.rendering.camera import Camera, Vector
from hcbir.study.synthetic.rendering.mesh import Mesh, Part, Surface, turned
from hcbir.study.synthetic.rendering.numbers import Colour, Mask, Rng, noise, pick
from hcbir.study.synthetic.rendering.projection import project
from hcbir.study.synthetic.rendering.raster import Buffers, rasterise

HIDDEN = ((0.0, 0.0), (0.05, 0.14), (0.22, 0.4), (0.42, 0.68))
"""The share of the landmark that occluders are to cover, from and to, by strength; what they do cover is measured."""

_COARSE = 4
_TRIALS = 24

_ON_LAND = ("trees", "trees", "net", "wall", "branch")
_ON_WATER = ("sails", "sails", "net", "branch")

Draw = Callable[[Mesh, list[Vector], Rng], Surface]


@dataclass(frozen=True)
class _Window:
    """A rectangle of the image, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def add_occluders(mesh: Mesh, kit: Kit, place: Place, camera: Camera, landmark: Mask, strength: int, rng: Rng) -> None:
    """Things of one kind, smaller and smaller, until as much of the landmark is covered as `HIDDEN` says.

    `landmark` (h, w) is where it shows before anything hides it.
    """
    rows, cols = (_COARSE * at for at in np.nonzero(landmark[::_COARSE, ::_COARSE]))
    if len(rows) < 4:
        return
    whole = _Window(float(cols.min()), float(rows.min()), float(cols.max()) + 4, float(rows.max()) + 4)
    kind = "cloud" if camera.axes[2][2] < -0.35 else pick(rng, _ON_WATER if place.scene.water else _ON_LAND)
    maker, (least, most), size = _Maker(mesh, kit, place, camera, rng), HIDDEN[strength], 1.0
    for _ in range(_TRIALS):
        at = float(cols[int(rng.integers(len(cols)))])
        top = float(np.sort(rows)[int(len(rows) * rng.uniform(0.0, 0.25))])
        before = len(mesh)
        maker.put(kind, whole, at, top, size)
        hidden = _hidden(mesh, camera, landmark)
        if hidden > most:
            mesh.truncate(before)
            size *= 0.8
        elif hidden >= least:
            return
        else:
            size = min(1.0, size * 1.2)


def _hidden(mesh: Mesh, camera: Camera, landmark: Mask) -> float:
    """The share of the landmark that the mesh covers, coarsely."""
    shown = landmark[::_COARSE, ::_COARSE]
    coarse = replace(
        camera,
        focal=camera.focal / _COARSE,
        centre=(camera.centre[0] / _COARSE, camera.centre[1] / _COARSE),
        width=shown.shape[1],
        height=shown.shape[0],
    )
    buffers = Buffers.empty(*shown.shape)
    faces, textures = mesh.close()
    faces = turned(faces, camera.eye)
    rasterise(buffers, project(faces, textures, coarse), faces, textures)
    return float(np.count_nonzero((buffers.face >= 0) & shown) / np.count_nonzero(shown))


class _Maker:
    """Puts single things up; each method returns the part of the image that is covered, about."""

    def __init__(self, mesh: Mesh, kit: Kit, place: Place, camera: Camera, rng: Rng) -> None:
        self.mesh, self.kit, self.place, self.camera, self.rng = mesh, kit, place, camera, rng
        self.reach = math.sqrt(sum(e * e for e in camera.eye[:2]))
        self.leaves, self.shape = pick(rng, LEAVES), pick(rng, ("round", "round", "tall"))

    def put(self, kind: str, whole: _Window, at: float, top: float, size: float) -> None:
        """`at` is the column of its middle, `top` the row up to which it reaches, `size` 1 or less."""
        wide = (whole.right - whole.left) * float(self.rng.uniform(0.3, 0.45)) * size
        near = max(3.0, self.reach * float(self.rng.uniform(0.25, 0.45)))
        top = whole.bottom - (whole.bottom - top) * (0.3 + 0.7 * size)
        if kind in ("trees", "sails"):
            self._standing(kind, at, top, near)
        elif kind == "net":
            front = max(3.0, self.reach - 0.75 * self.place.extent.depth - 3)
            self._upright(_Window(at - wide / 2, top, at + wide / 2, whole.bottom), front, _net)
        elif kind == "cloud":
            deep = wide * float(self.rng.uniform(0.45, 0.7))
            self._upright(_Window(at - wide, top - deep / 2, at + wide, top + deep), near, _cloud)
        elif kind == "branch":
            deep = (whole.bottom - whole.top) * float(self.rng.uniform(0.5, 0.7)) * size
            window = _Window(at - 1.3 * wide, -0.2 * deep, at + 1.3 * wide, max(whole.top, 0.0) + deep)
            self._upright(window, 4.0, lambda mesh, corners, rng: _branch(mesh, corners, self.leaves, rng))
        else:
            self._upright(_Window(at - wide / 2, top, at + wide / 2, float(self.camera.height)), near, _wall)

    def _standing(self, kind: str, at: float, top: float, near: float) -> None:
        """A tree or a boat, on the ground or the water."""
        rng, camera = self.rng, self.camera
        foot, head = self._point(at, camera.centre[1], near), self._point(at, top, near)
        ground = ground_height(self.place, foot[0], foot[1]) if kind == "trees" else 0.0
        height = max(head[2] - ground, 2.0)
        with self.mesh.at(part=Part.OCCLUDER):
            if kind == "trees":
                crown = self.kit.crown(self.leaves, self.shape, height)
                tree(self.mesh, foot[0], foot[1], ground, height, crown, part=Part.OCCLUDER)
            else:
                turn = math.atan2(camera.axes[0][1], camera.axes[0][0]) + float(rng.uniform(-0.4, 0.4))
                with self.mesh.at(foot[0], foot[1], 0.0, round(turn, 9)):
                    boat(self.mesh, plain(self.mesh), rng, size=height / 8.6)

    def _upright(self, window: _Window, deep: float, draw: Draw) -> None:
        left, right, top, bottom = window.left, window.right, window.top, window.bottom
        corners = [self._point(x, y, deep) for x, y in ((left, bottom), (right, bottom), (right, top), (left, top))]
        with self.mesh.at(part=Part.OCCLUDER):
            self.mesh.polygon(corners, draw(self.mesh, corners, self.rng), two_sided=True, up=draw is _cloud)

    def _point(self, x: float, y: float, deep: float) -> Vector:
        """The world point at an image point and a depth."""
        camera = self.camera
        dx, dy = (x - camera.centre[0]) / camera.focal, (y - camera.centre[1]) / camera.focal
        right, down, forward = camera.axes
        px, py, pz = (camera.eye[k] + deep * (forward[k] + dx * right[k] + dy * down[k]) for k in range(3))
        return px, py, pz


def _size(corners: list[Vector]) -> tuple[float, float]:
    across = math.sqrt(sum((corners[1][k] - corners[0][k]) ** 2 for k in range(3)))
    up = math.sqrt(sum((corners[3][k] - corners[0][k]) ** 2 for k in range(3)))
    return across, up


def _cloud(mesh: Mesh, corners: list[Vector], rng: Rng) -> Surface:
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


def _branch(mesh: Mesh, corners: list[Vector], leaves: Colour, rng: Rng) -> Surface:
    """Leaves that hang into the picture, out of the photographer's shade."""
    across, up = _size(corners)
    density = 200 / max(across, up)
    rows, cols = max(8, round(up * density)), max(8, round(across * density))
    rough = noise(rows, cols, max(rows, cols) / 3, rng, octaves=4)
    fine = noise(rows, cols, 9, rng, octaves=2)
    y = (np.arange(rows, dtype=np.float32) * np.float32(1 / rows))[:, None]
    x = (np.arange(cols, dtype=np.float32) * np.float32(2 / cols) - 1)[None]
    inside = (y * y + np.float32(0.7) * x * x + np.float32(0.35) * rough < np.float32(0.72)) & (
        fine > np.float32(-0.45)
    )
    tone = np.clip(np.float32(0.6) + np.float32(0.3) * fine, 0.2, 1.2)[..., None] * np.array(leaves, np.float32)
    return Surface(mesh.atlas.add(np.dstack([tone.astype(np.uint8), inside.astype(np.uint8) * 255]), density))


def _net(mesh: Mesh, corners: list[Vector], rng: Rng) -> Surface:
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


def _wall(mesh: Mesh, corners: list[Vector], rng: Rng) -> Surface:
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
        pixels[y : y + rows // 5, x : x + cols // 4] = pick(rng, PAINTS)
        pixels[y + 3 : y + 6, x + 3 : x + cols // 5] = (236, 232, 220)
    return Surface(mesh.atlas.add(pixels, density))
