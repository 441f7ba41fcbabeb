"""Patches around another descriptor's keypoints, described by a network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from models import save_dense, save_identity, save_model
from onnx import helper
from PIL import Image

import hcbir
from hcbir import LocalFeatures, descriptors
from hcbir.descriptors.network import Network
from hcbir.descriptors.patches import PatchDescriptor

RECIPE = """
format = 1
name = "patches"
kind = "patch"
input = "image"
output = "descriptor"
colour = "gray"
patch_size = 8
magnification = 2.0
"""


def save_flat(path: Path) -> Path:
    """The descriptor of a patch is its 64 grey values."""
    nodes = [helper.make_node("Flatten", ["image"], ["descriptor"])]
    return save_model(path, nodes, [("descriptor", ("n", 64))], input_shape=("n", 1, 8, 8), recipe=RECIPE)


class Given:
    """A detector that finds what it is given."""

    kind = "local"
    is_binary = False
    name = "given"
    image_size = 200
    max_features = 10

    def __init__(self, points: list[list[float]], scales: list[float] | None, angles: list[float] | None) -> None:
        self.points, self.scales, self.angles = points, scales, angles

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        n = len(self.points)
        return LocalFeatures(
            np.array(self.points, np.float32).reshape(-1, 2),
            np.zeros((n, 32), np.uint8),
            np.arange(n, 0, -1).astype(np.float32),
            None if self.scales is None else np.array(self.scales, np.float32),
            None if self.angles is None else np.array(self.angles, np.float32),
            full_size,
        )


def ramp(width: int = 200, height: int = 160) -> Image.Image:
    """Grey = x + y / 4, whose value at any place is known."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray((x + y / 4).astype(np.uint8)).convert("RGB")


def expected(x: float, y: float, step: float, angle: float) -> np.ndarray:
    """(64,) of the ramp: row v, column u of the patch lies at (u, v) - 3.5, times step, turned from x towards y."""
    v, u = (np.mgrid[:8, :8] - 3.5) * step
    px, py = x + np.cos(angle) * u - np.sin(angle) * v, y + np.sin(angle) * u + np.cos(angle) * v
    return (px + py / 4).ravel()


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 2, 4.0])
@pytest.mark.parametrize("diameter", [4.0, 6.0, 14.0])
def test_patch_is_the_turned_and_sized_square(tmp_path: Path, diameter: float, angle: float) -> None:
    """Side = magnification * diameter; 14 px take 28 for 8, sampled from a level shrunk by 2."""
    descriptor = PatchDescriptor(Network(save_flat(tmp_path / "net.onnx")), Given([[80, 60]], [diameter], [angle]))
    image = ramp()
    features = descriptor.describe(image, image.size)
    values = expected(80, 60, diameter * 2 / 8, angle)
    np.testing.assert_allclose(features.descriptors[0] * np.linalg.norm(values), values, atol=1.2)
    assert features.keypoints.tolist() == [[80, 60]]
    assert (features.orientations is not None, features.image_size) == (True, (200, 160))


def test_keypoints_are_in_pixels_of_the_full_image(tmp_path: Path) -> None:
    """Of an image twice as large, keypoint and diameter stand for half in what is described."""
    network = Network(save_flat(tmp_path / "net.onnx"))
    image = ramp()
    small = PatchDescriptor(network, Given([[80, 60]], [4.0], [1.0])).describe(image, (200, 160))
    large = PatchDescriptor(network, Given([[160.5, 120.5]], [8.0], [1.0])).describe(image, (400, 320))
    np.testing.assert_allclose(small.descriptors, large.descriptors, atol=1e-6)


def test_keypoints_without_scale_or_angle_are_taken_pixel_for_pixel(tmp_path: Path) -> None:
    descriptor = PatchDescriptor(Network(save_flat(tmp_path / "net.onnx")), Given([[80.5, 60.5]], None, None))
    image = ramp()
    values = np.asarray(image.convert("L"))[57:65, 77:85].ravel().astype(np.float64)
    np.testing.assert_allclose(
        descriptor.describe(image, image.size).descriptors[0], values / np.linalg.norm(values), rtol=1e-5
    )


def test_at_the_border_and_none_at_all(tmp_path: Path) -> None:
    network = Network(save_flat(tmp_path / "net.onnx"))
    image = ramp()
    border = PatchDescriptor(network, Given([[0, 0], [199, 159]], [40.0, 4.0], [0.0, 3.0])).describe(image, image.size)
    np.testing.assert_allclose(np.linalg.norm(border.descriptors, axis=1), 1, atol=1e-5)
    none = PatchDescriptor(network, Given([], [], [])).describe(image, image.size)
    assert (len(none), none.descriptors.shape, none.descriptors.dtype) == (0, (0, 64), np.float32)


def test_names(tmp_path: Path) -> None:
    path = save_flat(tmp_path / "net.onnx")
    dense = save_dense(tmp_path / "dense.onnx")
    for name, detector in ((str(path), "sift"), (f"{path}:orb", "orb"), (f"{path}:{dense}", str(dense))):
        descriptor = descriptors.load(name, image_size=100, max_features=7)
        assert (descriptor.kind, descriptor.name, descriptor.detector.name) == ("local", name, detector)
        assert (descriptor.image_size, descriptor.max_features) == (100, 7)
        again = descriptors.from_spec(json.loads(json.dumps(descriptor.spec())))
        assert again.spec() == descriptor.spec()
    with pytest.raises(ValueError, match="keypoints must come from a local descriptor, vlad is aggregated"):
        descriptors.load(f"{path}:vlad")
    trunk = save_identity(tmp_path / "trunk.onnx")
    with pytest.raises(ValueError, match="kind activation-map describes no patches"):
        PatchDescriptor(Network(trunk), Given([], [], []))


@pytest.mark.parametrize(("scene", "pair"), [("oxford_graf", "1to2"), ("oxford_leuven", "1to4")])
def test_hardtfeat_at_the_keypoints_of_alike(shared: Path, scene: str, pair: str) -> None:
    data = shared / "data"
    reference = json.loads((data / "models" / "local_feature_reference.json").read_text())
    num_matches, share = reference["hardtfeat at alike_t keypoints"][f"{scene} {pair.replace('to', '-')}"]
    descriptor = descriptors.load(f"{data}/models/hardtfeat.onnx:{data}/models/alike_t.onnx")
    images = [next((data / "homographies" / scene).glob(f"img{i}.*")) for i in pair.split("to")]
    loaded = [descriptors.open_image(image, longest_side=None) for image in images]
    first, second = (descriptor.describe(one.image, one.full_size) for one in loaded)
    matches = hcbir.match(first.descriptors, second.descriptors).indices
    homography = np.loadtxt(data / "homographies" / scene / f"H{pair}.txt")
    mapped = np.c_[first.keypoints[matches[:, 0]], np.ones(len(matches))] @ homography.T
    errors = np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - second.keypoints[matches[:, 1]], axis=1)
    assert len(matches) == pytest.approx(num_matches, rel=0.05)
    assert (errors < 3).mean() == pytest.approx(share, abs=0.03)
