"""Town halls, palaces, gates, arches, columns, stations, arenas."""

from __future__ import annotations

import itertools
import math

from hcbir.study.synthetic.places.kit import BRICKS, COPPER, PLASTERS, ROOFS, STONES, Walls
from hcbir.study.synthetic.places.sacred import DARK, clock, portal, portico
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    battlements,
    box,
    dome,
    gable_roof,
    hip_roof,
    lathe,
    prism,
    ring,
    spire,
    vault,
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


def triumphal_arch(site: Site) -> Extent:
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, STONES), pick(rng, STONES)
    width, depth, tall = float(rng.uniform(24, 36)), float(rng.uniform(8, 12)), float(rng.uniform(22, 32))
    gate, high = width * float(rng.uniform(0.28, 0.36)), tall * float(rng.uniform(0.52, 0.62))
    sides = bool(rng.random() < 0.6)
    sheet = kit.sheet(width, tall, "stone", colour, rng)
    dark = (colour[0] * 0.62, colour[1] * 0.6, colour[2] * 0.58)
    for level in (tall * 0.7, tall * 0.76, tall - 0.9):
        sheet.box(0, level, width, 0.8, trim)
        sheet.multiply(0, level - 0.5, width, 0.5, 0.6)
    for k in range(9):  # reliefs of the attic
        x = (k + 0.1) * width / 9
        sheet.box(x, tall * 0.81, width / 12, tall * 0.11, dark)
        for _ in range(7):
            a, b = float(rng.uniform(0, width / 15)), float(rng.uniform(0, tall * 0.08))
            sheet.box(x + a, tall * 0.81 + b, width / 60, tall * 0.022, trim)
    for x in (0.03, 0.29, 0.66, 0.92):
        sheet.box(x * width, tall * 0.06, width * 0.05, tall * 0.63, trim)
        sheet.multiply(x * width + width * 0.036, tall * 0.06, width * 0.03, tall * 0.63, 0.7)
    for x in (0.1, 0.74):
        for _ in range(26):
            a, b = float(rng.uniform(0, width * 0.14)), float(rng.uniform(0, tall * 0.16))
            sheet.box(x * width + a, tall * 0.47 + b, width * 0.02, tall * 0.025, trim if rng.random() < 0.5 else dark)
    sheet.fill(sheet.arch(width / 2 - gate / 2 - 0.9, 0, gate + 1.8, high + 0.9), trim)
    sheet.fill(sheet.arch(width / 2 - gate / 2, 0, gate, high), DARK, 0)
    small = gate * 0.42
    if sides:
        for x in (0.17, 0.83):
            sheet.fill(sheet.arch(width * x - small / 2 - 0.5, 0, small + 1, high * 0.62), trim)
            sheet.fill(sheet.arch(width * x - small / 2, 0, small, high * 0.58), DARK, 0)
    sheet.weather()
    front, plain = kit.add(sheet, glows=False), kit.surface("stone", colour)
    box(mesh, (-width / 2, -depth / 2, 0), (width / 2, depth / 2, tall), [front, plain, front, plain], plain)
    vault(mesh, -gate / 2, gate, -depth / 2, depth / 2, 0, high - gate / 2, plain)
    if sides:
        for x in (-0.33, 0.33):
            vault(mesh, x * width - small / 2, small, -depth / 2, depth / 2, 0, high * 0.58 - small / 2, plain)
    if not site.rebuilt:
        bronze = kit.surface("metal", COPPER, unit=0.3)
        for x in (-1.6, -0.5, 0.6, 1.7):
            with mesh.at(x * 1.6, 0, tall):
                box(mesh, (-0.5, -2, 1.2), (0.5, 1, 2.6), bronze, bronze)
                lathe(mesh, [(0.25, 0), (0.3, 1.4)], 5, bronze)
                lathe(mesh, [(0.6, 2.4), (0.4, 3.9), (0, 4.6)], 6, bronze)
    return Extent(width, depth, tall + 4)


