"""What inverted lists have learned: which list a vector stands in, its code there, and how queries meet the codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._inverted_lists import Codes, Floats, Part
from hcbir._quantization import ProductQuantizer
from hcbir._runtime import num_threads_argument
from hcbir._search import SearchResult, search_arrays
from hcbir._value_range import check_largest

BLOCK = 65536
"""Vectors whose differences from their centroids are in memory at a time."""

MOST_PADDED = 2**20
"""What a query may ask of an index that holds fewer vectors."""


class InvertedCoder(NamedTuple):
    """The lists' centroids, the quantiser of differences from them, and the metric.

    By l2 squared distances are split into products, which are small about a point among the vectors: the origin.
    Else it is empty.
    """

    centroids: Floats
    quantizer: ProductQuantizer
    metric: str
    origin: Floats

    def check_length(self, vectors: Floats, name: str) -> None:
        if vectors.shape[1] != self.quantizer.dim:
            raise ValueError(f"{name} must have the index's dimension, {self.quantizer.dim}, got {vectors.shape[1]}")

    def encode(self, vectors: Floats, num_threads: int | None) -> tuple[npt.NDArray[np.int64], Codes, Floats]:
        """Each vector's list, code and, by l2, term."""
        lists = np.empty(len(vectors), np.int64)
        codes = np.empty((len(vectors), self.quantizer.code_size), np.uint8)
        for first in range(0, len(vectors), BLOCK):
            block = vectors[first : first + BLOCK]
            check_largest(block, first)
            lists[first : first + BLOCK] = listed = nearest_lists(block, self.centroids, num_threads)
            rests = block - self.centroids[listed]
            codes[first : first + BLOCK] = self.quantizer.encode(rests, num_threads=num_threads)
        if self.metric != "l2":
            return lists, codes, np.empty(0, np.float32)
        threads = num_threads_argument(num_threads)
        terms = _core.list_terms(self.quantizer._core, self.centroids, self.origin, codes, lists, threads)
        return lists, codes, terms

    def search(
        self, queries: Floats, parts: Sequence[Part], k: int, num_probes: int, num_threads: int | None
    ) -> SearchResult:
        held = sum(len(part.ids) for part in parts)
        if k > max(held, MOST_PADDED):
            raise ValueError(f"k must be at most {max(held, MOST_PADDED)} for an index of {held} vectors, got {k}")
        probes = search_arrays(queries, self.centroids, num_probes, self.metric, None, num_threads).indices
        found = SearchResult(
            *_core.search_lists(
                self.quantizer._core,
                self.centroids,
                parts,
                _core.Metric[self.metric],
                self.origin,
                queries,
                probes,
                max(1, min(k, held)),  # so that no more than there is takes memory in the core
                num_threads_argument(num_threads),
            )
        )
        return found if found.indices.shape[1] == k else padded(found, k)


def padded(found: SearchResult, k: int) -> SearchResult:
    """With k columns: scores of -inf and indices of -1 follow."""
    num_queries, num = found.indices.shape
    scores, indices = np.full((num_queries, k), -np.inf, np.float32), np.full((num_queries, k), -1)
    scores[:, :num], indices[:, :num] = found.scores, found.indices
    return SearchResult(scores, indices)


def nearest_lists(vectors: Floats, centroids: Floats, num_threads: int | None) -> npt.NDArray[np.int64]:
    return search_arrays(vectors, centroids, 1, "l2", None, num_threads).indices[:, 0]
