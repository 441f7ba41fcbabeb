"""Temples, mosques, pagodas, domed basilicas."""

from __future__ import annotations

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK, portico
from hcbir.study.synthetic.places.palette import COPPER, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    box,
    dome,
    gable_roof,
    lathe,
    spire,
)
from hcbir.study.synthetic.rendering.numbers import direction, pick


def basilica(site: Site) -> Extent:
    """A great dome on a drum, a portico before it, two bell towers."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, PLASTERS + STONES), pick(rng, STONES)
    width, depth, tall = float(rng.uniform(36, 46)), float(rng.uniform(34, 44)), float(rng.uniform(15, 19))
    radius, lead = float(rng.uniform(9, 12)), pick(rng, (COPPER, (120, 126, 134), (150, 96, 70)))
    walls = Walls(
        "stone",
        colour,
        trim,
        bay=4.6,
        storey=tall / 2,
        opening=(1.8, 3.6),
        head="pediment",
        pilasters=True,
        door="portal",
    )
    front, side = kit.facade(width, tall, walls, rng), kit.facade(depth, tall, walls, rng)
    plain, metal = kit.surface("stone", colour), kit.surface("metal", lead, unit=0.5)
    y0 = -depth / 2
    box(mesh, (-width / 2, y0, 0), (width / 2, -y0, tall), [front, side, front, side], plain)
    portico(site, 0, y0, width * 0.42, tall * 0.86, trim)
    drum = kit.sheet(2 * 3.1416 * radius / 16, 8, "stone", colour, rng)
    drum.fill(drum.arch(drum.width * 0.25, 1.4, drum.width * 0.5, 5), trim)
    drum.fill(drum.arch(drum.width * 0.32, 1.5, drum.width * 0.36, 4.6), DARK, 192)
    drum.box(0, 7.3, drum.width, 0.7, trim)
    lathe(mesh, [(radius * 1.03, tall), (radius * 1.03, tall + 8)], 16, kit.add(drum))
    if not site.rebuilt:
        dome_height = radius * 1.15
        with mesh.at(0, 0, 0):
            dome(mesh, radius * 1.06, tall + 8, dome_height, 16, metal)
            lathe(mesh, [(1.5, tall + 7.6 + dome_height), (1.5, tall + 11 + dome_height)], 8, plain)
            spire(mesh, 1.9, tall + 11 + dome_height, 4, metal)
    else:
        lathe(mesh, [(radius * 1.1, tall + 8), (0, tall + 12)], 16, kit.surface("roof", ROOFS[0]))
    for s in (-1, 1):
        with mesh.at(s * (width / 2 - 3.2), y0 + 3.2):
            box(
                mesh,
                (-3, -3, tall),
                (3, 3, tall + 9),
                kit.facade(
                    6,
                    9,
                    Walls("stone", colour, trim, bay=3, storey=8, opening=(1.4, 5), head="round", door="none"),
                    rng,
                ),
            )
            dome(mesh, 3.4, tall + 9, 4.4, 8, metal)
    return Extent(width, depth, tall + 8 + radius * 1.3 + 6)


def temple(site: Site) -> Extent:
    """Columns all around a cella, on steps."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour = pick(rng, STONES)
    across, along = int(rng.integers(6, 9)), int(rng.integers(9, 13))
    step, tall = float(rng.uniform(3.2, 4.0)), float(rng.uniform(9, 12))
    width, depth = across * step, along * step
    surface, roof = kit.surface("stone", colour), kit.surface("roof", pick(rng, ROOFS[:2]), unit=0.6)
    for k in range(3):
        grow = 2.4 - 0.8 * k
        box(
            mesh,
            (-width / 2 - grow, -depth / 2 - grow, 0.6 * k),
            (width / 2 + grow, depth / 2 + grow, 0.6 * (k + 1)),
            surface,
            surface,
        )
    cella = kit.sheet(width - 2 * step, tall, "stone", colour, rng)
    cella.box(cella.width / 2 - 1.6, 0, 3.2, tall * 0.7, DARK)
    inner = width / 2 - step
    box(
        mesh,
        (-inner, -depth / 2 + step, 1.8),
        (inner, depth / 2 - step, 1.8 + tall),
        [kit.add(cella), surface, surface, surface],
    )
    spots = {(i, j) for i in range(across) for j in range(along) if i in (0, across - 1) or j in (0, along - 1)}
    for i, j in sorted(spots):
        if site.rebuilt and (i * 7 + j * 5) % 4 == 0:
            continue
        with mesh.at(-width / 2 + (i + 0.5) * step, -depth / 2 + (j + 0.5) * step):
            lathe(mesh, [(0.9, 1.8), (0.68, 1.8 + tall * 0.92), (1.15, 1.8 + tall)], 8, surface)
    z = 1.8 + tall
    frieze = kit.sheet(width, 2.6, "stone", colour, rng)
    for k in range(across * 2):
        frieze.box((k + 0.3) * step / 2, 1.0, step * 0.2, 1.0, (colour[0] * 0.7, colour[1] * 0.7, colour[2] * 0.7))
    frieze.multiply(0, 2.2, width, 0.4, 0.8)
    belt = kit.add(frieze)
    box(mesh, (-width / 2, -depth / 2, z), (width / 2, depth / 2, z + 2.6), belt, surface)
    if not site.rebuilt:
        gable_roof(
            mesh,
            (-width / 2, -depth / 2),
            (width / 2, depth / 2),
            z + 2.6,
            width * 0.17,
            roof,
            surface,
            along="y",
            eaves=0.8,
        )
    return Extent(width + 4, depth + 4, z + 3 + width * 0.17)


