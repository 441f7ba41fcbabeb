"""Describing the images that a collection is searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import LocalFeatures
from hcbir.descriptors.base import Descriptor
from hcbir.descriptors.images import open_image
from hcbir.descriptors.pipeline import Described

Query = str | PathLike[str] | Image.Image | npt.NDArray[np.uint8]
"""An image's path, the image, or its (h, w) or (h, w, 3) pixels."""


def describe_queries(queries: Sequence[Query], descriptors: Mapping[str, Descriptor]) -> list[Described]:
    """What the descriptors, which look at pixels, say of each query.

    Raises
    ------
    ImageError
        For a query that cannot be read.
    """
    return [_describe(query, descriptors) for query in queries]


def _describe(query: Query, descriptors: Mapping[str, Descriptor]) -> Described:
    source = _checked(query)
    full_size = (0, 0)
    vectors: dict[str, npt.NDArray[np.float32]] = {}
    features: dict[str, LocalFeatures] = {}
    for name, descriptor in descriptors.items():
        if descriptor.kind == "aggregated":
            raise ValueError(f"{name} looks at features, not at pixels")
        loaded = open_image(source, longest_side=descriptor.image_size)
        full_size = loaded.full_size
        if descriptor.kind == "local":
            features[name] = descriptor.describe(loaded.image, full_size)
        else:
            vectors[name] = descriptor.describe([loaded.image])[0]
    path = Path(source) if isinstance(source, (str, PathLike)) else Path("<image>")
    return Described(path, full_size, vectors, features, None)


def _checked(query: Query) -> str | PathLike[str] | Image.Image:
    if isinstance(query, (str, PathLike, Image.Image)):
        return query
    if isinstance(query, np.ndarray):
        if query.dtype == np.uint8 and (query.ndim == 2 or (query.ndim == 3 and query.shape[2] == 3)) and query.size:
            return Image.fromarray(query)
        raise ValueError(f"an image must be (h, w) or (h, w, 3) uint8, got {query.shape} {query.dtype}")
    raise TypeError(f"queries must be paths, PIL images or arrays, got {type(query).__name__}")
