"""Castles, bridges, mills, lighthouses, factories, towers, farms, forts."""

from __future__ import annotations

import itertools
import math

from hcbir.study.synthetic.places.kit import BRICKS, PLASTERS, ROOFS, STONES, Walls
from hcbir.study.synthetic.places.sacred import DARK, clock, portal
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    battlements,
    beam,
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
from hcbir.study.synthetic.rendering.mesh import Surface
from hcbir.study.synthetic.rendering.numbers import Colour, pick


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


def stone_bridge(site: Site) -> Extent:
    """Arches over a river, cutwaters, sometimes a tower on a pier."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour = pick(rng, STONES + BRICKS[:1])
    spans, deck, wide = int(rng.integers(3, 7)), float(rng.uniform(9, 13)), float(rng.uniform(6, 8))
    length, tower = float(rng.uniform(64, 84)), bool(rng.random() < 0.5)
    step = length / spans
    pier = step * float(rng.uniform(0.16, 0.24))
    sheet = kit.sheet(length, deck, "stone", colour, rng)
    trim = (min(colour[0] * 1.14, 255), min(colour[1] * 1.12, 255), min(colour[2] * 1.1, 255))
    gap = step - pier
    high = min(gap * 0.5, deck - 2.6) + 1.6
    for k in range(spans):
        x = k * step + pier / 2
        sheet.fill(sheet.arch(x - 0.6, -1, gap + 1.2, high + 1.6), trim)
    for k in range(spans):
        sheet.fill(sheet.arch(k * step + pier / 2, -1, gap, high + 1), DARK, 0)
    sheet.box(0, deck - 1.3, length, 0.35, trim)
    sheet.multiply(0, deck - 1.6, length, 0.3, 0.6)
    sheet.weather(0.2)
    wall, plain = kit.add(sheet, glows=False), kit.surface("stone", colour, unit=0.6)
    y = wide / 2
    x0 = -length / 2
    mesh.polygon([(x0, -y, 0), (-x0, -y, 0), (-x0, -y, deck), (x0, -y, deck)], wall)
    mesh.polygon([(-x0, y, 0), (x0, y, 0), (x0, y, deck), (-x0, y, deck)], wall)
    mesh.polygon(
        [(x0 - 30, -y, deck - 1), (-x0 + 30, -y, deck - 1), (-x0 + 30, y, deck - 1), (x0 - 30, y, deck - 1)],
        kit.surface("paving", (150, 144, 134)),
    )
    for s in (-1, 1):
        mesh.polygon(
            [
                (x0, s * (y - 0.4), deck - 1),
                (-x0, s * (y - 0.4), deck - 1),
                (-x0, s * (y - 0.4), deck),
                (x0, s * (y - 0.4), deck),
            ],
            plain,
            two_sided=True,
        )
    for k in range(spans):
        vault(mesh, x0 + k * step + pier / 2, gap, -y, y, 0, high - gap / 2 if gap / 2 < high else 0.2, plain)
    for k in range(1, spans):
        if site.rebuilt and k == 1:
            continue
        with mesh.at(x0 + k * step, 0):
            for s in (-1, 1):
                nose = [(-pier / 2, s * y), (0, s * (y + pier * 0.9)), (pier / 2, s * y)]
                top = deck * 0.55
                for a, b in itertools.pairwise(nose):
                    mesh.polygon([(*a, 0), (*b, 0), (*b, top), (*a, top)], plain, two_sided=True)
                mesh.polygon([(*nose[0], top), (*nose[1], top), (*nose[2], top)], plain, two_sided=True)
    top = deck
    if tower and not site.rebuilt:
        with mesh.at(x0 + step * (spans // 2)):
            h = wide * 0.5
            face = kit.sheet(2 * h, 15, "stone", colour, rng)
            face.fill(face.arch(h - 1.6, 0, 3.2, 5.5, pointed=0.6), DARK)
            face.box(0, 13.8, 2 * h, 0.5, trim)
            clock(face, h, 10.5, 1.2)
            box(mesh, (-h, -h - 0.5, 0), (h, h + 0.5, deck + 14), [plain, kit.add(face), plain, kit.add(face)])
            hip_roof(
                mesh, (-h, -h - 0.5), (h, h + 0.5), deck + 14, h * 1.6, kit.surface("roof", pick(rng, ROOFS), unit=0.4)
            )
        top = deck + 14 + wide
    return Extent(length, wide, top)


def suspension_bridge(site: Site) -> Extent:
    mesh, kit, rng = site.mesh, site.kit, site.rng
    paint: Colour = pick(rng, ((168, 70, 52), (110, 128, 120), (120, 124, 132), (78, 96, 118)))
    length, deck, tall, wide = float(rng.uniform(110, 140)), float(rng.uniform(11, 15)), float(rng.uniform(34, 46)), 9.0
    masonry = bool(rng.random() < 0.5)
    steel = kit.surface("metal", paint, unit=0.6)
    body = kit.surface("stone", pick(rng, STONES), unit=0.8) if masonry else steel
    y, at = wide / 2, length * 0.29
    box(
        mesh,
        (-length / 2 - 30, -y, deck - 1.6),
        (length / 2 + 30, y, deck),
        steel,
        kit.surface("paving", (110, 110, 112)),
    )
    truss = kit.sheet(length, 2.4, "metal", paint, rng)
    for k in range(int(length / 3)):
        truss.fill([(k * 3 + 0.3, 0.3), (k * 3 + 2.7, 0.3), (k * 3 + 1.5, 2.1)], DARK, 0)
    rail = kit.add(truss, glows=False)
    for s in (-1, 1):
        mesh.polygon(
            [
                (-length / 2, s * y, deck),
                (length / 2, s * y, deck),
                (length / 2, s * y, deck + 2.4),
                (-length / 2, s * y, deck + 2.4),
            ],
            rail,
            two_sided=True,
        )
    for side in (-1, 1):
        for s in (-1, 1):
            with mesh.at(side * at, s * y):
                box(mesh, (-1.4, -1.2, 0), (1.4, 1.2, tall), body, body)
        for level in (deck + 6, tall - 2) if not masonry else (tall - 5, tall - 2):
            with mesh.at(side * at, 0, level):
                box(mesh, (-1.2, -y, -1.6), (1.2, y, 1.2), body, body)
        with mesh.at(side * at):
            box(
                mesh, (-5, -y - 3, 0), (5, y + 3, 2.4), kit.surface("stone", STONES[2]), kit.surface("stone", STONES[2])
            )
    low = deck + 3

    def cable(x: float) -> float:
        if abs(x) <= at:
            return low + (tall - low) * (x / at) ** 2
        return tall + (deck - tall) * (abs(x) - at) / (length / 2 - at)

    points = [length / 2 * k / 22 for k in range(-22, 23)]
    for s in (-1, 1):
        for a, b in itertools.pairwise(points):
            if site.rebuilt and abs(a) > at * 1.02:
                continue
            beam(mesh, (a, s * y, cable(a)), (b, s * y, cable(b)), 0.7, steel)
            mesh.polygon(
                [
                    (a - 0.14, s * y, deck),
                    (a + 0.14, s * y, deck),
                    (a + 0.14, s * y, cable(a)),
                    (a - 0.14, s * y, cable(a)),
                ],
                steel,
                two_sided=True,
            )
    return Extent(length, wide, tall)


def aqueduct(site: Site) -> Extent:
    """Two or three tiers of arches across a valley."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    colour, spans, tiers = pick(rng, STONES), int(rng.integers(6, 10)), int(rng.integers(2, 4))
    step, rise = float(rng.uniform(9, 12)), float(rng.uniform(11, 15))
    length, tall, y = spans * step, tiers * rise, 2.2
    sheet = kit.sheet(length, tall, "stone", colour, rng)
    trim = (colour[0] * 1.12, colour[1] * 1.1, colour[2] * 1.08)
    plain = kit.surface("stone", colour, unit=0.7)
    for tier in range(tiers):
        count = spans * (3 if tier == tiers - 1 and tiers > 2 else 1)
        wide = length / count
        for k in range(count):
            if site.rebuilt and tier == tiers - 1 and spans // 2 <= k * spans // count <= spans // 2 + 1:
                sheet.box(k * wide, tier * rise, wide, rise, DARK, 0)
                continue
            high = min(rise * 0.84, wide * 1.9)
            sheet.fill(
                sheet.arch(k * wide + wide * 0.12, tier * rise - (1 if tier == 0 else 0), wide * 0.76, high + 0.5), trim
            )
            sheet.fill(
                sheet.arch(k * wide + wide * 0.17, tier * rise - (1 if tier == 0 else 0), wide * 0.66, high), DARK, 0
            )
            vault(
                mesh,
                -length / 2 + k * wide + wide * 0.17,
                wide * 0.66,
                -y,
                y,
                tier * rise,
                tier * rise + high - wide * 0.33,
                plain,
            )
        sheet.box(0, (tier + 1) * rise - 0.6, length, 0.5, trim)
    sheet.weather(0.2)
    wall = kit.add(sheet, glows=False)
    x = length / 2
    mesh.polygon([(-x, -y, 0), (x, -y, 0), (x, -y, tall), (-x, -y, tall)], wall)
    mesh.polygon([(x, y, 0), (-x, y, 0), (-x, y, tall), (x, y, tall)], wall)
    mesh.polygon([(-x, -y, tall), (x, -y, tall), (x, y, tall), (-x, y, tall)], plain)
    return Extent(length, 2 * y, tall)


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
    for (h0, s0), (h1, s1) in itertools.pairwise(levels):
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


