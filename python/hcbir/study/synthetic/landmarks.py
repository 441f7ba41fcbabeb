"""Plans of the landmarks: each class its own building, its details drawn from the generator."""

from __future__ import annotations

import math

from hcbir.study.synthetic.canvas import Canvas
from hcbir.study.synthetic.materials import Masonry, Plain, Planks, Tiles
from hcbir.study.synthetic.parts import (
    DARK,
    Head,
    battlements,
    box,
    clock,
    column,
    cornice,
    disc,
    door,
    opening,
    rose,
    spire,
    spread,
    window,
)
from hcbir.study.synthetic.plan import Plan, near


def _cathedral(c: Canvas) -> None:
    stone, slate = Masonry(near(c.rng, (196, 182, 152)), 15, 32), Tiles(near(c.rng, (92, 100, 116)))
    frame = Plain(near(c.rng, (206, 196, 172)), 0.08)
    tower, nave_height = c.rng.uniform(215, 255), c.rng.uniform(520, 580)
    c.fill(box(tower, 0, 900 - 2 * tower, nave_height), stone)
    c.fill([(tower, nave_height), (900 - tower, nave_height), (450, nave_height + 170)], stone, shade=0.92)
    rose(c, 450, nave_height - 90, 96, frame, petals=int(c.rng.integers(10, 15)))
    rose(c, 450, nave_height + 60, 34, frame, petals=6)
    for x in spread(tower + 15, 885 - tower, 9):
        window(c, x, nave_height - 290, 24, 74, frame=frame, head="pointed", panes=(2, 1), sill=False)
    cornice(c, tower, nave_height - 310, 900 - 2 * tower, 12, stone)
    heights = c.rng.permutation([700.0, float(c.rng.uniform(720, 790))])
    for left, height in zip((0.0, 900 - tower), heights, strict=True):
        middle = left + tower / 2
        c.fill(box(left, 0, tower, height), stone, shade=1.04)
        for edge in (left, left + tower - 34):
            c.fill(box(edge, 0, 34, height * 0.93), stone, rounded=0.7)
        for y in (nave_height - 310, nave_height - 20, height - 16):
            cornice(c, left, y, tower, 14, stone)
        window(c, middle, 290, 60, 190, frame=frame, head="pointed", panes=(3, 5))
        for x in (middle - 42, middle + 42):
            window(c, x, nave_height + 12, 46, height - nave_height - 60, frame=frame, head="pointed", panes=(2, 4))
        door(c, middle, tower * 0.5, 230, frame=frame, head="pointed")
        for x in (left + 22, left + tower - 22):
            spire(c, x, height, 40, 110, slate)
        spire(c, middle, height, tower * 0.62, 1120 - height, slate)
    door(c, 450, 220, 290, frame=frame, head="pointed")


