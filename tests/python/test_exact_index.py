"""hcbir.ExactIndex: the answers of exact search, from a scan of bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcbir
from hcbir import _core, reference
from hcbir._principal_axes import principal_axes

METRICS = ["dot", "cosine", "l2"]
# (rows, dimension, queries): tails of panels, of groups of four columns, of the transform, and none of it.
SHAPES = [(1, 1, 1), (5, 3, 2), (31, 17, 5), (33, 16, 13), (257, 130, 11), (1500, 37, 30), (40, 2048, 14)]


def random_vectors(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    """Multiples of 1/64: float64 sums of their products are exact in any order, so results must be equal."""
    return (np.random.default_rng(seed).standard_normal((rows, dim)) * 64).round().astype(np.float32) / 64


def assert_same(result: hcbir.SearchResult, expected: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(result.scores, expected[0])
    np.testing.assert_array_equal(result.indices, expected[1])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_reference_at_every_level(isa: str, shape: tuple[int, int, int], metric: str) -> None:
    rows, dim, num_queries = shape
    database, queries = random_vectors(rows, dim), random_vectors(num_queries, dim, seed=1)
    for precision in ("int8", "float32", "auto"):  # which takes so few rows by all their scores
        index = hcbir.ExactIndex(database, metric=metric, precision=precision)
        for k in {1, min(3, rows), rows}:
            assert_same(index.search(queries, k), reference.search(queries, database, k, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
def test_same_bits_for_every_precision_level_and_thread_count(metric: str) -> None:
    database, queries = random_vectors(20_000, 40), random_vectors(40, 40, seed=1)
    expected = hcbir.search(queries, database, 10, metric=metric, num_threads=1)
    for isa in hcbir.available_isas():
        with hcbir.use_isa(isa):
            for precision in ("auto", "float32", "int8"):
                index = hcbir.ExactIndex(database, metric=metric, precision=precision)
                for num_threads in (1, 2, 7):
                    for batch in (queries, queries[:1]):
                        result = index.search(batch, 10, num_threads=num_threads)
                        assert_same(result, (expected.scores[: len(batch)], expected.indices[: len(batch)]))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 150), st.integers(1, 70), st.integers(1, 30), st.data())
def test_any_shape(rows: int, dim: int, num_queries: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, rows))
    metric = data.draw(st.sampled_from(METRICS))
    database, queries = random_vectors(rows, dim), random_vectors(num_queries, dim, seed=1)
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    assert_same(index.search(queries, k), reference.search(queries, database, k, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
def test_many_equal_rows(isa: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    database = rng.integers(-1, 2, (3000, 6)).astype(np.float32)  # zero rows too
    queries = rng.integers(-1, 2, (15, 6)).astype(np.float32)
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    assert_same(index.search(queries, 50, num_threads=3), reference.search(queries, database, 50, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-44, 1e-42, 1e-30, 1e-18, 1.0, 1e18, 1e30, 1e34])
def test_extreme_lengths(isa: str, scale: float, metric: str) -> None:
    """Rows of lengths from 1e-3 to 1e3 times the scale, some of one value, one zero."""
    database = (random_vectors(400, 24) * np.logspace(-3, 3, 400)[:, None]).astype(np.float32)
    database = (database.astype(np.float64) * scale).astype(np.float32)
    database[7], database[8] = 0, database[9, 0]
    queries = random_vectors(14, 24, seed=1)
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    for batch in (queries, queries[:1]):
        result = index.search(batch, 30)
        with np.errstate(over="ignore", invalid="ignore"):
            scores, indices = reference.search(batch, database, 30, metric=metric)
        np.testing.assert_array_equal(result.indices, indices)
        np.testing.assert_allclose(result.scores, scores, rtol=1e-6)


@pytest.mark.parametrize("dim", [8, 16, 64, 100, 128, 200, 1024])
def test_rows_of_one_value(isa: str, dim: int) -> None:
    """Turned, they have one magnitude in all columns: nothing makes larger sums of products of bytes."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], 4 * dim).astype(np.float32)
    database = np.eye(dim, dtype=np.float32)[rng.integers(0, dim, 4 * dim)] * signs[:, None]
    queries = np.concatenate([np.eye(dim, dtype=np.float32)[:12], -np.eye(dim, dtype=np.float32)[-4:]])
    index = hcbir.ExactIndex(database, precision="int8")
    for k in (1, 9):
        assert_same(index.search(queries, k), reference.search(queries, database, k))


