"""DELF's `.datum` files: an array of floats as a protocol buffer.

Source: tensorflow/models, research/delf/delf/protos/datum.proto and delf/python/datum_io.py.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir.models.checkpoints.wire import Message

_SHAPE, _FLOATS, _WHOLE_NUMBERS = 1, 2, 3
_VALUES = 1  # in each of them


def read_datum(path: Path) -> npt.NDArray[np.float32]:
    """The array of a file.

    Raises
    ------
    ValueError
        If the file is truncated, of another structure, or holds no floats.
    """
    try:
        return _array(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: not an array of floats as DELF writes it (DatumProto): {error}") from error


def _array(data: bytes) -> npt.NDArray[np.float32]:
    datum = Message(data)
    if datum.parts(_WHOLE_NUMBERS):
        raise ValueError("it holds whole numbers")
    if not datum.parts(_SHAPE) or not datum.parts(_FLOATS):
        raise ValueError("its shape or its values are missing")
    # Parts of a message that comes in several stand one after another.
    shape = tuple(Message(b"".join(datum.parts(_SHAPE))).numbers(_VALUES))
    values = b"".join(Message(b"".join(datum.parts(_FLOATS))).parts(_VALUES))
    if len(values) != 4 * math.prod(shape):
        raise ValueError(f"{len(values)} bytes cannot be float32 numbers of the shape {shape}")
    return np.frombuffer(values, "<f4").reshape(shape)
