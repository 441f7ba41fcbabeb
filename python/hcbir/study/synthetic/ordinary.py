"""Plans of ordinary buildings: what fills the rest of a collection."""

from __future__ import annotations

from hcbir.study.synthetic.canvas import Canvas
from hcbir.study.synthetic.materials import Masonry, Plain, Planks, Tiles
from hcbir.study.synthetic.parts import DARK, box, column, cornice, disc, door, spire, spread, window
from hcbir.study.synthetic.plan import Plan, near


def _apartments(c: Canvas) -> None:
    wall = (
        Masonry(near(c.rng, (186, 166, 140), 35), 12, 28, 0.1)
        if c.rng.random() < 0.5
        else Plain(near(c.rng, (200, 186, 160), 35), 0.07)
    )
    trim, floors, bays = (
        Plain(near(c.rng, (214, 208, 196)), 0.06),
        int(c.rng.integers(4, 7)),
        int(c.rng.integers(6, 10)),
    )
    storey = 720 / floors
    c.fill(box(0, 0, 1000, 760), wall)
    shutters = near(c.rng, (90, 110, 110), 40) if c.rng.random() < 0.5 else None
    for floor in range(floors):
        y = 30 + floor * storey
        for x in spread(20, 980, bays):
            if floor:
                window(c, x, y, storey * 0.34, storey * 0.58, frame=trim, shutters=shutters)
                if c.rng.random() < 0.3:
                    c.fill(box(x - storey * 0.4, y - 6, storey * 0.8, 8), trim)
                    for bar in spread(x - storey * 0.4, x + storey * 0.4, 8):
                        c.line((bar, y), (bar, y + storey * 0.24), 3, DARK)
            else:
                c.fill(box(x - 36, 0, 72, storey * 0.8), DARK, light=0.4)
                c.fill(box(x - 40, storey * 0.72, 80, 20), Plain(near(c.rng, (150, 90, 80), 60), 0.08))
        if floor:
            cornice(c, 0, y - 24, 1000, 8, trim)
    c.fill([(-5, 760), (1005, 760), (960, 850), (40, 850)], Tiles(near(c.rng, (110, 90, 86), 30)))


def _row_houses(c: Canvas) -> None:
    count = int(c.rng.integers(4, 7))
    width = 1200 / count
    for k in range(count):
        left, height = k * width, float(c.rng.uniform(420, 600))
        brick = Masonry(near(c.rng, (168, 110, 86), 40), 10, 24, 0.12)
        trim = Plain(near(c.rng, (220, 214, 200)), 0.06)
        c.fill(box(left, 0, width, height), brick)
        peak = float(c.rng.uniform(90, 170))
        c.fill([(left, height), (left + width, height), (left + width / 2, height + peak)], brick, shade=0.94)
        for y in range(150, int(height) - 70, 125):
            for x in spread(left + 8, left + width - 8, int(c.rng.integers(2, 4))):
                window(c, x, y, width * 0.17, 78, frame=trim)
        window(c, left + width / 2, height + 8, width * 0.14, 50, frame=trim, head="round", sill=False)
        c.line((left, height), (left + width / 2, height + peak), 10, trim)
        c.line((left + width, height), (left + width / 2, height + peak), 10, trim)
        door(c, left + width * 0.3, width * 0.3, 118, frame=trim, head="flat")
        window(c, left + width * 0.7, 36, width * 0.3, 70, frame=trim)


def _chapel(c: Canvas) -> None:
    stone, slate = Masonry(near(c.rng, (180, 168, 146), 30), 16, 32), Tiles(near(c.rng, (96, 88, 92), 25))
    frame, height = Plain(near(c.rng, (204, 196, 178)), 0.07), float(c.rng.uniform(260, 320))
    c.fill(box(180, 0, 720, height), stone)
    c.fill([(160, height), (920, height), (870, height + 170), (210, height + 170)], slate)
    for x in spread(330, 890, int(c.rng.integers(4, 7))):
        window(c, x, 80, 46, height - 130, frame=frame, head="pointed", panes=(2, 4))
        c.fill(box(x - 62, 0, 20, height * 0.8), stone, shade=1.1)
    top = float(c.rng.uniform(460, 560))
    c.fill(box(60, 0, 200, top), stone, shade=1.05)
    for y in (top - 170, top - 12):
        cornice(c, 60, y, 200, 12, stone)
    window(c, 160, top - 140, 60, 100, frame=frame, head="round")
    window(c, 160, 240, 36, 80, frame=frame, head="pointed")
    door(c, 160, 110, 170, frame=frame, head="pointed")
    spire(c, 160, top, 220, float(c.rng.uniform(200, 330)), slate)


