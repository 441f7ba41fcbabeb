"""hcbir.match against OpenCV and FAISS, one thread each."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Against
from data import unit_vectors

import hcbir

cv2 = pytest.importorskip("cv2")


@pytest.mark.parametrize(("n", "dim"), [(1000, 128), (1000, 1024)])
def test_float(against: Against, n: int, dim: int) -> None:
    d0, d1 = unit_vectors(n, dim), unit_vectors(n, dim, seed=1)
    cv2.setNumThreads(1)
    matcher = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True)
    against(
        lambda: hcbir.match(d0, d1, num_threads=1),
        {"OpenCV BFMatcher": lambda: matcher.match(d0, d1)},
        n=n,
        dim=dim,
        threads=1,
    )


def test_binary(against: Against) -> None:
    faiss = pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    d0, d1 = rng.integers(0, 256, (2, 1000, 32), dtype=np.uint8)
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)

    def mutual_by_faiss() -> np.ndarray:
        forward, backward = (faiss.knn_hamming(a, b, 1)[1].ravel() for a, b in ((d0, d1), (d1, d0)))
        rows = np.arange(len(forward))
        return rows[backward[forward] == rows]

    against(
        lambda: hcbir.match(d0, d1, num_threads=1),
        {"OpenCV BFMatcher": lambda: matcher.match(d0, d1), "FAISS knn_hamming": mutual_by_faiss},
        n=1000,
        bits=256,
        threads=1,
    )
