"""Explanations as pictures."""

from __future__ import annotations

from pathlib import Path

from hcbir._explanation import Explanation
from hcbir.descriptors.images import Source, name_of, open_image
from hcbir.study.match_picture import MatchPicture


def explanation_picture(explanation: Explanation, query: Source, target: Source, *, height: int = 480) -> MatchPicture:
    """The two images side by side, matched points joined by lines, the verdict beneath.

    Parameters
    ----------
    explanation : Explanation
    query, target : path, bytes of a file, or PIL image
        Those that the features are of, in full size.
    height : int
        Of both images in the picture, in pixels.

    Returns
    -------
    MatchPicture
        To `save` as .png, .jpg or .svg. Where it is no match, the agreeing lines are nearly white instead of green, and
        there is no frame.
    """
    image0, image1 = (open_image(source, longest_side=None).image for source in (query, target))
    return MatchPicture(
        image0,
        image1,
        explanation.points0,
        explanation.points1,
        explanation.inlier_mask,
        outline=explanation.outline,
        agree=explanation.is_match,
        title=explanation.verdict,
        names=(Path(name_of(query)).name, Path(name_of(target)).name),
        height=height,
    )