def _factory(c: Canvas) -> None:
    brick, trim = Masonry(near(c.rng, (150, 92, 72), 25), 9, 22, 0.14), Masonry(near(c.rng, (190, 170, 140)), 10, 30)
    teeth = int(c.rng.integers(4, 7))
    for x in c.rng.uniform(120, 1080, int(c.rng.integers(1, 4))):
        middle, top = float(x), float(c.rng.uniform(640, 800))
        c.fill([(middle - 42, 0), (middle + 42, 0), (middle + 26, top), (middle - 26, top)], brick, rounded=0.9)
        c.fill(box(middle - 34, top - 26, 68, 26), trim, rounded=0.9)
    c.fill(box(0, 0, 1200, 300), brick)
    bay = 1200 / teeth
    for k in range(teeth):
        c.fill([(k * bay, 298), ((k + 1) * bay, 298), (k * bay, 410)], Planks(near(c.rng, (120, 124, 124)), 12))
        for x in spread(k * bay, (k + 1) * bay, 2):
            window(c, x, 110, bay * 0.3, 130, frame=trim, head="round", panes=(4, 5))
    cornice(c, 0, 288, 1200, 12, trim)
    c.fill(box(460, 0, 170, 96), Planks(near(c.rng, (80, 100, 110), 30), 16))


def _temple(c: Canvas) -> None:
    marble, count = Masonry(near(c.rng, (212, 204, 186), 14), 40, 90, 0.06, 0.85), int(c.rng.integers(6, 9))
    for k in range(4):
        c.fill(box(k * 14, k * 18, 1100 - 28 * k, 18), marble, shade=0.9 + 0.06 * (k % 2))
    c.fill(box(110, 72, 880, 360), marble, shade=0.45)
    c.fill(box(490, 72, 120, 250), DARK)
    for x in spread(60, 1040, count):
        column(c, x, 72, 66, 360, Planks(near(c.rng, (210, 202, 184), 8), 11))
    c.fill(box(50, 432, 1000, 74), marble)
    for x in spread(60, 1040, count * 2):
        c.fill(box(x - 16, 462, 32, 38), marble, shade=0.75)
    cornice(c, 40, 506, 1020, 16, marble)
    c.fill([(30, 522), (1070, 522), (550, 690)], marble)
    c.fill([(150, 534), (950, 534), (550, 662)], marble, shade=0.7)
    for x in c.rng.uniform(330, 770, 9):
        c.fill(disc(float(x), 566 + float(c.rng.uniform(-10, 24)), float(c.rng.uniform(12, 24)), sides=9), marble)


def _barn(c: Canvas) -> None:
    boards, roof = Planks(near(c.rng, (140, 66, 52), 35), 16), Tiles(near(c.rng, (110, 104, 100), 25), 14)
    white = Plain((220, 214, 204), 0.06)
    c.fill(box(60, 0, 560, 320), boards)
    c.fill([(60, 320), (620, 320), (540, 450), (340, 530), (140, 450)], boards, shade=0.95)
    c.fill([(600, 0), (1080, 0), (1080, 290), (600, 320)], boards, shade=0.8)
    c.fill([(590, 320), (1100, 288), (1010, 500), (340, 536), (540, 452)], roof)
    c.fill(box(240, 0, 200, 220), boards, shade=0.7)
    for start, end in (((240, 0), (440, 220)), ((440, 0), (240, 220)), ((240, 220), (440, 220))):
        c.line(start, end, 9, white)
    for x in spread(640, 1070, 4):
        window(c, x, 110, 44, 56, frame=white)
    window(c, 340, 360, 60, 70, frame=white, head="round")
    if c.rng.random() < 0.7:
        c.fill(box(0, 0, 110, 560), Planks(near(c.rng, (170, 166, 158)), 8, upright=False), rounded=0.9)
        spire(c, 55, 560, 124, 70, roof)


ORDINARY = (
    Plan("apartments", 1000, 870, "paving", _apartments),
    Plan("row_houses", 1200, 790, "paving", _row_houses),
    Plan("chapel", 960, 920, "grass", _chapel),
    Plan("factory", 1200, 820, "paving", _factory),
    Plan("temple", 1100, 710, "grass", _temple),
    Plan("barn", 1120, 650, "grass", _barn),
)
