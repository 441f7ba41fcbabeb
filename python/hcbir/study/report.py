"""The report of a study: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from hcbir.descriptors.images import ImageError, open_image
from hcbir.study.captions import image_caption, number
from hcbir.study.drawing import RankingRow
from hcbir.study.tables import Table

_THUMBNAIL = 224  # pixels: twice what is shown, for fine screens
_FIGURE_WIDTH = 1600
_JPEG_QUALITY = 80


@dataclass(frozen=True)
class MatchFigure:
    """A picture of matches, as `MatchPicture` makes it, and what it shows."""

    caption: str
    image: Image.Image


@dataclass(frozen=True)
class Drawing:
    """A drawing as an SVG file, and what it shows."""

    title: str
    caption: str
    svg: bytes


@dataclass(frozen=True)
class Page:
    """A part of the report that is shown by itself, when a link leads to it.

    Parameters
    ----------
    id : str
        What links name: letters, digits and dashes.
    title : str
    facts : mapping of str to str
        What is known of its subject.
    gallery : sequence of (path, caption, id)
        Images that belong to it, and the pages that they lead to; an empty id for none.
    tables : sequence of Table
    rankings : sequence of (str, rows)
        As in `Report`.
    up : (id, title)
        The page above; an empty id is the front.
    next, previous : str
        Pages beside it; empty for none.
    """

    id: str
    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    gallery: Sequence[tuple[Path, str, str]] = ()
    tables: Sequence[Table] = ()
    rankings: Sequence[tuple[str, Sequence[RankingRow]]] = ()
    up: tuple[str, str] = ("", "")
    next: str = ""
    previous: str = ""


@dataclass(frozen=True)
class Report:
    """What a report says.

    `stamp` is how the figures were made (protocol, versions, threads, ...), `rankings` the rows under each heading,
    `skipped` a message for each file that could not be used.
    """

    title: str
    intro: str
    stamp: Mapping[str, str]
    tables: Sequence[Table]
    drawings: Sequence[Drawing] = ()
    rankings: Sequence[tuple[str, Sequence[RankingRow]]] = ()
    matches: Sequence[MatchFigure] = ()
    pages: Sequence[Page] = ()
    skipped: Sequence[str] = ()


def write_report(path: Path, report: Report) -> None:
    """Writes one self-contained HTML file.

    Images are embedded, reduced, as JPEG, each once; nothing is fetched, and without JavaScript only the sorting of
    the tables is missing. An image that cannot be read is shown as a frame that says so.

    Parameters
    ----------
    path
        Written over if it exists; its folder must exist.
    report
        All its texts are escaped.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hcbir.study"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["known"] = lambda value: "" if math.isnan(value) else f"{value:.6g}"
    thumbnails = _Thumbnails()

    def pictured(rankings: Sequence[tuple[str, Sequence[RankingRow]]]) -> list[tuple[str, list[dict[str, Any]]]]:
        return [(name, [_ranking(row, thumbnails) for row in rows]) for name, rows in rankings]

    page = environment.get_template("report.html").render(
        report=report,
        rankings=pictured(report.rankings),
        pages=[(page, pictured(page.rankings), _gallery(page, thumbnails)) for page in report.pages],
        drawings=[(drawing, _svg(drawing.svg)) for drawing in report.drawings],
        matches=[(figure.caption, _embedded(_reduced(figure.image))) for figure in report.matches],
        thumbnails={name: image for name, image in thumbnails.values() if image},
    )
    # a file name that is not valid Unicode reaches us with lone surrogates
    path.write_text(page, encoding="utf-8", errors="replace")


def _ranking(row: RankingRow, thumbnails: _Thumbnails) -> dict[str, Any]:
    results = [
        {
            "rank": rank,
            "thumbnail": thumbnails.name(result.path),
            "name": image_caption(result.path),
            "verdict": {True: "correct", False: "incorrect", None: "unknown"}[result.correct],
            "caption": number(result.score) if result.caption is None else result.caption,
        }
        for rank, result in enumerate(row.results, start=1)
    ]
    return {
        "label": row.label,
        "name": image_caption(row.query),
        "thumbnail": thumbnails.name(row.query),
        "results": results,
    }


def _gallery(page: Page, thumbnails: _Thumbnails) -> list[dict[str, str]]:
    return [
        {"thumbnail": thumbnails.name(path), "caption": caption, "link": link} for path, caption, link in page.gallery
    ]


class _Thumbnails(dict[Path, tuple[str, str | None]]):
    """CSS class and data URI of each image, read once; no URI if it cannot be read."""

    def __missing__(self, path: Path) -> tuple[str, str | None]:
        try:
            image = _embedded(open_image(path, longest_side=_THUMBNAIL).image)
        except ImageError:
            image = None
        self[path] = f"t{len(self)}", image
        return self[path]

    def name(self, path: Path) -> str:
        """The class; empty if the image cannot be read."""
        name, image = self[path]
        return name if image else ""


def _svg(content: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(content).decode("ascii")


def _reduced(image: Image.Image) -> Image.Image:
    image = image.convert("RGB")
    image.thumbnail((_FIGURE_WIDTH, _FIGURE_WIDTH))
    return image


def _embedded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
