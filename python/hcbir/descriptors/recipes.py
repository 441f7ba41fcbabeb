"""The recipe of a network: how images go in, what comes out and what is done with it.

A recipe is TOML text, in the model's own metadata under the key `hcbir.recipe` or in `NAME.toml` beside
`NAME.onnx`:

    format = 1
    name = "squeezenet1_1-imagenet"
    kind = "activation-map"            # or global, dense-local, patch
    input = "image"
    output = "fire9"
    colour = "bgr"                     # or rgb, gray: the order of the channels
    mean = [104.0, 117.0, 123.0]       # value = (pixel in 0..255 - mean) / std
    std = [1.0, 1.0, 1.0]
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

METADATA_KEY = "hcbir.recipe"
FORMAT = 1
POOLINGS = ("gem", "mac", "spoc")
COLOURS = ("rgb", "bgr", "gray")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the recipes of all kinds say.

    Parameters
    ----------
    name : str
        Of the network and its training, for people.
    input : str
        Name of the model's input, (n, channels, height, width) float32.
    colour : {"rgb", "bgr", "gray"}
        Order of the channels.
    mean, std : floats, one a channel
        value = (pixel in 0..255 - mean) / std.
    image_size : int
        Longest side, in pixels, at which images are described unless the user says otherwise.
    licence, source : str
        Of the weights.
    """

    kind: ClassVar[str]

    name: str
    input: str
    colour: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int = 1024
    licence: str = ""
    source: str = ""

    def check(self) -> None:
        """Raises a ValueError that begins with the key whose value is not usable."""
        _require(self.colour in COLOURS, "colour", f"one of {', '.join(COLOURS)}", self.colour)
        channels = 1 if self.colour == "gray" else 3
        _require(len(self.mean) == channels, "mean", f"{channels} numbers for {self.colour}", list(self.mean))
        _require(len(self.std) == channels, "std", f"{channels} numbers for {self.colour}", list(self.std))
        _require(all(value > 0 for value in self.std), "std", "above 0", list(self.std))
        _require(self.image_size >= 1, "image_size", "at least 1", self.image_size)


@dataclass(frozen=True, kw_only=True)
class ActivationMapRecipe(Recipe):
    """A trunk whose output, (n, c, h, w), is pooled into a vector.

    Parameters
    ----------
    output : str
    stride : int, optional
        Pixels of the image for one place of the map.
    pooling : {"gem", "mac", "spoc"}
    p : float
        The power of GeM.
    scales : floats
        The normalised image is described at each of these sizes and the descriptors are averaged.
    """

    kind = "activation-map"

    output: str
    stride: int | None = None
    pooling: str = "gem"
    p: float = 3.0
    scales: tuple[float, ...] = (1.0,)

    def check(self) -> None:
        super().check()
        _require(self.pooling in POOLINGS, "pooling", f"one of {', '.join(POOLINGS)}", self.pooling)
        _require(self.p > 0, "p", "above 0", self.p)
        _check_scales(self.scales)


@dataclass(frozen=True, kw_only=True)
class GlobalRecipe(Recipe):
    """A network whose output, (n, d), is the descriptor.

    Parameters
    ----------
    output : str
    scales : floats
        As for an activation map.
    """

    kind = "global"

    output: str
    scales: tuple[float, ...] = (1.0,)

    def check(self) -> None:
        super().check()
        _check_scales(self.scales)


@dataclass(frozen=True, kw_only=True)
class DenseLocalRecipe(Recipe):
    """A network that gives a score and a descriptor for every pixel.

    Parameters
    ----------
    score_output, descriptor_output : str
        (n, 1, h, w) and (n, d, h, w).
    descriptor_dim : int
        d.
    multiple : int
        Height and width are padded with zeros to a multiple of it.
    score_threshold : float
        Keypoints score above it ...
    nms_radius : int
        ... are maxima within 2 * nms_radius + 1 pixels each way, ...
    border : int
        ... and lie at least so many pixels inside the image.
    max_features : int
        The best so many are kept.
    """

    kind = "dense-local"

    score_output: str
    descriptor_output: str
    descriptor_dim: int
    multiple: int = 1
    score_threshold: float = 0.0
    nms_radius: int = 2
    border: int = 0
    max_features: int = 1000

    def check(self) -> None:
        super().check()
        for key in ("descriptor_dim", "multiple", "max_features"):
            _require(getattr(self, key) >= 1, key, "at least 1", getattr(self, key))
        for key in ("nms_radius", "border"):
            _require(getattr(self, key) >= 0, key, "at least 0", getattr(self, key))


@dataclass(frozen=True, kw_only=True)
class PatchRecipe(Recipe):
    """A network that describes square patches around keypoints found by others."""

    kind = "patch"

    output: str
    patch_size: int
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def check(self) -> None:
        super().check()
        _require(self.patch_size >= 1, "patch_size", "at least 1", self.patch_size)


KINDS: dict[str, type[Recipe]] = {
    recipe.kind: recipe for recipe in (ActivationMapRecipe, GlobalRecipe, DenseLocalRecipe, PatchRecipe)
}


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
        return _recipe(table)
    except ValueError as error:  # TOMLDecodeError is one
        raise ValueError(f"{where}: {error}") from error


def _recipe(table: dict[str, Any]) -> Recipe:
    for key in ("format", "kind"):
        if key not in table:
            raise ValueError(f"{key} is missing")
    _require(table["format"] == FORMAT, "format", f"{FORMAT}, all that this version reads", table["format"])
    kind = table["kind"]
    _require(isinstance(kind, str) and kind in KINDS, "kind", f"one of {', '.join(KINDS)}", kind)
    recipe_type = KINDS[kind]
    known = {field.name: field for field in fields(recipe_type)}
    given = {key: value for key, value in table.items() if key not in ("format", "kind")}
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"{unknown[0]} is unknown for kind {kind}, which has {', '.join(known)}")
    missing = [key for key, field in known.items() if field.default is MISSING and key not in given]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    hints = get_type_hints(recipe_type)
    recipe = recipe_type(**{key: _value(key, value, hints[key]) for key, value in given.items()})
    recipe.check()
    return recipe


def _value(key: str, value: Any, hint: Any) -> Any:
    """The value in the type of its field; whole numbers may stand for floats."""
    if hint is str:
        _require(isinstance(value, str), key, "a string", value)
        return value
    if hint is float:
        _require(_is_number(value), key, "a number", value)
        return float(value)
    if hint == tuple[float, ...]:
        _require(isinstance(value, list) and all(map(_is_number, value)), key, "a list of numbers", value)
        return tuple(map(float, value))
    _require(isinstance(value, int) and not isinstance(value, bool), key, "a whole number", value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_scales(scales: tuple[float, ...]) -> None:
    _require(len(scales) > 0 and all(scale > 0 for scale in scales), "scales", "numbers above 0", list(scales))


def _require(condition: bool, key: str, wanted: str, got: object) -> None:
    if not condition:
        raise ValueError(f"{key} must be {wanted}, got {got!r}")
