"""What a file of weights holds, without building a network of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hcbir.models.checkpoints.arrays import read_arrays
from hcbir.models.checkpoints.bundle import bundle_files, is_bundle, read_bundle
from hcbir.models.checkpoints.files import read_torch, sha256_of
from hcbir.models.checkpoints.netvlad import read_structure


def summarise(path: Path) -> dict[str, Any]:
    """Facts about a `.pth`, `.npz` or `.mat` file, or about TensorFlow's variables: plain JSON values.

    Raises
    ------
    ValueError
        If the file is not what its name says, or truncated.
    """
    if is_bundle(path):
        return {"file": str(path), "sha256": sha256_of(*bundle_files(path)), **_counts(read_bundle(path))}
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    read = {".npz": _npz, ".mat": _mat}.get(path.suffix, _torch)
    return {"file": str(path), "sha256": sha256_of(path), **read(path)}


def _torch(path: Path) -> dict[str, Any]:
    content = read_torch(path)
    meta = content.get("meta", {}) if isinstance(content, Mapping) else {}
    facts: dict[str, Any] = {"tensors": 0, "numbers": 0}
    for tensor in _tensors(content):
        facts["tensors"] += 1
        facts["numbers"] += tensor.numel()
    plain: dict[str, Any] = {
        key: value for key, value in meta.items() if isinstance(value, (str, int, float, list, tuple))
    }
    if sets := meta.get("Lw"):
        plain["Lw"] = {dataset: ", ".join(kinds) for dataset, kinds in sets.items()}
    return facts | ({"meta": plain} if plain else {})


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)


def _npz(path: Path) -> dict[str, Any]:
    return _counts(read_arrays(path))


def _counts(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    return {"tensors": len(arrays), "numbers": sum(int(np.asarray(array).size) for array in arrays.values())}


def _mat(path: Path) -> dict[str, Any]:
    layers, mean = read_structure(path)
    return {"layers": len(layers), "mean": list(mean)}
