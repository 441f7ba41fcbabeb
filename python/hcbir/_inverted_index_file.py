"""An inverted index on disk: a folder of `.npy` files with checksums, read by memory map."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._growing import GrowingArrays
from hcbir._inverted_coder import InvertedCoder
from hcbir._inverted_lists import Part
from hcbir._quantization import METRICS, ProductQuantizer

KIND = "hcbir inverted lists"
ARRAYS: dict[str, tuple[tuple[int | None, ...], str]] = {
    "codes": ((None, None), "uint8"),
    "ids": ((None,), "int64"),
    "offsets": ((None,), "int64"),
    "terms": ((None,), "float32"),
    "centroids": ((None, None), "float32"),
    "codebooks": ((None, None, None), "float32"),
    "origin": ((None,), "float32"),
    "numbers": ((5,), "uint64"),
}


class SavedIndex(NamedTuple):
    """What a folder holds."""

    coder: InvertedCoder
    part: Part
    seed: int
    next_id: int
    source: int | None = None
    """The fingerprint of the store that the vectors are from, if they are from one."""


def write_index(folder: str | PathLike[str], index: SavedIndex) -> None:
    centroids, quantizer, metric, origin = index.coder
    numbers = [quantizer.num_subquantizers, quantizer.bits, METRICS.index(metric), index.seed, index.next_id]
    rows: dict[str, npt.NDArray[Any]] = index.part._asdict()
    rows |= {"centroids": centroids, "codebooks": quantizer.centroids, "origin": origin}
    rows |= {"numbers": np.array(numbers, np.uint64)}
    if index.source is not None:
        rows["source"] = np.array([index.source], np.uint32)
    GrowingArrays.create_or_replace(Path(folder), KIND, rows)


def read_index(folder: str | PathLike[str], check: bool) -> SavedIndex:
    if Path(folder).is_file():
        raise _core.FormatError(f"{folder} is no folder of an IVFPQIndex")
    files = GrowingArrays(Path(folder), KIND)
    if not files.arrays:
        raise FileNotFoundError(f"there is no IVFPQIndex in {folder}")
    arrays = {name: files.array(name, shape, dtype) for name, (shape, dtype) in ARRAYS.items()}
    if "source" in files.arrays:  # folders written before have none
        arrays["source"] = files.array("source", (1,), "uint32")
    for name in arrays if check else arrays.keys() - {"codes", "ids", "terms"}:
        files.check(name)
    try:
        part = Part(*(arrays[name] for name in Part._fields))
        quantizer = ProductQuantizer(arrays["codebooks"])
        num_subquantizers, bits, metric, seed, next_id = arrays["numbers"].tolist()
        coder = InvertedCoder(np.array(arrays["centroids"]), quantizer, METRICS[metric], np.array(arrays["origin"]))
        num_terms, num_axes = (len(part.ids), quantizer.dim) if coder.metric == "l2" else (0, 0)
        if (num_subquantizers, bits) != (quantizer.num_subquantizers, quantizer.bits):
            raise ValueError(f"its codebooks are {quantizer.centroids.shape}")
        if part.codes.shape != (len(part.ids), quantizer.code_size) or part.offsets[-1] != len(part.ids):
            raise ValueError(f"its codes are {part.codes.shape}")
        if coder.centroids.shape != (len(part.offsets) - 1, quantizer.dim):
            raise ValueError(f"its centroids are {coder.centroids.shape}")
        if (len(part.terms), len(coder.origin)) != (num_terms, num_axes):
            raise ValueError(f"its terms are {part.terms.shape}, its origin is {coder.origin.shape}")
    except (ValueError, IndexError, TypeError) as error:
        raise _core.FormatError(f"{folder} is no whole IVFPQIndex: {error}") from error
    return SavedIndex(coder, part, seed, next_id, int(arrays["source"][0]) if "source" in arrays else None)
