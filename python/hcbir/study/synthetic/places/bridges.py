"""Bridges, aqueducts, dams."""

from __future__ import annotations

from itertools import pairwise

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.ornaments import DARK, clock
from hcbir.study.synthetic.places.palette import BRICKS, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    beam,
    box,
    hip_roof,
    vault,
)
from hcbir.study.synthetic.rendering.numbers import Colour, pick


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
                for a, b in pairwise(nose):
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
        for a, b in pairwise(points):
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
