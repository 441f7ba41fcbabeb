"""One-to-one matching of local descriptors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import one_of, real_number, small_matrix
from hcbir._runtime import num_threads_argument
from hcbir._search import METRICS

RANGE = 1e-18, 1e18


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of descriptors.

    Parameters
    ----------
    indices : (p, 2) int32
        Rows of the two sets; ascending by the first.
    scores : (p,) float32
        Larger is better: the metric's score, or minus the Hamming distance.
    """

    indices: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)


def match(
    descriptors0: npt.ArrayLike,
    descriptors1: npt.ArrayLike,
    *,
    cross_check: bool = True,
    max_distance: float | None = None,
    max_ratio: float | None = None,
    metric: str | None = None,
    num_threads: int | None = None,
) -> Matches:
    """Pairs every descriptor of the first set with its nearest neighbour in the second.

    Parameters
    ----------
    descriptors0, descriptors1 : (n, d) float32, or (n, bytes) uint8 for binary descriptors
        Other real dtypes are converted to float32.
    cross_check : bool
        Keep only pairs that are each other's nearest neighbour (one-to-one).
    max_distance : float, optional
        Keep only pairs closer than this: Euclidean distance, for "dot" and "cosine" that of unit vectors,
        sqrt(2 - 2 score); for binary descriptors the number of different bits.
    max_ratio : float, optional
        0 to 1: keep only pairs whose distance is below this times that of the second neighbour (Lowe 2004: 0.8).
    metric : {"dot", "cosine", "l2", "hamming"}, optional
        Default: "dot" for float descriptors, "hamming" for binary ones.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`.

    Raises
    ------
    ValueError, TypeError
        If the arrays are of different dimension or kind, hold NaN, or an option does not fit; for "dot" and "l2", if
        scores are infinite or all 0 since the descriptors are beyond 1e-18 to 1e18: scores are compared as float32.

    >>> import numpy as np
    >>> points = np.eye(3, dtype=np.float32)
    >>> match(points, points[[2, 0]]).indices
    array([[0, 1],
           [2, 0]], dtype=int32)
    """
    d0, d1 = np.asarray(descriptors0), np.asarray(descriptors1)
    binary = d0.dtype == np.uint8
    if binary != (d1.dtype == np.uint8):
        raise TypeError(
            f"descriptors0 and descriptors1 must both be binary (uint8) or both float, got {d0.dtype} and {d1.dtype}"
        )
    dtype = np.uint8 if binary else np.float32
    d0, d1 = small_matrix(d0, "descriptors0", dtype=dtype), small_matrix(d1, "descriptors1", dtype=dtype)
    if d0.shape[1] != d1.shape[1]:
        raise ValueError(f"descriptors1 must have the length of descriptors0, {d0.shape[1]}, got {d1.shape[1]}")
    if d0.shape[1] == 0 and len(d0):
        raise ValueError("descriptors0 must have a length of at least 1, got 0")
    core_metric = match_metric(metric, binary=binary)
    options = match_options(cross_check, max_distance, max_ratio)
    if binary:
        return Matches(*_core.match_binary(d0, d1, *options, num_threads_argument(num_threads)))
    matches = Matches(*_core.match_float(d0, d1, core_metric, *options, num_threads_argument(num_threads)))
    if core_metric != _core.Metric.cosine and not (len(matches) and 0 < np.abs(matches.scores).max() < math.inf):
        check_range(d0, d1)
    return matches


def check_range(*sets: npt.NDArray[Any]) -> None:
    """Refuses descriptors whose products overflow or vanish: no pair, or an arbitrary one, would be found of them."""
    largest = [max(float(d.max(initial=0)), -float(d.min(initial=0))) for d in sets]
    if any(0 < value < RANGE[0] or value > RANGE[1] for value in largest):
        raise ValueError(
            f"descriptors must have a largest value from {RANGE[0]:g} to {RANGE[1]:g}, whose products float32 holds, "
            f"got {' and '.join(f'{value:g}' for value in largest)}: scale all alike, or take metric='cosine'"
        )


def match_metric(metric: str | None, *, binary: bool) -> _core.Metric:
    """The metric of `match`, checked; binary descriptors have only one, so there it is not used."""
    if binary:
        one_of(metric or "hamming", "metric of binary descriptors", ("hamming",))
        return _core.Metric.dot
    return _core.Metric[one_of(metric or "dot", "metric of float descriptors", METRICS)]


def match_options(cross_check: bool, max_distance: float | None, max_ratio: float | None) -> tuple[bool, float, float]:
    """The other options of `match`, checked, as the core takes them."""
    if max_distance is not None:
        max_distance = real_number(max_distance, "max_distance", lambda given: given >= 0, "a number of at least 0")
    if max_ratio is not None:
        max_ratio = real_number(max_ratio, "max_ratio", lambda given: 0 <= given <= 1, "a number from 0 to 1")
    distance, ratio = (math.inf if most is None else most for most in (max_distance, max_ratio))
    return bool(cross_check), distance, ratio
