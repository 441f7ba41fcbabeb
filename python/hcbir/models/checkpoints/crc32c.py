"""CRC-32C (Castagnoli), the checksum of TensorFlow's files, in numpy.

Without its fixed beginning and end the sum is linear in the bits of the data: word i of a row of words is summed with
word i of the rows below, all words of a row at once, and the sums of the words of a row are joined last. What moves
a sum past some zero bytes is linear too, four tables of 256 (zlib's crc32_combine does the same by matrices).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Sums = npt.NDArray[np.uint32]

# After any number of zeros, these four bytes set the sum to all ones, where it has to begin.
_BEGINNING = np.frombuffer(bytes.fromhex("54641f64"), np.uint8)
_MAX_ROW = 12
"""Two to this power are the words of a row."""


def masked_crc32c(data: bytes | npt.NDArray[np.uint8]) -> int:
    """As TensorFlow stores it: rotated by 15 bits, plus a constant (tensorflow/core/lib/hash/crc32c.h).

    >>> hex(masked_crc32c(b""))
    '0xa282ead8'
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes | npt.NDArray[np.uint8]) -> int:
    """The checksum of the bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    message = np.concatenate([_BEGINNING, np.frombuffer(data, np.uint8)])
    row = min(_MAX_ROW, (len(message) // 4).bit_length())
    padded = np.concatenate([np.zeros(-len(message) % (4 << row), np.uint8), message])
    sums: Sums = np.zeros(1 << row, np.uint32)
    for words in padded.view("<u4").reshape(-1, 1 << row):
        sums = _moved(_past_words(row), sums) ^ words
    for level in range(row):
        sums = _moved(_past_words(level), sums[0::2]) ^ sums[1::2]
    return int(_moved(_past_words(0), sums)[0]) ^ 0xFFFFFFFF


@cache
def _past_words(power: int) -> Sums:
    """(4, 256): what each value of each byte of a sum becomes past 2^power words of zeros."""
    if power > 0:
        half = _past_words(power - 1)
        return _moved(half, half)
    one = np.uint32(1)
    sums: Sums = np.arange(256, dtype=np.uint32) << np.arange(0, 32, 8, dtype=np.uint32)[:, None]
    for _ in range(32):
        sums = (sums >> one) ^ (sums & one) * np.uint32(0x82F63B78)
    return sums


def _moved(past: Sums, sums: Sums) -> Sums:
    low, second, third, high = (past[i].take(sums >> 8 * i & 0xFF) for i in range(4))
    return low ^ second ^ third ^ high
