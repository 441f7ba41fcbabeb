"""The records of a collection, in SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcbir._files import PARTIAL

FORMAT = 1
APPLICATION_ID = 0x68636269  # "hcbi": tells a collection from another program's SQLite file

SCHEMA = f"""
CREATE TABLE descriptors (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, local TEXT, spec TEXT NOT NULL);
CREATE TABLE images (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL,
    batch INTEGER NOT NULL, row INTEGER NOT NULL);
CREATE TABLE segments (batch INTEGER NOT NULL, descriptor INTEGER NOT NULL, PRIMARY KEY (batch, descriptor));
CREATE TABLE properties (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
"""


class CollectionError(ValueError):
    """A folder that is not a collection, or one that cannot do what was asked."""


@dataclass(frozen=True)
class ImageRecord:
    """An image of the collection: its content at the time it was described, and the segment row that describes it."""

    path: str
    size: int
    mtime_ns: int
    digest: str
    width: int
    height: int
    batch: int
    row: int


@dataclass(frozen=True)
class DescriptorRecord:
    """A descriptor of the collection; `local` names the one that an aggregated descriptor is made from."""

    id: int
    name: str
    kind: str
    local: str | None
    spec: Mapping[str, Any]


class Records:
    """The SQLite file of a collection. What is written within `with records.transaction():` is written whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.parent.exists():
            raise CollectionError(f"{path.parent} does not exist: no collection is there")
        if not path.is_file():
            raise CollectionError(f"{path.parent} is not an hcbir collection: it has no {path.name}")
        self._connection = sqlite3.connect(path)
        try:
            self._check_format()
        except BaseException:
            self._connection.close()
            raise

    @staticmethod
    def create(path: Path, descriptors: Sequence[DescriptorRecord], properties: Mapping[str, str]) -> None:
        """Make the file, with no image yet; it replaces another whole."""
        for left in path.parent.glob(f"{path.name}{PARTIAL}*"):  # of an interruption: the file and its journal
            left.unlink()
        partial = path.with_name(path.name + PARTIAL)
        connection = sqlite3.connect(partial)
        try:
            with _writing(connection, path):
                connection.executescript(SCHEMA)
                connection.executemany(
                    "INSERT INTO descriptors VALUES (?, ?, ?, ?, ?)",
                    [(d.id, d.name, d.kind, d.local, json.dumps(dict(d.spec))) for d in descriptors],
                )
                connection.executemany(
                    "INSERT INTO properties VALUES (?, ?)", [(name, _text(value)) for name, value in properties.items()]
                )
        finally:
            connection.close()
        partial.replace(path)

    def _check_format(self) -> None:
        folder = self._path.parent
        try:
            (application,) = self._connection.execute("PRAGMA application_id").fetchone()
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            raise CollectionError(f"{folder} is not an hcbir collection: {self._path.name}: {error}") from None
        if application != APPLICATION_ID:
            raise CollectionError(f"{folder} is not an hcbir collection: {self._path.name} is of another program")
        if version != FORMAT:
            raise CollectionError(
                f"{folder} has collection format {version}, this hcbir reads format {FORMAT}: "
                + ("install a newer hcbir" if version > FORMAT else "index the images anew")
            )

    def close(self) -> None:
        self._connection.close()

    def version(self) -> tuple[int, int]:
        """Differs from an earlier answer if anybody has written to the file since."""
        (by_others,) = self._connection.execute("PRAGMA data_version").fetchone()
        return by_others, self._connection.total_changes

    def transaction(self) -> AbstractContextManager[None]:
        """Commits at its end, or leaves everything as it was."""
        return _writing(self._connection, self._path)

    def descriptors(self) -> list[DescriptorRecord]:
        rows = self._connection.execute("SELECT id, name, kind, local, spec FROM descriptors ORDER BY id")
        return [DescriptorRecord(id, name, kind, local, json.loads(spec)) for id, name, kind, local, spec in rows]

    def images(self) -> list[ImageRecord]:
        """In the order of the segments' rows."""
        rows = self._connection.execute(
            "SELECT path, size, mtime_ns, digest, width, height, batch, row FROM images ORDER BY batch, row"
        )
        return [ImageRecord(os.fsdecode(path), *rest) for path, *rest in rows]

    def add_images(self, images: Iterable[ImageRecord]) -> None:
        """Add images; one of the same path is replaced."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO images (path, size, mtime_ns, digest, width, height, batch, row)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(_text(i.path), i.size, i.mtime_ns, i.digest, i.width, i.height, i.batch, i.row) for i in images],
        )

    def touch(self, mtimes_ns: Mapping[str, int]) -> None:
        """Record that files were written again with the same content: when, by path."""
        self._connection.executemany(
            "UPDATE images SET mtime_ns = ? WHERE path = ?", [(time, _text(path)) for path, time in mtimes_ns.items()]
        )

    def remove_images(self, paths: Iterable[str]) -> None:
        self._connection.executemany("DELETE FROM images WHERE path = ?", [(_text(path),) for path in paths])

    def segments(self) -> set[tuple[int, int]]:
        """(batch, descriptor id) of every segment."""
        return set(self._connection.execute("SELECT batch, descriptor FROM segments"))

    def add_segments(self, batch: int, descriptors: Iterable[int]) -> None:
        self._connection.executemany("INSERT INTO segments VALUES (?, ?)", [(batch, d) for d in descriptors])

    def drop_segments(self, keys: Iterable[tuple[int, int]]) -> None:
        self._connection.executemany("DELETE FROM segments WHERE batch = ? AND descriptor = ?", keys)

    def drop_empty_segments(self) -> None:
        """Forget the segments of which no row belongs to an image any more."""
        self._connection.execute("DELETE FROM segments WHERE batch NOT IN (SELECT batch FROM images)")

    def next_batch(self) -> int:
        (last,) = self._connection.execute("SELECT coalesce(max(batch), 0) FROM segments").fetchone()
        return int(last) + 1

    def property(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM properties WHERE name = ?", (name,)).fetchone()
        return None if row is None else os.fsdecode(row[0])

    def set_property(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO properties VALUES (?, ?)", (name, value))


@contextmanager
def _writing(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """A transaction, whose errors name the file: the disk is full, or another program holds it."""
    try:
        with connection:
            yield
    except sqlite3.OperationalError as error:
        raise CollectionError(f"cannot write {path}: {error}") from None


def _text(path: str) -> str | bytes:
    """A path as SQLite takes it: bytes if the file's name is not valid UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path
