"""Exact search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import database_matrix, one_of, positive_int, row_flags, small_matrix
from hcbir._runtime import num_threads_argument

if TYPE_CHECKING:
    from hcbir._exact_codes import Codes
    from hcbir.collection import Collection

METRICS = ("dot", "cosine", "l2")
# As numbers: enumerations take a microsecond to look up, and another to hand over.
_METRIC = {name: metric.value for name, metric in _core.Metric.__members__.items()}
_PRECISION = {name: precision.value for name, precision in _core.Precision.__members__.items()}


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The best database rows of every query, best first.

    Parameters
    ----------
    scores : (q, k) float32
        Larger is better.
    indices : (q, k) int64
        Rows of the database.
    names : list of q lists of k str, optional
        The images' paths, where the database is a collection.
    log10_nfa : (q, k) float64, optional
        How likely it is by chance that so many features agree (see `Verification`), where they were compared.
    """

    scores: npt.NDArray[np.float32]
    indices: npt.NDArray[np.int64]
    names: list[list[str]] | None = None
    log10_nfa: npt.NDArray[np.float64] | None = None


def search(
    queries: npt.ArrayLike | str | PathLike[str] | Sequence[str | PathLike[str]],
    database: npt.NDArray[Any] | str | PathLike[str] | Collection,
    k: int | None = 10,
    *,
    metric: str = "dot",
    allowed: npt.ArrayLike | None = None,
    num_threads: int | None = None,
    **options: Any,
) -> SearchResult:
    """The k rows of the database that score highest against each query, exactly.

    Scores are computed in float64 and rounded to float32; rows of equal score stand in ascending order. A whole
    ranking (k = None) is one by float32 sums: rows whose scores differ by less than a few 1e-5 |q| |x| may stand
    the other way round there. Either result is the same, to the bit, for any number of threads, any batch of queries
    and any instruction level.

    Parameters
    ----------
    queries : (q, d) array, or path(s) of image(s)
        Converted to float32; of any real numbers, also bfloat16. Paths need a collection as the database.
    database : (n, d) array of float32, float16 or bfloat16 (ml_dtypes), or a Collection or its path
        Rows may be strided or memory-mapped; never copied.
    k : int or None
        1 to the number of rows that may be found: n, or those that are allowed (a collection that is
        smaller gives all it has). None ranks all of them.
    metric : {"dot", "cosine", "l2"}
        q·x; q·x / (|q| |x|), 0 for a zero vector; or -|q - x|². Larger is better for all.
    allowed : (n,) bool, or row numbers, optional
        The rows that may be found; all if not given. For arrays only.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`.
    **options
        For a collection: those of `Collection.search`.

    Raises
    ------
    ValueError
        For a k, metric, shape or dimension that does not fit, and for NaN or infinite values.
    TypeError
        For a database that would have to be copied, and for queries that are no real numbers.

    >>> import numpy as np
    >>> database = np.eye(3, dtype=np.float32)
    >>> search([[0.1, 0.9, 0.2]], database, k=2).indices
    array([[1, 2]])
    """
    if not isinstance(database, np.ndarray) and _is_collection(database):
        from hcbir.collection import search_images

        if allowed is not None:
            raise TypeError("search of a collection takes no option allowed")
        return search_images(queries, database, k, metric=metric, num_threads=num_threads, **options)
    if options:
        raise TypeError(f"search of an array takes no option {', '.join(sorted(options))}")
    if _holds_paths(queries):
        raise TypeError("queries must be an array where the database is one: paths of images need a collection")
    d = database_matrix(database, "database")
    return search_arrays(queries, d, k, metric, allowed, num_threads)  # type: ignore[arg-type]


def search_arrays(
    queries: npt.ArrayLike,
    database: npt.NDArray[Any],
    k: int | None,
    metric: str,
    allowed: npt.ArrayLike | None,
    num_threads: int | None,
    *,
    precision: str = "auto",
    codes: Codes | None = None,
) -> SearchResult:
    """What `search` and `ExactIndex.search` share; the database has been checked."""
    q = small_matrix(queries, "queries")
    one_of(metric, "metric", METRICS)
    if q.shape[1] != database.shape[1]:
        raise ValueError(f"queries must have the database's dimension, {database.shape[1]}, got {q.shape[1]}")
    flags = row_flags(allowed, len(database))
    count, rows = len(database), "database rows"
    if flags is not None:
        count, rows = int(np.count_nonzero(flags)), "allowed rows"
    threads = num_threads_argument(num_threads)
    if k is None:
        return SearchResult(*_core.rank(q, database, count, _METRIC[metric], flags, threads))
    if positive_int(k, "k") > count:
        raise ValueError(f"k must be at most the number of {rows}, {count}, got {k}")
    chosen = _METRIC[metric], _PRECISION[precision]
    return SearchResult(*_core.search(q, database, k, *chosen, flags, codes, threads))


def _holds_paths(queries: object) -> bool:
    if isinstance(queries, np.ndarray):
        return False
    if isinstance(queries, (list, tuple)) and queries:
        queries = queries[0]
    return isinstance(queries, (str, PathLike))


def _is_collection(database: object) -> bool:
    return isinstance(database, (str, PathLike)) or hasattr(database, "search")
