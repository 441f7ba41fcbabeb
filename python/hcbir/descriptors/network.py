"""Global descriptors from ONNX networks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Literal
from weakref import WeakValueDictionary

import numpy as np
from PIL import Image

from hcbir._features import FloatArray
from hcbir.descriptors.base import GlobalDescriptor
from hcbir.descriptors.pooling import combine_scales, normalise, pool, resize
from hcbir.descriptors.recipes import ActivationMapRecipe, GlobalRecipe, Recipe, find_recipe
from hcbir.descriptors.session import Session

# Five halvings leave one place of 32 pixels: smaller images are extended to this by their edge pixels.
MIN_SIDE = 32
MAX_BATCH = 16

_PIL_MODE = {"rgb": "RGB", "bgr": "RGB", "gray": "L"}


class Network:
    """A model and its recipe, shared by all descriptors made of it.

    Parameters
    ----------
    path : Path
    provider, num_threads
        As for `Session`.
    """

    def __init__(self, path: Path, *, provider: str = "auto", num_threads: int | None = None) -> None:
        self.session = Session(path, provider=provider, num_threads=num_threads)
        self.recipe: Recipe = find_recipe(path, self.session.metadata)
        self._check_input()

    def _check_input(self) -> None:
        recipe, inputs, outputs = self.recipe, self.session.inputs, self.session.outputs
        where = f"{self.session.path}: recipe"
        if recipe.input not in inputs:
            raise ValueError(
                f"{where}: input must be one of the model's inputs, {', '.join(inputs)}, got {recipe.input!r}"
            )
        for key in ("output", "score_output", "descriptor_output"):
            name = getattr(recipe, key, None)
            if name is not None and name not in outputs:
                raise ValueError(
                    f"{where}: {key} must be one of the model's outputs, {', '.join(outputs)}, got {name!r}"
                )
        shape = inputs[recipe.input]
        if len(shape) != 4 or shape[1] not in (None, len(recipe.mean)):
            raise ValueError(
                f"{where}: {recipe.colour} needs an input of (n, {len(recipe.mean)}, height, width), got {shape}"
            )

    def require_any_size(self) -> None:
        """Raises a ValueError if the model takes only one size of image."""
        height, width = self.session.inputs[self.recipe.input][2:]
        if height is not None or width is not None:
            raise ValueError(
                f"{self.session.path}: takes images of {width} x {height} only: export it with dynamic height and width"
            )

    @property
    def max_batch(self) -> int:
        return self.session.inputs[self.recipe.input][0] or MAX_BATCH

    def tensor(self, image: Image.Image) -> FloatArray:
        """(channels, height, width) float32 of an RGB image: (pixel - mean) / std."""
        pixels = np.asarray(image.convert(_PIL_MODE[self.recipe.colour]), dtype=np.float32)
        pixels = pixels.reshape(image.height, image.width, -1)
        if self.recipe.colour == "bgr":
            pixels = pixels[:, :, ::-1]
        mean, std = (np.array(values, np.float32) for values in (self.recipe.mean, self.recipe.std))
        return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1))


class NetworkDescriptor:
    """The vectors of a network of kind activation-map or global.

    Parameters
    ----------
    network : Network
    pooling : {"gem", "mac", "spoc"}, optional
        Of an activation map; default: the recipe's.
    image_size : int, optional
        Default: the recipe's.
    name : str, optional
        Default: the recipe's.
    """

    kind: Literal["global"] = "global"

    def __init__(
        self,
        network: Network,
        *,
        pooling: str | None = None,
        image_size: int | None = None,
        name: str | None = None,
    ) -> None:
        recipe = network.recipe
        if not isinstance(recipe, (ActivationMapRecipe, GlobalRecipe)):
            raise ValueError(f"{network.session.path}: kind {recipe.kind} gives no global descriptor")
        if pooling is not None and isinstance(recipe, GlobalRecipe):
            raise ValueError(f"{network.session.path}: pooling {pooling!r} needs kind activation-map, not global")
        network.require_any_size()
        self.network = network
        self.recipe = recipe
        self.pooling = recipe.pooling if pooling is None and isinstance(recipe, ActivationMapRecipe) else pooling
        self.image_size = recipe.image_size if image_size is None else image_size
        self.name = recipe.name if name is None else name

    @cached_property
    def dim(self) -> int:
        declared = self.network.session.outputs[self.recipe.output]
        if len(declared) > 1 and declared[1] is not None:
            return declared[1]
        return int(self.describe([Image.new("RGB", (64, 64))]).shape[1])

    def describe(self, images: Sequence[Image.Image]) -> FloatArray:
        """(len(images), dim) float32 unit vectors of RGB images already shrunk to `image_size`."""
        return describe_together({self.name: self}, images)[self.name]

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {
            "kind": self.kind,
            "name": self.name,
            "path": str(self.network.session.path.resolve()),
            "image_size": self.image_size,
            "pooling": self.pooling,
            "sha256": self.network.session.sha256,
            "recipe": {"kind": self.recipe.kind, **asdict(self.recipe)},
        }


def describe_together(
    descriptors: Mapping[str, GlobalDescriptor], images: Sequence[Image.Image]
) -> dict[str, FloatArray]:
    """The vectors of several descriptors; those of one network share its passes.

    Parameters
    ----------
    descriptors : mapping from name
        All of the same `image_size`.
    images : sequence of n PIL.Image.Image

    Returns
    -------
    name -> (n, dim) float32
    """
    by_network: dict[Network, dict[str, NetworkDescriptor]] = defaultdict(dict)
    vectors: dict[str, FloatArray] = {}
    for name, descriptor in descriptors.items():
        if isinstance(descriptor, NetworkDescriptor):
            by_network[descriptor.network][name] = descriptor
        else:
            vectors[name] = descriptor.describe(images)
    for network, members in by_network.items():
        vectors |= _describe(network, members, images)
    return {name: vectors[name] for name in descriptors}


def _describe(
    network: Network, descriptors: Mapping[str, NetworkDescriptor], images: Sequence[Image.Image]
) -> dict[str, FloatArray]:
    poolings = {descriptor.pooling for descriptor in descriptors.values()}
    pooled: dict[str | None, FloatArray] = {}
    for batch in _batches_of_equal_size(images, network.max_batch):
        tensors = _extended(np.stack([network.tensor(images[i]) for i in batch]))
        for pooling, vectors in _describe_batch(network, tensors, poolings).items():
            pooled.setdefault(pooling, np.empty((len(images), vectors.shape[1]), np.float32))[batch] = vectors
    if not images:
        return {name: np.empty((0, descriptor.dim), np.float32) for name, descriptor in descriptors.items()}
    return {name: pooled[descriptor.pooling] for name, descriptor in descriptors.items()}


def _describe_batch(
    network: Network, tensors: FloatArray, poolings: Iterable[str | None]
) -> dict[str | None, FloatArray]:
    recipe = network.recipe
    assert isinstance(recipe, (ActivationMapRecipe, GlobalRecipe))
    per_scale = [_output(network, recipe.output, resize(tensors, scale)) for scale in recipe.scales]
    if isinstance(recipe, GlobalRecipe):
        return {None: combine_scales([normalise(vectors) for vectors in per_scale])}
    return {
        pooling: combine_scales(
            [normalise(pool(maps, str(pooling), p=recipe.p)) for maps in per_scale],
            p=recipe.p if pooling == "gem" else 1.0,
        )
        for pooling in poolings
    }


def _output(network: Network, name: str, tensors: FloatArray) -> FloatArray:
    output = network.session.run([name], {network.recipe.input: tensors})[0]
    axes = 4 if isinstance(network.recipe, ActivationMapRecipe) else 2
    model = network.session.path.name
    if output.ndim != axes or len(output) != len(tensors) or output.size == 0:
        raise ValueError(
            f"{model}: {name} must have {axes} dimensions for kind {network.recipe.kind}, got {output.shape}"
        )
    if not np.isfinite(output).all():
        raise ValueError(f"{model}: {name} holds NaN or infinite values for images of {tensors.shape}")
    return output.astype(np.float32, copy=False)


def _batches_of_equal_size(images: Sequence[Image.Image], max_batch: int) -> Iterable[list[int]]:
    by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        by_size[image.size].append(i)
    for members in by_size.values():
        for start in range(0, len(members), max_batch):
            yield members[start : start + max_batch]


def _extended(tensors: FloatArray) -> FloatArray:
    rows, columns = (max(0, MIN_SIDE - side) for side in tensors.shape[2:])
    if rows or columns:
        return np.pad(tensors, ((0, 0), (0, 0), (0, rows), (0, columns)), mode="edge")
    return tensors


_networks: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()
_networks_lock = Lock()


def shared_network(path: Path, *, provider: str = "auto", num_threads: int | None = None) -> Network:
    """The network of a file; the same object as long as somebody holds it and the file has not changed."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    key = (path.resolve(), status.st_mtime_ns, status.st_size, provider, num_threads)
    with _networks_lock:
        network = _networks.get(key)
        if network is None:
            network = _networks[key] = Network(path, provider=provider, num_threads=num_threads)
        return network
