"""What a study leaves in its output folder."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hcbir.study.examples import Verdicts
from hcbir.study.files import RESULTS, write_whole
from hcbir.study.formats import to_csv, to_latex, to_markdown
from hcbir.study.paper_tables import make_tables
from hcbir.study.protocol import stamp_line
from hcbir.study.ranking import Progress
from hcbir.study.results import StudyResult
from hcbir.study.similarity import TaskRanker
from hcbir.study.study_report import write_study_report
from hcbir.study.tables import Table


def write_outputs(result: StudyResult, ranker: TaskRanker, progress: Progress | None = None) -> None:
    """`study.json`, `report.html`, and the folders `tables` and `figures`; each file is replaced whole."""
    folder = result.config.output
    tables = make_tables(result)
    for table in tables:
        for suffix, text in (
            ("csv", to_csv(table, result.stamp)),
            ("md", to_markdown(table, stamp_line(result.stamp))),
            ("tex", to_latex(table, stamp_line(result.stamp))),
        ):
            write_whole(folder / "tables" / f"{table.name}.{suffix}", text)
    write_whole(folder / "tables" / "queries.csv", _queries_csv(result))
    write_whole(folder / "tables" / "rankings.csv", _rankings_csv(result))
    write_whole(folder / RESULTS, json.dumps(as_plain(result, tables), indent=1, allow_nan=False) + "\n")
    write_study_report(result, tables, ranker, progress)


def as_plain(result: StudyResult, tables: list[Table]) -> dict[str, Any]:
    """All figures as JSON values; null for what is not known."""
    evaluations: dict[str, dict[str, Any]] = {}
    for (normalisation, setting), found in result.evaluations.items():
        evaluations.setdefault(normalisation, {})[setting] = {
            label: {"mAP": e.mean_ap, "queries": e.num_queries, "per_class": e.per_class, "ap": e.ap.tolist()}
            for label, e in found.items()
        }
    plain = {
        "title": result.config.title,
        "protocol": result.stamp,
        "images": len(result.task.images),
        "queries": [
            {"name": result.task.query_name(row), "class": query.label} for row, query in enumerate(result.task.queries)
        ],
        "main_setting": result.task.main_setting,
        "scores": result.scores,
        "evaluations": evaluations,
        "tables": {table.name: list(table.records) for table in tables},
        "skipped": result.skipped,
        "seconds": result.seconds,
    }
    known: dict[str, Any] = _without_nan(plain)
    return known


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _queries_csv(result: StudyResult) -> str:
    """AP of every query by every descriptor, normalisation and setting."""
    rows: list[list[Any]] = [["query", "class", "normalisation", "setting", *result.labels, "protocol"]]
    for (normalisation, setting), found in result.evaluations.items():
        for row, query in enumerate(result.task.queries):
            values = [found[label].ap[row] for label in result.labels]
            known = ["" if math.isnan(value) else value for value in values]
            rows.append([result.task.query_name(row), query.label, normalisation, setting, *known, result.stamp["id"]])
    return _csv(rows)


def _rankings_csv(result: StudyResult) -> str:
    """The head of every ranking of the images as they are, the query and junk left out."""
    verdicts = Verdicts(result.task)
    rows: list[list[Any]] = [["query", "descriptor", "rank", "image", "score", "verdict", "protocol"]]
    for row in range(len(result.task.queries)):
        name = result.task.query_name(row)
        for label in result.labels:
            head = verdicts.head(row, result.main[label].ranking, result.config.report.ranks)
            for rank, (image, score, correct) in enumerate(head, start=1):
                path = result.task.image_name(result.task.images[image])
                verdict = "correct" if correct else "incorrect"
                rows.append([name, label, rank, path, score, verdict, result.stamp["id"]])
    return _csv(rows)


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
