"""Why two images match, or that they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures
from hcbir._matching import Matches, match
from hcbir._verification import Verification, verify

MAX_LOG10_NFA = -10.0
"""Two images match if their inliers are less likely by chance than this. Chance itself would allow a bound near 0, but
keypoints crowd on the same few textures, and dense networks' features of like scenes agree on their places. Of 1000
pairs of different landmarks, described at 320 pixels and verified at 4, that pass at -5 and at -10: SIFT .1 and 0, ORB
1.4 and .1, ALIKE-n 18 and 2."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What joins two images: matched points, the map that most of them obey, and how likely that is by chance.

    Parameters
    ----------
    matches : Matches
        Pairs of features: rows of the query's and of the target's.
    points0, points1 : (p, 2) float32
        Their keypoints, in pixels of the query and of the target.
    verification : Verification
        Of these points: inliers, model, number of false alarms.
    outline : (4, 2) float64 or None
        Where the model puts the corners of the query in the target, in pixels, from the query's top left clockwise.
        None if there is no model, the query's size is unknown, or a corner is sent to infinity.
    num_features : (int, int)
        Of the query and of the target.
    max_log10_nfa : float
        The bound that `is_match` applies.
    """

    matches: Matches
    points0: npt.NDArray[np.float32]
    points1: npt.NDArray[np.float32]
    verification: Verification
    outline: npt.NDArray[np.float64] | None
    num_features: tuple[int, int]
    max_log10_nfa: float = MAX_LOG10_NFA

    @property
    def inlier_mask(self) -> npt.NDArray[np.bool_]:
        """(p,) bool, the matches that obey the model."""
        return self.verification.inlier_mask

    @property
    def num_inliers(self) -> int:
        return self.verification.num_inliers

    @property
    def model(self) -> npt.NDArray[np.float64] | None:
        """(3, 3) map of the query's pixels to the target's, homogeneous; None if none was found."""
        model = self.verification.model
        return model if np.isfinite(model).all() else None

    @property
    def log10_nfa(self) -> float:
        """Decimal logarithm of the number of false alarms; see `Verification`."""
        return self.verification.log10_nfa

    @property
    def is_match(self) -> bool:
        """Whether more matches agree than chance explains."""
        return self.log10_nfa < self.max_log10_nfa

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.is_match:
            return f"a match: so many would agree by chance in one pair of 10^{-self.log10_nfa:.0f}"
        if 0 in self.num_features:
            return "no match: an image has no features"
        if len(self.matches) == 0:
            return "no match: no features are alike"
        return "no match: chance explains as many"


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
    max_log10_nfa: float = MAX_LOG10_NFA,
    num_threads: int | None = None,
) -> Explanation:
    """Says whether two images show the same thing, and why: `match`, then `verify`, then the query's outline.

    Parameters
    ----------
    query, target : LocalFeatures
        Of the same kind of descriptors.
    cross_check, max_distance, max_ratio, metric
        As in `match`.
    model, max_error, seed, confidence, min_trials, max_trials
        As in `verify`.
    use_frames : bool
        Verify with the features' scales and orientations, which both must have; see `verify`.
    exhaustive, one_to_one : bool
        As in `verify`; the former with use_frames.
    max_log10_nfa : float
        It is a match if the number of false alarms is below 10 to this.
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
    if not isinstance(max_log10_nfa, (int, float, np.integer, np.floating)) or np.isnan(max_log10_nfa):
        raise ValueError(f"max_log10_nfa must be a number, got {max_log10_nfa!r}")
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
    outline = None if query.image_size is None else projected_outline(query.image_size, verification.model)
    counts = len(query), len(target)
    return Explanation(matches, points0, points1, verification, outline, counts, float(max_log10_nfa))


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


def projected_outline(size: tuple[int, int], model: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """(4, 2) points to which a model sends the corners of an image of this (width, height), as in `Explanation`.

    None unless all are finite, before the camera, and within 50 times the image's longer side.
    """
    right, bottom = size[0] - 0.5, size[1] - 0.5  # pixels have their centres at whole numbers
    corners = np.array([(-0.5, -0.5, 1), (right, -0.5, 1), (right, bottom, 1), (-0.5, bottom, 1)])
    sent = corners @ model.T
    depth = sent[:, 2:]
    if not np.isfinite(sent).all() or not ((depth > 0).all() or (depth < 0).all()):
        return None
    outline: npt.NDArray[np.float64] = sent[:, :2] / depth
    return outline if (np.abs(outline) < 50 * max(size)).all() else None
