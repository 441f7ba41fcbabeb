"""Tables as they are shown, and as records for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hcbir.study.variations import MAX_STRENGTH


@dataclass(frozen=True)
class Cell:
    """What a table shows in one place.

    Parameters
    ----------
    text : str
    value : float
        What it is sorted by; NaN for words.
    strong : bool
        The best of its row, or significant.
    detail : str
        What stands behind it, such as an interval.
    share : float
        Length of a bar beneath, 0 to 1; NaN for none.
    tint : float
        Of the background, from red at -1 over none at 0 to blue at 1; NaN for none.
    """

    text: str
    value: float = math.nan
    strong: bool = False
    detail: str = ""
    share: float = math.nan
    tint: float = math.nan


@dataclass(frozen=True)
class Table:
    """A table to be shown, and the same as records for programs.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
    columns : sequence of str
    rows : sequence of (name, cells)
        A cell for each column but the first, which holds the name.
    num_totals : int
        So many of the last rows sum up those above.
    notes : sequence of str
    records : sequence of mappings
        One a figure, in full precision.
    links : mapping of str to str
        In a report, the page that the row of a name leads to.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    num_totals: int = 0
    notes: Sequence[str] = ()
    records: Sequence[Mapping[str, Any]] = ()
    links: Mapping[str, str] = field(default_factory=dict)


def p_value(p: float) -> str:
    return "–" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def precision_cells(values: Sequence[float]) -> list[Cell]:
    """The best is strong, where there is a choice."""
    best = np.nanmax(values) if not np.isnan(values).all() else math.nan
    return [precision_cell(value, strong=len(values) > 1 and value == best) for value in values]


def precision_cell(value: float, *, strong: bool = False) -> Cell:
    return Cell("–" if math.isnan(value) else f"{value:.3f}", value, strong, share=value)


def count_cell(value: float) -> Cell:
    return Cell("–" if math.isnan(value) else f"{value:g}", value)


def score_cell(value: float) -> Cell:
    return Cell("–" if math.isnan(value) else f"{value:g}", value, tint=-value / MAX_STRENGTH / 2)
