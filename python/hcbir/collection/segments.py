"""The arrays of a collection: a segment holds what one descriptor says of one batch of images."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from hcbir import _files
from hcbir._features import LocalFeatures
from hcbir._files import sync, sync_folder
from hcbir.collection.records import CollectionError

Arrays = Mapping[str, npt.NDArray[Any]]
SegmentKey = tuple[int, int]
"""Batch and descriptor id."""

_FEATURES = {"offsets", "image_sizes", "keypoints", "descriptors", "scores"}


class Segments:
    """Folders `<batch>-<descriptor id>` of `.npy` files, each made whole or not at all, read by memory map."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[SegmentKey, Arrays] = {}

    def write(self, key: SegmentKey, arrays: Arrays) -> None:
        """Write to a temporary folder, bring it to the disk, rename."""
        self._open.pop(key, None)
        final = self._path(key)
        partial = final.with_name(final.name + ".partial")
        for leftover in (partial, final):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, array in arrays.items():
            with (partial / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                sync(file.fileno())
        sync_folder(partial)
        partial.rename(final)
        sync_folder(self._folder)

    def read(self, key: SegmentKey) -> Arrays:
        """Memory maps of the arrays, by name."""
        if key not in self._open:
            path = self._path(key)
            try:
                self._open[key] = {file.stem: _map(file) for file in sorted(path.iterdir())}
            except (OSError, ValueError, EOFError) as error:  # EOFError: an empty file
                raise CollectionError(f"{path} is damaged ({error}): make the collection anew") from None
            lacking = _FEATURES - self._open[key].keys()
            if lacking and "vectors" not in self._open[key]:
                del self._open[key]
                names = ", ".join(f"{name}.npy" for name in sorted(lacking))
                raise CollectionError(f"{path} is damaged (it lacks {names}): make the collection anew")
            if not lacking and not _are_offsets(self._open[key]["offsets"], len(self._open[key]["keypoints"])):
                del self._open[key]
                raise CollectionError(f"{path} is damaged (offsets.npy was altered): make the collection anew")
        return self._open[key]

    def keep_only(self, keys: Set[SegmentKey]) -> None:
        """Delete what an interrupted run left behind and what no record needs any more."""
        names = {self._path(key).name for key in keys}
        self._open = {key: arrays for key, arrays in self._open.items() if key in keys}
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in names and re.fullmatch(r"\d+-\d+(\.partial)?", path.name):
                shutil.rmtree(path)

    def _path(self, key: SegmentKey) -> Path:
        batch, descriptor = key
        return self._folder / f"{batch:06d}-{descriptor}"


def _are_offsets(offsets: npt.NDArray[Any], rows: int) -> bool:
    """Whether they cut so many rows into the features of images."""
    return bool(len(offsets) and offsets[0] == 0 and offsets[-1] == rows and (np.diff(offsets) >= 0).all())


def _map(file: Path) -> npt.NDArray[Any]:
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    return np.asarray(array)  # a plain view: memmap's subclass only costs time


def pack_features(features: Sequence[LocalFeatures]) -> Arrays:
    """The features of several images one after another; those of image i stand at offsets[i] .. offsets[i + 1]."""
    filled = [f for f in features if len(f)] or list(features[:1])
    arrays: dict[str, npt.NDArray[Any]] = {
        "offsets": np.cumsum([0, *(len(f) for f in features)], dtype=np.int64),
        "image_sizes": np.array([f.image_size or (0, 0) for f in features], dtype=np.int64),
    }
    for name in ("keypoints", "descriptors", "scores", "scales", "orientations"):
        parts = [getattr(f, name) for f in filled]
        if all(part is not None for part in parts):
            arrays[name] = np.concatenate(parts)
    return arrays


def unpack_features(arrays: Arrays, row: int) -> LocalFeatures:
    """The features of one image of a segment, as views of it."""
    first, last = arrays["offsets"][row : row + 2]
    width, height = arrays["image_sizes"][row]

    def part(name: str) -> Any:
        return arrays[name][first:last] if name in arrays else None

    return LocalFeatures(
        keypoints=part("keypoints"),
        descriptors=part("descriptors"),
        scores=part("scores"),
        scales=part("scales"),
        orientations=part("orientations"),
        image_size=(int(width), int(height)) if width else None,
    )


def write_npz(path: Path, arrays: Arrays) -> None:
    """Write a .npz whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))
        sync(file.fileno())
    partial.rename(path)
    sync_folder(path.parent)


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise CollectionError(f"{path} is damaged ({error}): index the images again to mend it") from None


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to the collection meanwhile."""
    with ExitStack() as stack:
        try:
            stack.enter_context(_files.exclusive(folder))
        except BlockingIOError:
            raise CollectionError(f"{folder} is being written by another process: wait until it is done") from None
        yield
