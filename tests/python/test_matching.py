"""hcbir.match."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

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
    options.pop("num_threads", None)
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


@pytest.mark.parametrize("num_bytes", [1, 15, 16, 17, 31, 32, 33, 48, 61, 64, 65])
def test_any_length_of_binary_descriptors(isa: str, num_bytes: int) -> None:
    d0, d1 = binary_set(70, num_bytes, 0), binary_set(65, num_bytes, 1)
    assert_equals_reference(d0, d1, "hamming", max_ratio=0.97)
    assert_equals_reference(d0, d1[:1], "hamming", cross_check=False, max_ratio=0.5)


@pytest.mark.parametrize("num_bytes", [32, 33, 64])
@pytest.mark.parametrize("n1", [1, 2, 70])
def test_binary_descriptors_that_are_far_apart(isa: str, n1: int, num_bytes: int) -> None:
    d0, d1 = binary_set(66, num_bytes, 0) & 1, ~(binary_set(n1, num_bytes, 1) & 2)
    d0[5] = d0[9] = ~d1[-1]  # all bits differ
    assert_equals_reference(d0, d1, "hamming")
    assert_equals_reference(d0, d1, "hamming", cross_check=False, max_ratio=0.999)


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


def clustered(n: int, dim: int, seed: int) -> np.ndarray:
    """Unit vectors about few centres, in columns of unequal size."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).standard_normal((40, dim))
    rows = centres[rng.integers(0, 40, n)] + 0.3 * rng.standard_normal((n, dim))
    rows /= 1 + np.arange(dim) / 4
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def outliers(n: int, dim: int, seed: int) -> np.ndarray:
    rows = clustered(n, dim, seed)
    rows[:: n // 5] *= np.float32(1e4)
    rows[1 :: n // 4] *= np.float32(1e-6)
    return rows


def near_ties(n: int, dim: int, seed: int) -> np.ndarray:
    """Rows that differ by a few units in the last place."""
    rows = np.repeat(clustered(n // 8 + 1, dim, 7), 8, axis=0)[:n]
    return rows * (1 + np.random.default_rng(seed).integers(-2, 3, rows.shape).astype(np.float32) * np.float32(2**-23))


def equal_rows(n: int, dim: int, seed: int) -> np.ndarray:
    return np.repeat(clustered(3, dim, 7), n // 3 + 1, axis=0)[:n]


def huge(n: int, dim: int, seed: int) -> np.ndarray:
    return clustered(n, dim, seed) * np.float32(1e18)


# Sets large enough for bytes: at least 128 rows, at least 48 columns.
@pytest.mark.parametrize("options", [{}, {"cross_check": False, "max_ratio": 0.9}])
@pytest.mark.parametrize("make", [clustered, outliers, near_ties, equal_rows, huge])
@pytest.mark.parametrize("metric", ["dot", "l2", "cosine"])
def test_large_sets_equal_the_reference(
    isa: str, metric: str, make: Callable[[int, int, int], np.ndarray], options: dict[str, object]
) -> None:
    assert_equals_reference(make(290, 53, 0), make(301, 53, 1), metric, **options)


@pytest.mark.parametrize("dim", [48, 49, 50, 51, 63, 64, 65, 100, 128, 131])
@pytest.mark.parametrize(("n0", "n1"), [(128, 128), (130, 260), (257, 129)])
def test_every_tail_equals_the_reference(isa: str, n0: int, n1: int, dim: int) -> None:
    assert_equals_reference(clustered(n0, dim, 0), clustered(n1, dim, 1), "dot")


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("metric", ["dot", "l2"])
def test_scores_that_float32_does_not_hold_are_refused(metric: str, scale: float) -> None:
    d0, d1 = clustered(40, 16, 0), clustered(30, 16, 1)
    scaled = d0 * np.float32(scale), d1 * np.float32(scale)
    with pytest.raises(ValueError, match=r"largest value from 1e-18 to 1e\+18, whose products float32 holds, got"):
        hcbir.match(*scaled, metric=metric)
    expected = hcbir.match(d0, d1, metric="cosine").indices
    assert np.array_equal(hcbir.match(*scaled, metric="cosine").indices, expected)
    assert len(hcbir.match(np.zeros_like(d0), d1)) == 1  # zeros are what they are


@pytest.mark.parametrize("num_threads", [1, 7])
def test_blocks_of_one_column(isa: str, num_threads: int) -> None:
    d0, d1 = clustered(140, 64, 0), clustered(257, 64, 1)
    assert_equals_reference(d0, d1, "dot", max_ratio=0.95, num_threads=num_threads)
    assert_equals_reference(d0[:3], d1, "dot", max_ratio=0.95, num_threads=num_threads)


@pytest.mark.parametrize("metric", ["dot", "l2", "cosine"])
def test_large_sets_same_for_every_thread_count_and_level(metric: str) -> None:
    d0, d1 = clustered(700, 72, 0), clustered(900, 72, 1)
    options = {"metric": metric, "max_ratio": 0.97}
    expected = hcbir.match(d0, d1, num_threads=1, **options)
    assert len(expected) > 20
    for isa in hcbir.available_isas():
        for num_threads in (1, 2, 7):
            with hcbir.use_isa(isa):
                result = hcbir.match(d0, d1, num_threads=num_threads, **options)
            np.testing.assert_array_equal(result.indices, expected.indices)
            np.testing.assert_array_equal(result.scores, expected.scores)


def test_rows_of_zeros_under_cosine(isa: str) -> None:
    d0, d1 = clustered(150, 64, 0), clustered(140, 64, 1)
    d0[::7], d1[3::11] = 0, 0
    assert_equals_reference(d0, d1, "cosine")


@pytest.mark.parametrize("binary", [False, True])
def test_any_layout(binary: bool, tmp_path: Path) -> None:
    d0, d1 = (binary_set(200, 32, s) if binary else clustered(200, 64, s) for s in (0, 1))
    expected = hcbir.match(d0, d1).indices
    np.save(tmp_path / "d1.npy", d1)
    wide = np.zeros((200, 99), d1.dtype)
    wide[:, : d1.shape[1]] = d1
    for other in (np.asfortranarray(d1), wide[:, : d1.shape[1]], np.load(tmp_path / "d1.npy", mmap_mode="r")):
        np.testing.assert_array_equal(hcbir.match(d0, other).indices, expected)
    if not binary:  # equal distances would go to other rows
        np.testing.assert_array_equal(199 - hcbir.match(d0, d1[::-1]).indices[:, 1], expected[:, 1])


@pytest.mark.parametrize(("n0", "n1"), [(0, 0), (0, 3), (3, 0), (1, 1), (1, 200), (200, 1)])
@pytest.mark.parametrize("binary", [False, True])
def test_none_or_one(n0: int, n1: int, binary: bool) -> None:
    make = binary_set if binary else clustered
    result = hcbir.match(make(n0, 64, 0), make(n1, 64, 1), max_ratio=0.99)
    assert len(result) <= min(n0, n1)
    assert result.indices.shape == (len(result), 2)


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
        (float_set(2, 3, 0), float_set(2, 3, 0), {"max_ratio": 2}, ValueError, "max_ratio .* from 0 to 1, got 2"),
        (float_set(2, 3, 0), float_set(2, 3, 0), {"max_ratio": True}, ValueError, "max_ratio .* got True"),
        (
            float_set(2, 0, 0),
            float_set(2, 0, 0),
            {},
            ValueError,
            "descriptors0 must have a length of at least 1, got 0",
        ),
        (binary_set(2, 0, 0), binary_set(2, 0, 0), {}, ValueError, "descriptors0 must have a length of at least 1"),
        (float_set(2, 3, 0), float_set(2, 3, 0), {"max_distance": math.nan}, ValueError, "max_distance must be"),
        (np.full((2, 3), np.nan), float_set(2, 3, 0), {}, ValueError, "must be finite"),
        (np.full((200, 64), np.inf), float_set(200, 64, 0), {}, ValueError, "descriptors0 must be finite"),
        (float_set(200, 64, 0), np.full((200, 64), np.nan), {}, ValueError, "descriptors1 must be finite"),
        (np.array([["a"]]), float_set(2, 1, 0), {}, TypeError, "descriptors0"),
        (np.zeros((2, 3), complex), float_set(2, 3, 0), {}, TypeError, "descriptors0"),
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
