"""What a collection may be searched for."""

from __future__ import annotations

from os import PathLike

import numpy as np
import numpy.typing as npt
from PIL import Image

Query = str | PathLike[str] | Image.Image | npt.NDArray[np.uint8]
"""An image's path, the image, or its (h, w) or (h, w, 3) pixels."""


def as_source(query: Query) -> str | PathLike[str] | Image.Image:
    """The query as `hcbir.descriptors.describe_image` takes it.

    Raises
    ------
    ValueError, TypeError
        If it is none of what a query may be.
    """
    if isinstance(query, (str, PathLike, Image.Image)):
        return query
    if not isinstance(query, np.ndarray):
        raise TypeError(f"queries must be paths, PIL images or arrays, got {type(query).__name__}")
    grey_or_rgb = query.ndim == 2 or (query.ndim == 3 and query.shape[2] == 3)
    if query.dtype != np.uint8 or not grey_or_rgb or query.size == 0:
        raise ValueError(f"an image must be (h, w) or (h, w, 3) uint8, got {query.shape} {query.dtype}")
    return Image.fromarray(query)
