"""Average precision of rankings, and of the rankings that scores imply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import describe, large_matrix, one_of, positive_int
from hcbir._runtime import num_threads_argument

INTERPOLATIONS = ("trapezoid", "rectangle")

IndexLists = Sequence[Sequence[int] | npt.NDArray[Any]] | npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """How well rankings put the positives first.

    Parameters
    ----------
    mean_ap : float
        Mean of `ap` over the queries that have positives; nan if none has.
    ap : (q,) float64
        Average precision of each query; nan for one without positives.
    precision_at : dict of int to float
        k -> mean precision at k over the queries that have positives (mP@k).
    precisions : (q, number of k) float64
        Precision at k of each query, a column for each k of `precision_at` in order; nan for a query without
        positives.
    """

    mean_ap: float
    ap: npt.NDArray[np.float64]
    precision_at: dict[int, float]
    precisions: npt.NDArray[np.float64]


def mean_average_precision(
    rankings: IndexLists,
    positives: IndexLists,
    *,
    junk: IndexLists | None = None,
    interpolation: str = "trapezoid",
    at: Iterable[int] = (1, 5, 10),
    num_threads: int | None = None,
) -> EvaluationResult:
    """Evaluates rankings as the revisited Oxford and Paris benchmark does.

    With positives at ranks r_0 < r_1 < ... (from 0, junk left out), AP is the sum of (j + 1) / (r_j + 1) divided
    by the number of positives ("rectangle"); "trapezoid" takes the mean of that and of j / r_j (1 where r_j is 0).
    The result is the same, to the bit, for any number of threads.

    Parameters
    ----------
    rankings : (q, n) int64 or int32 array, or sequence of q integer sequences of any lengths
        Database indices of each query, best first, each once. The array is not copied. A ranking may be cut
        short: a positive that it does not hold counts as never found.
    positives : sequence of q integer sequences
        Indices that are right answers to each query.
    junk : sequence of q integer sequences, optional
        Indices that are neither right nor wrong: left out of the ranking before ranks are counted. A query that
        is itself an image of the database belongs here.
    interpolation : {"trapezoid", "rectangle"}
        Of the precision-recall curve: the benchmark's, or that of trec_eval.
    at : integers, at least 1
        The k of precision at k, which is counted among the first min(k, rank of the last positive found, from 1)
        images, as in the benchmark; 0 if no positive was found.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`.

    Raises
    ------
    ValueError
        For an index that is negative, 2**31 or more, repeated in a list, or both positive and junk (the message
        names the query and the index); for lists that are not one a query; for an unknown option.
    TypeError
        For values that are not integers, or an array that would have to be copied.

    Notes
    -----
    Radenović et al., *Revisiting Oxford and Paris*, CVPR 2018; its reference code is `python/evaluate.py` of
    filipradenovic/revisitop.

    >>> result = mean_average_precision([[2, 0, 1, 3]], [[2, 3]], at=(1, 4), interpolation="rectangle")
    >>> result.mean_ap, result.precision_at
    (0.75, {1: 1.0, 4: 0.5})
    """
    if not isinstance(rankings, np.ndarray):
        ranked: Any = _ragged(rankings, "rankings")
    else:
        narrow = rankings.dtype == np.int32
        ranked = large_matrix(rankings, "rankings", dtype=np.int32 if narrow else np.int64)
    return _evaluate(_core.evaluate_rankings, ranked, len(rankings), positives, junk, interpolation, at, num_threads)


def mean_average_precision_from_scores(
    scores: npt.NDArray[np.float32],
    positives: IndexLists,
    *,
    junk: IndexLists | None = None,
    interpolation: str = "trapezoid",
    at: Iterable[int] = (1, 5, 10),
    num_threads: int | None = None,
) -> EvaluationResult:
    """Evaluates the ranking of a whole database that scores imply, without making it.

    The ranking is by descending score, equal scores by ascending index; the rank of each positive is counted.

    Parameters
    ----------
    scores : (q, n) float32 array
        Of each query with each database image, larger is better. Rows may be strided or memory-mapped; never
        copied. Infinities are allowed, NaN is not.
    positives, junk, interpolation, at, num_threads
        As in `mean_average_precision`; indices are 0 to n - 1.

    Raises
    ------
    ValueError, TypeError
        As in `mean_average_precision`, and for NaN.

    >>> import numpy as np
    >>> scores = np.array([[0.1, 0.9, 0.1, 0.5]], dtype=np.float32)
    >>> mean_average_precision_from_scores(scores, [[0]], junk=[[3]], interpolation="rectangle").mean_ap
    0.5
    """
    rows = large_matrix(scores, "scores")
    return _evaluate(_core.evaluate_scores, rows, len(rows), positives, junk, interpolation, at, num_threads)


def _evaluate(
    operation: Any,
    ranked: Any,
    num_queries: int,
    positives: IndexLists,
    junk: IndexLists | None,
    interpolation: str,
    at: Iterable[int],
    num_threads: int | None,
) -> EvaluationResult:
    one_of(interpolation, "interpolation", INTERPOLATIONS)
    if not isinstance(at, Iterable):
        raise TypeError(f"at must hold whole numbers of at least 1, got {at!r}")
    cutoffs = [positive_int(k, "at") for k in at]
    ap, precisions = operation(
        ranked,
        _ragged(positives, "positives", num_queries),
        _ragged([], "junk") if junk is None else _ragged(junk, "junk", num_queries),
        getattr(_core.Interpolation, interpolation),
        np.array(cutoffs, dtype=np.int64),
        num_threads_argument(num_threads),
    )
    defined = ~np.isnan(ap)
    mean_ap, *mean_precisions = _column_means(np.column_stack([ap, precisions])[defined])
    return EvaluationResult(mean_ap, ap, dict(zip(cutoffs, mean_precisions, strict=True)), precisions)


def _column_means(rows: npt.NDArray[np.float64]) -> list[float]:
    if len(rows) == 0:
        return [float("nan")] * rows.shape[1]
    return [float(mean) for mean in rows.mean(axis=0)]


def _ragged(
    lists: IndexLists, name: str, num_queries: int | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The lists one after another, and where each begins (and the last ends)."""
    if num_queries is not None and len(lists) != num_queries:
        raise ValueError(f"{name} must hold one sequence a query, {num_queries}, got {len(lists)}")
    arrays = [np.asarray(values) for values in lists]
    for query, array in enumerate(arrays):
        if array.ndim != 1:
            raise ValueError(f"{name} must hold a sequence of integers a query, got {array!r} for query {query}")
        if array.size and array.dtype.kind not in "iu":
            raise TypeError(f"{name} must hold integers, got {describe(array)} for query {query}")
    offsets = np.zeros(len(arrays) + 1, dtype=np.int64)
    np.cumsum([len(array) for array in arrays], out=offsets[1:])
    # An empty list has numpy's default dtype, float64.
    empty = np.empty(0, dtype=np.int64)
    values = np.concatenate([empty, *(array for array in arrays if array.size)], dtype=np.int64, casting="unsafe")
    return values, offsets
