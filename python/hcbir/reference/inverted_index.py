"""Search of inverted lists, specified."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.reference.quantization import adc_scores

Array = npt.NDArray[Any]


def nearest_lists(vectors: Array, centroids: Array) -> Array:
    """The list of every vector: that of the nearest centroid, the first of equally near ones."""
    differences = vectors.astype(np.float64)[:, None] - centroids.astype(np.float64)
    nearest: Array = (differences**2).sum(axis=2).argmin(axis=1)
    return nearest


def best_lists(queries: Array, centroids: Array, nprobe: int, metric: str) -> Array:
    """(q, nprobe) lists that a query reads: those of the centroids that score highest."""
    q, c = queries.astype(np.float64), centroids.astype(np.float64)
    scores = q @ c.T if metric == "dot" else -((q[:, None] - c) ** 2).sum(axis=2)
    return np.argsort(-scores, axis=1, kind="stable")[:, :nprobe]


def ivf_search(
    queries: Array,
    probes: Array,
    centroids: Array,
    codebooks: Array,
    bits: int,
    codes: Array,
    ids: Array,
    lists: Array,
    k: int,
    *,
    metric: str = "dot",
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The k best codes of every query among those whose list is one of its probes; -inf and -1 where there are fewer.

    lists: (n,) the list of each code. A code stands for its list's centroid and a rest; of their products with the
    query the first is rounded to float32 and added to the score of the rest; for l2 the centroid is first taken from
    the query, in float32.
    """
    scores = np.full((len(queries), k), -np.inf, np.float32)
    found = np.full((len(queries), k), -1, np.int64)
    for i, query in enumerate(queries):
        candidates = []
        for probe in probes[i]:
            in_list = lists == probe
            base = np.float32(0)
            rest = query - centroids[probe]
            if metric == "dot":
                base = np.float32(query.astype(np.float64) @ centroids[probe].astype(np.float64))
                rest = query
            listed = adc_scores(rest[None], codes[in_list], codebooks, bits, metric)[0] + base
            candidates += list(zip(-listed, ids[in_list], strict=True))
        for rank, (score, id_) in enumerate(sorted(candidates)[:k]):
            scores[i, rank], found[i, rank] = -score, id_
    return scores, found
