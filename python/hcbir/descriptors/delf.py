"""DELF: local features at the places of a coarse map that attention scores best, over several sizes of the image.

Source: Noh et al., ICCV 2017; tensorflow/models, research/delf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import FloatArray, LocalFeatures
from hcbir.descriptors.keypoints import empty_features, enlargement, to_full_size
from hcbir.descriptors.network import Network, batches, equal_sizes
from hcbir.descriptors.pooling import normalise
from hcbir.descriptors.recipes import DelfRecipe
from hcbir.descriptors.resizing import resize_from_corner


class DelfDescriptor:
    """The best places of all scales, whose descriptors are those of the map.

    Place (row i, column j) of the map at scale s lies at x = stride * j / s, y = stride * i / s, in pixels whose
    centres have whole numbers: the middle of its receptive field. Its scale is that field's side, in the image.

    Parameters
    ----------
    network : Network
        Of kind delf.
    image_size, max_features : int, optional
        Default: the recipe's.
    name : str, optional
        Default: the recipe's.
    """

    kind: Literal["local"] = "local"
    is_binary = False

    def __init__(
        self,
        network: Network,
        *,
        image_size: int | None = None,
        max_features: int | None = None,
        name: str | None = None,
    ) -> None:
        recipe = network.recipe
        if not isinstance(recipe, DelfRecipe):
            raise ValueError(f"{network.session.path}: kind {recipe.kind} gives no DELF features")
        network.require_any_size()
        self.network = network
        self.recipe = recipe
        self.image_size = recipe.image_size if image_size is None else image_size
        self.max_features = recipe.max_features if max_features is None else max_features
        self.name = recipe.name if name is None else name
        self._dim = _declared_dim(network, recipe)

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        """Features of an RGB image already shrunk to `image_size`, keypoints in pixels of `full_size`."""
        return self.describe_batch([image], [full_size])[0]

    def describe_batch(
        self, images: Sequence[Image.Image], full_sizes: Sequence[tuple[int, int]]
    ) -> list[LocalFeatures]:
        """The features of each image; at each scale, images of equal size share the network's passes."""
        places: list[list[_Places]] = [[] for _ in images]
        for (width, height), members in equal_sizes(images):
            if min(width, height) < self.recipe.min_side:
                continue
            for scale in self.recipe.scales:
                for batch in batches(members, self.network.max_batch(width, height, scale=scale)):
                    scores, descriptors = self._maps([images[i] for i in batch], scale)
                    for k, i in enumerate(batch):
                        places[i].append(self._attended(scores[k, 0], descriptors[k], scale))
        return [self._best(p, image.size, full) for p, image, full in zip(places, images, full_sizes, strict=True)]

    def _maps(self, images: Sequence[Image.Image], scale: float) -> tuple[FloatArray, FloatArray]:
        """(n, 1, h, w) scores and (n, d, h, w) descriptors."""
        recipe = self.recipe
        tensors = resize_from_corner(self.network.device_tensors(images), scale)
        names = [recipe.score_output, recipe.descriptor_output]
        scores, descriptors = self.network.run(names, tensors)
        n, model = len(images), self.network.session.path.name
        if descriptors.ndim != 4 or scores.shape != (n, 1, *descriptors.shape[2:]) or len(descriptors) != n:
            raise ValueError(
                f"{model}: {names[0]} and {names[1]} must be ({n}, 1, h, w) and ({n}, d, h, w)"
                f" for images of {tensors.shape}, got {scores.shape} and {descriptors.shape}"
            )
        if not np.isfinite(scores).all():
            raise ValueError(f"{model}: {names[0]} holds NaN or infinite values for images of {tensors.shape}")
        return scores.astype(np.float32, copy=False), descriptors.astype(np.float32, copy=False)

    def _attended(self, scores: FloatArray, descriptors: FloatArray, scale: float) -> _Places:
        """The best places whose score reaches the threshold, in reading order."""
        recipe = self.recipe
        y, x = np.nonzero(scores >= recipe.score_threshold)
        best = np.sort(np.argsort(-scores[y, x], kind="stable")[: self.max_features])  # of this scale: no more can stay
        y, x = y[best], x[best]
        middle = (recipe.receptive_field - 1) / 2 - recipe.padding
        return _Places(
            points=(recipe.stride * np.stack([x, y], axis=1).astype(np.float64) + middle) / scale,
            scores=scores[y, x],
            descriptors=descriptors[:, y, x].T,
            sides=np.full(len(x), recipe.receptive_field / scale),
        )

    def _best(self, parts: list[_Places], size: tuple[int, int], full_size: tuple[int, int]) -> LocalFeatures:
        """The best of all scales; equal scores in the order of the scales, then in reading order."""
        scores = np.concatenate([part.scores for part in parts]) if parts else np.empty(0, np.float32)
        best = np.argsort(-scores, kind="stable")[: self.max_features]
        if len(best) == 0:
            return empty_features(self._dim, np.float32, full_size)
        points, descriptors, sides = (
            np.concatenate([getattr(part, name) for part in parts])[best] for name in ("points", "descriptors", "sides")
        )
        return LocalFeatures(
            keypoints=to_full_size(points, size, full_size),
            descriptors=normalise(descriptors),
            scores=scores[best],
            scales=(sides * enlargement(size, full_size)).astype(np.float32),
            image_size=full_size,
        )

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {
            "kind": self.kind,
            "name": self.name,
            "image_size": self.image_size,
            "max_features": self.max_features,
            **self.network.spec(),
        }


@dataclass(frozen=True, eq=False)
class _Places:
    points: npt.NDArray[np.float64]  # (n, 2) x, y in pixels of the shrunken image
    scores: FloatArray
    descriptors: FloatArray  # (n, d)
    sides: npt.NDArray[np.float64]


def _declared_dim(network: Network, recipe: DelfRecipe) -> int:
    declared = network.session.outputs[recipe.descriptor_output]
    dim = declared[1] if len(declared) == 4 and declared[1] is not None else recipe.descriptor_dim
    if dim is None:
        raise ValueError(
            f"{network.session.path}: recipe: descriptor_dim is missing, and the model does not declare "
            f"the dimension of {recipe.descriptor_output}"
        )
    return dim
