"""CSV tables whose errors name file, line and column."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hcbir.study.variations import MAX_STRENGTH


@dataclass(frozen=True)
class Row:
    """One line of a table: its cells, stripped, by the header's names."""

    path: Path
    line: int
    cells: dict[str, str]

    def error(self, column: str, message: str) -> ValueError:
        return ValueError(f"{self.path}, line {self.line}, column {column}: {message}")

    def number(self, column: str) -> float:
        """NaN for an empty cell."""
        text = self.cells[column]
        if not text:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(column, f"expected a number, got {text!r}")
        return value

    def strength(self, column: str) -> float:
        """0 to 3, NaN for an empty cell."""
        value = self.number(column)
        if value < 0 or value > MAX_STRENGTH:
            raise self.error(column, f"expected 0 to {MAX_STRENGTH}, got {self.cells[column]}")
        return value


def read_table(path: Path, required: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV with a header that has each required column once.

    Raises
    ------
    ValueError
        If the file is not such a CSV in UTF-8; the message names the line.
    """
    reader = csv.reader(io.StringIO(_read_text(path, required), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        for column in dict.fromkeys([*required, *(name for name in header if name)]):
            if header.count(column) != 1:
                raise ValueError(
                    f"{path}, line 1: expected one column {column}, got the header {','.join(header)[:100]!r}"
                )
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}: expected {len(header)} columns as the header, got {len(row)}"
                )
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
            yield Row(path, reader.line_num, cells)
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: not a CSV ({error})") from None


def _read_text(path: Path, required: Sequence[str]) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: expected a CSV {','.join(required)} in UTF-8 text, "
            f"got the byte 0x{content[error.start]:02x}"
        ) from None
