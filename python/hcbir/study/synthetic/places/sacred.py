"""Churches, temples, mosques, pagodas."""

from __future__ import annotations

from hcbir.study.synthetic.places.kit import BRICKS, COPPER, PLASTERS, ROOFS, STONES, Walls
from hcbir.study.synthetic.places.sheet import Sheet
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import box, dome, gable_roof, hip_roof, lathe, prism, ring, spire
from hcbir.study.synthetic.rendering.mesh import Surface
from hcbir.study.synthetic.rendering.numbers import Colour, direction, pick

DARK: Colour = (40, 38, 42)


def rose(sheet: Sheet, x: float, y: float, radius: float, trim: Colour) -> None:
    """A round window with spokes."""
    for grow, colour, alpha in ((1.18, trim, 255), (1.0, (60, 62, 76), 192)):
        sheet.fill(
            [(x + radius * grow * c, y + radius * grow * s) for c, s in (direction(k * 0.2618) for k in range(24))],
            colour,
            alpha,
        )
    for k in range(6):
        c, s = direction(k * 0.5236)
        w = radius * 0.05
        sheet.fill(
            [
                (x - radius * c - w * s, y - radius * s + w * c),
                (x + radius * c - w * s, y + radius * s + w * c),
                (x + radius * c + w * s, y + radius * s - w * c),
                (x - radius * c + w * s, y - radius * s - w * c),
            ],
            trim,
        )
    for k in range(12):
        c, s = direction((k + 0.5) * 0.5236)
        px, py, r = x + 0.68 * radius * c, y + 0.68 * radius * s, radius * 0.13
        sheet.fill([(px + r * a, py + r * b) for a, b in (direction(j * 0.785) for j in range(8))], trim)


def clock(sheet: Sheet, x: float, y: float, radius: float) -> None:
    for grow, colour, alpha in ((1.15, (70, 62, 50), 255), (1.0, (236, 230, 210), 192)):
        sheet.fill(
            [(x + radius * grow * c, y + radius * grow * s) for c, s in (direction(k * 0.2618) for k in range(24))],
            colour,
            alpha,
        )
    for k in range(12):
        c, s = direction(k * 0.5236)
        sheet.box(
            x + 0.82 * radius * c - 0.05 * radius,
            y + 0.82 * radius * s - 0.05 * radius,
            radius * 0.12,
            radius * 0.12,
            DARK,
        )
    sheet.box(x - radius * 0.05, y, radius * 0.1, radius * 0.7, DARK)
    sheet.box(x, y - radius * 0.05, radius * 0.5, radius * 0.1, DARK)


def portal(sheet: Sheet, x: float, width: float, height: float, trim: Colour, *, pointed: float = 0.0) -> None:
    """A door below receding arches."""
    for k in range(4):
        grow = width * 0.13 * (3 - k)
        tone = (1.05, 0.78, 0.95, 0.6)[k]
        outline = sheet.arch(x - width / 2 - grow, 0, width + 2 * grow, height + grow * 1.4, pointed=pointed)
        sheet.fill(outline, (trim[0] * tone, trim[1] * tone, trim[2] * tone))
    sheet.fill(sheet.arch(x - width / 2, 0, width, height, pointed=pointed), (72, 48, 34))
    sheet.box(x - 0.06, 0, 0.12, height * 0.8, (40, 28, 22))
    sheet.box(x - width / 2, height * 0.62, width, 0.25, trim)


