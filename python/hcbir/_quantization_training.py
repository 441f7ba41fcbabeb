"""Learning of product quantisers: checks, and the rotation of OPQ."""

from __future__ import annotations

from itertools import chain

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import large_matrix, positive_int, seed_number
from hcbir._quantization_codes import checked_bits
from hcbir._runtime import num_threads_argument

Floats = npt.NDArray[np.float32]

NUM_ROUNDS = 20  # of OPQ: rotation and centroids in turn
ITERATIONS_A_ROUND = 2
PRODUCTS_BLOCK = 8192


def train(
    vectors: Floats,
    num_subquantizers: int,
    bits: int,
    rotation: str | None,
    num_iterations: int,
    max_vectors_per_centroid: int,
    seed: int,
    num_threads: int | None,
) -> tuple[Floats, Floats | None]:
    """Centroids, (m, 2**bits, s), and the rotation if one is asked for."""
    v = large_matrix(vectors, "vectors")
    if positive_int(num_subquantizers, "num_subquantizers") > v.shape[1] or v.shape[1] % num_subquantizers:
        raise ValueError(
            f"num_subquantizers must be a divisor of the vectors' dimension, {v.shape[1]}, got {num_subquantizers}"
        )
    bits = checked_bits(bits)
    if rotation is not None and not (isinstance(rotation, str) and rotation == "opq"):
        raise ValueError(f"rotation must be None or 'opq', got {rotation!r}")
    seed = seed_number(seed)
    positive_int(num_iterations, "num_iterations")
    positive_int(max_vectors_per_centroid, "max_vectors_per_centroid")
    threads = num_threads_argument(num_threads)

    shape = num_subquantizers, bits
    limits = num_iterations, max_vectors_per_centroid
    axes = initial = None
    if rotation is not None:
        axes, initial = learned_rotation(sampled(v, rotation_vectors(v.shape[1]), seed), *shape, seed, threads)
        v = _core.rotate(sampled(v, max_vectors_per_centroid * 2**bits, seed), axes, threads)
    centroids = _core.train_pq(v, *shape, *limits, seed, initial, threads)[0]
    return centroids.reshape(num_subquantizers, 2**bits, -1), axes


def sampled(vectors: Floats, limit: int, seed: int) -> Floats:
    if len(vectors) <= limit:
        return vectors
    return vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), limit, replace=False))]


def rotation_vectors(dim: int) -> int:
    """How many tell a rotation of dim * dim numbers: twice as many change what is lost by less than a hundredth."""
    return min(256 * dim, 65536)


def learned_rotation(
    vectors: Floats, num_subquantizers: int, bits: int, seed: int, num_threads: int
) -> tuple[Floats, Floats]:
    """Rotation and centroids, each in turn the best for the other (Ge et al. 2013)."""
    axes, centroids = balanced_axes(vectors, num_subquantizers), None
    for _ in range(NUM_ROUNDS):
        rotated = _core.rotate(vectors, axes, num_threads)
        limits = ITERATIONS_A_ROUND, len(vectors)
        centroids = _core.train_pq(rotated, num_subquantizers, bits, *limits, seed, centroids, num_threads)[0]
        quantizer = _core.ProductQuantizer(centroids, num_subquantizers, bits)
        approximated = quantizer.decode(quantizer.encode(rotated, None, num_threads), num_threads)
        axes = nearest_rotation(products(approximated, vectors))
    assert centroids is not None
    return axes, centroids


def products(left: Floats, right: Floats) -> npt.NDArray[np.float64]:
    """left.T @ right: floats, which are twice as fast, of a few thousand vectors at a time."""
    total = np.zeros((left.shape[1], right.shape[1]))
    for first in range(0, len(left), PRODUCTS_BLOCK):
        rows = slice(first, first + PRODUCTS_BLOCK)
        total += left[rows].T @ right[rows]
    return total


def balanced_axes(vectors: Floats, num_subquantizers: int) -> Floats:
    """The principal axes, dealt out so that each sub-space has about the same product of variances (Ge et al. 2013)."""
    variances, axes = np.linalg.eigh(np.cov(vectors.astype(np.float64), rowvar=False).reshape(vectors.shape[1], -1))
    width = vectors.shape[1] // num_subquantizers
    groups: list[list[int]] = [[] for _ in range(num_subquantizers)]
    logs = np.log(np.maximum(variances, 1e-30 * max(float(variances[-1]), 1e-30)))
    logs -= logs.min()  # so that a larger group has a larger sum
    for axis in np.argsort(-variances, kind="stable").tolist():
        open_groups = [group for group in groups if len(group) < width]
        min(open_groups, key=lambda group: sum(logs[i] for i in group)).append(axis)
    return np.ascontiguousarray(axes[:, list(chain.from_iterable(groups))].T, dtype=np.float32)


def nearest_rotation(products: npt.NDArray[np.float64]) -> Floats:
    """The rotation R with the largest trace of R' * products (orthogonal Procrustes)."""
    left, _, right = np.linalg.svd(products)
    return np.ascontiguousarray(left @ right, dtype=np.float32)
