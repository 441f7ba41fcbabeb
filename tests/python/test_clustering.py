"""hcbir.kmeans."""

from __future__ import annotations

import numpy as np
import pytest

import hcbir
from hcbir.reference import clustering


def blobs(num_clusters: int, per_cluster: int, dim: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((num_clusters, dim)) * 20
    vectors = np.repeat(centres, per_cluster, axis=0) + rng.standard_normal((num_clusters * per_cluster, dim))
    return centres, vectors[rng.permutation(len(vectors))].astype(np.float32)


def test_finds_separate_clusters(isa: str) -> None:
    centres, vectors = blobs(8, 100, 5)
    found = hcbir.kmeans(vectors, 8).centroids
    nearest = np.linalg.norm(centres[:, None] - found[None], axis=2).min(axis=1)
    assert nearest.max() < 0.6


def test_converges_to_a_fixed_point_of_lloyds_iteration(isa: str) -> None:
    vectors = np.random.default_rng(0).standard_normal((700, 9)).astype(np.float32)
    result = hcbir.kmeans(vectors, 13, num_iterations=500)
    np.testing.assert_allclose(clustering.lloyd_step(vectors, result.centroids), result.centroids, atol=1e-6)
    _, squared = clustering.assign(vectors, result.centroids)
    assert result.mean_squared_distance == pytest.approx(squared.mean(), rel=1e-6)


def test_iterations_improve() -> None:
    vectors = np.random.default_rng(0).standard_normal((2000, 16)).astype(np.float32)
    distances = [hcbir.kmeans(vectors, 20, num_iterations=n).mean_squared_distance for n in (1, 3, 10, 50)]
    assert distances == sorted(distances, reverse=True)


def test_same_bits_for_every_thread_count_and_level() -> None:
    vectors = np.random.default_rng(0).standard_normal((5000, 24)).astype(np.float32)
    expected = hcbir.kmeans(vectors, 32, seed=3, num_threads=1).centroids
    for isa in hcbir.available_isas():
        for num_threads in (1, 2, 7):
            with hcbir.use_isa(isa):
                result = hcbir.kmeans(vectors, 32, seed=3, num_threads=num_threads)
            np.testing.assert_array_equal(result.centroids.view(np.uint32), expected.view(np.uint32))
    assert not np.array_equal(hcbir.kmeans(vectors, 32, seed=4).centroids, expected)


def test_as_many_clusters_as_vectors() -> None:
    vectors = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    result = hcbir.kmeans(vectors, 30)
    assert result.mean_squared_distance == 0
    np.testing.assert_array_equal(np.sort(result.centroids, axis=0), np.sort(vectors, axis=0))


def test_equal_vectors() -> None:
    vectors = np.ones((10, 3), np.float32)
    result = hcbir.kmeans(vectors, 4)
    np.testing.assert_array_equal(result.centroids, np.ones((4, 3)))
    assert result.mean_squared_distance == 0


def test_an_empty_cluster_takes_the_farthest_vector() -> None:
    """Seeds that are drawn twice leave a cluster empty; no centroid may stay without vectors."""
    vectors = np.array([[0.0]] * 50 + [[1.0]] * 2 + [[9.0]], np.float32)
    for seed in range(20):
        result = hcbir.kmeans(vectors, 3, seed=seed)
        assert sorted(result.centroids.ravel().tolist()) == [0.0, 1.0, 9.0]


@pytest.mark.parametrize(
    ("vectors", "options", "error", "message"),
    [
        (np.zeros((3, 2), np.float32), {"num_clusters": 4}, ValueError, "at most the number of vectors, 3, got 4"),
        (np.zeros((3, 2), np.float32), {"num_clusters": 0}, ValueError, "num_clusters must be a whole number"),
        (np.zeros((3, 2), np.float32), {"seed": -1}, ValueError, "seed must be a whole number from 0"),
        (np.zeros((3, 2)), {}, TypeError, "vectors must be float32"),
        (np.full((3, 2), np.nan, np.float32), {}, ValueError, "vectors must be finite, got nan in row 0"),
    ],
)
def test_bad_input(vectors: np.ndarray, options: dict[str, int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hcbir.kmeans(vectors, **({"num_clusters": 2} | options))
