"""A folder of arrays that grow together: `.npy` files whose rows are appended, and a manifest that says how many count.

An append writes rows behind those that count, brings them to the disk, and only then replaces the manifest: one that
was interrupted leaves nothing but bytes that the next one writes over. A replacement writes other files, which the
manifest then names. Each file is a plain `.npy`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy.typing as npt

from hcbir._arrays import describe
from hcbir._columns import Column, append_rows, identity, map_rows
from hcbir._core import FormatError
from hcbir._files import LOCK, PARTIAL, exclusive, sync_folder
from hcbir._manifest import MANIFEST, Manifest, read_manifest, write_manifest

Rows = Mapping[str, npt.NDArray[Any]]
"""What is appended to each array."""


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
    """Opens what stands in the folder; of none, or of an empty one, there are no arrays.

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
    def create(cls, folder: Path, kind: str, batches: Iterable[Rows]) -> None:
        """Makes the folder, which must not be there, be empty or hold what an interruption left of making it.

        Rows are written batch by batch, but count only once all are there. The arrays are those of the last batch; an
        earlier one may have more, which are dropped.

        Raises
        ------
        ValueError
            If something else stands there.
        """
        require_vacant(folder)
        following = iter(batches)
        first = next(following)  # before the folder is made, since the rows may be refused
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder):
            require_vacant(folder)  # another may have been first
            made = cls(folder, kind)
            with made._writing(first.keys()):
                made._write({}, chain([first], following))

    @classmethod
    def create_or_replace(cls, folder: Path, kind: str, rows: Rows) -> None:
        """Makes the folder, or puts these arrays in the place of those of the same kind, at once.

        Arrays that somebody has opened stay as they are.

        Raises
        ------
        ValueError
            If something of another kind stands there.
        """
        if not (folder / MANIFEST).exists():
            cls.create(folder, kind, [rows])
            return
        try:
            replaced = cls(folder, kind)
        except FormatError as error:
            raise ValueError(f"folder must hold nothing, or what can be replaced: {error}") from None
        with exclusive(folder), replaced._writing(rows.keys()):
            replaced._generation += 1
            replaced._write({}, [rows])

    def append(self, rows: Rows) -> None:
        """Appends to every array, all or nothing.

        Raises
        ------
        FileNotFoundError
            If the files that were opened stand there no more.
        """
        self._require_opened()  # before a lock is made where something else may stand now
        with exclusive(self.folder):
            self._require_opened()
            with self._writing(rows.keys()):
                if rows.keys() != self.columns.keys():
                    raise ValueError(f"rows must be of {', '.join(self.columns)}, got {', '.join(rows)}")
                self._write(self.columns, [rows])

    def array(self, name: str, shape: tuple[int | None, ...], *dtypes: str) -> npt.NDArray[Any]:
        """One that must be there, of this shape (None is any length) and of one of these dtypes.

        Raises
        ------
        FormatError
            If it is not.
        """
        path, array = self._path(name), self.arrays.get(name)
        if array is None:
            raise FormatError(f"{path} is not among the arrays of {self.folder / MANIFEST}")
        fits = array.ndim == len(shape) and all(
            n in (None, length) for n, length in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype not in dtypes:
            lengths = ", ".join("any" if n is None else str(n) for n in shape)
            expected = f"of shape ({lengths}) and {' or '.join(dtypes)}"
            raise FormatError(f"{path} must be {expected}, got {describe(array)}")
        return array

    def check(self, name: str) -> None:
        """Reads the whole array and compares it with its checksum.

        Raises
        ------
        FormatError
            If it has been altered.
        """
        if zlib.crc32(self.arrays[name].data) != self.columns[name].crc32:
            raise FormatError(f"{self._path(name)} has been altered: its checksum is another")
        if not self._mapped[name].has_header_of(self.columns[name]):
            raise FormatError(f"{self._path(name)} has been altered: its header is another")

    def _refresh(self) -> None:
        while True:
            columns, generation = read = read_manifest(self.folder, self._kind)
            paths = {name: self.folder / _file_name(name, generation) for name in columns}
            try:
                mapped = {name: map_rows(paths[name], column) for name, column in columns.items()}
            except FormatError:
                if read == read_manifest(self.folder, self._kind):  # else they were replaced meanwhile
                    raise
            else:
                self.columns, self._generation, self._mapped = columns, generation, mapped
                self.arrays = {name: array.rows for name, array in mapped.items()}
                return

    def _require_opened(self) -> None:
        """Refuses to write where something else than what was opened stands, or nothing."""
        try:
            files = {name: identity(self._path(name).stat()) for name in self.columns}
            same = (self.folder / MANIFEST).exists() and files == {n: m.file for n, m in self._mapped.items()}
        except OSError:
            same = False
        if not same:
            raise FileNotFoundError(f"{self.folder} no longer holds what was opened there: it was removed or replaced")

    @contextmanager
    def _writing(self, names: Set[str]) -> Iterator[None]:
        """From what the folder holds now to what it holds then; what is replaced or unfinished is deleted."""
        self._refresh()
        names = self.columns.keys() | names
        try:
            yield
        finally:
            self._refresh()
            self._drop_others(names)

    def _write(self, columns: Mapping[str, Column], batches: Iterable[Rows]) -> None:
        """Rows behind those of the columns, and the manifest that counts them."""
        for rows in batches:
            columns = {name: append_rows(self._path(name), columns.get(name), array) for name, array in rows.items()}
        sync_folder(self.folder)
        write_manifest(self.folder, self._kind, Manifest(columns, self._generation))

    def _drop_others(self, names: Set[str]) -> None:
        """Deletes the files of arrays of these names that the manifest does not name."""
        current = {self._path(name) for name in self.columns}
        file = re.compile(rf"({'|'.join(map(re.escape, names))})(-\d+)?\.npy")
        for path in self.folder.iterdir():
            if file.fullmatch(path.name) and path not in current:
                path.unlink()

    def _path(self, name: str) -> Path:
        return self.folder / _file_name(name, self._generation)


def _file_name(name: str, generation: int) -> str:
    return f"{name}-{generation}.npy" if generation else f"{name}.npy"