def column(site: Site) -> Extent:
    """A column with a statue in the middle of a square, basins around it."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour = pick(rng, STONES)
    tall, r = float(rng.uniform(24, 36)), float(rng.uniform(1.6, 2.3))
    plain, bronze = (
        kit.surface("stone", colour),
        kit.surface("metal", COPPER if rng.random() < 0.6 else (180, 150, 80), unit=0.3),
    )
    for k, grow in enumerate((7, 5.6, 4.4)):
        lathe(mesh, [(grow, 0.6 * k), (grow, 0.6 * k + 0.6)], 8, plain, top=plain)
    block = kit.sheet(6, 5, "stone", colour, rng)
    block.box(0.8, 0.8, 4.4, 3, (70, 66, 60))
    for _ in range(40):
        block.box(float(rng.uniform(0.9, 4.8)), float(rng.uniform(0.9, 3.4)), 0.25, 0.3, (150, 140, 110))
    box(mesh, (-3, -3, 1.8), (3, 3, 6.8), kit.add(block), plain)
    shaft = kit.sheet(2 * math.pi * r / 12, tall, "stone", colour, rng)
    for k in range(int(tall * 1.2)):
        shaft.box(0, k / 1.2, shaft.width, 0.16, (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6))
        shaft.box(
            float(rng.uniform(0, shaft.width * 0.6)),
            k / 1.2 + 0.2,
            shaft.width * 0.3,
            0.4,
            (colour[0] * 1.15, colour[1] * 1.15, colour[2] * 1.1),
        )
    lathe(mesh, [(r * 1.3, 6.8), (r * 1.05, 7.6)], 12, plain)
    lathe(mesh, [(r * 1.05, 7.6), (r * 0.88, 7.6 + tall)], 12, kit.add(shaft))
    z = 7.6 + tall
    lathe(mesh, [(r * 0.9, z), (r * 1.7, z + 1.4), (r * 1.7, z + 2)], 8, plain, top=plain)
    if not site.rebuilt:
        with mesh.at(0, 0, z + 2):
            lathe(mesh, [(0.7, 0), (0.9, 1.4), (0.8, 2.8), (1.0, 3.6), (0.35, 4.2), (0.45, 4.8), (0, 5.3)], 8, bronze)
            box(mesh, (-2.4, -0.15, 3.2), (-0.6, 0.15, 4.6), bronze)
            box(mesh, (0.6, -0.15, 3.2), (2.4, 0.15, 4.6), bronze)
    water = kit.surface("plaster", (88, 128, 144))
    for s in (-1, 1):
        with mesh.at(s * 17, -4):
            lathe(mesh, [(5, 0), (5, 0.9)], 12, plain, top=water)
            lathe(mesh, [(0.5, 0), (0.4, 2.4), (2, 2.8), (2, 3.1)], 8, plain, top=water)
    return Extent(26, 14, z + 7)


def gate(site: Site) -> Extent:
    """A town gate between two round towers, and stretches of wall."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    brick = rng.random() < 0.5
    colour, trim = pick(rng, BRICKS if brick else STONES), pick(rng, STONES)
    base = "brick" if brick else "stone"
    r, tall, between = float(rng.uniform(4.5, 6)), float(rng.uniform(16, 22)), float(rng.uniform(8, 11))
    plain, roof = kit.surface(base, colour), kit.surface("roof", pick(rng, ROOFS), unit=0.4)
    middle = kit.sheet(between, tall * 0.85, base, colour, rng)
    portal(middle, between / 2, 4.2, 6.5, trim, pointed=0.6)
    for k in range(3):
        middle.fill(middle.arch(between * (k + 0.3) / 3, tall * 0.5, 1.3, 2.6), trim)
        middle.fill(middle.arch(between * (k + 0.3) / 3 + 0.15, tall * 0.5, 1.0, 2.4), DARK, 192)
    middle.box(between / 2 - 1.4, tall * 0.7, 2.8, 2, trim)
    middle.weather()
    face = kit.add(middle)
    box(mesh, (-between / 2, -5, 0), (between / 2, 5, tall * 0.85), [face, plain, face, plain])
    gable_roof(mesh, (-between / 2, -5), (between / 2, 5), tall * 0.85, between * 0.55, roof, plain)
    drum = kit.sheet(2 * math.pi * r / 12, tall, base, colour, rng)
    for level in (0.25, 0.5, 0.75):
        drum.box(drum.width / 2 - 0.2, tall * level, 0.4, 1.6, DARK)
    drum.box(0, tall - 2.4, drum.width, 0.4, trim)
    drum.multiply(0, tall - 2.8, drum.width, 0.4, 0.6)
    drum.weather()
    tube = kit.add(drum)
    for s in (-1, 1):
        with mesh.at(s * (between / 2 + r * 0.7), 0):
            up = tall * (0.6 if site.rebuilt and s < 0 else 1)
            lathe(mesh, [(r, 0), (r * 0.97, up)], 12, tube)
            battlements(mesh, ring(r * 1.05, 12), up, 1.1, plain)
            spire(mesh, r * 1.08 if s > 0 or not site.rebuilt else r * 0.4, up + 0.8, r * 1.7, roof, 12)
        with mesh.at(s * (between / 2 + r * 1.5 + 9), 0):
            box(mesh, (-9, -1, 0), (9, 1, tall * 0.42), plain, plain)
            battlements(mesh, [(-9, -1), (9, -1), (9, 1), (-9, 1)], tall * 0.42, 1.2, plain)
    return Extent(between + 4 * r + 14, 11, tall + r * 1.7)


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
    for (c0, s0), (c1, s1) in itertools.pairwise(arc):
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


