"""The files of product quantisers, centroids and rotation as little-endian float32, and of packed codes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir._checked_file import Kind, read_checked, write_checked

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# Sub-spaces, centroids of each, dimension of each, whether there is a rotation.
QUANTIZER = Kind("a product quantizer", b"hcbirPQ\n", "IIII")
# Codes, bytes of each; and zeros, so that the codes begin at a cache line.
PACKED = Kind("packed codes", b"hcbirPC\n", "QQ28x")


def write_quantizer(path: str | PathLike[str], centroids: Floats, rotation: Floats | None) -> None:
    arrays = [array.astype("<f4", copy=False) for array in (centroids, rotation) if array is not None]
    write_checked(Path(path), QUANTIZER, (*centroids.shape, int(rotation is not None)), arrays)


def read_quantizer(path: str | PathLike[str]) -> tuple[Floats, Floats | None]:
    """Centroids and rotation; raises hcbir.FormatError unless the file is whole and as it was written."""
    (num, values, width, rotated), content = read_checked(Path(path), QUANTIZER, _quantizer_size)
    num_centroids = num * values * width
    floats = np.frombuffer(content, "<f4").astype(np.float32)
    rotation = floats[num_centroids:].reshape(num * width, num * width) if rotated else None
    return floats[:num_centroids].reshape(num, values, width), rotation


def _quantizer_size(numbers: tuple[int, ...]) -> int:
    """In bytes; 0 if no quantiser is like that."""
    num, values, width, rotated = numbers
    if values not in (16, 256) or rotated > 1:
        return 0
    return 4 * (num * values * width + rotated * (num * width) ** 2)


def write_packed(path: str | PathLike[str], data: Bytes, num_codes: int, code_size: int) -> None:
    write_checked(Path(path), PACKED, (num_codes, code_size), [data])


def read_packed(path: str | PathLike[str]) -> tuple[Bytes, int, int]:
    """Data, by memory map, number and size of the codes; raises as `read_quantizer` does."""
    numbers, content = read_checked(Path(path), PACKED, _packed_size)
    num_codes, code_size = numbers
    return content, num_codes, code_size


def _packed_size(numbers: tuple[int, ...]) -> int:
    """In bytes: whole groups of 64, and the number of codes; 0 if there are none."""
    num_codes, code_size = numbers
    return -(-num_codes // 64) * 64 * code_size + 8 if num_codes and code_size else 0
