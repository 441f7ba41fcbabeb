"""What a collection holds, read in the order of its images."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures
from hcbir.collection.records import CollectionError, DescriptorRecord, ImageRecord, Records
from hcbir.collection.segments import Segments, unpack_features


class Contents:
    """Images with their vectors and features; an image's index is its place in `images()`."""

    def __init__(self, records: Records, segments: Segments) -> None:
        self._records = records
        self._segments = segments
        self._images: list[ImageRecord] = []
        self._version: tuple[int, int] | None = None

    def images(self) -> list[ImageRecord]:
        version = self._records.version()
        if version != self._version:
            self._images, self._version = self._records.images(), version
        return self._images

    def index(self, path: str) -> int:
        """Of the image of that name."""
        for index, image in enumerate(self.images()):
            if image.path == path:
                return index
        raise CollectionError(f"image must be one of the collection's, got {path}")

    def vector_parts(self, record: DescriptorRecord) -> list[npt.NDArray[np.float32]]:
        """The descriptor's vectors, one matrix a batch: a memory map, or a copy where images have been removed."""
        present = self._records.segments()
        parts = []
        for batch, images in groupby(self.images(), key=lambda image: image.batch):
            if (batch, record.id) not in present:
                raise CollectionError(
                    f"{record.name} has no codebook: no local features were found in the images at this size, or "
                    "indexing was interrupted before it was learned; index the images again"
                )
            rows = [image.row for image in images]
            vectors = self._segments.read((batch, record.id), rows[-1] + 1)["vectors"]
            parts.append(vectors if len(rows) == len(vectors) else vectors[rows])
        if not parts:
            raise CollectionError("the collection holds no image yet")
        return parts

    def features(self, index: int, record: DescriptorRecord) -> LocalFeatures:
        """The local features of an image."""
        images = self.images()
        if not 0 <= index < len(images):
            raise IndexError(f"image must be an index from 0 to {len(images) - 1}, got {index}")
        image = images[index]
        return unpack_features(self._segments.read((image.batch, record.id), image.row + 1), image.row)
