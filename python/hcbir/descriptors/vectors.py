"""Global descriptors from ONNX networks: pooled activation maps, and heads that stand in the network itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from PIL import Image

from hcbir._features import FloatArray
from hcbir.descriptors.base import GlobalDescriptor
from hcbir.descriptors.network import MIN_SIDE, Network, batches, equal_sizes
from hcbir.descriptors.pooling import combine_scales, normalise, pool
from hcbir.descriptors.recipes import POOLINGS, ActivationMapRecipe, GlobalRecipe, Head
from hcbir.descriptors.resizing import Tensors, resize
from hcbir.descriptors.whitening import WhitenedDescriptor


class NetworkDescriptor:
    """The vectors of a network of kind activation-map or global.

    Parameters
    ----------
    network : Network
    head : str, optional
        A pooling ("gem", "mac", "spoc", "rmac") of an activation map, or one of the recipe's heads; default: the
        recipe's pooling, or its first head.
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
        head: str | None = None,
        image_size: int | None = None,
        name: str | None = None,
    ) -> None:
        recipe = network.recipe
        if not isinstance(recipe, (ActivationMapRecipe, GlobalRecipe)):
            raise ValueError(f"{network.session.path}: kind {recipe.kind} gives no global descriptor")
        network.require_any_size()
        self.network = network
        self.recipe = recipe
        self.head = _choose(network, recipe, head)
        self.image_size = recipe.image_size if image_size is None else image_size
        self.name = recipe.name if name is None else name

    @cached_property
    def dim(self) -> int:
        head = self._head
        declared = self.network.session.outputs[head.output]
        known = declared[1] if len(declared) > 1 and declared[1] is not None else head.dim
        return known or int(self.describe([Image.new("RGB", (64, 64))]).shape[1])

    @property
    def _head(self) -> Head:
        """Output, and power of the mean over scales."""
        recipe = self.recipe
        if isinstance(recipe, ActivationMapRecipe):
            return Head(output=recipe.output, power=recipe.p if self.head == "gem" else 1.0)
        return Head(output=recipe.output) if self.head is None else recipe.heads[self.head]

    def describe(self, images: Sequence[Image.Image]) -> FloatArray:
        """(len(images), dim) float32 unit vectors of RGB images already shrunk to `image_size`."""
        return describe_together({self.name: self}, images)[self.name]

    def at_scale(self, outputs: Mapping[str, FloatArray]) -> FloatArray:
        """(n, dim) unit vectors from the network's outputs at one scale."""
        output = outputs[self._head.output]
        if isinstance(self.recipe, ActivationMapRecipe):
            output = pool(output, str(self.head), p=self.recipe.p)
        return normalise(output)

    def over_scales(self, vectors: list[FloatArray]) -> FloatArray:
        """(n, dim) unit vectors from those of each scale."""
        return combine_scales(vectors, power=self._head.power)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {
            "kind": self.kind,
            "name": self.name,
            "image_size": self.image_size,
            "head": self.head,
            **self.network.spec(),
        }

    @property
    def output(self) -> str:
        """The model's output that it is made from."""
        return self._head.output


def _choose(network: Network, recipe: ActivationMapRecipe | GlobalRecipe, head: str | None) -> str | None:
    """The pooling or head of a name; without one the first; None where there is but the one output."""
    choices: tuple[str, ...]
    if isinstance(recipe, ActivationMapRecipe):
        choices, first = POOLINGS, recipe.pooling
    elif recipe.heads:
        choices, first = tuple(recipe.heads), next(iter(recipe.heads))
    elif head is None:
        return None
    else:
        raise ValueError(f"{network.session.path}: has no heads or poolings to choose from, got {head!r}")
    if head is not None and head not in choices:
        what = "pooling" if isinstance(recipe, ActivationMapRecipe) else "head"
        raise ValueError(f"{network.session.path}: {what} must be one of {', '.join(choices)}, got {head!r}")
    return head or first


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
    whitened: dict[str, WhitenedDescriptor] = {}
    vectors: dict[str, FloatArray] = {}
    for name, descriptor in descriptors.items():
        if isinstance(descriptor, WhitenedDescriptor):
            whitened[name] = descriptor
            descriptor = descriptor.descriptor
        if isinstance(descriptor, NetworkDescriptor):
            by_network[descriptor.network][name] = descriptor
        else:
            vectors[name] = descriptor.describe(images)
    for network, members in by_network.items():
        vectors |= _describe(network, members, images)
    return {name: whitened[name].whitening.apply(v) if name in whitened else v for name, v in vectors.items()}


def _describe(
    network: Network, descriptors: Mapping[str, NetworkDescriptor], images: Sequence[Image.Image]
) -> dict[str, FloatArray]:
    described: dict[str, FloatArray] = {}
    for (width, height), members in equal_sizes(images):
        for batch in batches(members, network.max_batch(width, height)):
            tensors = network.device_tensors([images[i] for i in batch], min_side=MIN_SIDE)
            for name, vectors in _describe_batch(network, tensors, descriptors).items():
                described.setdefault(name, np.empty((len(images), vectors.shape[1]), np.float32))[batch] = vectors
    return described if images else {name: np.empty((0, d.dim), np.float32) for name, d in descriptors.items()}


def _describe_batch(
    network: Network, tensors: Tensors, descriptors: Mapping[str, NetworkDescriptor]
) -> dict[str, FloatArray]:
    per_scale: dict[str, list[FloatArray]] = defaultdict(list)
    recipe = next(iter(descriptors.values())).recipe
    names = list(dict.fromkeys(descriptor.output for descriptor in descriptors.values()))
    for scale in recipe.scales:
        outputs = _outputs(network, names, resize(tensors, scale))
        for name, descriptor in descriptors.items():
            per_scale[name].append(descriptor.at_scale(outputs))
    return {name: descriptor.over_scales(per_scale[name]) for name, descriptor in descriptors.items()}


def _outputs(network: Network, names: Sequence[str], tensors: Tensors) -> dict[str, FloatArray]:
    axes = 4 if isinstance(network.recipe, ActivationMapRecipe) else 2
    model = network.session.path.name
    checked = {}
    for name, output in zip(names, network.run(names, tensors), strict=True):
        if output.ndim != axes or len(output) != len(tensors) or output.size == 0:
            raise ValueError(
                f"{model}: {name} must have {axes} dimensions for kind {network.recipe.kind}, got {output.shape}"
            )
        if not np.isfinite(output).all():
            raise ValueError(f"{model}: {name} holds NaN or infinite values for images of {tensors.shape}")
        checked[name] = output.astype(np.float32, copy=False)
    return checked
