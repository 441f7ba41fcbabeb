"""The examples in the docstrings of the facade."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import hcbir

MODULES = [m.name for m in pkgutil.iter_modules(hcbir.__path__) if m.name.startswith("_") and m.name != "__main__"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"hcbir.{name}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_every_operation_has_an_example() -> None:
    examples = doctest.DocTestFinder(recurse=False)
    without = [
        name
        for name in hcbir.__all__
        if callable(getattr(hcbir, name))
        and getattr(hcbir, name).__module__ != "hcbir._core"
        and not isinstance(getattr(hcbir, name), type)
        and not any(t.examples for t in examples.find(getattr(hcbir, name), name))
    ]
    assert without == ["default_num_threads", "isa"]
