"""hcbir.IVFPQIndex against faiss.IndexIVFPQ with the same lists, centroids and codes, so of the same recall."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from conftest import Against
from data import unit_vectors

import hcbir

faiss = pytest.importorskip("faiss")

ROWS, DIM, LISTS, K = 1_000_000, 128, 1024, 10


@functools.cache
def prepared(metric: str) -> tuple[hcbir.IVFPQIndex, faiss.IndexIVFPQ]:
    """Trained on the first 100,000 vectors; both hold the same million codes."""
    vectors = unit_vectors(ROWS, DIM)
    index = hcbir.IVFPQIndex(LISTS, num_subquantizers=32, metric=metric)
    index.train(vectors[:100_000], num_iterations=10)
    index.add(vectors)
    return index, faiss_index(index)


def faiss_index(index: hcbir.IVFPQIndex) -> faiss.IndexIVFPQ:
    by = faiss.METRIC_INNER_PRODUCT if index.metric == "dot" else faiss.METRIC_L2
    coarse = faiss.IndexFlat(DIM, by)
    coarse.add(index.centroids)
    theirs = faiss.IndexIVFPQ(coarse, DIM, LISTS, 32, 8, by)
    theirs.by_residual = True
    faiss.copy_array_to_vector(index.quantizer.centroids.ravel(), theirs.pq.centroids)
    theirs.is_trained = True
    theirs.precompute_table()
    part = index.inverted_lists
    for number, (first, last) in enumerate(zip(part.offsets[:-1], part.offsets[1:], strict=True)):
        if first < last:
            ids, codes = (np.ascontiguousarray(a[first:last]) for a in (part.ids, part.codes))
            theirs.invlists.add_entries(number, len(ids), faiss.swig_ptr(ids), faiss.swig_ptr(codes))
    theirs.ntotal = len(index)
    return theirs


@functools.cache
def exact(metric: str) -> np.ndarray:
    return hcbir.search(unit_vectors(1000, DIM, seed=1), unit_vectors(ROWS, DIM), K, metric=metric).indices


def recall(found: np.ndarray, metric: str) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, exact(metric), strict=True)]))


@pytest.mark.parametrize("num_queries", [1, 1000])
@pytest.mark.parametrize("nprobe", [16, 64])
@pytest.mark.parametrize("metric", ["dot", "l2"])
def test_search(against: Against, metric: str, nprobe: int, num_queries: int) -> None:
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    index, theirs = prepared(metric)
    theirs.nprobe = nprobe
    asked = unit_vectors(1000, DIM, seed=1)
    queries = asked[:num_queries]
    against(
        lambda: index.search(queries, K, nprobe=nprobe),
        {"faiss IndexIVFPQ": lambda: theirs.search(queries, K)},
        codes=f"IVF{LISTS},PQ32x8 {metric}",
        nprobe=nprobe,
        queries=num_queries,
        rows=ROWS,
        k=K,
        recall=round(recall(index.search(asked, K, nprobe=nprobe).indices, metric), 4),
        faiss_recall=round(recall(theirs.search(asked, K)[1], metric), 4),
    )
