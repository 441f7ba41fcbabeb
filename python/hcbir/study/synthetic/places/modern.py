"""Factories, tower blocks, iron towers."""

from __future__ import annotations

from itertools import pairwise

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK, clock
from hcbir.study.synthetic.places.palette import BRICKS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    beam,
    box,
    gable_roof,
    hip_roof,
    lathe,
    ring,
)
from hcbir.study.synthetic.rendering.mesh import Surface
from hcbir.study.synthetic.rendering.numbers import pick


def factory(site: Site) -> Extent:
    """A mill of many windows, saw-tooth sheds, chimneys."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour = pick(rng, BRICKS)
    width, depth, tall = float(rng.uniform(34, 46)), float(rng.uniform(14, 18)), float(rng.uniform(14, 19))
    chimneys, high = int(rng.integers(1, 4)), float(rng.uniform(34, 48))
    walls = Walls(
        "brick",
        colour,
        (196, 176, 150),
        bay=3.2,
        storey=4,
        opening=(2, 2.5),
        head="round",
        door="portal",
        bars=(4, 5),
        frame=(90, 96, 92),
        surround=True,
    )
    front, side = kit.facade(width, tall, walls, rng), kit.facade(depth, tall, walls, rng)
    roof, plain = kit.surface("roof", ROOFS[3], unit=0.5), kit.surface("brick", colour)
    box(mesh, (-width / 2, -depth / 2, 0), (width / 2, depth / 2, tall), [front, side, front, side])
    gable_roof(mesh, (-width / 2, -depth / 2), (width / 2, depth / 2), tall, depth * 0.2, roof, plain)
    glass = kit.surface("metal", (120, 136, 146), unit=0.8)
    for k in range(5):
        x = width / 2 + 2 + k * 7
        with mesh.at(x, 0):
            box(mesh, (0, -depth / 2, 0), (7, depth / 2, 6), plain)
            mesh.polygon([(0, depth / 2, 6), (0, -depth / 2, 6), (0, -depth / 2, 10), (0, depth / 2, 10)], glass)
            mesh.polygon([(0, -depth / 2, 10), (7, -depth / 2, 6), (7, depth / 2, 6), (0, depth / 2, 10)], roof)
            mesh.polygon([(0, -depth / 2, 6), (7, -depth / 2, 6), (0, -depth / 2, 10)], plain, two_sided=True)
    stack = kit.surface("brick", colour, unit=0.5)
    for k in range(chimneys - (1 if site.rebuilt and chimneys > 1 else 0)):
        with mesh.at(-width * 0.35 + k * width * 0.33, depth / 2 + 4 + 3 * (k % 2)):
            top = high * (1 - 0.12 * k) * (0.6 if site.rebuilt else 1)
            box(mesh, (-2.4, -2.4, 0), (2.4, 2.4, 7), stack, stack)
            lathe(mesh, [(2, 7), (1.3, top - 2), (1.8, top - 1.4), (1.7, top)], 10, stack)
    with mesh.at(-width * 0.5 + 4, -depth / 2 - 1):
        shaft = kit.sheet(7, tall + 8, "brick", colour, rng)
        clock(shaft, 3.5, tall + 4.6, 1.5)
        for k in range(4):
            shaft.fill(shaft.arch(2.6, 2 + k * 4.4, 1.8, 2.8), DARK, 192)
        shaft.box(0, tall + 7.2, 7, 0.5, (196, 176, 150))
        box(mesh, (-3.5, -2, 0), (3.5, 5, tall + 8), kit.add(shaft))
        hip_roof(mesh, (-3.5, -2), (3.5, 5), tall + 8, 4, roof)
    return Extent(width + 30, depth + 8, high)


def tower_block(site: Site) -> Extent:
    """Modern slabs on a podium."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    tall, w, d = float(rng.uniform(46, 66)), float(rng.uniform(15, 24)), float(rng.uniform(12, 16))
    colour = pick(rng, ((206, 202, 194), (150, 160, 170), (186, 172, 156), (108, 120, 132)))
    balcony = bool(rng.random() < 0.5)

    def slab(width: float, height: float) -> Surface:
        sheet = kit.sheet(width, height, "concrete", colour, rng)
        storeys, bays = round(height / 3.2), round(width / 2.4)
        for row in range(storeys):
            y = row * height / storeys
            for k in range(bays):
                x = k * width / bays
                tone = float(rng.uniform(0.6, 1.2))
                sheet.box(
                    x + 0.25,
                    y + 0.9,
                    width / bays - 0.5,
                    1.7,
                    (66 * tone, 82 * tone, 98 * tone),
                    192 if rng.random() < 0.6 else 255,
                )
                if balcony and k % 3 == 1:
                    sheet.box(
                        x, y + 0.2, width / bays, 0.9, pick(rng, ((216, 120, 70), (226, 220, 210), (120, 150, 160)))
                    )
            sheet.multiply(0, y, width, 0.25, 0.7)
        return kit.add(sheet)

    top = kit.surface("concrete", (120, 120, 120))
    front, side = slab(w, tall), slab(d, tall)
    box(mesh, (-w / 2, -d / 2, 0), (w / 2, d / 2, tall), [front, side, front, side], top)
    box(mesh, (-4, -3, tall), (4, 3, tall + 4), top, top)
    beam(mesh, (2, 0, tall + 4), (2, 0, tall + 16), 0.5, top)
    if not site.rebuilt:
        with mesh.at(w * 0.9, 6):
            box(mesh, (-d / 2, -d / 2, 0), (d / 2, d / 2, tall * 0.62), slab(d, tall * 0.62), top)
    podium = kit.facade(w * 2.6, 6, Walls("concrete", colour, bay=4, storey=5.5, opening=(3, 4), door="shop"), rng)
    with mesh.at(w * 0.4, -d / 2 - 5):
        box(mesh, (-w * 1.3, -5, 0), (w * 1.3, 8, 6), podium, top)
    return Extent(w * 2.4, d * 2, tall + 10)


