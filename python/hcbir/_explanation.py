"""Why two images match, or that they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcbir._matching import Matches
from hcbir._verification import Verification

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
            return f"a match: chance would do so in one pair of 10^{-self.log10_nfa:.0f}"
        if 0 in self.num_features:
            return "no match: an image has no features"
        if len(self.matches) == 0:
            return "no match: no features are alike"
        return "no match: chance explains as many"


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
