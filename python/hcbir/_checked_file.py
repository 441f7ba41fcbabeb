"""A file of one thing: a header with numbers of its own, then bytes, both with CRC-32s.

The header is believed only once the file's own size agrees: nothing is allocated by its word alone.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._files import replacing

VERSION = 1
CRCS = struct.Struct("<II")  # of what stands before them, of what follows the header


class Kind(NamedTuple):
    """What a file is of: its name in messages, the first 8 bytes, the numbers of the header as `struct` writes them."""

    name: str
    magic: bytes
    numbers: str

    @property
    def head(self) -> struct.Struct:
        return struct.Struct("<8sI" + self.numbers)

    @property
    def header_size(self) -> int:
        return self.head.size + CRCS.size


def write_checked(path: Path, kind: Kind, numbers: Iterable[int], arrays: Iterable[npt.NDArray[Any]]) -> None:
    head = kind.head.pack(kind.magic, VERSION, *numbers)
    contents, crc = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays], 0
    for content in contents:
        crc = zlib.crc32(content.data, crc)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path must be that of a file in a folder that is there, got {str(path)!r}")
    with replacing(path) as file:
        file.write(head + CRCS.pack(zlib.crc32(head), crc))
        for content in contents:
            file.write(content.data)


def read_checked(
    path: Path, kind: Kind, size_of: Callable[[tuple[int, ...]], int]
) -> tuple[tuple[int, ...], npt.NDArray[np.uint8]]:
    """The numbers of the header, and the bytes behind it by memory map, of which there must be size_of(numbers).

    All is read of one open file, which another may replace meanwhile. Raises hcbir.FormatError unless it is whole and
    as it was written.
    """
    with path.open("rb") as file:
        header = file.read(kind.header_size)
        if len(header) < kind.header_size or not header.startswith(kind.magic):
            raise _core.FormatError(f"{path} is not a file of {kind.name}")
        _, version, *rest = kind.head.unpack_from(header)
        if version != VERSION:
            raise _core.FormatError(f"{path} is of version {version}, this hcbir reads {VERSION}")
        head_crc, content_crc = CRCS.unpack_from(header, kind.head.size)
        if zlib.crc32(header[: kind.head.size]) != head_crc:
            raise _core.FormatError(f"{path} is damaged: its header was altered")
        numbers = tuple(rest)
        size, actual = size_of(numbers), os.fstat(file.fileno()).st_size - kind.header_size
        if size == 0:
            raise _core.FormatError(f"{path} is damaged: its header was altered")
        if actual != size:
            raise _core.FormatError(f"{path} is damaged: {size} bytes must follow its header, got {actual}")
        content = np.asarray(np.memmap(file, np.uint8, mode="r", offset=kind.header_size, shape=(size,)))
    if zlib.crc32(content.data) != content_crc:
        raise _core.FormatError(f"{path} is damaged: its checksum does not agree")
    return numbers, content
