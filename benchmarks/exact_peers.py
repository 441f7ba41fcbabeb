"""Exact inner-product search by others, each if it is installed: a prepared database answers (queries, k)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np

import hcbir

Search = Callable[[np.ndarray, int], np.ndarray]
Prepare = Callable[[np.ndarray], Search]

TORCH_BLOCK = 16_384  # rows whose scores are made at once where all would take over 128 MiB
TORCH_SCORES = 1 << 25


def faiss_flat(database: np.ndarray) -> Search:
    import faiss

    faiss.omp_set_num_threads(hcbir.default_num_threads())
    index = faiss.IndexFlatIP(database.shape[1])
    index.add(database)
    return lambda queries, k: index.search(queries, k)[1]


def scann_brute_force(database: np.ndarray) -> Search:
    import scann

    index = scann.scann_ops_pybind.builder(database, 10, "dot_product").score_brute_force().build()
    threads = hcbir.default_num_threads()
    index.set_num_threads(threads)

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        batch = min(256, max(1, len(queries) // threads))
        if len(queries) == 1:
            return index.search(queries[0], final_num_neighbors=k)[0][None]
        return index.search_batched_parallel(queries, final_num_neighbors=k, batch_size=batch)[0]

    return search


def torch_topk(database: np.ndarray) -> Search:
    import torch

    torch.set_num_threads(hcbir.default_num_threads())
    rows = torch.from_numpy(database)

    def search(queries: np.ndarray, k: int) -> np.ndarray:
        q = torch.from_numpy(queries)
        block = len(rows) if len(q) * len(rows) <= TORCH_SCORES else TORCH_BLOCK
        best = None
        for first in range(0, len(rows), block):
            scores, places = torch.topk(q @ rows[first : first + block].T, min(k, len(rows[first : first + block])))
            places += first
            if best is not None:
                scores, picked = torch.topk(torch.cat([best[0], scores], 1), k)
                places = torch.gather(torch.cat([best[1], places], 1), 1, picked)
            best = scores, places
        assert best is not None
        return best[1].numpy()

    return search


def usearch_exact(database: np.ndarray) -> Search:
    from usearch.index import search

    threads = hcbir.default_num_threads()
    return lambda queries, k: search(database, queries, k, "ip", exact=True, threads=threads).keys.reshape(
        len(queries), k
    )


PEERS: dict[str, tuple[str, Prepare]] = {
    "FAISS": ("faiss", faiss_flat),
    "ScaNN": ("scann", scann_brute_force),
    "torch": ("torch", torch_topk),
    "USearch": ("usearch", usearch_exact),
}


def installed() -> dict[str, Prepare]:
    return {name: prepare for name, (module, prepare) in PEERS.items() if importlib.util.find_spec(module)}
