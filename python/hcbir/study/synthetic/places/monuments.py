"""Arches, columns, gates, arenas."""

from __future__ import annotations

import math

from hcbir.study.synthetic.places.ornaments import DARK, portal
from hcbir.study.synthetic.places.palette import BRICKS, COPPER, ROOFS, STONES
from hcbir.study.synthetic.places.site import Extent, Site
from hcbir.study.synthetic.places.solids import (
    battlements,
    box,
    gable_roof,
    lathe,
    prism,
    ring,
    spire,
    vault,
)
from hcbir.study.synthetic.rendering.numbers import direction, pick


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
