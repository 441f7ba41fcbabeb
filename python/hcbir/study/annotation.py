"""How much each variation bears on each class: scores from annotated images, or from a file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hcbir.study.datasets.labelled import Dataset
from hcbir.study.datasets.tables import read_table
from hcbir.study.variations import OVERALL_DIFFICULTY, VARIATIONS, predominance, variation_of

ClassScores = Mapping[str, Mapping[str, float]]
"""Class -> variation -> 0 to 3; NaN where it is not known. Variations in the paper's order, the same in each class."""


def annotate(dataset: Dataset, *, strong: int | None = None) -> ClassScores:
    """The predominance score of each class and annotated variation, by the paper's rule (`predominance`).

    Parameters
    ----------
    dataset : Dataset
    strong : int, optional
        The least strength that counts as strong; default: 2, or 1 if no strength exceeds 1, so that they are flags.

    Raises
    ------
    ValueError
        If no variation is annotated.
    """
    if not dataset.strengths:
        raise ValueError(f"dataset must have a column for a variation ({', '.join(VARIATIONS)}), it has none")
    if strong is None:
        strong = 2 if any(np.nanmax(values, initial=0) > 1 for values in dataset.strengths.values()) else 1
    labels = np.array(dataset.labels, dtype=object)
    return {
        label: {
            variation: predominance(dataset.strengths[variation][labels == label], strong=strong)
            for variation in VARIATIONS
            if variation in dataset.strengths
        }
        for label in dataset.classes
    }


def overall_difficulty(scores: Mapping[str, float]) -> float:
    """The sum of a class's scores; NaN if one is not known."""
    return math.fsum(scores.values())


def read_scores(path: Path) -> ClassScores:
    """The scores of a CSV with the column `class` and one for each variation.

    Raises
    ------
    ValueError
        If the file does not fit; the message names file, line and column.
    """
    rows = list(read_table(path, ("class",)))
    columns = {variation_of(column): column for column in (rows[0].cells if rows else ())}
    variations = [variation for variation in VARIATIONS if variation in columns]
    if not variations:
        raise ValueError(f"{path}, line 1: expected a column for a variation: {', '.join(VARIATIONS)}")
    scores: dict[str, dict[str, float]] = {}
    for row in rows:
        label = row.cells["class"]
        if not label or label in scores:
            raise row.error("class", f"{label} stands in an earlier line already" if label else "expected a name")
        scores[label] = {variation: row.strength(columns[variation]) for variation in variations}
    return scores


def format_scores(scores: ClassScores) -> str:
    """The CSV that `read_scores` reads, with the overall difficulty in a last column."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    variations = next(iter(scores.values()), {})
    writer.writerow(["class", *variations, OVERALL_DIFFICULTY])
    for label, of_class in scores.items():
        values = [*of_class.values(), overall_difficulty(of_class)]
        writer.writerow([label, *("" if math.isnan(value) else f"{value:g}" for value in values)])
    return text.getvalue()