def arena(site: Site) -> Extent:
    """A ring of arches in three storeys, broken on one side."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, radius, sides = pick(rng, STONES), float(rng.uniform(26, 36)), 24
    storeys, step = int(rng.integers(2, 4)), float(rng.uniform(8, 10))
    run = 2 * radius * direction(math.pi / sides)[1]
    trim = (colour[0] * 1.12, colour[1] * 1.1, colour[2] * 1.08)
    sheet = kit.sheet(run, storeys * step, "stone", colour, rng)
    for row in range(storeys):
        for k in range(2):
            x = run * (k + 0.5) / 2
            sheet.fill(sheet.arch(x - run * 0.17, row * step, run * 0.34, step * 0.8), trim)
            sheet.fill(sheet.arch(x - run * 0.14, row * step, run * 0.28, step * 0.74), (44, 38, 34))
            sheet.box(k * run / 2, row * step, run * 0.05, step, trim)
        sheet.box(0, (row + 1) * step - 0.9, run, 0.7, trim)
        sheet.multiply(0, (row + 1) * step - 1.4, run, 0.5, 0.6)
    sheet.weather()
    wall, plain = kit.add(sheet, glows=False), kit.surface("stone", colour)
    outer, inner, sand = ring(radius, sides), ring(radius * 0.93, sides), ring(radius * 0.5, sides)
    broken = range(2, 12) if site.rebuilt else range(3, 9)
    for k in range(sides):
        j = (k + 1) % sides
        z = storeys * step if k not in broken else step * (storeys - 1)
        mesh.polygon([(*outer[k], 0), (*outer[j], 0), (*outer[j], z), (*outer[k], z)], wall)
        mesh.polygon([(*inner[j], 0), (*inner[k], 0), (*inner[k], z), (*inner[j], z)], plain)
        mesh.polygon([(*outer[k], z), (*outer[j], z), (*inner[j], z), (*inner[k], z)], plain)
        low = step * 0.3
        mesh.polygon(
            [(*sand[k], low), (*sand[j], low), (*inner[j], z * 0.8), (*inner[k], z * 0.8)],
            plain.tinted(0.85),
            two_sided=True,
        )
    prism(mesh, sand, 0, step * 0.25, plain, kit.ground((196, 176, 134), (176, 156, 116)))
    return Extent(2 * radius, 2 * radius, storeys * step)


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
