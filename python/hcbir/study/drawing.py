"""Pictures of results: matched features joined by lines, and rankings in coloured frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps

from hcbir.descriptors.images import ImageError, open_image
from hcbir.study.captions import load_font, number, shortened

Colour = tuple[int, int, int]

_BACKGROUND: Colour = (28, 29, 32)
_TEXT: Colour = (228, 228, 224)
_DIM: Colour = (160, 162, 166)
_QUERY: Colour = (255, 255, 255)
_CORRECT: Colour = (67, 186, 103)
_INCORRECT: Colour = (217, 69, 63)
_UNKNOWN: Colour = (128, 131, 136)
_BOX: Colour = (255, 209, 82)

_MAT: Colour = (12, 12, 13)

_GAP = 8
_FINE = 2  # pictures of matches are drawn at twice their size and shrunk


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


def draw_matches(
    image0: Image.Image,
    image1: Image.Image,
    points0: npt.ArrayLike,
    points1: npt.ArrayLike,
    inlier_mask: npt.ArrayLike,
    *,
    model: npt.ArrayLike | None = None,
    agree: bool = True,
    title: str | None = None,
    height: int = 480,
    max_inliers: int = 150,
    max_outliers: int = 60,
) -> Image.Image:
    """Draws two images side by side and joins their matched points by lines.

    Parameters
    ----------
    image0, image1 : PIL images
        The query and the target, of any size and mode; turned upright as their EXIF data say.
    points0, points1 : (p, 2)
        Matched points, x before y, in pixels of the images; (0, 0) is the centre of the top-left pixel.
    inlier_mask : (p,) bool
        Green lines join inliers, thin red ones the other matches.
    model : (3, 3), optional
        Maps points0 to points1: the outline of image0 is drawn in image1, unless a corner maps to infinity.
    agree
        False where chance explains the inliers: their lines are grey then, and no outline is drawn.
    title
        Stands before the counts in the caption.
    height
        Of both images in the picture, in pixels.
    max_inliers, max_outliers
        As many lines are drawn at most, evenly taken from all; a dot marks each inlier, the caption counts all.

    Returns
    -------
    PIL.Image.Image
        RGB.

    Raises
    ------
    ValueError
        If a shape is not as above, or `height` is under 16.
    """
    first, second, inlier = _checked_matches(points0, points1, inlier_mask)
    if height < 16:
        raise ValueError(f"height must be at least 16 pixels, got {height}")
    for name, most in (("max_inliers", max_inliers), ("max_outliers", max_outliers)):
        if most < 0:
            raise ValueError(f"{name} must not be negative, got {most}")
    fine = height * _FINE
    image0, image1 = (open_image(image, longest_side=None).image for image in (image0, image1))
    images = [_to_height(image, fine) for image in (image0, image1)]
    shift = images[0].width + _GAP * _FINE
    picture = Image.new("RGB", (shift + images[1].width, fine), _BACKGROUND)
    picture.paste(images[0], (0, 0))
    picture.paste(images[1], (shift, 0))

    ends = np.hstack([_scaled(first, image0, images[0]), _scaled(second, image1, images[1]) + np.array([shift, 0])])
    brush = ImageDraw.Draw(picture, "RGBA")
    for k in _some(np.flatnonzero(~inlier), max_outliers):
        brush.line([float(v) for v in ends[k]], fill=(*_INCORRECT, 150), width=_FINE)
    inliers = np.flatnonzero(inlier)
    opacity = int(np.interp(len(inliers), [20, 150], [235, 130]))
    colour = _CORRECT if agree else _UNKNOWN
    for k in _some(inliers, max_inliers):
        brush.line([float(v) for v in ends[k]], fill=(*colour, opacity), width=_FINE + 1)
    for k in inliers:
        for x, y in ends[k].reshape(2, 2):
            brush.circle((float(x), float(y)), 2.2 * _FINE, fill=colour, outline=(255, 255, 255), width=1)
    corners = None if model is None or not agree else _outline(np.asarray(model, dtype=np.float64), image0)
    if corners is not None:
        box = _scaled(corners, image1, images[1])
        # drawn on the target alone, which cuts off what falls outside it
        target = picture.crop((shift, 0, picture.width, fine))
        path = [(float(x), float(y)) for x, y in np.vstack([box, box[:2]])]
        ImageDraw.Draw(target).line(path, fill=_BOX, width=2 * _FINE, joint="curve")
        picture.paste(target, (shift, 0))

    picture = picture.resize((math.ceil(picture.width / _FINE), height), Image.Resampling.LANCZOS)
    counts = f"{len(inliers)} inliers of {len(inlier)} matches"
    return _captioned(picture, counts if title is None else f"{title}   ·   {counts}")


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
    picture = Image.new("RGB", (width, head + _GAP + row_height * len(rows)), _BACKGROUND)
    brush = ImageDraw.Draw(picture)
    if title is not None:
        large = load_font(head * 0.5)
        brush.text((_GAP, head * 0.62), shortened(title, large, width - 2 * _GAP), _TEXT, large, anchor="lm")
    for index, row in enumerate(rows):
        y = head + _GAP + index * row_height
        cells = [(_GAP, row.query, _QUERY, "query", row.label)]
        for rank, result in enumerate(row.results, start=1):
            frame = _UNKNOWN if result.correct is None else _CORRECT if result.correct else _INCORRECT
            caption = number(result.score) if result.caption is None else result.caption
            x = _GAP + rank * cell + after_query
            cells.append((x, result.path, frame, f"{rank}.  {caption}", result.path.name))
        for x, path, frame, upper, lower in cells:
            picture.paste(_framed(path, thumbnail, frame), (x, y))
            for k, (text, colour) in enumerate(((upper, _TEXT), (lower, _DIM))):
                position = x, y + thumbnail + _GAP / 2 + k * line
                brush.text(position, shortened(text, font, thumbnail), colour, font)
    return picture


def _framed(path: Path, side: int, frame: Colour) -> Image.Image:
    """The whole image, upright, in a square of `side` pixels with a coloured frame."""
    border = max(3, round(side * 0.028))
    square = Image.new("RGB", (side, side), frame)
    square.paste(_MAT, (border, border, side - border, side - border))
    inner = side - 2 * border
    try:
        image = open_image(path, longest_side=inner).image
    except ImageError:
        font = load_font(max(9.0, side * 0.08))
        ImageDraw.Draw(square).text((side / 2, side / 2), "unreadable", _DIM, font, anchor="mm")
        return square
    image = ImageOps.contain(image, (inner, inner), Image.Resampling.LANCZOS)  # small images are enlarged
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def _checked_matches(
    points0: npt.ArrayLike, points1: npt.ArrayLike, inlier_mask: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    first, second = np.asarray(points0, dtype=np.float64), np.asarray(points1, dtype=np.float64)
    inlier = np.asarray(inlier_mask)
    for name, points in (("points0", first), ("points1", second)):
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"{name} must be (p, 2), got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"{name} must be finite")
    if len(first) != len(second):
        raise ValueError(f"points1 must have a row for each of the {len(first)} of points0, got {len(second)}")
    if inlier.shape != (len(first),) or inlier.dtype != np.bool_:
        raise ValueError(f"inlier_mask must be ({len(first)},) bool, got {inlier.shape} {inlier.dtype}")
    return first, second, inlier


def _some(indices: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """At most `most` of the indices, evenly spread."""
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(np.intp)]


def _to_height(image: Image.Image, height: int) -> Image.Image:
    width = max(1, round(image.width * height / image.height))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _scaled(points: npt.NDArray[np.float64], image: Image.Image, shown: Image.Image) -> npt.NDArray[np.float64]:
    scale = np.array([shown.width / image.width, shown.height / image.height])
    shifted: npt.NDArray[np.float64] = (points + 0.5) * scale - 0.5
    return shifted


def _outline(model: npt.NDArray[np.float64], image: Image.Image) -> npt.NDArray[np.float64] | None:
    """Where the model maps the image's corners; None unless all are finite and before the camera."""
    if model.shape != (3, 3):
        raise ValueError(f"model must be (3, 3), got {model.shape}")
    right, bottom = image.width - 0.5, image.height - 0.5
    corners = np.array([(-0.5, -0.5, 1), (right, -0.5, 1), (right, bottom, 1), (-0.5, bottom, 1)]) @ model.T
    depth = corners[:, 2:]
    if not np.isfinite(corners).all() or not ((depth > 0).all() or (depth < 0).all()):
        return None
    mapped: npt.NDArray[np.float64] = corners[:, :2] / depth
    reach = 50 * max(image.size)
    if (np.abs(mapped) >= reach).any():
        return None
    return mapped


def _captioned(picture: Image.Image, caption: str) -> Image.Image:
    strip = max(22, round(picture.height * 0.065))
    sheet = Image.new("RGB", (picture.width, picture.height + strip), _BACKGROUND)
    sheet.paste(picture, (0, 0))
    font = load_font(strip * 0.52)
    position = _GAP, picture.height + strip / 2
    text = shortened(caption, font, picture.width - 2 * _GAP)
    ImageDraw.Draw(sheet).text(position, text, _TEXT, font, anchor="lm")
    return sheet
