"""Parts of buildings: openings, columns, battlements, cornices, spires."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from hcbir.study.synthetic.canvas import Canvas, Points
from hcbir.study.synthetic.materials import Colour, Masonry, Material, Plain, Planks

Head = Literal["flat", "round", "pointed"]

DARK = Plain((34, 32, 36), 0.1)


def box(x: float, y: float, width: float, height: float) -> Points:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def opening(x: float, y: float, width: float, height: float, head: Head = "flat") -> Points:
    """Outline of an opening that stands at (x, y); a round or pointed head is within `height`."""
    if head == "flat":
        return box(x, y, width, height)
    half = width / 2
    steps = [k / 12 for k in range(13)]
    if head == "round":
        spring = y + height - half
        arc = [(x + half + half * math.cos(math.pi * t), spring + half * math.sin(math.pi * t)) for t in steps]
    else:  # two arcs about the opposite springing points
        rise = half * math.sqrt(3)
        spring = y + height - rise
        right = [(x + width * math.cos(math.pi / 3 * t), spring + width * math.sin(math.pi / 3 * t)) for t in steps]
        arc = [*right, *((2 * x + width - px, py) for px, py in reversed(right[:-1]))]
    return [(x, y), (x + width, y), *arc]


def disc(x: float, y: float, radius: float, *, sides: int = 40) -> Points:
    turn = 2 * math.pi / sides
    return [(x + radius * math.cos(turn * k), y + radius * math.sin(turn * k)) for k in range(sides)]


def spread(first: float, last: float, count: int) -> Iterator[float]:
    """The middles of `count` equal bays between first and last."""
    bay = (last - first) / count
    return (first + bay * (k + 0.5) for k in range(count))


def window(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    frame: Material,
    head: Head = "flat",
    panes: tuple[int, int] = (2, 3),
    shutters: Colour | None = None,
    sill: bool = True,
) -> None:
    """A window whose middle of the bottom is at (x, y); curtain, blind, shutters and lamp are left to chance."""
    rng = canvas.rng
    left, border = x - width / 2, max(2.5, width * 0.11)
    canvas.fill(opening(left - border, y - border / 2, width + 2 * border, height + border * 1.5, head), frame)
    canvas.shade(opening(left - border * 0.3, y, width + border * 0.6, height + border * 0.4, head), 0.55)
    tone = rng.uniform(0.5, 1.7)
    lit = rng.uniform(0.55, 1) if rng.random() < 0.5 else rng.uniform(0, 0.08)
    canvas.fill(opening(left, y, width, height, head), Plain((48 * tone, 58 * tone, 70 * tone), 0.16), light=lit)
    inside = height - (width * 0.6 if head != "flat" else 0)
    kind = rng.integers(4)
    if kind == 0:  # a blind, half down
        drop = inside * rng.uniform(0.2, 0.7)
        canvas.fill(box(left, y + inside - drop, width, drop), Plain((196, 186, 160), 0.08), light=lit * 0.8)
    elif kind == 1:  # curtains
        for start in (left, left + width * 0.68):
            canvas.fill(box(start, y, width * 0.32, inside), Planks((190, 176, 170), 5), light=lit * 0.8)
    bar = max(1.5, width * 0.05)
    for k in range(1, panes[0]):
        canvas.fill(box(left + width * k / panes[0] - bar / 2, y, bar, height * 0.96), frame, shade=1.1)
    for k in range(1, panes[1]):
        canvas.fill(box(left, y + inside * k / panes[1] - bar / 2, width, bar), frame, shade=1.1)
    if sill:
        canvas.fill(box(left - border * 1.7, y - border * 1.2, width + border * 3.4, border * 1.2), frame, shade=1.15)
        canvas.shade(box(left - border * 1.5, y - border * 2.6, width + border * 3, border * 1.4), 0.72)
    if shutters is not None and rng.random() < 0.85:
        for start in (left - border - width * 0.5, left + width + border):
            canvas.fill(box(start, y, width * 0.5, inside), Planks(shutters, 7, upright=False))


def door(canvas: Canvas, x: float, width: float, height: float, *, frame: Material, head: Head = "round") -> None:
    """A stepped portal with a boarded door, standing on the ground around x."""
    for k, shade in enumerate((1.08, 0.82, 0.62)):
        inset = width * 0.08 * k
        canvas.fill(opening(x - width / 2 + inset, 0, width - 2 * inset, height - inset, head), frame, shade=shade)
    inset = width * 0.2
    canvas.fill(opening(x - width / 2 + inset, 0, width - 2 * inset, height - inset, head), Planks((92, 62, 40), 9))
    canvas.fill(box(x - 1.5, 0, 3, height * 0.8), DARK)


def column(canvas: Canvas, x: float, y: float, width: float, height: float, material: Material) -> None:
    canvas.fill(box(x - width / 2, y, width, height), material, rounded=1)
    for at in (y, y + height - width * 0.45):
        canvas.fill(box(x - width * 0.72, at, width * 1.44, width * 0.45), material, shade=1.12)


def cornice(canvas: Canvas, x: float, y: float, width: float, height: float, material: Material) -> None:
    """A moulding with dentils under it and the shadow it throws."""
    canvas.shade(box(x, y - height * 1.7, width, height * 1.7), 0.7)
    canvas.fill(box(x - height * 0.4, y, width + height * 0.8, height), material, shade=1.14)
    step = height * 1.5
    for k in range(int(width // step)):
        canvas.fill(box(x + (k + 0.25) * step, y - height * 0.7, step * 0.5, height * 0.7), material)


def battlements(canvas: Canvas, x: float, y: float, width: float, size: float, material: Material) -> None:
    count = max(2, round(width / (2 * size)))
    step = width / (count - 0.5)
    for k in range(count):
        canvas.fill(box(x + k * step, y - 1, step / 2, size + 1), material, shade=1.05)
    canvas.fill(box(x - size * 0.25, y - size * 0.5, width + size * 0.5, size * 0.5), material, shade=1.12)
    canvas.shade(box(x, y - size * 1.1, width, size * 0.6), 0.7)


def spire(canvas: Canvas, x: float, y: float, width: float, height: float, material: Material) -> None:
    """A pointed roof around x with a finial."""
    canvas.fill([(x - width / 2, y), (x + width / 2, y), (x, y + height)], material, rounded=0.8)
    canvas.line((x, y + height * 0.97), (x, y + height * 1.12), max(2.5, width * 0.03), DARK)
    canvas.fill(disc(x, y + height * 1.04, max(3.5, width * 0.045), sides=12), Plain((190, 150, 60)))


def clock(canvas: Canvas, x: float, y: float, radius: float) -> None:
    canvas.fill(disc(x, y, radius * 1.18), Masonry((120, 104, 84)), shade=0.8)
    canvas.fill(disc(x, y, radius), Plain((236, 228, 204)), light=0.9)
    for k in range(12):
        turn = math.pi * k / 6
        start = (x + radius * 0.78 * math.cos(turn), y + radius * 0.78 * math.sin(turn))
        canvas.line(
            start, (x + radius * 0.94 * math.cos(turn), y + radius * 0.94 * math.sin(turn)), radius * 0.08, DARK
        )
    for reach, hand in ((0.5, canvas.rng.integers(12)), (0.75, canvas.rng.integers(12))):
        turn = math.pi * int(hand) / 6
        canvas.line((x, y), (x + radius * reach * math.cos(turn), y + radius * reach * math.sin(turn)), 4, DARK)


def rose(canvas: Canvas, x: float, y: float, radius: float, frame: Material, *, petals: int) -> None:
    """A rose window of stained glass."""
    canvas.fill(disc(x, y, radius * 1.14), frame, shade=1.1)
    canvas.fill(disc(x, y, radius), frame, shade=0.5)
    for k in range(petals):
        turn = 2 * math.pi * k / petals
        for reach, size in ((0.72, 1.5 / petals), (0.4, 0.85 / petals)):
            glass = Plain(tuple(float(v) for v in canvas.rng.uniform((30, 30, 60), (150, 110, 190))), 0.15)  # type: ignore[arg-type]
            centre = x + radius * reach * math.cos(turn), y + radius * reach * math.sin(turn)
            canvas.fill(disc(*centre, radius * size, sides=16), glass, light=0.7)
    canvas.fill(disc(x, y, radius * 0.16), Plain((150, 60, 50), 0.2), light=0.8)
