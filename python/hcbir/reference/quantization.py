"""Product quantisation, specified."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]


def pack(numbers: Array, bits: int) -> Codes:
    """(n, m) centroid numbers as code bytes; of two 4-bit numbers the first stands in the low half."""
    values = np.asarray(numbers, np.uint8)
    if bits == 8:
        return values
    if values.shape[1] % 2:
        values = np.pad(values, ((0, 0), (0, 1)))
    packed: Codes = values[:, ::2] | (values[:, 1::2] << 4).astype(np.uint8)
    return packed


def unpack(codes: Codes, num_subquantizers: int, bits: int) -> Array:
    """(n, m) centroid numbers of code bytes."""
    if bits == 8:
        return codes
    return np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1)[:, :num_subquantizers]


def arranged(codes: Codes) -> Codes:
    """Packed codes, 1-D: what `ProductQuantizer.pack` makes of (n, code_size) codes of 8 bits.

    Of every 16320 codes, filled up with zeros to whole groups of 64, the first bytes, then the second ...; at the end
    the number of codes, as 8 bytes.
    """
    count = np.array([len(codes)], "<u8").view(np.uint8)
    codes = np.pad(codes, ((0, -len(codes) % 64), (0, 0)))
    return np.concatenate([*(codes[i : i + 16320].T.ravel() for i in range(0, len(codes), 16320)), count])


def encode(vectors: Array, centroids: Array, bits: int) -> Codes:
    """The nearest centroid in every sub-space, the first of equally near ones.

    centroids: (m, 2**bits, d / m). In float32, nothing fused: about the mean of the sub-space's centroids, half
    the squared length of each less its products with the vector, dimension after dimension.
    """
    numbers = []
    for x, c in zip(np.split(vectors, len(centroids), axis=1), centroids, strict=True):
        mean = (np.cumsum(c, axis=0, dtype=np.float64)[-1] / len(c)).astype(np.float32)
        x, c = x - mean, c - mean
        halves = np.zeros(len(c), np.float64)
        for d in range(c.shape[1]):
            halves = halves + c[:, d].astype(np.float64) ** 2
        rest = np.broadcast_to((halves / 2).astype(np.float32), (len(x), len(c)))
        for d in range(c.shape[1]):
            rest = rest - x[:, d, None] * c[None, :, d]
        numbers.append(rest.argmin(axis=1))
    return pack(np.stack(numbers, axis=1), bits)


def encode_anisotropic(vectors: Array, centroids: Array, bits: int, threshold: float) -> Codes:
    """Codes of less loss |r|^2 + (eta - 1) (r x)^2 / |x|^2, r being what x loses, eta = (d - 1) t^2 / (1 - t^2).

    Begun with `encode`; sub-space after sub-space takes its best centroid anew, until none changes or five times.
    Guo et al., "Accelerating Large-Scale Inference with Anisotropic Vector Quantization", ICML 2020.
    """
    numbers = unpack(encode(vectors, centroids, bits), len(centroids), bits).astype(np.int64)
    dim = vectors.shape[1]
    excess = (dim - 1) * threshold**2 / (1 - threshold**2) - 1
    for i, vector in enumerate(vectors):
        squared = np.cumsum(vector.astype(np.float64) ** 2)[-1]
        if squared == 0:
            continue
        parts = np.split(vector, len(centroids))
        products = [np.cumsum(x * c, axis=1)[:, -1] for x, c in zip(parts, centroids, strict=True)]
        squares = [np.cumsum(c * c, axis=1)[:, -1] for c in centroids]
        along = np.float64(0)
        for m, number in enumerate(numbers[i]):
            along += np.float64(products[m][number])
        weight = np.float32(excess / squared)
        for _ in range(5):
            before = numbers[i].copy()
            for m in range(len(centroids)):
                along -= np.float64(products[m][numbers[i, m]])
                missing = np.float32(squared - along) - products[m]
                losses = (squares[m] - 2 * products[m]) + (weight * missing) * missing
                numbers[i, m] = losses.argmin()
                along += np.float64(products[m][numbers[i, m]])
            if (numbers[i] == before).all():
                break
    return pack(numbers, bits)


def decode(codes: Codes, centroids: Array, bits: int) -> npt.NDArray[np.float32]:
    """The centroids that the codes name, side by side."""
    numbers = unpack(codes, len(centroids), bits)
    return np.concatenate([c[numbers[:, m]] for m, c in enumerate(centroids)], axis=1)


def tables(query: Array, centroids: Array, bits: int, metric: str) -> npt.NDArray[np.float32]:
    """(code bytes, 256): what each value of each code byte adds to a score.

    For a sub-space the dot product, or less the squared distance, in float64, dimension after dimension, rounded
    to float32; for a byte of two 4-bit numbers the float32 sum of both.
    """
    parts = []
    for q, c in zip(np.split(query, len(centroids)), centroids.astype(np.float64), strict=True):
        total = np.zeros(len(c))
        for d, value in enumerate(q.astype(np.float64)):
            total = total + value * c[:, d] if metric == "dot" else total - (value - c[:, d]) ** 2
        parts.append(total.astype(np.float32))
    if bits == 8:
        return np.stack(parts)
    if len(parts) % 2:
        parts.append(np.zeros(16, np.float32))
    return np.stack([(low[None] + high[:, None]).ravel() for low, high in zip(parts[::2], parts[1::2], strict=True)])


def adc_scores(queries: Array, codes: Codes, centroids: Array, bits: int, metric: str) -> npt.NDArray[np.float32]:
    """(q, n) scores: byte b of a code adds to partial sum b % 4; (s0 + s1) + (s2 + s3), all in float32."""
    scores = np.empty((len(queries), len(codes)), np.float32)
    for i, query in enumerate(queries):
        sums = np.zeros((4, len(codes)), np.float32)
        for b, table in enumerate(tables(query, centroids, bits, metric)):
            sums[b % 4] += table[codes[:, b]]
        scores[i] = (sums[0] + sums[1]) + (sums[2] + sums[3])
    return scores


def adc_search(
    queries: Array, codes: Codes, centroids: Array, bits: int, k: int, *, metric: str = "dot"
) -> tuple[Array, Array]:
    """The k best scores and codes of every query; codes of equal score in ascending order."""
    scores = adc_scores(queries, codes, centroids, bits, metric)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


def lloyd_step(vectors: Array, centroids: Array) -> npt.NDArray[np.float32]:
    """Every centroid of every sub-space moved to the mean of its vectors; one without vectors stays."""
    numbers = encode(vectors, centroids, 8)  # a number a byte, whatever the bits
    moved = centroids.copy()
    width = centroids.shape[2]
    for m in range(len(centroids)):
        part = vectors[:, m * width : (m + 1) * width].astype(np.float64)
        for c in np.unique(numbers[:, m]):
            moved[m, c] = part[numbers[:, m] == c].mean(axis=0)
    return moved


def rerank(
    queries: Array, vectors: Array, candidates: Array, k: int, *, metric: str = "dot"
) -> tuple[npt.NDArray[np.float32], Array]:
    """Of every query's candidates, rows of `vectors`, the k best by float64 scores rounded to float32."""
    scores = np.empty((len(queries), k), np.float32)
    found = np.empty((len(queries), k), np.int64)
    for i, query in enumerate(queries.astype(np.float64)):
        rows = np.sort(candidates[i])
        x = vectors[rows].astype(np.float64)
        own = (x @ query if metric == "dot" else -((x - query) ** 2).sum(axis=1)).astype(np.float32)
        order = np.argsort(-own, kind="stable")[:k]
        scores[i], found[i] = own[order], rows[order]
    return scores, found


