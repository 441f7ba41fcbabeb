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
from hcbir._files import PARTIAL, sync_folder, write_array
from hcbir.collection.records import CollectionError

Arrays = Mapping[str, npt.NDArray[Any]]
SegmentKey = tuple[int, int]
"""Batch and descriptor id."""

_FEATURES = {"offsets", "image_sizes", "keypoints", "descriptors", "scores"}
_AXES = {"vectors": 2, "image_sizes": 2, "keypoints": 2, "descriptors": 2}  # the rest have one


class Segments:
    """Folders `<batch>-<descriptor id>` of `.npy` files, each made whole or not at all, read by memory map."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[SegmentKey, Arrays] = {}

    def write(self, key: SegmentKey, arrays: Arrays) -> None:
        """Write to a temporary folder, bring it to the disk, rename."""
        self._open.pop(key, None)
        final = self._path(key)
        partial = final.with_name(final.name + PARTIAL)
        for leftover in (partial, final):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            for name, array in arrays.items():
                write_array(partial / f"{name}.npy", array)
            sync_folder(partial)
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)  # a full disk has better uses
            raise
        sync_folder(self._folder)

    def read(self, key: SegmentKey, num_images: int = 0) -> Arrays:
        """Memory maps of the arrays, by name, which must tell of at least so many images."""
        try:
            if key not in self._open:
                self._open[key] = _read(self._path(key))
            return _telling_of(num_images, self._open[key])
        except ValueError as error:
            raise CollectionError(
                f"{self._path(key)} is damaged ({error}): index the images again to mend it"
            ) from None

    def is_whole(self, key: SegmentKey, num_images: int) -> bool:
        """Whether it can be read and tells of at least so many images."""
        try:
            _telling_of(num_images, self._open.get(key) or _read(self._path(key)))
        except ValueError:
            return False
        return True

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


def _read(folder: Path) -> Arrays:
    """The arrays of a segment; a ValueError says what is wrong with them."""
    try:
        arrays = {file.stem: _map(file) for file in sorted(folder.glob("*.npy"))}
    except (OSError, EOFError) as error:  # EOFError: an empty file
        raise ValueError(str(error)) from None
    lacking = ({"vectors"} if "vectors" in arrays else _FEATURES) - arrays.keys()
    if lacking:
        names = ", ".join(f"{name}.npy" for name in sorted(lacking))
        raise ValueError(f"it lacks {names}" if arrays else "its files are gone")
    altered = [name for name, array in arrays.items() if array.ndim != _AXES.get(name, 1)]
    if not altered:
        num_images, num_features = _num_images(arrays), len(arrays.get("keypoints", ()))
        lengths = {"offsets": num_images + 1, "image_sizes": num_images, "vectors": num_images}
        altered = [name for name, array in arrays.items() if len(array) != lengths.get(name, num_features)]
    if not altered and "offsets" in arrays and not _are_offsets(arrays["offsets"], num_features):
        altered = ["offsets"]
    if altered:
        raise ValueError(f"{altered[0]}.npy was altered")
    return arrays


def _telling_of(num_images: int, arrays: Arrays) -> Arrays:
    if _num_images(arrays) < num_images:
        raise ValueError(f"it tells of {_num_images(arrays)} images, expected {num_images}")
    return arrays


def _num_images(arrays: Arrays) -> int:
    return len(arrays["vectors"] if "vectors" in arrays else arrays["image_sizes"])


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
