"""Average precision and precision at k, specified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def rank(scores: Array) -> npt.NDArray[np.intp]:
    """Indices in descending order of score, ties ascending, one row a query."""
    return np.argsort(-scores, axis=-1, kind="stable")


def positive_ranks(ranking: Sequence[int] | Array, positives: Iterable[int], junk: Iterable[int] = ()) -> Array:
    """Ranks, from 0, at which positives stand once junk is taken out of the ranking."""
    kept = np.asarray(ranking)[~np.isin(ranking, list(junk))]
    return np.flatnonzero(np.isin(kept, list(positives)))


def average_precision(ranks: Array, num_positives: int, interpolation: str = "trapezoid") -> float:
    """Area under the precision-recall curve of `num_positives` positives, of which those at `ranks` were found."""
    if num_positives == 0:
        return float("nan")
    found = np.arange(len(ranks))
    here = (found + 1) / (ranks + 1)
    if interpolation == "rectangle":
        return float(here.sum() / num_positives)
    before = np.where(ranks == 0, 1.0, found / np.maximum(ranks, 1))
    return float(((before + here) / 2).sum() / num_positives)


def precision_at(ranks: Array, num_positives: int, k: int) -> float:
    """Precision among the first min(k, rank of the last positive found) images."""
    if num_positives == 0:
        return float("nan")
    if len(ranks) == 0:
        return 0.0
    length = min(k, int(ranks.max()) + 1)
    return float(np.count_nonzero(ranks < length) / length)


def evaluate(
    rankings: Sequence[Sequence[int] | Array] | Array,
    positives: Sequence[Sequence[int]],
    *,
    junk: Sequence[Sequence[int]] | None = None,
    interpolation: str = "trapezoid",
    at: Sequence[int] = (1, 5, 10),
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """AP (q,) and precision at k (q, len(at)) of every query; nan for one without positives."""
    ap = np.empty(len(rankings))
    precision = np.empty((len(rankings), len(at)))
    for query, ranking in enumerate(rankings):
        ranks = positive_ranks(ranking, positives[query], () if junk is None else junk[query])
        count = len(positives[query])
        ap[query] = average_precision(ranks, count, interpolation)
        precision[query] = [precision_at(ranks, count, k) for k in at]
    return ap, precision
