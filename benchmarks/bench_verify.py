"""hcbir.verify against OpenCV and PoseLib, one thread each: 4 px bound, 10,000 trials, confidence 0.999.

True pairs carry 1 px of noise; wrong ones are uniform in both images. Beside the speed, success is the share of scenes
in which 90 % of the true pairs were found, and precision and recall are the means of the inliers returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Against

import hcbir

cv2 = pytest.importorskip("cv2")
poselib = pytest.importorskip("poselib")

WIDTH, HEIGHT = 1024, 768
SCENES = 30
BOUND, TRIALS, CONFIDENCE = 4.0, 10_000, 0.999
Points = np.ndarray
Estimate = Callable[[Points, Points], Any]  # the inliers' mask, or None


def true_map(model: str, rng: np.random.Generator) -> np.ndarray:
    angle, scale = rng.uniform(-0.5, 0.5), math.exp(rng.uniform(-0.4, 0.4))
    middle = np.eye(3)
    middle[:2, :2] = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    if model != "similarity":
        middle[:2, :2] @= np.array([[math.exp(rng.uniform(-0.3, 0.3)), rng.uniform(-0.25, 0.25)], [0, 1]])
    if model == "homography":
        middle[2, :2] = rng.uniform(-2.5e-4, 2.5e-4, 2)
    centre = np.array([[1, 0, -WIDTH / 2], [0, 1, -HEIGHT / 2], [0, 0, 1]])
    shift = np.array([WIDTH / 2 + rng.uniform(-80, 80), HEIGHT / 2 + rng.uniform(-60, 60)])
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]]) @ middle @ centre


def scene(model: str, count: int, ratio: float, rng: np.random.Generator) -> tuple[Points, Points, np.ndarray]:
    """points0, points1, which pairs are true; every true point lies inside both images."""
    points0, points1 = (rng.uniform(0, (WIDTH, HEIGHT), (count, 2)) for _ in range(2))
    is_true = rng.permutation(count) < round(ratio * count)
    truth = true_map(model, rng)
    left = np.flatnonzero(is_true)
    while len(left):
        points0[left] = rng.uniform(0, (WIDTH, HEIGHT), (len(left), 2))
        mapped = np.c_[points0[left], np.ones(len(left))] @ truth.T
        points1[left] = mapped[:, :2] / mapped[:, 2:] + rng.normal(0, 1, (len(left), 2))
        left = left[((points1[left] < 0) | (points1[left] >= (WIDTH, HEIGHT))).any(axis=1)]
    return points0.astype(np.float32), points1.astype(np.float32), is_true


def homography(method: int) -> Estimate:
    return lambda p, q: cv2.findHomography(p, q, method, BOUND, None, TRIALS, CONFIDENCE)[1]


def homography_poselib(p: Points, q: Points) -> Any:
    options = {"max_reproj_error": BOUND, "max_iterations": TRIALS, "min_iterations": 50, "success_prob": CONFIDENCE}
    return poselib.estimate_homography(p, q, options, {})[1]["inliers"]


def affine_usac(p: Points, q: Points) -> Any:
    options = cv2.UsacParams()
    options.threshold, options.maxIterations, options.confidence = BOUND, TRIALS, CONFIDENCE
    options.score, options.sampler = cv2.SCORE_METHOD_MSAC, cv2.SAMPLING_UNIFORM
    options.loMethod = cv2.LOCAL_OPTIM_INNER_LO
    return cv2.estimateAffine2D(p, q, options)[1]


def ransac(estimate: Callable[..., Any]) -> Estimate:
    bounds = {"ransacReprojThreshold": BOUND, "maxIters": TRIALS, "confidence": CONFIDENCE}
    return lambda p, q: estimate(p, q, method=cv2.RANSAC, **bounds)[1]


PEERS: dict[str, dict[str, Estimate]] = {
    "homography": {
        "OpenCV USAC_FAST": homography(cv2.USAC_FAST),
        "OpenCV USAC_MAGSAC": homography(cv2.USAC_MAGSAC),
        "PoseLib": homography_poselib,
    },
    "affine": {"OpenCV RANSAC": ransac(cv2.estimateAffine2D), "OpenCV USAC": affine_usac},
    "similarity": {"OpenCV RANSAC": ransac(cv2.estimateAffinePartial2D)},
}


def quality(estimate: Estimate, scenes: list[tuple[Points, Points, np.ndarray]]) -> str:
    found = []
    for p, q, is_true in scenes:
        mask = estimate(p, q)
        mask = np.zeros(len(p), bool) if mask is None else np.asarray(mask, bool).ravel()
        hits = (mask & is_true).sum()
        found.append((hits / max(1, is_true.sum()), hits / max(1, mask.sum()), mask.sum()))
    recall, precision, count = np.array(found).T
    if not scenes[0][2].any():
        return f"inliers {count.mean():.1f}, most {count.max():.0f}"
    return f"success {np.mean(recall >= 0.9):.2f} recall {recall.mean():.3f} precision {precision.mean():.3f}"


@pytest.mark.parametrize(
    ("count", "ratio"), [(300, 0.0), (300, 0.1), (300, 0.2), (300, 0.3), (300, 0.5), (1000, 0.0), (1000, 0.1)]
)
@pytest.mark.parametrize("model", list(PEERS))
def test_verify(against: Against, model: str, count: int, ratio: float) -> None:
    rng = np.random.default_rng(0)
    scenes = [scene(model, count, ratio, rng) for _ in range(SCENES)]
    cv2.setNumThreads(1)

    def ours(p: Points, q: Points) -> Any:
        return hcbir.verify(p, q, model=model, max_error=BOUND, max_trials=TRIALS, confidence=CONFIDENCE).inlier_mask

    estimates: dict[str, Estimate] = {"hcbir": ours} | PEERS[model]
    against(
        lambda: [ours(p, q) for p, q, _ in scenes],
        {name: lambda peer=peer: [peer(p, q) for p, q, _ in scenes] for name, peer in PEERS[model].items()},
        model=model,
        count=count,
        inlier_ratio=ratio,
        scenes=SCENES,
        threads=1,
        quality={name: quality(estimate, scenes) for name, estimate in estimates.items()},
    )
