"""Churches, cathedrals, abbeys."""

from __future__ import annotations

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK, clock, portal, rose
from hcbir.study.synthetic.places.palette import BRICKS, COPPER, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
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
        box(mesh, (-half, -half, 0), (half, half, tall), shaft, plain)
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
