"""What search takes as a database and as queries, and what it says of the rest."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import hcbir
from hcbir import _core

ml_dtypes = pytest.importorskip("ml_dtypes")
ROWS = (np.arange(400, dtype=np.float32) % 23).reshape(50, 8)


def remedied(database: Any, error: pytest.ExceptionInfo[TypeError]) -> Any:
    """The database once one has done as the error says."""
    remedy = re.search(r"pass (numpy\.ascontiguousarray\(.*\))$", str(error.value))
    assert remedy
    return eval(remedy[1], {"numpy": np, "database": database})


@pytest.mark.parametrize(
    ("database", "got", "dtype"),
    [
        (ROWS.astype(ml_dtypes.bfloat16)[:, ::2], r"shape \(50, 4\) of bfloat16 with strides \(16, 4\)", "bfloat16"),
        (ROWS.astype(np.float16)[:, ::2], "of float16", "float16"),
        (ROWS.astype(">f2"), "of >f2", "float16"),
        (ROWS.astype(">f4"), "of >f4", "float32"),
        (ROWS.astype(np.float64), "of float64", "float32"),
        (ROWS.astype(np.uint16), "of uint16", "float32"),
        (ROWS.astype(bool), "of bool", "float32"),
        (ROWS[::-1], "of float32", "float32"),
        (np.asfortranarray(ROWS), "of float32", "float32"),
        (np.broadcast_to(ROWS[0], (50, 8)), r"shape \(50, 8\) of float32 with strides \(0, 4\)", "float32"),
        (sliding_window_view(ROWS[0], 4), r"shape \(5, 4\) of float32 with strides \(4, 4\)", "float32"),
    ],
)
def test_a_database_that_would_have_to_be_copied_is_refused_with_a_remedy(
    database: np.ndarray, got: str, dtype: str
) -> None:
    rows = "(contiguous rows that do not overlap|rows in ascending order)"
    expected = f"database must be float32, float16 or bfloat16 with {rows}, got .*"
    for take in (hcbir.ExactIndex, lambda rows: hcbir.search(np.ones((1, rows.shape[1])), rows, 1)):
        with pytest.raises(TypeError, match=expected + got) as error:
            take(database)
        again = remedied(database, error)
        assert again.dtype.name == dtype
        np.testing.assert_array_equal(again.astype(np.float64), database.astype(np.float64))
        take(again)


def test_a_list_is_no_database() -> None:
    with pytest.raises(TypeError, match="database must be a numpy array of float32, float16 or bfloat16, got list"):
        hcbir.search([[1.0]], [[1.0]], 1)  # type: ignore[arg-type]


def test_queries_of_any_real_type() -> None:
    expected = hcbir.search(ROWS[:3], ROWS, 5)
    for dtype in (ml_dtypes.bfloat16, np.float16, np.float64, np.int8, np.uint64, ">f4"):
        found = hcbir.search(ROWS[:3].astype(dtype), ROWS, 5)
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.indices, expected.indices)
    for dtype in (bool, complex, str, ml_dtypes.float8_e4m3):
        with pytest.raises(TypeError, match=r"queries must hold real numbers, got shape \(3, 8\) of "):
            hcbir.search(ROWS[:3].astype(dtype), ROWS, 5)


@pytest.mark.filterwarnings("error")
def test_queries_beyond_float32() -> None:
    queries = ROWS[:3].astype(np.float64)
    queries[1, 2] = -1e300
    with pytest.raises(ValueError, match=r"queries must not be beyond float32, 3\.4e\+38, got -1e\+300 in row 1"):
        hcbir.search(queries, ROWS, 5)
    queries[1, 2] = -np.inf
    with pytest.raises(ValueError, match="queries must be finite, got -inf in row 1"):
        hcbir.search(queries, ROWS, 5)


@pytest.mark.parametrize("k", [1, None])
def test_a_database_without_columns(k: int | None) -> None:
    with pytest.raises(ValueError, match="database must be of a dimension of at least 1, got 0"):
        hcbir.search(np.empty((2, 0)), ROWS[:, :0], k)


def test_the_core_says_how_rows_lie() -> None:
    with pytest.raises(TypeError, match=r"do not overlap, got shape \(50, 8\) with strides \(0, 4\)"):
        _core.rank(ROWS[:1], np.broadcast_to(ROWS[0], (50, 8)), 50, 0, None, 1)


@pytest.mark.parametrize(("name", "value"), [("metric", "l2"), ("precision", "int8"), ("database", ROWS)])
def test_what_an_index_was_made_of_stays(name: str, value: object) -> None:
    index = hcbir.ExactIndex(ROWS)
    with pytest.raises(AttributeError):
        setattr(index, name, value)
    assert index.database is ROWS
