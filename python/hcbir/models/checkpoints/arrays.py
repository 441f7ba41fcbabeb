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
        with np.load(path, allow_pickle=False) as file:
            return {name.removesuffix(":0"): file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(f"{path}: must be a .npz of numeric arrays, complete: {error}") from error
