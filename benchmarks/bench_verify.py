"""hcbir.verify against OpenCV and PoseLib, one thread each: 300 matches, 1 px noise, 4 px bound, 10,000 trials."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Against

import hcbir

cv2 = pytest.importorskip("cv2")
poselib = pytest.importorskip("poselib")

SCENES = 20


def scene(rng: np.random.Generator, inlier_ratio: float, *, affine: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matched points of a 1024 x 768 image under a random map; outliers lie anywhere."""
    centre = np.array([512, 384])
    angle, scale = rng.uniform(-0.6, 0.6), rng.uniform(0.6, 1.6)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, rng.uniform(-0.2, 0.2)], [0, rng.uniform(0.8, 1.2)]])
    points0 = rng.uniform(0, 2 * centre, (300, 2))
    moved = (points0 - centre) @ (turn @ shear).T
    if not affine:
        moved /= 1 + (points0 - centre) @ rng.uniform(-3e-4, 3e-4, (2, 1))
    points1 = moved + centre + rng.normal(0, 1, (300, 2))
    wrong = np.arange(300) >= inlier_ratio * 300
    points1[wrong] = rng.uniform(0, 2 * centre, (wrong.sum(), 2))
    return points0.astype(np.float32), points1.astype(np.float32)


@pytest.mark.parametrize("inlier_ratio", [0.0, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("model", ["homography", "affine"])
def test_verify(against: Against, model: str, inlier_ratio: float) -> None:
    rng = np.random.default_rng(0)
    scenes = [scene(rng, inlier_ratio, affine=model == "affine") for _ in range(SCENES)]
    cv2.setNumThreads(1)
    poselib_options = {"max_reproj_error": 4.0, "max_iterations": 10_000, "success_prob": 0.999}
    peers = {
        "OpenCV USAC_MAGSAC": lambda p, q: cv2.findHomography(p, q, cv2.USAC_MAGSAC, 4, None, 10_000, 0.999),
        "PoseLib": lambda p, q: poselib.estimate_homography(p, q, poselib_options, {}),
    }
    if model == "affine":
        peers = {
            "OpenCV RANSAC": lambda p, q: cv2.estimateAffine2D(
                p, q, ransacReprojThreshold=4, maxIters=10_000, confidence=0.999
            )
        }
    against(
        lambda: [hcbir.verify(p, q, model=model, max_error=4) for p, q in scenes],
        {name: lambda peer=peer: [peer(p, q) for p, q in scenes] for name, peer in peers.items()},
        model=model,
        inlier_ratio=inlier_ratio,
        scenes=SCENES,
        threads=1,
    )
