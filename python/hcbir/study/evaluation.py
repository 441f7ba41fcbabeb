"""The evaluation protocol: every labelled image is a query, left out of its own ranking."""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._evaluation import mean_average_precision
from hcbir.collection import Collection
from hcbir.study.datasets import Dataset
from hcbir.study.naming import short_names
from hcbir.study.ranking import Progress, Ranker, Ranking
from hcbir.study.tables import Table, count_cell, precision_cells


@dataclass(frozen=True, eq=False)
class DescriptorEvaluation:
    """How well one descriptor ranks.

    Parameters
    ----------
    mean_ap : float
        Mean over the queries that have positives.
    per_class : dict
        Mean over the class's queries, by class; classes of a single image are not there.
    num_queries : int
        Queries that have positives.
    ap : (q,) float64
        Of each query; nan without positives.
    ranking : Ranking
        What was evaluated.
    """

    mean_ap: float
    per_class: dict[str, float]
    num_queries: int
    ap: npt.NDArray[np.float64]
    ranking: Ranking


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `evaluate_dataset`.

    Parameters
    ----------
    images : list of Path
        Those that could be read; rankings hold indices into this list.
    labels : list of str or None
        Their classes; None for a distractor.
    queries : (q,) int64
        Indices of the labelled images.
    descriptors : dict
        By name, as it was given.
    verified : dict
        The same, re-ranked by `verify`; only global descriptors are.
    verify : str or None
        The local descriptor that re-ranked.
    interpolation : str
        Of the average precision.
    skipped : list of str
        One message for each image that could not be read.
    single_image_classes : list of str
        Their queries have no positive: no AP, and no part in the means.
    """

    images: list[Path]
    labels: list[str | None]
    queries: npt.NDArray[np.int64]
    descriptors: dict[str, DescriptorEvaluation]
    verified: dict[str, DescriptorEvaluation]
    verify: str | None
    interpolation: str
    skipped: list[str]
    single_image_classes: list[str]

    @property
    def classes(self) -> list[str]:
        return sorted({label for label in self.labels if label is not None})

    @property
    def columns(self) -> dict[str, DescriptorEvaluation]:
        """Every ranking that was evaluated, by the short name a table shows: a verified one follows its own."""
        columns = {}
        short = short_names([*self.descriptors, *([self.verify] if self.verify else [])])
        for name, figures in self.descriptors.items():
            columns[short[name]] = figures
            if name in self.verified and self.verify is not None:
                columns[f"{short[name]} + {short[self.verify]}"] = self.verified[name]
        return columns


def evaluate_dataset(
    dataset: Dataset,
    descriptors: Sequence[str] = ("vlad",),
    *,
    image_size: int | None = None,
    interpolation: str = "trapezoid",
    verify: str | None = None,
    num_candidates: int = 100,
    num_threads: int | None = None,
    progress: Progress | None = None,
    reduced_decoding: bool = False,
    **runtime: Any,
) -> Evaluation:
    """Mean average precision per class and over all queries.

    Parameters
    ----------
    dataset : Dataset
    descriptors : sequence of str
        Names that `hcbir.descriptors.load` knows. A global descriptor ranks by the dot product; a local one by the
        inlier count of one-to-one matches under RANSAC, query against image, exhaustively. Equal dot products stand by
        smaller index, equal counts by a hash of the image's content: the order of a dataset often tells the classes.
    image_size : int, optional
        Longest side, in pixels, at which images are described; default: each descriptor's own.
    interpolation : {"trapezoid", "rectangle"}
        Of the average precision.
    verify : str, optional
        A local descriptor, by whose inlier counts the global rankings' best `num_candidates` are ranked anew.
    num_candidates : int
    num_threads : int, optional
    progress : callable, optional
        progress(what, done, total)
    reduced_decoding : bool
        As in `Collection.create`.
    **runtime
        `provider` and `provider_options`, as in `Collection.open`.

    Raises
    ------
    ValueError
        If no image can be read, or no class has two of them.
    """
    wanted = list(dict.fromkeys([*descriptors, *([verify] if verify else [])]))
    with (
        tempfile.TemporaryDirectory(prefix="hcbir-evaluate-") as scratch,
        Collection.create(
            Path(scratch) / "collection",
            wanted,
            image_size=image_size,
            reduced_decoding=reduced_decoding,
            **runtime,
        ) as collection,
    ):
        if verify is not None and collection.descriptors[verify] != "local":
            raise ValueError(f"verify must be a local descriptor such as sift or orb, {verify} is not")
        report = collection.add(
            dataset.images,
            progress=None if progress is None else lambda done, total: progress("describe", done, total),
            num_threads=num_threads,
        )
        return evaluate_collection(
            collection,
            dataset,
            descriptors,
            interpolation=interpolation,
            verify=verify,
            num_candidates=num_candidates,
            num_threads=num_threads,
            progress=progress,
            skipped=[str(error) for error in report.skipped],
        )


def evaluate_collection(
    collection: Collection,
    dataset: Dataset,
    descriptors: Sequence[str] = ("vlad",),
    *,
    interpolation: str = "trapezoid",
    verify: str | None = None,
    num_candidates: int = 100,
    num_threads: int | None = None,
    progress: Progress | None = None,
    skipped: Sequence[str] = (),
) -> Evaluation:
    """`evaluate_dataset` on images that a collection holds already; each of its images must be of the dataset."""
    for name in [*descriptors, *([] if verify is None else [verify])]:
        if name not in collection.descriptors:
            raise ValueError(
                f"descriptors must be of the collection: {', '.join(collection.descriptors)}; got {name!r}"
            )
    label_of = {os.path.abspath(path): label for path, label in zip(dataset.images, dataset.labels, strict=True)}
    images = collection.images()
    if not images:
        raise ValueError(f"none of the {len(dataset)} images could be read; " + "; ".join(skipped[:3]))
    labels = [label_of[str(path)] for path in images]
    sizes = Counter(label for label in labels if label is not None)
    if not any(size > 1 for size in sizes.values()):
        raise ValueError("no class has two images that could be read: there is nothing to find")
    queries = np.array([i for i, label in enumerate(labels) if label is not None], dtype=np.int64)
    ranker = Ranker(collection, queries, num_threads, progress)
    rankings: dict[str, Ranking] = {}
    verified: dict[str, Ranking] = {}
    short = short_names(descriptors)
    for name in descriptors:
        if collection.descriptors[name] == "local":
            rankings[name] = ranker.rank_by_inliers(name)
        else:
            rankings[name] = ranker.rank_by_vectors(name)
            if verify is not None:
                verified[name] = ranker.verify(
                    rankings[name], verify, what=f"verify {short[name]}", num_candidates=num_candidates
                )

    def evaluate(ranking: Ranking) -> DescriptorEvaluation:
        return _evaluate(ranking, queries, labels, interpolation, num_threads)

    return Evaluation(
        images=images,
        labels=labels,
        queries=queries,
        descriptors={name: evaluate(ranking) for name, ranking in rankings.items()},
        verified={name: evaluate(ranking) for name, ranking in verified.items()},
        verify=verify,
        interpolation=interpolation,
        skipped=list(skipped),
        single_image_classes=sorted(label for label, size in sizes.items() if size == 1),
    )


def precision_table(evaluation: Evaluation) -> Table:
    """mAP of each class and over all queries, a column for each descriptor and for each verified one."""
    columns = evaluation.columns
    rows = []
    for label in evaluation.classes:
        values = [column.per_class.get(label, math.nan) for column in columns.values()]
        rows.append((label, [count_cell(evaluation.labels.count(label)), *precision_cells(values)]))
    overall = precision_cells([column.mean_ap for column in columns.values()])
    rows.append(("all queries", [count_cell(len(evaluation.queries)), *overall]))
    heads = ["class", "images", *columns]
    return Table("precision", "Mean average precision", heads, rows, num_totals=1)


def _evaluate(
    ranking: Ranking,
    queries: npt.NDArray[np.int64],
    labels: Sequence[str | None],
    interpolation: str,
    num_threads: int | None,
) -> DescriptorEvaluation:
    members: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        if label is not None:
            members.setdefault(label, []).append(i)
    query_labels = [labels[query] or "" for query in queries]
    positives = [[i for i in members[label] if i != query] for query, label in zip(queries, query_labels, strict=True)]
    return evaluate_ranking(ranking, query_labels, positives, interpolation=interpolation, num_threads=num_threads)


def evaluate_ranking(
    ranking: Ranking,
    labels: Sequence[str],
    positives: Sequence[Sequence[int]],
    *,
    junk: Sequence[Sequence[int]] | None = None,
    interpolation: str = "trapezoid",
    depth: int | None = None,
    num_threads: int | None = None,
) -> DescriptorEvaluation:
    """Average precision of each query, of each class and of all.

    Parameters
    ----------
    ranking : Ranking
    labels : sequence of q str
        The class of each query.
    positives, junk, interpolation, num_threads
        As in `hcbir.mean_average_precision`.
    depth : int, optional
        Only so many of the best images count: AP is divided by min(positives, depth), and is 0 without positives.
    """
    indices = ranking.indices if depth is None else np.ascontiguousarray(ranking.indices[:, :depth])
    ap = mean_average_precision(indices, positives, junk=junk, interpolation=interpolation, num_threads=num_threads).ap
    counts = np.array([len(found) for found in positives])
    if depth is not None:
        ap = np.where(counts > 0, ap * counts / np.clip(counts, 1, depth), 0.0)
    defined = ~np.isnan(ap)
    of_class: dict[str, list[float]] = {}
    for label, value in zip(labels, ap, strict=True):
        if not np.isnan(value):
            of_class.setdefault(label, []).append(float(value))
    return DescriptorEvaluation(
        mean_ap=float(ap[defined].mean()) if defined.any() else float("nan"),
        per_class={label: float(np.mean(of_class[label])) for label in sorted(of_class)},
        num_queries=int(defined.sum()),
        ap=ap,
        ranking=ranking,
    )
