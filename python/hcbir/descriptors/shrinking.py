"""RGB images -> smaller ones, and their pixels without a copy."""

from __future__ import annotations

import ctypes
import weakref
from math import ceil, floor

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir import _core

# Pillow's: an image is first averaged over blocks, as long as it stays this many times as large as it is to be.
REDUCING_GAP = 2.0


def shrink(image: Image.Image, longest_side: int) -> Image.Image:
    """The RGB image with its longest side at most that many pixels, as by Pillow's `Image.thumbnail`.

    The bits are those of Pillow 13; versions before it differ by one in places where an image is more than twice as
    high as it is wide.
    """
    if max(image.size) <= longest_side:
        return image
    width, height = size = thumbnail_size(image.size, longest_side)
    factors = tuple(int(old / new / REDUCING_GAP) or 1 for old, new in zip(image.size, size, strict=True))
    box_width, box_height = (old / factor for old, factor in zip(image.size, factors, strict=True))
    if factors != (1, 1):
        image = image.reduce((factors[0], factors[1]))
    pixels = rgbx_pixels(image).view(np.uint32)[..., 0]
    return Image.fromarray(_core.resize_bicubic(pixels, box_width, box_height, width, height))


def thumbnail_size(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """(width, height) of a larger image with that longest side; of two lengths of the other, the better ratio's."""
    aspect = size[0] / size[1]
    if aspect <= 1:
        exact = longest_side * aspect
        width = min(floor(exact), ceil(exact), key=lambda side: abs(aspect - side / longest_side))
        return max(width, 1), longest_side
    exact = longest_side / aspect
    height = min(max(floor(exact), 1), ceil(exact), key=lambda side: abs(aspect - longest_side / side))
    return longest_side, height


def rgbx_pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    """(height, width, 4) uint8 of an image as RGB: its own memory where Pillow shows it, to be read only.

    The fourth channel means nothing.
    """
    if image.mode != "RGB":
        image = image.convert("RGB")
    width, height = image.size
    try:
        _, capsule = image.__arrow_c_array__()
    except (AttributeError, ValueError):  # Pillow before 11.3; large images, whose rows lie in several blocks
        return np.frombuffer(image.tobytes("raw", "RGBX"), np.uint8).reshape(height, width, 4)
    address = _get_pointer(capsule, b"arrow_array")
    values = _ArrowArray.from_address(address).children[0].contents  # of a list of four for each pixel
    memory = (ctypes.c_uint8 * (4 * width * height)).from_address(values.buffers[1])
    weakref.finalize(memory, lambda capsule: None, capsule)  # as long as the capsule is there, so is the memory
    pixels = np.ctypeslib.as_array(memory).reshape(height, width, 4)
    pixels.flags.writeable = False
    return pixels


_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
_get_pointer.restype = ctypes.c_void_p


class _ArrowArray(ctypes.Structure):
    """Of Apache Arrow's C data interface."""


_ArrowArray._fields_ = [
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
    *((name, ctypes.c_void_p) for name in ("dictionary", "release", "private_data")),
]
