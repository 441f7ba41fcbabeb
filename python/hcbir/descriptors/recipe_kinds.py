"""What a recipe may say: one class for each kind of network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

POOLINGS = ("gem", "mac", "spoc", "rmac")
COLOURS = ("rgb", "bgr", "gray")
FOR_PEOPLE = {"name", "licence", "source", "source_sha256", "hcbir_version", "exported"}
"""What changes no vector."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the recipes of all kinds say.

    Parameters
    ----------
    name : str
        Of the network and its training, for people.
    input : str
        Name of the model's input, (n, channels, height, width), float32 or float16.
    colour : {"rgb", "bgr", "gray"}
        Order of the channels.
    mean, std : floats, one a channel
        value = (pixel in 0..255 - mean) / std.
    image_size : int
        Longest side, in pixels, at which images are described unless the user says otherwise.
    licence, source, source_sha256 : str
        Of the weights.
    hcbir_version, exported : str
        What wrote the file, and from what: architecture, heads, precision.
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
    source_sha256: str = ""
    hcbir_version: str = ""
    exported: str | Mapping[str, Any] = ""

    def check(self) -> None:
        """Raises a ValueError that begins with the key whose value is not usable."""
        require(self.colour in COLOURS, "colour", f"one of {', '.join(COLOURS)}", self.colour)
        channels = 1 if self.colour == "gray" else 3
        require(len(self.mean) == channels, "mean", f"{channels} numbers for {self.colour}", list(self.mean))
        require(len(self.std) == channels, "std", f"{channels} numbers for {self.colour}", list(self.std))
        require(all(value > 0 for value in self.std), "std", "above 0", list(self.std))
        require(self.image_size >= 1, "image_size", "at least 1", self.image_size)


@dataclass(frozen=True, kw_only=True)
class ActivationMapRecipe(Recipe):
    """A trunk whose output, (n, c, h, w), is pooled into a vector.

    Parameters
    ----------
    output : str
    stride : int, optional
        Pixels of the image for one place of the map.
    pooling : {"gem", "mac", "spoc", "rmac"}
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
        require(self.pooling in POOLINGS, "pooling", f"one of {', '.join(POOLINGS)}", self.pooling)
        require(self.p > 0, "p", "above 0", self.p)
        _check_scales(self.scales)


@dataclass(frozen=True, kw_only=True)
class Head:
    """One of the descriptors that a network of kind global gives.

    Parameters
    ----------
    output : str
        Name of the model's output, (n, dim).
    dim : int, optional
    power : float
        Exponent of the mean over scales: GeM's own for GeM without whitening, else 1.
    """

    output: str
    dim: int | None = None
    power: float = 1.0

    def check(self) -> None:
        require(self.dim is None or self.dim >= 1, "dim", "at least 1", self.dim)
        require(self.power > 0, "power", "above 0", self.power)


@dataclass(frozen=True, kw_only=True)
class GlobalRecipe(Recipe):
    """A network whose outputs are descriptors: one, named by `output`, or several heads of one trunk.

    Parameters
    ----------
    output : str, optional
    heads : mapping from name to Head
        The first is taken where the user names none.
    scales : floats
        As for an activation map.
    """

    kind = "global"

    output: str = ""
    heads: Mapping[str, Head] = field(default_factory=dict)
    scales: tuple[float, ...] = (1.0,)

    def check(self) -> None:
        super().check()
        if not self.output and not self.heads:
            raise ValueError("output is missing")
        require(not (self.output and self.heads), "output", "left out where there are heads", self.output)
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
        _check_at_least(self, 1, "descriptor_dim", "multiple", "max_features")
        _check_at_least(self, 0, "nms_radius", "border")


@dataclass(frozen=True, kw_only=True)
class DelfRecipe(Recipe):
    """A network that scores and describes the places of a coarse map, at several sizes of the image.

    Parameters
    ----------
    score_output, descriptor_output : str
        (n, 1, h, w) and (n, d, h, w).
    descriptor_dim : int, optional
        d, where the model does not say.
    scales : floats
        Sizes of the image, its own being 1.
    receptive_field, stride, padding : int
        Of a place, in pixels of the resized image.
    score_threshold : float
        Keypoints score at least so much.
    max_features : int
        The best so many of all scales are kept.
    min_side : int
        Images with a shorter side have no features.
    """

    kind = "delf"

    score_output: str
    descriptor_output: str
    descriptor_dim: int | None = None
    scales: tuple[float, ...] = (0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0)
    receptive_field: int = 291
    stride: int = 32
    padding: int = 145
    score_threshold: float = 100.0
    max_features: int = 1000
    min_side: int = 10

    def check(self) -> None:
        super().check()
        _check_scales(self.scales)
        _check_at_least(self, 1, "receptive_field", "stride", "max_features", "min_side")
        _check_at_least(self, 0, "padding")
        require(self.descriptor_dim is None or self.descriptor_dim >= 1, "descriptor_dim", "at least 1", "less")


@dataclass(frozen=True, kw_only=True)
class PatchRecipe(Recipe):
    """A network that describes square patches around keypoints found by others.

    Parameters
    ----------
    output : str
        (n, d).
    patch_size : int
        Side of a patch in its own pixels.
    magnification : float
        Side of a patch in the image over the diameter of its keypoint.
    """

    kind = "patch"

    output: str
    patch_size: int
    magnification: float = 6.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def check(self) -> None:
        super().check()
        _check_at_least(self, 1, "patch_size")
        require(self.magnification > 0, "magnification", "above 0", self.magnification)


KINDS: dict[str, type[Recipe]] = {
    recipe.kind: recipe for recipe in (ActivationMapRecipe, GlobalRecipe, DenseLocalRecipe, DelfRecipe, PatchRecipe)
}


def require(condition: bool, key: str, wanted: str, got: object) -> None:
    """Raises a ValueError that names the key unless the condition holds."""
    if not condition:
        raise ValueError(f"{key} must be {wanted}, got {got!r}")


def _check_at_least(recipe: Recipe, least: int, *keys: str) -> None:
    for key in keys:
        require(getattr(recipe, key) >= least, key, f"at least {least}", getattr(recipe, key))


def _check_scales(scales: tuple[float, ...]) -> None:
    usable = len(scales) > 0 and all(scale > 0 and math.isfinite(scale) for scale in scales)
    require(usable, "scales", "numbers above 0", list(scales))
