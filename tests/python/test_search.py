"""hcbir.search on arrays."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcbir
from hcbir import reference
from hcbir.reference.search import scores

METRICS = ["dot", "cosine", "l2"]
# (rows, dimension, queries): one, fewer queries than a tile, tails of every kind, several blocks.
SHAPES = [
    (1, 1, 1),
    (5, 3, 2),
    (31, 17, 5),
    (33, 16, 13),
    (100, 64, 25),
    (257, 130, 11),
    (1500, 37, 30),
    (40, 2048, 14),
]


def random_vectors(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    """Multiples of 1/64: float64 sums of their products are exact in any order, so results must be equal."""
    return (np.random.default_rng(seed).standard_normal((rows, dim)) * 64).round().astype(np.float32) / 64


def assert_same(result: hcbir.SearchResult, expected: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(result.scores, expected[0])
    np.testing.assert_array_equal(result.indices, expected[1])
    assert result.scores.dtype == np.float32
    assert result.indices.dtype == np.int64


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_reference_at_every_level(isa: str, shape: tuple[int, int, int], metric: str) -> None:
    rows, dim, num_queries = shape
    database, queries = random_vectors(rows, dim), random_vectors(num_queries, dim, seed=1)
    for k in {1, min(3, rows), rows}:
        result = hcbir.search(queries, database, k, metric=metric)
        assert_same(result, reference.search(queries, database, k, metric=metric))


def test_long_rows_wanted_by_several_queries(isa: str) -> None:
    """So many a row that each is read once for all of them, and lists so long that digits sort them."""
    database, queries = random_vectors(700, 300), random_vectors(45, 300, seed=1)
    for k in (40, 600):
        assert_same(hcbir.search(queries, database, k), reference.search(queries, database, k))


@pytest.mark.parametrize("metric", METRICS)
def test_same_bits_for_every_level_thread_count_and_batch(metric: str) -> None:
    database, queries = random_vectors(3000, 48), random_vectors(40, 48, seed=1)
    expected = hcbir.search(queries, database, 20, metric=metric, num_threads=1)
    for isa in hcbir.available_isas():
        with hcbir.use_isa(isa):
            for num_threads in (1, 2, 7):
                result = hcbir.search(queries, database, 20, metric=metric, num_threads=num_threads)
                np.testing.assert_array_equal(result.scores.view(np.uint32), expected.scores.view(np.uint32))
                np.testing.assert_array_equal(result.indices, expected.indices)
            alone = [hcbir.search(query[None], database, 20, metric=metric) for query in queries]
            np.testing.assert_array_equal(np.concatenate([r.indices for r in alone]), expected.indices)
            np.testing.assert_array_equal(np.concatenate([r.scores for r in alone]), expected.scores)


@pytest.mark.parametrize("metric", METRICS)
def test_ties_go_to_the_smaller_index(isa: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    database = rng.integers(-1, 2, (900, 6)).astype(np.float32)  # many equal rows, zero rows too
    queries = rng.integers(-1, 2, (15, 6)).astype(np.float32)
    result = hcbir.search(queries, database, 200, metric=metric, num_threads=3)
    assert_same(result, reference.search(queries, database, 200, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
def test_few_rows_of_skewed_scores(isa: str, metric: str) -> None:
    """Keys of which nearly all share a bin of a histogram, some equal, and lists too long for counting."""
    database, queries = random_vectors(1500, 20), random_vectors(30, 20, seed=1)
    database[::7] = database[3]
    database[11] *= 4096
    for k in (1, 2, 17, 150, 370, 800, 1499, 1500):
        result = hcbir.search(queries, database, k, metric=metric, num_threads=2)
        assert_same(result, reference.search(queries, database, k, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
def test_few_rows_and_one_query_more_than_a_group(isa: str, metric: str) -> None:
    database = random_vectors(16384, 4)  # of which 128 queries are a group
    queries = random_vectors(129, 4, seed=1)
    assert_same(
        hcbir.search(queries, database, 3, metric=metric), reference.search(queries, database, 3, metric=metric)
    )


@pytest.mark.parametrize("metric", METRICS)
def test_many_results_of_more_than_few_rows(isa: str, metric: str) -> None:
    """Also of rows that have to be picked, and beside a row whose products overflow."""
    database, queries = random_vectors(20_000, 6), random_vectors(5, 6, seed=1)
    expected = reference.search(queries, database, 400, metric=metric)
    for searched in (partial(hcbir.search, database=database), hcbir.ExactIndex(database, metric=metric).search):
        options = {"metric": metric} if isinstance(searched, partial) else {}
        assert_same(searched(queries, k=400, **options), expected)
        allowed = np.arange(20_000) % 7 > 0
        found = searched(queries, k=400, allowed=allowed, **options)
        picked = reference.search(queries, database[allowed], 400, metric=metric)
        assert_same(found, (picked[0], np.flatnonzero(allowed)[picked[1]]))
    database[9_000] = 4e37
    with np.errstate(over="ignore"):
        expected = reference.search(queries, database, 400, metric=metric)
    assert_same(hcbir.search(queries, database, 400, metric=metric), expected)


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_few_queries_want_most_of_few_rows(isa: str, kind: str) -> None:
    """Every score is computed in double at once, in tasks of some rows."""
    database, queries = random_vectors(700, 130).astype(kind), random_vectors(5, 130, seed=1)
    allowed = np.arange(700) % 3 != 1
    for num_threads in (1, 2, 7):
        found = hcbir.search(queries, database, 400, num_threads=num_threads)
        assert_same(found, reference.search(queries, database, 400))
        found = hcbir.search(queries, database, 466, allowed=allowed, num_threads=num_threads)
        expected, indices = reference.search(queries, database[allowed], 466)
        assert_same(found, (expected, np.flatnonzero(allowed)[indices]))
    for bad in (np.nan, np.inf):
        database[[600, 321], 129] = bad
        with pytest.raises(ValueError, match=r"database must be finite, got (nan|inf) in row 321"):
            hcbir.search(np.zeros((1, 130)), database, 400)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 20), st.data())
def test_any_shape(rows: int, dim: int, num_queries: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, rows))
    metric = data.draw(st.sampled_from(METRICS))
    database = random_vectors(rows, dim)
    queries = random_vectors(num_queries, dim, seed=1)
    assert_same(
        hcbir.search(queries, database, k, metric=metric), reference.search(queries, database, k, metric=metric)
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e-18, 1e18, 1e30])
def test_extreme_lengths(isa: str, scale: float, metric: str) -> None:
    """Squares that overflow or vanish in float must not lose a row: the scan falls back to the exact score."""
    database = (random_vectors(400, 24) * np.logspace(-3, 3, 400)[:, None]).astype(np.float32)
    database = (database.astype(np.float64) * scale).astype(np.float32)
    database[7] = 0
    queries = random_vectors(14, 24, seed=1)
    for batch in (queries, queries[:1]):
        result = hcbir.search(batch, database, 30, metric=metric)
        with np.errstate(over="ignore", invalid="ignore"):
            expected, indices = reference.search(batch, database, 30, metric=metric)
        np.testing.assert_array_equal(result.indices, indices)
        np.testing.assert_allclose(result.scores, expected, rtol=1e-6)


@pytest.mark.parametrize("num_queries", [1, 5, 40])
@pytest.mark.parametrize(("rows", "dim"), [(50, 8), (3000, 16), (20_000, 16), (3000, 300)])
def test_distances_beyond_floats_are_all_alike(isa: str, rows: int, dim: int, num_queries: int) -> None:
    """Their scores are -infinity, so that they stand in ascending order, whatever their keys are."""
    rng = np.random.default_rng(rows)
    lengths, others = [1e17, 1e18, 1e19, 1.83e19], [1e10, 1e17, 7e18, 1e19, 4e19]
    database, queries = (
        (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        * rng.choice(np.float32(choice), (len(vectors), 1))
        for vectors, choice in (
            (rng.standard_normal((rows, dim)), lengths),
            (rng.standard_normal((num_queries, dim)), others),
        )
    )
    with np.errstate(over="ignore"):
        distances = [((database.astype(np.float64) - query) ** 2).sum(axis=1) for query in queries]
        scores = -np.stack(distances).astype(np.float32)
    for k in (1, 30):
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        beyond = np.isneginf(np.take_along_axis(scores, expected, axis=1))
        for result in (
            hcbir.search(queries, database, k, metric="l2"),
            hcbir.ExactIndex(database, metric="l2").search(queries, k),
            hcbir.ExactIndex(database, metric="l2", precision="int8").search(queries, k),
        ):
            np.testing.assert_array_equal(result.indices[beyond], expected[beyond])
            np.testing.assert_array_equal(np.isneginf(result.scores), beyond)


def test_near_ties_below_float_precision(isa: str) -> None:
    """Float dot products cannot tell these rows apart; the float64 scores can."""
    rng = np.random.default_rng(0)
    query = rng.standard_normal(512).astype(np.float32)
    base = rng.standard_normal(512).astype(np.float32)
    base -= (base @ query) / (query @ query) * query  # scores near 0, so that small differences survive rounding
    database = np.repeat(base[None], 2000, axis=0)
    database[np.arange(2000), rng.integers(0, 512, 2000)] *= np.float32(1 + 1e-6)
    queries = np.repeat(query[None], 12, axis=0)
    _, indices = reference.search(query[None], database, 50)
    for batch in (queries, queries[:1]):
        result = hcbir.search(batch, database, 50)
        exact = (query.astype(np.float64) @ database.astype(np.float64).T).astype(np.float32)
        np.testing.assert_allclose(result.scores[0], np.sort(exact)[::-1][:50], rtol=1e-4, atol=1e-12)
        assert len(np.intersect1d(result.indices[0], indices[0])) >= 48


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [*SHAPES, (300, 515, 9)])
def test_full_ranking_equals_the_reference(isa: str, shape: tuple[int, int, int], metric: str) -> None:
    """Of values whose float sums are exact, too."""
    rows, dim, num_queries = shape
    database, queries = random_vectors(rows, dim), random_vectors(num_queries, dim, seed=1)
    database[-1] = 0
    result = hcbir.search(queries, database, None, metric=metric, num_threads=2)
    assert_same(result, reference.search(queries, database, None, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-42, 1e-20, 1.0, 1e20, 1e34])
def test_full_ranking_is_the_same_everywhere_and_near_the_exact(scale: float, metric: str) -> None:
    rng = np.random.default_rng(0)
    database = (rng.standard_normal((500, 700)) * np.logspace(-3, 3, 500)[:, None] * scale).astype(np.float32)
    queries = rng.standard_normal((9, 700)).astype(np.float32)
    allowed = rng.random(500) < 0.9
    expected = hcbir.search(queries, database, None, metric=metric, allowed=allowed, num_threads=1)
    for isa in hcbir.available_isas():
        with hcbir.use_isa(isa):
            for num_threads in (1, 2, 7):
                result = hcbir.search(queries, database, None, metric=metric, allowed=allowed, num_threads=num_threads)
                assert_same(result, (expected.scores, expected.indices))
            alone = hcbir.search(queries[4:5], database, None, metric=metric, allowed=allowed)
            assert_same(alone, (expected.scores[4:5], expected.indices[4:5]))
    with np.errstate(over="ignore", invalid="ignore"):
        exact = scores(queries, database, metric)
    taken = np.take_along_axis(exact, expected.indices, axis=1)
    lengths = np.linalg.norm(database.astype(np.float64), axis=1)[expected.indices]
    lengths *= np.linalg.norm(queries.astype(np.float64), axis=1)[:, None]
    size = np.abs(taken.astype(np.float64)) if metric == "l2" else 1 if metric == "cosine" else lengths
    finite = np.isfinite(taken)
    np.testing.assert_array_equal(expected.scores[~finite], taken[~finite])
    error = np.abs(expected.scores.astype(np.float64) - np.where(finite, taken, 0))[finite]
    assert (error <= (256 + 8) * 2.0**-24 * np.broadcast_to(size, taken.shape)[finite] + 2e-42).all()
    assert (expected.scores[:, 1:] <= expected.scores[:, :-1]).all()
    assert (np.sort(expected.indices, axis=1) == np.flatnonzero(allowed)).all()


def test_full_ranking_of_lengths_that_overflow_is_the_same_for_every_batch(isa: str) -> None:
    """Their squares do, in float; the rows of one query are taken in other blocks than those of many."""
    rng = np.random.default_rng(0)
    database = (rng.standard_normal((600, 3000)) * np.logspace(-3, 3, 600)[:, None] * 1e20).astype(np.float32)
    queries = rng.standard_normal((9, 3000)).astype(np.float32)
    together = hcbir.search(queries, database, None)
    for i in range(len(queries)):
        assert_same(
            hcbir.search(queries[i : i + 1], database, None), (together.scores[i : i + 1], together.indices[i : i + 1])
        )


def test_full_ranking_and_empty_inputs() -> None:
    database = random_vectors(50, 8)
    full = hcbir.search(database[:3], database, None)
    assert full.indices.shape == (3, 50)
    assert (np.sort(full.indices, axis=1) == np.arange(50)).all()
    assert hcbir.search(database[:0], database, 5).indices.shape == (0, 5)
    assert hcbir.search(database[:3], database[:0], None).indices.shape == (3, 0)


def test_takes_strided_and_memory_mapped_databases(tmp_path: Path) -> None:
    whole = random_vectors(300, 40)
    np.save(tmp_path / "database.npy", whole)
    mapped = np.load(tmp_path / "database.npy", mmap_mode="r")
    for view, plain in [(whole[::3], whole[::3].copy()), (whole[:, 5:21], whole[:, 5:21].copy()), (mapped, whole)]:
        result = hcbir.search(plain[:13], view, 7)
        np.testing.assert_array_equal(result.indices, hcbir.search(plain[:13], plain, 7).indices)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"k": 10}, "k must be at most the number of database rows, 9, got 10"),
        ({"k": 2.5}, "k must be a whole number"),
        ({"metric": "euclid"}, "metric must be one of 'dot', 'cosine', 'l2', got 'euclid'"),
        ({"num_threads": 0}, "num_threads must be a whole number of at least 1, got 0"),
        ({"queries": np.zeros((2, 5), np.float32)}, "queries must have the database's dimension, 4, got 5"),
        ({"queries": np.zeros(4, np.float32)}, "queries must have 2 dimensions"),
        ({"queries": np.full((2, 4), np.nan)}, "queries must be finite, got .*nan in row 0"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    arguments = {"queries": random_vectors(2, 4), "database": random_vectors(9, 4), "k": 3} | change
    with pytest.raises(ValueError, match=message):
        hcbir.search(**arguments)


@pytest.mark.parametrize("num_queries", [1, 30])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_a_database_that_is_not_finite(isa: str, bad: float, num_queries: int) -> None:
    database = random_vectors(5000, 19)
    database[[4321, 2500], [18, 3]] = bad
    for num_threads in (1, 2, 7):
        with pytest.raises(ValueError, match=r"database must be finite, got -?(nan|inf) in row 2500"):
            hcbir.search(random_vectors(num_queries, 19), database, 3, num_threads=num_threads)


def test_misspelt_option() -> None:
    with pytest.raises(TypeError, match="no option metrics"):
        hcbir.search(random_vectors(1, 4), random_vectors(3, 4), 1, metrics="dot")


def test_other_python_threads_run_meanwhile() -> None:
    """The core works without the GIL: another thread gets on with its work."""
    database = random_vectors(60_000, 256)
    queries = database[:200]
    stop, counted = threading.Event(), [0]

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = counted[0]
        hcbir.search(queries, database, 10, num_threads=1)
        during = counted[0] - before
    finally:
        stop.set()
        thread.join()
    assert during > 100


def test_paths_need_a_collection() -> None:
    for queries in ("query.jpg", ["a.jpg", "b.jpg"]):
        with pytest.raises(TypeError, match="paths of images need a collection"):
            hcbir.search(queries, random_vectors(3, 4), 1)
