"""The bytes of an exact index: whether to make them, and by which axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._principal_axes import no_axes, principal_axes

SAMPLE = 2048  # rows on which "auto" decides
AXES_SAMPLE = 4096  # rows of which axes are found
ROWS_AN_AXIS = 256  # the fewest of the database: a query must be turned too
WORTH_BYTES = 0.6  # the largest share of a sample that bytes may leave: on 2048-d noise .39 are left, and they pay

# codes, bounds, offsets, reflectors, tail_shift
Codes = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], int]


def byte_codes(database: npt.NDArray[Any], metric: str, precision: str, threads: int) -> Codes | None:
    """What the core scans in place of the database, if that pays; any precision but "int8" is "auto"."""
    rows, dim = database.shape
    axes = no_axes(dim)
    if rows >= 2 * AXES_SAMPLE:
        axes = principal_axes(_sample(database, AXES_SAMPLE)[1], directions=metric == "cosine")
        if rows < ROWS_AN_AXIS * len(axes[0]):
            axes = no_axes(dim)
    codes: Codes = _core.quantize(database, _core.Metric[metric], *axes, threads)
    if precision == "int8" or (not _core.is_small(rows, dim) and _tells_apart(database, codes[1], metric, threads)):
        return codes
    return None


def _sample(database: npt.NDArray[Any], count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Rows at random, in their order, and their values."""
    rows = np.random.default_rng(0).choice(len(database), min(count, len(database)), replace=False)
    rows.sort()
    sample = np.ascontiguousarray(database[rows])
    if sample.dtype == np.uint16:  # bfloat16
        sample = (sample.astype(np.uint32) << 16).view(np.float32)
    return rows, sample.astype(np.float32)


def _tells_apart(database: npt.NDArray[Any], bounds: npt.NDArray[Any], metric: str, threads: int) -> bool:
    """Whether bytes leave few rows of a sample: by their bounds, and those of queries that are rounded likewise."""
    rows, sample = _sample(database, SAMPLE)
    queries, k = sample[:: max(1, len(sample) // 32)], max(1, len(sample) // 500)
    lengths = np.linalg.norm(sample.astype(np.float64), axis=1)
    norms = lengths[:: max(1, len(sample) // 32)]
    result = _core.rank(queries, sample, len(sample), _core.Metric[metric].value, None, threads)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # In units of keys (docs/exact-search.md), where a query's rounding changes twice what a row's does.
        relative = bounds[rows // 32, 2] / bounds[rows // 32, 1]
        margins = 3 * np.nanmedian(relative) * norms * (1 if metric == "cosine" else np.median(lengths))
        keys = result[0] * norms[:, None] if metric == "cosine" else result[0] / (2 if metric == "l2" else 1)
        left = np.mean(keys > keys[:, [k - 1]] - 2 * margins[:, None])
    return bool(left <= WORTH_BYTES)
