"""Packages that only the extras bring."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require(module: str) -> Any:
    """The imported module.

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
        raise ModuleNotFoundError(
            f'{error.name} is not installed: pip install "hcbir[cpu]", or "hcbir[gpu]" for CUDA', name=error.name
        ) from None
