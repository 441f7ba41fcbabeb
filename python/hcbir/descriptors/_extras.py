"""Packages that only the extras bring."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require(module: str, *, extra: str = "cpu") -> Any:
    """The imported module, which that extra of ours brings.

    Raises
    ------
    ModuleNotFoundError
        With the remedy, if it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        or_cuda = ', or "hcbir[gpu]" for CUDA' if extra == "cpu" else ""
        raise ModuleNotFoundError(
            f'{error.name} is not installed: pip install "hcbir[{extra}]"{or_cuda}', name=error.name
        ) from None
