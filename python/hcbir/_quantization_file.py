"""The files of product quantisers, centroids and rotation as little-endian float32, and of packed codes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._checked_file import Kind, map_content, read_header, write_checked

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
    num, values, width, rotated = read_header(Path(path), QUANTIZER)
    if values not in (16, 256) or rotated > 1 or num * width == 0:
        raise _core.FormatError(f"{path} is damaged: its header was altered")
    num_centroids = num * values * width
    content = map_content(Path(path), QUANTIZER, 4 * (num_centroids + rotated * (num * width) ** 2))
    floats = np.frombuffer(content, "<f4").astype(np.float32)
    rotation = floats[num_centroids:].reshape(num * width, num * width) if rotated else None
    return floats[:num_centroids].reshape(num, values, width), rotation


def write_packed(path: str | PathLike[str], data: Bytes, num_codes: int, code_size: int) -> None:
    write_checked(Path(path), PACKED, (num_codes, code_size), [data])


def read_packed(path: str | PathLike[str]) -> tuple[Bytes, int, int]:
    """Data, by memory map, number and size of the codes; raises as `read_quantizer` does."""
    num_codes, code_size = read_header(Path(path), PACKED)
    if num_codes == 0 or code_size == 0:
        raise _core.FormatError(f"{path} is damaged: its header was altered")
    return map_content(Path(path), PACKED, -(-num_codes // 64) * 64 * code_size + 8), num_codes, code_size