@pytest.mark.parametrize("metric", METRICS)
def test_long_rows_that_many_queries_want(isa: str, metric: str) -> None:
    """Noise of 1040 columns: bytes leave most rows, which meet four more bits of the queries before floats."""
    database, queries = random_vectors(2100, 1040), random_vectors(40, 1040, seed=1)
    database[1::3] = database[::3]  # equal and near rows
    database[2::3, 5] = database[::3, 5] + np.float32(1 / 64)
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    assert_same(index.search(queries, 60, num_threads=3), reference.search(queries, database, 60, metric=metric))


def test_outliers_do_not_hide_the_rest() -> None:
    """One huge value coarsens the bytes of its whole panel; the answer stays."""
    database, queries = random_vectors(5000, 64), random_vectors(20, 64, seed=1)
    database[::32, 3] = 1e6
    index = hcbir.ExactIndex(database, precision="int8")
    assert_same(index.search(queries, 200), reference.search(queries, database, 200))


def test_near_ties_that_bytes_cannot_tell_apart() -> None:
    rng = np.random.default_rng(0)
    base = (rng.integers(-64, 65, 64) / 64).astype(np.float32)
    database = np.repeat(base[None], 3000, axis=0)
    database[np.arange(3000), rng.integers(0, 64, 3000)] += np.float32(1 / 4096)
    queries = (rng.integers(-64, 65, (13, 64)) / 64).astype(np.float32)
    index = hcbir.ExactIndex(database, precision="int8")
    assert_same(index.search(queries, 40), reference.search(queries, database, 40))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("together", [False, True])
