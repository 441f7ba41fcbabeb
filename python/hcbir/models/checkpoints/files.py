"""What the loaders share: reading a file safely, and filling a module with errors that say what does not fit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hcbir.models.delf import DELF
from hcbir.models.network import RetrievalNetwork

SHOWN = 5
"""How many names an error lists."""


@dataclass(frozen=True, kw_only=True)
class LoadedNetwork:
    """A network with published weights.

    Parameters
    ----------
    network : RetrievalNetwork or DELF
        In evaluation mode.
    architecture : str
        For people: trunk and heads.
    mean, std : three floats
        The network takes (pixel in 0..255 - mean) / std of RGB images.
    sha256 : str
        Of the file.
    """

    network: RetrievalNetwork | DELF
    architecture: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sha256: str


def sha256_of(*paths: Path) -> str:
    """Hash of a file, or of several one after another, in hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def read_torch(path: Path) -> Any:
    """What `torch.save` wrote: tensors, numbers, strings, numpy arrays and containers of them.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If the file is truncated, no such file, or holds anything else: nothing of that is executed.
    """
    try:
        with torch.serialization.safe_globals(_numpy_globals()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # unpicklers raise anything on a damaged file, and advise to read it unsafely
        found = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        reason = f"it holds {found[1]}, which could run code" if found else "damaged, truncated, or of another kind"
        raise ValueError(f"{path}: not a file of tensors that torch reads safely: {reason}") from error


def _numpy_globals() -> list[Any]:
    """What pickles of numeric arrays name, in numpy 1's words and in numpy 2's; `meta` of cirtorch holds arrays."""
    functions = {"_reconstruct": np.zeros(1).__reduce__()[0], "scalar": np.float64(0).__reduce__()[0]}
    dtypes = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "b1")]
    named = [
        (function, f"numpy.{core}.multiarray.{name}")
        for name, function in functions.items()
        for core in ("core", "_core")
    ]
    return [*named, np.ndarray, np.dtype, *dtypes]


def as_tensor(array: Any, name: str, where: object) -> Tensor:
    """A numeric array as a float32 tensor."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{where}: {name} must be an array of numbers, got {kind}")
    return torch.from_numpy(np.array(array, dtype=np.float32))


def fill(module: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Puts the tensors into the module, all of them and nothing else.

    Parameters
    ----------
    module : nn.Module
    tensors : mapping from name to Tensor
        Batch normalisations' `num_batches_tracked`, which old files lack, may be left out.
    where : str
        What the message begins with.

    Raises
    ------
    ValueError
        Which lists what is missing, unexpected, of the wrong shape or not finite.
    """
    wanted = {name: value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    given = {name: value for name, value in tensors.items() if not name.endswith("num_batches_tracked")}
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{where}: {name} must be a tensor, got {type(value).__name__}")
    common = wanted.keys() & given.keys()
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in common and given[name].shape != wanted[name].shape
    ]
    complain(
        where,
        {
            "missing": [name for name in wanted if name not in common],
            "unexpected": [name for name in given if name not in common],
            "of the wrong shape": shapes,
            "not finite": [name for name in wanted if name in common and not given[name].isfinite().all()],
        },
    )
    module.load_state_dict(dict(given), strict=False)


def complain(where: str, problems: Mapping[str, Sequence[str]]) -> None:
    """Raises a ValueError that lists the problems, if there are any: what -> names."""
    found = [f"{what}: {_listed(names)}" for what, names in problems.items() if names]
    if found:
        raise ValueError(f"{where}: the weights do not fit: {'; '.join(found)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
