"""Rankings of a collection, for images of the collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hcbir._candidates import CandidateVerifications
from hcbir._features import LocalFeatures
from hcbir._search import search
from hcbir.collection import Collection
from hcbir.collection.retrieval import beyond_chance, verify_query
from hcbir.descriptors.keypoints import as_described

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
    verified: dict[str, CandidateVerifications] = field(default_factory=dict)

    def rank_by_vectors(self, name: str) -> Ranking:
        vectors = self.collection.vectors(name)
        found = search(vectors[self.queries], vectors, k=None, num_threads=self.num_threads)
        others = found.indices != self.queries[:, None]
        shape = (len(self.queries), len(vectors) - 1)
        return Ranking(found.indices[others].reshape(shape), found.scores[others].reshape(shape))

    def rank_by_inliers(self, name: str) -> Ranking:
        """By the plain inlier count of every image, as the paper does.

        Equal counts, of which there are many, follow the hash of the images' content, as in a study: the order of a
        collection often tells the classes.
        """
        every = np.argsort(self.collection.digests(), kind="stable")
        others = np.stack([every[every != query] for query in self.queries])
        unranked = Ranking(others, np.zeros(others.shape, dtype=np.float32))
        return self._rerank(unranked, name, others.shape[1], what=name, count=lambda found: found.num_inliers)

    def verify(self, ranking: Ranking, name: str, *, what: str, num_candidates: int) -> Ranking:
        """The head of each ranking by inlier counts beyond chance; equal counts and the tail stay in order."""
        head = min(num_candidates, ranking.indices.shape[1])
        return self._rerank(ranking, name, head, what=what, count=beyond_chance)

    def _rerank(
        self,
        ranking: Ranking,
        name: str,
        head: int,
        *,
        what: str,
        count: Callable[[CandidateVerifications], npt.NDArray[np.int32]],
    ) -> Ranking:
        indices, scores = ranking.indices.copy(), ranking.scores.copy()
        for row in range(len(self.queries)):
            order = indices[row, :head]
            counts = count(self._verified(name, row, order))
            best = np.argsort(-counts, kind="stable")
            indices[row, :head], scores[row, :head] = order[best], counts[best]
            if self.progress is not None:
                self.progress(what, row + 1, len(self.queries))
        return Ranking(indices, scores, head)

    def _verified(self, name: str, row: int, candidates: npt.NDArray[np.int64]) -> CandidateVerifications:
        """The query in that row against images; no pair is verified twice."""
        if name not in self.features:
            size = self.collection.descriptor(name).image_size
            images = range(len(self.collection))
            self.features[name] = [as_described(self.collection.features(i, name), size) for i in images]
            shape = (len(self.queries), len(self.collection))
            self.verified[name] = CandidateVerifications(np.full(shape, -1, dtype=np.int32), np.empty(shape))
        features, table = self.features[name], self.verified[name]
        unknown = candidates[table.num_inliers[row, candidates] < 0]
        found = verify_query(features[self.queries[row]], [features[i] for i in unknown], num_threads=self.num_threads)
        table.num_inliers[row, unknown], table.log10_nfa[row, unknown] = found.num_inliers, found.log10_nfa
        return CandidateVerifications(table.num_inliers[row, candidates], table.log10_nfa[row, candidates])
