"""Local features whose keypoints come from another descriptor and whose patches a network describes."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, cos, log2, sin
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import FloatArray, LocalFeatures
from hcbir.descriptors._extras import require
from hcbir.descriptors.base import LocalDescriptor
from hcbir.descriptors.keypoints import empty_features, enlargement, to_size
from hcbir.descriptors.network import Network, batches
from hcbir.descriptors.pooling import normalise
from hcbir.descriptors.recipes import PatchRecipe

PATCHES_PER_PASS = 256


class PatchDescriptor:
    """Descriptors of the patches around another local descriptor's keypoints, turned and sized as those are.

    Parameters
    ----------
    network : Network
        Of kind patch.
    detector : LocalDescriptor
        Gives the keypoints; without scales its patches are taken pixel for pixel, without orientations upright.
    name : str, optional
        Default: the recipe's.
    """

    kind: Literal["local"] = "local"
    is_binary = False

    def __init__(self, network: Network, detector: LocalDescriptor, *, name: str | None = None) -> None:
        recipe = network.recipe
        if not isinstance(recipe, PatchRecipe):
            raise ValueError(f"{network.session.path}: kind {recipe.kind} describes no patches")
        self._cv2 = require("cv2")
        self.network = network
        self.recipe = recipe
        self.detector = detector
        self.name = recipe.name if name is None else name

    @property
    def image_size(self) -> int:
        """Longest side, in pixels, at which images are described."""
        return self.detector.image_size

    @property
    def max_features(self) -> int:
        return self.detector.max_features

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        """Features of an RGB image already shrunk to `image_size`, keypoints in pixels of `full_size`."""
        found = self.detector.describe(image, full_size)
        if len(found) == 0:
            return empty_features(self._describe(np.zeros((1, *self._shape), np.uint8)).shape[1], np.float32, full_size)
        patches = self._patches(np.asarray(image.convert(_mode(self.recipe))), found, image.size, full_size)
        return replace(found, descriptors=self._describe(patches))

    @property
    def _shape(self) -> tuple[int, ...]:
        side = self.recipe.patch_size
        return (side, side) if self.recipe.colour == "gray" else (side, side, 3)

    def _patches(
        self, pixels: npt.NDArray[np.uint8], found: LocalFeatures, size: tuple[int, int], full_size: tuple[int, int]
    ) -> npt.NDArray[np.uint8]:
        """(n, side, side[, 3]): each sampled from the level of a pyramid at which it is shrunk by less than 2."""
        side = self.recipe.patch_size
        points = to_size(found.keypoints, size, full_size)
        steps = np.ones(len(found))  # pixels of the image for one of the patch
        if found.scales is not None:
            steps = found.scales / enlargement(size, full_size) * self.recipe.magnification / side
        angles = np.zeros(len(found)) if found.orientations is None else found.orientations
        levels = [max(0, ceil(log2(step)) - 1) for step in steps]
        pyramid = [pixels]
        while len(pyramid) <= max(levels):
            pyramid.append(self._cv2.pyrDown(pyramid[-1]))
        patches = np.empty((len(found), *self._shape), np.uint8)
        for patch, (x, y), step, angle, level in zip(patches, points, steps, angles, levels, strict=True):
            shrink = 2.0**level  # pixel i of a level is centred on pixel i * shrink of the image
            turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]]) * (step / shrink)
            middle = np.array([x, y]) / shrink
            to_level = np.c_[turn, middle - turn @ np.full(2, (side - 1) / 2)]
            self._cv2.warpAffine(
                pyramid[level],
                to_level,
                (side, side),
                dst=patch,
                flags=self._cv2.INTER_LINEAR | self._cv2.WARP_INVERSE_MAP,
                borderMode=self._cv2.BORDER_REPLICATE,
            )
        return patches

    def _describe(self, patches: npt.NDArray[np.uint8]) -> FloatArray:
        """(n, d) unit vectors."""
        images = [Image.fromarray(patch).convert("RGB") for patch in patches]
        passes = []
        for batch in batches(range(len(images)), self.network.session.inputs[self.recipe.input][0] or PATCHES_PER_PASS):
            [output] = self.network.run([self.recipe.output], self.network.tensors([images[i] for i in batch]))
            if output.ndim != 2 or len(output) != len(batch) or not np.isfinite(output).all():
                raise ValueError(
                    f"{self.network.session.path.name}: {self.recipe.output} must be ({len(batch)}, d) and finite, "
                    f"got {output.shape}"
                )
            passes.append(normalise(output.astype(np.float32, copy=False)))
        return np.concatenate(passes)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return {"kind": self.kind, "name": self.name, "detector": self.detector.spec(), **self.network.spec()}


def _mode(recipe: PatchRecipe) -> str:
    return "L" if recipe.colour == "gray" else "RGB"
