"""Local features from networks that score and describe every pixel (ALIKE and its kin)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import FloatArray, LocalFeatures
from hcbir.descriptors._extras import require
from hcbir.descriptors.keypoints import empty_features, to_full_size
from hcbir.descriptors.network import Network, batches, equal_sizes
from hcbir.descriptors.pooling import normalise
from hcbir.descriptors.recipes import DenseLocalRecipe


class DenseLocalDescriptor:
    """Keypoints at the maxima of a score map, described by the descriptor map at their places.

    Parameters
    ----------
    network : Network
        Of kind dense-local.
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
        if not isinstance(recipe, DenseLocalRecipe):
            raise ValueError(f"{network.session.path}: kind {recipe.kind} gives no local features")
        network.require_any_size()
        self.network = network
        self.recipe = recipe
        self.image_size = recipe.image_size if image_size is None else image_size
        self.max_features = recipe.max_features if max_features is None else max_features
        self.name = recipe.name if name is None else name

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        """Features of an RGB image already shrunk to `image_size`, keypoints in pixels of `full_size`."""
        return self.describe_batch([image], [full_size])[0]

    def describe_batch(
        self, images: Sequence[Image.Image], full_sizes: Sequence[tuple[int, int]]
    ) -> list[LocalFeatures]:
        """The features of each image; those of equal size share the network's passes."""
        features: dict[int, LocalFeatures] = {}
        for (width, height), members in equal_sizes(images):
            for batch in batches(members, self.network.max_batch(width, height)):
                scores, descriptors = self._maps([images[i] for i in batch])
                for k, i in enumerate(batch):
                    features[i] = self._select(scores[k, 0], descriptors[k], (width, height), full_sizes[i])
        return [features[i] for i in range(len(images))]

    def _select(
        self, scores: FloatArray, descriptors: FloatArray, size: tuple[int, int], full_size: tuple[int, int]
    ) -> LocalFeatures:
        recipe = self.recipe
        y, x = _maxima(scores, recipe.nms_radius, recipe.score_threshold, recipe.border)
        best = np.argsort(-scores[y, x], kind="stable")[: self.max_features]
        if len(best) == 0:
            return empty_features(recipe.descriptor_dim, np.float32, full_size)
        y, x = y[best], x[best]
        return LocalFeatures(
            keypoints=to_full_size(np.stack([x, y], axis=1), size, full_size),
            descriptors=normalise(descriptors[:, y, x].T),
            scores=scores[y, x],
            image_size=full_size,
        )

    def _maps(self, images: Sequence[Image.Image]) -> tuple[FloatArray, FloatArray]:
        """(n, 1, h, w) scores and (n, d, h, w) descriptors of images of one size without the padding."""
        recipe = self.recipe
        tensors = self.network.tensors(images)
        n, _, h, w = tensors.shape
        padded = np.pad(tensors, [(0, 0), (0, 0), *((0, -side % recipe.multiple) for side in (h, w))])
        names = [recipe.score_output, recipe.descriptor_output]
        scores, descriptors = self.network.run(names, padded)
        expected = [(n, channels, *padded.shape[2:]) for channels in (1, recipe.descriptor_dim)]
        if [scores.shape, descriptors.shape] != expected:
            raise ValueError(
                f"{self.network.session.path.name}: {names[0]} and {names[1]} must be {expected[0]} and {expected[1]} "
                f"for images of {padded.shape}, got {scores.shape} and {descriptors.shape}"
            )
        # The map of descriptors may take half a gigabyte an image, of which few places are wanted: no copy.
        return scores[..., :h, :w].astype(np.float32), descriptors[..., :h, :w].astype(np.float32, copy=False)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {
            "kind": self.kind,
            "name": self.name,
            "image_size": self.image_size,
            "max_features": self.max_features,
            **self.network.spec(),
        }


def _maxima(
    scores: FloatArray, radius: int, threshold: float, border: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """(y, x) of the places that beat all others within `radius`; of equals, the first in reading order."""
    cv2 = require("cv2")
    side = 2 * radius + 1
    before = np.zeros(side * side, np.uint8)
    before[: side * side // 2] = 1
    after = before[::-1]
    peaks = scores > threshold
    if radius > 0:
        peaks &= scores > cv2.dilate(scores, before.reshape(side, side))
        peaks &= scores >= cv2.dilate(scores, np.ascontiguousarray(after).reshape(side, side))
    inside = np.zeros_like(peaks)
    h, w = scores.shape
    inside[border : max(border, h - border), border : max(border, w - border)] = True
    y, x = np.nonzero(peaks & inside)
    return y, x
