"""Images -> vectors and local features.

`load` makes a descriptor from its name; `describe_files` runs descriptors over files.
"""

from __future__ import annotations

from hcbir.descriptors.base import (
    AggregatedDescriptor,
    BatchedLocalDescriptor,
    Descriptor,
    GlobalDescriptor,
    LocalDescriptor,
)
from hcbir.descriptors.images import ImageError, LoadedImage, list_images, open_image
from hcbir.descriptors.loading import BUILT_IN, from_spec, load
from hcbir.descriptors.pipeline import Described, Opener, describe_files, describe_image
from hcbir.descriptors.progress import Progress

__all__ = [
    "BUILT_IN",
    "AggregatedDescriptor",
    "BatchedLocalDescriptor",
    "Described",
    "Descriptor",
    "GlobalDescriptor",
    "ImageError",
    "LoadedImage",
    "LocalDescriptor",
    "Opener",
    "Progress",
    "describe_files",
    "describe_image",
    "from_spec",
    "list_images",
    "load",
    "open_image",
]
