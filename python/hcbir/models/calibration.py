"""Images from which int8 learns its ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hcbir._features import FloatArray
from hcbir.descriptors.images import ImageError, list_images, open_image

MOST_IMAGES = 32
LONGEST_SIDE = 480


def calibration_images(
    source: Path, *, mean: Sequence[float], std: Sequence[float], longest_side: int = LONGEST_SIDE
) -> Iterator[FloatArray]:
    """(1, 3, height, width) float32 of at most 32 images of a folder, spread over it.

    Parameters
    ----------
    source : Path
        A folder.
    mean, std : three floats
        (pixel in 0..255 - mean) / std of RGB images.
    longest_side : int
        In pixels; larger images are shrunk.

    Raises
    ------
    NotADirectoryError, ValueError
        If it is no folder, or holds no image that can be read.
    """
    files = list_images(source)
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(MOST_IMAGES, len(files))).astype(int)]
    found = 0
    for file in chosen:
        try:
            pixels: FloatArray = np.asarray(open_image(file, longest_side=longest_side).image, dtype=np.float32)
        except ImageError:
            continue
        found += 1
        normalised = (pixels - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
        yield np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], dtype=np.float32)
    if not found:
        raise ValueError(f"calibration: no image in {source} can be read")
