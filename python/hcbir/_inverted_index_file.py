"""An inverted index on disk: a folder of `.npy` files with checksums, read by memory map."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._growing import GrowingArrays
from hcbir._inverted_lists import Part
from hcbir._quantization import METRICS, ProductQuantizer

KIND = "hcbir inverted lists"


class SavedIndex(NamedTuple):
    """What a folder holds; numbers: sub-quantisers, bits, metric, seed, next id."""

    centroids: npt.NDArray[np.float32]
    codebooks: npt.NDArray[np.float32]
    origin: npt.NDArray[np.float32]
    numbers: npt.NDArray[np.uint64]
    part: Part


def write_index(folder: str | PathLike[str], index: SavedIndex) -> None:
    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"folder must not exist or be empty, got {folder}")
    rows: dict[str, npt.NDArray[Any]] = index.part._asdict()
    rows |= {name: getattr(index, name) for name in SavedIndex._fields if name != "part"}
    GrowingArrays(path, KIND).append(rows)


def read_index(folder: str | PathLike[str], check: bool) -> SavedIndex:
    files = GrowingArrays(Path(folder), KIND)
    arrays = files.arrays
    if not arrays:
        raise FileNotFoundError(f"{folder} is no IVFPQIndex")
    for name in arrays if check else arrays.keys() - {"codes", "ids", "terms"}:
        files.check(name)
    try:
        part = Part(*(arrays[name] for name in Part._fields))
        saved = SavedIndex(
            np.array(arrays["centroids"]), arrays["codebooks"], np.array(arrays["origin"]), arrays["numbers"], part
        )
        code_size = ProductQuantizer(saved.codebooks).code_size
        by_l2 = METRICS[int(saved.numbers[2])] == "l2"
        num_terms, num_axes = (len(part.ids), saved.centroids.shape[1]) if by_l2 else (0, 0)
        if part.codes.shape != (len(part.ids), code_size) or part.offsets[-1] != len(part.ids):
            raise ValueError(f"its codes are {part.codes.shape}")
        if (len(part.terms), len(saved.origin)) != (num_terms, num_axes):
            raise ValueError(f"its terms are {part.terms.shape}, its origin is {saved.origin.shape}")
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise _core.FormatError(f"{folder} is no whole IVFPQIndex: {error}") from error
    return saved
