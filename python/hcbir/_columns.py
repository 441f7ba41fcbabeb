"""One array on disk, whose rows are appended: a plain `.npy`, of which a column says how many rows count."""

from __future__ import annotations

import io
import math
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir._core import FormatError
from hcbir._files import sync, telling_where

HEADER_BYTES = 128  # numpy leaves room in a header for the first dimension to grow
WRITTEN_AT_ONCE = 1 << 24  # bytes of an array whose rows do not follow each other in memory


@dataclass(frozen=True)
class Column:
    """One array: its dtype, the shape of a row, how many rows count, and the CRC-32 of their bytes."""

    dtype: str
    row_shape: tuple[int, ...]
    num_rows: int
    crc32: int

    @property
    def row_bytes(self) -> int:
        return np.dtype(self.dtype).itemsize * math.prod(self.row_shape)

    @property
    def num_bytes(self) -> int:
        return HEADER_BYTES + self.num_rows * self.row_bytes


def append_rows(path: Path, column: Column | None, rows: npt.NDArray[Any]) -> Column:
    """Writes rows behind those that count, and brings them to the disk; without a column, of a new file."""
    dtype = rows.dtype.newbyteorder("<").str
    old = column or Column(dtype, rows.shape[1:], 0, 0)
    if (dtype, rows.shape[1:]) != (old.dtype, old.row_shape):
        raise ValueError(f"{path.stem} must have rows of {old.row_shape} {old.dtype}, got {rows.shape[1:]} {dtype}")
    crc32 = old.crc32
    with telling_where(path), path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_header(replace(old, num_rows=old.num_rows + len(rows))))
        file.truncate(old.num_bytes)  # what an interrupted append left
        file.seek(old.num_bytes)
        for content in _contents(rows, old):
            crc32 = zlib.crc32(content, crc32)
            file.write(content)
        file.flush()
        sync(file.fileno())
    return Column(dtype, old.row_shape, old.num_rows + len(rows), crc32)


class MappedRows(NamedTuple):
    """A read-only memory map, as a plain array, and of the file how it begins and which it is.

    As long as it is mapped no other file can be taken for it; it may have lost its name meanwhile.
    """

    rows: npt.NDArray[Any]
    header: bytes
    file: tuple[int, int]

    def has_header_of(self, column: Column) -> bool:
        """Whether the file begins as it was written; an append that was interrupted counts rows that do not."""
        counted = re.search(rb"'shape': \((\d{1,18}),", self.header)
        num_rows = int(counted[1]) if counted else -1
        return num_rows >= column.num_rows and self.header == _header(replace(column, num_rows=num_rows))


def identity(stat: os.stat_result) -> tuple[int, int]:
    """Which file it is."""
    return stat.st_dev, stat.st_ino


def map_rows(path: Path, column: Column) -> MappedRows:
    try:
        file = path.open("rb")
    except OSError as error:
        raise FormatError(f"{path} cannot be read ({error.strerror})") from None
    with file:
        stat = os.fstat(file.fileno())
        if stat.st_size < column.num_bytes:
            raise FormatError(f"{path} is truncated: {column.num_bytes} bytes expected, got {stat.st_size}")
        header = file.read(HEADER_BYTES)
        try:
            return MappedRows(_mapped(file, column), header, identity(stat))
        except (ValueError, OverflowError) as error:  # of no rows, each too large
            raise FormatError(f"{path} cannot be an array of rows of {column.row_shape} ({error})") from None


def _mapped(file: BinaryIO, column: Column) -> npt.NDArray[Any]:
    shape = (column.num_rows, *column.row_shape)
    if column.num_bytes == HEADER_BYTES:  # nothing to map
        return np.empty(shape, column.dtype)
    return np.asarray(np.memmap(file, column.dtype, mode="r", offset=HEADER_BYTES, shape=shape))


def _contents(rows: npt.NDArray[Any], column: Column) -> Iterator[memoryview]:
    """The bytes of rows in pieces, none of which is large unless it need not be copied."""
    step = len(rows) if rows.flags.c_contiguous else max(1, WRITTEN_AT_ONCE // max(1, column.row_bytes))
    for start in range(0, len(rows), max(1, step)):
        yield np.ascontiguousarray(rows[start : start + step], column.dtype).data


def _header(column: Column) -> bytes:
    """Of a `.npy` file, padded by spaces to HEADER_BYTES."""
    header = io.BytesIO()
    shape = (column.num_rows, *column.row_shape)
    fields = {"descr": column.dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    content = header.getvalue()
    if len(content) != HEADER_BYTES:
        raise ValueError(f"rows must have a shape that fits a header of {HEADER_BYTES} bytes, got {column.row_shape}")
    return content
