"""Two images matched, verified and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from hcbir._features import LocalFeatures
from hcbir._matching import match
from hcbir._verification import Verification, verify
from hcbir.collection.retrieval import VERIFY_MAX_LOG10_NFA
from hcbir.descriptors.images import Source, open_image
from hcbir.study.drawing import draw_matches


@dataclass(frozen=True, eq=False)
class MatchedPair:
    """Mutual nearest neighbours of two images, and the map that explains most of them.

    Parameters
    ----------
    points0, points1 : (p, 2) float32
        Matched keypoints, in pixels of each image.
    verification : Verification
    """

    points0: npt.NDArray[np.float32]
    points1: npt.NDArray[np.float32]
    verification: Verification

    @property
    def model(self) -> npt.NDArray[np.float64] | None:
        """(3, 3) map of the first image to the second, if one was found."""
        model = self.verification.model
        return model if np.isfinite(model).all() else None

    @property
    def agrees(self) -> bool:
        """Whether more matches agree than chance explains."""
        return self.verification.log10_nfa < VERIFY_MAX_LOG10_NFA

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.agrees:
            return f"a match: so many would agree by chance in one pair of 10^{-self.verification.log10_nfa:.0f}"
        return "no match: chance explains as many" if len(self.points0) else "no match: an image has no features"

    def draw(self, image0: Source, image1: Source, *, height: int = 480) -> Image:
        """The two images side by side, matched points joined by lines, under them the verdict."""
        picture0, picture1 = (open_image(source, longest_side=None).image for source in (image0, image1))
        return draw_matches(
            picture0,
            picture1,
            self.points0,
            self.points1,
            self.verification.inlier_mask,
            model=self.model,
            agree=self.agrees,
            title=self.verdict,
            height=height,
        )


def match_pair(features0: LocalFeatures, features1: LocalFeatures, *, model: str, max_error: float) -> MatchedPair:
    """Match one-to-one and verify by RANSAC.

    Parameters
    ----------
    features0, features1 : LocalFeatures
    model : {"similarity", "affine", "homography"}
    max_error : float
        Pixels of the second image.
    """
    matches = match(features0.descriptors, features1.descriptors)
    points0 = features0.keypoints[matches.indices[:, 0]]
    points1 = features1.keypoints[matches.indices[:, 1]]
    return MatchedPair(points0, points1, verify(points0, points1, model=model, max_error=max_error))
