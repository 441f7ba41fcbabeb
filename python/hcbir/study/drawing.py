"""Pictures of rankings: images in coloured frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from hcbir.descriptors.images import ImageError, open_image
from hcbir.study.captions import image_caption, load_font, number, shortened
from hcbir.study.colours import BACKGROUND, CORRECT, DIM, INCORRECT, MAT, QUERY, TEXT, UNKNOWN, Colour

_GAP = 8


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


def draw_rankings(rows: Sequence[RankingRow], *, thumbnail: int = 150, title: str | None = None) -> Image.Image:
    """Draws each query and its ranked results in one row: white frame = query, green = correct, red = incorrect.

    Parameters
    ----------
    rows
        At least one; rows may differ in length.
    thumbnail
        Side of the square in which each image stands, in pixels.
    title
        Stands above the rows.

    Returns
    -------
    PIL.Image.Image
        RGB. An image that cannot be read is drawn as an empty frame that says so.

    Raises
    ------
    ValueError
        If there are no rows, or `thumbnail` is under 24.
    """
    if not rows:
        raise ValueError("rows must hold at least one query, got none")
    if thumbnail < 24:
        raise ValueError(f"thumbnail must be at least 24 pixels, got {thumbnail}")
    font = load_font(max(9.0, thumbnail * 0.082))
    line = math.ceil(font.size * 1.35)
    cell, row_height = thumbnail + _GAP, thumbnail + 2 * line + 2 * _GAP
    after_query = 2 * _GAP  # the query stands apart
    head = 0 if title is None else math.ceil(thumbnail * 0.22)
    most = max(len(row.results) for row in rows)
    width = _GAP + cell * (1 + most) + after_query
    picture = Image.new("RGB", (width, head + _GAP + row_height * len(rows)), BACKGROUND)
    brush = ImageDraw.Draw(picture)
    if title is not None:
        large = load_font(head * 0.5)
        brush.text((_GAP, head * 0.62), shortened(title, large, width - 2 * _GAP), TEXT, large, anchor="lm")
    for index, row in enumerate(rows):
        y = head + _GAP + index * row_height
        cells = [(_GAP, row.query, QUERY, "query", row.label)]
        for rank, result in enumerate(row.results, start=1):
            frame = UNKNOWN if result.correct is None else CORRECT if result.correct else INCORRECT
            caption = number(result.score) if result.caption is None else result.caption
            x = _GAP + rank * cell + after_query
            cells.append((x, result.path, frame, f"{rank}.  {caption}", image_caption(result.path)))
        for x, path, frame, upper, lower in cells:
            picture.paste(_framed(path, thumbnail, frame), (x, y))
            for k, (text, colour) in enumerate(((upper, TEXT), (lower, DIM))):
                position = x, y + thumbnail + _GAP / 2 + k * line
                brush.text(position, shortened(text, font, thumbnail), colour, font)
    return picture


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
