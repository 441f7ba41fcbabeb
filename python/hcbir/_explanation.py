"""Why two images match, or that they do not."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
import numpy.typing as npt

from hcbir._arrays import real_number
from hcbir._matching import Matches
from hcbir._verification import Verification

MAX_LOG10_NFA = -10.0
"""Two images match if chance would make as many of their matches agree in less than one pair of 10^10.

Chance here means points placed at random and independently, for which a bound near 0 would do. Real features crowd on
the same few textures, and those of networks sit on the same kind of structure: a tower agrees with another tower. Of
37,866 pairs of photographs of different classes, so many in 10,000 lie below a bound:

    bound              0      -2     -4     -6    -10
    SIFT, homography   0       0      0      0      0    (the least: 0.8)
    SIFT, affine       2       0      0      0      0
    ORB, homography    48     13    3.4    1.1      0
    ORB, affine        126    28    7.7    2.6     .3
    ALIKE-t, homogr.   970   510    280    150     60    (the least: -38)
    ALIKE-t, affine   1220   630    320    170     53

For a network, measure what bound to set: `null_distribution`."""


def nfa_bound(value: object) -> float:
    """What a caller gave as max_log10_nfa."""
    return real_number(value, "max_log10_nfa", lambda given: given == given, "a number")


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
    too_few : (int, int) or None
        How many matches agree, and how many must: given where that is what refuses them, and none is an inlier.
    """

    matches: Matches
    points0: npt.NDArray[np.float32]
    points1: npt.NDArray[np.float32]
    verification: Verification
    outline: npt.NDArray[np.float64] | None
    num_features: tuple[int, int]
    max_log10_nfa: float = MAX_LOG10_NFA
    too_few: tuple[int, int] | None = None

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
        """Whether `log10_nfa` is below `max_log10_nfa`.

        By default -10: points placed at random would agree as well in less than one pair of images of 10^10. SIFT's and
        ORB's features of different places hardly ever do; those of networks do in some pairs of a thousand, since they
        sit on the same kind of structure: `null_distribution` measures what bound to set for them.
        """
        return self.log10_nfa < self.max_log10_nfa

    @property
    def verdict(self) -> str:
        """The same in words."""
        rarity = ""
        if self.log10_nfa < 0:  # rounded towards 0, so that what misses the bound does not seem to meet it
            rarity = f"chance would do so in one pair of 10^{floor(-10 * self.log10_nfa) / 10}"
        if self.is_match:
            return f"a match: {rarity or 'the bound lets through what chance explains'}"
        if 0 in self.num_features:
            return "no match: an image has no features"
        if len(self.matches) == 0:
            return "no match: no features are alike"
        if self.too_few is not None:
            return "no match: {} matches agree, and fewer than {} count as none".format(*self.too_few)
        if rarity:
            return f"no match: {rarity}, and less than one of 10^{-self.max_log10_nfa:g} is asked for"
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
