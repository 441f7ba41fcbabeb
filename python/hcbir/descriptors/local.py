"""ORB and SIFT, by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcbir._features import FloatArray, LocalFeatures
from hcbir.descriptors._extras import require
from hcbir.descriptors.keypoints import empty_features, enlargement, to_full_size

ORB_SCALE_FACTOR = 1.2
ORB_PATCH = 31


class Sift:
    """RootSIFT: SIFT's histograms, L1-normalised and square-rooted, so that dot products compare by Hellinger.

    Keypoints are OpenCV's with its precise upscaling (without it they lie 0.25 px to the lower right); one
    place may bear several, one an orientation. Source: Arandjelović and Zisserman, CVPR 2012.

    Parameters
    ----------
    image_size : int
        Longest side, in pixels, at which images are described.
    max_features : int
        The best so many by response are kept.
    """

    kind: Literal["local"] = "local"
    is_binary = False
    name = "sift"

    def __init__(self, *, image_size: int = 800, max_features: int = 1000) -> None:
        self._cv2 = require("cv2")
        self.image_size = image_size
        self.max_features = max_features

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        """Features of an RGB image already shrunk to `image_size`, keypoints in pixels of `full_size`."""
        sift = self._cv2.SIFT_create(nfeatures=self.max_features, enable_precise_upscale=True)
        keypoints, histograms = sift.detectAndCompute(_grey(image), None)
        if not keypoints:
            return empty_features(128, np.float32, full_size)
        points = np.array([k.pt for k in keypoints])
        return _features(keypoints, points, root_sift(histograms), image.size, full_size, self.max_features)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return _spec(self, self._cv2)


class Orb:
    """ORB, 32 bytes compared by Hamming distance. Source: Rublee et al., ICCV 2011, with OpenCV's parameters.

    Parameters
    ----------
    image_size : int
        Longest side, in pixels, at which images are described.
    max_features : int
        The best so many by Harris response are kept.
    """

    kind: Literal["local"] = "local"
    is_binary = True
    name = "orb"

    def __init__(self, *, image_size: int = 800, max_features: int = 500) -> None:
        self._cv2 = require("cv2")
        self.image_size = image_size
        self.max_features = max_features

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        """Features of an RGB image already shrunk to `image_size`, keypoints in pixels of `full_size`."""
        if min(image.size) < ORB_PATCH:  # no patch fits, and OpenCV raises for the smallest
            return empty_features(32, np.uint8, full_size)
        orb = self._cv2.ORB_create(
            nfeatures=self.max_features,
            scaleFactor=ORB_SCALE_FACTOR,
            nlevels=8,
            edgeThreshold=31,
            firstLevel=0,
            WTA_K=2,
            scoreType=self._cv2.ORB_HARRIS_SCORE,
            patchSize=ORB_PATCH,
            fastThreshold=20,
        )
        keypoints, codes = orb.detectAndCompute(_grey(image), None)
        if not keypoints:
            return empty_features(32, np.uint8, full_size)
        points = _orb_points(keypoints, image.size)
        return _features(keypoints, points, codes, image.size, full_size, self.max_features)

    def spec(self) -> dict[str, Any]:
        """What makes the same descriptor again, and what it was made of."""
        return _spec(self, self._cv2)


def root_sift(histograms: FloatArray) -> FloatArray:
    """(n, 128) unit vectors of SIFT histograms; a histogram of zeros stays one."""
    roots = np.sqrt(histograms.astype(np.float64))
    lengths = np.linalg.norm(roots, axis=1, keepdims=True)  # the root of the histogram's L1 norm
    return np.asarray(roots / np.maximum(lengths, 1e-12), np.float32)


def _orb_points(keypoints: Sequence[Any], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """(n, 2) pixels of the image.

    OpenCV multiplies the pixel of a level by 1.2^level. That forgets that levels have whole numbers of pixels
    and that a pixel's centre is at its half: at the coarsest level it is more than 1 px off.
    """
    points = np.array([k.pt for k in keypoints], np.float64)
    scale = ORB_SCALE_FACTOR ** np.array([k.octave for k in keypoints], np.float64)[:, None]
    level_size = np.rint(np.array(size) / scale)
    return (points / scale + 0.5) * (np.array(size) / level_size) - 0.5


def _features(
    keypoints: Sequence[Any],
    points: npt.NDArray[np.float64],
    descriptors: npt.NDArray[Any],
    size: tuple[int, int],
    full_size: tuple[int, int],
    max_features: int,
) -> LocalFeatures:
    scores = np.array([k.response for k in keypoints], np.float32)
    angles = np.array([k.angle for k in keypoints], np.float64)
    diameters = np.array([k.size for k in keypoints], np.float64)
    # OpenCV keeps more than asked for where the last ones are equal, in no promised order.
    order = np.lexsort((angles, diameters, points[:, 0], points[:, 1], -scores))[:max_features]
    return LocalFeatures(
        keypoints=to_full_size(points[order], size, full_size),
        descriptors=np.ascontiguousarray(descriptors[order]),
        scores=scores[order],
        scales=(diameters[order] * enlargement(size, full_size)).astype(np.float32),
        orientations=np.deg2rad(angles[order]).astype(np.float32),
        image_size=full_size,
    )


def _grey(image: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(image.convert("L"))


def _spec(descriptor: Sift | Orb, cv2: Any) -> dict[str, Any]:
    return {
        "kind": descriptor.kind,
        "name": descriptor.name,
        "image_size": descriptor.image_size,
        "max_features": descriptor.max_features,
        "opencv": cv2.__version__,
    }
