"""The learned whitening ("Lw") that cirtorch's files keep beside a network: P (x - m), then unit length.

It was learned on, and belongs behind, the mean over scales, so it is no part of an exported graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hcbir.descriptors.whitening import Whitening
from hcbir.models.checkpoints.files import read_torch, sha256_of


def read_learned_whitening(path: Path, dataset: str, *, several_scales: bool) -> Whitening:
    """One of a file's learned whitenings, as `hcbir.descriptors` applies it.

    Parameters
    ----------
    path : Path
        A cirtorch network.
    dataset : str
        That it was learned on, such as "retrieval-SfM-120k".
    several_scales : bool
        Whether it is for vectors that are means over scales.

    Raises
    ------
    ValueError
        If the file has no such whitening; with those that it has.
    """
    content = read_torch(path)
    meta = content.get("meta", {}) if isinstance(content, Mapping) else {}
    sets = meta.get("Lw", {})
    kind = "ms" if several_scales else "ss"
    if kind not in sets.get(dataset, {}):
        there = ", ".join(f"{name} ({', '.join(kinds)})" for name, kinds in sets.items()) or "none"
        raise ValueError(f"dataset must be one of those in {path}, {there}, got {dataset!r} ({kind})")
    m, p = (_floats(sets[dataset][kind].get(key), f"Lw[{dataset}][{kind}][{key}]", path) for key in ("m", "P"))
    provenance = {"method": "lw", "dataset": dataset, "scales": kind, "source_sha256": sha256_of(path)}
    try:
        return Whitening(m.reshape(-1), p, provenance)
    except ValueError as error:
        raise ValueError(f"{path}: Lw[{dataset}][{kind}]: {error}") from error


def _floats(value: Any, name: str, path: Path) -> npt.NDArray[np.float32]:
    array = value.numpy() if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ValueError(f"{path}: {name} must be an array of floats, got {type(value).__name__}")
    return array.astype(np.float32)
