"""Variables that TensorFlow has saved: NAME.index, a table of what there is, and NAME.data-00000-of-00001.

Source: tensorflow/core/util/tensor_bundle/tensor_bundle.cc and tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.models.checkpoints.archives import is_archive, unpacked
from hcbir.models.checkpoints.crc32c import masked_crc32c
from hcbir.models.checkpoints.sstable import read_table
from hcbir.models.checkpoints.wire import Message

# By their numbers in tensorflow/core/framework/types.proto. Strings, resources and variants are left out.
_DTYPES = {
    1: "f4",
    2: "f8",
    3: "i4",
    4: "u1",
    5: "i2",
    6: "i1",
    9: "i8",
    10: "?",
    17: "u2",
    19: "f2",
    22: "u4",
    23: "u8",
}
_NO_NUMBERS = {7, 20, 21}


def is_bundle(path: Path) -> bool:
    """Whether a path is one for `read_bundle`, by its name or by what is there."""
    return is_archive(path) or path.suffix == ".index" or path.is_dir() or _index(path).is_file()


def bundle_files(path: Path) -> list[Path]:
    """The files that a path for `read_bundle` stands for."""
    if is_archive(path):
        return [path]
    prefix = variables_prefix(path)
    return [_index(prefix), *sorted(prefix.parent.glob(f"{prefix.name}.data-?????-of-?????"))]


def read_bundle(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Name -> array of all variables that are numbers, each compared with its checksum.

    Parameters
    ----------
    path : Path
        A SavedModel's folder, or one with a SavedModel called "model" in it; what its index and data begin with
        ("variables/variables"); the index; or a `.tar.gz` with a SavedModel in it.

    Raises
    ------
    ValueError
        If a file is damaged, truncated, compressed or of another structure; the message names it.
    FileNotFoundError
        If the index or its data are missing.
    """
    with _unpacked(path) as prefix:
        index = _index(prefix)
        try:
            return _read(prefix, dict(read_table(index.read_bytes())))
        except ValueError as error:
            where = path if is_archive(path) else index
            raise ValueError(f"{where}: {error}") from error


def variables_prefix(path: Path) -> Path:
    """What index and data begin with, for a path that is no archive."""
    if path.is_dir():
        folder = path / "model" if (path / "model").is_dir() else path
        prefix = folder / "variables" / "variables"
        if not _index(prefix).is_file():
            raise FileNotFoundError(
                f"{path}: a folder of weights must hold TensorFlow's variables/variables.index, or model/ with it"
            )
        return prefix
    return path.with_suffix("") if path.suffix == ".index" else path


def _index(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.index")


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """What index and data begin with; those of an archive stand in a folder for the time being."""
    if not is_archive(path):
        yield variables_prefix(path)
        return
    with unpacked(path, lambda name: name.parent.name == "variables" and name.name.startswith("variables.")) as folder:
        if not _index(folder / "variables").is_file():
            raise ValueError(f"{path}: holds no variables/variables.index")
        yield folder / "variables"


def _read(prefix: Path, entries: dict[bytes, bytes]) -> dict[str, npt.NDArray[Any]]:
    header = Message(entries.pop(b"", b""))
    if header.number(2) != 0:
        raise ValueError("its numbers are big-endian, which is not supported")
    num_shards = header.number(1)
    shards: dict[int, npt.NDArray[np.uint8]] = {}
    variables = {}
    for key, value in entries.items():
        entry = Message(value)
        if entry.number(1) in _NO_NUMBERS:
            continue
        shard = entry.number(3)
        if shard not in shards:
            shards[shard] = np.fromfile(f"{prefix}.data-{shard:05}-of-{num_shards:05}", np.uint8)
        name = key.decode(errors="backslashreplace")
        variables[name] = _array(name, entry, shards[shard])
    return variables


def _array(name: str, entry: Message, shard: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """A variable from its entry: 1 type, 2 shape, 4 offset, 5 size, 6 checksum, 7 slices."""
    if entry.parts(7):
        raise ValueError(f"{name} is saved in slices, which is not supported")
    if entry.number(1) not in _DTYPES:
        raise ValueError(f"{name} is of TensorFlow's type {entry.number(1)}, which is not supported")
    dtype = np.dtype(f"<{_DTYPES[entry.number(1)]}")
    shape = tuple(Message(side).number(1) for side in Message(b"".join(entry.parts(2))).parts(2))
    offset, size = entry.number(4), entry.number(5)
    if math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"{name}: {size} bytes cannot be an array of {dtype.name} of the shape {shape}")
    if offset + size > len(shard):
        raise ValueError(f"{name}: its data end at {offset + size}, their file at {len(shard)}: truncated")
    data = shard[offset : offset + size]
    if masked_crc32c(data) != int.from_bytes(b"".join(entry.parts(6)), "little"):
        raise ValueError(f"{name}: its data are damaged: their checksum is another")
    return data.view(dtype).reshape(shape)