def _stone_bridge(c: Canvas) -> None:
    stone, trim = Masonry(near(c.rng, (170, 152, 122)), 20, 46), Masonry(near(c.rng, (196, 180, 150)), 12, 60)
    tiles = Tiles(near(c.rng, (150, 78, 56)), 12)
    count, deck = int(c.rng.integers(3, 6)), float(c.rng.uniform(215, 245))
    rise = 26.0
    road = [(x, deck + rise * math.sin(math.pi * x / 1300)) for x in range(0, 1301, 50)]
    c.fill([(0, 0), (1300, 0), *reversed(road)], stone)
    bay = 1120 / count
    for k, middle in enumerate(spread(160, 1280, count)):
        ring, height = bay * 0.8, deck - 26 + rise * math.sin(math.pi * middle / 1300)
        c.fill(opening(middle - ring / 2 - 13, 0, ring + 26, height + 12, "round"), trim, shade=1.08)
        c.fill(opening(middle - ring / 2, 0, ring, height, "round"), stone, shade=0.5)
        c.cut(opening(middle - ring / 2 + 14, 0, ring - 14, height - 10, "round"))
        if k:
            pier = middle - bay / 2
            c.fill([(pier - 32, 0), (pier + 32, 0), (pier + 32, 120), (pier, 165), (pier - 32, 120)], stone, rounded=0.9)
    for (x0, y0), (x1, y1) in zip(road, road[1:], strict=False):
        c.fill([(x0, y0 - 8), (x1, y1 - 8), (x1, y1 + 6), (x0, y0 + 6)], trim, shade=1.1)
        c.fill([(x0, y0 + 6), (x1, y1 + 6), (x1, y1 + 40), (x0, y0 + 40)], stone, shade=0.97)
        c.fill(box(x0, y0 + 40, 50, 7), trim, shade=1.15)
    for x in spread(220, 1300, int(c.rng.integers(4, 7))):
        foot = deck + 40 + rise * math.sin(math.pi * x / 1300)
        c.line((x, foot), (x, foot + 110), 6, DARK)
        c.fill(disc(x, foot + 114, 12, sides=14), Plain((232, 222, 180)), light=1)
    c.fill(box(10, 0, 170, 520), stone, shade=1.05)
    c.fill(opening(52, deck + 4, 86, 132, "pointed"), DARK)
    for y in (deck + 160, deck + 250):
        cornice(c, 10, y - 22, 170, 10, trim)
        for x in (65, 125):
            window(c, x, y, 30, 58, frame=trim, head="round", panes=(1, 2))
    battlements(c, 4, 520, 182, 18, stone)
    c.fill([(20, 538), (170, 538), (120, 690), (70, 690)], tiles)
    c.line((95, 688), (95, 735), 4, DARK)


def _lighthouse(c: Canvas) -> None:
    white, band = Plain(near(c.rng, (226, 222, 212), 8), 0.07), Plain(near(c.rng, (176, 48, 40)), 0.09)
    rock, roof = Masonry((112, 104, 96), 26, 60, 0.25, 0.5), Tiles(near(c.rng, (140, 80, 66)))
    middle, bands = float(c.rng.uniform(250, 300)), int(c.rng.integers(4, 7))
    outline = [(0, 0), (0, 60), (90, 96), (210, 122), (420, 128), (560, 90), (640, 40), (640, 0)]
    c.fill(outline, rock)
    bottom, top = 118.0, 860.0

    def half(y: float) -> float:
        return 98 - 42 * (y - bottom) / (top - bottom)

    edges = [bottom + (top - bottom) * k / bands for k in range(bands + 1)]
    for k, (y0, y1) in enumerate(zip(edges, edges[1:], strict=False)):
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


def _town_hall(c: Canvas) -> None:
    wall, trim = Masonry(near(c.rng, (178, 104, 78)), 10, 24, 0.13), Plain(near(c.rng, (216, 204, 178)), 0.07)
    slate, storeys, bays = Tiles(near(c.rng, (84, 92, 104))), int(c.rng.integers(2, 4)), int(c.rng.integers(9, 12))
    top = 190 + storeys * 130.0
    c.fill(box(0, 0, 1100, top), wall)
    c.fill(box(0, 0, 1100, 178), Masonry(near(c.rng, (190, 172, 142)), 22, 50))
    for x in spread(20, 1080, bays):
        c.fill(opening(x - 36, 0, 72, 148, "round"), trim)
        c.fill(opening(x - 28, 0, 56, 140, "round"), DARK, light=0.25)
        column(c, x + 1060 / bays / 2, 0, 20, 150, trim)
    head: Head = "round" if c.rng.random() < 0.5 else "flat"
    for k in range(storeys):
        cornice(c, 0, 178 + k * 130, 1100, 12, trim)
        for x in spread(20, 1080, bays):
            window(c, x, 210 + k * 130, 42, 84, frame=trim, head=head if k == 0 else "flat")
    c.fill([(-10, top), (1110, top), (1040, top + 130), (60, top + 130)], slate)
    cornice(c, 0, top - 8, 1100, 16, trim)
    for x in spread(80, 1020, 6):
        c.fill(box(x - 26, top + 18, 52, 62), trim)
        c.fill([(x - 34, top + 78), (x + 34, top + 78), (x, top + 112)], slate, shade=0.8)
        window(c, x, top + 26, 28, 44, frame=trim, sill=False)
    for middle in (130, 970):  # stepped gables
        for k in range(5):
            c.fill(box(middle - 92 + 17 * k, top, 184 - 34 * k, 44 * (k + 1)), wall, shade=1.06)
            c.fill(box(middle - 95 + 17 * k, top + 44 * (k + 1) - 5, 190 - 34 * k, 9), trim)
        window(c, middle, top + 40, 36, 84, frame=trim, head="round")
    height = top + float(c.rng.uniform(300, 350))
    c.fill(box(465, 0, 170, height), wall, shade=1.08)
    for edge in (465, 617):
        c.fill(box(edge, 0, 18, height), trim, rounded=0.6)
    for y in (top, height - 150, height - 12):
        cornice(c, 465, y, 170, 14, trim)
    for y in (210, 340):
        window(c, 550, y, 64, 96, frame=trim, head="round", panes=(3, 3))
    door(c, 550, 100, 160, frame=trim)
    clock(c, 550, height - 75, 50)
    for x in (515, 585):
        window(c, x, top + 40, 34, height - top - 240, frame=trim, head="round", panes=(1, 4))
    battlements(c, 460, height, 180, 14, trim)
    spire(c, 550, height + 14, 120, 1130 - height, slate)