def lattice_tower(site: Site) -> Extent:
    """An iron tower on four legs."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    tall, foot = float(rng.uniform(60, 90)), float(rng.uniform(14, 19))
    steel = kit.surface("metal", pick(rng, ((120, 94, 70), (104, 110, 116), (150, 66, 50))), unit=0.6)
    levels = [(0.0, 1.0), (0.12, 0.72), (0.24, 0.5), (0.4, 0.32), (0.58, 0.2), (0.78, 0.11), (1.0, 0.03)]
    if site.rebuilt:
        levels = levels[:-2]
    for (h0, s0), (h1, s1) in pairwise(levels):
        a, b = ring(foot * s0 * 1.414, 4), ring(foot * s1 * 1.414, 4)
        for k in range(4):
            j = (k + 1) % 4
            low, high = (*a[k], tall * h0), (*b[k], tall * h1)
            beam(mesh, low, high, 1.5 if h0 < 0.3 else 0.9, steel)
            if h0 > 0.1:
                beam(mesh, low, (*b[j], tall * h1), 0.6, steel)
                beam(mesh, (*a[j], tall * h0), high, 0.6, steel)
            beam(mesh, high, (*b[j], tall * h1), 0.8, steel)
    for h, s in ((0.24, 0.56), (0.58, 0.26)):
        w = foot * s
        box(
            mesh,
            (-w, -w, tall * h),
            (w, w, tall * h + 2.6),
            kit.facade(
                2 * w,
                2.6,
                Walls("metal", (120, 94, 70), bay=1.6, storey=2.4, opening=(0.9, 1.3), surround=False, door="none"),
                rng,
            ),
            steel,
        )
    for x, y in ring(foot * 1.414, 4):
        with mesh.at(x, y):
            stone = kit.surface("stone", STONES[0])
            box(mesh, (-3, -3, 0), (3, 3, 3), stone, stone)
    return Extent(2 * foot, 2 * foot, tall)