def church(site: Site) -> Extent:
    """A nave, a tower with a spire before it, an apse behind."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    plastered = rng.random() < 0.5
    colour = pick(rng, PLASTERS if plastered else STONES)
    base = "plaster" if plastered else "stone"
    trim = pick(rng, STONES)
    width, depth, eaves = float(rng.uniform(11, 15)), float(rng.uniform(22, 30)), float(rng.uniform(8, 11))
    half, tall = float(rng.uniform(2.8, 3.8)), float(rng.uniform(18, 26))
    top, pointed = float(rng.uniform(9, 18)), float(rng.choice([0.0, 0.9]))
    onion = rng.random() < 0.35
    head = "pointed" if pointed else "round"
    walls = Walls(
        base,
        colour,
        trim,
        bay=4.4,
        storey=eaves,
        opening=(1.4, eaves * 0.55),
        head=head,
        quoins=plastered,
        door="none",
        courses=False,
        bars=(2, 4),
    )
    side = kit.facade(depth, eaves, walls, rng)
    front = kit.sheet(width, eaves, base, colour, rng)
    portal(front, width * 0.18, 1.4, 2.8, trim, pointed=pointed)
    front.weather()
    plain = kit.surface(base, colour)
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.35)
    y0 = -depth / 2
    box(mesh, (-width / 2, y0, 0), (width / 2, -y0, eaves), [kit.add(front), side, plain, side])
    gable_roof(mesh, (-width / 2, y0), (width / 2, -y0), eaves, width * 0.62, roof, plain, along="y")
    with mesh.at(0, -y0):
        lathe(mesh, [(width * 0.4, 0), (width * 0.4, eaves * 0.8)], 10, plain)
        lathe(mesh, [(width * 0.43, eaves * 0.8), (0, eaves * 1.25)], 10, roof)
    tower = kit.sheet(2 * half, tall, base, colour, rng)
    portal(tower, half, 1.7, 3.4, trim, pointed=pointed)
    for level in (0.36, 0.66, 0.97):
        tower.box(0, tall * level, 2 * half, 0.4, trim)
        tower.multiply(0, tall * level - 0.3, 2 * half, 0.3, 0.65)
    for x in (0.3, 0.7):
        tower.fill(tower.arch(2 * half * x - 0.75, tall * 0.72, 1.5, tall * 0.18, pointed=pointed), trim)
        tower.fill(tower.arch(2 * half * x - 0.55, tall * 0.73, 1.1, tall * 0.16, pointed=pointed), DARK, 192)
    clock(tower, half, tall * 0.55, half * 0.42)
    tower.fill(tower.arch(half - 0.5, tall * 0.4, 1.0, 1.9), DARK)
    tower.weather()
    shaft = kit.add(tower)
    hat = kit.surface("roof", COPPER if onion else pick(rng, ROOFS), unit=0.3)
    with mesh.at(0, y0 - half * 0.6):
        box(mesh, (-half, -half, 0), (half, half, tall), shaft)
        if site.rebuilt:
            lathe(mesh, [(half * 1.5, tall), (0, tall + half * 1.2)], 4, hat)
        elif onion:
            profile = [
                (half * 1.25, 0),
                (half * 0.9, 0.12),
                (half * 1.15, 0.3),
                (half * 0.95, 0.48),
                (half * 0.3, 0.66),
                (half * 0.4, 0.74),
                (half * 0.1, 0.86),
                (0, 1),
            ]
            lathe(mesh, [(r, tall + top * h) for r, h in profile], 8, hat)
        else:
            spire(mesh, half * 1.32, tall, top * 1.25, hat, 4 if rng.random() < 0.4 else 8)
    return Extent(width, depth + 2 * half, tall + top)


def cathedral(site: Site) -> Extent:
    """Two towers, a rose, a high nave with buttresses."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, STONES), pick(rng, STONES)
    width, depth = float(rng.uniform(30, 38)), float(rng.uniform(50, 66))
    nave, tall = float(rng.uniform(21, 26)), float(rng.uniform(38, 50))
    hats, pointed = bool(rng.random() < 0.5), 0.9
    t = width * 0.31
    front = kit.sheet(width - 2 * t, nave + 6, "stone", colour, rng)
    portal(front, front.width / 2, 4.4, 8, trim, pointed=pointed)
    rose(front, front.width / 2, nave * 0.68, front.width * 0.36, trim)
    for k in range(9):
        front.fill(
            front.arch(0.3 + k * (front.width - 0.6) / 9, nave + 1.2, front.width / 12, 3.4, pointed=pointed), DARK
        )
    front.box(0, nave + 5.2, front.width, 0.7, trim)
    front.weather()
    plain = kit.surface("stone", colour)
    roof = kit.surface("roof", pick(rng, ROOFS[2:4]), unit=0.5)
    walls = Walls(
        "stone",
        colour,
        trim,
        bay=6,
        storey=nave / 2,
        opening=(2.4, nave * 0.34),
        head="pointed",
        door="none",
        bars=(3, 2),
    )
    side = kit.facade(depth - t, nave, walls, rng)
    y0 = -depth / 2
    inner = width / 2 - t
    box(mesh, (-inner, y0 + 0.8, 0), (inner, y0 + 2, nave + 6), kit.add(front), plain)
    box(mesh, (-inner - 2, y0 + t, 0), (inner + 2, -y0, nave), [plain, side, plain, side])
    gable_roof(mesh, (-inner - 2, y0 + 2), (inner + 2, -y0), nave, width * 0.3, roof, plain, along="y")
    for k in range(int((depth - t) / 6) + 1):
        for s in (-1, 1):
            out = s * (inner + 2)
            a, b = sorted((out, out + s * 2.4))
            box(mesh, (a, y0 + t + k * 6 - 0.5, 0), (b, y0 + t + k * 6 + 0.5, nave * 0.8), plain, plain)
    tower = kit.sheet(t, tall, "stone", colour, rng)
    portal(tower, t / 2, 2.6, 5.5, trim, pointed=pointed)
    for level in (0.3, 0.52, 0.98):
        tower.box(0, tall * level, t, 0.7, trim)
        tower.multiply(0, tall * level - 0.5, t, 0.5, 0.62)
    for low, high in ((0.33, 0.16), (0.57, 0.36)):
        for x in (0.3, 0.7):
            tower.fill(tower.arch(t * x - t * 0.14, tall * low, t * 0.28, tall * high, pointed=pointed), trim)
            tower.fill(
                tower.arch(t * x - t * 0.1, tall * (low + 0.01), t * 0.2, tall * (high - 0.03), pointed=pointed),
                DARK,
                192,
            )
            tower.box(t * x - 0.12, tall * low, 0.24, tall * high * 0.8, trim)
    for x in (0.0, t - 1.3):
        tower.box(x, 0, 1.3, tall * 0.98, (trim[0] * 0.94, trim[1] * 0.94, trim[2] * 0.94))
        tower.multiply(x + 1.0, 0, 0.5, tall, 0.72)
    tower.weather()
    shaft = kit.add(tower)
    for s in (-1, 1):
        with mesh.at(s * (width - t) / 2, y0 + t / 2):
            lower = tall * (0.66 if site.rebuilt and s > 0 else 1)
            box(mesh, (-t / 2, -t / 2, 0), (t / 2, t / 2, lower), shaft, plain)
            if hats and not site.rebuilt:
                spire(mesh, t * 0.56, lower, tall * 0.5, roof)
            else:
                for east, north in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                    with mesh.at(east * t * 0.42, north * t * 0.42):
                        spire(mesh, t * 0.12, lower, t * 0.55, plain, 4)
    return Extent(width, depth, tall * (1.45 if hats else 1.15))


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


