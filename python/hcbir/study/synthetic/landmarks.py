"""Plans of the landmarks: each class its own building, its details drawn from the generator."""

from __future__ import annotations

import math
from itertools import pairwise

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
from hcbir.study.synthetic.towers import lighthouse, pagoda, windmill


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
            c.fill(
                [(pier - 32, 0), (pier + 32, 0), (pier + 32, 120), (pier, 165), (pier - 32, 120)], stone, rounded=0.9
            )
    for (x0, y0), (x1, y1) in pairwise(road):
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
    Plan("lighthouse", 640, 1060, "water", lighthouse),
    Plan("town_hall", 1100, 1280, "paving", _town_hall),
    Plan("castle", 1250, 830, "grass", _castle),
    Plan("windmill", 800, 1100, "grass", windmill),
    Plan("pagoda", 800, 1060, "paving", pagoda),
    Plan("viaduct", 1350, 620, "water", _viaduct),
)
