"""hcbir.LocalFeatureIndex."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hcbir
from hcbir import LocalFeatureIndex, LocalFeatures, LocalFeatureStore


def image(rows: np.ndarray) -> LocalFeatures:
    return LocalFeatures(np.zeros((len(rows), 2), np.float32), rows, np.ones(len(rows), np.float32))


def images(num: int = 8, *, features: int = 90) -> list[LocalFeatures]:
    rng = np.random.default_rng(0)
    made = [image(rng.standard_normal((features, 12), dtype=np.float32)) for _ in range(num)]
    made[3] = image(np.empty((0, 12), np.float32))
    return made


def seen_again(features: LocalFeatures, kept: int, seed: int = 1) -> LocalFeatures:
    """An image with some of the features, a little changed, among others."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((60, 12), dtype=np.float32)
    rows[:kept] = features.descriptors[:kept] + 0.05 * rng.standard_normal((kept, 12), dtype=np.float32)
    return image(rows)


ENCODINGS: list[dict[str, Any]] = [{}, {"dtype": "float16"}, {"dtype": "int8"}, {"quantizer": True}]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_image_with_most_features_in_common_comes_first(tmp_path: Path, encoding: dict[str, Any]) -> None:
    candidates = images()
    if "quantizer" in encoding:
        rows = np.concatenate([c.descriptors for c in candidates])
        encoding = {"quantizer": hcbir.ProductQuantizer.train(rows, num_subquantizers=6)}
    store = LocalFeatureStore.create(tmp_path / "store", candidates, **encoding)
    index = LocalFeatureIndex.build(store, num_lists=10, num_subquantizers=6)
    for number in (0, 4, 7):
        result = index.search(seen_again(candidates[number], 30), 3, num_neighbours=3)
        assert result.indices[0, 0] == number
        assert result.indices.shape == result.scores.shape == (1, 3)
    assert len(index.features) == store.num_features


def test_votes_are_what_neighbours_stand_out_by(tmp_path: Path) -> None:
    candidates = images()
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    index = LocalFeatureIndex.build(store, num_lists=10, num_subquantizers=12)
    query = seen_again(candidates[1], 20)
    found = index.features.search(query.descriptors, 5, nprobe=10)
    owner = np.repeat(np.arange(len(candidates)), [len(c) for c in candidates])
    votes = [0.0] * len(candidates)
    for rows, scores in zip(found.indices, found.scores.astype(float), strict=True):
        for number in set(owner[rows].tolist()):
            votes[number] += (
                max(score for row, score in zip(rows, scores, strict=True) if owner[row] == number) - scores[-1]
            )
    for threads in (1, 2, 7):
        result = index.search(query, 100, num_neighbours=5, nprobe=10, num_threads=threads)
        assert sorted(result.indices[0].tolist()) == list(range(8))
        np.testing.assert_allclose(result.scores[0], [votes[i] for i in result.indices[0]], rtol=1e-6)
        assert result.indices[0].tolist() == sorted(range(8), key=lambda i: (-votes[i], i))


def test_a_query_without_features_has_no_votes(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images())
    result = LocalFeatureIndex.build(store, num_lists=4).search(images()[3], 2)
    assert (result.indices.tolist(), result.scores.tolist()) == ([[0, 1]], [[0, 0]])


def test_saved_and_opened(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images())
    seen: list[tuple[int, int]] = []
    index = LocalFeatureIndex.build(store, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (store.num_features, store.num_features)
    assert index.features.num_lists == round(4 * store.num_features**0.5)
    index.save(tmp_path / "index")
    query = seen_again(images()[5], 25)
    opened = LocalFeatureIndex.open(tmp_path / "index", store, check=True)
    np.testing.assert_array_equal(opened.search(query).indices, index.search(query).indices)
    store.append(images()[0])
    with pytest.raises(ValueError, match="must have the index's 630 features, got 720"):
        LocalFeatureIndex.open(tmp_path / "index", store)


def test_another_store_of_as_many_features_is_refused(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images())
    index, query = LocalFeatureIndex.build(store, num_lists=4), seen_again(images()[5], 25)
    index.save(tmp_path / "index")
    turned = LocalFeatureStore.create(tmp_path / "turned", images()[::-1])
    halved = LocalFeatureStore.create(tmp_path / "halved", images(), dtype="float16")
    regrouped = [image(rows) for rows in np.split(np.concatenate([i.descriptors for i in images()]), [50, 90])]
    other = LocalFeatureStore.create(tmp_path / "other", regrouped)
    for wrong in (turned, halved, other):
        assert wrong.num_features == store.num_features
        with pytest.raises(ValueError, match=r"store must be the one that the index in .*index is of, got .*Store"):
            LocalFeatureIndex.open(tmp_path / "index", wrong)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    for same in (store, LocalFeatureStore.open(tmp_path / "copy")):
        opened = LocalFeatureIndex.open(tmp_path / "index", same, check=True)
        np.testing.assert_array_equal(opened.search(query).indices, index.search(query).indices)
    assert len(hcbir.IVFPQIndex.open(tmp_path / "index", check=True)) == store.num_features
    index.features.save(tmp_path / "index")  # without a fingerprint, as all were before
    LocalFeatureIndex.open(tmp_path / "index", turned)


def test_refusals(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images())
    index = LocalFeatureIndex.build(store, num_lists=4)
    bits = LocalFeatures(np.zeros((4, 2), np.float32), np.zeros((4, 12), np.uint8), np.ones(4, np.float32))
    binary = LocalFeatureStore.create(tmp_path / "binary", [bits])
    with pytest.raises(TypeError, match="got binary ones"):
        LocalFeatureIndex.build(binary)
    with pytest.raises(TypeError, match="got binary ones"):
        index.search(bits)
    with pytest.raises(TypeError, match="must be LocalFeatures, got ndarray"):
        index.search(np.zeros((3, 12), np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dimension, 12, got 10"):
        index.search(image(np.zeros((1, 10), np.float32)))
    for number in (0, 1):
        with pytest.raises(ValueError, match=f"num_neighbours must be .*at least .*, got {number}"):
            index.search(images()[0], num_neighbours=number)
    with pytest.raises(ValueError, match="num_lists must be at most the number of features, 630, got 631"):
        LocalFeatureIndex.build(store, num_lists=631)
    nothing = LocalFeatureStore.create(tmp_path / "nothing", [image(np.empty((0, 12), np.float32))])
    with pytest.raises(ValueError, match="store must hold features"):
        LocalFeatureIndex.build(nothing)


def test_more_neighbours_than_there_are_are_all(tmp_path: Path) -> None:
    store = LocalFeatureStore.create(tmp_path / "store", images())
    index = LocalFeatureIndex.build(store, num_lists=4)
    every = index.search(images()[5], num_neighbours=store.num_features)
    found = index.search(images()[5], num_neighbours=10**12)
    np.testing.assert_array_equal(found.scores, every.scores)
    np.testing.assert_array_equal(found.indices, every.indices)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("features", [1, 2, 30])
def test_a_few_features_are_enough(tmp_path: Path, features: int, bits: int) -> None:
    """Fewer than the quantiser has centroids, as in a collection of a few small images."""
    candidates = images(5, features=features)
    store = LocalFeatureStore.create(tmp_path / "store", candidates)
    index = LocalFeatureIndex.build(store, num_subquantizers=12, bits=bits)
    assert len(index.features) == store.num_features == 4 * features
    for number in (0, 4):
        found = index.search(candidates[number], 1, num_neighbours=2, nprobe=4 * features)
        assert found.indices.tolist() == [[number]]
        assert found.scores[0, 0] > 0
