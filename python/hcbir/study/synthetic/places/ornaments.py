"""Ornaments of landmarks: windows with tracery, clocks, portals, porticos."""

from __future__ import annotations

from hcbir.study.synthetic.places.palette import ROOFS
from hcbir.study.synthetic.places.sheet import Sheet
from hcbir.study.synthetic.places.site import Site
from hcbir.study.synthetic.places.solids import (
    box,
    gable_roof,
    lathe,
)
from hcbir.study.synthetic.rendering.numbers import Colour, direction

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
