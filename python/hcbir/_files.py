"""Files that are whole or not there: what is written is brought to the disk before it is given its name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

LOCK = "lock"
PARTIAL = ".partial"


@contextmanager
def telling_where(path: Path) -> Iterator[None]:
    """The errors of writing, which do not name the file: the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of what stands there, at once, when it is whole."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        with telling_where(partial), partial.open("wb") as file:
            yield file
            file.flush()
            sync(file.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in the place of what stands there, at once."""
    with replacing(path) as file:
        file.write(content)


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a `.npy` and bring it to the disk."""
    with telling_where(path), path.open("wb") as file:
        # Into a file numpy writes by itself, and then cannot say why it failed.
        np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)
        file.flush()
        sync(file.fileno())


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a `.npz` in the place of what stands there, at once."""
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **dict(arrays))


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other processes that do the same out of the folder meanwhile.

    Raises
    ------
    BlockingIOError
        If another process is in it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(error.errno, "another process is writing there", str(folder)) from None
        yield
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