def mosque(site: Site) -> Extent:
    """A dome, half domes, minarets."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, lead = pick(rng, STONES), pick(rng, ((112, 128, 140), (96, 128, 120), (150, 140, 110)))
    width, tall, radius = float(rng.uniform(30, 38)), float(rng.uniform(11, 14)), float(rng.uniform(10, 13))
    minarets, height = int(rng.choice([2, 4])), float(rng.uniform(38, 48))
    walls = Walls(
        "stone", colour, (226, 214, 190), bay=3.8, storey=tall / 2, opening=(1.5, 3), head="pointed", door="portal"
    )
    front, plain, metal = (
        kit.facade(width, tall, walls, rng),
        kit.surface("stone", colour),
        kit.surface("metal", lead, unit=0.5),
    )
    h = width / 2
    box(mesh, (-h, -h, 0), (h, h, tall), front, plain)
    lathe(
        mesh,
        [(radius * 1.04, tall), (radius * 1.04, tall + 4)],
        16,
        kit.facade(
            2 * 3.1416 * radius / 16,
            4,
            Walls("stone", colour, bay=2, storey=3.6, opening=(1, 2.2), head="round", door="none"),
            rng,
        ),
    )
    dome(mesh, radius * 1.08, tall + 4, radius * 0.95, 16, metal)
    for x, y in ((0, -1), (1, 0), (0, 1), (-1, 0)):
        with mesh.at(x * radius * 0.95, y * radius * 0.95):
            dome(mesh, radius * 0.6, tall, radius * 0.55, 12, metal)
    spire(mesh, 0.6, tall + 4 + radius * 0.93, 4, kit.surface("metal", (200, 170, 90)))
    shaft = kit.sheet(2.2, height, "stone", colour, rng)
    for level in (0.45, 0.62, 0.78):
        shaft.box(0, height * level, 2.2, 1.0, (226, 214, 190))
        shaft.multiply(0, height * level - 0.8, 2.2, 0.8, 0.5)
    tube = kit.add(shaft)
    for k, (x, y) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        if k >= minarets or (site.rebuilt and k == 1):
            continue
        with mesh.at(x * h * 1.06, y * h * 1.06):
            lathe(mesh, [(1.7, 0), (1.4, height)], 8, tube)
            for level in (0.45, 0.62, 0.78):
                lathe(mesh, [(1.5, height * level - 0.6), (2.5, height * level), (2.5, height * level + 1)], 8, plain)
            spire(mesh, 1.8, height, 7, metal)
    return Extent(width * 1.1, width * 1.1, height + 7)


def pagoda(site: Site) -> Extent:
    """Storeys that grow smaller, each with its own roof."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    storeys, half = int(rng.integers(4, 8)), float(rng.uniform(6, 8))
    step, red = float(rng.uniform(4.6, 5.6)), pick(rng, ((168, 62, 46), (120, 70, 50), (196, 150, 96)))
    roof = kit.surface("roof", pick(rng, ((74, 96, 84), (92, 84, 78), (60, 70, 96))), unit=0.5)
    sides = 4 if rng.random() < 0.6 else 8
    base = kit.surface("stone", STONES[2])
    box(mesh, (-half * 1.5, -half * 1.5, 0), (half * 1.5, half * 1.5, 1.6), base, base)
    z = 1.6
    for k in range(storeys - (2 if site.rebuilt else 0)):
        r = half * (1 - 0.09 * k) * (1.32 if sides == 4 else 1.08)
        run = 2 * r * direction(3.14159265 / sides)[1]
        sheet = kit.sheet(run, step * 0.75, "planks", red, rng)
        sheet.box(0, 0, run, 0.5, (230, 214, 170))
        for j in range(3):
            x = run * (j + 0.5) / 3
            sheet.box(x - run * 0.11, 0.6, run * 0.22, step * 0.5, (216, 196, 150), 192)
            for i in range(4):
                sheet.box(x - run * 0.11 + i * run * 0.06, 0.6, 0.09, step * 0.5, (96, 50, 40))
        sheet.box(0, step * 0.62, run, 0.4, (60, 100, 90))
        lathe(mesh, [(r, z), (r, z + step * 0.75)], sides, kit.add(sheet))
        lathe(mesh, [(r * 1.55, z + step * 0.66), (r * 1.2, z + step * 0.82), (r * 0.9, z + step * 1.02)], sides, roof)
        z += step
    spire(mesh, half * 0.95, z - 0.2, step, roof, sides)
    lathe(mesh, [(0.3, z + step * 0.6), (0.5, z + step), (0.1, z + step * 2)], 6, kit.surface("metal", (210, 170, 80)))
    return Extent(half * 3, half * 3, z + step * 2)
