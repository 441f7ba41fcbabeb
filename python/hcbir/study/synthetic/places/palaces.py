"""Town halls, palaces, theatres, stations."""

from __future__ import annotations

import math
from itertools import pairwise

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK, clock, portal, portico
from hcbir.study.synthetic.places.palette import BRICKS, COPPER, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    battlements,
    box,
    dome,
    gable_roof,
    hip_roof,
    lathe,
    ring,
    spire,
)
from hcbir.study.synthetic.rendering.numbers import direction, pick


def town_hall(site: Site) -> Extent:
    """A broad front with a belfry."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    brick = rng.random() < 0.4
    colour, trim = pick(rng, BRICKS if brick else PLASTERS), pick(rng, STONES)
    width, depth, tall = float(rng.uniform(26, 40)), float(rng.uniform(14, 18)), float(rng.uniform(11, 16))
    half, belfry, at = float(rng.uniform(2.8, 4)), float(rng.uniform(14, 24)), float(rng.choice([0, 0, -0.32, 0.32]))
    walls = Walls(
        "brick" if brick else "plaster",
        colour,
        trim,
        bay=float(rng.uniform(3, 4)),
        storey=4,
        opening=(1.4, 2.4),
        head=str(rng.choice(["pediment", "round", "flat"])),
        quoins=True,
        door="arcade",
        bars=(2, 4),
    )
    front, side = kit.facade(width, tall, walls, rng), kit.facade(depth, tall, walls, rng)
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.35)
    plain = kit.surface(walls.base, colour)
    box(mesh, (-width / 2, -depth / 2, 0), (width / 2, depth / 2, tall), [front, side, front, side])
    hip_roof(mesh, (-width / 2, -depth / 2), (width / 2, depth / 2), tall, depth * 0.42, roof)
    for k in range(5):
        with mesh.at((k - 2) * width / 6, -depth / 2 + 1.6, tall + 0.4):
            box(
                mesh,
                (-0.9, 0, 0),
                (0.9, 3, 2),
                kit.facade(
                    1.8, 2, Walls("plaster", colour, trim, bay=1.8, storey=2, opening=(0.9, 1.2), door="none"), rng
                ),
            )
            gable_roof(mesh, (-0.9, 0), (0.9, 4), 2, 1.1, roof, plain, along="y", eaves=0.2)
    up = tall + belfry
    sheet = kit.sheet(2 * half, up, walls.base, colour, rng)
    portal(sheet, half, 2.2, 3.6, trim)
    for k in range(int(up / 4)):
        sheet.box(half - 0.5, 5 + k * 4, 1, 1.9, DARK, 192)
    clock(sheet, half, up - half * 1.1, half * 0.62)
    for level in (tall, up - 0.5, up - half * 2.2):
        sheet.box(0, level, 2 * half, 0.5, trim)
        sheet.multiply(0, level - 0.4, 2 * half, 0.4, 0.6)
    sheet.weather()
    with mesh.at(at * width, -depth / 2 + half - 1):
        box(mesh, (-half, -half, 0), (half, half, up), kit.add(sheet), plain)
        if site.rebuilt:
            battlements(mesh, ring(half * 1.41, 4), up, 1.2, plain)
        else:
            metal = kit.surface("metal", COPPER if rng.random() < 0.5 else (96, 100, 112), unit=0.4)
            lathe(
                mesh,
                [(half * 1.5, up), (half * 0.9, up + half), (half * 0.7, up + half * 1.1), (half * 0.7, up + half * 2)],
                4 if at else 8,
                metal,
            )
            spire(mesh, half * 0.9, up + half * 2, half * 2.6, metal)
    return Extent(width, depth, up + half * 3)


def palace(site: Site) -> Extent:
    """A long front with a raised middle and two wings that come forward."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, PLASTERS + STONES), pick(rng, STONES)
    width, depth, tall = float(rng.uniform(54, 76)), float(rng.uniform(14, 18)), float(rng.uniform(11, 15))
    wing, roof_colour = float(rng.uniform(10, 15)), pick(rng, ROOFS[2:])
    walls = Walls(
        "plaster",
        colour,
        trim,
        bay=float(rng.uniform(3, 4)),
        storey=tall / 2.0 if rng.random() < 0.4 else tall / 3.0,
        opening=(1.3, 2.7),
        head=str(rng.choice(["pediment", "flat", "round"])),
        pilasters=bool(rng.random() < 0.6),
        door="portal",
        bars=(2, 4),
    )
    roof, plain = kit.surface("roof", roof_colour, unit=0.4), kit.surface("plaster", colour)
    front, side = kit.facade(width, tall, walls, rng), kit.facade(depth, tall, walls, rng)
    box(mesh, (-width / 2, -depth / 2, 0), (width / 2, depth / 2, tall), [front, side, front, side])
    hip_roof(mesh, (-width / 2, -depth / 2), (width / 2, depth / 2), tall, depth * 0.4, roof)
    short, long = kit.facade(wing, tall, walls, rng), kit.facade(wing * 1.3, tall, walls, rng)
    for s in (-1, 1):
        if site.rebuilt and s > 0:
            continue
        x = s * (width - wing) / 2
        with mesh.at(x, -depth / 2 - wing * 1.3):
            box(mesh, (-wing / 2, 0, 0), (wing / 2, wing * 1.3, tall), [short, long, plain, long])
            hip_roof(mesh, (-wing / 2, 0), (wing / 2, wing * 1.3 + 3), tall, wing * 0.4, roof)
    with mesh.at(0, -depth / 2 - 1.2):
        middle = width * 0.2
        box(mesh, (-middle / 2, 0, 0), (middle / 2, 6, tall * 1.22), kit.facade(middle, tall * 1.22, walls, rng), plain)
        gable_roof(mesh, (-middle / 2, 0), (middle / 2, 10), tall * 1.22, middle * 0.22, roof, plain, along="y")
    if rng.random() < 0.5 and not site.rebuilt:
        with mesh.at(0, 0):
            dome(mesh, depth * 0.36, tall + depth * 0.25, depth * 0.5, 12, kit.surface("metal", COPPER, unit=0.4))
    return Extent(width, depth + wing, tall * 1.6)


