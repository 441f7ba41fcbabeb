"""Describing the images that a collection is searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir.descriptors.base import Descriptor
from hcbir.descriptors.images import LoadedImage, open_image
from hcbir.descriptors.pipeline import Described

Query = str | PathLike[str] | Image.Image | npt.NDArray[np.uint8]
"""An image's path, the image, or its (h, w) or (h, w, 3) pixels."""
