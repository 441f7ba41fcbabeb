"""Geometric verification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import one_of, positive_int, real_number, seed_number, small_matrix

MODELS = ("similarity", "affine", "homography")


@dataclass(frozen=True, eq=False)
class Verification:
    """The model that most matched points agree on.

    Parameters
    ----------
    num_inliers : int
    inlier_mask : (p,) bool
        The pairs whose transfer error under `model` is below `max_error`; of those that share a point only the best,
        if that was asked for.
    model : (3, 3) float64
        Maps points0 to points1, homogeneous; NaN if none was found.
    num_trials : int
        Samples drawn.
    log10_nfa : float
        Decimal logarithm of the number of false alarms: how many models, of all that samples of these pairs allow,
        would be expected to have as many inliers if points1 lay at random in their bounding box (Moisan and Stival
        2004). Where a model shrinks so much that points0 at random would hit points1 more easily, the geometric mean of
        both probabilities counts. Pairs of one place, a square of side max_error in each image, count once. Far below
        0: not by chance. Infinite if no model was found, its inliers lie in no more places than a sample does, or the
        box is hardly larger than max_error. As good as its assumption: of 37,866 pairs of photographs of different
        places SIFT's homographies went below 0 in none, ORB's below -4 in .03 %, but those of a network (ALIKE), whose
        points of a tower agree with those of another tower, below -10 in .6 %; and 20 px in place of 8 made it 16 %.
    """

    num_inliers: int
    inlier_mask: npt.NDArray[np.bool_]
    model: npt.NDArray[np.float64]
    num_trials: int
    log10_nfa: float


def verify(
    points0: npt.ArrayLike,
    points1: npt.ArrayLike,
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
) -> Verification:
    """Estimates by RANSAC the model that maps points0 to points1, and counts the pairs that obey it.

    A sample is a match and some of the 6 nearest to it in both images, looked for among 32, 128 (if the 32 led to
    something) and 512 matches in turn: neighbours of a true match are true more often than others. A match proposes
    the model that explains its neighbours best, and one of them beside the sample if there are more than 16 matches.
    Proposals are compared by MSAC (Torr and Zisserman 2000) over all, the better ones optimised locally (Chum, Matas
    and Kittler 2003), the last by the likelihood of Student's t distribution, whose scale follows from the errors.
    Mirrored models, and those that stretch by more than 20, are not considered. Samples of a homography are tried as
    affine models too: these need fewer true pairs, and stand where no homography is determined. The result is a
    function of the arguments, the same at every instruction level.

    Parameters
    ----------
    points0, points1 : (p, 2)
        Matched points in pixels, x before y; converted to float32.
    model : {"similarity", "affine", "homography"}
        4, 6 or 8 degrees of freedom, from samples of 2, 3 or 4 pairs.
    max_error : float
        Pixels of image 1; an inlier's distance from where the model sends its point0 is strictly below.
    scales0, orientations0, scales1, orientations1 : (p,), optional
        All four or none: of the matched features, as in `LocalFeatures`, orientations in radians. Each pair's features
        propose a similarity; a sample is then drawn from pairs alone that agree with that of the first, in scale to a
        factor of 1.5, in angle to 30 degrees and in place to 0.6 of the way. Models are so found that fewer pairs obey.
    exhaustive : bool
        Instead of samples, the similarities that all pairs' features propose are tried (Philbin et al. 2007), and those
        that the other pairs bear out best are optimised. Without chance, and faster.
    one_to_one : bool
        Of inliers that share a point, in either image, only the one of least error counts: for pairs that are not
        mutual nearest neighbours.
    seed : int
        0 to 2**64 - 1.
    confidence : float
        Between 0 and 1: trials end once another model that as many matches would propose as the best one would have
        been met with this probability.
    min_trials, max_trials : int
        At least 1. Each pair is tried with its neighbours, with some 20 samples a pair, so that few pairs end earlier
        than either says.

    Returns
    -------
    Verification
        Without inliers for fewer pairs than a sample holds, and where all samples are degenerate.

    Raises
    ------
    ValueError
        For shapes that differ, points that are not finite, scales that are not positive, or an option out of range.

    >>> import numpy as np
    >>> points = np.array([[0, 0], [100, 0], [0, 100], [70, 60], [20, 90]])
    >>> verified = verify(points, 2 * points + [5, 7])
    >>> verified.num_inliers
    5
    >>> verified.model.round(3).tolist()
    [[2.0, 0.0, 5.0], [0.0, 2.0, 7.0], [0.0, 0.0, 1.0]]
    """
    p0, p1 = matched_points(points0, points1, _small_points)
    options = verify_options(model, max_error, confidence, min_trials, max_trials, seed)
    frames = frames_argument((scales0, orientations0, scales1, orientations1), len(p0))
    return Verification(*_core.verify(p0, p1, frames, (*options, bool(one_to_one), bool(exhaustive))))


FRAME_NAMES = ("scales0", "orientations0", "scales1", "orientations1")


def frames_argument(given: tuple[npt.ArrayLike | None, ...], count: int) -> Any:
    """The four as the core takes them; None if none is given."""
    if all(values is None for values in given):
        return None
    frames = []
    for values, name in zip(given, FRAME_NAMES, strict=True):
        if values is None:
            raise ValueError(f"{name} must be given with the others of {', '.join(FRAME_NAMES)}, got None")
        array = np.asarray(values)
        if array.shape != (count,) or array.dtype.kind not in "iuf":
            raise ValueError(f"{name} must be ({count},) numbers, one a pair, got {array.shape} {array.dtype}")
        frames.append(np.ascontiguousarray(array, np.float32))
    return tuple(frames)


def matched_points(
    points0: npt.ArrayLike, points1: npt.ArrayLike, as_matrix: Callable[[npt.ArrayLike, str], npt.NDArray[np.float32]]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Both as matrices (values, name) of x and y, as many in each."""
    p0, p1 = (_of_two_columns(as_matrix(v, name), name) for v, name in ((points0, "points0"), (points1, "points1")))
    if len(p0) != len(p1):
        raise ValueError(f"points1 must be as many as points0, {len(p0)}, got {len(p1)}")
    return p0, p1


