"""Learning of inverted lists: the centroids, and the quantiser of what differs from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcbir._arrays import large_matrix, positive_int
from hcbir._clustering import kmeans
from hcbir._inverted_coder import InvertedCoder, nearest_lists
from hcbir._quantization import ProductQuantizer

Floats = npt.NDArray[np.float32]


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
    most = positive_int(max_vectors_per_centroid, "max_vectors_per_centroid") * num_lists
    if len(v) > most:
        v = v[np.sort(np.random.default_rng(seed).choice(len(v), most, replace=False))]
    centroids = kmeans(v, num_lists, num_iterations=num_iterations, seed=seed, num_threads=num_threads).centroids
    quantizer = ProductQuantizer.train(
        v - centroids[nearest_lists(v, centroids, num_threads)],
        num_subquantizers=num_subquantizers,
        bits=bits,
        num_iterations=num_iterations,
        max_vectors_per_centroid=max_vectors_per_centroid,
        seed=seed,
        num_threads=num_threads,
    )
    origin = centroids.mean(axis=0, dtype=np.float64) if metric == "l2" else np.empty(0)
    return InvertedCoder(centroids, quantizer, metric, origin.astype(np.float32))
