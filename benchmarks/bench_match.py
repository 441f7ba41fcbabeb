"""hcbir.match against the exact peers, one thread each: mutual nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Against
from data import unit_vectors

import hcbir

cv2 = pytest.importorskip("cv2")


def mutual(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Rows of the first set whose nearest's nearest they are."""
    rows = np.arange(len(forward))
    return rows[backward[forward] == rows]


def float_peers(d0: np.ndarray, d1: np.ndarray) -> dict[str, Callable[[], Any]]:
    cv2.setNumThreads(1)
    matcher = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True)
    peers: dict[str, Callable[[], Any]] = {"OpenCV BFMatcher": lambda: matcher.match(d0, d1)}
    faiss, torch = pytest.importorskip("faiss"), pytest.importorskip("torch")
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)

    def by_faiss() -> np.ndarray:
        forward, backward = (faiss.knn(a, b, 1, faiss.METRIC_INNER_PRODUCT)[1].ravel() for a, b in ((d0, d1), (d1, d0)))
        return mutual(forward, backward)

    t0, t1 = torch.from_numpy(d0), torch.from_numpy(d1)

    def by_torch() -> np.ndarray:
        scores = t0 @ t1.T
        return mutual(scores.argmax(1).numpy(), scores.argmax(0).numpy())

    return peers | {"FAISS knn": by_faiss, "torch mm": by_torch}


@pytest.mark.parametrize("dim", [128, 1024])
@pytest.mark.parametrize(("n0", "n1"), [(1000, 1000), (500, 2000)])
def test_float(against: Against, n0: int, n1: int, dim: int) -> None:
    d0, d1 = unit_vectors(n0, dim), unit_vectors(n1, dim, seed=1)
    peers = float_peers(d0, d1)
    against(lambda: hcbir.match(d0, d1, num_threads=1), peers, n0=n0, n1=n1, dim=dim, threads=1)


@pytest.mark.parametrize(("n0", "n1"), [(1000, 1000), (500, 2000)])
def test_binary(against: Against, n0: int, n1: int) -> None:
    faiss = pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    d0, d1 = (rng.integers(0, 256, (n, 32), dtype=np.uint8) for n in (n0, n1))
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)

    def by_faiss() -> np.ndarray:
        forward, backward = (faiss.knn_hamming(a, b, 1)[1].ravel() for a, b in ((d0, d1), (d1, d0)))
        return mutual(forward, backward)

    peers = {"OpenCV BFMatcher": lambda: matcher.match(d0, d1), "FAISS knn_hamming": by_faiss}
    against(lambda: hcbir.match(d0, d1, num_threads=1), peers, n0=n0, n1=n1, bits=256, threads=1)
