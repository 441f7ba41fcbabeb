"""mAP straight from scores against counting in numpy, one thread."""

from __future__ import annotations

import numpy as np
from conftest import Against

import hcbir


def counted_ap(scores: np.ndarray, positives: list[np.ndarray]) -> np.ndarray:
    """Rectangle AP by counting, for each positive, the scores above it; equal scores do not occur here."""
    ap = []
    for row, wanted in zip(scores, positives, strict=True):
        ranks = np.sort([np.count_nonzero(row > row[i]) for i in wanted])
        ap.append(np.mean(np.arange(1, len(ranks) + 1) / (ranks + 1)))
    return np.array(ap)


def test_from_scores(against: Against) -> None:
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.arange(12_952, dtype=np.float32), (681, 1)), axis=1)
    positives = [rng.choice(12_952, 17, replace=False) for _ in range(681)]

    def ours() -> np.ndarray:
        return hcbir.mean_average_precision_from_scores(scores, positives, interpolation="rectangle", num_threads=1).ap

    np.testing.assert_allclose(ours(), counted_ap(scores, positives), atol=1e-12)
    against(
        ours,
        {"numpy counting": lambda: counted_ap(scores, positives)},
        queries=681,
        rows=12_952,
        positives=17,
        threads=1,
    )
