"""Local features from networks that score and describe every pixel (ALIKE and its kin)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import FloatArray, LocalFeatures
from hcbir.descriptors._extras import require
from hcbir.descriptors.keypoints import empty_features, to_full_size
from hcbir.descriptors.network import Network
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
        recipe = self.recipe
        scores, descriptors = self._maps(image)
        y, x = _maxima(scores, recipe.nms_radius, recipe.score_threshold, recipe.border)
        best = np.argsort(-scores[y, x], kind="stable")[: self.max_features]
        if len(best) == 0:
            return empty_features(recipe.descriptor_dim, np.float32, full_size)
        y, x = y[best], x[best]
        return LocalFeatures(
            keypoints=to_full_size(np.stack([x, y], axis=1), image.size, full_size),
            descriptors=normalise(descriptors[:, y, x].T),
            scores=scores[y, x],
            image_size=full_size,
        )

    def _maps(self, image: Image.Image) -> tuple[FloatArray, FloatArray]:
        """(h, w) scores and (d, h, w) descriptors of the image without the padding."""
        recipe, session = self.recipe, self.network.session
        tensor = self.network.tensor(image)
        padding = [(0, -side % recipe.multiple) for side in tensor.shape[1:]]
        padded = np.pad(tensor, [(0, 0), *padding])
        names = [recipe.score_output, recipe.descriptor_output]
        scores, descriptors = session.run(names, {recipe.input: padded[None]})
        expected = [(1, channels, *padded.shape[1:]) for channels in (1, recipe.descriptor_dim)]
        if [scores.shape, descriptors.shape] != expected:
            raise ValueError(
                f"{session.path.name}: {names[0]} and {names[1]} must be {expected[0]} and {expected[1]} "
                f"for an image of {padded.shape}, got {scores.shape} and {descriptors.shape}"
            )
        h, w = image.height, image.width
        return scores[0, 0, :h, :w].astype(np.float32), descriptors[0, :, :h, :w].astype(np.float32)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {
            "kind": self.kind,
            "name": self.name,
            "path": str(self.network.session.path.resolve()),
            "image_size": self.image_size,
            "max_features": self.max_features,
            "sha256": self.network.session.sha256,
            "recipe": {"kind": self.recipe.kind, **asdict(self.recipe)},
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
