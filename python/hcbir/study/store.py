"""What a study has computed, by the hash of what it was computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

import hcbir
from hcbir._files import write_npz
from hcbir.collection.records import CollectionError
from hcbir.collection.segments import read_npz

Arrays = dict[str, npt.NDArray[Any]]


def hash_of(ingredients: Mapping[str, Any]) -> str:
    """Of plain JSON values, and of the version that works on them."""
    text = json.dumps({"hcbir": hcbir.__version__, **ingredients}, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class Store:
    """A folder of `.npz` files, each written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays of a key, made if they are not there or are damaged."""
        path = self._folder / f"{key}.npz"
        if path.exists():
            try:
                return read_npz(path)
            except CollectionError:
                path.unlink()
        arrays = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_npz(path, arrays)
        return arrays

    def forget(self, key: str) -> None:
        """Delete what a key holds, if it is there."""
        (self._folder / f"{key}.npz").unlink(missing_ok=True)
