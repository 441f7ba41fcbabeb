"""Vectors like those of real descriptors."""

from __future__ import annotations

import numpy as np


def unit_vectors(n: int, dim: int, *, seed: int = 0, num_clusters: int = 1000, spread: float = 0.7) -> np.ndarray:
    """(n, dim) float32 unit vectors in clusters, with a spectrum that decays as 1 / sqrt(1 + i / 16)."""
    rng = np.random.default_rng(seed)
    spectrum = (1 / np.sqrt(1 + np.arange(dim) / 16)).astype(np.float32)
    centres = np.random.default_rng(0).standard_normal((num_clusters, dim), dtype=np.float32)
    vectors = centres[rng.integers(0, num_clusters, n)]
    vectors += spread * rng.standard_normal((n, dim), dtype=np.float32)
    vectors *= spectrum
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def noise(n: int, dim: int, *, seed: int = 0) -> np.ndarray:
    """(n, dim) float32 unit vectors in all directions alike."""
    vectors = np.random.default_rng(seed).standard_normal((n, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
