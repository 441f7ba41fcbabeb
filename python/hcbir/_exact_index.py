"""Exact search, prepared once and searched often."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import as_bfloat16, database_matrix, one_of
from hcbir._exact_codes import Codes, byte_codes
from hcbir._growing import GrowingArrays
from hcbir._runtime import num_threads_argument
from hcbir._search import METRICS, SearchResult, search_arrays

PRECISIONS = ("auto", "float32", "int8")
KIND, FORMAT = "hcbir exact index", 4
ARRAYS = ("codes", "bounds", "offsets", "reflectors")  # what the core calls them; files of a saved index


class ExactIndex:
    """A database with a copy of it in bytes: answers are those of `hcbir.search`, to the bit, and come faster.

    The copy is scanned in place of the floats, a quarter of their memory, with bounds of what rounding to bytes
    changed; the rows that could be among the best are then scored from the database itself. docs/exact-search.md
    proves that none is missed.

    Parameters
    ----------
    database : (n, d) array of float32, float16 or bfloat16 (ml_dtypes)
        Not copied: it must stay as it is while the index is used. May be a memory map.
    metric : {"dot", "cosine", "l2"}
        As for `hcbir.search`.
    precision : {"auto", "float32", "int8"}
        What is scanned. "int8": the bytes, always. "float32": no bytes are made, the database is scanned. "auto":
        bytes are made if there are more rows than all scores are quickly made of (16,384 rows, 4 million values), and
        if, on a sample, bytes tell the best from most others; they are scanned if that pays for the k and the queries
        at hand. Memory of the bytes: `nbytes`, n d (n rounded up to 32, d to 4) and 20 for 32 rows; n more where
        d is 64 or more; l2: 4 n more; and 4 d for each principal axis to which rows are turned, up to n d / 64.
    num_threads : int, optional
        For preparing the index.

    Raises
    ------
    ValueError
        For a database that is not finite, or of a dimension above 32768 with precision "int8".
    TypeError
        For a database that would have to be copied.

    >>> import numpy as np
    >>> index = ExactIndex(np.eye(3, dtype=np.float32))
    >>> index.search([[0.1, 0.9, 0.2]], k=2).indices
    array([[1, 2]])
    """

    def __init__(
        self,
        database: npt.NDArray[Any],
        *,
        metric: str = "dot",
        precision: str = "auto",
        num_threads: int | None = None,
    ) -> None:
        self._metric = one_of(metric, "metric", METRICS)
        self._precision = one_of(precision, "precision", PRECISIONS)
        self._given = database
        self._database = database_matrix(database, "database")
        rows, dim = self._database.shape
        if dim > _core.max_byte_codes_dim and precision == "int8":
            raise ValueError(f"database must have a dimension up to {_core.max_byte_codes_dim}, got {dim}")
        self._codes: Codes | None = None
        if precision != "float32" and rows > 0 and 0 < dim <= _core.max_byte_codes_dim:
            threads = num_threads_argument(num_threads)
            self._codes = byte_codes(self._database, metric, precision, threads)

    def __len__(self) -> int:
        return len(self._database)

    def __repr__(self) -> str:
        rows, dim = self._database.shape
        scanned = "bytes" if self._codes else "floats"
        return f"ExactIndex({rows} x {dim}, metric={self.metric!r}, precision={self.precision!r}: {scanned})"

    @property
    def database(self) -> npt.NDArray[Any]:
        """As it was given. Of an index that was opened, bfloat16 is uint16 where ml_dtypes is not installed."""
        return self._given

    @property
    def metric(self) -> str:
        return self._metric

    @property
    def precision(self) -> str:
        return self._precision

    @property
    def nbytes(self) -> int:
        """Memory of the index in bytes, the database itself left out."""
        return sum(array.nbytes for array in (self._codes or ())[:4])

    def search(
        self,
        queries: npt.ArrayLike,
        k: int | None = 10,
        *,
        allowed: npt.ArrayLike | None = None,
        num_threads: int | None = None,
    ) -> SearchResult:
        """The k rows that score highest against each query; parameters, result and errors as for `hcbir.search`."""
        return search_arrays(
            queries,
            self._database,
            k,
            self._metric,
            allowed,
            num_threads,
            precision=self._precision,
            codes=self._codes,
        )

    def save(self, folder: str | PathLike[str]) -> None:
        """Writes the index and its database into a folder, which is made: plain `.npy` files with checksums.

        An ExactIndex that stands there is replaced once all is written, also the one that this index was opened from.

        Raises
        ------
        ValueError
            If something else stands there.
        BlockingIOError
            If another process saves there meanwhile.
        """
        is_bfloat16, tail_shift = self._database.dtype == np.uint16, self._codes[4] if self._codes else 0
        numbers = [FORMAT, METRICS.index(self.metric), PRECISIONS.index(self.precision), is_bfloat16, tail_shift]
        arrays = {"numbers": np.array(numbers, np.int64), "database": self._database}
        arrays |= dict(zip(ARRAYS, (self._codes or ())[:4], strict=False))
        GrowingArrays.create_or_replace(Path(folder), KIND, arrays)

    @classmethod
    def open(cls, folder: str | PathLike[str], *, check: bool = True) -> ExactIndex:
        """The index that was saved, by memory map.

        Parameters
        ----------
        folder : path
        check : bool
            Read everything and compare it with the checksums, about a second for a gigabyte; without it only sizes are.

        Raises
        ------
        FileNotFoundError
            If there is none.
        hcbir.FormatError
            If the files are not those of an index, are cut short or have been changed.
        """
        files = GrowingArrays(Path(folder), KIND)
        if not files.arrays:
            raise FileNotFoundError(f"{folder} is no ExactIndex")
        numbers = files.array("numbers", (None,), "int64")
        for name in files.arrays if check else ["numbers"]:
            files.check(name)
        try:
            version, metric, precision, is_bfloat16, tail_shift = numbers.tolist()
            if version != FORMAT:
                raise ValueError(f"its format is {version}, this version reads {FORMAT}")
            index = cls.__new__(cls)
            index._metric, index._precision = METRICS[metric], PRECISIONS[precision]
            dtypes = ("uint16",) if is_bfloat16 else ("float32", "float16")
            index._database = files.array("database", (None, None), *dtypes)
            index._given = as_bfloat16(index._database) if is_bfloat16 else index._database
            index._codes = None
            if not files.arrays.keys().isdisjoint(ARRAYS):
                index._codes = _opened_codes(files, index._database.shape[1], tail_shift)
                _core.check_codes(index._codes, index._database, _core.Metric[index.metric])
        except (IndexError, ValueError) as error:
            raise _core.FormatError(f"{folder} is no whole ExactIndex: {error}") from error
        return index


def _opened_codes(files: GrowingArrays, dim: int, tail_shift: int) -> Codes:
    return (
        files.array("codes", (None, None), "uint8"),
        files.array("bounds", (None, 5), "float32"),
        files.array("offsets", (None,), "float32"),
        files.array("reflectors", (None, dim), "float32"),
        tail_shift,
    )
