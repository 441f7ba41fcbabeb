"""hcbir.ProductQuantizer."""

from __future__ import annotations

import copy
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcbir
from hcbir import _core
from hcbir._quantization_training import balanced_axes, learned_rotation, nearest_rotation
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


@pytest.mark.parametrize("sub_dim", [1, 2, 3, 4, 8])
def test_many_vectors_are_encoded_as_few(isa: str, sub_dim: int) -> None:
    """By lists of the centroids that may be nearest; some vectors are far from all, some as near to two."""
    vectors = random_vectors(5001, 2 * sub_dim)
    vectors[::7] *= 20
    centroids = random_centroids(2, sub_dim, 8, seed=1)
    centroids[:, 100:120] = centroids[:, 20:40]
    vectors[1::7, :sub_dim] = (centroids[0, 3] + centroids[0, 4]) / 2
    expected = reference.encode(vectors, centroids, 8)
    pq = hcbir.ProductQuantizer(centroids)
    few = np.concatenate([pq.encode(vectors[i : i + 1000]) for i in range(0, 5001, 1000)])
    np.testing.assert_array_equal(few, expected)
    for num_threads in (1, 2, 7):
        np.testing.assert_array_equal(pq.encode(vectors, num_threads=num_threads), expected)
    vectors[4000, 1] = np.nan
    vectors[4321, 0] = np.inf
    with pytest.raises(ValueError, match="vectors must be finite, got nan in row 4000"):
        pq.encode(vectors)


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


@pytest.mark.parametrize("order", ["random", "sorted", "equal"])
@pytest.mark.parametrize("bits", [8, 4])
def test_many_of_many_codes(isa: str, bits: int, order: str) -> None:
    """Enough for bars to be guessed from a sample."""
    pq = hcbir.ProductQuantizer(random_centroids(6, 2, bits))
    codes, queries = random_codes(pq, 70_001), random_vectors(70, 12, seed=1)
    if order == "sorted":
        codes = codes[np.argsort(pq.decode(codes) @ queries[0], kind="stable")]
    if order == "equal":
        codes[:] = codes[np.arange(len(codes)) % 3]
    allowed = np.random.default_rng(5).random(len(codes)) < 0.5
    expected = reference.adc_search(queries, codes, pq.centroids, bits, 300)
    assert_same(pq.search(queries, codes, 300), expected)
    assert_same(pq.search(queries[:1], codes, 300, num_threads=1), (expected[0][:1], expected[1][:1]))
    ids = np.flatnonzero(allowed)
    scores, places = reference.adc_search(queries[:9], codes[ids], pq.centroids, bits, 60)
    assert_same(pq.search(queries[:9], codes, 60, allowed=allowed), (scores, ids[places]))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["clustered", "noise", "nothing"])
@pytest.mark.parametrize("num", [1, 2, 7, 33])
def test_one_query_of_many_codes(isa: str, num: int, kind: str, metric: str) -> None:
    """Where shortfalls leave few codes, where they leave many, and where every code scores alike."""
    rng = np.random.default_rng(num)
    pq = hcbir.ProductQuantizer(random_centroids(num, 2, 8))
    codes, query = random_codes(pq, 140_001), random_vectors(1, pq.dim, seed=1)
    if kind == "clustered":  # codes of a cluster differ in a byte
        codes = codes[rng.integers(0, 40, len(codes))]
        codes[np.arange(len(codes)), rng.integers(0, num, len(codes))] = rng.integers(0, 256, len(codes))
        query = pq.decode(codes[:1])
    if kind == "nothing":
        query[:] = 0
    for rows in (5_000, 60_001, 140_001):
        for k in (1, 30) if rows < len(codes) else (1, 100, 30_000):
            expected = reference.adc_search(query, codes[:rows], pq.centroids, 8, k, metric=metric)
            for num_threads in (1, 2, 7):
                found = pq.search(query, codes[:rows], k, metric=metric, num_threads=num_threads)
                assert_same(found, expected)
    allowed = rng.random(len(codes)) < 0.3
    ids = np.flatnonzero(allowed)
    scores, places = reference.adc_search(query, codes[ids], pq.centroids, 8, 30, metric=metric)
    assert_same(pq.search(query, codes, 30, metric=metric, allowed=allowed), (scores, ids[places]))


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


