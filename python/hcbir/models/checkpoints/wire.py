"""Google's wire formats: numbers of varying length, and protocol buffers without their schema.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections import defaultdict

_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, seven bits a byte and the lowest first, and where it ends.

    >>> read_varint(b"\\xac\\x02", 0)
    (300, 2)
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("truncated inside a number")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise ValueError("a number has more than ten bytes")


class Message:
    """The fields of a protocol buffer by their numbers.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    ValueError
        If they are no protocol buffer.
    """

    def __init__(self, data: bytes) -> None:
        self._numbers: dict[int, list[int]] = defaultdict(list)
        self._parts: dict[int, list[bytes]] = defaultdict(list)
        at = 0
        while at < len(data):
            tag, at = read_varint(data, at)
            field, kind = tag >> 3, tag & 7
            if kind == _VARINT:
                value, at = read_varint(data, at)
                self._numbers[field].append(value)
                continue
            if kind == _BYTES:
                size, at = read_varint(data, at)
            elif kind in _FIXED:
                size = _FIXED[kind]
            else:
                raise ValueError(f"field {field} is of unknown kind {kind}")
            if at + size > len(data):
                raise ValueError(f"field {field} is truncated")
            self._parts[field].append(data[at : at + size])
            at += size

    def number(self, field: int) -> int:
        """The value of a field of varying length; 0 if it is not there."""
        return self._numbers.get(field, [0])[-1]

    def numbers(self, field: int) -> list[int]:
        """All values of a repeated field of varying length, packed or one by one."""
        values = list(self._numbers.get(field, []))
        for packed in self.parts(field):
            at = 0
            while at < len(packed):
                value, at = read_varint(packed, at)
                values.append(value)
        return values

    def parts(self, field: int) -> list[bytes]:
        """The values of a field of bytes, or of four or eight bytes."""
        return self._parts.get(field, [])
