"""hcbir.ProductQuantizer."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcbir
from hcbir.reference import quantization as reference

METRICS = ["dot", "l2"]
# (codes, sub-spaces, sub-dimension, bits, queries): tails of panels, of partial sums, odd numbers of 4-bit numbers.
SHAPES = [
    (1, 1, 1, 8, 1),
    (33, 3, 2, 8, 5),
    (31, 5, 3, 4, 2),
    (300, 4, 4, 8, 33),
    (257, 8, 8, 4, 7),
    (1500, 13, 5, 8, 40),
    (700, 16, 1, 4, 3),
]


def random_vectors(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)


def random_centroids(num: int, sub_dim: int, bits: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((num, 2**bits, sub_dim), dtype=np.float32)


def random_codes(pq: hcbir.ProductQuantizer, rows: int, seed: int = 3) -> np.ndarray:
    numbers = np.random.default_rng(seed).integers(0, 2**pq.bits, (rows, pq.num_subquantizers))
    return reference.pack(numbers, pq.bits)


def assert_same(result: hcbir.SearchResult, expected: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(result.scores, expected[0])
    np.testing.assert_array_equal(result.indices, expected[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_encode_equals_the_reference_at_every_level(isa: str, shape: tuple[int, int, int, int, int]) -> None:
    rows, num, sub_dim, bits, _ = shape
    centroids, vectors = random_centroids(num, sub_dim, bits), random_vectors(rows, num * sub_dim)
    pq = hcbir.ProductQuantizer(centroids)
    codes = pq.encode(vectors)
    np.testing.assert_array_equal(codes, reference.encode(vectors, centroids, bits))
    np.testing.assert_array_equal(pq.decode(codes), reference.decode(codes, centroids, bits))


def test_encode_finds_the_nearest_far_from_the_origin(isa: str) -> None:
    centroids = random_centroids(3, 4, 8) + np.float32(5000)
    vectors = random_vectors(500, 12, seed=1) + np.float32(5000)
    codes = hcbir.ProductQuantizer(centroids).encode(vectors)
    for m in range(3):
        x, c = vectors[:, None, 4 * m : 4 * m + 4].astype(np.float64), centroids[m].astype(np.float64)
        squared = ((x - c) ** 2).sum(axis=2)
        assert (squared[np.arange(500), codes[:, m]] <= squared.min(axis=1) * (1 + 1e-4) + 1e-6).all()


def test_encode_takes_the_first_of_equal_centroids(isa: str) -> None:
    centroids = np.repeat(random_centroids(2, 3, 4), 2, axis=1)[:, :16]
    codes = hcbir.ProductQuantizer(centroids).encode(random_vectors(100, 6))
    assert not (codes & 0x11).any()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", SHAPES)
def test_search_equals_the_reference_at_every_level(
    isa: str, shape: tuple[int, int, int, int, int], metric: str
) -> None:
    rows, num, sub_dim, bits, num_queries = shape
    pq = hcbir.ProductQuantizer(random_centroids(num, sub_dim, bits))
    codes, queries = random_codes(pq, rows), random_vectors(num_queries, pq.dim, seed=1)
    for k in {1, min(3, rows), rows}:
        expected = reference.adc_search(queries, codes, pq.centroids, bits, k, metric=metric)
        assert_same(pq.search(queries, codes, k, metric=metric), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(1, 20), st.integers(1, 9), st.sampled_from([4, 8]), st.data())
def test_search_of_any_shape(rows: int, num: int, sub_dim: int, bits: int, data: st.DataObject) -> None:
    k, num_queries = data.draw(st.integers(1, rows)), data.draw(st.integers(1, 40))
    metric = data.draw(st.sampled_from(METRICS))
    pq = hcbir.ProductQuantizer(random_centroids(num, sub_dim, bits))
    codes, queries = random_codes(pq, rows), random_vectors(num_queries, pq.dim, seed=1)
    expected = reference.adc_search(queries, codes, pq.centroids, bits, k, metric=metric)
    assert_same(pq.search(queries, codes, k, metric=metric), expected)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bits", [8, 4])
def test_search_is_the_same_for_every_level_thread_count_and_batch(bits: int, metric: str) -> None:
    pq = hcbir.ProductQuantizer(random_centroids(8, 4, bits))
    codes, queries = random_codes(pq, 50_000), random_vectors(70, 32, seed=1)
    expected = reference.adc_search(queries, codes, pq.centroids, bits, 20, metric=metric)
    for isa in hcbir.available_isas():
        with hcbir.use_isa(isa):
            for num_threads in (1, 2, 7):
                for batch in (70, 9, 1):
                    result = pq.search(queries[:batch], codes, 20, metric=metric, num_threads=num_threads)
                    assert_same(result, (expected[0][:batch], expected[1][:batch]))


def test_search_of_strided_codes_and_allowed_ones() -> None:
    pq = hcbir.ProductQuantizer(random_centroids(6, 2, 8))
    wide, queries = random_codes(pq, 9000), random_vectors(12, 12, seed=1)
    codes = wide[::3]
    mask = np.random.default_rng(5).random(3000) < 0.2
    ids = np.flatnonzero(mask)
    expected = reference.adc_search(queries, codes, pq.centroids, 8, 9)
    assert_same(pq.search(queries, codes, 9), expected)
    scores, places = reference.adc_search(queries, codes[ids], pq.centroids, 8, 9)
    for allowed in (mask, ids):
        assert_same(pq.search(queries, codes, 9, allowed=allowed), (scores, ids[places]))


@pytest.mark.parametrize("bits", [8, 4])
def test_train_converges_to_a_fixed_point_of_lloyds_iteration(isa: str, bits: int) -> None:
    vectors = random_vectors(1200, 6)
    pq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=2, bits=bits, num_iterations=1000)
    np.testing.assert_allclose(reference.lloyd_step(vectors, pq.centroids), pq.centroids, atol=1e-5)


def test_train_is_the_same_for_every_thread_count_and_level() -> None:
    vectors = random_vectors(5000, 12)
    train = hcbir.ProductQuantizer.train
    expected = train(vectors, num_subquantizers=3, num_iterations=4, max_vectors_per_centroid=10, seed=3).centroids
    for isa in hcbir.available_isas():
        for num_threads in (1, 2, 7):
            with hcbir.use_isa(isa):
                again = train(
                    vectors,
                    num_subquantizers=3,
                    num_iterations=4,
                    max_vectors_per_centroid=10,
                    seed=3,
                    num_threads=num_threads,
                ).centroids
            np.testing.assert_array_equal(again.view(np.uint32), expected.view(np.uint32))
    assert not np.array_equal(train(vectors, num_subquantizers=3, seed=4).centroids, expected)


def test_more_iterations_and_more_bytes_distort_less() -> None:
    vectors = random_vectors(4000, 16)

    def distortion(**options: int) -> float:
        pq = hcbir.ProductQuantizer.train(vectors, **options)  # type: ignore[arg-type]
        return float(((pq.decode(pq.encode(vectors)) - vectors) ** 2).sum(axis=1).mean())

    assert distortion(num_subquantizers=4, num_iterations=20) < distortion(num_subquantizers=4, num_iterations=1)
    assert distortion(num_subquantizers=8) < distortion(num_subquantizers=4)
    assert distortion(num_subquantizers=4) < distortion(num_subquantizers=4, bits=4)


def test_train_repairs_empty_clusters() -> None:
    """Of 300 vectors with 20 values, k-means++ finds all 20 and the rest of the centroids do no harm."""
    values = random_vectors(20, 4)
    vectors = np.ascontiguousarray(np.repeat(values, 15, axis=0))
    pq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=2)
    assert np.isfinite(pq.centroids).all()
    np.testing.assert_allclose(pq.decode(pq.encode(vectors)), vectors, atol=1e-6)


def test_saves_and_loads(tmp_path: Path) -> None:
    pq, path = hcbir.ProductQuantizer(random_centroids(3, 5, 4)), tmp_path / "pq.bin"
    pq.save(path)
    loaded = hcbir.ProductQuantizer.load(path)
    np.testing.assert_array_equal(loaded.centroids, pq.centroids)
    assert (loaded.bits, loaded.dim, loaded.code_size, loaded.num_subquantizers) == (4, 15, 2, 3)
    with pytest.raises(FileNotFoundError):
        hcbir.ProductQuantizer.load(tmp_path / "elsewhere")


def test_refuses_altered_files(tmp_path: Path) -> None:
    path = tmp_path / "pq.bin"
    hcbir.ProductQuantizer(random_centroids(2, 3, 4)).save(path)
    whole = path.read_bytes()
    for length in (0, 7, 20, 31, 32, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(hcbir.FormatError):
            hcbir.ProductQuantizer.load(path)
    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= 0x10
        path.write_bytes(altered)
        with pytest.raises(hcbir.FormatError):
            hcbir.ProductQuantizer.load(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(hcbir.FormatError, match="384 bytes must follow its header, got 385"):
        hcbir.ProductQuantizer.load(path)
    huge = whole[:12] + struct.pack("<III", 2**32 - 1, 256, 2**32 - 1) + whole[24:]
    path.write_bytes(huge)
    with pytest.raises(hcbir.FormatError, match="header was altered"):
        hcbir.ProductQuantizer.load(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_subquantizers": 5}, "a divisor of the vectors' dimension, 8, got 5"),
        ({"num_subquantizers": 0}, "num_subquantizers must be a whole number"),
        ({"num_subquantizers": 2, "bits": 6}, "bits must be 8 or 4, got 6"),
        ({"num_subquantizers": 2, "seed": -1}, "seed must be from 0"),
        ({"num_subquantizers": 2, "num_iterations": 0}, "num_iterations must be"),
    ],
)
def test_bad_training(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hcbir.ProductQuantizer.train(random_vectors(300, 8), **options)  # type: ignore[arg-type]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="vectors must be at least 256, one a centroid, got 255"):
        hcbir.ProductQuantizer.train(random_vectors(255, 8), num_subquantizers=2)
    with pytest.raises(ValueError, match="vectors must be finite"):
        hcbir.ProductQuantizer.train(np.full((300, 8), np.nan, np.float32), num_subquantizers=2)
    with pytest.raises(ValueError, match=r"centroids must be float32 of shape \(m, 256 or 16, s\)"):
        hcbir.ProductQuantizer(np.zeros((2, 17, 4), np.float32))
    pq = hcbir.ProductQuantizer(random_centroids(2, 4, 8))
    codes = random_codes(pq, 10)
    for call, error, message in [
        (lambda: pq.encode(random_vectors(3, 9)), ValueError, "vectors must have the quantizer's dimension, 8, got 9"),
        (lambda: pq.encode(random_vectors(3, 8).astype(np.float64)), TypeError, "vectors must be float32"),
        (lambda: pq.encode(np.full((1, 8), np.inf, np.float32)), ValueError, "vectors must be finite"),
        (lambda: pq.decode(codes[:, :1]), ValueError, "codes must have 2 bytes a row, got 1"),
        (lambda: pq.search(random_vectors(1, 7), codes, 1), ValueError, "queries must have the quantizer's dimension"),
        (lambda: pq.search(random_vectors(1, 8), codes, 11), ValueError, "k must be at most the number of codes"),
        (lambda: pq.search(random_vectors(1, 8), codes, 1, metric="cosine"), ValueError, "metric must be one of"),
        (lambda: pq.search([[np.nan] * 8], codes, 1), ValueError, "queries must be finite"),
    ]:
        with pytest.raises(error, match=message):
            call()
