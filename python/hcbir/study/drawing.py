"""Pictures of rankings: images in coloured frames, as pixels and as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps
from PIL.ImageFont import FreeTypeFont

from hcbir.descriptors.images import ImageError, open_image
from hcbir.study.captions import image_caption, load_font, number, shortened
from hcbir.study.colours import BACKGROUND, CORRECT, DIM, INCORRECT, MAT, QUERY, TEXT, UNKNOWN, Colour
from hcbir.study.svg import css, data_url, document, element, text_of, words

_GAP = 8
_FINE = 2  # an SVG holds its images at twice their size


@dataclass(frozen=True)
class RankedImage:
    """One result; `correct` is None where the truth is not known, `caption` is shown in the place of the score."""

    path: Path
    score: float
    correct: bool | None
    caption: str | None = None


@dataclass(frozen=True)
class RankingRow:
    """A query, how it is called, and its results, best first."""

    query: Path
    label: str
    results: Sequence[RankedImage]


@dataclass(frozen=True)
class _Cell:
    """An image in its frame, at x and y of the picture, and the lines beneath it."""

    x: int
    y: int
    path: Path
    frame: Colour
    lines: tuple[str, str]


class RankingPicture:
    """Each query and its ranked results in one row: white frame = query, green = correct, red = incorrect.

    Parameters
    ----------
    rows
        At least one; rows may differ in length. An image that cannot be read is an empty frame that says so.
    thumbnail
        Side of the square in which each image stands, in pixels.
    title
        Stands above the rows.

    Raises
    ------
    ValueError
        If there are no rows, or `thumbnail` is under 24.
    """

    def __init__(self, rows: Sequence[RankingRow], *, thumbnail: int = 150, title: str | None = None) -> None:
        if not rows:
            raise ValueError("rows must hold at least one query, got none")
        if thumbnail < 24:
            raise ValueError(f"thumbnail must be at least 24 pixels, got {thumbnail}")
        self._side = thumbnail
        self._font = load_font(max(9.0, thumbnail * 0.082))
        self._line = math.ceil(self._font.size * 1.35)
        self._head = 0 if title is None else math.ceil(thumbnail * 0.22)
        self._title = title
        row_height = thumbnail + 2 * self._line + 2 * _GAP
        most = max(len(row.results) for row in rows)
        self.size = self._left(1 + most), self._head + _GAP + row_height * len(rows)
        """(width, height)"""
        self._cells: list[_Cell] = []
        for index, row in enumerate(rows):
            y = self._head + _GAP + index * row_height
            self._cells.append(_Cell(_GAP, y, row.query, QUERY, ("query", row.label)))
            for rank, result in enumerate(row.results, start=1):
                frame = UNKNOWN if result.correct is None else CORRECT if result.correct else INCORRECT
                caption = number(result.score) if result.caption is None else result.caption
                lines = f"{rank}. {caption}", image_caption(result.path)
                self._cells.append(_Cell(self._left(rank), y, result.path, frame, lines))

    def image(self) -> Image.Image:
        """The picture in RGB."""
        picture = Image.new("RGB", self.size, BACKGROUND)
        brush = ImageDraw.Draw(picture)
        for cell in self._cells:
            picture.paste(_framed(cell.path, self._side, cell.frame), (cell.x, cell.y))
        for x, y, text, font, colour in self._texts():
            brush.text((x, y), text, colour, font, anchor="lm")
        return picture

    def svg(self) -> str:
        """The picture as an SVG document that holds the images."""
        root = document(*self.size, self._title or "rankings")
        element(root, "rect", width=self.size[0], height=self.size[1], fill=css(BACKGROUND))
        for cell in self._cells:
            square = data_url(_framed(cell.path, _FINE * self._side, cell.frame))
            element(root, "image", x=cell.x, y=cell.y, width=self._side, height=self._side, href=square)
        for x, y, text, font, colour in self._texts():
            words(root, x, y, text, font.size, colour)
        return text_of(root)

    def _left(self, rank: int) -> int:
        """Of the image of that rank; the query, before the first, stands apart."""
        return _GAP + rank * (self._side + _GAP) + 2 * _GAP

    def _texts(self) -> list[tuple[float, float, str, FreeTypeFont, Colour]]:
        """x, y of the middle of the left end, words, font, colour."""
        texts: list[tuple[float, float, str, FreeTypeFont, Colour]] = []
        if self._title is not None:
            large = load_font(self._head * 0.5)
            title = shortened(self._title, large, self.size[0] - 2 * _GAP)
            texts.append((_GAP, self._head * 0.62, title, large, TEXT))
        for cell in self._cells:
            for k, (text, colour) in enumerate(zip(cell.lines, (TEXT, DIM), strict=True)):
                y = cell.y + self._side + _GAP / 2 + (k + 0.5) * self._line
                texts.append((cell.x, y, shortened(text, self._font, self._side), self._font, colour))
        return texts


def _framed(path: Path, side: int, frame: Colour) -> Image.Image:
    """The whole image, upright, in a square of `side` pixels with a coloured frame."""
    border = max(3, round(side * 0.028))
    square = Image.new("RGB", (side, side), frame)
    square.paste(MAT, (border, border, side - border, side - border))
    inner = side - 2 * border
    try:
        image = open_image(path, longest_side=inner).image
    except ImageError:
        font = load_font(max(9.0, side * 0.08))
        ImageDraw.Draw(square).text((side / 2, side / 2), "unreadable", DIM, font, anchor="mm")
        return square
    image = ImageOps.contain(image, (inner, inner), Image.Resampling.LANCZOS)  # small images are enlarged
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