def theatre(site: Site) -> Extent:
    """A portico before a block, a dome or a fly tower behind."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, PLASTERS + STONES), pick(rng, STONES)
    width, depth, tall = float(rng.uniform(26, 38)), float(rng.uniform(30, 42)), float(rng.uniform(13, 17))
    walls = Walls(
        "plaster",
        colour,
        trim,
        bay=3.8,
        storey=tall / 2.4,
        opening=(1.5, 2.8),
        head=str(rng.choice(["round", "pediment"])),
        pilasters=True,
        door="portal",
    )
    front, side, plain = (
        kit.facade(width, tall, walls, rng),
        kit.facade(depth, tall, walls, rng),
        kit.surface("plaster", colour),
    )
    box(
        mesh,
        (-width / 2, -depth / 2, 0),
        (width / 2, depth / 2, tall),
        [front, side, front, side],
        kit.surface("metal", (130, 132, 134)),
    )
    if not site.rebuilt:
        portico(site, 0, -depth / 2, width * 0.62, tall, trim)
    if rng.random() < 0.5:
        dome(
            mesh,
            width * 0.3,
            tall,
            width * 0.26,
            16,
            kit.surface("metal", pick(rng, (COPPER, (120, 124, 134))), unit=0.5),
        )
    else:
        with mesh.at(0, depth * 0.15):
            box(
                mesh,
                (-width * 0.3, -6, tall),
                (width * 0.3, 8, tall + 8),
                kit.facade(width * 0.6, 8, walls, rng),
                plain,
            )
            hip_roof(
                mesh, (-width * 0.3, -6), (width * 0.3, 8), tall + 8, 4, kit.surface("roof", pick(rng, ROOFS), unit=0.5)
            )
    return Extent(width, depth + 4, tall + width * 0.28)


def station(site: Site) -> Extent:
    """A railway station: a great arched window between two pavilions with clocks."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, PLASTERS + BRICKS + STONES), pick(rng, STONES)
    hall, depth, tall = float(rng.uniform(26, 34)), float(rng.uniform(40, 52)), float(rng.uniform(16, 20))
    wing = float(rng.uniform(10, 14))
    walls = Walls(
        "plaster", colour, trim, bay=3.5, storey=tall / 3, opening=(1.5, 3), head="round", quoins=True, door="portal"
    )
    plain, glass = kit.surface("plaster", colour), kit.surface("metal", (118, 132, 146), unit=0.8)
    sheet = kit.sheet(hall, tall * 1.5, "plaster", colour, rng)
    sheet.fill(sheet.arch(hall * 0.09, 4, hall * 0.82, tall * 1.5 - 6), trim)
    sheet.fill(sheet.arch(hall * 0.12, 4.4, hall * 0.76, tall * 1.5 - 7), (74, 92, 110), 192)
    for k in range(1, 12):
        sheet.box(
            hall * (0.12 + 0.76 * k / 12) - 0.12, 4.4, 0.24, (tall * 1.5 - 7) * (1 - 0.45 * (abs(k - 6) / 6) ** 2), trim
        )
    for k in range(1, 5):
        sheet.box(hall * 0.13, 4.4 + k * 3, hall * 0.74, 0.25, trim)
    for k in range(5):
        sheet.box(hall * (0.1 + 0.17 * k), 0, hall * 0.11, 3.4, DARK, 192)
    clock(sheet, hall / 2, tall * 1.5 - 1.9, 1.4)
    sheet.weather()
    y0 = -depth / 2
    side = kit.facade(depth, tall, walls, rng)
    box(mesh, (-hall / 2, y0, 0), (hall / 2, y0 + 2, tall * 1.5), kit.add(sheet), plain)
    box(mesh, (-hall / 2, y0 + 2, 0), (hall / 2, -y0, tall * 0.8), [plain, side, plain, side])
    arc = [direction(math.pi * k / 8) for k in range(9)]
    for (c0, s0), (c1, s1) in pairwise(arc):
        h, z, up = hall / 2, tall * 0.8, tall * 0.6
        mesh.polygon(
            [
                (h * c0, y0 + 2, z + up * s0),
                (h * c0, -y0, z + up * s0),
                (h * c1, -y0, z + up * s1),
                (h * c1, y0 + 2, z + up * s1),
            ],
            glass,
        )
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.4)
    for s in (-1, 1):
        x = s * (hall + wing) / 2
        if site.rebuilt and s < 0:
            continue
        with mesh.at(x, y0 + wing / 2 - 1):
            box(mesh, (-wing / 2, -wing / 2, 0), (wing / 2, wing / 2, tall), kit.facade(wing, tall, walls, rng))
            hip_roof(mesh, (-wing / 2, -wing / 2), (wing / 2, wing / 2), tall, wing * 0.5, roof)
    return Extent(hall + 2 * wing, depth, tall * 1.55)
