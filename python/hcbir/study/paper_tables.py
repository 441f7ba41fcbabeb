"""The paper's tables, made from a study's result."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hcbir.study.annotation import overall_difficulty
from hcbir.study.normalisation import MIXED
from hcbir.study.results import INDEX, Evaluations, StudyResult
from hcbir.study.statistics import Correlation, Difference, correlate, paired_difference
from hcbir.study.tables import Cell, Table, count_cell, p_value, precision_cell, precision_cells, score_cell
from hcbir.study.variations import OVERALL_DIFFICULTY, VARIATIONS

SIGNIFICANT = 0.05


def make_tables(result: StudyResult) -> list[Table]:
    """Those that the study has data for: precision by class, correlations, normalisations, settings."""
    tables = [class_table(result)]
    if result.scores is not None:
        tables.append(correlation_table(result, rank=False))
        if result.config.statistics.spearman:
            tables.append(correlation_table(result, rank=True))
    tables += [normalisation_table(result, name) for name in result.config.protocol.normalisations]
    if (INDEX, result.task.main_setting) in result.evaluations and "local" in result.kinds.values():
        tables.append(index_table(result))
    if len(result.task.truths) > 1:
        tables.append(settings_table(result))
    return tables


def correlations(result: StudyResult, *, rank: bool = False) -> dict[tuple[str, str], Correlation]:
    """Of each variation's scores, and of the overall difficulty, with each descriptor's mAP over the classes."""
    if result.scores is None:
        return {}
    classes = [result.scores[label] for label in result.task.classes]
    scores = {name: [of_class.get(name, math.nan) for of_class in classes] for name in VARIATIONS}
    scores[OVERALL_DIFFICULTY] = [overall_difficulty(of_class) for of_class in classes]
    confidence = result.config.statistics.confidence
    return {
        (name, label): correlate(values, result.per_class(label), rank=rank, confidence=confidence)
        for name, values in scores.items()
        for label in result.labels
        if name == OVERALL_DIFFICULTY or name in classes[0]
    }


def class_table(result: StudyResult) -> Table:
    """Table 3: mAP of each descriptor and the scores, class by class; over all queries in the last row."""
    columns, scored = result.labels, list(next(iter(result.scores.values()))) if result.scores else []
    heads = ["class", "queries", *columns, *scored, *([OVERALL_DIFFICULTY] if scored else [])]
    rows, records = [], []
    for label in result.task.classes:
        num_queries = result.num_queries[label]
        values = [result.main[name].per_class.get(label, math.nan) for name in columns]
        scores = dict(result.scores[label]) if result.scores else {}
        cells = [count_cell(num_queries), *precision_cells(values), *map(score_cell, scores.values())]
        if scored:
            scores[OVERALL_DIFFICULTY] = overall_difficulty(scores)
            cells.append(count_cell(scores[OVERALL_DIFFICULTY]))
        rows.append((label, cells))
        records.append({"class": label, "queries": num_queries} | dict(zip(columns, values, strict=True)) | scores)
    overall = [result.main[name].mean_ap for name in columns]
    blank = [Cell("")] * (len(scored) + bool(scored))
    num_queries = sum(result.num_queries.values())
    rows.append(("all queries", [count_cell(num_queries), *precision_cells(overall), *blank]))
    records.append({"class": "all queries", "queries": num_queries} | dict(zip(columns, overall, strict=True)))
    setting = "" if len(result.task.truths) == 1 else f", {result.task.main_setting}"
    notes = ["mAP of a class: mean over its queries; the best of each row is bold."]
    if scored:
        notes.append("Scores: 0 no image is concerned, 1 anecdotal, 2 several, 3 predominant.")
    return Table("table3", f"Precision and difficulty by class{setting}", heads, rows, 1, notes, records)


def correlation_table(result: StudyResult, *, rank: bool) -> Table:
    """Table 1: the correlation over classes of each score with each descriptor's mAP."""
    found = correlations(result, rank=rank)
    variations = list(dict.fromkeys(name for name, _ in found))
    rows = [(name, [_correlation(found[name, label]) for label in result.labels]) for name in variations]
    confidence = f"{result.config.statistics.confidence:.0%}"
    name = "table1-spearman" if rank else "table1"
    tested = sum(not c.reason for c in found.values())
    notes = [
        f"{'Spearman' if rank else 'Pearson'} correlation over {len(result.task.classes)} classes; "
        f"* p < {SIGNIFICANT}; every p and its interval of {confidence} stand in {name}.csv. "
        f"Of {tested} tests, {tested * SIGNIFICANT:.1f} would be starred by chance alone.",
        *dict.fromkeys(f"{name}: {found[name, label].reason}." for name, label in found if found[name, label].reason),
    ]
    records = [
        {
            "variation": name,
            "descriptor": label,
            "coefficient": "spearman" if rank else "pearson",
            "r": c.r,
            "p": c.p,
            "low": c.low,
            "high": c.high,
            "classes": c.n,
            "reason": c.reason,
        }
        for (name, label), c in found.items()
    ]
    title = "Rank correlation" if rank else "Correlation"
    return Table(name, f"{title} of difficulty and precision", ["score", *result.labels], rows, 1, notes, records)


