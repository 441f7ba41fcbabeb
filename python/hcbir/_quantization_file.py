"""The file of a product quantiser: a header, then centroids and rotation as little-endian float32.

The header says version and shape, with a CRC-32 of its own and one of what follows, and is believed only once the
file's own size agrees: nothing is allocated by its word alone.
"""

from __future__ import annotations

import struct
import zlib
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._files import write_whole

Floats = npt.NDArray[np.float32]

MAGIC = b"hcbirPQ\n"
VERSION = 1
# magic, version, sub-spaces, centroids of each, dimension of each, whether there is a rotation, CRC-32 of what stands
# before it, CRC-32 of what follows the header
HEADER = struct.Struct("<8sIIIIIII")


def write_quantizer(path: str | PathLike[str], centroids: Floats, rotation: Floats | None) -> None:
    content = b"".join(np.ascontiguousarray(a, "<f4").tobytes() for a in (centroids, rotation) if a is not None)
    fields = (MAGIC, VERSION, *centroids.shape, int(rotation is not None))
    head = HEADER.pack(*fields, 0, 0)[:-8]
    write_whole(Path(path), HEADER.pack(*fields, zlib.crc32(head), zlib.crc32(content)) + content)


def read_quantizer(path: str | PathLike[str]) -> tuple[Floats, Floats | None]:
    """Centroids and rotation; raises hcbir.FormatError unless the file is whole and as it was written."""
    with Path(path).open("rb") as file:
        head = file.read(HEADER.size)
        if len(head) < HEADER.size or not head.startswith(MAGIC):
            raise _core.FormatError(f"{path} is not a file of a product quantizer")
        _, version, num, values, width, rotated, head_crc, content_crc = HEADER.unpack(head)
        if version != VERSION:
            raise _core.FormatError(f"{path} is of version {version}, this hcbir reads {VERSION}")
        if zlib.crc32(head[:-8]) != head_crc or values not in (16, 256) or rotated > 1 or num * width == 0:
            raise _core.FormatError(f"{path} is damaged: its header was altered")
        num_centroids = num * values * width
        size = 4 * (num_centroids + rotated * (num * width) ** 2)
        actual = Path(path).stat().st_size - HEADER.size
        if actual != size:
            raise _core.FormatError(f"{path} is damaged: {size} bytes must follow its header, got {actual}")
        content = file.read(size)
    if zlib.crc32(content) != content_crc:
        raise _core.FormatError(f"{path} is damaged: its checksum does not agree")
    floats = np.frombuffer(content, "<f4").astype(np.float32)
    rotation = floats[num_centroids:].reshape(num * width, num * width) if rotated else None
    return floats[:num_centroids].reshape(num, values, width), rotation
