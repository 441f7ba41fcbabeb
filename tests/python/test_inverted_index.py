"""hcbir.IVFPQIndex."""

from __future__ import annotations

import copy
import os
import pickle
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hcbir
from hcbir._inverted_training import moved, one_kmeans, several_kmeans, shares
from hcbir.reference import inverted_index as reference

METRICS = ["dot", "l2"]


def clustered(rows: int, dim: int, *, seed: int = 0, clusters: int = 20) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((clusters, dim))
    return (centres[rng.integers(clusters, size=rows)] + 0.3 * rng.standard_normal((rows, dim))).astype(np.float32)


def trained(metric: str = "dot", *, bits: int = 8, dim: int = 12, lists: int = 9) -> hcbir.IVFPQIndex:
    index = hcbir.IVFPQIndex(lists, num_subquantizers=dim // 3, bits=bits, metric=metric)
    index.train(clustered(800, dim), num_iterations=5)
    return index


def expected(
    index: hcbir.IVFPQIndex, vectors: np.ndarray, ids: np.ndarray, queries: np.ndarray, k: int, nprobe: int
) -> tuple[np.ndarray, np.ndarray]:
    lists = reference.nearest_lists(vectors, index.centroids)
    codes = index.quantizer.encode(vectors - index.centroids[lists])
    probes = reference.best_lists(queries, index.centroids, nprobe, index.metric)
    return reference.ivf_search(
        queries,
        probes,
        index.centroids,
        index.quantizer.centroids,
        index.bits,
        codes,
        ids,
        lists,
        k,
        metric=index.metric,
        origin=index.centroids.mean(axis=0, dtype=np.float64).astype(np.float32),
    )


def assert_same(result: hcbir.SearchResult, wanted: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(result.indices, wanted[1])
    np.testing.assert_array_equal(result.scores, wanted[0])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize(("k", "nprobe"), [(1, 1), (10, 3), (50, 9)])
def test_equals_the_reference_at_every_level(isa: str, metric: str, bits: int, k: int, nprobe: int) -> None:
    index, vectors, queries = trained(metric, bits=bits), clustered(700, 12, seed=1), clustered(41, 12, seed=2)
    ids = index.add(vectors)
    wanted = expected(index, vectors, ids, queries, k, nprobe)
    for threads in (1, 2, 7):
        assert_same(index.search(queries, k, nprobe=nprobe, num_threads=threads), wanted)
    assert_same(index.search(queries[:1], k, nprobe=nprobe), (wanted[0][:1], wanted[1][:1]))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bits", [8, 4])
def test_long_lists_and_more_queries_than_a_tile_holds(isa: str, metric: str, bits: int) -> None:
    index, vectors, queries = trained(metric, bits=bits), clustered(3000, 12, seed=1), clustered(70, 12, seed=2)
    ids = index.add(vectors, ids=np.random.default_rng(3).permutation(3000))
    for nprobe in (2, 9):
        wanted = expected(index, vectors, ids, queries, 10, nprobe)
        for threads in (1, 2, 7):
            assert_same(index.search(queries, 10, nprobe=nprobe, num_threads=threads), wanted)


def test_squared_distances_far_from_the_origin_are_those_of_what_codes_stand_for() -> None:
    vectors, queries = clustered(800, 12) + np.float32(500), clustered(20, 12, seed=2) + np.float32(500)
    index = hcbir.IVFPQIndex(9, num_subquantizers=4, metric="l2")
    index.train(vectors)
    index.add(vectors)
    lists = reference.nearest_lists(vectors, index.centroids)
    rests = index.quantizer.decode(index.quantizer.encode(vectors - index.centroids[lists]))
    exact = hcbir.search(queries, (index.centroids[lists] + rests).astype(np.float32), 10, metric="l2")
    np.testing.assert_allclose(index.search(queries, 10, nprobe=9).scores, exact.scores, atol=2e-3)


def test_training_is_the_same_for_every_number_of_threads() -> None:
    indices = [hcbir.IVFPQIndex(9, num_subquantizers=4, bits=4) for _ in range(2)]
    for index, threads in zip(indices, (1, 7), strict=True):
        index.train(clustered(500, 12), num_threads=threads)
    np.testing.assert_array_equal(indices[0].centroids, indices[1].centroids)
    np.testing.assert_array_equal(indices[0].quantizer.centroids, indices[1].quantizer.centroids)


@pytest.mark.parametrize("metric", METRICS)
def test_adding_and_removing_in_pieces_equals_adding_what_is_left(metric: str) -> None:
    vectors, queries = clustered(600, 12, seed=3), clustered(20, 12, seed=4)
    whole, pieces = trained(metric), trained(metric)
    for first, last in [(0, 7), (7, 300), (300, 300), (300, 310), (310, 600)]:
        np.testing.assert_array_equal(pieces.add(vectors[first:last]), np.arange(first, last))
    gone = np.random.default_rng(5).permutation(600)[:400]
    assert pieces.remove([*gone.tolist(), 5000]) == 400
    assert pieces.remove(gone) == 0
    stays = np.setdiff1d(np.arange(600), gone)
    whole.add(vectors[stays], ids=stays)
    assert len(pieces) == len(whole) == 200
    result = pieces.search(queries, 30, nprobe=4)
    assert_same(result, (whole.search(queries, 30, nprobe=4).scores, whole.search(queries, 30, nprobe=4).indices))
    assert pieces.add(vectors[:1]).tolist() == [600], "a number is not given twice"


def test_everything_probed_finds_nearly_what_exact_search_finds() -> None:
    vectors = clustered(3000, 24, clusters=200)
    queries = vectors[::50] + np.float32(0.01)
    index = hcbir.IVFPQIndex(16, num_subquantizers=12, metric="l2")
    index.train(vectors)
    index.add(vectors)
    nearest = hcbir.search(queries, vectors, 1, metric="l2").indices[:, 0]
    assert (
        np.mean([n in row for n, row in zip(nearest, index.search(queries, 10, nprobe=16).indices, strict=True)]) > 0.95
    )


def test_fewer_than_k_are_followed_by_nothing() -> None:
    index = trained()
    assert index.search(clustered(2, 12), 3).indices.tolist() == [[-1] * 3] * 2
    index.add(clustered(2, 12), ids=[70, 30])
    result = index.search(clustered(1, 12), 4, nprobe=9)
    assert sorted(result.indices[0].tolist()) == [-1, -1, 30, 70]
    assert np.isneginf(result.scores[0, 2:]).all()
    assert index.remove([30, 70]) == 2
    assert len(index) == 0
    assert index.nbytes == 0


def test_k_takes_no_memory_but_of_the_result() -> None:
    index = trained()
    index.add(clustered(5, 12))
    result = index.search(clustered(1, 12), 2**20, nprobe=9)
    assert (result.indices[0] >= 0).sum() == np.isfinite(result.scores).sum() == 5
    for k in (2**20 + 1, 10**9, 2**40):
        with pytest.raises(ValueError, match=f"k must be at most 1048576 for an index of 5 vectors, got {k}"):
            index.search(clustered(1, 12), k)


def test_ids_end_at_63_bits(tmp_path: Path) -> None:
    index = trained()
    assert index.add(clustered(1, 12), ids=[2**63 - 2]).tolist() == [2**63 - 2]
    assert index.add(clustered(1, 12)).tolist() == [2**63 - 1]
    index.save(tmp_path / "index")
    for full in (index, hcbir.IVFPQIndex.open(tmp_path / "index")):
        assert len(full.add(clustered(0, 12))) == 0
        for count in (1, 2):
            with pytest.raises(ValueError, match=f"ids must be given: after {2**63 - 1} there are not"):
                full.add(clustered(count, 12))
        assert full.add(clustered(1, 12), ids=[5]).tolist() == [5]
    with pytest.raises(ValueError, match="ids must be below 2\\*\\*63, got 9223372036854775808"):
        index.add(clustered(1, 12), ids=np.array([2**63], np.uint64))
    with pytest.raises(ValueError, match="ids must be below"):
        index.remove(np.array([2**63], np.uint64))


def test_values_whose_distances_floats_do_not_hold() -> None:
    index, vectors = trained("l2"), clustered(500, 12)
    for scale, message in [(1e30, r"values up to 1e\+16 in size, got .* in row"), (1e-30, "largest value from 1e-16")]:
        with pytest.raises(ValueError, match=f"vectors must .*{message}"):
            hcbir.IVFPQIndex(9, num_subquantizers=4, metric="l2").train(vectors * np.float32(scale))
    vectors[400, 2] = 1e30
    with pytest.raises(ValueError, match=r"vectors must be of values up to 1e\+16 in size, got 1e\+30 in row 400"):
        index.add(vectors)
    with pytest.raises(ValueError, match=r"queries must be of values up to 1e\+17 in size, got 1e\+30 in row 400"):
        index.search(vectors)
    index.add(np.full((1, 12), 4e15, np.float32))
    found = index.search(np.full((1, 12), -4e15, np.float32), 2, nprobe=9)
    assert np.isfinite(found.scores[0, 0])
    assert found.indices[0, 1] == -1


def test_equal_codes_stand_by_id() -> None:
    index, vector = trained(), clustered(1, 12)
    index.add(np.repeat(vector, 40, axis=0), ids=np.arange(40)[::-1])
    assert index.search(vector, 25, nprobe=9).indices[0].tolist() == list(range(25))


@pytest.mark.parametrize("metric", METRICS)
def test_saved_and_opened(tmp_path: Path, metric: str) -> None:
    index, queries = trained(metric, bits=4), clustered(9, 12, seed=6)
    index.add(clustered(300, 12), ids=np.arange(1000, 1300))
    index.add(clustered(20, 12))
    index.save(tmp_path / "index")
    opened = hcbir.IVFPQIndex.open(tmp_path / "index", check=True)
    before, after = index.search(queries, 20, nprobe=5), opened.search(queries, 20, nprobe=5)
    assert_same(after, (before.scores, before.indices))
    assert opened.add(clustered(1, 12)).tolist() == [1320]
    assert opened.remove([1005]) == 1
    assert opened.metric == metric


def test_an_empty_index_is_saved_too(tmp_path: Path) -> None:
    trained().save(tmp_path / "index")
    assert len(hcbir.IVFPQIndex.open(tmp_path / "index")) == 0


@pytest.mark.parametrize("name", ["codes", "ids", "offsets", "centroids", "codebooks", "numbers"])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    index = trained()
    index.add(clustered(50, 12))
    index.save(tmp_path / "cut")
    index.save(tmp_path / "altered")
    cut, altered = (tmp_path / folder / f"{name}.npy" for folder in ("cut", "altered"))
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(hcbir.FormatError, match=name):
        hcbir.IVFPQIndex.open(tmp_path / "cut")
    whole = altered.read_bytes()
    for place in (0, 9, 30, 70, 127, len(whole) - 1):  # of the header and of what follows it
        content = bytearray(whole)
        content[place] ^= 64
        altered.write_bytes(content)
        with pytest.raises(hcbir.FormatError, match=name):
            hcbir.IVFPQIndex.open(tmp_path / "altered", check=True)


def test_refusals(tmp_path: Path) -> None:
    index = hcbir.IVFPQIndex(9, num_subquantizers=4)
    with pytest.raises(ValueError, match="trained first"):
        index.search(clustered(1, 12))
    with pytest.raises(ValueError, match="bits must be 8 or 4, got 5"):
        hcbir.IVFPQIndex(2, num_subquantizers=4, bits=5)
    with pytest.raises(ValueError, match="divisible by 5, got 12"):
        hcbir.IVFPQIndex(2, num_subquantizers=5).train(clustered(300, 12))
    with pytest.raises(ValueError, match="at least 256, got 5"):
        index.train(clustered(5, 12))
    bad = clustered(600, 12)
    bad[599] = np.nan
    with pytest.raises(ValueError, match="vectors must be finite, got nan in row 599"):  # of all, not of a sample
        index.train(bad, max_vectors_per_centroid=64)
    index = trained()
    for arguments, message in [
        ({"queries": clustered(1, 11)}, "dimension, 12, got 11"),
        ({"queries": clustered(1, 12), "nprobe": 0}, "nprobe must be"),
        ({"queries": clustered(1, 12), "k": 0}, "k must be"),
        ({"queries": np.full((1, 12), np.nan)}, "queries"),
    ]:
        with pytest.raises(ValueError, match=message):
            index.search(**arguments)
    with pytest.raises(ValueError, match="dimension, 12, got 13"):
        index.add(clustered(1, 13))
    with pytest.raises(TypeError, match="float32"):
        index.add(clustered(1, 12).astype(np.float64))
    with pytest.raises(ValueError, match="vectors must be finite, got nan in row 1"):
        index.add(np.array([[0] * 12, [np.nan] * 12], np.float32))
    with pytest.raises(ValueError, match="one a vector"):
        index.add(clustered(2, 12), ids=[1])
    with pytest.raises(ValueError, match="differ"):
        index.add(clustered(2, 12), ids=[1, 1])
    index.add(clustered(2, 12), ids=[1, 2])
    with pytest.raises(ValueError, match="already, got 2"):
        index.add(clustered(2, 12), ids=[5, 2])
    with pytest.raises(ValueError, match="whole numbers"):
        index.remove([0.5])
    with pytest.raises(ValueError, match="before add"):
        index.train(clustered(800, 12))
    with pytest.raises(FileNotFoundError):
        hcbir.IVFPQIndex.open(tmp_path / "nothing")
    (tmp_path / "file").write_text("of something else")
    with pytest.raises(FileNotFoundError, match="there is no IVFPQIndex in"):
        hcbir.IVFPQIndex.open(tmp_path)
    with pytest.raises(hcbir.FormatError, match="file is no folder of an IVFPQIndex"):
        hcbir.IVFPQIndex.open(tmp_path / "file")
    for options, message in [
        ({"bits": 8.0}, "bits must be 8 or 4, got 8.0"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
    ]:
        with pytest.raises(ValueError, match=message):
            hcbir.IVFPQIndex(9, num_subquantizers=4, **options)


def test_many_lists_are_learned_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly as well as all at once, all of them used, the same for any number of threads."""
    vectors = clustered(3000, 12)
    at_once = one_kmeans(vectors, 100, 20, 0, 1)

    def distortion(centroids: np.ndarray) -> float:
        return float(-hcbir.search(vectors, centroids, 1, metric="l2").scores.mean())

    learned = several_kmeans(vectors, 100, 20, 0, 1)
    assert learned.shape == (100, 12)
    assert distortion(learned) < 1.05 * distortion(at_once)
    for threads in (2, 7):
        np.testing.assert_array_equal(several_kmeans(vectors, 100, 20, 0, threads), learned)
    monkeypatch.setattr("hcbir._inverted_training.MOST_AT_ONCE", 99)
    index = hcbir.IVFPQIndex(100, num_subquantizers=4, metric="l2")
    index.train(vectors)
    np.testing.assert_array_equal(index.centroids, learned)


def test_centroids_are_moved_as_the_reference_does() -> None:
    vectors = clustered(400, 6)
    centroids = np.concatenate([vectors[:20], np.full((2, 6), 1e3, np.float32)])
    distances = ((vectors[:, None].astype(float) - centroids) ** 2).sum(axis=2)
    lists = distances.argmin(axis=1)
    farthest = np.argsort(-distances.min(axis=1), kind="stable")
    expected = [vectors[lists == c].mean(axis=0, dtype=float) for c in range(20)]
    np.testing.assert_allclose(moved(vectors, centroids, 1), [*expected, *vectors[farthest[:2]]], rtol=1e-5)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.data())
def test_shares(sizes: list[int], data: st.DataObject) -> None:
    sizes[0] += 1
    total = data.draw(st.integers(1, sum(sizes)))
    found = shares(np.array(sizes), total)
    assert found.sum() == total
    assert (found <= sizes).all()
    assert (np.abs(found - np.array(sizes) * total / sum(sizes)) < 1 + 1e-9).all()


def test_many_lists_of_equal_vectors() -> None:
    learned = several_kmeans(np.ones((60, 4), np.float32), 30, 5, 0, 1)
    np.testing.assert_array_equal(learned, np.ones((30, 4), np.float32))


def test_threads_add_remove_and_search_at_once() -> None:
    index, vectors = trained("l2"), clustered(700, 12, seed=1)
    index.add(vectors[:100])
    given: list[int] = []

    def add(first: int) -> None:
        for i in range(40):
            given.extend(index.add(vectors[100 + i : 103 + i], num_threads=1).tolist())

    def remove(first: int) -> None:
        assert sum(index.remove([i]) for i in range(first, first + 60)) == 60

    def search(first: int) -> None:
        for _ in range(40):
            assert (index.search(vectors[:5], 5, nprobe=9, num_threads=1).indices >= 0).all()

    with ThreadPoolExecutor(8) as pool:
        for call in [*(pool.submit(work, 0) for work in (add, remove, add, search, add, search, add, search))]:
            call.result()
    assert len(set(given)) == len(given) == 480
    assert sorted(index.inverted_lists.ids.tolist()) == sorted([*range(60, 100), *given])


def test_what_is_held_does_not_change_under_a_reader() -> None:
    index, vectors = trained("l2"), clustered(300, 12, seed=1)
    index.add(vectors)
    before = index._held.lists
    ids = [part.ids.copy() for part in before.parts]
    index.add(vectors)
    index.remove(range(250))
    for part, kept in zip(before.parts, ids, strict=True):
        np.testing.assert_array_equal(part.ids, kept)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda index: pickle.loads(pickle.dumps(index))])
def test_copies_and_pickles(tmp_path: Path, copied: Callable[[hcbir.IVFPQIndex], hcbir.IVFPQIndex]) -> None:
    index, vectors = trained("l2"), clustered(300, 12, seed=1)
    index.add(vectors)
    index.save(tmp_path / "index")
    for original in (index, hcbir.IVFPQIndex.open(tmp_path / "index")):
        again, found = copied(original), original.search(vectors[:9], 4)
        assert_same(again.search(vectors[:9], 4), (found.scores, found.indices))
        assert again.add(vectors[:2]).tolist() == [300, 301]
        assert (len(again), len(original)) == (302, 300)


def test_a_signal_handler_within_a_change_may_read_and_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = trained()
    rows = clustered(40, 12)
    index.add(rows[:20])
    refused: list[str] = []
    encode = type(index._held.coder).encode

    def interrupted(coder: object, *rest: object) -> object:
        index.save(tmp_path / "index")
        assert len(index.inverted_lists.ids) == 20
        try:
            index.add(rows)
        except RuntimeError as error:
            refused.append(str(error))
        return encode(coder, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as within:
        within.setattr(type(index._held.coder), "encode", interrupted)
        index.add(rows[20:])
    assert (len(index), len(hcbir.IVFPQIndex.open(tmp_path / "index"))) == (40, 20)
    assert refused == ["the index is being changed by this very thread: a signal handler may read it alone"]
    index.add(rows)  # the lock is free again


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_forked_within_a_change_may_change_its_own() -> None:
    index = trained()
    with index._changing():
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if len(index.add(clustered(5, 12), num_threads=1)) == 5 else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("scale", "jitter"), [(1e-10, 1e-7), (1e-15, 1e-2), (9.9e15, 1e-3)])
def test_differences_from_centroids_may_be_smaller_and_larger_than_vectors(scale: float, jitter: float) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(-1, 1, (16, 8)).repeat(125, axis=0)
    rows = ((places + jitter * rng.uniform(-1, 1, places.shape)) * scale * 0.9).astype(np.float32)
    index = hcbir.IVFPQIndex(4, num_subquantizers=4, bits=4, metric="l2")
    index.train(rows)
    index.add(rows)
    index.add(np.full((1, 8), 9.9e15, np.float32))
    assert (index.search(rows[:50], 1, nprobe=4).indices >= 0).all()
