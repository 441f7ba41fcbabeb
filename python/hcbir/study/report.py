"""The report of a study: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from hcbir.descriptors.images import ImageError, open_image
from hcbir.study.captions import number
from hcbir.study.drawing import RankingRow

_THUMBNAIL = 240  # pixels: twice what is shown, for fine screens
_FIGURE_WIDTH = 1600
_JPEG_QUALITY = 80


@dataclass(frozen=True)
class MapTable:
    """Mean average precision, 0..1, of each descriptor for each class and over all queries.

    `per_class` is `{descriptor: {class: mAP}}`, `overall` `{descriptor: mAP}`, `num_queries` `{class: queries}`. A
    value that is missing or NaN is shown as a dash.
    """

    descriptors: Sequence[str]
    classes: Sequence[str]
    per_class: Mapping[str, Mapping[str, float]]
    overall: Mapping[str, float]
    num_queries: Mapping[str, int]


@dataclass(frozen=True)
class MatchFigure:
    """A picture of matches, as `draw_matches` makes it, and what it shows."""

    caption: str
    image: Image.Image


@dataclass(frozen=True)
class Report:
    """What a report says.

    `stamp` is how the figures were made (protocol, versions, threads, ...), `rankings` the rows of each descriptor,
    `skipped` a message for each file that could not be used.
    """

    title: str
    intro: str
    stamp: Mapping[str, str]
    table: MapTable
    rankings: Sequence[tuple[str, Sequence[RankingRow]]] = ()
    matches: Sequence[MatchFigure] = ()
    skipped: Sequence[str] = ()


def write_report(path: Path, report: Report) -> None:
    """Writes one self-contained HTML file.

    Images are embedded, reduced, as JPEG; nothing is fetched, and without JavaScript only the sorting of the table is
    missing. An image that cannot be read is shown as a frame that says so.

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
    environment.filters["precision"] = _precision
    thumbnails = _Thumbnails()
    page = environment.get_template("report.html").render(
        report=report,
        rows=_table_rows(report.table),
        rankings=[(name, [_ranking(row, thumbnails) for row in rows]) for name, rows in report.rankings],
        matches=[(figure.caption, _embedded(_reduced(figure.image))) for figure in report.matches],
    )
    # a file name that is not valid Unicode reaches us with lone surrogates
    path.write_text(page, encoding="utf-8", errors="replace")


def _table_rows(table: MapTable) -> list[dict[str, Any]]:
    """One row a class and one over all, with the best value of each row marked."""
    names = table.descriptors
    rows = [
        (label, table.num_queries.get(label, 0), [table.per_class.get(name, {}).get(label, math.nan) for name in names])
        for label in table.classes
    ]
    total = sum(table.num_queries.values())
    rows.append(("all queries", total, [table.overall.get(name, math.nan) for name in names]))
    shown = []
    for label, queries, values in rows:
        best = max((value for value in values if not math.isnan(value)), default=math.nan)
        cells = [{"value": value, "best": len(values) > 1 and value == best} for value in values]
        shown.append({"label": label, "queries": queries, "cells": cells})
    return shown


def _ranking(row: RankingRow, thumbnails: _Thumbnails) -> dict[str, Any]:
    results = [
        {
            "rank": rank,
            "image": thumbnails[result.path],
            "name": result.path.name,
            "verdict": {True: "correct", False: "incorrect", None: "unknown"}[result.correct],
            "caption": number(result.score) if result.caption is None else result.caption,
        }
        for rank, result in enumerate(row.results, start=1)
    ]
    return {"label": row.label, "name": row.query.name, "image": thumbnails[row.query], "results": results}


class _Thumbnails(dict[Path, str | None]):
    """Data URI of each image, read once; None if it cannot be read."""

    def __missing__(self, path: Path) -> str | None:
        try:
            self[path] = _embedded(open_image(path, longest_side=_THUMBNAIL).image)
        except ImageError:
            self[path] = None
        return self[path]


def _reduced(image: Image.Image) -> Image.Image:
    image = image.convert("RGB")
    image.thumbnail((_FIGURE_WIDTH, _FIGURE_WIDTH))
    return image


def _embedded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _precision(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
