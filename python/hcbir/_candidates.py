"""One image's local features against those of many images: matched and verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import whole_number
from hcbir._candidate_checks import check_candidates, chosen_ids
from hcbir._features import LocalFeatures
from hcbir._matching import check_range, match_metric, match_options
from hcbir._runtime import num_threads_argument
from hcbir._store import LocalFeatureStore
from hcbir._verification import verify_options

DELF_PROTOCOL: Mapping[str, Any] = MappingProxyType(
    {
        "cross_check": False,
        "metric": "l2",
        "max_distance": 0.8,
        "model": "affine",
        "max_error": 20.0,
        "max_trials": 1000,
        "min_inliers": 4,
    }
)
"""Options with which DELF's own scripts compare two images (tensorflow/models, research/delf): the nearest neighbour
of each query feature if it is nearer than 0.8 (0.9 in Detect-to-Retrieve, 1.0 with DELG), not mutual; 20 px (10 in
Detect-to-Retrieve); 3 matches or fewer count as none."""

PROGRESS_STEP = 256

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class CandidateVerifications:
    """How well each of many images agrees with one.

    Parameters
    ----------
    num_inliers : (c,) int32
    log10_nfa : (c,) float64
        As in `Verification`.
    """

    num_inliers: npt.NDArray[np.int32]
    log10_nfa: npt.NDArray[np.float64]


def verify_candidates(
    query: LocalFeatures,
    candidates: Sequence[LocalFeatures] | LocalFeatureStore,
    ids: npt.ArrayLike | None = None,
    *,
    cross_check: bool = True,
    max_distance: float | None = None,
    max_ratio: float | None = None,
    metric: str | None = None,
    model: str = "affine",
    max_error: float = 8.0,
    seed: int = 0,
    confidence: float = 0.999,
    min_trials: int = 50,
    max_trials: int = 10_000,
    use_frames: bool = False,
    exhaustive: bool = False,
    one_to_one: bool = False,
    min_inliers: int = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> CandidateVerifications:
    """Compares one image's features with each of many: `match`, then `verify`, in one parallel call.

    Parameters
    ----------
    query : LocalFeatures
    candidates : sequence of LocalFeatures, or a LocalFeatureStore
        Of the same kind of descriptors as the query, binary or not; a store's compact ones are compared as the values
        they stand for.
    ids : (c,) integers, optional
        Only these candidates, in this order. Default: all.
    cross_check, max_distance, max_ratio, metric
        As in `match`, but that the metric is l2 for a store of codes unless one is given: the vectors that codes stand
        for are of no certain length.
    model, max_error, seed, confidence, min_trials, max_trials
        As in `verify`.
    use_frames : bool
        Verify with the features' scales and orientations, which all images must have; see `verify`.
    exhaustive, one_to_one : bool
        As in `verify`; the former with use_frames.
    min_inliers : int
        A candidate with fewer is of no interest and gets 0 (and a log10_nfa of infinity), without being verified
        where it has not even as many matches. The others' results are not changed.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`. The results do not depend on it.
    progress : callable, optional
        progress(done, total), called now and then.

    Raises
    ------
    ValueError, TypeError, IndexError
        For descriptors of another kind or length than the query's, options out of range and unknown ids; for "dot" and
        "l2", if the query's are beyond 1e-18 to 1e18, since scores are compared as float32.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> descriptors = np.eye(20, dtype=np.float32)
    >>> points = rng.uniform(0, 300, (20, 2)).astype(np.float32)
    >>> image = LocalFeatures(points, descriptors, np.ones(20, np.float32))
    >>> moved = LocalFeatures(points + np.float32(9), descriptors, np.ones(20, np.float32))
    >>> other = LocalFeatures(points[::-1].copy(), descriptors, np.ones(20, np.float32))
    >>> (verify_candidates(image, [moved, other]).log10_nfa < 0).tolist()
    [True, False]
    """
    if not isinstance(query, LocalFeatures):
        raise TypeError(f"query must be LocalFeatures, got {type(query).__name__}")
    if isinstance(candidates, LocalFeatures):
        raise TypeError("candidates must be a sequence of LocalFeatures, got one LocalFeatures")
    if not isinstance(candidates, (Sequence, LocalFeatureStore)):
        raise TypeError(f"candidates must be a sequence of LocalFeatures or a store, got {type(candidates).__name__}")
    if metric is None and isinstance(candidates, LocalFeatureStore) and candidates.quantizer is not None:
        metric = "l2"
    options = (
        match_metric(metric, binary=query.is_binary),
        *match_options(cross_check, max_distance, max_ratio),
        *verify_options(model, max_error, confidence, min_trials, max_trials, seed),
        *(bool(flag) for flag in (one_to_one, exhaustive, use_frames)),
        whole_number(min_inliers, "min_inliers"),
    )
    threads = num_threads_argument(num_threads)
    chosen = chosen_ids(ids, len(candidates))
    check_candidates(query, candidates, chosen, bool(use_frames))
    if not query.is_binary and options[0] != _core.Metric.cosine:
        check_range(query.descriptors)
    step = max(1, len(chosen)) if progress is None else PROGRESS_STEP
    num_inliers, log10_nfa = np.zeros(len(chosen), np.int32), np.empty(len(chosen))
    for first in range(0, len(chosen), step):
        part = slice(first, first + step)
        num_inliers[part], log10_nfa[part] = _run(query, candidates, chosen[part], options, threads)
        if progress is not None:
            progress(min(first + step, len(chosen)), len(chosen))
    return CandidateVerifications(num_inliers, log10_nfa)


def count_inliers(
    query: LocalFeatures,
    candidates: Sequence[LocalFeatures] | LocalFeatureStore,
    ids: npt.ArrayLike | None = None,
    *,
    cross_check: bool = True,
    max_distance: float | None = None,
    max_ratio: float | None = None,
    metric: str | None = None,
    model: str = "affine",
    max_error: float = 8.0,
    seed: int = 0,
    confidence: float = 0.999,
    min_trials: int = 50,
    max_trials: int = 10_000,
    use_frames: bool = False,
    exhaustive: bool = False,
    one_to_one: bool = False,
    min_inliers: int = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> npt.NDArray[np.int32]:
    """Inliers of one image's features against each of many, (c,) int32.

    Parameters
    ----------
    query : LocalFeatures
    candidates : sequence of LocalFeatures, or a LocalFeatureStore
    ids : (c,) integers, optional
        Only these candidates, in this order. Default: all.
    cross_check, max_distance, max_ratio, metric, model, max_error, seed, confidence, min_trials, max_trials
        As in `verify_candidates`, which also says how likely such counts are by chance; `**DELF_PROTOCOL` for what
        DELF's own scripts count.
    use_frames, exhaustive, one_to_one, min_inliers, num_threads, progress
        As there.

    >>> import numpy as np
    >>> points = np.array([[0, 0], [90, 10], [40, 80], [70, 60]], np.float32)
    >>> image = LocalFeatures(points, np.eye(4, dtype=np.float32), np.ones(4, np.float32))
    >>> count_inliers(image, [image], model="similarity", num_threads=1).tolist()
    [4]
    >>> count_inliers(image, [image], **DELF_PROTOCOL).tolist()
    [4]
    """
    verified = verify_candidates(
        query,
        candidates,
        ids,
        cross_check=cross_check,
        max_distance=max_distance,
        max_ratio=max_ratio,
        metric=metric,
        model=model,
        max_error=max_error,
        seed=seed,
        confidence=confidence,
        min_trials=min_trials,
        max_trials=max_trials,
        use_frames=use_frames,
        exhaustive=exhaustive,
        one_to_one=one_to_one,
        min_inliers=min_inliers,
        num_threads=num_threads,
        progress=progress,
    )
    return verified.num_inliers


def _run(
    query: LocalFeatures,
    candidates: Sequence[LocalFeatures] | LocalFeatureStore,
    ids: npt.NDArray[np.int64],
    options: tuple[Any, ...],
    num_threads: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    if isinstance(candidates, LocalFeatureStore):
        offsets, arrays = candidates.offsets, candidates._arrays.arrays  # of one moment: another thread may append
        descriptors = arrays["descriptors"]
        bits = descriptors.view(np.uint16) if candidates.dtype == "float16" else descriptors
        decoder = candidates.quantizer._core if candidates.quantizer else arrays.get("factors")
        stored = (arrays["keypoints"], bits, decoder, arrays.get("scales"), arrays.get("orientations"))
        return _core.verify_stored(_as_core(query), stored, offsets, ids, options, num_threads)
    views = [_as_core(candidates[i]) for i in ids.tolist()]
    return _core.verify_candidates(_as_core(query), views, options, num_threads)


def _as_core(features: LocalFeatures) -> tuple[Any, ...]:
    frames = (
        None if values is None else np.ascontiguousarray(values, np.float32)
        for values in (features.scales, features.orientations)
    )
    return np.ascontiguousarray(features.keypoints), np.ascontiguousarray(features.descriptors), None, *frames
