"""Castles and forts."""

from __future__ import annotations

import math

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK, portal
from hcbir.study.synthetic.places.palette import BRICKS, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    battlements,
    box,
    gable_roof,
    hip_roof,
    lathe,
    prism,
    ring,
    spire,
)
from hcbir.study.synthetic.rendering.mesh import Surface
from hcbir.study.synthetic.rendering.numbers import pick


def castle(site: Site) -> Extent:
    """Curtain walls between towers around a keep."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour = pick(rng, STONES)
    half, wall, r, keep = (
        float(rng.uniform(20, 26)),
        float(rng.uniform(8, 11)),
        float(rng.uniform(4, 5.5)),
        float(rng.uniform(22, 30)),
    )
    sides, roofed, corners = int(rng.choice([8, 12, 4])), bool(rng.random() < 0.6), int(rng.integers(4, 7))
    plain, roof = kit.surface("stone", colour, unit=0.7), kit.surface("roof", pick(rng, ROOFS), unit=0.5)
    outline = ring(half, corners, turn=float(rng.uniform(-0.3, 0.3)))
    heights = [wall * float(rng.uniform(1.35, 2.0)) for _ in range(corners)]

    def shaft(width: float, tall: float) -> Surface:
        sheet = kit.sheet(width, tall, "stone", colour, rng)
        for k in range(int(tall / 5)):
            sheet.box(width * float(rng.uniform(0.3, 0.6)), 3 + 5 * k, 0.45, 1.9, DARK)
        sheet.box(0, tall - 1.6, width, 0.5, (colour[0] * 1.1, colour[1] * 1.1, colour[2] * 1.1))
        sheet.multiply(0, tall - 2.2, width, 0.6, 0.62)
        sheet.weather(0.22)
        return kit.add(sheet)

    for k, (a, b) in enumerate(zip(outline, [*outline[1:], outline[0]], strict=True)):
        run = math.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2)
        if k != 0:
            mesh.polygon([(*a, 0), (*b, 0), (*b, wall), (*a, wall)], plain, two_sided=True)
        else:
            sheet = kit.sheet(run, wall, "stone", colour, rng)
            portal(sheet, run / 2, 3.4, 5, (190, 180, 160), pointed=0.5)
            sheet.weather(0.22)
            mesh.polygon([(*a, 0), (*b, 0), (*b, wall), (*a, wall)], kit.add(sheet), two_sided=True)
        battlements(mesh, [a, b], wall, 1.3, plain)
        with mesh.at(*a):
            tall = heights[k] * (0.55 if site.rebuilt and k % 2 else 1)
            lathe(mesh, [(r * 1.12, 0), (r, tall * 0.3), (r, tall)], sides, shaft(6.3 * r / sides, tall))
            battlements(mesh, ring(r * 1.02, sides), tall, 1.3, plain)
            if roofed and not (site.rebuilt and k % 2):
                spire(mesh, r * 0.98, tall + 0.5, r * 2, roof, sides)
    w = half * 0.36
    with mesh.at(half * 0.12, half * 0.2):
        box(mesh, (-w, -w, 0), (w, w, keep), shaft(2 * w, keep), plain)
        battlements(mesh, [(-w, -w), (w, -w), (w, w), (-w, w)], keep, 1.5, plain)
        if roofed and not site.rebuilt:
            hip_roof(mesh, (-w * 0.86, -w * 0.86), (w * 0.86, w * 0.86), keep + 0.3, w * 1.1, roof)
    with mesh.at(-half * 0.35, half * 0.1):
        hall = kit.facade(
            14, 11, Walls("plaster", pick(rng, PLASTERS), bay=3, storey=3.6, opening=(1, 1.7), door="none"), rng
        )
        box(mesh, (-7, -5, 0), (7, 5, 11), hall)
        gable_roof(mesh, (-7, -5), (7, 5), 11, 6, roof, kit.surface("plaster", PLASTERS[0]))
    return Extent(2 * half + 2 * r, 2 * half, keep + w)


def fort(site: Site) -> Extent:
    """A star of ramparts, as one sees it from the air."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    points, r = int(rng.integers(4, 7)), float(rng.uniform(44, 56))
    wall = kit.surface("brick", pick(rng, BRICKS + STONES[:2]), unit=0.7)
    grass = kit.ground((104, 124, 66), (130, 138, 84), metres=20)
    inner, outer = ring(r * 0.72, points, turn=0.2), ring(r, points, turn=0.2 + math.pi / points)
    for k in range(points):
        a, tip, b = inner[k], outer[k], inner[(k + 1) % points]
        for p, q in ((a, tip), (tip, b)):
            mesh.polygon([(*p, 0), (*q, 0), (*q, 7), (*p, 7)], wall)
        mesh.polygon([(*a, 7), (*tip, 7), (*b, 7), (b[0] * 0.8, b[1] * 0.8, 5), (a[0] * 0.8, a[1] * 0.8, 5)], grass)
    prism(
        mesh,
        [(x * 0.8, y * 0.8) for x, y in inner],
        4,
        5.02,
        wall,
        kit.ground((176, 166, 140), (150, 142, 120), metres=30),
    )
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.6)
    front = kit.facade(22, 9, Walls("plaster", pick(rng, PLASTERS), bay=3, storey=4, opening=(1.1, 1.8)), rng)
    for k in range(points - (2 if site.rebuilt else 0)):
        with mesh.at(turn=2 * math.pi * k / points):
            box(mesh, (-11, -r * 0.46, 5), (11, -r * 0.46 + 9, 14), front)
            gable_roof(mesh, (-11, -r * 0.46), (11, -r * 0.46 + 9), 14, 4, roof, kit.surface("plaster", PLASTERS[0]))
    with mesh.at(0, 0, 5):
        lathe(mesh, [(5, 0), (5, 16)], 10, wall)
        spire(mesh, 5.6, 16, 7, roof, 10)
    return Extent(2 * r, 2 * r, 28)
