"""The report of a study, with its figures as files."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from hcbir.study.annotation import overall_difficulty
from hcbir.study.drawing import RankingPicture
from hcbir.study.examples import Verdicts, example_queries, match_pictures, ranking_rows
from hcbir.study.figures import draw_figures
from hcbir.study.files import write_whole
from hcbir.study.ranking import Progress
from hcbir.study.report import Drawing, MatchFigure, Page, Report, write_report
from hcbir.study.results import StudyResult
from hcbir.study.similarity import TaskRanker
from hcbir.study.tables import Table, precision_cells
from hcbir.study.variations import OVERALL_DIFFICULTY

REPORT = "report.html"


def write_study_report(
    result: StudyResult, tables: Sequence[Table], ranker: TaskRanker, progress: Progress | None = None
) -> None:
    """`report.html` and the folder `figures`."""
    folder = result.config.output
    figures = draw_figures(result)
    for figure in figures:
        _write(folder, figure.name, figure.png, figure.svg)
    verdicts = Verdicts(result.task)
    rankings, matches = [], []
    for number, (row, why) in enumerate(example_queries(result).items(), start=1):
        rows = ranking_rows(result, verdicts, row)
        title = f"{why}: {result.task.query_name(row)}"
        rankings.append((title, rows))
        picture = RankingPicture(rows, title=title)
        _write(folder, f"figure4-rankings-{number}", _png(picture.image()), picture.svg())
        for caption, pair in match_pictures(result, verdicts, ranker, row):
            matches.append(MatchFigure(caption, pair.image()))
            _write(folder, f"figure4-matches-{len(matches)}", _png(matches[-1].image), pair.svg())
    links = {label: _class_id(place) for place, label in enumerate(result.task.classes)}
    report = Report(
        title=result.config.title,
        intro=_summary(result),
        stamp=_shown_stamp(result),
        tables=[_titled(replace(table, links=links) if table.name == "table3" else table) for table in tables],
        drawings=[Drawing(figure.name.capitalize(), figure.caption, figure.svg) for figure in figures],
        rankings=rankings,
        matches=matches,
        pages=_pages(result, verdicts, progress),
        skipped=result.skipped,
    )
    partial = folder / f"{REPORT}.partial"
    write_report(partial, report)
    partial.replace(folder / REPORT)


def _write(folder: Path, name: str, png: bytes, svg: str | bytes) -> None:
    """A figure in both forms."""
    write_whole(folder / "figures" / f"{name}.png", png)
    write_whole(folder / "figures" / f"{name}.svg", svg)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _summary(result: StudyResult) -> str:
    """What was compared on what, and which was best."""
    num_queries = sum(result.num_queries.values())
    best = max(result.labels, key=lambda label: result.main[label].mean_ap)
    setting = "" if len(result.task.truths) == 1 else f" ({result.task.main_setting})"
    return (
        f"{len(result.labels)} descriptors, {len(result.task.images)} images, {num_queries} queries of "
        f"{len(result.task.classes)} classes. Over all queries {best} is best, with a mean average precision of "
        f"{result.main[best].mean_ap:.3f}{setting}."
    )


def _shown_stamp(result: StudyResult) -> dict[str, str]:
    """Texts of the protocol; a descriptor by its file's hash, or by its name."""
    stamp = {name: value for name, value in result.stamp.items() if isinstance(value, str) and name != "id"}
    for label, facts in result.stamp["descriptors"].items():
        sha256 = facts.get("model sha256", "")
        size = f"{facts['image size']} px"
        stamp[label] = f"{size}, sha256 {sha256[:12]}…" if sha256 else f"{facts['name']}, {size}"
    took = f"{result.seconds:.0f} s, without what earlier runs had left and without writing this report"
    return {**stamp, "describing and ranking took": took, "protocol": result.stamp["id"]}


def _pages(result: StudyResult, verdicts: Verdicts, progress: Progress | None) -> list[Page]:
    """A page for each class, and one for each query unless the study wants none."""
    queries: dict[str, list[int]] = {label: [] for label in result.task.classes}
    for row, query in enumerate(result.task.queries):
        queries[query.label].append(row)
    pages = []
    for place, (label, rows) in enumerate(queries.items()):
        pages.append(
            Page(
                _class_id(place),
                label,
                facts=_class_facts(result, label),
                gallery=_gallery(result, rows),
                tables=[_query_table(result, rows)],
                up=("", "all classes"),
                previous=_class_id(place - 1) if place else "",
                next=_class_id(place + 1) if place + 1 < len(queries) else "",
            )
        )
        if not result.config.report.query_pages:
            continue
        for k, row in enumerate(rows):
            pages.append(
                Page(
                    _query_id(row),
                    result.task.query_name(row),
                    facts=_query_facts(result, row),
                    rankings=[("", ranking_rows(result, verdicts, row))],
                    up=(_class_id(place), label),
                    previous=_query_id(rows[k - 1]) if k else "",
                    next=_query_id(rows[k + 1]) if k + 1 < len(rows) else "",
                )
            )
            if progress is not None:
                progress("write pages", len(pages) - place - 1, len(result.task.queries))
    return pages


def _titled(table: Table) -> Table:
    """With the number that the paper gives it."""
    number = re.match(r"table(\d)", table.name)
    return table if number is None else replace(table, title=f"Table {number[1]}. {table.title}")


def _gallery(result: StudyResult, rows: Sequence[int]) -> list[tuple[Path, str, str]]:
    """The queries of a class, each leading to its page."""
    pages = result.config.report.query_pages
    return [
        (result.task.queries[row].path, result.task.query_name(row), _query_id(row) if pages else "") for row in rows
    ]


def _class_facts(result: StudyResult, label: str) -> dict[str, str]:
    scores = result.scores[label] if result.scores else {}
    return {
        "queries": str(result.num_queries[label]),
        **{name: _known(score) for name, score in scores.items()},
        **({OVERALL_DIFFICULTY: _known(overall_difficulty(scores))} if scores else {}),
    }


def _known(score: float) -> str:
    return "not known" if np.isnan(score) else f"{score:g}"


def _query_facts(result: StudyResult, row: int) -> dict[str, str]:
    """What the dataset says of the image."""
    query, dataset = result.task.queries[row], result.dataset
    facts = {"class": query.label}
    if dataset is None:
        return facts
    place = result.dataset_rows[query.path]
    for name, values in (("collection", dataset.collections), ("date", dataset.dates)):
        if values and values[place]:
            facts[name] = values[place]
    shown = {name: values[place] for name, values in dataset.strengths.items() if values[place] > 0}
    return facts | {name: f"{strength:g}" for name, strength in shown.items()}


def _query_table(result: StudyResult, rows: Sequence[int]) -> Table:
    names = [result.task.query_name(row) for row in rows]
    links = dict(zip(names, map(_query_id, rows), strict=True)) if result.config.report.query_pages else {}
    cells = [precision_cells([float(result.main[label].ap[row]) for label in result.labels]) for row in rows]
    return Table(
        "queries",
        "Average precision of each query",
        ["query", *result.labels],
        list(zip(names, cells, strict=True)),
        links=links,
    )


def _class_id(place: int) -> str:
    return f"class-{place}"


def _query_id(row: int) -> str:
    return f"query-{row}"
