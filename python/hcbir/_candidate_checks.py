"""Checks of what a query is to be compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hcbir._arrays import whole_numbers
from hcbir._features import LocalFeatures
from hcbir._store import LocalFeatureStore


def chosen_ids(ids: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int64]:
    if ids is None:
        return np.arange(count, dtype=np.int64)
    chosen = whole_numbers(ids, "ids")
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < count):
        raise IndexError(f"ids must be from 0 to {count - 1}, got {chosen.min()} to {chosen.max()}")
    return chosen


def check_candidates(
    query: LocalFeatures,
    candidates: Sequence[LocalFeatures] | LocalFeatureStore,
    ids: npt.NDArray[np.int64],
    use_frames: bool,
) -> None:
    if isinstance(candidates, LocalFeatureStore):
        if candidates.num_features:
            binary = candidates.dtype == "uint8"
            check_kind(query, "uint8" if binary else "float32", candidates.dim, "the store")
            if use_frames and (candidates.scales is None or candidates.orientations is None):
                raise ValueError(
                    f"candidates must hold scales and orientations for use_frames, got {candidates.folder}"
                )
        return
    for number in ids.tolist():
        candidate = candidates[number]
        if not isinstance(candidate, LocalFeatures):
            raise TypeError(f"candidate {number} must be LocalFeatures, got {type(candidate).__name__}")
        if len(candidate):  # an image without features may come with descriptors of any shape
            given = candidate.descriptors
            check_kind(query, str(given.dtype), given.shape[1], f"candidate {number}")


def check_kind(query: LocalFeatures, dtype: str, length: int, name: str) -> None:
    wanted = query.descriptors
    if len(query) and dtype != str(wanted.dtype):
        raise TypeError(f"descriptors of {name} must be {wanted.dtype} like the query's, got {dtype}")
    if len(query) and length != wanted.shape[1]:
        raise ValueError(f"descriptors of {name} must have the query's length, {wanted.shape[1]}, got {length}")
