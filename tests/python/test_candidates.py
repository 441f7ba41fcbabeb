"""hcbir.count_inliers on stores: the same as match, then verify, image by image."""

from __future__ import annotations

import dataclasses
import inspect
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hcbir
from hcbir import DELF_PROTOCOL, LocalFeatures, LocalFeatureStore
from hcbir.reference import verification as reference

OPTIONS: list[dict[str, Any]] = [
    {},
    {"cross_check": False, "max_ratio": 0.9, "model": "similarity", "max_error": 20.0, "seed": 3, "max_trials": 200},
    {"model": "homography", "max_error": 3.0},
]
VERIFYING = {"model", "max_error", "seed", "max_trials"}


def descriptors(n: int, binary: bool, rng: np.random.Generator) -> np.ndarray:
    if binary:
        return rng.integers(0, 256, (n, 10), dtype=np.uint8)
    rows = rng.standard_normal((n, 24)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scene(binary: bool, num_images: int = 12) -> tuple[LocalFeatures, list[LocalFeatures]]:
    """A query, and images that show the same turned, partly, not at all, or are empty."""
    rng = np.random.default_rng(int(binary))
    query = LocalFeatures(
        rng.uniform(0, 500, (120, 2)).astype(np.float32), descriptors(120, binary, rng), np.ones(120, np.float32)
    )
    candidates = []
    for number in range(num_images):
        n, kept = int(rng.integers(40, 160)), (0, 20, 80)[number % 3]
        points, rows = rng.uniform(0, 500, (n + kept, 2)), descriptors(n + kept, binary, rng)
        angle, zoom = rng.uniform(-1, 1), rng.uniform(0.5, 1.5)
        turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rows[:kept] = query.descriptors[:kept]
        points[:kept] = query.keypoints[:kept] @ turn.T + rng.uniform(-50, 50, 2)
        order = rng.permutation(n + kept)
        candidates.append(LocalFeatures(points[order].astype(np.float32), rows[order], np.ones(n + kept, np.float32)))
    candidates[5] = LocalFeatures(np.empty((0, 2), np.float32), query.descriptors[:0], np.empty(0, np.float32))
    return query, candidates


def one_by_one(query: LocalFeatures, candidate: LocalFeatures, options: dict[str, Any]) -> tuple[int, float]:
    matching = {name: value for name, value in options.items() if name not in VERIFYING}
    pairs = hcbir.match(query.descriptors, candidate.descriptors, **matching).indices
    p0, p1 = query.keypoints[pairs[:, 0]], candidate.keypoints[pairs[:, 1]]
    verifying = {name: value for name, value in options.items() if name in VERIFYING}
    verified = hcbir.verify(p0, p1, **verifying)
    return verified.num_inliers, verified.log10_nfa


@pytest.mark.parametrize("held", ["float32", "float16", "int8", "uint8", "pq8", "pq4"])
def test_a_store_counts_what_match_and_verify_count(isa: str, tmp_path: Path, held: str) -> None:
    query, candidates = scene(held == "uint8")
    encoding: dict[str, Any] = {"dtype": held}
    if held.startswith("pq"):
        rows = np.concatenate([c.descriptors for c in candidates])
        encoding = {"quantizer": hcbir.ProductQuantizer.train(rows, num_subquantizers=12, bits=int(held[2]))}
    store = LocalFeatureStore.create(tmp_path / "store", candidates, **encoding)
    for options in OPTIONS:
        found = hcbir.verify_candidates(query, store, **options)
        metric = {"metric": "l2"} if held.startswith("pq") else {}
        expected = [one_by_one(query, store[i], options | metric) for i in range(len(store))]
        assert found.num_inliers.tolist() == [count for count, _ in expected]
        assert found.log10_nfa.tolist() == [nfa for _, nfa in expected]
        assert found.num_inliers[2] >= 75
        for num_threads in (1, 2, 7):
            again = hcbir.verify_candidates(query, store, num_threads=num_threads, **options)
            np.testing.assert_array_equal(again.num_inliers, found.num_inliers)
            np.testing.assert_array_equal(again.log10_nfa, found.log10_nfa)


FRAMES: list[dict[str, Any]] = [
    {"use_frames": True},
    {"use_frames": True, "exhaustive": True, "model": "homography", "one_to_one": True, "cross_check": False},
]


def framed(features: LocalFeatures, seed: int) -> LocalFeatures:
    """With scales and orientations, of which those of the scene's images do not agree with anything."""
    rng = np.random.default_rng(seed)
    frames = rng.uniform(2, 9, len(features)), rng.uniform(-3, 3, len(features))
    return dataclasses.replace(features, scales=frames[0].astype(np.float32), orientations=frames[1].astype(np.float32))


def moved(features: LocalFeatures) -> LocalFeatures:
    """Half of the features, by a similarity, with their scales and orientations."""
    turn = 0.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    half = slice(0, len(features) // 2)
    assert features.scales is not None
    assert features.orientations is not None
    points = (features.keypoints[half] @ turn.T + [20, 30]).astype(np.float32)
    return LocalFeatures(
        points,
        features.descriptors[half],
        features.scores[half],
        features.scales[half] * np.float32(0.7),
        features.orientations[half] + np.float32(0.4),
    )


@pytest.mark.parametrize("options", FRAMES)
@pytest.mark.parametrize("binary", [False, True])
def test_frames_in_a_store_count_what_verify_counts(
    isa: str, tmp_path: Path, binary: bool, options: dict[str, Any]
) -> None:
    query, candidates = scene(binary)
    query = framed(query, 0)
    candidates = [framed(candidate, 1 + i) for i, candidate in enumerate(candidates)] + [moved(query)]
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    verifying = {k: v for k, v in options.items() if k in ("model", "exhaustive", "one_to_one")}
    expected = []
    for other in candidates:
        pairs = hcbir.match(query.descriptors, other.descriptors, cross_check=options.get("cross_check", True)).indices
        i, j = pairs[:, 0], pairs[:, 1]
        frames = {"scales0": query.scales[i], "orientations0": query.orientations[i]}  # type: ignore[index]
        frames |= {"scales1": other.scales[j], "orientations1": other.orientations[j]}  # type: ignore[index]
        verified = hcbir.verify(query.keypoints[i], other.keypoints[j], **frames, **verifying)
        expected.append((verified.num_inliers, verified.log10_nfa))
    assert expected[-1][0] == 60
    for held in (store, LocalFeatureStore.open(tmp_path / "store", check=True), candidates):
        for num_threads in (1, 7):
            found = hcbir.verify_candidates(query, held, num_threads=num_threads, **options)
            assert list(zip(found.num_inliers.tolist(), found.log10_nfa.tolist(), strict=True)) == expected
    explained = hcbir.explain(query, candidates[-1], **{"model": "affine"} | options)
    assert explained.num_inliers == 60


@pytest.mark.parametrize("binary", [False, True])
def test_frames_count_what_the_reference_counts(isa: str, binary: bool) -> None:
    query, candidates = scene(binary)
    query = framed(query, 0)
    turned = [moved(dataclasses.replace(query, keypoints=query.keypoints + np.float32(9 * k))) for k in range(3)]
    rng = np.random.default_rng(5)
    for k, image in enumerate(turned):  # the others of each are scattered, and some features turned by any angle
        image.keypoints[k * 10 : 30] = rng.uniform(0, 500, (30 - k * 10, 2))
        assert image.orientations is not None
        image.orientations[50:] = rng.uniform(-3, 3, len(image) - 50)
    others = turned + [
        framed(candidate, 1 + i) for i, candidate in enumerate(candidates[::3])
    ]  # that show something else
    arrays = [(f.keypoints, f.descriptors, f.scales, f.orientations) for f in (query, *others)]
    metric = "hamming" if binary else "dot"
    expected = reference.count_inliers(
        arrays[0], arrays[1:], metric=metric, use_frames=True, model="affine", max_error=8.0
    )
    found = hcbir.count_inliers(query, others, use_frames=True, exhaustive=True, model="affine", max_error=8.0)
    assert expected[:3] == [30, 40, 50]
    assert found[:3].tolist() == expected[:3]
    assert found[3:].max() < 12
    assert max(expected[3:]) < 12


def test_one_right_frame_finds_all_that_positions_bear_out(isa: str) -> None:
    """Scattered frames do not hide true matches for certain: of 80, one is often right by chance."""
    query, candidates = scene(True)
    query = framed(query, 0)
    assert query.scales is not None
    assert query.orientations is not None
    positions = hcbir.explain(query, candidates[2], model="affine")
    a, b = positions.verification.model[:2, 0]
    i, j = positions.matches.indices[positions.inlier_mask].T
    assert len(i) == 80
    other = framed(candidates[2], 1)
    assert other.scales is not None
    assert other.orientations is not None
    right = query.scales[i] * np.hypot(a, b), query.orientations[i] + np.arctan2(b, a)
    some = j[::5]  # bears it out: its features turn about as far
    other.scales[j], other.orientations[j] = right[0], right[1] + np.float32(2)
    other.orientations[some] = right[1][::5] + np.float32(0.2)
    other.scales[some] *= 2
    options: dict[str, Any] = {"use_frames": True, "exhaustive": True, "model": "affine"}
    found = [hcbir.explain(query, other, **options).num_inliers]
    other.scales[j[0]], other.orientations[j[0]] = right[0][0], right[1][0]
    found.append(hcbir.explain(query, other, **options).num_inliers)
    assert found == [0, 80]


def test_features_without_frames_are_refused(tmp_path: Path) -> None:
    query, candidates = scene(True)
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    assert store.scales is None
    assert store.orientations is None
    with pytest.raises(ValueError, match=r"candidates must hold scales and orientations for use_frames, got .*store"):
        hcbir.count_inliers(framed(query, 0), store, use_frames=True)
    with pytest.raises(ValueError, match=r"scales of candidate 0 must be one a keypoint \(\d+\) to be used, got none"):
        hcbir.count_inliers(framed(query, 0), candidates, use_frames=True, num_threads=1)
    with pytest.raises(ValueError, match=r"scales of the query must be one a keypoint \(120\) to be used, got none"):
        hcbir.count_inliers(query, [framed(candidates[0], 1)], use_frames=True)
    with pytest.raises(ValueError, match="exhaustive must be given with scales and orientations, got without"):
        hcbir.count_inliers(query, candidates, exhaustive=True)
    with pytest.raises(ValueError, match="target must have scales for use_frames, got features without"):
        hcbir.explain(framed(query, 0), candidates[0], use_frames=True)
    broken = framed(candidates[1], 2)
    assert broken.scales is not None
    broken.scales[3] = 0
    with pytest.raises(ValueError, match=r"scales of candidate 0 must be positive and finite, got 0.0* in row 3"):
        hcbir.count_inliers(framed(query, 0), [broken], use_frames=True)


@pytest.mark.parametrize("binary", [False, True])
def test_store_and_list_agree_also_on_some(tmp_path: Path, binary: bool) -> None:
    query, candidates = scene(binary)
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    every = hcbir.count_inliers(query, candidates)
    ids = np.array([8, 2, 2, 5, 0])
    for held in (store, candidates):
        assert hcbir.count_inliers(query, held).tolist() == every.tolist()
        assert hcbir.count_inliers(query, held, ids).tolist() == every[ids].tolist()
        assert hcbir.count_inliers(query, held, []).shape == (0,)


def test_counts_below_the_threshold_are_0_and_the_others_unchanged() -> None:
    query, candidates = scene(True)
    every = hcbir.verify_candidates(query, candidates)
    for least in (0, 1, 10, 30, 1000):
        found = hcbir.verify_candidates(query, candidates, min_inliers=least)
        enough = every.num_inliers >= least
        assert found.num_inliers.tolist() == np.where(enough, every.num_inliers, 0).tolist()
        assert found.log10_nfa.tolist() == np.where(enough, every.log10_nfa, np.inf).tolist()


def test_delf_protocol_is_one_way_within_a_distance() -> None:
    query, candidates = scene(False)
    found = hcbir.count_inliers(query, candidates, **DELF_PROTOCOL)
    for candidate, count in zip(candidates, found.tolist(), strict=True):
        rows, count_now = [], 0
        if len(candidate):
            distances = np.linalg.norm(query.descriptors[:, None] - candidate.descriptors[None], axis=2)
            rows = np.flatnonzero(distances.min(axis=1) < 0.8)
            p1 = candidate.keypoints[distances.argmin(axis=1)[rows]]
            verified = hcbir.verify(query.keypoints[rows], p1, model="affine", max_error=20, max_trials=1000)
            count_now = verified.num_inliers
        assert count == (count_now if count_now > 3 else 0)
    assert found.max() >= 75


def test_delf_protocol_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        DELF_PROTOCOL["max_error"] = 1.0  # type: ignore[index]
    assert dict(**DELF_PROTOCOL) == dict(DELF_PROTOCOL)


def test_both_take_the_same_options() -> None:
    ours, theirs = (inspect.signature(f).parameters for f in (hcbir.count_inliers, hcbir.verify_candidates))
    assert ours == theirs


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_descriptors_whose_products_float32_does_not_hold(tmp_path: Path, scale: float) -> None:
    """As `match` refuses them, for which no inliers, or wrong ones, would be counted."""
    query, candidates = scene(False)
    query, *candidates = (
        dataclasses.replace(features, descriptors=features.descriptors * np.float32(scale))
        for features in (query, *candidates)
    )
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    for held in (candidates, store):
        for metric in ("dot", "l2"):
            with pytest.raises(ValueError, match="descriptors must have a largest value from 1e-18 to"):
                hcbir.count_inliers(query, held, metric=metric)
        assert hcbir.count_inliers(query, held, metric="cosine")[2] >= 75


def test_progress_and_results_in_parts(tmp_path: Path) -> None:
    query, candidates = scene(True, 30)
    store = LocalFeatureStore.create(tmp_path / "store", candidates * 20)
    seen: list[tuple[int, int]] = []
    found = hcbir.count_inliers(query, store, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(256, 600), (512, 600), (600, 600)]
    assert found.tolist() == hcbir.count_inliers(query, store).tolist()


def test_other_threads_run_meanwhile(tmp_path: Path) -> None:
    query, candidates = scene(False, 60)
    store = LocalFeatureStore.create(tmp_path / "store", candidates * 5)
    done, turns = threading.Event(), 0

    def count() -> None:
        hcbir.count_inliers(query, store, num_threads=1)
        done.set()

    thread = threading.Thread(target=count)
    thread.start()
    while not done.is_set():
        turns += 1
    thread.join()
    assert turns > 1000


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda q, s: hcbir.count_inliers(q, s, [12]), IndexError, "ids must be from 0 to 11, got 12 to 12"),
        (lambda q, s: hcbir.count_inliers(q, s, [-1]), IndexError, "got -1 to -1"),
        (lambda q, s: hcbir.count_inliers(q, s, [0.5]), ValueError, "whole numbers, got float64"),
        (lambda q, s: hcbir.count_inliers(q, s, min_inliers=-1), ValueError, "min_inliers must be a whole number"),
        (lambda q, s: hcbir.count_inliers(q, s, min_inlier=1), TypeError, r"count_inliers\(\) got .* 'min_inlier'"),
        (lambda q, s: hcbir.count_inliers(scene(True)[0], s), TypeError, "the store must be uint8 .* got float32"),
        (lambda q, s: hcbir.count_inliers(s, s), TypeError, "query must be LocalFeatures, got LocalFeatureStore"),
    ],
)
def test_bad_input(tmp_path: Path, call: Any, error: type[Exception], message: str) -> None:
    query, candidates = scene(False)
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    with pytest.raises(error, match=message):
        call(query, store)
