"""The local features of many images, held compactly."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._features import LocalFeatures
from hcbir._growing import GrowingArrays
from hcbir._quantization import ProductQuantizer
from hcbir._store_opening import KIND, fingerprint_of, offsets_of, open_arrays, read_quantizer
from hcbir._store_rows import OPTIONAL, PQ, listed, packed, rows_of_new


class LocalFeatureStore:
    """Keypoints and descriptors of images in arrays that stand on disk and are read by memory map.

    The features of image i are rows offsets[i] .. offsets[i + 1] of each array; an image's id is its place in the
    order of appending. `create` makes a store, `open` (or this constructor) opens one. An append is whole or not
    there, also after a power failure. Nothing is loaded before it is used, so a store may be larger than memory.
    The arrays are plain `.npy` files. Threads may read while one appends, and their appends wait for one another. A
    copy, or what pickle makes in another process, opens the folder anew.

    Parameters
    ----------
    folder : path
    check : bool
        Read everything and compare it with the checksums; without it only sizes and offsets are.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    FormatError
        If it is truncated or altered; the message names the file.

    >>> import numpy as np, tempfile
    >>> features = LocalFeatures(
    ...     np.zeros((2, 2), np.float32), np.eye(2, 64, dtype=np.float32), np.ones(2, np.float32)
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = LocalFeatureStore.create(folder + "/features", [features], dtype="float16")
    ...     store.append([features, features])
    ...     len(LocalFeatureStore.open(folder + "/features")), store.num_features, store.nbytes
    (3, 6, 912)
    """

    def __init__(self, folder: str | PathLike[str], *, check: bool = False) -> None:
        self.folder = Path(folder).absolute()  # the same after a change of the working folder
        self._arrays, self.offsets = open_arrays(self.folder, check=check)
        self._quantizer = read_quantizer(self.folder, self._arrays)
        self._appending = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder,)

    @classmethod
    def open(cls, folder: str | PathLike[str], *, check: bool = False) -> LocalFeatureStore:
        """Open an existing store."""
        return cls(folder, check=check)

    @classmethod
    def create(
        cls,
        folder: str | PathLike[str],
        images: Iterable[LocalFeatures],
        *,
        dtype: str | None = None,
        quantizer: ProductQuantizer | None = None,
    ) -> LocalFeatureStore:
        """Make a store of these images' features: whole, or not there if it is interrupted.

        Images are taken, and written, as they come, some 16 MB at a time.

        Parameters
        ----------
        folder : path
            Must not exist or be empty.
        images : iterable of LocalFeatures
            At least one. Scales and orientations are held if all have them.
        dtype : {"float32", "float16", "int8", "uint8"}, optional
            Of the descriptors: "float16" halves them, "int8" quarters them (each row has a factor of its own, and
            its values are off by up to the largest over 254). Default: theirs.
        quantizer : ProductQuantizer, optional
            Of descriptors like these, without a rotation: the store holds their codes, and it. Matching compares a
            query's floats with what the codes stand for.

        Raises
        ------
        ValueError, TypeError
            If something stands there, or for images of different kinds.
        BlockingIOError
            If another process makes one there meanwhile.
        """
        place = Path(folder).absolute()
        GrowingArrays.create(place, KIND, rows_of_new(images, dtype, quantizer))
        return cls(place)

    def append(self, images: LocalFeatures | Iterable[LocalFeatures]) -> None:
        """Add images behind those that are there, in one durable step.

        Raises
        ------
        ValueError, TypeError
            For features of another kind than the store's, or that lack the scales or orientations it holds.
        BlockingIOError
            If another process appends meanwhile.
        FileNotFoundError
            If the store was removed or replaced since it was opened.
        """
        held = tuple(name for name in OPTIONAL if name in self._arrays.arrays)
        rows = packed(listed(images), self.dtype, self.dim, held, self.quantizer)
        if self.quantizer:
            rows["codebooks"] = self._arrays.arrays["codebooks"][:0]
        with self._appending:
            self._arrays.append(rows)
            self.offsets = offsets_of(self._arrays)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        held = f"{len(self)} images, {self.num_features} features of {self.dim} {self.dtype}"
        return f"LocalFeatureStore({str(self.folder)!r}: {held})"

    def __getitem__(self, image: int) -> LocalFeatures:
        """The features of an image, descriptors as float32 or binary."""
        is_number = isinstance(image, (int, np.integer)) and not isinstance(image, bool)
        if not is_number or not 0 <= image < len(self):
            message = f"store index must be a whole number from 0 to {len(self) - 1}, got {image!r}"
            raise IndexError(message) if is_number else TypeError(message)
        first, last = self.offsets[image : image + 2]
        rows = slice(first, last)
        descriptors = self.descriptors[rows] if self.dtype == "uint8" else self.floats(rows)
        arrays = self._arrays.arrays
        width, height = arrays["image_sizes"][image].tolist()
        return LocalFeatures(
            keypoints=self.keypoints[rows],
            descriptors=descriptors,
            scores=arrays["scores"][rows],
            scales=arrays["scales"][rows] if "scales" in arrays else None,
            orientations=arrays["orientations"][rows] if "orientations" in arrays else None,
            image_size=(width, height) if width else None,
        )

    def floats(self, rows: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """What some of the descriptors, which must not be binary, stand for: (rows, dim)."""
        if self.dtype == "uint8":
            raise TypeError("store must hold float descriptors for floats(), got binary ones: take its descriptors")
        held = self.descriptors[rows]
        if self.quantizer is not None:
            return self.quantizer.decode(held)
        values = held.astype(np.float32, copy=False)
        return values if self.factors is None else values * self.factors[rows, None]

    @property
    def fingerprint(self) -> int:
        """32 bits that tell its descriptors, and whose they are, from those of other stores."""
        return fingerprint_of(self._arrays)

    @property
    def num_features(self) -> int:
        return len(self.descriptors)

    @property
    def dtype(self) -> str:
        """Of the descriptors as they are held; "pq" for codes of a quantizer."""
        return PQ if self.quantizer else str(self.descriptors.dtype)

    @property
    def quantizer(self) -> ProductQuantizer | None:
        """Of the descriptors, where they are held as its codes."""
        return self._quantizer

    @property
    def dim(self) -> int:
        """Length of a descriptor, in bytes for binary ones."""
        return self.quantizer.dim if self.quantizer else int(self.descriptors.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays.arrays.values())

    @property
    def keypoints(self) -> npt.NDArray[np.float32]:
        """(num_features, 2)"""
        return self._arrays.arrays["keypoints"]

    @property
    def descriptors(self) -> npt.NDArray[Any]:
        """(num_features, dim), or (num_features, code_size), as they are held."""
        return self._arrays.arrays["descriptors"]

    @property
    def scales(self) -> npt.NDArray[np.float32] | None:
        """(num_features,), if all images have them."""
        return self._arrays.arrays.get("scales")

    @property
    def orientations(self) -> npt.NDArray[np.float32] | None:
        """(num_features,), if all images have them."""
        return self._arrays.arrays.get("orientations")

    @property
    def factors(self) -> npt.NDArray[np.float32] | None:
        """(num_features,), by which int8 descriptors are to be multiplied; else None."""
        return self._arrays.arrays.get("factors")
