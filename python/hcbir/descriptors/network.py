"""A model with its recipe: RGB images in, the named outputs out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import FloatArray
from hcbir.descriptors.device import DeviceTensors
from hcbir.descriptors.recipes import GlobalRecipe, Recipe, find_recipe
from hcbir.descriptors.resizing import Tensors
from hcbir.descriptors.session import Session, num_side_by_side
from hcbir.descriptors.shrinking import rgbx_pixels

# Five halvings leave one place of 32 pixels: smaller images are extended to this by their edge pixels.
MIN_SIDE = 32
MAX_BATCH = 16
MAX_BATCH_PIXELS = {"cpu": 1 << 20, "cuda": 4 << 20}
"""Of one pass: larger batches are hardly faster, and their activation maps take gigabytes."""

# Windows of images with the networks at a time: one is in a pass while another is made into tensors or handed over.
IN_FLIGHT = 2
# On CUDA ONNX Runtime prepares each convolution anew where the size of image changes, in a millisecond of the host's:
# threads that follow each other through a network do so side by side.
MOST_IN_FLIGHT = 8
MEMORY_IN_FLIGHT = 8 << 30
"""Bytes that a CUDA device has for each window more."""
SMALL_NETWORK = 32 << 20
"""Bytes of a model whose threads, in one pass, wait for each other more than those of several passes do."""


class Network:
    """A model and its recipe, shared by all descriptors made of it.

    Parameters
    ----------
    path : Path
    provider, num_threads, provider_options
        As for `Session`.
    """

    def __init__(
        self,
        path: Path,
        *,
        provider: str = "auto",
        num_threads: int | None = None,
        provider_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.session = Session(path, provider=provider, num_threads=num_threads, provider_options=provider_options)
        self.recipe: Recipe = find_recipe(path, self.session.metadata)
        self._is_small = path.stat().st_size <= SMALL_NETWORK
        self._check()

    def _check(self) -> None:
        recipe, inputs, outputs = self.recipe, self.session.inputs, self.session.outputs
        where = f"{self.session.path}: recipe"
        if recipe.input not in inputs:
            raise ValueError(
                f"{where}: input must be one of the model's inputs, {', '.join(inputs)}, got {recipe.input!r}"
            )
        named = {key: getattr(recipe, key, "") for key in ("output", "score_output", "descriptor_output")}
        if isinstance(recipe, GlobalRecipe):
            named |= {f"heads.{name}.output": head.output for name, head in recipe.heads.items()}
        for key, name in named.items():
            if name and name not in outputs:
                raise ValueError(
                    f"{where}: {key} must be one of the model's outputs, {', '.join(outputs)}, got {name!r}"
                )
        shape = inputs[recipe.input]
        if len(shape) != 4 or shape[1] not in (None, len(recipe.mean)):
            raise ValueError(
                f"{where}: {recipe.colour} needs an input of (n, {len(recipe.mean)}, height, width), got {shape}"
            )
        if recipe.input not in self.session.input_dtypes:
            raise ValueError(f"{where}: input {recipe.input!r} must be float32 or float16, the model's is neither")

    def require_any_size(self) -> None:
        """Raises a ValueError if the model takes only one size of image."""
        height, width = self.session.inputs[self.recipe.input][2:]
        if height is not None or width is not None:
            raise ValueError(
                f"{self.session.path}: takes images of {width} x {height} only: export it with dynamic height and width"
            )

    def max_batch(self, width: int, height: int, *, scale: float = 1.0) -> int:
        """Images of that size, resized by that scale, in one pass."""
        only = self.session.inputs[self.recipe.input][0]
        if only is not None:
            return only
        pixels = max(1, round(width * height * scale * scale)) * max(1, num_side_by_side() // IN_FLIGHT)
        return max(1, min(MAX_BATCH, MAX_BATCH_PIXELS[self.session.provider] // pixels))

    def runs_side_by_side(self, image_size: int, num_threads: int) -> bool:
        """Whether that many passes over images of that longest side, a thread each, are faster than one on all threads.

        So it is for a small network on the CPU, if they need no more memory than `IN_FLIGHT` of the largest passes.
        """
        fit = num_threads * image_size * image_size <= IN_FLIGHT * MAX_BATCH_PIXELS["cpu"]
        return fit and self._is_small and self.session.provider == "cpu"

    @cached_property
    def in_flight(self) -> int:
        """Windows of images that it takes at a time."""
        device = self.session.device
        return IN_FLIGHT if device is None else min(max(IN_FLIGHT, device.memory // MEMORY_IN_FLIGHT), MOST_IN_FLIGHT)

    def tensors(self, images: Sequence[Image.Image], *, min_side: int = 1) -> FloatArray:
        """(n, channels, height, width) float32 of RGB images of one size: (pixel - mean) / std.

        Sides shorter than `min_side` are extended by their edge pixels.
        """
        recipe = self.recipe
        width, height = images[0].size
        tensors = np.empty((len(images), len(recipe.mean), height, width), np.float32)
        order = slice(None, None, -1) if recipe.colour == "bgr" else slice(None)
        for tensor, image in zip(tensors, images, strict=True):
            for channel, mean, std, values in zip(
                tensor, recipe.mean, recipe.std, _channels(image, recipe.colour)[order], strict=True
            ):
                np.subtract(values, np.float32(mean), out=channel)
                if std != 1.0:
                    np.divide(channel, np.float32(std), out=channel)
        rows, columns = (max(0, min_side - side) for side in (height, width))
        if rows or columns:
            return np.pad(tensors, ((0, 0), (0, 0), (0, rows), (0, columns)), mode="edge")
        return tensors

    def device_tensors(self, images: Sequence[Image.Image], *, min_side: int = 1) -> Tensors:
        """As `tensors`, where the network runs: their bytes are copied to CUDA and normalised there."""
        device, recipe = self.session.device, self.recipe
        if device is None or self.session.input_dtypes[recipe.input] != np.float32:
            return self.tensors(images, min_side=min_side)
        width, height = images[0].size
        sides = max(height, min_side), max(width, min_side)
        staged = device.staged((len(images), *sides, 1 if recipe.colour == "gray" else 4))
        for pixels, image in zip(staged, images, strict=True):
            pixels[:height, :width] = _pixels(image, recipe.colour)
            pixels[height:, :width] = pixels[height - 1, :width]
            pixels[:, width:] = pixels[:, width - 1 : width]
        channels = {"gray": [0], "rgb": [0, 1, 2], "bgr": [2, 1, 0]}[recipe.colour]
        return device.normalised(staged, channels, recipe.mean, recipe.std)

    def run(self, outputs: Sequence[str], tensors: Tensors) -> list[npt.NDArray[Any]]:
        """The named outputs for a batch."""
        if isinstance(tensors, DeviceTensors):
            return self.session.run(outputs, {self.recipe.input: tensors})
        dtype = self.session.input_dtypes[self.recipe.input]
        return self.session.run(outputs, {self.recipe.input: tensors.astype(dtype, copy=False)})

    def spec(self) -> dict[str, Any]:
        """The part of a descriptor's spec that says which network it is of."""
        return {
            "path": str(self.session.path.resolve()),
            "sha256": self.session.sha256,
            "recipe": {"kind": self.recipe.kind, **asdict(self.recipe)},
        }


