"""Match two images, verify, and say why they show the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hcbir._arrays import whole_number
from hcbir._explanation import MAX_LOG10_NFA, Explanation, nfa_bound, projected_outline
from hcbir._features import LocalFeatures
from hcbir._matching import Matches, match
from hcbir._verification import verify


def explain(
    query: LocalFeatures,
    target: LocalFeatures,
    *,
    cross_check: bool = True,
    max_distance: float | None = None,
    max_ratio: float | None = None,
    metric: str | None = None,
    model: str = "homography",
    max_error: float = 8.0,
    seed: int = 0,
    confidence: float = 0.999,
    min_trials: int = 50,
    max_trials: int = 10_000,
    use_frames: bool = False,
    exhaustive: bool = False,
    one_to_one: bool = False,
    min_inliers: int = 0,
    max_log10_nfa: float = MAX_LOG10_NFA,
    num_threads: int | None = None,
) -> Explanation:
    """Says whether two images show the same thing, and why: `match`, then `verify`, then the query's outline.

    Parameters
    ----------
    query, target : LocalFeatures
        Of the same kind of descriptors.
    cross_check, max_distance, max_ratio, metric
        As in `match`; what a store of codes counts is told by metric="l2".
    model, max_error, seed, confidence, min_trials, max_trials
        As in `verify`.
    use_frames : bool
        Verify with the features' scales and orientations, which both must have; see `verify`.
    exhaustive, one_to_one : bool
        As in `verify`; the former with use_frames.
    min_inliers : int
        Fewer count as none, as in `verify_candidates`. So `**DELF_PROTOCOL` can be given, but then `is_match` means
        little: at its 20 pixels and without mutual neighbours, 16 % of the pairs of photographs of different classes
        pass with ALIKE-t's features, and .24 % with SIFT's.
    max_log10_nfa : float
        It is a match if the number of false alarms is below 10 to this: if points placed at random and independently
        would agree as well in less than one pair of 10^10. Real features are not that independent: of 37,866 pairs
        of photographs of different classes none passes with SIFT, none with ORB (one by affine maps), but 6 of 1000
        with the network ALIKE-t. For a network, measure what bound to set: `null_distribution`,
        with the options that are given here.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`. The result does not depend on it.

    Raises
    ------
    ValueError, TypeError
        As `match` and `verify` do, and for what is no LocalFeatures.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> descriptors = np.eye(20, dtype=np.float32)
    >>> points = rng.uniform(0, 300, (20, 2)).astype(np.float32)
    >>> image = LocalFeatures(points, descriptors, np.ones(20, np.float32), image_size=(300, 200))
    >>> moved = LocalFeatures(points / 2 + np.float32(9), descriptors, np.ones(20, np.float32))
    >>> explanation = explain(image, moved)
    >>> explanation.num_inliers, explanation.is_match
    (20, True)
    >>> explanation.outline.round().tolist()
    [[9.0, 9.0], [159.0, 9.0], [159.0, 109.0], [9.0, 109.0]]
    """
    for name, features in (("query", query), ("target", target)):
        if not isinstance(features, LocalFeatures):
            raise TypeError(f"{name} must be LocalFeatures, got {type(features).__name__}")
        is_place = np.isfinite(features.keypoints).all(axis=1)
        if not is_place.all():
            row = int(is_place.argmin())
            raise ValueError(f"keypoints of the {name} must be finite, got a value that is not in row {row}")
    most_log10_nfa = nfa_bound(max_log10_nfa)
    fewest = whole_number(min_inliers, "min_inliers")
    if len(query) and len(target):
        matches = match(
            query.descriptors,
            target.descriptors,
            cross_check=cross_check,
            max_distance=max_distance,
            max_ratio=max_ratio,
            metric=metric,
            num_threads=num_threads,
        )
    else:  # an image without features may come with descriptors of any shape
        matches = Matches(np.empty((0, 2), np.int32), np.empty(0, np.float32))
    points0, points1 = query.keypoints[matches.indices[:, 0]], target.keypoints[matches.indices[:, 1]]
    verification = verify(
        points0,
        points1,
        model=model,
        max_error=max_error,
        seed=seed,
        confidence=confidence,
        min_trials=min_trials,
        max_trials=max_trials,
        exhaustive=exhaustive,
        one_to_one=one_to_one,
        **(_matched_frames(query, target, matches.indices) if use_frames else {}),
    )
    too_few = None
    if verification.num_inliers < fewest:
        too_few = verification.num_inliers, fewest
        verification = replace(
            verification,
            num_inliers=0,
            inlier_mask=np.zeros_like(verification.inlier_mask),
            model=np.full((3, 3), np.nan),
            log10_nfa=np.inf,
        )
    outline = None if query.image_size is None else projected_outline(query.image_size, verification.model)
    counts = len(query), len(target)
    return Explanation(matches, points0, points1, verification, outline, counts, most_log10_nfa, too_few)


def _matched_frames(
    query: LocalFeatures, target: LocalFeatures, pairs: npt.NDArray[np.int32]
) -> dict[str, npt.NDArray[np.float32]]:
    """What `verify` is to be told of matched features beside their points."""
    frames = {}
    for side, (name, features) in enumerate((("query", query), ("target", target))):
        for kind, values in (("scales", features.scales), ("orientations", features.orientations)):
            if values is None and len(features):
                raise ValueError(f"{name} must have {kind} for use_frames, got features without")
            frames[f"{kind}{side}"] = np.empty(0, np.float32) if values is None else values[pairs[:, side]]
    return frames
