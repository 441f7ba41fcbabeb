"""Pages of small pictures: what a synthetic collection looks like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from hcbir.study.captions import load_font, shortened
from hcbir.study.synthetic.collection import SyntheticImage
from hcbir.study.synthetic.design import STRONG
from hcbir.study.variations import VARIATIONS

COLUMNS, ROWS = 8, 10
_TILE, _CAPTION, _GAP = 208, 34, 6
_PAPER, _INK, _DIM = (250, 249, 246), (32, 32, 34), (110, 110, 112)


def contact_sheets(images: Sequence[SyntheticImage], folder: Path) -> list[Path]:
    """Writes `contact-sheet-1.png`, ...: a row a class, its reference first, then rows of distractors.

    Below a picture stand its domain, if it is no photograph, and its strong variations with their strengths.
    """
    by_class: dict[str, list[SyntheticImage]] = defaultdict(list)
    for image in images:
        by_class[image.class_name or "distractors"].append(image)
    rows = []
    for label, of_class in by_class.items():
        if label == "distractors":
            rows += [(label, of_class[k : k + COLUMNS]) for k in range(0, min(len(of_class), 5 * COLUMNS), COLUMNS)]
        else:
            rows.append((label, _various(of_class)))
    paths = []
    for page, start in enumerate(range(0, len(rows), ROWS), start=1):
        path = folder / f"contact-sheet-{page}.png"
        _page(rows[start : start + ROWS]).save(path)
        paths.append(path)
    return paths


def _various(images: Sequence[SyntheticImage]) -> list[SyntheticImage]:
    """The reference and those that add most strong variations to what the row shows."""
    chosen, left = [images[0]], list(images[1:])
    seen: set[int] = set()
    while left and len(chosen) < COLUMNS:
        gains = [len(_strong(image) - seen) - 0.1 * len(_strong(image)) for image in left]
        best = left.pop(gains.index(max(gains)))
        seen |= _strong(best)
        chosen.append(best)
    return chosen


def _strong(image: SyntheticImage) -> set[int]:
    return {k for k, strength in enumerate(image.shot.strengths) if strength >= STRONG}


def _page(rows: Sequence[tuple[str, Sequence[SyntheticImage]]]) -> Image.Image:
    tall = _TILE + _CAPTION + _GAP
    page = Image.new("RGB", (COLUMNS * (_TILE + _GAP) + _GAP, len(rows) * (tall + 20) + _GAP), _PAPER)
    draw, large, small = ImageDraw.Draw(page), load_font(15), load_font(11)
    for row, (label, images) in enumerate(rows):
        top = row * (tall + 20) + _GAP
        draw.text((_GAP, top), label.replace("_", " "), fill=_INK, font=large)
        for column, image in enumerate(images):
            left = _GAP + column * (_TILE + _GAP)
            with Image.open(image.path) as opened:
                picture = opened.convert("RGB")
            picture.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
            page.paste(picture, (left + (_TILE - picture.width) // 2, top + 20 + (_TILE - picture.height) // 2))
            for line, text in enumerate(_captions(image)):
                at = left, top + 22 + _TILE + 14 * line
                draw.text(at, shortened(text, small, _TILE), fill=_DIM, font=small)
    return page


def _captions(image: SyntheticImage) -> list[str]:
    strengths = image.shot.strengths
    strong = [f"{name} {s}" for name, s in zip(VARIATIONS, strengths, strict=True) if s >= STRONG]
    title = image.shot.domain if image.shot.domain != "photograph" else ""
    words = [title] * bool(title) + strong
    if image.class_name is not None and image.shot.number == 0:
        words = ["reference"]
    middle = (len(words) + 1) // 2
    return [", ".join(words[:middle]), ", ".join(words[middle:])]