def dam(site: Site) -> Extent:
    """A wall across a valley, its lake behind."""
    mesh, kit, rng = site.mesh, site.kit, site.rng
    length, tall = float(rng.uniform(80, 110)), float(rng.uniform(30, 40))
    colour, bays = pick(rng, (*STONES, (176, 176, 170))), int(rng.integers(5, 9))
    sheet = kit.sheet(length / bays, tall * 1.12, "concrete", colour, rng)
    sheet.box(0, 0, 1.4, tall * 1.1, (colour[0] * 0.86, colour[1] * 0.86, colour[2] * 0.86))
    for k in range(3):
        sheet.fill(sheet.arch(sheet.width * (0.2 + 0.25 * k), tall * 0.94, sheet.width * 0.16, 3), DARK)
    sheet.box(0, tall * 1.06, sheet.width, 0.8, (colour[0] * 1.1, colour[1] * 1.1, colour[2] * 1.1))
    sheet.weather(0.3)
    wall, plain = kit.add(sheet), kit.surface("concrete", colour, unit=1)
    x = -length / 2
    for k in range(bays):
        a, b = x + k * length / bays, x + (k + 1) * length / bays
        bow = [-(14 * (1 - (2 * p / length) ** 2)) for p in (a, b)]
        mesh.polygon([(a, bow[0] - 14, 0), (b, bow[1] - 14, 0), (b, bow[1], tall), (a, bow[0], tall)], wall)
        mesh.polygon([(a, bow[0], tall), (b, bow[1], tall), (b, bow[1] + 5, tall), (a, bow[0] + 5, tall)], plain)
    for k in range(2 - (1 if site.rebuilt else 0)):
        with mesh.at(-12 + 24 * k, -12, tall):
            box(
                mesh,
                (-3, 0, 0),
                (3, 6, 8),
                kit.facade(
                    6,
                    8,
                    Walls("plaster", PLASTERS[2], bay=2, storey=3.6, opening=(1, 2), head="round", door="none"),
                    rng,
                ),
            )
            hip_roof(mesh, (-3, 0), (3, 6), 8, 4, kit.surface("roof", pick(rng, ROOFS), unit=0.5))
    lake = kit.surface("plaster", (86, 122, 138))
    mesh.polygon([(x, 0, tall - 3), (-x, 0, tall - 3), (-x * 1.6, 200, tall - 3), (x * 1.6, 200, tall - 3)], lake)
    return Extent(length, 30, tall + 10)


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
