"""What a benchmark asks: queries, the images to rank for each, and which of them are right."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hcbir.study.datasets.labelled import Box, Dataset

IndexLists = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Query:
    """An image, or the part of it in a box, that is searched for.

    Parameters
    ----------
    path : Path
    label : str
        The class it belongs to.
    box : Box or None
    image : int or None
        Its place among the images to rank, if it is one of them.
    """

    path: Path
    label: str
    box: Box | None = None
    image: int | None = None

    @property
    def place(self) -> int | None:
        """That of the image which it is the whole of; None if it must be described apart."""
        return self.image if self.box is None else None


@dataclass(frozen=True)
class Truth:
    """The right images of each query, and those that are neither right nor wrong; indices of images."""

    positives: IndexLists
    junk: IndexLists


@dataclass(frozen=True)
class Task:
    """A benchmark.

    Parameters
    ----------
    images : list of Path
        Ranked for every query.
    queries : list of Query
    truths : mapping of str to Truth
        By the name of the setting; the first is the main one.
    depth : int or None
        Only so many of the best images count: AP is then divided by min(positives, depth), and is 0 without positives.
    query_left_out : bool
        Whether a query that is one of the images is left out of its own ranking: it is junk then.
    """

    images: list[Path]
    queries: list[Query]
    truths: Mapping[str, Truth]
    depth: int | None = None
    query_left_out: bool = True

    @property
    def classes(self) -> list[str]:
        return sorted({query.label for query in self.queries})

    @property
    def main_setting(self) -> str:
        return next(iter(self.truths))

    @cached_property
    def _root(self) -> str:
        """The folder that holds all images."""
        files = [*self.images, *(query.path for query in self.queries)]
        return os.path.commonpath([path.parent for path in files])

    def image_name(self, path: Path) -> str:
        """An image's path within the dataset."""
        return Path(os.path.relpath(path, self._root)).as_posix()

    def query_name(self, row: int) -> str:
        """What tells a query from the others, wherever the dataset stands: its path within it, and its box."""
        query = self.queries[row]
        name = self.image_name(query.path)
        return name if query.box is None else f"{name} [{', '.join(f'{value:g}' for value in query.box)}]"

    def restricted(self, images: Collection[Path], query_files: Collection[Path]) -> Task:
        """The same without the images and queries that are not among those given."""
        kept = [i for i, path in enumerate(self.images) if path in images]
        place = {old: new for new, old in enumerate(kept)}
        rows = [row for row, query in enumerate(self.queries) if query.path in query_files]

        def chosen(lists: IndexLists) -> IndexLists:
            return [[place[i] for i in lists[row] if i in place] for row in rows]

        queries = [self.queries[row] for row in rows]
        return replace(
            self,
            images=[self.images[i] for i in kept],
            queries=[replace(q, image=None if q.image is None else place.get(q.image)) for q in queries],
            truths={name: Truth(chosen(truth.positives), chosen(truth.junk)) for name, truth in self.truths.items()},
        )


def task_of(dataset: Dataset) -> Task:
    """Every labelled image is a query, left out of its own ranking, and the others of its class are right."""
    members: dict[str, list[int]] = {}
    for i, label in enumerate(dataset.labels):
        if label is not None:
            members.setdefault(label, []).append(i)
    boxes = dataset.boxes or [None] * len(dataset)
    labelled = [(i, label) for i, label in enumerate(dataset.labels) if label is not None]
    return Task(
        images=dataset.images,
        queries=[Query(dataset.images[i], label, boxes[i], i) for i, label in labelled],
        truths={
            "all": Truth(
                positives=[[other for other in members[label] if other != i] for i, label in labelled],
                junk=[[i] for i, _ in labelled],
            )
        },
    )
