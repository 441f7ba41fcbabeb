"""The file of a product quantiser: a header, then centroids as little-endian float32.

The header says the version, the shape and the CRC-32 of all that follows it, and is believed only once the file's own
size agrees: nothing is allocated by its word alone.
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

MAGIC = b"hcbirPQ\n"
VERSION = 1
# magic, version, sub-spaces, centroids of each, dimension of each, CRC-32 of the header before it, of the centroids
HEADER = struct.Struct("<8sIIIIII")


def write_quantizer(path: str | PathLike[str], centroids: npt.NDArray[np.float32]) -> None:
    content = np.ascontiguousarray(centroids, "<f4").tobytes()
    fields = (MAGIC, VERSION, *centroids.shape)
    head = HEADER.pack(*fields, 0, 0)[:-8]
    write_whole(Path(path), HEADER.pack(*fields, zlib.crc32(head), zlib.crc32(content)) + content)


def read_quantizer(path: str | PathLike[str]) -> npt.NDArray[np.float32]:
    """The centroids; raises hcbir.FormatError unless the file is whole and as it was written."""
    with Path(path).open("rb") as file:
        head = file.read(HEADER.size)
        if len(head) < HEADER.size or not head.startswith(MAGIC):
            raise _core.FormatError(f"{path} is not a file of a product quantizer")
        _, version, *shape, head_crc, content_crc = HEADER.unpack(head)
        if version != VERSION:
            raise _core.FormatError(f"{path} is of version {version}, this hcbir reads {VERSION}")
        size = 4 * shape[0] * shape[1] * shape[2]
        actual = Path(path).stat().st_size - HEADER.size
        if zlib.crc32(head[:-8]) != head_crc or shape[1] not in (16, 256) or size == 0:
            raise _core.FormatError(f"{path} is damaged: its header was altered")
        if actual != size:
            raise _core.FormatError(f"{path} is damaged: {size} bytes must follow its header, got {actual}")
        content = file.read(size)
    if zlib.crc32(content) != content_crc:
        raise _core.FormatError(f"{path} is damaged: its checksum does not agree")
    return np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