def _castle(c: Canvas) -> None:
    stone, roof = Masonry(near(c.rng, (150, 146, 138)), 19, 40, 0.22), Tiles(near(c.rng, (128, 66, 58)), 12)
    light = Masonry(near(c.rng, (176, 168, 152)), 14, 30)
    c.fill(box(420, 0, 330, 560), light, shade=0.88)  # the keep, behind
    battlements(c, 412, 560, 346, 26, light)
    for x in spread(440, 730, 3):
        window(c, x, 430, 30, 76, frame=stone, head="round", panes=(2, 2))
    c.line((585, 580), (585, 740), 6, DARK)
    c.fill([(588, 738), (588, 680), (690, 694), (664, 712), (690, 728)], Plain(near(c.rng, (180, 40, 44)), 0.1))
    wall = float(c.rng.uniform(270, 310))
    c.fill(box(0, 0, 1250, wall), stone)
    battlements(c, 0, wall, 1250, 24, stone)
    for x in spread(60, 1190, 13):
        c.fill(box(x - 5, wall - 130 + float(c.rng.uniform(-25, 25)), 10, 56), DARK)
    places = [70.0, float(c.rng.uniform(300, 350)), float(c.rng.uniform(840, 900)), 1170.0]
    for k, middle in enumerate(places):
        width, height = float(c.rng.uniform(118, 165)), float(c.rng.uniform(400, 560))
        c.fill(box(middle - width / 2, 0, width, height), stone, rounded=0.95)
        c.fill(box(middle - width * 0.56, height - 60, width * 1.12, 60), light, rounded=0.9)
        battlements(c, middle - width * 0.56, height, width * 1.12, 20, light)
        for y in (120, 230, height - 110):
            shift = float(c.rng.uniform(-0.25, 0.25)) * width
            c.fill(opening(middle + shift - 7, y, 14, 54, "round"), DARK, light=float(c.rng.random() < 0.5))
        if k in (1, 3) or c.rng.random() < 0.5:
            spire(c, middle, height + 14, width * 0.98, float(c.rng.uniform(170, 230)), roof)
    c.fill(box(500, 0, 190, wall + 60), light)
    battlements(c, 492, wall + 60, 206, 20, light)
    c.fill(opening(540, 0, 110, 190, "pointed"), DARK)
    for x in spread(545, 645, 6):
        c.line((x, 30), (x, 180), 4, Planks((110, 84, 60), 4))
    for y in (70, 105, 140):
        c.line((545, y), (645, y), 4, Planks((110, 84, 60), 4))
    for x in (530, 595, 660):
        window(c, x, wall - 60, 20, 50, frame=stone, head="round", panes=(1, 2))


