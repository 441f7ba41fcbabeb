"""Sun, sky and lamps, and the shadows that the sun casts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hcbir.study.synthetic.rendering.camera import Vector
from hcbir.study.synthetic.rendering.mesh import Faces, turned
from hcbir.study.synthetic.rendering.numbers import Colour, Doubles, Floats, Mask, direction
from hcbir.study.synthetic.rendering.raster import outline_mask

SHADOW_SIDE = 640
_BIAS = 0.004  # of the shadowed region's size


@dataclass(frozen=True)
class Light:
    """`sun` points to the sun; colours multiply textures (255 = unchanged), except those of sky and haze.

    `haze_distance` in metres: half of what is there is seen. `lamps` 0..1 lights windows, `flood` 0..1 the landmark.
    """

    sun: Vector
    sun_colour: Colour = (232, 218, 194)
    ambient: Colour = (114, 122, 140)
    sky_top: Colour = (92, 138, 196)
    sky_low: Colour = (206, 220, 232)
    haze: Colour = (200, 212, 226)
    haze_distance: float = 3000
    clouds: float = 0.4
    cloud: Colour = (246, 246, 248)
    lamps: float = 0
    flood: float = 0

    def with_sun(self, azimuth: float, height: float) -> Light:
        cos, sin = direction(azimuth)
        up, out = direction(height)[::-1]
        return replace(self, sun=(cos * out, sin * out, up))


def shadow_map(faces: Faces, sun: Vector, radius: float) -> tuple[Floats, Doubles]:
    """Depth towards the sun of what stands within `radius` of the origin, and the (3, 4) map into it.

    Row and column of a point, and its own depth, are the map times (x, y, z, 1); what has a smaller depth than
    the map's is in shadow.
    """
    side = np.array([-sun[1], sun[0], 0.0])
    side /= math.sqrt(float(side[0] * side[0] + side[1] * side[1])) or 1.0
    toward = np.array(sun)
    up = np.array(
        [
            toward[1] * side[2] - toward[2] * side[1],
            toward[2] * side[0] - toward[0] * side[2],
            toward[0] * side[1] - toward[1] * side[0],
        ]
    )
    scale = SHADOW_SIDE / (2 * radius)
    rows = np.zeros((3, 4))
    rows[0, :3], rows[1, :3], rows[2, :3] = -scale * up, scale * side, toward
    rows[:2, 3] = SHADOW_SIDE / 2
    faces = turned(faces, tuple(1e6 * part for part in sun), lean=0)
    rows_of_faces = _casters(faces, sun, radius)
    at = np.stack([_apply(rows[k], faces.corners[rows_of_faces]) for k in range(3)], axis=-1)
    leaves = faces.turning[rows_of_faces]
    at[leaves] = _rounded(at[leaves])
    low, high = at[..., :2].min(axis=1), at[..., :2].max(axis=1)
    inside = (high > 0).all(axis=1) & (low < SHADOW_SIDE).all(axis=1)
    at, low, high = at[inside], low[inside], high[inside]
    first = np.maximum(np.floor(low) - 1, 0).astype(np.int64)
    last = np.minimum(np.ceil(high) + 2, SHADOW_SIDE).astype(np.int64)
    planes = _planes(at).astype(np.float32)
    least, most = at[..., 2].min(axis=1).astype(np.float32), at[..., 2].max(axis=1).astype(np.float32)
    depth = np.full((SHADOW_SIDE, SHADOW_SIDE), -1e9, np.float32)
    count = np.arange(SHADOW_SIDE, dtype=np.float32) + np.float32(0.5)
    for k, ((r0, c0), (r1, c1)) in enumerate(zip(first, last, strict=True)):
        if r1 <= r0 or c1 <= c0:
            continue
        plane = (planes[k, 0] * count[r0:r1] + planes[k, 2])[:, None] + (planes[k, 1] * count[c0:c1])[None]
        np.maximum(np.minimum(plane, most[k], out=plane), least[k], out=plane)
        region = depth[r0:r1, c0:c1]
        mask = outline_mask(at[k][:, [1, 0]], np.array([c0, r0, c1, r1])).view(np.bool_)
        np.maximum(region, plane, where=mask, out=region)
    return depth, rows


def _casters(faces: Faces, sun: Vector, radius: float) -> Mask:
    """Small enough to be no ground, and turned to the sun: a body's far side casts no other shadow."""
    small = np.ptp(faces.corners, axis=1).max(axis=1) < 4 * radius
    toward = faces.normals[:, 0] * sun[0] + faces.normals[:, 1] * sun[1] + faces.normals[:, 2] * sun[2]
    kept: Mask = small & (faces.two_sided | (toward > 0))
    return kept


def _rounded(corners: Doubles) -> Doubles:
    """Octagons inside quadrilaterals: a crown's shadow is not square."""
    ends = corners[:, [0, 1, 2, 3, 0]]
    low, high = ends[:, :-1] * 0.7 + ends[:, 1:] * 0.3, ends[:, :-1] * 0.3 + ends[:, 1:] * 0.7
    return np.stack([low, high], axis=2).reshape(len(corners), 8, 3)


def _apply(row: Doubles, points: Doubles) -> Doubles:
    out: Doubles = points[..., 0] * row[0] + points[..., 1] * row[1] + points[..., 2] * row[2] + row[3]
    return out


def _planes(at: Doubles) -> Doubles:
    """(f, 3): depth = a row + b column + c, from the first three corners; a constant for what is seen edge on."""
    origin = at[:, 0]
    (r1, c1, d1), (r2, c2, d2) = ((at[:, k] - origin).T for k in (1, 2))
    area = r1 * c2 - r2 * c1
    flat = np.abs(area) < 0.5
    area = np.where(flat, 1.0, area)
    by_row = np.where(flat, 0.0, (d1 * c2 - d2 * c1) / area)
    by_col = np.where(flat, 0.0, (d2 * r1 - d1 * r2) / area)
    constant = np.where(flat, at[..., 2].mean(axis=1), origin[:, 2]) - by_row * origin[:, 0] - by_col * origin[:, 1]
    return np.stack([by_row, by_col, constant], axis=1)


def lit_share(depth: Floats, into: Doubles, world: tuple[Floats, Floats, Floats], radius: float) -> Floats:
    """How much of each world point the sun reaches, 0..1: the mean of four tests around it."""
    row, col, own = (
        world[0] * np.float32(r[0]) + world[1] * np.float32(r[1]) + world[2] * np.float32(r[2]) + np.float32(r[3])
        for r in into
    )
    own += np.float32(_BIAS * radius)
    total = np.zeros(row.shape, np.float32)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at_row = np.clip((row + np.float32(down - 0.5)).astype(np.int32), 0, SHADOW_SIDE - 1)
        at_col = np.clip((col + np.float32(across - 0.5)).astype(np.int32), 0, SHADOW_SIDE - 1)
        total += own >= depth.reshape(-1)[at_row * SHADOW_SIDE + at_col]
    return total * np.float32(0.25)
