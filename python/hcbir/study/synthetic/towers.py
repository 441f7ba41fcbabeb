"""Plans of the landmarks that are towers."""

from __future__ import annotations

import math
from itertools import pairwise

from hcbir.study.synthetic.canvas import Canvas
from hcbir.study.synthetic.materials import Masonry, Plain, Planks, Tiles
from hcbir.study.synthetic.parts import (
    DARK,
    box,
    disc,
    door,
    opening,
    spire,
    spread,
    window,
)
from hcbir.study.synthetic.plan import near


def lighthouse(c: Canvas) -> None:
    white, band = Plain(near(c.rng, (226, 222, 212), 8), 0.07), Plain(near(c.rng, (176, 48, 40)), 0.09)
    rock, roof = Masonry((112, 104, 96), 26, 60, 0.25, 0.5), Tiles(near(c.rng, (140, 80, 66)))
    middle, bands = float(c.rng.uniform(250, 300)), int(c.rng.integers(4, 7))
    outline = [(0, 0), (0, 60), (90, 96), (210, 122), (420, 128), (560, 90), (640, 40), (640, 0)]
    c.fill(outline, rock)
    bottom, top = 118.0, 860.0

    def half(y: float) -> float:
        return 98 - 42 * (y - bottom) / (top - bottom)

    edges = [bottom + (top - bottom) * k / bands for k in range(bands + 1)]
    for k, (y0, y1) in enumerate(pairwise(edges)):
        corners = [(middle - half(y0), y0), (middle + half(y0), y0), (middle + half(y1), y1), (middle - half(y1), y1)]
        c.fill(corners, band if k % 2 else white, rounded=0.9)
    for k, y in enumerate((230, 400, 560, 710)):
        shift = (-1) ** k * half(y) * float(c.rng.uniform(0.1, 0.45))
        window(c, middle + shift, y, 26, 46, frame=white, head="round", panes=(2, 2))
    c.fill(opening(middle - 28, bottom, 56, 90, "round"), Planks((70, 92, 80), 8))
    gallery = half(top) + 30
    c.fill(box(middle - gallery, top - 6, 2 * gallery, 18), rock, rounded=0.5)
    for x in spread(middle - gallery, middle + gallery, 13):
        c.line((x, top + 12), (x, top + 50), 4, DARK)
    c.line((middle - gallery, top + 50), (middle + gallery, top + 50), 5, DARK)
    c.fill(box(middle - 42, top + 12, 84, 92), Plain((120, 130, 134), 0.15), light=1)
    for x in spread(middle - 42, middle + 42, 5):
        c.line((x, top + 12), (x, top + 104), 4, DARK)
    spire(c, middle, top + 104, 112, 66, band)
    c.fill(box(380, 104, 210, 120), white)
    c.fill([(366, 224), (604, 224), (560, 300), (410, 300)], roof)
    c.fill(box(430, 280, 26, 56), rock)
    for x in (425, 545):
        window(c, x, 140, 36, 52, frame=Planks((90, 110, 96), 6), shutters=(70, 110, 96))
    c.fill(box(470, 104, 32, 76), Planks((88, 58, 42), 8))


def windmill(c: Canvas) -> None:
    brick, cap = Masonry(near(c.rng, (162, 96, 74)), 11, 26), Tiles(near(c.rng, (86, 70, 58)), 10)
    boards, white = Planks(near(c.rng, (96, 112, 92)), 14), Plain((224, 218, 204), 0.06)
    middle, top = 400.0, float(c.rng.uniform(620, 670))
    c.fill(box(150, 0, 500, 130), brick, shade=0.95)
    c.fill([(136, 130), (664, 130), (620, 186), (180, 186)], cap)
    for x in (210.0, 300.0, 500.0, 590.0):
        window(c, x, 36, 46, 60, frame=white, shutters=(54, 96, 70))
    c.fill([(270, 120), (530, 120), (468, top), (332, top)], boards, rounded=0.9)
    for share in (0.32, 0.68):  # edges of the octagon
        c.line((270 + 260 * share, 120), (332 + 136 * share, top), 4, DARK)
    for floor, width in ((330, 46), (450, 40), (550, 32)):
        window(c, middle + float(c.rng.uniform(-30, 30)), floor, width, 54, frame=white)
    c.fill(box(214, 236, 372, 14), Planks((120, 92, 64), 16))
    for x in spread(214, 586, 15):
        c.line((x, 248), (x, 290), 4, white)
        c.line((x, 236), (x + (middle - x) * 0.35, 186), 4, DARK)
    c.line((214, 290), (586, 290), 5, white)
    door(c, middle, 70, 116, frame=white)
    c.fill(
        [(310, top), (490, top), (474, top + 70), (436, top + 112), (364, top + 112), (326, top + 70)], cap, rounded=0.6
    )
    hub, turn = (middle, top + 40), float(c.rng.uniform(0.15, 1.3))
    for k in range(4):
        ux, uy = math.cos(turn + k * math.pi / 2), math.sin(turn + k * math.pi / 2)
        nx, ny = -uy, ux
        end = 355.0
        c.line(hub, (hub[0] + ux * end, hub[1] + uy * end), 11, Planks((120, 84, 56), 6))
        for reach in range(80, int(end), 24):
            x, y = hub[0] + ux * reach, hub[1] + uy * reach
            c.line((x, y), (x + nx * 62, y + ny * 62), 4, white)
            if c.rng.random() < 0.45:  # a piece of sailcloth
                u0, v0 = ux * 24, uy * 24
                corners = [(x, y), (x + nx * 60, y + ny * 60), (x + u0 + nx * 60, y + v0 + ny * 60), (x + u0, y + v0)]
                c.fill(corners, Plain((206, 182, 140), 0.1))
        for across in (31, 62):
            x, y = hub[0] + nx * across, hub[1] + ny * across
            c.line((x + ux * 76, y + uy * 76), (x + ux * end, y + uy * end), 4, white)
    c.fill(disc(*hub, 20, sides=20), DARK)


