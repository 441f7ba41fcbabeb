"""hcbir.search on plain arrays, and hcbir.ExactIndex, against FAISS IndexFlatIP."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Against
from data import unit_vectors

import hcbir

faiss = pytest.importorskip("faiss")


@pytest.mark.parametrize("prepared", [False, True], ids=["search", "ExactIndex"])
@pytest.mark.parametrize(
    ("num_queries", "rows", "dim", "k"),
    [
        (681, 12_952, 2048, 100),
        (1000, 1_000_000, 128, 100),
        (1, 1_000_000, 128, 100),
        (1, 1_000_000, 256, 100),
        (16, 1_000_000, 256, 100),
    ],
)
def test_search(against: Against, num_queries: int, rows: int, dim: int, k: int, prepared: bool) -> None:
    database, queries = unit_vectors(rows, dim), unit_vectors(num_queries, dim, seed=1)
    faiss.omp_set_num_threads(hcbir.default_num_threads())
    theirs = faiss.IndexFlatIP(dim)
    theirs.add(database)
    index = hcbir.ExactIndex(database) if prepared else None

    def ours() -> hcbir.SearchResult:
        return index.search(queries, k) if index else hcbir.search(queries, database, k)

    # FAISS scores in float: near ties may swap.
    assert np.mean(ours().indices == theirs.search(queries, k)[1]) > 0.99
    against(
        ours,
        {"faiss IndexFlatIP": lambda: theirs.search(queries, k)},
        engine="ExactIndex" if prepared else "search",
        queries=num_queries,
        rows=rows,
        dim=dim,
        k=k,
    )
