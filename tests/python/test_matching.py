"""hcbir.match."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcbir
from hcbir import reference

OPTIONS = [
    {},
    {"cross_check": False},
    {"max_ratio": 0.9},
    {"max_distance": 3.0},
    {"cross_check": False, "max_ratio": 0.8, "max_distance": 4.0},
]


def float_set(n: int, dim: int, seed: int) -> np.ndarray:
    """Small whole numbers: scores are exact, and many are equal."""
    return np.random.default_rng(seed).integers(-2, 3, (n, dim)).astype(np.float32)


def binary_set(n: int, num_bytes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, num_bytes), dtype=np.uint8)


def assert_equals_reference(d0: np.ndarray, d1: np.ndarray, metric: str, **options: object) -> None:
    result = hcbir.match(d0, d1, metric=metric, **options)
    expected = reference.match(d0, d1, metric=metric, **options)
    assert result.indices.dtype == np.int32
    assert result.indices.shape == (len(result), 2)
    assert [tuple(pair) for pair in result.indices.tolist()] == expected


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 4), (9, 1, 4), (40, 33, 16), (130, 200, 7)])
@pytest.mark.parametrize("metric", ["dot", "l2"])
def test_float_equals_the_reference(
    isa: str, metric: str, shape: tuple[int, int, int], options: dict[str, object]
) -> None:
    n0, n1, dim = shape
    assert_equals_reference(float_set(n0, dim, 0), float_set(n1, dim, 1), metric, **options)


@pytest.mark.parametrize("options", [*OPTIONS, {"max_distance": 100}])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 32), (9, 1, 32), (150, 130, 32), (70, 90, 13), (80, 60, 1)])
def test_binary_equals_the_reference(isa: str, shape: tuple[int, int, int], options: dict[str, object]) -> None:
    n0, n1, num_bytes = shape
    d0, d1 = binary_set(n0, num_bytes, 0), binary_set(n1, num_bytes, 1)
    shared = min(n0, n1) // 2
    d1[:shared] = d0[:shared]  # some pairs at distance 0
    assert_equals_reference(d0, d1, "hamming", **options)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 12), st.booleans(), st.sampled_from(OPTIONS))
def test_any_shape(n0: int, n1: int, dim: int, binary: bool, options: dict[str, object]) -> None:
    if binary:
        assert_equals_reference(binary_set(n0, dim, 0), binary_set(n1, dim, 1), "hamming", **options)
    else:
        assert_equals_reference(float_set(n0, dim, 0), float_set(n1, dim, 1), "l2", **options)


@pytest.mark.parametrize("binary", [False, True])
def test_same_for_every_thread_count_and_level(binary: bool) -> None:
    if binary:
        d0, d1 = binary_set(500, 32, 0), binary_set(400, 32, 1)
    else:
        rng = np.random.default_rng(0)
        d0, d1 = rng.standard_normal((500, 64)).astype(np.float32), rng.standard_normal((400, 64)).astype(np.float32)
    expected = hcbir.match(d0, d1, num_threads=1)
    assert len(expected) > 50
    for isa in hcbir.available_isas():
        for num_threads in (1, 2, 7):
            with hcbir.use_isa(isa):
                result = hcbir.match(d0, d1, num_threads=num_threads)
            np.testing.assert_array_equal(result.indices, expected.indices)
            np.testing.assert_array_equal(result.scores, expected.scores)


def test_scores() -> None:
    d0, d1 = np.array([[3.0, 4.0]], np.float32), np.array([[1.0, 1.0]], np.float32)
    assert hcbir.match(d0, d1).scores.tolist() == [7.0]
    assert hcbir.match(d0, d1, metric="l2").scores.tolist() == [-13.0]
    assert hcbir.match(d0, d1, metric="cosine").scores.tolist() == [np.float32(7 / (5 * math.sqrt(2)))]
    bits = hcbir.match(np.array([[0b1011]], np.uint8), np.array([[0b0001]], np.uint8))
    assert bits.scores.tolist() == [-2.0]


def test_distance_bound_is_strict_and_euclidean() -> None:
    d0, d1 = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    for metric in ("dot", "l2"):
        assert len(hcbir.match(d0, d1, metric=metric, max_distance=math.sqrt(2) + 1e-6)) == 1
        assert len(hcbir.match(d0, d1, metric=metric, max_distance=math.sqrt(2) - 1e-6)) == 0
    zero, one = np.zeros((1, 4), np.uint8), np.ones((1, 4), np.uint8)
    assert len(hcbir.match(zero, one, max_distance=4)) == 0
    assert len(hcbir.match(zero, one, max_distance=5)) == 1


def test_lone_neighbour_passes_the_ratio_test() -> None:
    assert len(hcbir.match(float_set(4, 3, 0), float_set(1, 3, 1), cross_check=False, max_ratio=0.5)) == 4
    assert len(hcbir.match(binary_set(4, 3, 0), binary_set(1, 3, 1), cross_check=False, max_ratio=0.5)) == 4


@pytest.mark.parametrize(
    ("d0", "d1", "options", "error", "message"),
    [
        (float_set(2, 3, 0), float_set(2, 4, 0), {}, ValueError, "length of descriptors0, 3, got 4"),
        (float_set(2, 3, 0), binary_set(2, 3, 0), {}, TypeError, "both be binary .* got float32 and uint8"),
        (float_set(2, 3, 0), float_set(2, 3, 0), {"metric": "hamming"}, ValueError, "got 'hamming'"),
        (binary_set(2, 3, 0), binary_set(2, 3, 0), {"metric": "l2"}, ValueError, "binary descriptors .* got 'l2'"),
        (
            float_set(2, 3, 0),
            float_set(2, 3, 0),
            {"max_ratio": -1},
            ValueError,
            "max_ratio must be a number",
        ),
        (float_set(2, 3, 0), float_set(2, 3, 0), {"max_distance": math.nan}, ValueError, "max_distance must be"),
        (np.full((2, 3), np.nan), float_set(2, 3, 0), {}, ValueError, "must be finite"),
        (float_set(2, 3, 0), np.full((2, 3), np.nan), {}, ValueError, "must be finite"),
        (np.zeros(3), float_set(2, 3, 0), {}, ValueError, "descriptors0 must have 2 dimensions"),
        (float_set(2, 3, 0), float_set(2, 3, 0), {"max_distance": "x"}, ValueError, "max_distance must be a number"),
    ],
)
def test_bad_input(
    d0: np.ndarray, d1: np.ndarray, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        hcbir.match(d0, d1, **options)
