"""The arrays of a store of local features, checked as they are opened."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir._core import FormatError
from hcbir._growing import GrowingArrays
from hcbir._quantization import ProductQuantizer
from hcbir._store_rows import DTYPES, OPTIONAL

KIND = "hcbir local features"
ROW, PAIR, DIMS, FLOAT = (None,), (None, 2), (None, None), ("float32",)
ARRAYS: dict[str, tuple[tuple[int | None, ...], tuple[str, ...]]] = {
    "counts": (ROW, ("int64",)),
    "image_sizes": (PAIR, ("int64",)),
    "keypoints": (PAIR, FLOAT),
    "scores": (ROW, FLOAT),
    "descriptors": (DIMS, DTYPES),
    "scales": (ROW, FLOAT),
    "orientations": (ROW, FLOAT),
    "factors": (ROW, FLOAT),
    "codebooks": ((None, None, None), FLOAT),
}
OPTIONAL_ARRAYS = (*OPTIONAL, "factors", "codebooks")
PLACES = ("counts", "image_sizes")  # a row an image


def open_arrays(folder: Path, *, check: bool) -> tuple[GrowingArrays, npt.NDArray[np.int64]]:
    """Of a store, and its offsets; all compared with their checksums, or only what says where each image stands."""
    growing = GrowingArrays(folder, KIND)
    if not growing.arrays:
        raise FileNotFoundError(f"{folder} is no store of local features")
    arrays = {
        name: growing.array(name, shape, *dtypes)
        for name, (shape, dtypes) in ARRAYS.items()
        if name in growing.arrays or name not in OPTIONAL_ARRAYS
    }
    for name in arrays if check else PLACES:
        growing.check(name)
    descriptors, offsets = arrays["descriptors"], offsets_of(growing)
    if (descriptors.dtype == np.int8) != ("factors" in arrays):
        raise FormatError(f"{folder} is damaged: its descriptors are {descriptors.dtype}, factors are for int8")
    if np.any(np.diff(offsets) < 0):
        raise FormatError(f"{folder} is damaged: an image has a negative number of features")
    for name, array in arrays.items():
        rows = len(offsets) - 1 if name in PLACES else int(offsets[-1])
        if len(array) != rows and name != "codebooks":
            raise FormatError(f"{folder} is damaged: {name} has {len(array)} rows, expected {rows}")
    return growing, offsets


def offsets_of(growing: GrowingArrays) -> npt.NDArray[np.int64]:
    """The rows at which each image begins, and the number of all."""
    return np.concatenate([[0], np.cumsum(growing.arrays["counts"])]).astype(np.int64)


def fingerprint_of(growing: GrowingArrays) -> int:
    """A number that another store hardly has: by the checksums of the descriptors and of whose they are."""
    named = ("counts", "descriptors", "factors", "codebooks")
    checksums = [growing.columns[name].crc32 for name in named if name in growing.columns]
    return zlib.crc32(np.array(checksums, "<u4").tobytes())


def read_quantizer(folder: Path, growing: GrowingArrays) -> ProductQuantizer | None:
    books = growing.arrays.get("codebooks")
    if books is None:
        return None
    growing.check("codebooks")
    quantizer, held = ProductQuantizer(books), growing.arrays["descriptors"].shape
    if held[1:] != (quantizer.code_size,):
        raise FormatError(f"{folder} is damaged: codes are {held}, codebooks {books.shape}")
    return quantizer
