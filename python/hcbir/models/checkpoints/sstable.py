"""TensorFlow's tables of keys and values: LevelDB's format without compression.

Source: tensorflow/core/lib/io/format.cc, table.cc and block.cc; LevelDB, doc/table_format.md. Every length in the file
is checked against the bytes that are there before it is followed.
"""

from __future__ import annotations

from collections.abc import Iterator

from hcbir.models.checkpoints.crc32c import masked_crc32c
from hcbir.models.checkpoints.wire import read_varint

FOOTER_SIZE = 48
MAGIC = 0xDB4775248B80FB57
_TRAILER_SIZE = 5  # kind of compression, checksum


def read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a table, in its order.

    Parameters
    ----------
    data : bytes
        Of the file.

    Raises
    ------
    ValueError
        If it is no table, truncated, damaged or compressed.
    """
    if len(data) < FOOTER_SIZE or int.from_bytes(data[-8:], "little") != MAGIC:
        raise ValueError("not a table of TensorFlow, or truncated")
    footer = data[-FOOTER_SIZE:]
    _, at = _handle(footer, 0)  # of the block about blocks
    index, _ = _handle(footer, at)
    for _, handle in _entries(_block(data, index)):
        yield from _entries(_block(data, _handle(handle, 0)[0]))


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Place and size of a block, and where that ends."""
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return (offset, size), at


def _block(data: bytes, handle: tuple[int, int]) -> bytes:
    offset, size = handle
    end = offset + size + _TRAILER_SIZE
    if end > len(data) - FOOTER_SIZE:
        raise ValueError(f"a block of {size} bytes at {offset} lies outside the file")
    if data[end - 5] != 0:
        kind = "snappy" if data[end - 5] == 1 else f"unknown kind {data[end - 5]}"
        raise ValueError(f"a block is compressed ({kind}), which is not supported")
    if masked_crc32c(data[offset : end - 4]) != int.from_bytes(data[end - 4 : end], "little"):
        raise ValueError(f"the block at {offset} is damaged: its checksum is another")
    return data[offset : end - 5]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys share beginnings with the keys before them; behind the entries stand the places where none is shared."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise ValueError("a block is shorter than its list of restarts")
    key, at = b"", 0
    while at < end:
        shared, at = read_varint(block, at)
        own, at = read_varint(block, at)
        size, at = read_varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise ValueError("an entry reaches outside its block")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size
