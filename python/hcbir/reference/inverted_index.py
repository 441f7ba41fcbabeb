"""Search of inverted lists, specified."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.reference.quantization import adc_scores, decode

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


def list_terms(codes: Array, lists: Array, centroids: Array, origin: Array, codebooks: Array, bits: int) -> Array:
    """|r|² + 2 (c - o)·r of the rest r that a code stands for, in the list of centroid c, seen from the origin o."""
    rests = decode(codes, codebooks, bits).astype(np.float64)
    seen = (centroids[lists] - origin).astype(np.float64)
    terms: Array = ((rests**2).sum(axis=1) + 2 * (seen * rests).sum(axis=1)).astype(np.float32)
    return terms


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
    origin: Array | None = None,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The k best codes of every query among those whose list is one of its probes; -inf and -1 where there are fewer.

    lists: (n,) the list of each code. A code stands for its list's centroid c and a rest r. The score is, for dot, that
    of r plus q·c; for l2 that of r by 2 (q - origin), plus -|q - c|², less the code's term. q·c and -|q - c|² are
    rounded to float32, and what is added or taken is so in float32.
    """
    scores = np.full((len(queries), k), -np.inf, np.float32)
    found = np.full((len(queries), k), -1, np.int64)
    terms = np.zeros(len(codes), np.float32)
    seen = queries
    if metric == "l2":
        assert origin is not None
        terms = list_terms(codes, lists, centroids, origin, codebooks, bits)
        seen = 2 * (queries - origin)
    of_rests = adc_scores(seen, codes, codebooks, bits, "dot")
    for i, query in enumerate(queries.astype(np.float64)):
        candidates = []
        for probe in probes[i]:
            in_list = lists == probe
            centroid = centroids[probe].astype(np.float64)
            base = np.float32(query @ centroid if metric == "dot" else -((query - centroid) ** 2).sum())
            listed = of_rests[i, in_list] + base - terms[in_list]
            candidates += list(zip(-listed, ids[in_list], strict=True))
        for rank, (score, id_) in enumerate(sorted(candidates)[:k]):
            scores[i, rank], found[i, rank] = -score, id_
    return scores, found
