"""Which images of a collection are made, and what is true of each: a line of JSON an image."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from hcbir.study.files import write_whole
from hcbir.study.synthetic.design import Shot

GENERATOR = 2
"""To be raised with every change that alters pixels: images of an older generator are made anew."""

FILE = "synthetic.jsonl"


@dataclass(frozen=True)
class Record:
    """What is true of an image; `camera` has the 12 numbers of `Made.camera`, row by row, `key` tells its plan."""

    name: str
    key: str
    width: int
    height: int
    share: float
    hidden: float
    season: str
    date: int
    camera: tuple[float, ...]


def key_of(shot: Shot, longest_side: int) -> str:
    """Changes with anything that the pixels depend on."""
    return blake2b(repr((GENERATOR, longest_side, shot)).encode(), digest_size=12).hexdigest()


class Journal:
    """The file in a collection's folder; a line cut short by a crash is ignored."""

    def __init__(self, folder: Path, longest_side: int) -> None:
        self._folder, self._side = folder, longest_side
        self._records: dict[str, Record] = {}
        path = folder / FILE
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            try:
                fields = json.loads(line)
                record = Record(**{**fields, "camera": tuple(fields["camera"])})
            except (ValueError, TypeError, KeyError):
                continue
            self._records[record.name] = record

    def names(self) -> list[str]:
        return list(self._records)

    def find(self, shot: Shot) -> Record | None:
        """The record of an image that is there as planned."""
        record = self._records.get(shot.name)
        if record is None or record.key != key_of(shot, self._side) or not (self._folder / shot.name).is_file():
            return None
        return record

    def prune(self, names: set[str]) -> None:
        """Removes images that are not among `names`."""
        for name in set(self._records) - names:
            (self._folder / name).unlink(missing_ok=True)
            del self._records[name]
        write_whole(self._folder / FILE, "".join(_line(record) for record in self._records.values()))

    def add(self, records: Iterable[Record]) -> None:
        with (self._folder / FILE).open("a", encoding="utf-8") as file:
            for record in records:
                self._records[record.name] = record
                file.write(_line(record))


def _line(record: Record) -> str:
    return json.dumps(asdict(record)) + "\n"