def _of_two_columns(points: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
    if points.shape[1] != 2:
        raise ValueError(f"{name} must be (p, 2), x before y, got shape {points.shape}")
    return points


def _small_points(values: npt.ArrayLike, name: str) -> npt.NDArray[np.float32]:
    points = np.asarray(values)
    return np.empty((0, 2), np.float32) if points.shape == (0,) else small_matrix(points, name)


def verify_options(
    model: str, max_error: float, confidence: float, min_trials: int, max_trials: int, seed: int
) -> tuple[_core.GeometricModel, float, float, int, int, int]:
    """The options of `verify`, checked, as the core takes them."""
    seed = seed_number(seed)
    try:
        checked = _known_options(model, max_error, confidence, min_trials, max_trials)
    except TypeError:  # what cannot be hashed is no option
        checked = _checked_options(model, max_error, confidence, min_trials, max_trials)
    return (*checked, int(seed))


def _checked_options(
    model: str, max_error: float, confidence: float, min_trials: int, max_trials: int
) -> tuple[_core.GeometricModel, float, float, int, int]:
    return (
        _core.GeometricModel[one_of(model, "model", MODELS)],
        real_number(max_error, "max_error", lambda given: 0 < given < np.inf, "positive, in pixels"),
        real_number(confidence, "confidence", lambda given: 0 < given < 1, "between 0 and 1"),
        positive_int(min_trials, "min_trials"),
        positive_int(max_trials, "max_trials"),
    )


_known_options = lru_cache(typed=True)(_checked_options)  # a call takes no longer than checking does