def _windmill(c: Canvas) -> None:
    brick, cap = Masonry(near(c.rng, (162, 96, 74)), 11, 26), Tiles(near(c.rng, (86, 70, 58)), 10)
    boards, white = Planks(near(c.rng, (96, 112, 92)), 14), Plain((224, 218, 204), 0.06)
    middle, top = 400.0, float(c.rng.uniform(620, 670))
    c.fill(box(150, 0, 500, 130), brick, shade=0.95)
    c.fill([(136, 130), (664, 130), (620, 186), (180, 186)], cap)
    for x in (210, 300, 500, 590):
        window(c, x, 36, 46, 60, frame=white, shutters=(54, 96, 70))
    c.fill([(270, 120), (530, 120), (468, top), (332, top)], boards, rounded=0.9)
    for share in (0.32, 0.68):  # edges of the octagon
        c.line((270 + 260 * share, 120), (332 + 136 * share, top), 4, DARK)
    for y, width in ((330, 46), (450, 40), (550, 32)):
        window(c, middle + float(c.rng.uniform(-30, 30)), y, width, 54, frame=white)
    c.fill(box(214, 236, 372, 14), Planks((120, 92, 64), 16))
    for x in spread(214, 586, 15):
        c.line((x, 248), (x, 290), 4, white)
        c.line((x, 236), (x + (middle - x) * 0.35, 186), 4, DARK)
    c.line((214, 290), (586, 290), 5, white)
    door(c, middle, 70, 116, frame=white)
    c.fill([(310, top), (490, top), (474, top + 70), (436, top + 112), (364, top + 112), (326, top + 70)], cap, rounded=0.6)
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


def _pagoda(c: Canvas) -> None:
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


def _viaduct(c: Canvas) -> None:
    stone, brick = Masonry(near(c.rng, (182, 162, 126)), 18, 40), Masonry(near(c.rng, (170, 112, 84)), 9, 20)
    tiers = 2 if c.rng.random() < 0.6 else 3
    base, counts = 0.0, (int(c.rng.integers(4, 6)), int(c.rng.integers(6, 8)), int(c.rng.integers(13, 17)))
    heights = {2: (330, 210), 3: (260, 180, 110)}[tiers]
    for count, height in zip(counts[3 - tiers :], heights, strict=True):
        c.fill(box(0, base, 1350, height), stone, shade=0.96)
        bay = 1350 / count
        for middle in spread(0, 1350, count):
            ring, rise = bay * 0.68, height - 34
            c.fill(opening(middle - ring / 2 - 11, base, ring + 22, rise + 11, "round"), brick, shade=1.06)
            c.fill(opening(middle - ring / 2, base, ring, rise, "round"), stone, shade=0.48)
            c.cut(opening(middle - ring / 2 + 12, base, ring - 12, rise - 8, "round"))
            pier = middle + bay / 2
            c.shade(box(pier - bay * 0.05, base, bay * 0.21, height), 0.85)
            for y in range(int(base) + 60, int(base + rise - ring / 2), 70):
                c.fill(box(pier - bay * 0.18, y, bay * 0.36, 9), brick)
        cornice(c, 0, base + height - 12, 1350, 13, brick)
        base += height
    c.fill(box(0, base, 1350, 42), stone, shade=1.08)
    for x in spread(0, 1350, 38):
        c.fill(box(x - 8, base + 8, 16, 24), brick, shade=0.8)
    c.fill(box(0, base + 40, 1350, 9), brick, shade=1.2)


LANDMARKS = (
    Plan("cathedral", 900, 1280, "grass", _cathedral),
    Plan("stone_bridge", 1300, 760, "water", _stone_bridge),
    Plan("lighthouse", 640, 1060, "water", _lighthouse),
    Plan("town_hall", 1100, 1280, "paving", _town_hall),
    Plan("castle", 1250, 830, "grass", _castle),
    Plan("windmill", 800, 1100, "grass", _windmill),
    Plan("pagoda", 800, 1060, "paving", _pagoda),
    Plan("viaduct", 1350, 620, "water", _viaduct),
)
