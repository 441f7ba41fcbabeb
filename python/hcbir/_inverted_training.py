"""Learning of inverted lists: the centroids, and the quantiser of what differs from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcbir._arrays import large_matrix, positive_int
from hcbir._clustering import kmeans
from hcbir._inverted_coder import InvertedCoder, nearest_lists
from hcbir._quantization import ProductQuantizer
from hcbir._quantization_training import sampled, train
from hcbir._search import search_arrays
from hcbir._value_range import check_range

Floats = npt.NDArray[np.float32]

MOST_AT_ONCE = 1024
"""Lists that one k-means learns. Its time grows with the square of their number, most of it for the first centroids."""
REFINEMENTS = 3


def train_lists(
    vectors: Floats,
    num_lists: int,
    num_subquantizers: int,
    bits: int,
    metric: str,
    num_iterations: int,
    max_vectors_per_centroid: int,
    seed: int,
    num_threads: int | None,
) -> InvertedCoder:
    v = large_matrix(vectors, "vectors")
    if v.shape[1] == 0 or v.shape[1] % num_subquantizers:
        raise ValueError(f"vectors must have a dimension divisible by {num_subquantizers}, got {v.shape[1]}")
    if len(v) < max(num_lists, 2**bits):
        raise ValueError(f"vectors must be at least {max(num_lists, 2**bits)}, got {len(v)}")
    most = positive_int(max_vectors_per_centroid, "max_vectors_per_centroid")
    check_range(v)  # of the sample rows would have other numbers
    v = sampled(v, most * num_lists, seed)
    learn = several_kmeans if num_lists > MOST_AT_ONCE else one_kmeans
    centroids = learn(v, num_lists, num_iterations, seed, num_threads)
    v = sampled(v, most * 2**bits, seed)
    rests = v - centroids[nearest_lists(v, centroids, num_threads)]  # however small
    limits = num_iterations, max_vectors_per_centroid, seed, num_threads
    quantizer = ProductQuantizer(*train(rests, num_subquantizers, bits, None, *limits))
    origin = centroids.mean(axis=0, dtype=np.float64) if metric == "l2" else np.empty(0)
    return InvertedCoder(centroids, quantizer, metric, origin.astype(np.float32))


def one_kmeans(vectors: Floats, num: int, num_iterations: int, seed: int, num_threads: int | None) -> Floats:
    return kmeans(vectors, num, num_iterations=num_iterations, seed=seed, num_threads=num_threads).centroids


def several_kmeans(vectors: Floats, num: int, num_iterations: int, seed: int, num_threads: int | None) -> Floats:
    """Centroids of each of some groups, in number as the group's vectors; then all are moved together."""
    how = num_iterations, seed, num_threads
    groups = nearest_lists(vectors, one_kmeans(vectors, round(num**0.5), *how), num_threads)
    sizes = np.bincount(groups)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    parts = [
        one_kmeans(vectors[rows], share, *how)
        for rows, share in zip(members, shares(sizes, num).tolist(), strict=True)
        if share > 0
    ]
    centroids = np.concatenate(parts)
    for _ in range(REFINEMENTS):
        centroids = moved(vectors, centroids, num_threads)
    return centroids


def shares(sizes: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.int64]:
    """Whole numbers in proportion to the sizes, of which they are at most as large; what is left goes to the largest
    remainders."""
    exact = sizes * (total / sizes.sum())
    whole: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - whole.sum()]] += 1
    return whole


def moved(vectors: Floats, centroids: Floats, num_threads: int | None) -> Floats:
    """Every centroid as the mean of its vectors; one without any becomes the vector farthest from its own."""
    nearest = search_arrays(vectors, centroids, 1, "l2", None, num_threads)
    lists = nearest.indices[:, 0]
    sizes = np.bincount(lists, minlength=len(centroids))
    filled = np.flatnonzero(sizes)
    starts = (np.cumsum(sizes) - sizes)[filled]
    in_order = vectors[np.argsort(lists, kind="stable")]
    means = np.empty_like(centroids)
    means[filled] = np.add.reduceat(in_order, starts, axis=0, dtype=np.float64) / sizes[filled, None]
    farthest = np.argsort(nearest.scores[:, 0], kind="stable")
    means[sizes == 0] = vectors[farthest[: len(centroids) - len(filled)]]
    return means
