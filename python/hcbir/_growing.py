"""A folder of arrays that grow together: `.npy` files whose rows are appended, and a manifest that says how many count.

An append writes rows behind those that count, brings them to the disk, and only then replaces the manifest: one that
was interrupted leaves nothing but bytes that the next one writes over. A replacement writes other files, which the
manifest then names. Each file is a plain `.npy`.
"""

from __future__ import annotations

import io
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._core import FormatError
from hcbir._files import LOCK, PARTIAL, exclusive, sync, sync_folder, telling_where, write_whole

MANIFEST = "manifest.json"
VERSION = 1
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


def require_vacant(folder: Path) -> None:
    """Refuses a folder that holds more than what an interruption has left of making arrays there.

    Raises
    ------
    ValueError
        If it does, or is no folder.
    """
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    left = {name for name in there if name in (LOCK, MANIFEST + PARTIAL) or name.endswith(".npy")}
    is_left = there == left and LOCK in there  # the lock tells them from arrays of the user's
    if not (is_left if there else folder.is_dir() or not folder.exists()):
        raise ValueError(f"folder must not exist or be empty, got {folder}")


class GrowingArrays:
    """Opens the folder, or makes it with its first `append`.

    Parameters
    ----------
    folder : Path
    kind : str
        What the arrays are, as the manifest says: a folder of another kind is refused.

    Raises
    ------
    FormatError
        If the manifest or an array is not what it should be.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self._kind = kind
        self._refresh()

    @classmethod
    def create(cls, folder: Path, kind: str, rows: Mapping[str, npt.NDArray[Any]]) -> GrowingArrays:
        """Makes the folder, which must not be there, be empty or hold what an interruption left of making it.

        Raises
        ------
        ValueError
            If something else stands there.
        """
        require_vacant(folder)
        made = cls(folder, kind)
        made.append(rows)
        return made

    @classmethod
    def create_or_replace(cls, folder: Path, kind: str, rows: Mapping[str, npt.NDArray[Any]]) -> None:
        """Makes the folder, or puts these arrays in the place of those of the same kind, at once.

        Arrays that somebody has opened stay as they are.

        Raises
        ------
        ValueError
            If something of another kind stands there.
        """
        if not (folder / MANIFEST).exists():
            cls.create(folder, kind, rows)
            return
        try:
            replaced = cls(folder, kind)
        except FormatError as error:
            raise ValueError(f"folder must hold nothing, or what can be replaced: {error}") from None
        with replaced._writing():
            replaced._generation += 1
            replaced._write({}, rows)
            names = "|".join(map(re.escape, rows))
            for path in folder.iterdir():
                if re.fullmatch(rf"({names})(-\d+)?\.npy", path.name) and path not in map(replaced._path, rows):
                    path.unlink()

    def append(self, rows: Mapping[str, npt.NDArray[Any]]) -> None:
        """Appends to every array, all or nothing; the first call says which arrays there are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._writing():
            if self.columns and rows.keys() != self.columns.keys():
                raise ValueError(f"rows must be of {', '.join(self.columns)}, got {', '.join(rows)}")
            self._write(self.columns, rows)

    def check(self, name: str) -> None:
        """Reads the whole array and compares it with its checksum.

        Raises
        ------
        FormatError
            If it has been altered.
        """
        if zlib.crc32(self.arrays[name].data) != self.columns[name].crc32:
            raise FormatError(f"{self._path(name)} has been altered: its checksum is another")
        if not self._has_header(name):
            raise FormatError(f"{self._path(name)} has been altered: its header is another")

    def _refresh(self) -> None:
        self.columns, self._generation = self._read_manifest() if (self.folder / MANIFEST).exists() else ({}, 0)
        self.arrays: dict[str, npt.NDArray[Any]] = {name: self._map(name) for name in self.columns}

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone, from what the folder holds now to what it holds then."""
        with exclusive(self.folder):
            self._refresh()
            yield
            self._refresh()

    def _write(self, columns: Mapping[str, Column], rows: Mapping[str, npt.NDArray[Any]]) -> None:
        """Rows behind those of the columns, and the manifest that counts them."""
        grown = {name: self._append_rows(name, columns.get(name), array) for name, array in rows.items()}
        sync_folder(self.folder)
        arrays = {name: asdict(column) for name, column in grown.items()}
        manifest = {"kind": self._kind, "version": VERSION, "generation": self._generation, "arrays": arrays}
        write_whole(self.folder / MANIFEST, json.dumps(manifest, indent=1).encode())

    def _append_rows(self, name: str, column: Column | None, rows: npt.NDArray[Any]) -> Column:
        dtype = rows.dtype.newbyteorder("<").str
        old = column or Column(dtype, rows.shape[1:], 0, 0)
        if (dtype, rows.shape[1:]) != (old.dtype, old.row_shape):
            raise ValueError(f"{name} must have rows of {old.row_shape} {old.dtype}, got {rows.shape[1:]} {dtype}")
        path, crc32 = self._path(name), old.crc32
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

    def _read_manifest(self) -> tuple[dict[str, Column], int]:
        path = self.folder / MANIFEST
        try:
            manifest = json.loads(path.read_text())
            kind, version, generation = manifest["kind"], manifest["version"], int(manifest.get("generation", 0))
            columns = {
                name: Column(str(c["dtype"]), tuple(c["row_shape"]), int(c["num_rows"]), int(c["crc32"]))
                for name, c in manifest["arrays"].items()
            }
            for column in columns.values():
                if column.num_rows < 0 or min(column.row_shape, default=1) < 0 or np.dtype(column.dtype).hasobject:
                    raise ValueError("an array that cannot be")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{path} is damaged ({error!r})") from None
        if (kind, version) != (self._kind, VERSION):
            raise FormatError(f"{path} must be of {self._kind}, version {VERSION}; got {kind}, version {version}")
        return columns, generation

    def _map(self, name: str) -> npt.NDArray[Any]:
        """A read-only memory map, as a plain array."""
        path, column = self._path(name), self.columns[name]
        try:
            size = path.stat().st_size
        except OSError as error:
            raise FormatError(f"{path} cannot be read ({error.strerror})") from None
        if size < column.num_bytes:
            raise FormatError(f"{path} is truncated: {column.num_bytes} bytes expected, got {size}")
        shape = (column.num_rows, *column.row_shape)
        if column.num_bytes == HEADER_BYTES:  # nothing to map
            return np.empty(shape, column.dtype)
        return np.asarray(np.memmap(path, column.dtype, mode="r", offset=HEADER_BYTES, shape=shape))

    def _has_header(self, name: str) -> bool:
        """Whether the file begins as it was written; an append that was interrupted counts rows that do not."""
        column = self.columns[name]
        with self._path(name).open("rb") as file:
            content = file.read(HEADER_BYTES)
        counted = re.search(rb"'shape': \((\d{1,18}),", content)
        num_rows = int(counted[1]) if counted else -1
        return num_rows >= column.num_rows and content == _header(replace(column, num_rows=num_rows))

    def _path(self, name: str) -> Path:
        return self.folder / (f"{name}-{self._generation}.npy" if self._generation else f"{name}.npy")


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
