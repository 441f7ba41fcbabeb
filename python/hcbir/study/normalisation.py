"""What may be done to all images before they are described: the paper's colour experiment and its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from hcbir.descriptors import ImageError, LoadedImage, Opener, open_image
from hcbir.descriptors.images import Source, name_of
from hcbir.study.datasets.labelled import Box

MIXED = "mixed"
"""The name of leaving images as they are, colour and grayscale mixed."""


def to_grayscale(image: Image.Image) -> Image.Image:
    """Luma (ITU-R BT.601) in all three channels."""
    return image.convert("L").convert("RGB")


def equalise(image: Image.Image) -> Image.Image:
    """The luma's histogram made flat; colours stay."""
    luma, *chroma = image.convert("YCbCr").split()
    return Image.merge("YCbCr", (ImageOps.equalize(luma), *chroma)).convert("RGB")


def remove_toning(image: Image.Image) -> Image.Image:
    """Takes away the colour that the luma explains: Cb and Cr less their best affine functions of Y.

    A sepia or blue print becomes neutral; the colours of a colour photograph stay, but for a cast.
    """
    pixels = np.asarray(image.convert("YCbCr"), dtype=np.float32)
    luma = pixels[..., 0].astype(np.float64)
    centred = luma - luma.mean()
    power = float((centred * centred).sum())
    neutral = pixels.copy()
    for channel in (1, 2):
        chroma = pixels[..., channel].astype(np.float64)
        slope = float((centred * chroma).sum()) / power if power > 0 else 0.0
        neutral[..., channel] = 128 + chroma - chroma.mean() - slope * centred
    rounded = np.clip(np.rint(neutral), 0, 255).astype(np.uint8)
    return Image.fromarray(rounded, "YCbCr").convert("RGB")


NORMALISATIONS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    MIXED: lambda image: image,
    "grayscale": to_grayscale,
    "equalised": equalise,
    "sepia-neutral": remove_toning,
}


def make_opener(normalisation: str, boxes: Mapping[Path, Box], *, reduced_decoding: bool = False) -> Opener:
    """Opens image files cropped to their boxes, shrunk and normalised.

    A cropped image is shrunk by as much as the whole would be, so that it keeps the scale of the whole; it is never
    decoded reduced.
    """
    normalise = NORMALISATIONS[normalisation]

    def open_normalised(source: Source, longest_side: int) -> LoadedImage:
        box = boxes.get(source) if isinstance(source, Path) else None
        if box is None:
            loaded = open_image(source, longest_side=longest_side, reduced_decoding=reduced_decoding)
        else:
            loaded = _cropped(source, longest_side, box)
        return LoadedImage(normalise(loaded.image), loaded.full_size)

    return open_normalised


def _cropped(source: Source, longest_side: int, box: Box) -> LoadedImage:
    whole = open_image(source, longest_side=None).image
    left, top, right, bottom = (round(value) for value in box)
    right, bottom = min(right, whole.width), min(bottom, whole.height)
    if left >= right or top >= bottom:
        raise ImageError(name_of(source), f"the box {box} lies outside its {whole.width} x {whole.height} pixels")
    crop = whole.crop((left, top, right, bottom))
    side = max(1, round(longest_side * max(crop.size) / max(whole.size)))
    shrunk = crop.copy()
    shrunk.thumbnail((side, side))
    return LoadedImage(shrunk, crop.size)