def test_near_rows_among_far_ones(isa: str, metric: str, together: bool) -> None:
    """Most strips are left at the head of their columns, and bars rise by stages; both clump if rows do."""
    centres = random_vectors(500, 256)
    rows = np.repeat(centres, 60, axis=0) + random_vectors(30_000, 256, seed=1) / 4
    database = rows if together else np.random.default_rng(2).permutation(rows)
    queries = centres[::12] + random_vectors(42, 256, seed=3) / 4
    expected = reference.search(queries, database, 40, metric=metric)
    for precision in ("int8", "auto"):
        index = hcbir.ExactIndex(database, metric=metric, precision=precision)
        assert_same(index.search(queries, 40, num_threads=3), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_guessed_bars_that_nothing_reaches(isa: str, metric: str) -> None:
    """Thousands of rows are the best: their bytes promise a little too much for about half of the queries."""
    database = random_vectors(64_000, 20) / 8
    database[5::32] = random_vectors(1, 20, seed=2)
    queries = database[5] + random_vectors(13, 20, seed=3) / 4
    expected = reference.search(queries, database, 90, metric=metric)
    assert_same(hcbir.ExactIndex(database, metric=metric, precision="int8").search(queries, 90), expected)


@pytest.mark.parametrize("share", [0.01, 0.5])
@pytest.mark.parametrize("metric", METRICS)
def test_only_allowed_rows_are_found(metric: str, share: float) -> None:
    database, queries = random_vectors(4000, 20), random_vectors(30, 20, seed=1)
    mask = np.random.default_rng(2).random(4000) < share
    ids = np.flatnonzero(mask)
    scores, places = reference.search(queries, database[ids], 7, metric=metric)
    for allowed in (mask, ids, ids[::-1].tolist()):
        assert_same(hcbir.search(queries, database, 7, metric=metric, allowed=allowed), (scores, ids[places]))
        for precision in ("auto", "float32", "int8"):
            index = hcbir.ExactIndex(database, metric=metric, precision=precision)
            assert_same(index.search(queries, 7, allowed=allowed), (scores, ids[places]))
            full = index.search(queries, None, allowed=allowed)
            assert full.indices.shape == (30, len(ids))


def test_bad_filters() -> None:
    database = random_vectors(10, 4)
    for allowed, message in [
        ([3, 10], "row numbers from 0 to 9, got 3 to 10"),
        (np.ones(9, bool), "10 booleans or a list of row numbers"),
        ([0.5], "10 booleans or a list"),
    ]:
        with pytest.raises(ValueError, match=message):
            hcbir.search(database[:1], database, 1, allowed=allowed)
    with pytest.raises(ValueError, match="k must be at most the number of allowed rows, 2, got 3"):
        hcbir.search(database[:1], database, 3, allowed=[1, 2])
    assert hcbir.search(database[:2], database, None, allowed=[]).indices.shape == (2, 0)


def bfloat16(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32).astype(pytest.importorskip("ml_dtypes").bfloat16)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_databases(isa: str, kind: str, metric: str) -> None:
    values = random_vectors(700, 37)
    values[3], values[4] = 6e-8, 0  # a subnormal half
    half = bfloat16(values) if kind == "bfloat16" else values.astype(np.float16)
    queries, floats = random_vectors(30, 37, seed=1), half.astype(np.float32)
    for batch in (queries, queries[:2]):
        expected = hcbir.search(batch, floats, 9, metric=metric)
        for result in (
            hcbir.search(batch, half, 9, metric=metric),
            hcbir.ExactIndex(half, metric=metric, precision="int8").search(batch, 9),
        ):
            assert_same(result, (expected.scores, expected.indices))


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("metric", METRICS)
def test_saves_and_opens(tmp_path: Path, metric: str, kind: str) -> None:
    database, queries = random_vectors(300, 20), random_vectors(5, 20, seed=1)
    database = bfloat16(database) if kind == "bfloat16" else database.astype(kind)
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    index.save(tmp_path / "index")
    opened = hcbir.ExactIndex.open(tmp_path / "index")
    expected = index.search(queries, 4)
    assert_same(opened.search(queries, 4), (expected.scores, expected.indices))
    assert (len(opened), opened.metric, opened.nbytes) == (300, metric, index.nbytes)
    for name in ("codes", "database", "bounds", "reflectors", "numbers"):
        file = tmp_path / "index" / f"{name}.npy"
        whole = file.read_bytes()
        altered = bytearray(whole)
        altered[-5] ^= 4
        for content, message in ((whole[:-10], "truncated"), (bytes(altered), "altered"), (b"", "truncated")):
            file.write_bytes(content)
            with pytest.raises(hcbir.FormatError, match=rf"{name}.npy (is|has been) {message}"):
                hcbir.ExactIndex.open(tmp_path / "index")
        file.write_bytes(whole[:-10])
        with pytest.raises(hcbir.FormatError, match="is truncated"):
            hcbir.ExactIndex.open(tmp_path / "index", check=False)
        file.write_bytes(whole)
    with pytest.raises(FileNotFoundError):
        hcbir.ExactIndex.open(tmp_path / "elsewhere")


def test_an_index_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcbir._exact_index.FORMAT", 9)
    hcbir.ExactIndex(random_vectors(20, 8)).save(tmp_path)
    monkeypatch.undo()
    with pytest.raises(hcbir.FormatError, match="its format is 9, this version reads"):
        hcbir.ExactIndex.open(tmp_path)


def test_rows_of_a_wider_array_are_saved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcbir._columns.WRITTEN_AT_ONCE", 1000)
    wide = random_vectors(300, 40)
    hcbir.ExactIndex(wide[:, :20]).save(tmp_path)
    assert np.array_equal(hcbir.ExactIndex.open(tmp_path).database, wide[:, :20])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_a_database_that_is_not_finite(isa: str, bad: float, metric: str) -> None:
    database = random_vectors(5000, 19)
    database[[4321, 2500], [18, 3]] = bad
    with pytest.raises(ValueError, match=r"database must be finite, got -?(nan|inf) in row 2500"):
        hcbir.ExactIndex(database, metric=metric)


def test_auto_makes_bytes_only_where_they_tell_rows_apart() -> None:
    apart = random_vectors(17_000, 64)
    alike = (1 + random_vectors(17_000, 64) / 4096).astype(np.float32)  # all nearly the same
    assert hcbir.ExactIndex(apart).nbytes > 0
    assert hcbir.ExactIndex(apart[:3000]).nbytes == 0  # so few are searched by all their scores
    index = hcbir.ExactIndex(alike)
    assert index.nbytes == 0
    assert_same(index.search(alike[:3], 5), reference.search(alike[:3], alike, 5))


def test_empty_database_and_memory() -> None:
    assert hcbir.ExactIndex(random_vectors(0, 8)).search(random_vectors(2, 8), None).indices.shape == (2, 0)
    index = hcbir.ExactIndex(random_vectors(320, 64), precision="int8")
    assert index.nbytes == 320 * 64 + 320 + 10 * 20
    assert hcbir.ExactIndex(random_vectors(320, 64), precision="float32").nbytes == 0
    narrow = hcbir.ExactIndex(random_vectors(300, 62), metric="l2", precision="int8")
    assert narrow.nbytes == 320 * 64 + 10 * 20 + 4 * 300
    turned = hcbir.ExactIndex(decaying(16_500, 68), precision="int8")
    axes = turned.nbytes - (16_512 * 69 + 516 * 20)
    assert 16 * 4 * 68 <= axes <= 16_500 * 68 / 64
    assert axes % (4 * 68) == 0


@pytest.mark.parametrize(("option", "message"), [({"metric": "ip"}, "metric"), ({"precision": "int4"}, "precision")])
def test_bad_options(option: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=f"{message} must be one of"):
        hcbir.ExactIndex(random_vectors(3, 4), **option)  # type: ignore[arg-type]


def decaying(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    """Vectors that mostly lie along few directions, none of them a column's."""
    turn = np.linalg.qr(np.random.default_rng(7).standard_normal((dim, dim)))[0]
    values = np.random.default_rng(seed).standard_normal((rows, dim)) / (1 + np.arange(dim) / 4)
    return (values @ turn * 64).round().astype(np.float32) / 64


def test_principal_axes_come_first() -> None:
    sample = decaying(3000, 96)
    reflectors, tail_shift = principal_axes(sample)
    assert len(reflectors) in range(16, 81, 16)
    assert tail_shift in range(1, 5)
    turned = sample.astype(np.float64)
    for v in reflectors.astype(np.float64):
        turned -= np.outer(turned @ v, 2 * v / (v @ v))
    _, axes = np.linalg.eigh(sample.astype(np.float64).T @ sample)
    along = np.sort(((sample @ axes) ** 2).sum(0))[::-1]
    np.testing.assert_allclose((turned**2).sum(0)[: len(reflectors)], along[: len(reflectors)], rtol=1e-3)
    np.testing.assert_allclose((turned**2).sum(1), (sample.astype(np.float64) ** 2).sum(1), rtol=1e-9)
    wide = principal_axes(decaying(1500, 1024))[0]
    assert 0 < len(wide) <= 256
    for without in (random_vectors(3000, 96), sample[:20], decaying(3000, 40), np.full((3000, 96), np.nan, np.float32)):
        assert principal_axes(without)[0].shape == (0, without.shape[1])


@pytest.mark.parametrize("metric", METRICS)
def test_rows_along_few_directions(isa: str, metric: str) -> None:
    database, queries = decaying(16_500, 68), decaying(30, 68, seed=1)
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    assert index._codes is not None
    assert len(index._codes[3]) >= 16
    for batch in (queries, queries[:1]):
        assert_same(index.search(batch, 20), reference.search(batch, database, 20, metric=metric))


@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1e25, 1e34])
@pytest.mark.parametrize("metric", METRICS)
def test_axes_of_rows_of_any_size(metric: str, scale: float) -> None:
    database = (decaying(8200, 68).astype(np.float64) * scale).astype(np.float32)
    database[::9] = 0
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    queries = decaying(3, 68, seed=1)
    with np.errstate(over="ignore", invalid="ignore"):
        scores, indices = reference.search(queries, database, 5, metric=metric)
    result = index.search(queries, 5)
    np.testing.assert_array_equal(result.indices, indices)
    np.testing.assert_allclose(result.scores, scores, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(64, 150), st.integers(0, 4), st.data())
