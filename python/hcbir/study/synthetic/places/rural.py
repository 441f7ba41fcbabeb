"""Farms, windmills, lighthouses, water towers."""

from __future__ import annotations

import math

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK
from hcbir.study.synthetic.places.palette import BRICKS, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    beam,
    box,
    dome,
    gable_roof,
    lathe,
)
from hcbir.study.synthetic.rendering.numbers import pick


def farm(site: Site) -> Extent:
    """A farm around a yard, seen with its fields."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, half = pick(rng, PLASTERS + BRICKS), float(rng.uniform(17, 24))
    roof, other = kit.surface("roof", pick(rng, ROOFS), unit=0.5), kit.surface("roof", pick(rng, ROOFS), unit=0.6)
    walls = Walls(
        "plaster",
        colour,
        bay=3.4,
        storey=3.4,
        opening=(1.2, 1.6),
        shutters=pick(rng, ((96, 60, 44), (60, 84, 70), (70, 84, 110))),
        timber=bool(rng.random() < 0.4),
    )
    plain, wood = kit.surface("plaster", colour), kit.surface("planks", (108, 78, 56), unit=0.3)
    box(mesh, (-half, -6, 0), (half * 0.4, 5, 7), kit.facade(half * 1.4, 7, walls, rng))
    gable_roof(mesh, (-half, -6), (half * 0.4, 5), 7, 6, roof, plain)
    with mesh.at(half * 0.8, half * 0.7):
        box(mesh, (-6, -half, 0), (6, half, 6), wood)
        gable_roof(mesh, (-6, -half), (6, half), 6, 6.5, other, wood, along="y")
    if not site.rebuilt:
        with mesh.at(-half * 0.5, half * 1.3):
            box(mesh, (-half * 0.6, -5, 0), (half * 0.6, 5, 5), wood)
            gable_roof(mesh, (-half * 0.6, -5), (half * 0.6, 5), 5, 5, other, wood)
    with mesh.at(-half * 1.1, half * 0.9):
        metal = kit.surface("metal", (170, 172, 170), unit=0.5)
        for k in range(int(rng.integers(1, 4))):
            with mesh.at(0, k * 8):
                lathe(mesh, [(3, 0), (3, 13)], 10, metal)
                dome(mesh, 3, 13, 2.4, 10, metal)
    return Extent(half * 2.2, half * 2, 15)


def windmill(site: Site) -> Extent:
    mesh, kit, rng = site.mesh, site.kit, site.rng
    r, tall = float(rng.uniform(4.4, 5.6)), float(rng.uniform(13, 17))
    wooden = bool(rng.random() < 0.5)
    colour = pick(rng, BRICKS + PLASTERS[2:4] if not wooden else ((96, 74, 56), (70, 84, 66)))
    base, sides = ("planks" if wooden else "brick"), 8
    sheet = kit.sheet(2 * math.pi * r / sides, tall, base, colour, rng)
    for k in range(3):
        sheet.box(sheet.width * 0.3, 1.4 + k * tall / 3.4, sheet.width * 0.3, 1.6, (232, 228, 216))
        sheet.box(sheet.width * 0.34, 1.5 + k * tall / 3.4, sheet.width * 0.22, 1.4, DARK, 192)
    sheet.weather()
    cap = kit.surface("planks", (84, 70, 58), unit=0.4)
    lathe(mesh, [(r * 1.05, 0), (r * 0.68, tall)], sides, kit.add(sheet))
    lathe(mesh, [(r * 1.5, tall * 0.3), (r * 1.5, tall * 0.3 + 0.3)], sides, cap, top=cap)
    dome(mesh, r * 0.74, tall, r * 0.9, 8, cap)
    if not site.rebuilt:
        sail = kit.sheet(1.9, tall * 0.78, "planks", (196, 184, 158), rng)
        for k in range(int(tall * 0.78 / 0.8)):
            for x in (0.3, 0.85, 1.4):
                sail.box(x, k * 0.8 + 0.1, 0.42, 0.62, DARK, 0)
        arm, turn = kit.add(sail, glows=False), float(rng.uniform(0.2, 1.2))
        y, z = -r * 0.95, tall + r * 0.3
        for k in range(4):
            a = turn + k * math.pi / 2
            c, s = round(math.cos(a), 12), round(math.sin(a), 12)

            def at(
                along: float, across: float, c: float = c, s: float = s, y: float = y, z: float = z
            ) -> tuple[float, float, float]:
                return along * c - across * s, y, z + along * s + across * c

            long = tall * 0.78
            mesh.polygon([at(1, -0.2), at(long, -0.2), at(long, 1.7), at(1, 1.7)], arm, two_sided=True)
            mesh.polygon([at(0, -0.18), at(long, -0.18), at(long, 0.18), at(0, 0.18)], cap, two_sided=True)
        beam(mesh, (0, y, z), (0, 0, z), 0.7, cap)
    barn = kit.surface("planks", (104, 76, 56))
    with mesh.at(r + 8, 4):
        box(mesh, (-5, -4, 0), (5, 4, 4), barn)
        gable_roof(mesh, (-5, -4), (5, 4), 4, 4, kit.surface("roof", pick(rng, ROOFS), unit=0.4), barn)
    return Extent(3.4 * r, 2 * r, tall * 1.5)


def lighthouse(site: Site) -> Extent:
    mesh, kit, rng = site.mesh, site.kit, site.rng
    r, tall = float(rng.uniform(3.4, 4.6)), float(rng.uniform(26, 38))
    colour, other = (
        pick(rng, ((236, 234, 228), (222, 214, 196), (206, 198, 184))),
        pick(rng, ((176, 44, 40), (40, 62, 110), (44, 44, 48))),
    )
    bands, sides = int(rng.integers(0, 5)), 12
    sheet = kit.sheet(2 * math.pi * r / sides, tall, "stone", colour, rng)
    for k in range(bands if not site.rebuilt else 0):
        sheet.box(0, tall * (2 * k + 1) / (2 * bands + 1), sheet.width, tall / (2 * bands + 1), other)
    for k in range(4):
        sheet.box(sheet.width * 0.35, 4 + k * tall / 5, sheet.width * 0.25, 1.5, DARK, 192)
    sheet.weather(0.2)
    metal, lamp = kit.surface("metal", other, unit=0.4), kit.sheet(1.6, 3.4, "metal", (60, 66, 74), rng)
    lamp.box(0.15, 0.4, 1.3, 2.6, (210, 200, 150), 192)
    lathe(mesh, [(r * 1.1, 0), (r * 0.72, tall)], sides, kit.add(sheet))
    lathe(mesh, [(r * 0.75, tall - 0.6), (r * 1.15, tall + 0.4), (r * 1.15, tall + 1.5)], sides, metal)
    lathe(mesh, [(r * 0.5, tall + 0.4), (r * 0.5, tall + 4)], 8, kit.add(lamp))
    lathe(mesh, [(r * 0.66, tall + 4), (r * 0.3, tall + 5.4), (0, tall + 6.6)], 8, metal)
    house = kit.facade(16, 6, Walls("plaster", colour, bay=3.4, storey=3, opening=(1, 1.4)), rng)
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.35)
    with mesh.at(r + 8, 3):
        box(mesh, (-8, -4, 0), (8, 4, 6), house)
        gable_roof(mesh, (-8, -4), (8, 4), 6, 3.4, roof, kit.surface("plaster", colour))
    plain = kit.surface("rubble", STONES[5])
    box(mesh, (-r - 9, -9, 0), (r + 18, -8.4, 1.2), plain, plain)
    return Extent(2 * r + 20, 14, tall + 7)


def water_tower(site: Site) -> Extent:
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour = pick(rng, BRICKS + STONES[:3])
    r, tall, tank = float(rng.uniform(4, 5)), float(rng.uniform(18, 26)), float(rng.uniform(7, 9))
    sheet = kit.sheet(2 * math.pi * r / 10, tall, "brick", colour, rng)
    trim = pick(rng, STONES)
    sheet.fill(sheet.arch(sheet.width * 0.2, 1, sheet.width * 0.6, tall - 3), trim)
    sheet.fill(
        sheet.arch(sheet.width * 0.26, 1, sheet.width * 0.48, tall - 3.4),
        (colour[0] * 0.8, colour[1] * 0.8, colour[2] * 0.8),
    )
    for k in range(int(tall / 5)):
        sheet.fill(sheet.arch(sheet.width * 0.38, 2.2 + 5 * k, sheet.width * 0.24, 2), DARK, 192)
    sheet.weather()
    drum = kit.sheet(
        2 * math.pi * r * 1.4 / 10, tank, "planks" if rng.random() < 0.5 else "concrete", pick(rng, PLASTERS), rng
    )
    for level in (0.2, 0.5, 0.8):
        drum.box(0, tank * level, drum.width, 0.25, (70, 66, 64))
    lathe(mesh, [(r * 1.08, 0), (r, 2), (r * 0.9, tall)], 10, kit.add(sheet))
    lathe(mesh, [(r * 0.9, tall - 2), (r * 1.4, tall), (r * 1.4, tall + tank)], 10, kit.add(drum))
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.35)
    if not site.rebuilt:
        lathe(
            mesh,
            [
                (r * 1.55, tall + tank),
                (r * 0.35, tall + tank + r),
                (r * 0.35, tall + tank + r + 2),
                (0, tall + tank + r + 4),
            ],
            10,
            roof,
        )
    return Extent(2.8 * r, 2.8 * r, tall + tank + r + 3)
