"""hcbir.verify_many with features' frames, all of them tried, against samples and against OpenCV pair by pair.

A true pair of features says by how much the image is scaled to 15 %, and turned to .15 radians; wrong ones anything.
"""

from __future__ import annotations

import numpy as np
import pytest
from bench_verify import BOUND, PEERS, Points, scene
from conftest import Against

import hcbir

cv2 = pytest.importorskip("cv2")

PAIRS, BY_PEER, MATCHES = 400, 30, 300


def frames(p: Points, q: Points, is_true: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    scales = np.exp(rng.normal(0, 0.5, (2, len(p))))
    angles = rng.uniform(-np.pi, np.pi, (2, len(p)))
    if is_true.any():
        linear = np.linalg.lstsq(np.c_[p, np.ones(len(p))][is_true], q[is_true], rcond=None)[0][:2]
        wrong = rng.normal(0, 0.15, (2, is_true.sum()))
        scales[1, is_true] = scales[0, is_true] * np.sqrt(np.linalg.det(linear)) * np.exp(wrong[0])
        angles[1, is_true] = angles[0, is_true] + np.arctan2(linear[0, 1], linear[0, 0]) + wrong[1]
    return {
        "scales0": scales[0].astype(np.float32),
        "orientations0": angles[0].astype(np.float32),
        "scales1": scales[1].astype(np.float32),
        "orientations1": angles[1].astype(np.float32),
    }


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("model", ["similarity", "affine"])
def test_all_frames(against: Against, model: str, ratio: float, threads: int) -> None:
    rng = np.random.default_rng(0)
    scenes = [scene("similarity", MATCHES, ratio, rng) for _ in range(PAIRS)]
    each = [frames(*one, rng) for one in scenes]
    p, q = (np.concatenate([one[side] for one in scenes]) for side in (0, 1))
    given = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    offsets = MATCHES * np.arange(PAIRS + 1)
    cv2.setNumThreads(threads)
    name, peer = next(iter(PEERS[model].items()))

    def verify(*, exhaustive: bool) -> hcbir.Verifications:
        options = {"model": model, "max_error": BOUND, "exhaustive": exhaustive, "num_threads": threads}
        return hcbir.verify_many(p, q, offsets, **given, **options)

    against(
        lambda: verify(exhaustive=True),
        {
            "hcbir, sampled": lambda: verify(exhaustive=False),
            f"{name}, {BY_PEER} pairs": lambda: [peer(p, q) for p, q, _ in scenes[:BY_PEER]],
        },
        model=model,
        pairs=PAIRS,
        matches=MATCHES,
        inlier_ratio=ratio,
        threads=threads,
        inliers=float(verify(exhaustive=True).num_inliers.mean()),
    )
