"""hcbir.verify_many."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import hcbir

FRAMES = ("scales0", "orientations0", "scales1", "orientations1")
COUNTS = [40, 0, 1, 2, 3, 4, 300, 0, 17, 90]


def pairs_of_images(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[int], dict[str, np.ndarray]]:
    """Every other pair of images is one seen again, with a third of its matches wrong; the rest are random."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(COUNTS)]).tolist()
    p0, p1 = (rng.uniform(0, 640, (offsets[-1], 2)).astype(np.float32) for _ in range(2))
    frames = {name: rng.uniform(0.5, 2, offsets[-1]).astype(np.float32) for name in FRAMES}
    for first, last in zip(offsets[::2], offsets[1::2], strict=False):
        same = np.arange(first, last)[rng.random(last - first) < 2 / 3]
        p1[same] = 0.8 * p0[same] @ np.array([[0.96, 0.28], [-0.28, 0.96]]) + rng.normal(50, 0.5, (len(same), 2))
        frames["scales1"][same] = 0.8 * frames["scales0"][same]
        frames["orientations1"][same] = frames["orientations0"][same] + np.arctan2(0.28, 0.96)
    return p0, p1, offsets, frames


@pytest.mark.parametrize("num_threads", [1, 2, 7])
@pytest.mark.parametrize("options", [{}, {"with_frames": True}, {"with_frames": True, "exhaustive": True}])
@pytest.mark.parametrize("model", ["similarity", "affine", "homography"])
def test_is_verify_of_each(isa: str, model: str, options: dict[str, Any], num_threads: int) -> None:
    p0, p1, offsets, frames = pairs_of_images()
    given = {"model": model, "max_error": 3.0, "seed": 7, "one_to_one": True, "max_trials": 500}
    given |= {name: value for name, value in options.items() if name != "with_frames"}
    used = frames if "with_frames" in options else {}
    wide = np.zeros((len(p0), 3), np.float32)  # rows that lie apart
    wide[:, :2] = p0
    found = hcbir.verify_many(wide[:, :2], p1, offsets, **used, **given, num_threads=num_threads)
    for i, (first, last) in enumerate(itertools.pairwise(offsets)):
        part = slice(first, last)
        alone = hcbir.verify(p0[part], p1[part], **{name: v[part] for name, v in used.items()}, **given)
        assert found.num_inliers[i] == alone.num_inliers
        assert found.num_trials[i] == alone.num_trials
        np.testing.assert_array_equal(found.log10_nfa[i], alone.log10_nfa)
        np.testing.assert_array_equal(found.inlier_mask[part], alone.inlier_mask)
        np.testing.assert_array_equal(found.models[i], alone.model)
    assert found.num_inliers[6] > 150


def test_of_nothing() -> None:
    none = np.empty((0, 2), np.float32)
    assert hcbir.verify_many(none, none, [0]).models.shape == (0, 3, 3)
    found = hcbir.verify_many(none, none, [0, 0, 0], **{name: [] for name in FRAMES}, exhaustive=True)
    assert found.num_inliers.tolist() == [0, 0]
    assert np.isnan(found.models).all()
    assert np.isinf(found.log10_nfa).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"points0": np.zeros((9, 2))}, TypeError, "points0 must be float32"),
        ({"points0": np.zeros((9, 3), np.float32)}, ValueError, r"points0 must be \(p, 2\), x before y"),
        ({"points1": np.zeros((8, 2), np.float32)}, ValueError, "points1 must be as many as points0, 9, got 8"),
        ({"points1": np.full((9, 2), np.nan, np.float32)}, ValueError, "points1 must be finite, got .* in row 0"),
        ({"offsets": []}, ValueError, "offsets must be from 0, got none"),
        ({"offsets": [1, 9]}, ValueError, "offsets must be from 0, got 1"),
        ({"offsets": [0, 5, 4, 9]}, ValueError, "offsets must be ascending, got 4 after 5"),
        ({"offsets": [0, 8]}, ValueError, "offsets must be up to the number of matches, 9, got 8"),
        ({"offsets": [0, 2**62]}, ValueError, "offsets must be up to the number of matches, 9"),
        ({"offsets": [0.0, 9.0]}, ValueError, "offsets must be a list of whole numbers"),
        ({"exhaustive": True}, ValueError, "exhaustive must be given with scales and orientations"),
        ({"scales0": np.ones(9)}, ValueError, "orientations0 must be given with the others"),
        ({name: np.zeros(9) for name in FRAMES}, ValueError, "scales0 must be positive and finite"),
        ({"max_error": 0}, ValueError, "max_error must be positive"),
        ({"num_threads": 0}, ValueError, "num_threads"),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], message: str) -> None:
    points = np.random.default_rng(0).random((9, 2), dtype=np.float32)
    given: dict[str, Any] = {"points0": points, "points1": points, "offsets": [0, 9]} | change
    arrays = [given.pop(name) for name in ("points0", "points1", "offsets")]
    with pytest.raises(error, match=message):
        hcbir.verify_many(*arrays, **given)