def balanced_axes(vectors: Array, num_subquantizers: int) -> Array:
    """(d, d) principal axes as rows, the largest first to the sub-space whose variances' product is least so far."""
    variances, axes = np.linalg.eigh(np.cov(vectors.T.astype(np.float64)))
    room = len(axes) // num_subquantizers
    logs = np.log(variances / variances.min())
    members: list[list[int]] = [[] for _ in range(num_subquantizers)]
    for axis in np.argsort(-variances):
        loads = [logs[own].sum() if len(own) < room else np.inf for own in members]
        members[int(np.argmin(loads))].append(int(axis))
    return axes.T[np.concatenate(members)]


def nearest_rotation(products: Array) -> Array:
    """The orthogonal factor of the polar decomposition: it maximises the trace of R' products (Schönemann 1966)."""
    squared, axes = np.linalg.eigh(products.T @ products)
    rotation: Array = products @ (axes / np.sqrt(squared)) @ axes.T
    return rotation


def opq(
    vectors: Array, num_subquantizers: int, bits: int, *, num_rounds: int, num_iterations: int, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Centroids and rotation in turn (Ge et al. 2013, non-parametric), begun with balanced axes and vectors drawn."""
    axes = balanced_axes(vectors, num_subquantizers).astype(np.float32)
    drawn = np.random.default_rng(seed).choice(len(vectors), 2**bits, replace=False)
    centroids = np.stack(np.split((vectors @ axes.T)[drawn], num_subquantizers, axis=1))
    for _ in range(num_rounds):
        rotated = vectors @ axes.T
        for _ in range(num_iterations):
            centroids = lloyd_step(rotated, centroids)
        approximated = decode(encode(rotated, centroids, bits), centroids, bits).astype(np.float64)
        axes = nearest_rotation(approximated.T @ vectors).astype(np.float32)
    return centroids, axes
