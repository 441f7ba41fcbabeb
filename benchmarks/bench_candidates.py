"""One query against many images, matched and verified: hcbir.count_inliers against OpenCV pair by pair."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import Against

import hcbir

cv2 = pytest.importorskip("cv2")

NUM_IMAGES, NUM_FEATURES, NUM_BY_OPENCV = 10_000, 1000, 40


def features(seed: int, shown: hcbir.LocalFeatures | None = None) -> hcbir.LocalFeatures:
    """Random ORB-like features, or a view of an image: half of its features, moved, a tenth of their bits wrong."""
    rng = np.random.default_rng(seed)
    points = (rng.random((NUM_FEATURES, 2)) * [640, 480]).astype(np.float32)
    descriptors = rng.integers(0, 256, (NUM_FEATURES, 32), dtype=np.uint8)
    if shown is not None:
        half = NUM_FEATURES // 2
        points[:half] = shown.keypoints[:half] @ np.array([[0.8, 0.2], [-0.2, 0.8]], np.float32) + np.float32(30)
        descriptors[:half] = shown.descriptors[:half] ^ np.packbits(rng.random((half, 256)) < 0.1, axis=1)
    return hcbir.LocalFeatures(points, descriptors, np.ones(NUM_FEATURES, np.float32))


def by_opencv(query: hcbir.LocalFeatures, candidates: list[hcbir.LocalFeatures]) -> list[int]:
    counts = []
    for candidate in candidates:
        matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(query.descriptors, candidate.descriptors)
        p0 = query.keypoints[[m.queryIdx for m in matches]]
        p1 = candidate.keypoints[[m.trainIdx for m in matches]]
        _, mask = cv2.estimateAffine2D(p0, p1, ransacReprojThreshold=8.0, maxIters=1000, confidence=0.999)
        counts.append(0 if mask is None else int(mask.sum()))
    return counts


def test_one_query_against_many(against: Against) -> None:
    """The peer compares the first images only; its time a pair is what counts."""
    query = features(0)
    cv2.setNumThreads(2)
    with tempfile.TemporaryDirectory() as folder:
        images = [features(i, query if i % 500 == 1 else None) for i in range(1, NUM_IMAGES + 1)]
        store = hcbir.LocalFeatureStore.create(Path(folder) / "store", images)
        few = images[:NUM_BY_OPENCV]
        counts = hcbir.count_inliers(query, store, num_threads=2)
        assert sorted(np.flatnonzero(counts > 200).tolist()) == list(range(0, NUM_IMAGES, 500))
        exact = hcbir.count_inliers(query, store, num_threads=2, min_inliers=30)
        np.testing.assert_array_equal(exact, np.where(counts >= 30, counts, 0))
        against(
            lambda: hcbir.count_inliers(query, store, num_threads=2),
            {f"OpenCV, {NUM_BY_OPENCV} images": lambda: by_opencv(query, few)},
            images=NUM_IMAGES,
            peer_images=NUM_BY_OPENCV,
            features=NUM_FEATURES,
            threads=2,
        )