def test_train_gets_farther_than_lloyds_iteration() -> None:
    vectors = random_vectors(5000, 4, seed=5)
    centroids = initial = vectors[:256]
    for _ in range(20):
        nearest = ((vectors[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
        centroids = np.stack([vectors[nearest == c].mean(axis=0) for c in range(256)])
    lloyd = ((vectors[:, None] - centroids) ** 2).sum(axis=2).min(axis=1).mean()
    found, distortion = _core.train_pq(vectors, 1, 8, 20, 5000, 0, initial, 1)
    assert distortion < 0.997 * lloyd
    assert np.isclose(((vectors[:, None] - found) ** 2).sum(axis=2).min(axis=1).mean(), distortion, rtol=1e-5)


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


def test_a_file_replaced_while_it_is_read_is_the_one_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        hcbir.ProductQuantizer(np.random.default_rng(m).standard_normal((m, 256, 12 // m)).astype(np.float32))
        for m in (3, 6)
    )
    path, size = tmp_path / "pq", os.fstat
    first.save(path)

    def replaced(file: int) -> os.stat_result:
        second.save(path)
        return size(file)

    monkeypatch.setattr("hcbir._checked_file.os.fstat", replaced)
    np.testing.assert_array_equal(hcbir.ProductQuantizer.load(path).centroids, first.centroids)
    np.testing.assert_array_equal(hcbir.ProductQuantizer.load(path).centroids, second.centroids)


def test_saves_and_loads(tmp_path: Path) -> None:
    pq, path = hcbir.ProductQuantizer(random_centroids(3, 5, 4)), tmp_path / "pq.bin"
    pq.save(path)
    loaded = hcbir.ProductQuantizer.load(path)
    np.testing.assert_array_equal(loaded.centroids, pq.centroids)
    assert (loaded.bits, loaded.dim, loaded.code_size, loaded.num_subquantizers) == (4, 15, 2, 3)
    with pytest.raises(FileNotFoundError):
        hcbir.ProductQuantizer.load(tmp_path / "elsewhere")


@pytest.mark.parametrize("rotation", [None, "opq"])
def test_copies_and_pickles(rotation: str | None) -> None:
    pq = hcbir.ProductQuantizer.train(random_vectors(300, 8), num_subquantizers=2, bits=4, rotation=rotation)
    for again in (copy.copy(pq), copy.deepcopy(pq), pickle.loads(pickle.dumps(pq))):
        np.testing.assert_array_equal(again.encode(random_vectors(50, 8)), pq.encode(random_vectors(50, 8)))


def test_refuses_altered_files(tmp_path: Path) -> None:
    path = tmp_path / "pq.bin"
    hcbir.ProductQuantizer(random_centroids(2, 3, 4)).save(path)
    whole = path.read_bytes()
    for length in (0, 7, 20, 35, 36, len(whole) - 1):
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


def test_opq_loses_less_and_keeps_scores(tmp_path: Path) -> None:
    vectors = skewed(4000, 16)

    def distortion(pq: hcbir.ProductQuantizer) -> float:
        return float(((pq.decode(pq.encode(vectors)) - vectors) ** 2).sum(axis=1).mean())

    plain = hcbir.ProductQuantizer.train(vectors, num_subquantizers=4, bits=4)
    opq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=4, bits=4, rotation="opq")
    assert opq.rotation is not None
    np.testing.assert_allclose(opq.rotation @ opq.rotation.T, np.eye(16), atol=1e-5)
    assert distortion(opq) < 0.7 * distortion(plain)
    codes = opq.encode(vectors)
    result = opq.search(vectors[:20], codes, 5, metric="l2")
    expected = hcbir.search(vectors[:20], opq.decode(codes), 5, metric="l2")
    np.testing.assert_allclose(result.scores, expected.scores, atol=1e-4)
    opq.save(tmp_path / "opq.bin")
    loaded = hcbir.ProductQuantizer.load(tmp_path / "opq.bin")
    np.testing.assert_array_equal(loaded.encode(vectors), codes)


def skewed(rows: int, dim: int) -> np.ndarray:
    """Unequal variances along skew axes: what a rotation is for."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    return np.ascontiguousarray((rng.standard_normal((rows, dim)) * np.logspace(0, -2, dim)) @ axes, dtype=np.float32)


def test_opq_begins_with_balanced_axes_and_takes_the_nearest_rotation() -> None:
    vectors = skewed(500, 12)
    axes = balanced_axes(vectors, 3)
    np.testing.assert_allclose(np.abs(axes @ reference.balanced_axes(vectors, 3).T), np.eye(12), atol=1e-4)
    variances = ((vectors - vectors.mean(axis=0)) @ axes.T).var(axis=0).reshape(3, 4)
    assert np.ptp(np.log(variances).sum(axis=1)) < 2  # of 27 for all: the logarithms reach from 0 to -9
    products = np.random.default_rng(1).standard_normal((12, 12))
    np.testing.assert_allclose(nearest_rotation(products), reference.nearest_rotation(products), atol=1e-5)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize(("num", "sub_dim"), [(1, 1), (5, 3), (8, 4)])
def test_anisotropic_codes(isa: str, bits: int, num: int, sub_dim: int) -> None:
    vectors = random_vectors(70, num * sub_dim)
    vectors[3] = 0
    centroids = random_centroids(num, sub_dim, bits)
    pq = hcbir.ProductQuantizer(centroids)
    expected = reference.encode_anisotropic(vectors, centroids, bits, 0.4)
    for threads in (1, 2, 7):
        np.testing.assert_array_equal(pq.encode(vectors, anisotropic=0.4, num_threads=threads), expected)
    np.testing.assert_array_equal(pq.encode(vectors[9:10], anisotropic=0.4), expected[9:10])


@pytest.mark.parametrize("rotation", [None, "opq"])
def test_anisotropic_codes_find_more_by_dot_products(rotation: str | None) -> None:
    vectors = skewed(3000, 32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:300] + 0.3 * random_vectors(300, 32) / np.sqrt(np.float32(32))
    exact = hcbir.search(queries, vectors, 10).indices
    pq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=8, bits=4, rotation=rotation)

    def recall(codes: np.ndarray) -> float:
        found = pq.search(queries, codes, 10).indices
        return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found, exact, strict=True)]))

    plain, anisotropic = pq.encode(vectors), pq.encode(vectors, anisotropic=0.4)
    assert recall(anisotropic) > recall(plain) + 0.01
    lost, lost_anew = (vectors - pq.decode(codes) for codes in (plain, anisotropic))
    assert np.mean((lost_anew * vectors).sum(axis=1) ** 2) < 0.7 * np.mean((lost * vectors).sum(axis=1) ** 2)
    assert (lost**2).sum() < (lost_anew**2).sum()
    for value in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="anisotropic must be between 0 and 1"):
            pq.encode(vectors, anisotropic=value)


@pytest.mark.parametrize("dim", [1, 15, 33, 130, 300])
def test_rotated(isa: str, dim: int) -> None:
    """The kernels' tiles of vectors and of rows, and what is left over of both; the same bits whatever runs it."""
    rows, vectors = random_vectors(max(1, dim - 1), dim), random_vectors(487, dim)
    found = _core.rotate(vectors, rows, 1)
    np.testing.assert_allclose(found, vectors.astype(float) @ rows.T.astype(float), atol=1e-6 * dim)
    for threads in (2, 7):
        np.testing.assert_array_equal(_core.rotate(vectors, rows, threads), found)
    np.testing.assert_array_equal(_core.rotate(vectors[5:6], rows, 1), found[5:6])
    with hcbir.use_isa("baseline"):
        np.testing.assert_array_equal(_core.rotate(vectors, rows, 1), found)


def test_opq_learns_its_rotation_from_a_sample() -> None:
    """Of many vectors; also for 4 bits, where so few centroids would need fewer still."""
    vectors = skewed(3000, 8)
    opq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=2, bits=4, rotation="opq", seed=3)
    chosen = np.sort(np.random.default_rng(3).choice(3000, 256 * 8, replace=False))
    axes, _ = learned_rotation(vectors[chosen], 2, 4, 3, 1)
    np.testing.assert_array_equal(opq.rotation, axes)
    vectors[2999, 3] = np.inf
    with pytest.raises(ValueError, match="vectors must be finite, got inf in row 2999"):
        hcbir.ProductQuantizer.train(vectors, num_subquantizers=2, bits=4, rotation="opq")


def test_opq_loses_no_more_than_the_reference() -> None:
    vectors = skewed(1500, 12)
    centroids, axes = reference.opq(vectors, 3, 4, num_rounds=20, num_iterations=3)
    opq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=3, bits=4, rotation="opq")
    theirs = hcbir.ProductQuantizer(centroids, axes)

    def distortion(pq: hcbir.ProductQuantizer) -> float:
        return float(((pq.decode(pq.encode(vectors)) - vectors) ** 2).sum(axis=1).mean())

    assert distortion(opq) < 1.03 * distortion(theirs)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_reranked_by_full_vectors(isa: str, kind: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    floats, factors = random_vectors(900, 24), rng.random(900, dtype=np.float32) + np.float32(0.5)
    full: object = floats.astype(kind)
    values = floats.astype(kind).astype(np.float32)
    if kind == "int8":
        full = (floats * 30).astype(np.int8), factors
        values = full[0].astype(np.float32) * factors[:, None]
    pq, queries = hcbir.ProductQuantizer(random_centroids(6, 4, 8)), random_vectors(11, 24, seed=1)
    codes = pq.encode(np.ascontiguousarray(values))
    everything = pq.search(queries, codes, 9, metric=metric, rerank=full, num_candidates=900)  # type: ignore[arg-type]
    exact = hcbir.search(queries, values, 9, metric=metric)
    assert_same(everything, (exact.scores, exact.indices))
    some = pq.search(queries, codes, 9, metric=metric, rerank=full, num_candidates=50)  # type: ignore[arg-type]
    _, candidates = reference.adc_search(queries, codes, pq.centroids, 8, 50, metric=metric)
    assert_same(some, reference.rerank(queries, values, candidates, 9, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rotation", [None, "opq"])
@pytest.mark.parametrize("bits", [8, 4])
def test_faiss_gives_the_same_scores(bits: int, rotation: str | None, metric: str) -> None:
    pytest.importorskip("faiss")
    vectors = random_vectors(1000, 12)
    pq = hcbir.ProductQuantizer.train(vectors, num_subquantizers=3, bits=bits, rotation=rotation, num_iterations=3)
    codes = pq.encode(vectors)
    index = pq.to_faiss(codes, metric=metric)
    scores, _ = index.search(vectors[:30], 10)
    result = pq.search(vectors[:30], codes, 10, metric=metric)
    np.testing.assert_allclose(result.scores, scores if metric == "dot" else -scores, rtol=1e-4, atol=1e-4)
    again, held = hcbir.ProductQuantizer.from_faiss(index)
    np.testing.assert_array_equal(held, codes)
    assert_same(again.search(vectors[:30], held, 10, metric=metric), (result.scores, result.indices))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_subquantizers": 5}, "a divisor of the vectors' dimension, 8, got 5"),
        ({"num_subquantizers": 0}, "num_subquantizers must be a whole number"),
        ({"num_subquantizers": 2, "bits": 6}, "bits must be 8 or 4, got 6"),
        ({"num_subquantizers": 2, "bits": 8.0}, "bits must be 8 or 4, got 8.0"),
        ({"num_subquantizers": 2, "rotation": "pca"}, "rotation must be None or 'opq', got 'pca'"),
        ({"num_subquantizers": 2, "rotation": np.eye(8)}, "rotation must be None or 'opq', got array"),
        ({"num_subquantizers": 2, "seed": -1}, "seed must be a whole number from 0"),
        ({"num_subquantizers": 2, "seed": 1.5}, "seed must be a whole number from 0"),
        ({"num_subquantizers": 2, "seed": "a"}, "seed must be a whole number from 0"),
        ({"num_subquantizers": 2, "seed": True}, "seed must be a whole number from 0"),
        ({"num_subquantizers": 2, "seed": None}, "seed must be a whole number from 0"),
        ({"num_subquantizers": 2, "num_iterations": 0}, "num_iterations must be"),
    ],
)
def test_bad_training(options: dict[str, object], message: str) -> None:
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
        (lambda: pq.search(random_vectors(1, 7), codes, 1), ValueError, "queries must be of dimension 8, got 7"),
        (lambda: pq.search(random_vectors(1, 8), codes, 11), ValueError, "k must be at most the number of codes"),
        (lambda: pq.search(random_vectors(1, 8), codes, 1, metric="cosine"), ValueError, "metric must be one of"),
        (lambda: pq.search([[np.nan] * 8], codes, 1), ValueError, "queries must be finite"),
        (lambda: pq.search([[3e38] * 8], codes, 1), ValueError, "queries must be of a size that keeps every score"),
        (
            lambda: pq.search(random_vectors(1, 8), codes, 2, num_candidates=3),
            ValueError,
            "num_candidates needs rerank",
        ),
        (
            lambda: pq.search(random_vectors(1, 8), codes, 2, rerank=random_vectors(9, 8)),
            ValueError,
            r"rerank must have a row for each code, \(10, 8\), got shape \(9, 8\)",
        ),
        (
            lambda: pq.search(random_vectors(1, 8), codes, 2, rerank=(np.ones((10, 8), np.int8),)),
            TypeError,
            "rerank must be a float array, or a pair of int8 rows and a factor for each, got tuple",
        ),
        (
            lambda: pq.search(random_vectors(1, 8), codes, 2, rerank=np.ones((10, 8), np.int8)),
            TypeError,
            r"a pair of int8 rows and a factor for each, got shape \(10, 8\) of int8",
        ),
        (lambda: pq.encode(random_vectors(3, 8), anisotropic="a"), ValueError, "anisotropic must be between 0 and 1"),
        (lambda: pq.decode(codes[::-1]), TypeError, "codes must be uint8 with rows in ascending order"),
        (lambda: pq.save("."), ValueError, "path must be that of a file in a folder that is there, got '.'"),
        (lambda: pq.save("nowhere/pq"), ValueError, "path must be that of a file in a folder that is there"),
        (
            lambda: hcbir.ProductQuantizer(pq.centroids, np.ones((8, 8), np.float32)),
            ValueError,
            "rotation must be orthogonal",
        ),
    ]:
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize("rotation", [None, "opq"])
def test_values_whose_distances_floats_do_not_hold(rotation: str | None) -> None:
    def trained(vectors: np.ndarray) -> hcbir.ProductQuantizer:
        return hcbir.ProductQuantizer.train(vectors, num_subquantizers=2, bits=4, rotation=rotation)

    vectors, many = random_vectors(300, 8), random_vectors(70_000, 8)
    many[69_000, 3] = -1e30
    with pytest.raises(ValueError, match=r"vectors must be of values up to 1e\+16 in size, got .* in row"):
        trained(vectors * np.float32(1e30))
    with pytest.raises(ValueError, match=r"vectors must have a largest value from 1e-16 to 1e\+16, got .*e-30"):
        trained(vectors * np.float32(1e-30))
    pq = trained(vectors)
    with pytest.raises(ValueError, match=r"up to 1e\+1[67] in size, got 1e\+30 in row 69000"):
        pq.encode(many)
    np.testing.assert_array_equal(pq.encode(vectors[:1] * np.float32(1e-30)), pq.encode(vectors[:1] * 0))
    for scale in (1e-16, 2e15):
        scaled = vectors * np.float32(scale)
        with np.errstate(all="raise", under="ignore"):
            pq = trained(scaled)
            found = pq.search(scaled, pq.encode(scaled), 1, metric="l2").scores
        assert np.isfinite(found).all()
        assert np.count_nonzero(found) > 290


def test_faiss_that_is_no_quantizer_yet_is_refused() -> None:
    faiss = pytest.importorskip("faiss")
    for index in (faiss.IndexPQ(8, 2, 8), faiss.ProductQuantizer(8, 2, 8), faiss.index_factory(8, "OPQ2,PQ2")):
        with pytest.raises(ValueError, match="index must be trained"):
            hcbir.ProductQuantizer.from_faiss(index)
    shifting = faiss.IndexPreTransform(faiss.PCAMatrix(8, 8), faiss.IndexPQ(8, 2, 4))
    shifting.train(random_vectors(700, 8) + np.float32(5))
    with pytest.raises(ValueError, match="index must rotate only, got a transform that shifts vectors too"):
        hcbir.ProductQuantizer.from_faiss(shifting)
