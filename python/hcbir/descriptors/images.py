"""Image files -> upright 8-bit RGB images."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from threading import Lock
from typing import IO

import numpy as np

from hcbir._arrays import positive_int
from hcbir._features import FloatArray
from hcbir.descriptors._extras import require

require("PIL")
from PIL import ExifTags, Image, UnidentifiedImageError  # noqa: E402

from hcbir.descriptors.shrinking import shrink  # noqa: E402

MAX_PIXELS = 200_000_000

# Pillow recognises these without decoding them, or hands them to another program (Ghostscript).
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SIDEWAYS = {_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}

Source = str | os.PathLike[str] | bytes | Image.Image


class ImageError(ValueError):
    """An image that cannot be used.

    Parameters
    ----------
    path : str
        Of the file, or a word for what has none.
    reason : str
        What is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An image as descriptors see it.

    Parameters
    ----------
    image : PIL.Image.Image
        Upright, 8-bit RGB, shrunk as asked for.
    full_size : (width, height)
        Of the upright image in the file, in pixels.
    """

    image: Image.Image
    full_size: tuple[int, int]


def open_image(
    source: Source, *, longest_side: int | None, max_pixels: int = MAX_PIXELS, reduced_decoding: bool = False
) -> LoadedImage:
    """Opens an image of any kind as upright 8-bit RGB.

    EXIF rotation is applied, transparency laid on white, 16-bit grey scaled to 8 bits, and of an animation
    the first frame is taken. Colour profiles are not applied. The result is pixels alone: no metadata go with it.

    Parameters
    ----------
    source : path, bytes of a file, or PIL.Image.Image
    longest_side : int or None
        In pixels; larger images are shrunk as by `PIL.Image.Image.thumbnail`, smaller ones stay as they are. None
        shrinks nothing.
    max_pixels : int
        Larger images are refused before they are decoded.
    reduced_decoding : bool
        Lets libjpeg decode large JPEGs at 1/2, 1/4 or 1/8 of their size, at least twice `longest_side`. That halves
        the time, and changes the pixels a little: the descriptors of a collection should all be made in one way.

    Raises
    ------
    ImageError
        If the image is missing, not an image, damaged, truncated, or larger than `max_pixels`.
    """
    if longest_side is not None:
        positive_int(longest_side, "longest_side")
    name = name_of(source)
    try:
        with _opened(source) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise ImageError(name, f"{width} x {height} pixels are more than the limit of {max_pixels}")
            image, full_size = _decode(picture, longest_side, reduced_decoding)
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a malformed file leads them to
        raise ImageError(name, _reason(error)) from error
    return LoadedImage(image if longest_side is None else shrink(image, longest_side), full_size)


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files under a folder, at any depth, in natural order (2.jpg before 10.jpg).

    Files are told by the extensions that Pillow reads; hidden files and folders are left out, and what is no regular
    file (a pipe of that name).

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"{root}: not a folder")
    extensions = _extensions()
    found = []
    for parent, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith(".")
            and os.path.splitext(name)[1].lower() in extensions
            and not _is_special(os.path.join(parent, name))
        ]
    return sorted(found, key=natural_order)


def natural_order(path: Path) -> tuple[list[list[str | int]], str]:
    """Sort key that compares numbers within names as numbers."""
    parts: list[list[str | int]] = [
        [int(s) if s.isdecimal() else s for s in re.split(r"(\d+)", part.casefold())] for part in path.parts
    ]
    return parts, str(path)


def name_of(source: Source) -> str:
    """What messages call an image."""
    if isinstance(source, bytes):
        return "<bytes>"
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "") or "<image>")
    return os.fspath(source)


def _is_special(path: str | os.PathLike[str]) -> bool:
    """Whether reading could block: a pipe, a socket, a device. A broken link is none, and fails when it is opened."""
    return os.path.exists(path) and not os.path.isfile(path)


@contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        yield source.copy()
        return
    if not isinstance(source, bytes) and _is_special(source) and not os.path.isdir(source):
        raise OSError("not a regular file")
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
        if not file.read(1):
            raise EOFError("the file is empty")
        with _identify(file) as picture:
            yield picture


_pillow_limit = Lock()


def _identify(file: IO[bytes]) -> Image.Image:
    """Reads the header. The limit on pixels is ours, not Pillow's, which warns or raises at sizes of its own."""
    formats = _formats()
    with _pillow_limit:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(file, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = before


@cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in Image.ID if name not in _NOT_DECODED]


@cache
def _extensions() -> frozenset[str]:
    formats = set(_formats())
    return frozenset(ext.lower() for ext, name in Image.registered_extensions().items() if name in formats)


def _decode(
    picture: Image.Image, longest_side: int | None, reduced_decoding: bool
) -> tuple[Image.Image, tuple[int, int]]:
    full_size = picture.size
    if longest_side is not None and reduced_decoding:
        enlarged = 2 * longest_side / max(picture.size)
        picture.draft(None, (ceil(picture.width * enlarged), ceil(picture.height * enlarged)))
    picture.load()
    image = _to_rgb(picture)
    turn = _UPRIGHT.get(_orientation(picture))
    if turn is not None:
        image = image.transpose(turn)
        if turn in _SIDEWAYS:
            full_size = full_size[::-1]
    image.info = {}  # else it would say that it is still to be turned
    return image, full_size


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata do not spoil the pixels
        return 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        return _grey(np.asarray(picture).astype(np.float32) / np.float32(257))
    if picture.mode == "I":
        return _grey(_stretched(np.asarray(picture, dtype=np.float32), 65535.0))
    if picture.mode == "F":
        return _grey(_stretched(np.asarray(picture), 1.0, 255.0))
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # convert copies in any case


def _stretched(values: FloatArray, *likely_maxima: float) -> FloatArray:
    """0..255 of values whose range the file does not tell: the first likely one that holds them, or their own."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if low == 0.0:
        high = next((maximum for maximum in likely_maxima if high <= maximum), high)
    return (values - np.float32(low)) * np.float32(255.0 / (high - low))


def _grey(values: FloatArray) -> Image.Image:
    return Image.fromarray(np.rint(values).astype(np.uint8)).convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow knows"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    if isinstance(error, MemoryError):
        return "too large for the memory"
    return " ".join(str(error).split()) or type(error).__name__
