"""The size of values that can be quantised: those whose squared distances float32 holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcbir._arrays import check_finite

RANGE = 1e-16, 1e16


def check_largest(vectors: npt.NDArray[np.float32], first_row: int = 0) -> float:
    """The largest size of a value; a ValueError that says where for one beyond the range, which begins at 0."""
    largest = 0.0
    for start in range(0, len(vectors), 65536):
        block = vectors[start : start + 65536]
        size = max(float(block.max(initial=0)), -float(block.min(initial=0)))
        if not size <= RANGE[1]:
            check_finite(block, "vectors", first_row + start)
            row = int(np.abs(block).max(axis=1).argmax())
            row += first_row + start
            raise ValueError(f"vectors must be of values up to {RANGE[1]:g} in size, got {size:g} in row {row}")
        largest = max(largest, size)
    return largest


def check_range(vectors: npt.NDArray[np.float32]) -> None:
    """A ValueError for vectors from which nothing can be learned: some are too large, or all too small."""
    largest = check_largest(vectors)
    if 0 < largest < RANGE[0]:
        raise ValueError(f"vectors must have a largest value from {RANGE[0]:g} to {RANGE[1]:g}, got {largest:g}")
