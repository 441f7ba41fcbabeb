"""The recipe of a network: how images go in, what comes out and what is done with it.

A recipe is TOML text, in the model's own metadata under the key `hcbir.recipe` or in `NAME.toml` beside
`NAME.onnx`:

    format = 1
    name = "squeezenet1_1-imagenet"
    kind = "activation-map"            # or global, dense-local, delf, patch
    input = "image"
    output = "fire9"
    colour = "bgr"                     # or rgb, gray: the order of the channels
    mean = [104.0, 117.0, 123.0]       # value = (pixel in 0..255 - mean) / std
    std = [1.0, 1.0, 1.0]

A network of kind global with several heads has tables in place of `output`:

    [heads.gem]
    output = "gem"
    dim = 2048
    power = 3.0                        # exponent of the mean over scales
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hcbir.descriptors.recipe_kinds import (
    KINDS,
    POOLINGS,
    ActivationMapRecipe,
    DelfRecipe,
    DenseLocalRecipe,
    GlobalRecipe,
    Head,
    PatchRecipe,
    Recipe,
    require,
)

__all__ = [
    "KINDS",
    "METADATA_KEY",
    "POOLINGS",
    "ActivationMapRecipe",
    "DelfRecipe",
    "DenseLocalRecipe",
    "GlobalRecipe",
    "Head",
    "PatchRecipe",
    "Recipe",
    "find_recipe",
    "format_recipe",
    "parse_recipe",
]

METADATA_KEY = "hcbir.recipe"
FORMAT = 1

T = TypeVar("T", Recipe, Head)


def find_recipe(model: Path, metadata: Mapping[str, str]) -> Recipe:
    """The recipe of a model: from its metadata, or else from the `.toml` beside it.

    Raises
    ------
    ValueError
        If there is none, or it is not as it should be; the message names the file and the key.
    """
    if METADATA_KEY in metadata:
        return parse_recipe(metadata[METADATA_KEY], f"{model} ({METADATA_KEY})")
    beside = model.with_suffix(".toml")
    try:
        text = beside.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(
            f"{model}: no recipe: neither {METADATA_KEY} in the model's metadata nor {beside.name} beside it"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"{beside}: must be UTF-8 text") from None
    return parse_recipe(text, str(beside))


def parse_recipe(text: str, where: str) -> Recipe:
    """The recipe in a TOML text.

    Parameters
    ----------
    text : str
    where : str
        What messages begin with.

    Raises
    ------
    ValueError
        For a key that is missing, unknown, or whose value is of the wrong type or range.
    """
    try:
        table = tomllib.loads(text)
        for key in ("format", "kind"):
            if key not in table:
                raise ValueError(f"{key} is missing")
        require(table["format"] == FORMAT, "format", f"{FORMAT}, all that this version reads", table["format"])
        kind = table["kind"]
        require(isinstance(kind, str) and kind in KINDS, "kind", f"one of {', '.join(KINDS)}", kind)
        given = {key: value for key, value in table.items() if key not in ("format", "kind")}
        return _build(KINDS[kind], given, f"kind {kind}")
    except ValueError as error:  # TOMLDecodeError is one
        raise ValueError(f"{where}: {error}") from error


def format_recipe(recipe: Recipe) -> str:
    """The TOML text that `parse_recipe` reads; values that are the default are left out."""
    lines = [f"format = {FORMAT}", f"kind = {json.dumps(recipe.kind)}"]
    tables: dict[str, Mapping[str, Any]] = {}
    for key, value in _given(recipe).items():
        if isinstance(value, Mapping):
            tables |= {f"{key}.{name}": _given(v) for name, v in value.items()} if key == "heads" else {key: value}
        else:
            lines.append(f"{key} = {_toml(value)}")
    for header, table in tables.items():
        lines += ["", f"[{header}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _given(part: Recipe | Head) -> dict[str, Any]:
    """The fields whose values are not the default."""
    values = {field.name: (field, getattr(part, field.name)) for field in fields(part)}
    return {
        key: value for key, (field, value) in values.items() if value != field.default and value not in (None, {}, "")
    }


def _toml(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and booleans are written the same way


def _build(part: type[T], given: Mapping[str, Any], whose: str) -> T:
    known = {field.name: field for field in fields(part)}
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"{unknown[0]} is unknown for {whose}, which has {', '.join(known)}")
    for key, field in known.items():
        if field.default is MISSING and field.default_factory is MISSING and key not in given:
            raise ValueError(f"{key} is missing")
    hints = get_type_hints(part)
    built = part(**{key: _value(key, value, hints[key]) for key, value in given.items()})
    built.check()
    return built


def _value(key: str, value: Any, hint: Any) -> Any:
    """The value in the type of its field; whole numbers may stand for floats."""
    if hint is str:
        require(isinstance(value, str), key, "a string", value)
        return value
    if hint is float:
        require(_is_number(value), key, "a number", value)
        return float(value)
    if get_origin(hint) is tuple:
        require(isinstance(value, list) and all(map(_is_number, value)), key, "a list of numbers", value)
        return tuple(map(float, value))
    if get_origin(hint) is not None and Head in get_args(hint):
        require(isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()), key, "tables", value)
        return {name: _head(f"{key}.{name}", table) for name, table in value.items()}
    if str in get_args(hint):
        require(isinstance(value, (str, dict)), key, "a string or a table", value)
        return value
    assert hint is int or set(get_args(hint)) == {int, NoneType}, hint
    require(isinstance(value, int) and not isinstance(value, bool), key, "a whole number", value)
    return value


def _head(where: str, table: Mapping[str, Any]) -> Head:
    try:
        return _build(Head, table, "a head")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
