"""Rankings of a collection, for images of the collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures
from hcbir._search import search
from hcbir.collection import Collection
from hcbir.collection.retrieval import count_query_inliers

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the number done and the number to do."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """All images but the query, best first, for each query.

    Parameters
    ----------
    indices : (q, n - 1) int64
    scores : (q, n - 1) float32
    num_verified : int
        How many, from the head, are ranked by inlier count; the others by the dot product.
    """

    indices: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    num_verified: int = 0


@dataclass(frozen=True, eq=False)
class Ranker:
    """Ranks a collection for queries that are images of it.

    Parameters
    ----------
    collection : Collection
    queries : (q,) int64
        Indices of images.
    """

    collection: Collection
    queries: npt.NDArray[np.int64]
    num_threads: int | None
    progress: Progress | None
    features: dict[str, list[LocalFeatures]] = field(default_factory=dict)
    counts: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)

    def rank_by_vectors(self, name: str) -> Ranking:
        vectors = self.collection.vectors(name)
        found = search(vectors[self.queries], vectors, k=None, num_threads=self.num_threads)
        others = found.indices != self.queries[:, None]
        shape = (len(self.queries), len(vectors) - 1)
        return Ranking(found.indices[others].reshape(shape), found.scores[others].reshape(shape))

    def rank_by_inliers(self, name: str) -> Ranking:
        every = np.arange(len(self.collection), dtype=np.int64)
        others = np.stack([every[every != query] for query in self.queries])
        unranked = Ranking(others, np.zeros(others.shape, dtype=np.float32))
        return self.verify(unranked, name, what=name, num_candidates=others.shape[1])

    def verify(self, ranking: Ranking, name: str, *, what: str, num_candidates: int) -> Ranking:
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
        return Ranking(indices, scores, head)

    def _count_inliers(self, name: str, row: int, candidates: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Inliers of the query in that row against images; no pair is verified twice."""
        if name not in self.features:
            self.features[name] = [self.collection.features(i, name) for i in range(len(self.collection))]
            self.counts[name] = np.full((len(self.queries), len(self.collection)), -1, dtype=np.int32)
        features, counts = self.features[name], self.counts[name][row]
        unknown = candidates[counts[candidates] < 0]
        counts[unknown] = count_query_inliers(
            features[self.queries[row]], [features[i] for i in unknown], num_threads=self.num_threads
        )
        known: npt.NDArray[np.int32] = counts[candidates]
        return known