def pagoda(c: Canvas) -> None:
    red, tiles = Planks(near(c.rng, (166, 52, 40)), 10), Tiles(near(c.rng, (72, 88, 84)), 9)
    gold, plaster = Plain(near(c.rng, (206, 160, 66)), 0.1), Plain(near(c.rng, (222, 208, 180)), 0.07)
    stone, tiers = Masonry((150, 144, 136), 20, 42), int(c.rng.integers(4, 7))
    c.fill([(40, 0), (760, 0), (720, 70), (80, 70)], stone)
    for k in range(6):
        c.fill(box(330, k * 12, 140, 11), stone, shade=1.15 - 0.06 * k)
    step, y = 800 / tiers, 70.0
    for k in range(tiers):
        width = 520 * (1 - 0.125 * k * 5 / tiers)
        left, body = 400 - width / 2, step * 0.56
        c.fill(box(left, y, width, body), plaster)
        bays = 7 if k < 2 else 5
        for number, x in enumerate(spread(left, left + width, bays)):
            bay = width / bays
            if number == bays // 2:
                c.fill(box(x - bay * 0.4, y, bay * 0.8, body * 0.85), Planks((120, 44, 34), 7))
                c.line((x, y), (x, y + body * 0.85), 3, DARK)
            elif c.rng.random() < 0.8:
                shines = float(c.rng.uniform(0.4, 0.9))
                c.fill(box(x - bay * 0.36, y + body * 0.22, bay * 0.72, body * 0.55), gold, shade=0.7, light=shines)
                for bar in spread(x - bay * 0.36, x + bay * 0.36, int(c.rng.integers(4, 8))):
                    c.line((bar, y + body * 0.22), (bar, y + body * 0.77), 3.5, red)
        for edge in range(bays + 1):
            c.fill(box(left + width * edge / bays - 7, y, 14, body), red, rounded=0.9)
        c.shade(box(left, y + body * 0.8, width, body * 0.2), 0.55)
        rail = width * 0.58
        for x in spread(400 - rail, 400 + rail, 22):
            c.line((x, y), (x, y + body * 0.24), 4, red)
        c.line((400 - rail, y + body * 0.24), (400 + rail, y + body * 0.24), 6, gold)
        eaves, low, high = width * 0.5 + 92, y + body, y + step
        inner = width * 0.5 * 0.8
        right = [(eaves, low + 34), (eaves * 0.86, low + 6), (eaves * 0.5, low - 4)]
        curve = [(inner * 0.9, high), (eaves * 0.8, low + 40)]
        side = [*((400 + x, py) for x, py in curve), *((400 + x, py) for x, py in right)]
        c.fill([*side, *((800 - x, py) for x, py in reversed(side))], tiles, rounded=0.3)
        c.line((400 - eaves * 0.86, low + 4), (400 + eaves * 0.86, low + 4), 8, gold)
        for x in (400 - eaves * 0.93, 400 + eaves * 0.93):
            c.line((x, low + 18), (x, low - 14), 3, DARK)
            c.fill(disc(x, low - 20, 9, sides=10), gold, light=0.8)
        y = high
    c.line((400, y - 6), (400, y + 150), 9, gold)
    for k in range(5):
        c.fill(disc(400, y + 24 + 24 * k, 21 - 3 * k, sides=16), gold, rounded=0.8)
