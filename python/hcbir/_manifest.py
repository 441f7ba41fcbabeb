"""The manifest of a folder of arrays: which there are, and how many of their rows count; with a checksum of its own."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hcbir._columns import Column
from hcbir._core import FormatError
from hcbir._files import write_whole

MANIFEST = "manifest.json"
VERSION = 1
DTYPE = re.compile("[<|][biuf][1248]")
DAMAGE = (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError)
"""What may be raised where anything may stand."""


class Manifest(NamedTuple):
    """The arrays, and the number that their files' names end with."""

    columns: Mapping[str, Column]
    generation: int


def write_manifest(folder: Path, kind: str, manifest: Manifest) -> None:
    arrays = {name: asdict(column) for name, column in manifest.columns.items()}
    content = {"kind": kind, "version": VERSION, "generation": manifest.generation, "arrays": arrays}
    content["crc32"] = _checksum(content)
    write_whole(folder / MANIFEST, json.dumps(content, indent=1).encode())


def read_manifest(folder: Path, kind: str) -> Manifest:
    """Where none stands there are no arrays. Raises hcbir.FormatError for one that is damaged or of another kind."""
    path = folder / MANIFEST
    if not path.exists():
        return Manifest({}, 0)
    try:
        content = json.loads(path.read_bytes())
        found = content["kind"], content["version"]
        if found == (kind, VERSION):
            crc32 = content.pop("crc32", None)
            if crc32 not in (None, _checksum(content)):  # there was none in older ones
                raise ValueError("its checksum is another")
            columns = {name: _column(name, fields) for name, fields in content["arrays"].items()}
            return Manifest(columns, int(content.get("generation", 0)))
    except DAMAGE as error:
        raise FormatError(f"{path} is damaged ({type(error).__name__}: {error!s:.200})") from None
    raise FormatError(f"{path} must be of {kind}, version {VERSION}; got {found[0]!s:.80}, version {found[1]!s:.80}")


def _checksum(content: Mapping[str, Any]) -> int:
    """Of the canonical text: the order and the layout that are written do not matter."""
    return zlib.crc32(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def _column(name: str, fields: Mapping[str, Any]) -> Column:
    shape = tuple(int(length) for length in fields["row_shape"])
    column = Column(str(fields["dtype"]), shape, int(fields["num_rows"]), int(fields["crc32"]))
    if not (re.fullmatch(r"\w+", name) and DTYPE.fullmatch(column.dtype)) or min((column.num_rows, *shape)) < 0:
        raise ValueError(f"an array that cannot be: {name}")
    np.dtype(column.dtype)  # else raises TypeError
    return column
