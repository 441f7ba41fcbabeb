"""The variations of a heterogeneous collection, and how much each bears on a class.

Gominski et al., *Challenging Deep Image Descriptors for Retrieval in Heterogeneous Iconographic Collections*, 2019.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

VARIATIONS = (
    "scale",
    "illumination",
    "orientation",
    "color",
    "representation domain",
    "occlusion",
    "positioning",
    "clutter",
    "undistinctiveness",
    "alterations",
    "time changes",
)

OVERALL_DIFFICULTY = "overall difficulty"

MAX_STRENGTH = 3
"""Strengths of a variation in an image, and scores of a class, are 0 to 3."""


def variation_of(column: str) -> str | None:
    """The variation that a column is called after, however it parts its words; None if it is another column.

    >>> variation_of("Representation_Domain"), variation_of("colour"), variation_of("tag")
    ('representation domain', 'color', None)
    """
    name = " ".join(column.lower().replace("_", " ").replace("-", " ").split())
    name = "color" if name == "colour" else name
    return name if name in VARIATIONS else None


def predominance(strengths: npt.ArrayLike, *, strong: int = 2) -> float:
    """The paper's score of one class and one variation, from how strongly each of its images shows it.

    Parameters
    ----------
    strengths : (n,)
        Of each image of the class against the class's reference image: 0 (as there) to 3; NaN where nobody looked.
    strong : int
        The least strength that counts as strong.

    Returns
    -------
    float
        0: no image is concerned; 1: anecdotal, one image shows it strongly, or none but some weakly; 2: several do;
        3: predominant, several that are more than a third of the class do. NaN if nobody looked at any image.

    >>> predominance([0, 1, 0]), predominance([0, 3, 0]), predominance([3, 3, 0, 0, 0, 0]), predominance([3, 3, 2, 0])
    (1.0, 1.0, 2.0, 3.0)
    """
    seen = np.asarray(strengths, dtype=np.float64)
    seen = seen[~np.isnan(seen)]
    if len(seen) == 0:
        return math.nan
    num_strong = int((seen >= strong).sum())
    if num_strong <= 1:
        return 1.0 if (seen > 0).any() else 0.0
    return 3.0 if 3 * num_strong > len(seen) else 2.0