def normalisation_table(result: StudyResult, normalisation: str) -> Table:
    """Table 2: everything normalised before it is described, beside the images as they are."""
    name = "table2" if normalisation == "grayscale" else f"table2-{normalisation}"
    return _beside(result, normalisation, result.labels, (MIXED, normalisation), name, f"All images {normalisation}")


def index_table(result: StudyResult) -> Table:
    """What is lost, or won, where inliers are counted of the images alone that an index finds."""
    labels = [label for label in result.labels if result.kinds[label] == "local"]
    title = "Local descriptors exhaustively and through the index"
    table = _beside(result, INDEX, labels, ("exhaustive", "index"), "local", title)
    return replace(table, notes=[*table.notes, f"Similarity: {result.stamp['similarity']}."])


def _beside(result: StudyResult, other: str, labels: list[str], heads: tuple[str, str], name: str, title: str) -> Table:
    """mAP of the images as they are beside another evaluation of the same queries, and the paired difference."""
    after = result.evaluations[other, result.task.main_setting]
    pairs = compare(result.main, after, result)
    rows = [
        (
            label,
            [
                precision_cell(result.main[label].mean_ap),
                precision_cell(after[label].mean_ap),
                *difference_cells(pairs[label]),
            ],
        )
        for label in labels
    ]
    records = [
        {
            "descriptor": label,
            heads[0]: result.main[label].mean_ap,
            heads[1]: after[label].mean_ap,
            **difference_record(pairs[label]),
        }
        for label in labels
    ]
    options = result.config.statistics
    note = difference_note(options.confidence, options.resamples, options.seed)
    return Table(name, title, ["descriptor", *heads, *DIFFERENCE_HEADS], rows, notes=[note], records=records)


def settings_table(result: StudyResult) -> Table:
    """Global mAP in each setting of a benchmark."""
    settings = list(result.task.truths)
    rows, records = [], []
    for label in result.labels:
        values = [result.evaluations[MIXED, setting][label].mean_ap for setting in settings]
        rows.append((label, [precision_cell(value) for value in values]))
        records.append({"descriptor": label} | dict(zip(settings, values, strict=True)))
    return Table("settings", "Settings", ["descriptor", *settings], rows, records=records)


def compare(before: Evaluations, after: Evaluations, result: StudyResult) -> dict[str, Difference]:
    """Paired over the queries, by label."""
    options = result.config.statistics
    return {
        label: paired_difference(
            before[label].ap,
            after[label].ap,
            confidence=options.confidence,
            num_resamples=options.resamples,
            seed=options.seed,
        )
        for label in before
    }


DIFFERENCE_HEADS = ("difference", "interval", "p", "queries")


def difference_cells(found: Difference) -> list[Cell]:
    return [
        Cell(f"{found.mean:+.3f}", found.mean, found.p < SIGNIFICANT),
        Cell(f"{found.low:+.3f} to {found.high:+.3f}", found.low),
        Cell(p_value(found.p), found.p),
        count_cell(found.n),
    ]


def difference_record(found: Difference) -> dict[str, Any]:
    return {"difference": found.mean, "low": found.low, "high": found.high, "p": found.p, "queries": found.n}


def difference_note(confidence: float, num_resamples: int, seed: int) -> str:
    return (
        f"Mean difference over queries; bootstrap interval of {confidence:.0%} and two-sided randomisation test, "
        f"{num_resamples} resamples, seed {seed}; bold where p < {SIGNIFICANT}."
    )


def _correlation(found: Correlation) -> Cell:
    if found.reason:
        return Cell("–", detail=found.reason, tint=0)
    starred = found.p < SIGNIFICANT
    interval = "" if math.isnan(found.low) else f"{found.low:+.2f} to {found.high:+.2f}, "
    return Cell(
        f"{found.r:+.2f}{'*' if starred else ''}",
        found.r,
        starred,
        f"{interval}p {p_value(found.p)}, n {found.n}",
        tint=found.r,
    )
