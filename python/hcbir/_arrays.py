"""Checks of inputs: small arrays are converted, large ones are refused with the remedy, never copied silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt


def small_matrix(values: npt.ArrayLike, name: str, *, dtype: type[np.generic] = np.float32) -> npt.NDArray[Any]:
    """A 2-D array of `dtype` with contiguous rows; converts and copies where needed (queries, points)."""
    array = np.asarray(values)
    if array.ndim == 2 and array.dtype == dtype and array.flags.c_contiguous:
        return array
    if array.ndim != 2:
        raise ValueError(f"{name} must have 2 dimensions, one row an item, got {describe(array)}")
    if array.dtype.kind not in "fiu" and not is_bfloat16(array):
        raise TypeError(f"{name} must hold real numbers, got {describe(array)}")
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(array, dtype=dtype)
    if array.dtype.kind == "f" and array.itemsize > converted.itemsize:
        _check_range(array, converted, name)
    return converted


def _check_range(values: npt.NDArray[Any], converted: npt.NDArray[Any], name: str) -> None:
    """Refuses finite values that have become infinite."""
    infinite = np.isinf(converted)
    if infinite.any() and (beyond := infinite & np.isfinite(values)).any():
        row, column = np.argwhere(beyond)[0]
        narrow, largest = converted.dtype, np.finfo(converted.dtype).max
        raise ValueError(
            f"{name} must not be beyond {narrow}, {largest:.3g}, got {values[row, column]:.3g} in row {row}"
        )


def large_matrix(
    values: object, name: str, *, dtype: npt.DTypeLike = np.float32, accepted: str | None = None
) -> npt.NDArray[Any]:
    """The same array, or a TypeError that says how to convert it (databases, memory maps).

    `accepted`: the names of dtypes, where `dtype` is one of several.
    """
    if not isinstance(values, np.ndarray):
        wanted = accepted or np.dtype(dtype).name
        raise TypeError(
            f"{name} must be a numpy array of {wanted}, got {type(values).__name__}; pass {_converted(name, dtype)}"
        )
    if values.ndim != 2:
        raise ValueError(f"{name} must have 2 dimensions, one row an item, got {describe(values)}")
    if values.dtype != dtype or not (values.flags.c_contiguous or _lies_in_rows(values)):
        wanted = accepted or np.dtype(dtype).name
        remedy = _converted(name, dtype) if values.dtype != dtype else f"numpy.ascontiguousarray({name})"
        rows = "rows in ascending order" if values.strides[0] < 0 else "contiguous rows that do not overlap"
        raise TypeError(
            f"{name} must be {wanted} with {rows}, got {describe(values)} with strides {values.strides}; pass {remedy}"
        )
    return values


def _lies_in_rows(array: npt.NDArray[Any]) -> bool:
    """Whether the values of a row are neighbours, and rows follow each other, apart by whole values or not at all."""
    (rows, cols), (stride, step), size = array.shape, array.strides, array.itemsize
    one_by_one = cols == 1 or step == size
    return array.size == 0 or (one_by_one and (rows == 1 or (stride >= cols * size and stride % size == 0)))


def check_finite(values: npt.NDArray[Any], name: str, first_row: int = 0) -> None:
    """A ValueError that says where, for NaN and infinite values; the rows' numbers begin at first_row."""
    for start in range(0, len(values), 65536):
        finite = np.isfinite(values[start : start + 65536]).all(axis=1)
        if not finite.all():
            row = values[start + finite.argmin()]
            found, number = row[~np.isfinite(row)][0], first_row + start + finite.argmin()
            raise ValueError(f"{name} must be finite, got {found} in row {number}")


def _converted(name: str, dtype: npt.DTypeLike) -> str:
    """What to pass."""
    return f"numpy.ascontiguousarray({name}, dtype=numpy.{np.dtype(dtype).name})"


def is_bfloat16(array: npt.NDArray[Any]) -> bool:
    """Of ml_dtypes."""
    return array.dtype.kind == "V" and array.dtype.name == "bfloat16"


def as_bfloat16(bits: npt.NDArray[np.uint16]) -> npt.NDArray[Any]:
    """The numbers whose bits these are, where ml_dtypes is there; else the bits."""
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        return bits
    return bits.view(bfloat16)


