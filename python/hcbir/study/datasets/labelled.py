"""Labelled sets of images: a folder with one sub-folder a class, or a CSV."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir.descriptors.images import list_images
from hcbir.study.datasets.tables import Row, read_table
from hcbir.study.variations import VARIATIONS, variation_of

DISTRACTORS = "_distractors"
"""Name of the folder, or of the class in a CSV, of the images that show none of the classes."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the upright image."""

_BOX_COLUMNS = ("x1", "y1", "x2", "y2")
_KNOWN_COLUMNS = ("path", "class", "collection", "date", *_BOX_COLUMNS)


@dataclass(frozen=True)
class Dataset:
    """Images and what each shows.

    Parameters
    ----------
    images : list of Path
    labels : list of str or None
        The class of each image; None for a distractor.
    strengths : mapping of str to (n,) float64
        For each annotated variation how strongly each image shows it against the reference image of its class, 0 to
        3; NaN where that is not known.
    boxes : list of Box or None
        To what each image is cropped when it is a query; None for the whole. Empty if no image is.
    collections, dates : list of str
        Where each image comes from and when it was made, as the file says. Empty if it does not.
    """

    images: list[Path]
    labels: list[str | None]
    strengths: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    boxes: Sequence[Box | None] = ()
    collections: Sequence[str] = ()
    dates: Sequence[str] = ()

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
        `_distractors` for a distractor). A CSV may have the columns `collection` and `date`, one for each annotated
        variation (`hcbir.study.variations.VARIATIONS`; 0 to 3 or empty) and `x1`, `y1`, `x2`, `y2`, the part of the
        image that is the query, in pixels; other columns are ignored, unless their name is nearly one of these.

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
    rows = list(read_table(path, ("path", "class")))
    header = list(rows[0].cells) if rows else []
    variations = _variations(path, header)
    images: list[Path] = []
    line_of: dict[Path, int] = {}
    for row in rows:
        image = _image(row)
        if image in line_of:
            raise row.error("path", f"{row.cells['path']} stands in line {line_of[image]} already")
        line_of[image] = row.line
        images.append(image)
    classes = [row.cells["class"] for row in rows]
    boxes = [_box(row) for row in rows] if any(column in header for column in _BOX_COLUMNS) else []
    return Dataset(
        images,
        [None if label in ("", DISTRACTORS) else label for label in classes],
        strengths={
            variation: np.array([row.strength(column) for row in rows]) for variation, column in variations.items()
        },
        boxes=boxes if any(boxes) else [],
        collections=[row.cells["collection"] for row in rows] if "collection" in header else [],
        dates=[row.cells["date"] for row in rows] if "date" in header else [],
    )


def _variations(path: Path, header: Sequence[str]) -> dict[str, str]:
    """The column of each annotated variation."""
    columns: dict[str, str] = {}
    for column in header:
        variation = variation_of(column)
        if variation is not None and columns.setdefault(variation, column) != column:
            raise ValueError(f"{path}, line 1: {columns[variation]} and {column} are the same variation")
        close = get_close_matches(column.lower(), [*VARIATIONS, *_KNOWN_COLUMNS], n=1, cutoff=0.8)
        if variation is None and close and column not in _KNOWN_COLUMNS:
            raise ValueError(f"{path}, line 1, column {column}: did you mean {close[0]!r}?")
    return columns


def _image(row: Row) -> Path:
    name = row.cells["path"]
    if not name:
        raise row.error("path", "expected a file, got nothing")
    return Path(os.path.abspath(row.path.parent / name))


def _box(row: Row) -> Box | None:
    """All four corners or none."""
    lacking = [column for column in _BOX_COLUMNS if not row.cells.get(column)]
    if len(lacking) == len(_BOX_COLUMNS):
        return None
    if lacking:
        raise row.error(lacking[0], f"expected a number: a box needs {', '.join(_BOX_COLUMNS)}")
    x1, y1, x2, y2 = (row.number(column) for column in _BOX_COLUMNS)
    for column, low, high in (("x2", x1, x2), ("y2", y1, y2)):
        if low < 0 or high <= low:
            raise row.error(column, f"expected more than {low:g}, itself at least 0, got {high:g}")
    return x1, y1, x2, y2
