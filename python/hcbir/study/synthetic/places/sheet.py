"""A sheet of wall on which windows, doors and mouldings are drawn, in metres."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hcbir.study.synthetic.rendering.atlas import LIT, OPAQUE
from hcbir.study.synthetic.rendering.numbers import Bytes, Colour, Rng, direction, noise

_SHIFT = 4


class Sheet:
    """`pixels` (h, w, 4) uint8; x to the right from 0, y up from the ground."""

    def __init__(self, width: float, height: float, density: float, base: Bytes, rng: Rng) -> None:
        """`base` is a texture that tiles, at the sheet's density."""
        rows, cols = max(4, round(height * density)), max(4, round(width * density))
        self.width, self.height, self.density, self.rng = width, height, density, rng
        self.pixels = np.full((rows, cols, 4), OPAQUE, np.uint8)
        down, across = int(rng.integers(base.shape[0])), int(rng.integers(base.shape[1]))
        tiles = -(-(rows + down) // base.shape[0]), -(-(cols + across) // base.shape[1])
        self.pixels[..., :3] = np.tile(base, (*tiles, 1))[down : down + rows, across : across + cols]

    def fill(self, outline: Sequence[tuple[float, float]], colour: Colour, alpha: int = OPAQUE) -> None:
        points = np.array(outline)
        points = np.stack([points[:, 0], self.height - points[:, 1]], axis=1) * self.density - 0.5
        fixed = np.floor(points * (1 << _SHIFT) + 0.5).astype(np.int32)
        cv2.fillPoly(self.pixels, [fixed], (*(float(round(c)) for c in colour), float(alpha)), cv2.LINE_8, _SHIFT)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, alpha: int = OPAQUE) -> None:
        self.fill([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, alpha)

    def multiply(self, x: float, y: float, width: float, height: float, factor: float) -> None:
        """Shades a rectangle."""
        region = self.pixels[self._window(x, y, width, height)][..., :3]
        region[:] = np.minimum(region * np.float32(factor), 255).astype(np.uint8)

    def arch(self, x: float, y: float, width: float, height: float, *, pointed: float = 0) -> list[tuple[float, float]]:
        """An outline with an arched head; `pointed` 0 is round, 1 as high again as round."""
        radius = width / 2
        rise = min(radius * (1 + pointed), height)
        outline = [(x, y), (x + width, y)]
        for k in range(9):
            cos, sin = direction(k * 3.14159265 / 8)
            lift = sin if not pointed else 1 - abs(cos) ** 1.0 * (1 - 0.35 * sin)
            outline.append((x + radius + radius * cos, y + height - rise + rise * lift))
        return outline

    def paste(self, picture: Bytes, x: float, y: float) -> None:
        """Lower left corner at (x, y); transparent parts are left out."""
        top = round((self.height - y) * self.density) - picture.shape[0]
        left = round(x * self.density)
        rows = slice(max(top, 0), min(top + picture.shape[0], self.pixels.shape[0]))
        cols = slice(max(left, 0), min(left + picture.shape[1], self.pixels.shape[1]))
        if rows.stop <= rows.start or cols.stop <= cols.start:
            return
        part = picture[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
        region = self.pixels[rows, cols]
        region[part[..., 3] > 0] = part[part[..., 3] > 0]

    def weather(self, amount: float = 0.16) -> None:
        """Dirt towards the foot and below the eaves, and streaks."""
        rows, cols = self.pixels.shape[:2]
        down = np.arange(rows, dtype=np.float32) / np.float32(rows)
        foot = np.clip((down - np.float32(0.8)) * 4, 0, 1)
        eaves = np.clip((np.float32(0.06) - down) * 12, 0, 1)
        tone = np.float32(1) - np.float32(amount) * (foot + eaves)[:, None]
        tone = tone * (np.float32(1) + np.float32(0.5 * amount) * noise(1, cols, max(cols / 9, 3), self.rng, octaves=4))
        self.pixels[..., :3] = np.minimum(self.pixels[..., :3] * tone[..., None], 255).astype(np.uint8)

    def _window(self, x: float, y: float, width: float, height: float) -> tuple[slice, slice]:
        rows, cols = self.pixels.shape[:2]
        top, bottom = (round((self.height - level) * self.density) for level in (y + height, y))
        left, right = (round(side * self.density) for side in (x, x + width))
        return slice(max(top, 0), min(bottom, rows)), slice(max(left, 0), min(right, cols))


def window(
    density: float,
    width: float,
    height: float,
    rng: Rng,
    *,
    frame: Colour = (232, 228, 216),
    surround: Colour | None = None,
    head: str = "flat",
    shutters: Colour | None = None,
    lit: bool = True,
    bars: tuple[int, int] = (2, 3),
) -> Bytes:
    """(h, w, 4) of a window; `head` is flat, round, pointed or pediment."""
    edge = 0.16 * width if surround else 0.06 * width
    side = 0.55 * width if shutters else 0.0
    full, tall = width + 2 * (edge + side), height + 2.4 * edge + (0.3 * width if head == "pediment" else 0)
    sheet = Sheet(full, tall, density, np.zeros((8, 8, 3), np.uint8), rng)
    sheet.pixels[:] = 0
    x, y = edge + side, edge * 1.4
    pointed = {"round": 0.0, "pointed": 0.9}.get(head)

    def shape(grow: float) -> list[tuple[float, float]]:
        if pointed is None:
            return [
                (x - grow, y - grow),
                (x + width + grow, y - grow),
                (x + width + grow, y + height + grow),
                (x - grow, y + height + grow),
            ]
        return sheet.arch(x - grow, y - grow, width + 2 * grow, height + 2 * grow, pointed=pointed)

    if shutters:
        for left in (x - edge - side, x + width + edge):
            sheet.box(left, y, side, height, shutters)
            for k in range(8):
                sheet.box(
                    left + 0.08 * side, y + height * (k + 0.2) / 8, 0.84 * side, height / 22, _darker(shutters, 0.7)
                )
    if surround:
        sheet.fill(shape(edge), surround)
        sheet.box(x - edge * 1.3, y - edge * 1.3, width + edge * 2.6, edge, _darker(surround, 1.12))
        sheet.box(x - edge, y - edge * 1.4, width + edge * 2, edge * 0.3, _darker(surround, 0.55))
        if head == "pediment":
            top = y + height + edge
            sheet.fill(
                [(x - edge * 1.6, top), (x + width + edge * 1.6, top), (x + width / 2, top + 0.3 * width)], surround
            )
            sheet.fill(
                [(x, top + 0.04), (x + width, top + 0.04), (x + width / 2, top + 0.2 * width)], _darker(surround, 0.7)
            )
    sheet.fill(shape(0), frame)
    sky = float(rng.uniform(0.5, 1.1))
    glass = (52 * sky, 64 * sky, 78 * sky)
    alpha = LIT if lit else OPAQUE
    inner = 0.07 * width
    if pointed is None:
        sheet.box(x + inner, y + inner, width - 2 * inner, height - 2 * inner, glass, alpha)
        sheet.box(x + inner, y + height * 0.72, width - 2 * inner, height * 0.28 - inner, _darker(glass, 0.6), alpha)
    else:
        sheet.fill(
            sheet.arch(x + inner, y + inner, width - 2 * inner, height - 2 * inner, pointed=pointed), glass, alpha
        )
    for k in range(1, bars[0]):
        sheet.box(
            x + width * k / bars[0] - inner * 0.4, y, inner * 0.8, height * (0.98 if pointed is None else 0.8), frame
        )
    for k in range(1, bars[1]):
        sheet.box(x + inner, y + height * k / bars[1], width - 2 * inner, inner * 0.7, frame)
    # the reveal's shadow: the sun mostly comes from above and the left
    sheet.box(
        x, y + height - inner * 1.5 if pointed is None else y + height * 0.6, inner * 1.4, inner * 1.5, (30, 30, 34)
    )
    sheet.box(x, y, inner * 1.2, height * (1 if pointed is None else 0.62), (38, 38, 42))
    return sheet.pixels


def _darker(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255.0, c * factor) for c in colour)
    return r, g, b