def test_any_axes_serve(dim: int, tail_shift: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(dim)
    reflectors = rng.standard_normal((data.draw(st.integers(4, (dim - 16) // 4)) * 4, dim)).astype(np.float32)
    reflectors /= np.linalg.norm(reflectors, axis=1, keepdims=True)
    metric = data.draw(st.sampled_from(METRICS))
    database, queries = random_vectors(900, dim), random_vectors(15, dim, seed=1)
    database[::7, dim // 2 :] *= 100
    index = hcbir.ExactIndex(database, metric=metric, precision="int8")
    index._codes = _core.quantize(database, _core.Metric[metric], reflectors, tail_shift, 2)
    for batch in (queries, queries[:1]):
        assert_same(index.search(batch, 9), reference.search(batch, database, 9, metric=metric))


def test_bad_axes() -> None:
    database, axes = random_vectors(100, 64), np.eye(64, dtype=np.float32)
    for reflectors, tail_shift, message in [
        (axes[:18], 0, "reflectors must be a multiple of 4, from 16 to 64 - 16, x 64, contiguous, got 18 x 64"),
        (axes[:52], 0, "got 52 x 64"),
        (axes[:16], 5, "tail_shift must be 0 to 4"),
        (axes[:0], 1, "tail_shift must be 0 without reflectors"),
        (axes[:16] * 0, 1, "reflectors must be rows of a length of about 1, got row 0 of length 0"),
        (axes[:16] * np.nan, 1, "got row 0 of length -?nan"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.quantize(database, _core.Metric.dot, np.ascontiguousarray(reflectors), tail_shift, 1)
