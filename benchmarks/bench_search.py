"""hcbir.search on plain arrays against FAISS IndexFlatIP and numpy."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Against
from data import unit_vectors

import hcbir

faiss = pytest.importorskip("faiss")


@pytest.mark.parametrize(
    ("num_queries", "rows", "dim", "k"),
    [(681, 12_952, 2048, 100), (1000, 1_000_000, 128, 100), (1, 1_000_000, 256, 100), (16, 1_000_000, 256, 100)],
)
def test_search(against: Against, num_queries: int, rows: int, dim: int, k: int) -> None:
    database, queries = unit_vectors(rows, dim), unit_vectors(num_queries, dim, seed=1)
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    index = faiss.IndexFlatIP(dim)
    index.add(database)
    ours, theirs = hcbir.search(queries, database, k).indices, index.search(queries, k)[1]
    assert np.mean(ours == theirs) > 0.99  # FAISS scores in float: near ties may swap
    against(
        lambda: hcbir.search(queries, database, k),
        {"faiss IndexFlatIP": lambda: index.search(queries, k)},
        queries=num_queries,
        rows=rows,
        dim=dim,
        k=k,
    )
