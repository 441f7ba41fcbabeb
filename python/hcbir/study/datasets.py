"""Labelled sets of images: a folder with one sub-folder a class, or a CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hcbir.descriptors.images import list_images

DISTRACTORS = "_distractors"
"""Name of the folder, or of the class in a CSV, of the images that show none of the classes."""


@dataclass(frozen=True)
class Dataset:
    """Images and what each shows.

    Parameters
    ----------
    images : list of Path
    labels : list of str or None
        The class of each image; None for a distractor.
    """

    images: list[Path]
    labels: list[str | None]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted({label for label in self.labels if label is not None})

    def __len__(self) -> int:
        return len(self.images)


def load_dataset(path: str | Path) -> Dataset:
    """Read which images there are and what each shows; the images themselves are not opened.

    Parameters
    ----------
    path : path
        A folder with one sub-folder a class, whose name is the class, and `_distractors` for images that show
        none of them. Or a CSV with a header and the columns `path` (relative to the CSV) and `class` (empty or
        `_distractors` for a distractor); other columns are ignored.

    Raises
    ------
    ValueError
        If it is neither; the message names file, line and column.
    """
    path = Path(path)
    if path.is_dir():
        dataset = _from_folder(path)
    elif path.is_file():
        dataset = _from_csv(path)
    else:
        raise ValueError(f"{path}: no such folder or CSV file")
    if not dataset.classes:
        raise ValueError(
            f"{path}: no class found; expected one sub-folder a class ({DISTRACTORS} for the rest) or a CSV path,class"
        )
    return dataset


def _from_folder(folder: Path) -> Dataset:
    images = list_images(folder)
    places = [path.relative_to(folder).parts for path in images]
    loose = [path for path, place in zip(images, places, strict=True) if len(place) == 1]
    if loose and len(loose) < len(images):
        raise ValueError(
            f"{loose[0]} stands beside the class folders ({len(loose)} such): "
            f"move it into the folder of its class or into {DISTRACTORS}"
        )
    return Dataset(images, [None if place[0] == DISTRACTORS else place[0] for place in places if len(place) > 1])


def _from_csv(path: Path) -> Dataset:
    images: list[Path] = []
    labels: list[str | None] = []
    first_line: dict[Path, int] = {}
    for line, name, label in _csv_rows(path):
        image = Path(os.path.abspath(path.parent / name))
        if image in first_line:
            raise ValueError(f"{path}, line {line}, column path: {name} stands in line {first_line[image]} already")
        first_line[image] = line
        images.append(image)
        labels.append(None if label in ("", DISTRACTORS) else label)
    return Dataset(images, labels)


def _csv_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, path, class) of each row."""
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        for column in ("path", "class"):
            if header.count(column) != 1:
                raise ValueError(
                    f"{path}, line 1: expected one column {column}, got the header {','.join(header)[:100]!r}"
                )
        path_column, class_column = header.index("path"), header.index("class")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}: expected {len(header)} columns as the header, got {len(row)}"
                )
            name = row[path_column].strip()
            if not name:
                raise ValueError(f"{path}, line {reader.line_num}, column path: expected a file, got nothing")
            yield reader.line_num, name, row[class_column].strip()
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: not a CSV ({error})") from None


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: expected a CSV path,class in UTF-8 text, got the byte 0x{content[error.start]:02x}"
        ) from None
