"""Planar convex polygons with textures, collected in local coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from hcbir.study.synthetic.rendering.atlas import Atlas, Textures
from hcbir.study.synthetic.rendering.numbers import Doubles, Integers, Mask, direction, length

NUM_CORNERS = 8
"""At most, of a polygon."""


class Part(IntEnum):
    """What a polygon belongs to."""

    GROUND = 0
    SURROUNDINGS = 1
    VEGETATION = 2
    LANDMARK = 3
    CLUTTER = 4
    OCCLUDER = 5


@dataclass(frozen=True)
class Surface:
    """A texture of the atlas and the tint by which it is multiplied."""

    texture: int
    tint: tuple[float, float, float] = (1, 1, 1)

    def tinted(self, *tint: float) -> Surface:
        r, g, b = tint if len(tint) == 3 else (tint[0],) * 3
        return Surface(self.texture, (self.tint[0] * r, self.tint[1] * g, self.tint[2] * b))


@dataclass(frozen=True, eq=False)
class Faces:
    """f polygons: corners (f, 8, 3), the last repeated; normal, origin, across, down (f, 3): texels from world.

    A point's texel is ((p - origin) . across, (p - origin) . down). `lit_by` is the normal that the light sees;
    `turning` ones are pictures that turn to whoever looks;
    `bodies` numbers what stands or is taken away as a whole (a house, a tree), 0 for the rest.
    """

    corners: Doubles
    normals: Doubles
    lit_by: Doubles
    origins: Doubles
    across: Doubles
    down: Doubles
    textures: Integers
    tints: Doubles
    parts: Integers
    bodies: Integers
    two_sided: Mask
    turning: Mask

    def __len__(self) -> int:
        return len(self.textures)

    def where(self, kept: Mask) -> Faces:
        return Faces(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


def mirrored(faces: Faces) -> Faces:
    """In a water surface at z = 0; lit as the original."""
    flip = np.array([1.0, 1.0, -1.0])
    return Faces(
        faces.corners * flip,
        faces.normals * flip,
        faces.lit_by,
        faces.origins * flip,
        faces.across * flip,
        faces.down * flip,
        faces.textures,
        faces.tints,
        faces.parts,
        faces.bodies,
        faces.two_sided,
        faces.turning,
    )


def turned(faces: Faces, eye: Sequence[float], *, lean: float = 0.8) -> Faces:
    """Pictures that turn face `eye`; seen from above they lean back by `lean` of the angle."""
    rows = np.flatnonzero(faces.turning)
    if not len(rows):
        return faces
    old = faces.corners[rows]
    middle = (old[:, 0] + old[:, 1]) / 2
    half = np.sqrt(((old[:, 1] - old[:, 0]) ** 2).sum(axis=1, keepdims=True)) / 2
    tall = np.sqrt(((old[:, 3] - old[:, 0]) ** 2).sum(axis=1, keepdims=True))
    away = middle - np.array(eye)
    flat = np.sqrt(away[:, 0] ** 2 + away[:, 1] ** 2)[:, None]
    forward = away * [1, 1, 0] / np.maximum(flat, 1e-9)
    right = np.stack([forward[:, 1], -forward[:, 0], np.zeros(len(rows))], axis=1)
    drop = np.maximum(-away[:, 2:], 0) * lean
    size = np.sqrt(flat * flat + drop * drop)
    up = forward * (drop / size) + np.array([0.0, 0.0, 1.0]) * (flat / size)
    side, rise = half * right, tall * up
    corners = np.stack([middle - side, middle + side, middle + side + rise, middle - side + rise], axis=1)
    density = np.sqrt((faces.across[rows] ** 2).sum(axis=1, keepdims=True))
    out = Faces(*(getattr(faces, name).copy() for name in Faces.__dataclass_fields__))
    out.corners[rows] = corners[:, [0, 1, 2, 3, 3, 3, 3, 3]]
    out.normals[rows] = np.stack(
        [
            right[:, 1] * up[:, 2] - right[:, 2] * up[:, 1],
            right[:, 2] * up[:, 0] - right[:, 0] * up[:, 2],
            right[:, 0] * up[:, 1] - right[:, 1] * up[:, 0],
        ],
        axis=1,
    )
    out.origins[rows], out.across[rows], out.down[rows] = corners[:, 3], density * right, -density * up
    return out


def join(*several: Faces) -> Faces:
    return Faces(*(np.concatenate([getattr(s, name) for s in several]) for name in Faces.__dataclass_fields__))


Point = Sequence[float]


@dataclass(eq=False)
class Mesh:
    """Collects polygons; `part` and the place where local coordinates stand are set for a while by `at`."""

    atlas: Atlas = field(default_factory=Atlas)
    part: Part = Part.SURROUNDINGS
    _place: tuple[float, float, float, float, float] = (0, 0, 0, 1, 0)
    _rows: list[tuple[object, ...]] = field(default_factory=list)
    _body: int = 0
    _bodies: int = 0
    _lifted: dict[Part, float] = field(default_factory=dict)

    @contextmanager
    def at(self, x: float = 0, y: float = 0, z: float = 0, turn: float = 0, part: Part | None = None) -> Iterator[None]:
        """Local coordinates moved to (x, y, z) and turned counter-clockwise, seen from above."""
        place, before = self._place, self.part
        cos, sin = direction(turn)
        px, py, pz, pc, ps = place
        self._place = (px + pc * x - ps * y, py + ps * x + pc * y, pz + z, pc * cos - ps * sin, ps * cos + pc * sin)
        self.part = before if part is None else part
        try:
            yield
        finally:
            self._place, self.part = place, before

    @contextmanager
    def body(self) -> Iterator[None]:
        """What is built meanwhile stands or is taken away as a whole."""
        self._bodies += 1
        before, self._body = self._body, self._bodies
        try:
            yield
        finally:
            self._body = before

    def polygon(
        self,
        points: Sequence[Point],
        surface: Surface,
        *,
        two_sided: bool = False,
        up: bool = False,
        turning: bool = False,
        offset: tuple[float, float] = (0, 0),
    ) -> None:
        """Corners counter-clockwise seen from outside; `offset` in metres moves the texture.

        `up`: lit as if it faced the sky, as leaves are. `turning`: an upright rectangle, given from its lower left
        corner, that turns about its middle to whoever looks.
        """
        if len(points) > NUM_CORNERS:
            for k in range(1, len(points) - 1, NUM_CORNERS - 2):
                piece = [points[0], *points[k : k + NUM_CORNERS - 1]]
                self.polygon(piece, surface, two_sided=two_sided, up=up, turning=turning, offset=offset)
            return
        x, y, z, cos, sin = self._place
        corners = [(x + cos * p[0] - sin * p[1], y + sin * p[0] + cos * p[1], z + p[2]) for p in points]
        normal = _normal(corners)
        if normal is None:
            return
        flat = length(normal[:2])
        across = (-normal[1] / flat, normal[0] / flat, 0.0) if flat > 1e-06 else (cos, sin, 0.0)
        nx, ny, nz = normal
        down = (
            -(ny * across[2] - nz * across[1]),
            -(nz * across[0] - nx * across[2]),
            -(nx * across[1] - ny * across[0]),
        )
        along = [min(sum(p[k] * axis[k] for k in range(3)) for p in corners) for axis in (across, down)]
        first = [sum(corners[0][k] * axis[k] for k in range(3)) for axis in (across, down)]
        step = along[0] - first[0] - offset[0], along[1] - first[1] - offset[1]
        origin = tuple(corners[0][k] + step[0] * across[k] + step[1] * down[k] for k in range(3))
        density = self.atlas.density(surface.texture)
        self._rows.append(
            (
                corners + [corners[-1]] * (NUM_CORNERS - len(corners)),
                normal,
                (0.0, 0.0, 1.0) if up else normal,
                origin,
                tuple(density * part for part in across),
                tuple(density * part for part in down),
                surface.texture,
                surface.tint,
                int(self.part),
                self._body,
                two_sided,
                turning,
            )
        )

    def __len__(self) -> int:
        return len(self._rows)

    def truncate(self, count: int) -> None:
        """Takes away the polygons after the first `count`."""
        del self._rows[count:]

    def lift(self, part: Part, z: float) -> None:
        """Raises all that is there of a part."""
        self._lifted[part] = self._lifted.get(part, 0.0) + z

    def close(self) -> tuple[Faces, Textures]:
        columns = list(zip(*self._rows, strict=True))
        kinds = (np.float64,) * 6 + (np.int64, np.float64, np.int64, np.int64, np.bool_, np.bool_)
        faces = Faces(*(np.array(c, dtype=k) for c, k in zip(columns, kinds, strict=True)))
        for part, z in self._lifted.items():
            faces.corners[faces.parts == part, :, 2] += z
            faces.origins[faces.parts == part, 2] += z
        return faces, self.atlas.close()


def _normal(corners: Sequence[tuple[float, float, float]]) -> tuple[float, float, float] | None:
    """Newell's."""
    total = [0.0, 0.0, 0.0]
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        total[0] += (a[1] - b[1]) * (a[2] + b[2])
        total[1] += (a[2] - b[2]) * (a[0] + b[0])
        total[2] += (a[0] - b[0]) * (a[1] + b[1])
    size = length(total)
    return None if size < 1e-9 else (total[0] / size, total[1] / size, total[2] / size)
