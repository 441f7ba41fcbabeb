"""Names of descriptors that are short enough for the head of a column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath


def short_names(names: Iterable[str]) -> dict[str, str]:
    """A short name for each: files by their stems, with as many of their folders as tell equal ones apart.

    >>> short_names(["vlad", "a/net.onnx:gem", "b/net.onnx:gem", "b/net.onnx:mac"])
    {'vlad': 'vlad', 'a/net.onnx:gem': 'a/net:gem', 'b/net.onnx:gem': 'b/net:gem', 'b/net.onnx:mac': 'net:mac'}
    """
    short = {name: _shortened(name, 0) for name in names}
    for num_folders in range(1, max((name.count("/") for name in short), default=0) + 1):
        counts = Counter(short.values())
        short = {name: shown if counts[shown] == 1 else _shortened(name, num_folders) for name, shown in short.items()}
    counts = Counter(short.values())
    return {name: shown if counts[shown] == 1 else name for name, shown in short.items()}


def _shortened(name: str, num_folders: int) -> str:
    """PATH.onnx:CHOICE+PATH.npz with the last folders and the stem of each path."""

    def shorten(match: re.Match[str]) -> str:
        return str(PurePath(*PurePath(match[1]).parts[-1 - num_folders :]))

    return re.sub(r"([^+]+?)\.(?:onnx(?=[:+]|$)|npz$)", shorten, name)


def folded(name: str, width: int) -> str:
    """The name, its middle left out where it is longer than `width` characters.

    >>> folded("notre_dame_paris", 9)
    'notr…aris'
    """
    if len(name) <= width:
        return name
    keep = width - 1
    return f"{name[: (keep + 1) // 2]}…{name[len(name) - keep // 2 :]}"
