"""hcbir.explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

import hcbir
from hcbir import LocalFeatures
from hcbir._explanation import projected_outline

MAP = np.array([[0.8, -0.3, 40], [0.3, 0.8, -10], [0, 0, 1.0]])


def features(n: int, seed: int, size: tuple[int, int] | None = (400, 300), dim: int = 32) -> LocalFeatures:
    rng = np.random.default_rng(seed)
    descriptors = rng.standard_normal((n, dim)).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    points = (rng.random((n, 2)) * [400, 300]).astype(np.float32)
    return LocalFeatures(points, descriptors, np.ones(n, np.float32), image_size=size)


def moved(image: LocalFeatures, model: npt.NDArray[np.float64] = MAP) -> LocalFeatures:
    points = np.column_stack([image.keypoints, np.ones(len(image))]) @ model.T
    return replace(image, keypoints=(points[:, :2] / points[:, 2:]).astype(np.float32))


@pytest.mark.parametrize("model", ["similarity", "affine", "homography"])
def test_what_joins_two_views(isa: str, model: str) -> None:
    query = features(60, 0)
    order = np.random.default_rng(1).permutation(60)
    target = moved(query)
    target = replace(target, keypoints=target.keypoints[order], descriptors=target.descriptors[order])
    found = hcbir.explain(query, target, model=model)
    assert found.is_match
    assert found.verdict.startswith("a match: ")
    assert (found.num_inliers, found.num_features, len(found.matches)) == (60, (60, 60), 60)
    assert found.inlier_mask.all()
    assert found.model is not None
    assert found.outline is not None
    np.testing.assert_array_equal(order[found.matches.indices[:, 1]], found.matches.indices[:, 0])
    np.testing.assert_array_equal(found.points0, query.keypoints[found.matches.indices[:, 0]])
    np.testing.assert_array_equal(found.points1, target.keypoints[found.matches.indices[:, 1]])
    np.testing.assert_allclose(found.model, MAP, atol=1e-2)
    corners = np.array([(-0.5, -0.5, 1), (399.5, -0.5, 1), (399.5, 299.5, 1), (-0.5, 299.5, 1)]) @ MAP.T
    np.testing.assert_allclose(found.outline, corners[:, :2], atol=0.1)


def test_equals_match_and_verify() -> None:
    query, target = features(80, 0), features(90, 1)
    found = hcbir.explain(query, target, model="affine", max_ratio=0.95, seed=3, max_trials=500)
    matches = hcbir.match(query.descriptors, target.descriptors, max_ratio=0.95)
    np.testing.assert_array_equal(found.matches.indices, matches.indices)
    pairs = query.keypoints[matches.indices[:, 0]], target.keypoints[matches.indices[:, 1]]
    verified = hcbir.verify(*pairs, model="affine", seed=3, max_trials=500)
    assert (found.num_inliers, found.log10_nfa) == (verified.num_inliers, verified.log10_nfa)
    assert not found.is_match
    assert found.log10_nfa >= 0
    assert found.verdict == "no match: chance explains as many"
    allowed = hcbir.explain(query, target, model="affine", max_log10_nfa=np.inf)
    assert allowed.is_match
    assert allowed.verdict == "a match: the bound lets through what chance explains"


@pytest.mark.parametrize(
    ("log10_nfa", "bound", "words"),
    [
        (-38.26, -10.0, "a match: chance would do so in one pair of 10^38.2"),
        (-10.01, -10.0, "a match: chance would do so in one pair of 10^10.0"),
        (-9.99, -10.0, "no match: chance would do so in one pair of 10^9.9, and less than one of 10^10 is asked for"),
        (-0.01, -10.0, "no match: chance would do so in one pair of 10^0.0, and less than one of 10^10 is asked for"),
        (-3.5, -3.5, "no match: chance would do so in one pair of 10^3.5, and less than one of 10^3.5 is asked for"),
        (0.0, -10.0, "no match: chance explains as many"),
        (np.inf, np.inf, "no match: chance explains as many"),
        (-2.5, np.inf, "a match: chance would do so in one pair of 10^2.5"),
        (7.0, np.inf, "a match: the bound lets through what chance explains"),
    ],
)
def test_the_verdict_is_true(log10_nfa: float, bound: float, words: str) -> None:
    query = features(10, 0)
    found = hcbir.explain(query, moved(query))
    found = replace(found, verification=replace(found.verification, log10_nfa=log10_nfa), max_log10_nfa=bound)
    assert found.verdict == words


def test_fewer_inliers_than_asked_for_are_none() -> None:
    query, target = features(30, 0), features(30, 0)
    assert hcbir.explain(query, target, min_inliers=30).num_inliers == 30
    found = hcbir.explain(query, target, min_inliers=31)
    assert (found.num_inliers, found.is_match, found.model, found.outline) == (0, False, None, None)
    assert found.verdict == "no match: 30 matches agree, and fewer than 31 count as none"
    assert not found.verification.inlier_mask.any()


def test_delfs_protocol() -> None:
    query, target = features(30, 0), features(30, 0)
    found = hcbir.explain(query, target, **hcbir.DELF_PROTOCOL)
    assert found.num_inliers == hcbir.count_inliers(query, [target], **hcbir.DELF_PROTOCOL)[0] == 30


def test_the_bound_decides() -> None:
    query = features(10, 0)
    found = hcbir.explain(query, moved(query))
    assert not hcbir.explain(query, moved(query), max_log10_nfa=found.log10_nfa).is_match
    assert hcbir.explain(query, moved(query), max_log10_nfa=found.log10_nfa + 1).is_match


@pytest.mark.parametrize(("n0", "n1"), [(0, 0), (0, 5), (5, 0), (1, 1), (3, 2)])
def test_next_to_nothing(n0: int, n1: int) -> None:
    found = hcbir.explain(features(n0, 0), features(n1, 1))
    assert not found.is_match
    assert found.model is None
    assert found.outline is None
    assert found.verdict == ("no match: an image has no features" if 0 in (n0, n1) else found.verdict)
    assert len(found.points0) == len(found.points1) == len(found.inlier_mask) == len(found.matches) <= min(n0, n1)


def test_no_features_alike() -> None:
    found = hcbir.explain(features(5, 0), features(5, 1), max_distance=1e-3)
    assert found.verdict == "no match: no features are alike"


def test_without_a_size_there_is_no_outline() -> None:
    query = features(30, 0, size=None)
    assert hcbir.explain(query, moved(query)).outline is None


@pytest.mark.parametrize(
    "model",
    [
        np.full((3, 3), np.nan),
        np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]]),  # a corner behind the camera
        np.zeros((3, 3)),
        np.diag([1e6, 1e6, 1.0]),
    ],
)
def test_no_outline_where_a_corner_is_sent_to_infinity(model: npt.NDArray[np.float64]) -> None:
    assert projected_outline((240, 240), model) is None


def test_an_outline_in_perspective() -> None:
    outline = projected_outline((101, 51), np.array([[1, 0, 0], [0, 1, 0], [0.01, 0, 1.0]]))
    assert outline is not None
    np.testing.assert_allclose(outline[1], np.array([100.5, -0.5]) / 2.005)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"query": np.zeros((3, 4))}, TypeError, "query must be LocalFeatures, got ndarray"),
        ({"target": None}, TypeError, "target must be LocalFeatures, got NoneType"),
        ({"target": features(5, 1, dim=16)}, ValueError, "length of descriptors0, 32, got 16"),
        ({"max_log10_nfa": float("nan")}, ValueError, "max_log10_nfa must be a number, got nan"),
        ({"max_log10_nfa": "low"}, ValueError, "max_log10_nfa must be a number, got 'low'"),
        ({"model": "rigid"}, ValueError, "model must be"),
        ({"max_error": 0}, ValueError, "max_error must be positive"),
        ({"min_inliers": -1}, ValueError, "min_inliers must be"),
    ],
)
def test_bad_input(change: dict[str, object], error: type[Exception], message: str) -> None:
    arguments = {"query": features(5, 0), "target": features(5, 1)} | change
    with pytest.raises(error, match=message):
        hcbir.explain(arguments.pop("query"), arguments.pop("target"), **arguments)  # type: ignore[arg-type]
