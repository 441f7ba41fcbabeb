"""Geometric verification of many pairs of images in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import large_matrix, whole_numbers
from hcbir._runtime import num_threads_argument
from hcbir._verification import frames_argument, matched_points, verify_options


@dataclass(frozen=True, eq=False)
class Verifications:
    """`Verification` of n pairs of images.

    Parameters
    ----------
    num_inliers : (n,) int64
    inlier_mask : (p,) bool
        Of all matches, in the order given.
    models : (n, 3, 3) float64
        NaN where none was found.
    num_trials : (n,) int64
    log10_nfa : (n,) float64
    """

    num_inliers: npt.NDArray[np.int64]
    inlier_mask: npt.NDArray[np.bool_]
    models: npt.NDArray[np.float64]
    num_trials: npt.NDArray[np.int64]
    log10_nfa: npt.NDArray[np.float64]


def verify_many(
    points0: npt.NDArray[np.float32],
    points1: npt.NDArray[np.float32],
    offsets: npt.ArrayLike,
    *,
    model: str = "affine",
    max_error: float = 8.0,
    scales0: npt.ArrayLike | None = None,
    orientations0: npt.ArrayLike | None = None,
    scales1: npt.ArrayLike | None = None,
    orientations1: npt.ArrayLike | None = None,
    exhaustive: bool = False,
    one_to_one: bool = False,
    seed: int = 0,
    confidence: float = 0.999,
    min_trials: int = 50,
    max_trials: int = 10_000,
    num_threads: int | None = None,
) -> Verifications:
    """`verify` for many pairs of images whose matches are at hand, parallel over the pairs.

    Where these are yet to be matched with one image, `verify_candidates` does both.

    Parameters
    ----------
    points0, points1 : (p, 2) float32
        Matched points of all pairs of images, one pair's after another's.
    offsets : (n + 1,) integers
        Pair i's matches are rows offsets[i] to offsets[i + 1]; from 0 to p.
    model, max_error, exhaustive, one_to_one, seed, confidence, min_trials, max_trials
        As in `verify`.
    scales0, orientations0, scales1, orientations1 : (p,), optional
        As in `verify`; float32 is not copied.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`. The results do not depend on it.

    Returns
    -------
    Verifications
        For each pair of images what `verify` returns for it alone.

    Raises
    ------
    ValueError, TypeError
        As `verify` does, for points that are not float32 in contiguous rows, and for offsets that do not ascend from 0
        to p.

    >>> import numpy as np
    >>> points = np.array([[0, 0], [100, 0], [0, 100], [70, 60], [20, 90]], np.float32)
    >>> points0, points1 = np.concatenate([points, points]), np.concatenate([points + np.float32(7), points[::-1]])
    >>> verify_many(points0, points1, [0, 5, 10], max_error=2.0).num_inliers.tolist()
    [5, 0]
    """
    p0, p1 = matched_points(points0, points1, large_matrix)
    options = verify_options(model, max_error, confidence, min_trials, max_trials, seed)
    frames = frames_argument((scales0, orientations0, scales1, orientations1), len(p0))
    begins, threads = whole_numbers(offsets, "offsets"), num_threads_argument(num_threads)
    return Verifications(
        *_core.verify_many(p0, p1, begins, frames, (*options, bool(one_to_one), bool(exhaustive)), threads)
    )