def database_matrix(values: object, name: str) -> npt.NDArray[Any]:
    """A float32, float16 or bfloat16 matrix as it is; bfloat16 (of ml_dtypes) as the uint16 that hold it."""
    accepted = "float32, float16 or bfloat16"
    if not isinstance(values, np.ndarray) or values.dtype == np.float32:
        return large_matrix(values, name, accepted=accepted)
    if is_bfloat16(values):
        return large_matrix(values, name, dtype=values.dtype, accepted=accepted).view(np.uint16)
    is_half = values.dtype.kind == "f" and values.itemsize == 2  # of any order of bytes
    return large_matrix(values, name, dtype=np.float16 if is_half else np.float32, accepted=accepted)


def full_vectors(vectors: object, num_rows: int, dim: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32] | None]:
    """Vectors to score candidates with: a database's matrix, or bytes with a factor for each row."""
    factors = None
    if isinstance(vectors, tuple) and len(vectors) == 2:
        array = large_matrix(vectors[0], "rerank", dtype=np.int8)
        factors = np.ascontiguousarray(vectors[1], np.float32)
        if factors.shape != (num_rows,):
            raise ValueError(f"rerank must have a factor for each of {num_rows} rows, got {describe(factors)}")
    elif isinstance(vectors, np.ndarray) and vectors.dtype != np.int8:
        array = database_matrix(vectors, "rerank")
    else:
        got = describe(vectors) if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise TypeError(f"rerank must be a float array, or a pair of int8 rows and a factor for each, got {got}")
    if array.shape != (num_rows, dim):
        raise ValueError(f"rerank must have a row for each code, {(num_rows, dim)}, got {describe(array)}")
    return array, factors


def row_flags(allowed: npt.ArrayLike | None, num_rows: int) -> npt.NDArray[np.uint8] | None:
    """A flag a row, of a boolean mask or of row numbers."""
    if allowed is None:
        return None
    array = np.asarray(allowed)
    if array.dtype == np.bool_ and array.shape == (num_rows,):
        return array.view(np.uint8) if array.flags.c_contiguous else array.astype(np.uint8)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size > 0):
        raise ValueError(f"allowed must be {num_rows} booleans or a list of row numbers, got {describe(array)}")
    if array.size and not (array.min() >= 0 and array.max() < num_rows):
        raise ValueError(f"allowed must hold row numbers from 0 to {num_rows - 1}, got {array.min()} to {array.max()}")
    flags = np.zeros(num_rows, np.uint8)
    flags[array.astype(np.int64)] = 1
    return flags


def whole_numbers(values: npt.ArrayLike, name: str) -> npt.NDArray[np.int64]:
    """A list of ids, contiguous."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{name} must be a list of whole numbers, got {array.dtype} of shape {array.shape}")
    if array.dtype == np.uint64 and array.max(initial=0) >= 2**63:
        raise ValueError(f"{name} must be below 2**63, got {array.max()}")
    return np.ascontiguousarray(array, dtype=np.int64)


def positive_int(value: object, name: str) -> int:
    """At least 1, and what the core holds in 63 bits."""
    if type(value) is int and 1 <= value < 2**63:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value < 2**63:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)


def whole_number(value: object, name: str) -> int:
    """At least 0, and what the core holds in 31 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < 2**31:
        raise ValueError(f"{name} must be a whole number of at least 0, got {value!r}")
    return int(value)


def seed_number(value: object) -> int:
    """A seed, of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < 2**64:
        raise ValueError(f"seed must be a whole number from 0 to 2**64 - 1, got {value!r}")
    return int(value)


def real_number(value: object, name: str, fits: Callable[[float], bool], expected: str) -> float:
    """A number that fits, which NaN should not."""
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and fits(float(value)):
        return float(value)
    raise ValueError(f"{name} must be {expected}, got {value!r}")


def one_of(value: object, name: str, choices: tuple[str, ...]) -> str:
    """One of the names in `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def describe(array: npt.NDArray[Any]) -> str:
    """Shape and dtype, for messages."""
    return f"shape {array.shape} of {array.dtype}"
