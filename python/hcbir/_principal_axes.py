"""Directions in which rows vary most: by their columns there a scan in bytes leaves most rows early."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLE = 4096  # rows
QUERIES = 96  # of them, in whose stead
RANK = 1  # their bar: of a sample so small, what the hundredth or so is of a million
STRIP_QUERIES, STRIP_ROWS = 6, 16  # scanned together at AVX2, and left together
FEW, FEW_COST = 2, 1 / 3  # queries of a strip, whose tails are scanned one by one; the cost of one, in strips
WORTH_TURNING = 0.6  # the largest share of the products; without axes about this much remains
EXACT_DIM = 512  # up to here all axes are found, beyond it the first quarter
MOST_SHIFT = 4

Axes = tuple[npt.NDArray[np.float32], int]  # reflectors and tail_shift, as the core takes them


def no_axes(dim: int) -> Axes:
    return np.empty((0, dim), np.float32), 0


def principal_axes(sample: npt.NDArray[np.float32], *, directions: bool = False) -> Axes:
    """Reflections to the principal axes of a sample of rows, or none where they would not pay.

    Parameters
    ----------
    sample : (n, d) float32
        Rows at random, not centred: products are between rows as they are.
    directions : bool
        Whether rows count by their directions alone.

    Returns
    -------
    reflectors : (h, d) float32
        Householder's vectors; in turn they bring the first h principal axes to the first h columns. h may be 0.
    tail_shift : int
        The power of 2 nearest to how much smaller the other columns are.
    """
    n, dim = sample.shape
    if n < 8 * STRIP_ROWS + QUERIES or dim < 64 or not np.isfinite(sample).all():
        return no_axes(dim)
    largest = np.abs(sample).max(axis=1 if directions else None, keepdims=True)
    sample = sample / np.maximum(largest, np.float32(1e-45))  # lest squares overflow
    if directions:
        lengths = np.linalg.norm(sample, axis=1, keepdims=True)
        sample = sample / np.maximum(lengths, np.float32(1e-45))
    axes = _all_axes(sample) if dim <= EXACT_DIM else _first_axes(sample, dim // 4)
    turned = sample @ axes
    squared = np.einsum("ij,ij->i", sample, sample)
    best, least = 0, WORTH_TURNING
    queries, rows = _strips(turned)
    scores = sample[queries] @ sample[rows].T
    bars = np.partition(scores, -RANK, axis=1)[:, [-RANK]]
    for head in range(16, min(axes.shape[1], dim - 16) + 1, 16 if dim <= EXACT_DIM else 64):
        first = turned[:, :head]
        tails = np.sqrt(np.maximum(squared - np.einsum("ij,ij->i", first, first), 0))
        open_pairs = first[queries] @ first[rows].T + tails[queries][:, None] * tails[rows] >= bars
        num_open = open_pairs.reshape(-1, STRIP_QUERIES, len(rows) // STRIP_ROWS, STRIP_ROWS).any(axis=3).sum(axis=1)
        tail_costs = np.where(num_open <= FEW, FEW_COST * num_open, 1)
        products = head / dim + (1 - head / dim) * float(tail_costs.mean())
        if products < least:
            best, least = head, products
    if best == 0:
        return no_axes(dim)
    energy = np.einsum("ij,ij->", turned[:, :best], turned[:, :best])
    rest = max(float(squared.sum() - energy), 1e-30)
    ratio = np.sqrt(float(energy) / best / (rest / (dim - best)))
    return _reflectors(axes[:, :best]), int(np.clip(round(float(np.log2(ratio))), 0, MOST_SHIFT))


def _strips(turned: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows that stand for queries, and the others, in whole strips."""
    order = np.random.default_rng(0).permutation(len(turned))
    rows = order[QUERIES:]
    return order[:QUERIES], rows[: len(rows) // STRIP_ROWS * STRIP_ROWS]


def _all_axes(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(d, d), the first first."""
    _, axes = np.linalg.eigh((sample.T @ sample).astype(np.float64))
    return axes[:, ::-1].astype(np.float32)


def _first_axes(sample: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """(d, count) by subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4)."""
    start = np.random.default_rng(0).standard_normal((sample.shape[1], count), dtype=np.float32)
    basis = np.linalg.qr(sample.T @ (sample @ start))[0]
    for _ in range(2):
        basis = np.linalg.qr(sample.T @ (sample @ basis))[0]
    projected = sample @ basis
    _, axes = np.linalg.eigh((projected.T @ projected).astype(np.float64))
    turned: npt.NDArray[np.float32] = basis @ axes[:, ::-1].astype(np.float32)
    return turned


def _reflectors(axes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Householder's vectors of the axes' QR decomposition, of length 1."""
    vectors, _ = np.linalg.qr(axes.astype(np.float64), mode="raw")  # (h, d), each with zeros and a 1 left out
    vectors = np.triu(vectors, 1) + np.eye(*vectors.shape)
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