def _channels(image: Image.Image, colour: str) -> npt.NDArray[np.uint8]:
    """(channels, height, width) of an RGB image."""
    return _pixels(image, colour).transpose(2, 0, 1)[:3]


def _pixels(image: Image.Image, colour: str) -> npt.NDArray[np.uint8]:
    """(height, width, 1) of an RGB image in grey, else (height, width, 4), of which the last is arbitrary."""
    return np.asarray(image.convert("L"))[..., None] if colour == "gray" else rgbx_pixels(image)


def network_of(descriptor: object) -> Network | None:
    """The network that a descriptor, or the one that it whitens, is made of; None if it is made otherwise."""
    network = getattr(getattr(descriptor, "descriptor", descriptor), "network", None)
    return network if isinstance(network, Network) else None


def equal_sizes(images: Sequence[Image.Image]) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Each size among the images, with the indices of the images that have it."""
    by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        by_size[image.size].append(i)
    yield from by_size.items()


def batches(members: Sequence[int], max_batch: int) -> Iterator[Sequence[int]]:
    """The members, at most `max_batch` at a time."""
    for start in range(0, len(members), max_batch):
        yield members[start : start + max_batch]


_networks: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()
_networks_lock = Lock()


def shared_network(
    path: Path,
    *,
    provider: str = "auto",
    num_threads: int | None = None,
    provider_options: Mapping[str, Any] | None = None,
) -> Network:
    """The network of a file; the same object as long as somebody holds it and no file of it has changed."""
    try:
        files = [file.stat() for file in (path, path.with_suffix(".toml")) if file == path or file.exists()]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    states = tuple((file.st_mtime_ns, file.st_size) for file in files)
    options = tuple(sorted((key, str(value)) for key, value in (provider_options or {}).items()))
    key = (path.resolve(), states, provider, num_threads, options)
    with _networks_lock:
        network = _networks.get(key)
        if network is None:
            network = _networks[key] = Network(
                path, provider=provider, num_threads=num_threads, provider_options=provider_options
            )
        return network
