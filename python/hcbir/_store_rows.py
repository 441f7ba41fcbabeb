"""Images' local features as rows of a store's arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._arrays import one_of
from hcbir._features import LocalFeatures
from hcbir._quantization import ProductQuantizer

PQ = "pq"
OPTIONAL = ("scales", "orientations")
DTYPES = ("float32", "float16", "int8", "uint8")
BATCH_BYTES = 1 << 24
"""Of the features that are held in memory while a store is made of them."""


def listed(images: LocalFeatures | Iterable[LocalFeatures]) -> list[LocalFeatures]:
    return list(_checked([images] if isinstance(images, LocalFeatures) else images))


def _checked(images: Iterable[LocalFeatures]) -> Iterator[LocalFeatures]:
    for number, features in enumerate(images):
        if not isinstance(features, LocalFeatures):
            raise TypeError(f"image {number} must be LocalFeatures, got {type(features).__name__}")
        yield features


def rows_of_new(
    images: Iterable[LocalFeatures], dtype: str | None, quantizer: ProductQuantizer | None
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """The rows of all arrays of a new store, in batches.

    The first image with features decides the kind. A batch has those optional arrays that all images have so far.
    """
    if not isinstance(quantizer, ProductQuantizer | None):
        raise TypeError(f"quantizer must be a ProductQuantizer, got {type(quantizer).__name__}")
    if quantizer is not None and quantizer.rotation is not None:
        raise ValueError("quantizer must have no rotation here, got one trained with rotation='opq'")
    held: tuple[str, ...] = OPTIONAL
    first = 0
    for batch in _batches(_checked(images)):
        filled = [features for features in batch if len(features)] or batch[:1]
        if first == 0:
            encoding, dim = _kind(filled[0], dtype, quantizer)
        held = tuple(name for name in held if all(getattr(f, name) is not None for f in filled))
        rows = packed(batch, encoding, dim, held, quantizer, first)
        if quantizer:
            rows["codebooks"] = quantizer.centroids[: None if first == 0 else 0]
        yield rows
        first += len(batch)
    if first == 0:
        raise ValueError("images must be at least one, got none")


def _batches(images: Iterable[LocalFeatures]) -> Iterator[list[LocalFeatures]]:
    """Images of BATCH_BYTES together or little more; among the first of them are features, if there are any."""
    batch: list[LocalFeatures] = []
    size = 0
    for features in images:
        batch.append(features)
        size += features.descriptors.nbytes + features.keypoints.nbytes
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _kind(example: LocalFeatures, dtype: str | None, quantizer: ProductQuantizer | None) -> tuple[str, int]:
    """How descriptors like these are held, and their length."""
    if quantizer is None:
        held = str(example.descriptors.dtype) if dtype is None else dtype
        return one_of(held, "dtype", DTYPES), example.descriptors.shape[1]
    if dtype is not None:
        raise ValueError(f"dtype must not be given with a quantizer, got {dtype!r}")
    return PQ, quantizer.dim


def packed(
    images: list[LocalFeatures],
    dtype: str,
    dim: int,
    held: tuple[str, ...],
    quantizer: ProductQuantizer | None,
    first: int = 0,
) -> dict[str, npt.NDArray[Any]]:
    """The rows of all arrays; in messages the images' numbers begin at `first`."""
    filled = [(number, features) for number, features in enumerate(images, first) if len(features)]
    for number, features in filled:
        given, binary = features.descriptors, dtype == "uint8"
        if features.is_binary != binary:
            kind = "binary (uint8)" if binary else "float32"
            raise TypeError(f"descriptors of image {number} must be {kind} for a store of {dtype}, got {given.dtype}")
        if given.shape[1] != dim:
            raise ValueError(f"descriptors of image {number} must be of length {dim}, got {given.shape[1]}")
        if lacking := [name for name in held if getattr(features, name) is None]:
            raise ValueError(f"image {number} must have {' and '.join(lacking)} like the others of the store")
        if not np.isfinite(features.keypoints).all() or not np.isfinite(given).all():
            raise ValueError(f"keypoints and descriptors of image {number} must be finite")

    def joined(name: str, row_shape: tuple[int, ...], of: str) -> npt.NDArray[Any]:
        parts = [getattr(features, name) for _, features in filled]
        return np.concatenate([np.empty((0, *row_shape), of), *parts])

    rows = {
        "counts": np.array([len(features) for features in images], np.int64),
        "image_sizes": np.array([f.image_size or (0, 0) for f in images], np.int64).reshape(-1, 2),
        "keypoints": joined("keypoints", (2,), "float32"),
        "scores": joined("scores", (), "float32"),
        "descriptors": joined("descriptors", (dim,), "uint8" if dtype == "uint8" else "float32"),
    }
    rows |= {name: joined(name, (), "float32") for name in held}
    if quantizer:
        return rows | {"descriptors": quantizer.encode(rows["descriptors"])}
    return rows | _encoded(rows["descriptors"], dtype)


def _encoded(descriptors: npt.NDArray[Any], dtype: str) -> dict[str, npt.NDArray[Any]]:
    """The descriptors as a store of that dtype holds them."""
    if dtype == "int8":
        largest = np.abs(descriptors).max(axis=1, initial=0)
        factors = (largest / 127).astype(np.float32)
        codes = np.rint(descriptors / np.where(factors > 0, factors, 1)[:, None])
        return {"descriptors": np.clip(codes, -127, 127).astype(np.int8), "factors": factors}
    if dtype == "float16" and np.abs(descriptors).max(initial=0) > np.finfo(np.float16).max:
        raise ValueError("descriptors must be within the range of float16, up to 65504")
    return {"descriptors": descriptors.astype(dtype, copy=False)}
