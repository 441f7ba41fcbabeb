"""A folder of arrays that grow together: `.npy` files whose rows are appended, and a manifest that says how many count.

An append writes rows behind those that count, brings them to the disk, and only then replaces the manifest: one that
was interrupted leaves nothing but bytes that the next one writes over. Each file is a plain `.npy`.
"""

from __future__ import annotations

import io
import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._core import FormatError
from hcbir._files import exclusive, sync, sync_folder, write_whole

MANIFEST = "manifest.json"
VERSION = 1
HEADER_BYTES = 128  # numpy leaves room in a header for the first dimension to grow


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

    def append(self, rows: Mapping[str, npt.NDArray[Any]]) -> None:
        """Appends to every array, all or nothing; the first call says which arrays there are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with exclusive(self.folder):
            self._refresh()
            if self.columns and rows.keys() != self.columns.keys():
                raise ValueError(f"rows must be of {', '.join(self.columns)}, got {', '.join(rows)}")
            grown = {name: self._append_column(name, np.ascontiguousarray(array)) for name, array in rows.items()}
            sync_folder(self.folder)
            manifest = {"kind": self._kind, "version": VERSION, "arrays": {k: asdict(c) for k, c in grown.items()}}
            write_whole(self.folder / MANIFEST, json.dumps(manifest, indent=1).encode())
            self._refresh()

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
        self.columns = self._read_manifest() if (self.folder / MANIFEST).exists() else {}
        self.arrays: dict[str, npt.NDArray[Any]] = {name: self._map(name) for name in self.columns}

    def _append_column(self, name: str, rows: npt.NDArray[Any]) -> Column:
        dtype = rows.dtype.newbyteorder("<").str
        old = self.columns.get(name, Column(dtype, rows.shape[1:], 0, 0))
        if (dtype, rows.shape[1:]) != (old.dtype, old.row_shape):
            raise ValueError(f"{name} must have rows of {old.row_shape} {old.dtype}, got {rows.shape[1:]} {dtype}")
        content = rows.astype(dtype, copy=False).data
        new = Column(dtype, old.row_shape, old.num_rows + len(rows), zlib.crc32(content, old.crc32))
        path = self._path(name)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.write(_header(new))
            file.truncate(old.num_bytes)  # what an interrupted append left
            file.seek(old.num_bytes)
            file.write(content)
            file.flush()
            sync(file.fileno())
        return new

    def _read_manifest(self) -> dict[str, Column]:
        path = self.folder / MANIFEST
        try:
            manifest = json.loads(path.read_text())
            kind, version = manifest["kind"], manifest["version"]
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
        return columns

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
        return self.folder / f"{name}.npy"


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
