"""Vectors to codes and back, through a rotation if there is one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import describe, large_matrix, real_number
from hcbir._value_range import check_largest

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

BLOCK = 65536
"""Rotated vectors in memory at a time."""


def checked_centroids(centroids: Floats) -> Floats:
    c = np.array(centroids, order="C")
    if c.ndim != 3 or c.shape[1] not in (16, 256) or c.dtype != np.float32 or c.size == 0:
        raise ValueError(f"centroids must be float32 of shape (m, 256 or 16, s), got {describe(c)}")
    c.flags.writeable = False
    return c


def checked_rotation(rotation: Floats, dim: int) -> Floats:
    r = np.array(rotation, order="C")
    if r.dtype != np.float32 or r.shape != (dim, dim):
        raise ValueError(f"rotation must be float32 of shape {(dim, dim)}, got {describe(r)}")
    if not np.allclose(r @ r.T, np.eye(dim), atol=1e-3):
        raise ValueError("rotation must be orthogonal")
    r.flags.writeable = False
    return r


def checked_bits(bits: object) -> int:
    if not isinstance(bits, (int, np.integer)) or bits not in (4, 8):
        raise ValueError(f"bits must be 8 or 4, got {bits!r}")
    return int(bits)


def code_size(num_subquantizers: int, bits: int) -> int:
    """In bytes."""
    return (num_subquantizers * bits + 7) // 8


def checked_codes(codes: Codes, num_bytes: int) -> Codes:
    c = large_matrix(codes, "codes", dtype=np.uint8)
    if c.shape[1] != num_bytes:
        raise ValueError(f"codes must have {num_bytes} bytes a row, got {c.shape[1]}")
    return c


def encode(
    core: _core.ProductQuantizer,
    rotation: Floats | None,
    vectors: Floats,
    dim: int,
    num_bytes: int,
    anisotropic: float | None,
    num_threads: int,
) -> Codes:
    v = large_matrix(vectors, "vectors")
    if v.shape[1] != dim:
        raise ValueError(f"vectors must have the quantizer's dimension, {dim}, got {v.shape[1]}")
    if anisotropic is not None:
        real_number(anisotropic, "anisotropic", lambda given: 0 < given < 1, "between 0 and 1")
    if rotation is None:
        return core.encode(v, anisotropic, num_threads)
    codes = np.empty((len(v), num_bytes), np.uint8)
    for i in range(0, len(v), BLOCK):
        check_largest(v[i : i + BLOCK], i)
        rotated = _core.rotate(v[i : i + BLOCK], rotation, num_threads)
        codes[i : i + BLOCK] = core.encode(rotated, anisotropic, num_threads)
    return codes


def decode(core: _core.ProductQuantizer, rotation: Floats | None, codes: Codes, num_threads: int) -> Floats:
    vectors = core.decode(codes, num_threads)
    if rotation is None:
        return vectors
    return _core.rotate(vectors, np.ascontiguousarray(rotation.T), num_threads)