def portico(site: Site, x: float, y: float, width: float, height: float, trim: Colour) -> None:
    """Columns and a pediment before a wall at y."""
    mesh, kit = site.mesh, site.kit
    surface = kit.surface("plaster", trim)
    count, out = max(4, round(width / 3.4)), 3.6
    with mesh.at(x, y - out):
        box(mesh, (-width / 2 - 1, -1.2, 0), (width / 2 + 1, out, 1.0), surface, surface)
        for k in range(count):
            with mesh.at(-width / 2 + (k + 0.5) * width / count, 0.6):
                r = height * 0.055
                lathe(
                    mesh,
                    [(r * 1.4, 1.0), (r * 1.05, 1.5), (r * 0.88, height * 0.8), (r * 1.5, height * 0.86)],
                    8,
                    surface,
                )
        box(mesh, (-width / 2, 0, height * 0.86), (width / 2, out, height), surface)
        gable_roof(
            mesh,
            (-width / 2, 0),
            (width / 2, out * 2),
            height,
            width * 0.16,
            kit.surface("roof", ROOFS[2]),
            surface,
            along="y",
            eaves=0.6,
        )


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


def abbey(site: Site) -> Extent:
    """A long church and a cloister beside it, seen from above as often as from the ground."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, trim = pick(rng, STONES + BRICKS[:1]), pick(rng, STONES)
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.5)
    side, nave, tall = float(rng.uniform(34, 44)), float(rng.uniform(10, 13)), float(rng.uniform(9, 12))
    walls = Walls("stone", colour, trim, bay=4.5, storey=tall, opening=(1.4, tall * 0.5), head="round", door="none")
    long, plain = kit.facade(side * 1.3, tall, walls, rng), kit.surface("stone", colour)
    box(mesh, (-side * 0.65, side / 2, 0), (side * 0.65, side / 2 + nave, tall), [long, plain, long, plain])
    gable_roof(mesh, (-side * 0.65, side / 2), (side * 0.65, side / 2 + nave), tall, nave * 0.5, roof, plain)
    low = Walls("stone", colour, trim, bay=3.2, storey=3, opening=(1.1, 1.6), head="flat", door="portal")
    wing = kit.facade(side, 6, low, rng)
    w = 8.0
    for k in range(3 - (1 if site.rebuilt else 0)):
        with mesh.at(turn=(k - 1) * 1.5707963267948966):
            box(mesh, (-side / 2, -side / 2, 0), (side / 2, -side / 2 + w, 6), wing)
            gable_roof(mesh, (-side / 2, -side / 2), (side / 2, -side / 2 + w), 6, w * 0.45, roof, plain)
    prism(mesh, ring(side * 0.08, 8), 0, 1.2, plain, Surface(kit.surface("plaster", (90, 130, 140)).texture))
    with mesh.at(side * 0.2, side / 2 + nave / 2):
        box(
            mesh,
            (-3.4, -3.4, 0),
            (3.4, 3.4, tall * 2),
            kit.facade(
                6.8,
                tall * 2,
                Walls("stone", colour, trim, bay=3.4, storey=tall, opening=(1.4, 3.6), head="round", door="none"),
                rng,
            ),
        )
        hip_roof(mesh, (-3.4, -3.4), (3.4, 3.4), tall * 2, 5, roof)
    return Extent(side * 1.35, side + 2 * nave, tall * 2 + 5)
