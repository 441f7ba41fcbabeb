"""VLAD: learning, aggregation, state."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hcbir import LocalFeatures, descriptors
from hcbir.descriptors import vlad as vlad_module
from hcbir.descriptors.vlad import Vlad


def features_of(rows: np.ndarray) -> LocalFeatures:
    n = len(rows)
    return LocalFeatures(np.zeros((n, 2), np.float32), np.asarray(rows), np.zeros(n, np.float32))


def clusters(seed: int, n: int = 200, d: int = 8) -> LocalFeatures:
    rng = np.random.default_rng(seed)
    return features_of((rng.integers(0, 2, (n, d)) * 5 + rng.standard_normal((n, d)) * 0.1).astype(np.float32))


def fitted(num_centres: int = 4, seed: int = 0) -> Vlad:
    vlad = Vlad(num_centres=num_centres)
    vlad.fit([clusters(1), clusters(2)], seed=seed)
    return vlad


def test_aggregate_by_definition() -> None:
    vlad = fitted()
    features = clusters(3)
    expected = np.zeros((4, 8))
    for row in features.descriptors.astype(np.float64):
        nearest = int(np.argmin([((row - centre) ** 2).sum() for centre in vlad.centres]))
        expected[nearest] += row - vlad.centres[nearest]
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    expected = expected / lengths
    expected = (expected / np.linalg.norm(expected)).ravel()
    vector = vlad.aggregate(features)
    assert (vector.dtype, vector.shape, vlad.dim) == (np.float32, (32,), 32)
    np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_centre_without_features_and_feature_at_its_centre_count_nothing() -> None:
    vlad = Vlad()
    vlad.load_state({"centres": np.array([[0, 0], [10, 0], [0, 10]], np.float32)})
    vector = vlad.aggregate(features_of(np.array([[1, 0], [1, 2], [10, 0]], np.float32)))
    np.testing.assert_allclose(vector, [0.5**0.5, 0.5**0.5, 0, 0, 0, 0], atol=1e-6)


def test_no_features_give_zero() -> None:
    vlad = fitted()
    assert vlad.aggregate(features_of(np.empty((0, 8), np.float32))).tolist() == [0.0] * 32


def test_unfitted() -> None:
    vlad = Vlad()
    assert not vlad.is_fitted
    for use in (lambda: vlad.dim, lambda: vlad.aggregate(clusters(0)), vlad.state):
        with pytest.raises(RuntimeError, match="vlad has no centres yet: call fit"):
            use()


def test_few_features_make_fewer_centres() -> None:
    vlad = Vlad()
    vlad.fit([clusters(0, n=3), features_of(np.empty((0, 8), np.float32)), clusters(1, n=2)])
    assert vlad.centres.shape == (5, 8)


def test_fit_refuses_what_it_cannot_learn_from() -> None:
    with pytest.raises(ValueError, match="features must hold at least one keypoint, got none"):
        Vlad().fit([features_of(np.empty((0, 8), np.float32))])
    with pytest.raises(ValueError, match="features must have float32 descriptors, got binary ones"):
        Vlad().fit([features_of(np.zeros((3, 32), np.uint8))])


def test_sample_is_seeded_and_drawn_from_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vlad_module, "MAX_SAMPLE", 50)
    rows = np.arange(300, dtype=np.float32).reshape(-1, 1)
    parts = [rows[:100], rows[100:101], rows[101:101], rows[101:]]
    sample = vlad_module._sample(parts, 0)
    assert sample.shape == (50, 1)
    assert len(np.unique(sample)) == 50
    assert sample.min() < 60
    assert sample.max() > 240
    assert (np.diff(sample[:, 0]) > 0).all()
    np.testing.assert_array_equal(sample, vlad_module._sample(parts, 0))
    assert not np.array_equal(sample, vlad_module._sample(parts, 1))
    np.testing.assert_array_equal(vlad_module._sample([rows[:20], rows[20:50]], 0), rows[:50])


def test_seed_decides() -> None:
    np.testing.assert_array_equal(fitted(seed=1).centres, fitted(seed=1).centres)
    assert not np.array_equal(fitted(seed=1).centres, fitted(seed=2).centres)


def test_state_is_taken_back() -> None:
    vlad, other = fitted(), Vlad()
    other.load_state(vlad.state())
    assert other.is_fitted
    np.testing.assert_array_equal(vlad.aggregate(clusters(5)), other.aggregate(clusters(5)))


@pytest.mark.parametrize("centres", [None, np.zeros(4, np.float32), np.zeros((4, 2)), np.zeros((0, 2), np.float32)])
def test_bad_state_is_refused(centres: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match=r"state\['centres'\] must be \(c, d\) float32, got"):
        Vlad().load_state({} if centres is None else {"centres": centres})


def test_loaded_by_name() -> None:
    vlad = descriptors.load("vlad", image_size=400, max_features=50)
    assert isinstance(vlad, Vlad)
    assert (vlad.kind, vlad.name, vlad.num_centres, vlad.image_size) == ("aggregated", "vlad", 64, 400)
    assert (vlad.local.name, vlad.local.image_size, vlad.local.max_features) == ("sift", 400, 50)
    again = descriptors.from_spec(json.loads(json.dumps(vlad.spec())))
    assert again.spec() == vlad.spec()
