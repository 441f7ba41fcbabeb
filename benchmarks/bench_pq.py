"""hcbir.ProductQuantizer against FAISS, the same codes and sample: training, encoding, scanning."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from conftest import Against
from data import unit_vectors

import hcbir

faiss = pytest.importorskip("faiss")

ROWS, DIM, K = 1_000_000, 128, 100


@functools.cache
def prepared(num_subquantizers: int, bits: int) -> tuple[hcbir.ProductQuantizer, np.ndarray]:
    """A quantizer of the first 100,000 vectors, and everybody's codes."""
    vectors = unit_vectors(ROWS, DIM)
    pq = hcbir.ProductQuantizer.train(vectors[:100_000], num_subquantizers=num_subquantizers, bits=bits)
    return pq, pq.encode(vectors)


def faiss_index(pq: hcbir.ProductQuantizer, codes: np.ndarray) -> faiss.IndexPQ:
    index = faiss.IndexPQ(pq.dim, pq.num_subquantizers, pq.bits, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(pq.centroids.ravel(), index.pq.centroids)
    index.is_trained = True
    faiss.copy_array_to_vector(codes.ravel(), index.codes)
    index.ntotal = len(codes)
    return index


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("num_queries", [1, 16, 1000])
def test_scan_of_8_bits(against: Against, num_queries: int, packed: bool) -> None:
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    pq, codes = prepared(32, 8)
    index, queries = faiss_index(pq, codes), unit_vectors(num_queries, DIM, seed=1)
    asked = queries[:100]  # FAISS takes queries one by one, so a share of them tells
    found = pq.search(asked, codes, K)
    assert np.mean(found.indices == index.search(asked, K)[1]) > 0.99  # FAISS sums in another order
    share = len(queries) / len(asked)
    searched = pq.pack(codes) if packed else codes
    against(
        lambda: pq.search(queries, searched, K),
        {f"faiss IndexPQ, 1 in {share:g}" if share > 1 else "faiss IndexPQ": lambda: index.search(asked, K)},
        codes="PQ32x8",
        packed=packed,
        queries=num_queries,
        rows=ROWS,
        k=K,
    )


@pytest.mark.parametrize("num_queries", [1, 1000])
def test_scan_of_4_bits(against: Against, num_queries: int) -> None:
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    pq, codes = prepared(64, 4)
    queries = unit_vectors(num_queries, DIM, seed=1)
    index = faiss.IndexPQFastScan(faiss_index(pq, codes))
    against(
        lambda: pq.search(queries, codes, K),
        {"faiss IndexPQFastScan": lambda: index.search(queries, K)},
        codes="PQ64x4",
        queries=num_queries,
        rows=ROWS,
        k=K,
    )


def test_encode(against: Against) -> None:
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    pq, codes = prepared(32, 8)
    vectors, index = unit_vectors(ROWS, DIM)[:100_000], faiss_index(pq, codes[:1])
    theirs = index.pq  # which the index owns
    assert np.mean(theirs.compute_codes(vectors) == codes[:100_000]) > 0.9999  # near ties
    against(
        lambda: pq.encode(vectors),
        {"faiss ProductQuantizer": lambda: theirs.compute_codes(vectors)},
        codes="PQ32x8",
        rows=len(vectors),
    )


def test_train(against: Against) -> None:
    """The same 65,536 vectors and 25 iterations. FAISS begins with random vectors, hcbir by k-means++."""
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    vectors, others = unit_vectors(ROWS, DIM)[:65_536], unit_vectors(ROWS, DIM)[-100_000:]
    theirs = faiss.ProductQuantizer(DIM, 32, 8)
    theirs.train(vectors)
    centroids = faiss.vector_to_array(theirs.centroids).reshape(32, 256, -1)

    def distortion(pq: hcbir.ProductQuantizer) -> float:
        return float(((pq.decode(pq.encode(others)) - others) ** 2).sum(axis=1).mean())

    ours = distortion(hcbir.ProductQuantizer.train(vectors, num_subquantizers=32))
    against(
        lambda: hcbir.ProductQuantizer.train(vectors, num_subquantizers=32),
        {"faiss ProductQuantizer": lambda: theirs.train(vectors)},
        codes="PQ32x8",
        rows=len(vectors),
        distortion=round(ours, 6),
        faiss_distortion=round(distortion(hcbir.ProductQuantizer(centroids)), 6),
    )
