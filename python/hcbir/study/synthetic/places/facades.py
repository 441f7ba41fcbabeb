"""Facades: rows of windows between mouldings."""

from __future__ import annotations

from dataclasses import dataclass

from hcbir.study.synthetic.places.sheet import Sheet, window
from hcbir.study.synthetic.rendering.numbers import Colour, Rng, pick


@dataclass(frozen=True)
class Walls:
    """How a facade looks. Sizes in metres; `order`: columns or pilasters between bays."""

    base: str = "stone"
    colour: Colour = (204, 190, 160)
    trim: Colour = (222, 212, 190)
    frame: Colour = (236, 232, 222)
    bay: float = 3.2
    storey: float = 3.6
    opening: tuple[float, float] = (1.2, 2.0)
    head: str = "flat"
    shutters: Colour | None = None
    surround: bool = True
    quoins: bool = False
    pilasters: bool = False
    courses: bool = True
    bars: tuple[int, int] = (2, 3)
    door: str = "door"
    timber: bool = False


def draw_facade(sheet: Sheet, walls: Walls, rng: Rng) -> None:
    width, height = sheet.width, sheet.height
    storeys, bays = max(1, round((height - 0.4) / walls.storey)), max(1, round(width / walls.bay))
    storey, bay = (height - 0.5) / storeys, width / bays
    if walls.timber:
        _timber(sheet, storeys, bays, rng)
    if walls.courses:
        for k in range(1, storeys + 1):
            level = min(k * storey, height - 0.35)
            sheet.box(0, level, width, 0.22, walls.trim)
            sheet.multiply(0, level - 0.18, width, 0.18, 0.68)
    if walls.quoins:
        for k in range(int(height / 0.6)):
            size = 0.9 if k % 2 else 0.6
            for x in (0.0, width - size):
                sheet.box(x, k * 0.6, size, 0.54, walls.trim)
    if walls.pilasters:
        for k in range(bays + 1):
            x = min(max(k * bay - 0.25, 0), width - 0.5)
            sheet.box(x, 0, 0.5, height, walls.trim)
            sheet.multiply(x + 0.36, 0, 0.22, height, 0.72)
    tall = min(walls.opening[1], storey * 0.72)
    broad = min(walls.opening[0], bay * 0.62)
    pictures = [
        window(
            sheet.density,
            broad,
            tall,
            rng,
            frame=walls.frame,
            surround=walls.trim if walls.surround else None,
            head=walls.head,
            shutters=walls.shutters if bay > 2.4 * broad else None,
            lit=lit,
            bars=walls.bars,
        )
        for lit in (True, False, True)
    ]
    entrance = bays // 2
    for row in range(storeys):
        for k in range(bays):
            middle = (k + 0.5) * bay
            if row == 0 and walls.door != "none" and (k == entrance or walls.door in ("shop", "arcade")):
                _ground_floor(sheet, walls, middle, bay, storey, rng)
                continue
            picture = pictures[int(rng.integers(3))]
            x = middle - picture.shape[1] / sheet.density / 2
            sheet.paste(picture, x, row * storey + (storey - tall) * 0.42)
    sheet.weather()


def _ground_floor(sheet: Sheet, walls: Walls, middle: float, bay: float, storey: float, rng: Rng) -> None:
    if walls.door == "shop":
        colour = pick(rng, ((120, 40, 36), (36, 70, 60), (40, 52, 86), (150, 120, 60), (70, 60, 56)))
        sheet.box(middle - bay * 0.46, 0.1, bay * 0.92, storey * 0.86, colour)
        sheet.box(middle - bay * 0.4, 0.5, bay * 0.8, storey * 0.5, (46, 52, 58), 192)
        sheet.box(middle - bay * 0.42, storey * 0.68, bay * 0.84, storey * 0.13, (228, 214, 180))
        for k in range(int(rng.integers(4, 9))):
            sheet.box(middle - bay * 0.36 + k * bay * 0.08, storey * 0.71, bay * 0.05, storey * 0.07, (60, 50, 46))
        return
    wide = bay * 0.66 if walls.door == "arcade" else min(bay * 0.6, 1.6 if walls.door == "door" else 3.2)
    tall = storey * (0.86 if walls.door != "door" else 0.7)
    round_ = walls.door in ("arcade", "portal")
    layers: tuple[tuple[float, Colour], ...] = (
        (0.18, walls.trim),
        (0.0, (44.0, 38.0, 36.0)),
        (-0.1, (92.0, 62.0, 40.0) if walls.door != "arcade" else (34.0, 32.0, 36.0)),
    )
    for grow, tone in layers:
        x, w, h = middle - wide / 2 - grow, wide + 2 * grow, tall + grow
        if round_:
            sheet.fill(sheet.arch(x, 0, w, h), tone)
        else:
            sheet.box(x, 0, w, h, tone)
    if walls.door != "arcade":
        sheet.box(middle - 0.03, 0, 0.06, tall - 0.1, (50, 36, 26))


def _timber(sheet: Sheet, storeys: int, bays: int, rng: Rng) -> None:
    wood = (84, 60, 44)
    storey, bay = sheet.height / storeys, sheet.width / (2 * bays)
    for row in range(storeys + 1):
        sheet.box(0, min(row * storey, sheet.height - 0.2), sheet.width, 0.2, wood)
    for k in range(2 * bays + 1):
        sheet.box(min(k * bay, sheet.width - 0.18), 0, 0.18, sheet.height, wood)
    for row in range(storeys):
        for k in range(2 * bays):
            if rng.random() < 0.4:
                x0, x1 = (k * bay, (k + 1) * bay) if rng.random() < 0.5 else ((k + 1) * bay, k * bay)
                y = row * storey
                sheet.fill([(x0, y), (x0 + 0.2, y), (x1 + 0.2, y + storey), (x1, y + storey)], wood)
