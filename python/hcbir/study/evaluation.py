"""The evaluation protocol: every labelled image is a query, left out of its own ranking."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir._evaluation import mean_average_precision
from hcbir._features import LocalFeatures
from hcbir._search import search
from hcbir.collection import Collection
from hcbir.collection.retrieval import count_query_inliers
from hcbir.study.datasets import Dataset

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the number done and the number to do."""


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
    rankings : (q, n - 1) int64
        Indices of all images but the query, best first.
    scores : (q, n - 1) float32
        What they are ranked by. Beyond the candidates of a verification, the dot product.
    num_verified : int
        How many of each ranking, from its head, are ranked by inlier count.
    """

    mean_ap: float
    per_class: dict[str, float]
    num_queries: int
    ap: npt.NDArray[np.float64]
    rankings: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    num_verified: int


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
        """Every ranking that was evaluated, by the name a table shows: a verified one follows its own."""
        columns = {}
        for name, figures in self.descriptors.items():
            columns[name] = figures
            if name in self.verified:
                columns[f"{name} + {self.verify}"] = self.verified[name]
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
) -> Evaluation:
    """Mean average precision per class and over all queries.

    Parameters
    ----------
    dataset : Dataset
    descriptors : sequence of str
        Names that `hcbir.descriptors.load` knows. A global descriptor ranks by the dot product; a local one by the
        inlier count of one-to-one matches under RANSAC, query against image, exhaustively; ties by smaller index.
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

    Raises
    ------
    ValueError
        If no image can be read, or no class has two of them.
    """
    wanted = list(dict.fromkeys([*descriptors, *([verify] if verify else [])]))
    with (
        tempfile.TemporaryDirectory(prefix="hcbir-evaluate-") as scratch,
        Collection.create(Path(scratch) / "collection", wanted, image_size=image_size) as collection,
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
    label_of = {os.path.abspath(path): label for path, label in zip(dataset.images, dataset.labels, strict=True)}
    images = collection.images()
    if not images:
        raise ValueError(f"none of the {len(dataset)} images could be read; " + "; ".join(skipped[:3]))
    labels = [label_of[str(path)] for path in images]
    sizes = Counter(label for label in labels if label is not None)
    if not any(size > 1 for size in sizes.values()):
        raise ValueError("no class has two images that could be read: there is nothing to find")
    queries = np.array([i for i, label in enumerate(labels) if label is not None], dtype=np.int64)
    run = _Run(collection, labels, queries, interpolation, num_threads, progress)
    rankings: dict[str, _Ranking] = {}
    verified: dict[str, _Ranking] = {}
    for name in descriptors:
        if collection.descriptors[name] == "local":
            rankings[name] = run.rank_by_inliers(name)
        else:
            rankings[name] = run.rank_by_vectors(name)
            if verify is not None:
                verified[name] = run.verify(
                    rankings[name], verify, what=f"verify {name}", num_candidates=num_candidates
                )
    return Evaluation(
        images=images,
        labels=labels,
        queries=queries,
        descriptors={name: run.evaluate(ranking) for name, ranking in rankings.items()},
        verified={name: run.evaluate(ranking) for name, ranking in verified.items()},
        verify=verify,
        interpolation=interpolation,
        skipped=list(skipped),
        single_image_classes=sorted(label for label, size in sizes.items() if size == 1),
    )


@dataclass(frozen=True, eq=False)
class _Ranking:
    indices: npt.NDArray[np.int64]  # (q, n - 1): the query is left out
    scores: npt.NDArray[np.float32]
    num_verified: int = 0


@dataclass(frozen=True, eq=False)
class _Run:
    """What the rankings of one evaluation share."""

    collection: Collection
    labels: Sequence[str | None]
    queries: npt.NDArray[np.int64]
    interpolation: str
    num_threads: int | None
    progress: Progress | None
    features: dict[str, list[LocalFeatures]] = field(default_factory=dict)
    counts: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)

    def rank_by_vectors(self, name: str) -> _Ranking:
        vectors = self.collection.vectors(name)
        found = search(vectors[self.queries], vectors, k=None, num_threads=self.num_threads)
        others = found.indices != self.queries[:, None]
        shape = (len(self.queries), len(vectors) - 1)
        return _Ranking(found.indices[others].reshape(shape), found.scores[others].reshape(shape))

    def rank_by_inliers(self, name: str) -> _Ranking:
        every = np.arange(len(self.labels), dtype=np.int64)
        others = np.stack([every[every != query] for query in self.queries])
        unranked = _Ranking(others, np.zeros(others.shape, dtype=np.float32))
        return self.verify(unranked, name, what=name, num_candidates=others.shape[1])

    def verify(self, ranking: _Ranking, name: str, *, what: str, num_candidates: int) -> _Ranking:
        """The head of each ranking by falling inlier count; equal counts and the tail stay in order."""
        indices, scores = ranking.indices.copy(), ranking.scores.copy()
        head = min(num_candidates, indices.shape[1])
        for row in range(len(self.queries)):
            order = indices[row, :head]
            counts = self._count_inliers(name, row, order)
            best = np.argsort(-counts, kind="stable")
            indices[row, :head], scores[row, :head] = order[best], counts[best]
            if self.progress is not None:
                self.progress(what, row + 1, len(self.queries))
        return _Ranking(indices, scores, head)

    def _count_inliers(self, name: str, row: int, candidates: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Inliers of the query in that row against images; no pair is verified twice."""
        if name not in self.features:
            self.features[name] = [self.collection.features(i, name) for i in range(len(self.labels))]
            self.counts[name] = np.full((len(self.queries), len(self.labels)), -1, dtype=np.int32)
        features, counts = self.features[name], self.counts[name][row]
        unknown = candidates[counts[candidates] < 0]
        counts[unknown] = count_query_inliers(
            features[self.queries[row]], [features[i] for i in unknown], num_threads=self.num_threads
        )
        return counts[candidates]

    def evaluate(self, ranking: _Ranking) -> DescriptorEvaluation:
        members: dict[str, list[int]] = {}
        for i, label in enumerate(self.labels):
            if label is not None:
                members.setdefault(label, []).append(i)
        query_labels = [self.labels[query] or "" for query in self.queries]
        positives = [
            [i for i in members[label] if i != query] for query, label in zip(self.queries, query_labels, strict=True)
        ]
        result = mean_average_precision(
            ranking.indices, positives, interpolation=self.interpolation, num_threads=self.num_threads
        )
        per_class = {
            label: float(np.mean([ap for ap, of in zip(result.ap, query_labels, strict=True) if of == label]))
            for label in sorted(members)
            if len(members[label]) > 1
        }
        return DescriptorEvaluation(
            mean_ap=result.mean_ap,
            per_class=per_class,
            num_queries=sum(len(found) > 0 for found in positives),
            ap=result.ap,
            rankings=ranking.indices,
            scores=ranking.scores,
            num_verified=ranking.num_verified,
        )
