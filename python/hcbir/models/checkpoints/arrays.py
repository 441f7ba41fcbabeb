"""Reading `.npz` files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Name -> array, TensorFlow's ":0" behind names left out.

    Raises
    ------
    ValueError
        If the file is not a `.npz` of numeric arrays, or truncated.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name.removesuffix(":0"): arrays[name] for name in arrays.files}
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(f"{path}: must be a .npz of numeric arrays, complete: {error}") from error
