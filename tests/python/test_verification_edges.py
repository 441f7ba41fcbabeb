"""Few, equal, collinear, far-off and undefined points: a clear answer from everything that matches or verifies."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hcbir

MODELS = {"similarity": 2, "affine": 3, "homography": 4}
KINDS = ("apart", "equal", "on a line", "outside")


def image(n: int, kind: str, seed: int = 0) -> hcbir.LocalFeatures:
    """Each feature is like the one of the same number in another such image; its size is (100, 100)."""
    points = np.random.default_rng(seed).uniform(0, 100, (n, 2)).astype(np.float32)
    if kind == "equal":
        points[:] = 7
    elif kind == "on a line":
        points[:, 1] = 2 * points[:, 0] + 1
    elif kind == "outside":
        points -= 10_000
    descriptors = np.eye(max(n, 1), 50, dtype=np.float32)[:n]
    return hcbir.LocalFeatures(points, descriptors, np.ones(n, np.float32), image_size=(100, 100))


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 50])
def test_all_answer_alike(isa: str, n: int, kind: str, model: str) -> None:
    query = image(n, kind)
    found = hcbir.verify(query.keypoints, query.keypoints, model=model, max_error=2)
    explained = hcbir.explain(query, query, model=model, max_error=2)
    counts = hcbir.count_inliers(query, [query, query], model=model, max_error=2)
    assert counts.tolist() == [found.num_inliers] * 2
    assert explained.num_inliers == found.num_inliers == found.inlier_mask.sum()
    assert len(explained.matches) == n
    assert (explained.model is None) == (found.num_inliers == 0)
    if n < MODELS[model] or kind == "equal" or (kind == "on a line" and model != "similarity"):
        assert found.num_inliers == 0
        assert np.isnan(found.model).all()
    else:
        assert found.num_inliers == n
        np.testing.assert_allclose(found.model, np.eye(3), atol=1e-2 * (10_000 if kind == "outside" else 1))
    if n <= MODELS[model]:  # a sample explains itself
        assert found.log10_nfa == math.inf
        assert not explained.is_match
    if n == 50 and kind == "apart":
        assert explained.is_match


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("model", list(MODELS))
def test_what_is_no_place_is_refused(model: str, value: float) -> None:
    query, broken = image(6, "apart"), image(6, "apart")
    broken.keypoints[4, 1] = value
    with pytest.raises(ValueError, match=r"points1 must be finite, .* row 4"):
        hcbir.verify(query.keypoints, broken.keypoints, model=model)
    with pytest.raises(ValueError, match=r"keypoints of the target must be finite, .* row 4"):
        hcbir.explain(query, broken, model=model)
    with pytest.raises(ValueError, match=r"keypoints of candidate 1 must be finite, .* row 4"):
        hcbir.count_inliers(query, [query, broken], model=model)
    with pytest.raises(ValueError, match=r"keypoints of the query must be finite, .* row 4"):
        hcbir.count_inliers(broken, [query], model=model)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 70])
def test_equal_descriptors_match_the_first(isa: str, n: int, binary: bool) -> None:
    rows = np.full((n, 16), 3, np.uint8) if binary else np.full((n, 16), 0.25, np.float32)
    assert hcbir.match(rows, rows).indices.tolist() == [[0, 0]][:n]
    assert hcbir.match(rows, rows, cross_check=False).indices.tolist() == [[i, 0] for i in range(n)]
