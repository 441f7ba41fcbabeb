"""Codes of 32 bytes and the full vectors: queries per second at recall@10 >= .99, against what others offer for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bench_pq import faiss_index, prepared
from conftest import Against
from data import unit_vectors

import hcbir

faiss = pytest.importorskip("faiss")

ROWS, DIM, K, WANTED = 1_000_000, 128, 10, 0.99
CANDIDATES = (10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000)

Search = Callable[[np.ndarray, int], np.ndarray]
"""(queries, candidates) -> the K indices of each query."""


def ours(num_subquantizers: int, bits: int) -> Search:
    vectors, (pq, codes) = unit_vectors(ROWS, DIM), prepared(num_subquantizers, bits)
    return lambda q, n: pq.search(q, codes, K, rerank=vectors, num_candidates=n).indices


def refined(index: Any) -> Search:
    vectors = unit_vectors(ROWS, DIM)
    refine = faiss.IndexRefineFlat(index, faiss.swig_ptr(vectors))  # copies them

    def search(queries: np.ndarray, num_candidates: int) -> np.ndarray:
        refine.k_factor = num_candidates / K
        return refine.search(queries, K)[1]

    return search


def faiss_fast_scan() -> Search:
    return refined(faiss.IndexPQFastScan(faiss_index(*prepared(64, 4))))


def faiss_rabitq() -> Search:
    index = faiss.index_factory(DIM, "RR128,RaBitQfs", faiss.METRIC_INNER_PRODUCT)
    index.train(unit_vectors(ROWS, DIM)[:100_000])
    index.add(unit_vectors(ROWS, DIM))
    return refined(index)


def scann_hashing() -> Search:
    scann = pytest.importorskip("scann")
    builder = scann.scann_ops_pybind.builder(unit_vectors(ROWS, DIM), K, "dot_product")
    builder.set_n_training_threads(hcbir.default_num_threads())
    index = builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100).build()
    index.set_num_threads(hcbir.default_num_threads())

    def search(queries: np.ndarray, num_candidates: int) -> np.ndarray:
        return index.search_batched_parallel(queries, final_num_neighbors=K, pre_reorder_num_neighbors=num_candidates)[
            0
        ]

    return search


PEERS = {"faiss PQ64x4fs": faiss_fast_scan, "faiss RaBitQfs": faiss_rabitq, "scann AH": scann_hashing}


@functools.cache
def exact() -> np.ndarray:
    return hcbir.search(unit_vectors(1000, DIM, seed=1), unit_vectors(ROWS, DIM), K).indices


def enough(search: Search, queries: np.ndarray) -> int:
    """The fewest candidates that reach the recall."""
    for num_candidates in CANDIDATES:
        found = search(queries, num_candidates)
        if np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, exact(), strict=True)]) >= WANTED:
            return num_candidates
    raise AssertionError(f"recall stays below {WANTED}")


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(("num_subquantizers", "bits"), [(32, 8), (64, 4)])
def test_rerank(against: Against, num_subquantizers: int, bits: int, peer: str) -> None:
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    queries = unit_vectors(1000, DIM, seed=1)
    search, theirs = ours(num_subquantizers, bits), PEERS[peer]()
    own, other = enough(search, queries), enough(theirs, queries)
    against(
        lambda: search(queries, own),
        {f"{peer}, {other} candidates": lambda: theirs(queries, other)},
        codes=f"PQ{num_subquantizers}x{bits}",
        candidates=own,
        queries=len(queries),
        rows=ROWS,
        k=K,
    )
