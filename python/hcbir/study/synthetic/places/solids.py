"""Boxes, prisms, roofs, bodies of revolution, arcades and trees, as polygons of a mesh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from hcbir.study.synthetic.rendering.mesh import Mesh, Part, Surface
from hcbir.study.synthetic.rendering.numbers import direction

Outline = Sequence[tuple[float, float]]


def box(
    mesh: Mesh,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    walls: Surface | Sequence[Surface],
    top: Surface | None = None,
) -> None:
    """`walls`: one, or those to the south, east, north and west; `top` None leaves it open."""
    (x0, y0, _), (x1, y1, _) = low, high
    prism(mesh, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], low[2], high[2], walls, top)


def prism(
    mesh: Mesh, outline: Outline, z0: float, z1: float, walls: Surface | Sequence[Surface], top: Surface | None = None
) -> None:
    """An upright prism over a convex outline, counter-clockwise seen from above."""
    for k, (a, b) in enumerate(zip(outline, [*outline[1:], outline[0]], strict=True)):
        surface = walls if isinstance(walls, Surface) else walls[k % len(walls)]
        mesh.polygon([(*a, z0), (*b, z0), (*b, z1), (*a, z1)], surface)
    if top is not None:
        mesh.polygon([(*p, z1) for p in outline], top)


def ring(radius: float, sides: int, turn: float = 0) -> list[tuple[float, float]]:
    """A regular polygon, a side to the south if `turn` is 0."""
    corners = []
    for k in range(sides):
        cos, sin = direction(2 * math.pi * (k + 0.5) / sides - math.pi / 2 + turn)
        corners.append((radius * cos, radius * sin))
    return corners


def lathe(
    mesh: Mesh, profile: Outline, sides: int, surface: Surface, *, turn: float = 0, top: Surface | None = None
) -> None:
    """A body of revolution; `profile` is (radius, z) upwards."""
    for (r0, z0), (r1, z1) in pairwise(profile):
        low, high = ring(max(r0, 1e-3), sides, turn), ring(max(r1, 1e-3), sides, turn)
        for k in range(sides):
            j = (k + 1) % sides
            mesh.polygon([(*low[k], z0), (*low[j], z0), (*high[j], z1), (*high[k], z1)], surface)
    if top is not None:
        mesh.polygon([(*p, profile[-1][1]) for p in ring(profile[-1][0], sides, turn)], top)


def dome(mesh: Mesh, radius: float, z: float, height: float, sides: int, surface: Surface) -> None:
    steps = [direction(math.pi / 2 * k / 5) for k in range(6)]
    lathe(mesh, [(radius * cos, z + height * sin) for cos, sin in steps], sides, surface)


def gable_roof(
    mesh: Mesh,
    low: tuple[float, float],
    high: tuple[float, float],
    z: float,
    rise: float,
    roof: Surface,
    wall: Surface | None,
    *,
    along: str = "x",
    eaves: float = 0.5,
) -> None:
    """The ridge runs `along` x or y; `wall` fills the gables."""
    if along == "y":
        with mesh.at(turn=math.pi / 2):
            gable_roof(mesh, (low[1], -high[0]), (high[1], -low[0]), z, rise, roof, wall, eaves=eaves)
        return
    (x0, y0), (x1, y1) = low, high
    middle, drop = (y0 + y1) / 2, eaves * rise * 2 / (y1 - y0)
    a, b, c, d = x0 - eaves, x1 + eaves, y0 - eaves, y1 + eaves
    mesh.polygon([(a, c, z - drop), (b, c, z - drop), (b, middle, z + rise), (a, middle, z + rise)], roof)
    mesh.polygon([(b, d, z - drop), (a, d, z - drop), (a, middle, z + rise), (b, middle, z + rise)], roof)
    if wall is not None:
        mesh.polygon([(x1, y0, z), (x1, y1, z), (x1, middle, z + rise)], wall)
        mesh.polygon([(x0, y1, z), (x0, y0, z), (x0, middle, z + rise)], wall)


def hip_roof(
    mesh: Mesh,
    low: tuple[float, float],
    high: tuple[float, float],
    z: float,
    rise: float,
    roof: Surface,
    eaves: float = 0.5,
) -> None:
    """Sloping on all four sides; the ridge runs along the longer."""
    (x0, y0), (x1, y1) = (low[0] - eaves, low[1] - eaves), (high[0] + eaves, high[1] + eaves)
    if x1 - x0 < y1 - y0:
        with mesh.at(turn=math.pi / 2):
            hip_roof(mesh, (low[1], -high[0]), (high[1], -low[0]), z, rise, roof, eaves)
        return
    inset = (y1 - y0) / 2
    a, b, m, t = x0 + inset, x1 - inset, (y0 + y1) / 2, z + rise
    mesh.polygon([(x0, y0, z), (x1, y0, z), (b, m, t), (a, m, t)], roof)
    mesh.polygon([(x1, y1, z), (x0, y1, z), (a, m, t), (b, m, t)], roof)
    mesh.polygon([(x1, y0, z), (x1, y1, z), (b, m, t)], roof)
    mesh.polygon([(x0, y1, z), (x0, y0, z), (a, m, t)], roof)


def spire(mesh: Mesh, radius: float, z: float, height: float, surface: Surface, sides: int = 8) -> None:
    lathe(mesh, [(radius, z), (0, z + height)], sides, surface)


def battlements(mesh: Mesh, outline: Outline, z: float, size: float, wall: Surface) -> None:
    """Merlons along an outline, as thin boxes."""
    for a, b in zip(outline, [*outline[1:], outline[0]], strict=True):
        run = math.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2)
        count = max(1, int(run / (2 * size)))
        for k in range(count):
            p, q = (k + 0.25) / count, (k + 0.75) / count
            ends = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for t in (p, q)]
            mesh.polygon(
                [(*ends[0], z), (*ends[1], z), (*ends[1], z + size), (*ends[0], z + size)], wall, two_sided=True
            )


def vault(mesh: Mesh, x: float, width: float, y0: float, y1: float, z0: float, spring: float, surface: Surface) -> None:
    """The inside of an arched opening through a wall that runs along x: jambs and intrados."""
    radius = width / 2
    arc = [
        (x + width, z0),
        *((x + radius + radius * c, spring + radius * s) for c, s in (direction(math.pi * k / 8) for k in range(9))),
        (x, z0),
    ]
    for (xa, za), (xb, zb) in pairwise(arc):
        mesh.polygon([(xa, y0, za), (xa, y1, za), (xb, y1, zb), (xb, y0, zb)], surface.tinted(0.8), two_sided=True)


def tree(
    mesh: Mesh, x: float, y: float, z: float, height: float, surface: Surface, *, part: Part = Part.VEGETATION
) -> None:
    """A picture of it that turns to whoever looks."""
    half = height / 3
    with mesh.body(), mesh.at(x, y, z, part=part):
        corners = [(-half, 0, 0), (half, 0, 0), (half, 0, height), (-half, 0, height)]
        mesh.polygon(corners, surface, two_sided=True, up=True, turning=True)


def beam(
    mesh: Mesh, a: tuple[float, float, float], b: tuple[float, float, float], width: float, surface: Surface
) -> None:
    """A bar of square section from a to b, as two crossed ribbons."""
    for side in ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)):
        along = [b[k] - a[k] for k in range(3)]
        size = math.sqrt(sum(v * v for v in along)) or 1.0
        if abs(sum(along[k] * side[k] for k in range(3))) > 0.9 * size:
            continue
        h = [width / 2 * v for v in side]
        mesh.polygon(
            [
                (a[0] - h[0], a[1] - h[1], a[2] - h[2]),
                (b[0] - h[0], b[1] - h[1], b[2] - h[2]),
                (b[0] + h[0], b[1] + h[1], b[2] + h[2]),
                (a[0] + h[0], a[1] + h[1], a[2] + h[2]),
            ],
            surface,
            two_sided=True,
        )
