"""DELF: places, scales, selection."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from models import save_model
from onnx import helper
from PIL import Image

from hcbir import descriptors
from hcbir.descriptors.delf import DelfDescriptor
from hcbir.descriptors.network import Network
from hcbir.descriptors.recipes import DelfRecipe
from hcbir.descriptors.resizing import resize_from_corner
from hcbir.descriptors.session import Session

STRIDE = 32


def recipe(**keys: object) -> str:
    values = {
        "mean": [0.0] * 3,
        "std": [1.0] * 3,
        "score_threshold": 100.0,
        "scales": [1.0],
        "image_size": 2000,
        **keys,
    }
    return """
format = 1
name = "delf"
kind = "delf"
input = "image"
score_output = "scores"
descriptor_output = "descriptors"
colour = "rgb"
""" + "".join(f"{key} = {value}\n" for key, value in values.items())


def save_delf(path: Path, **keys: object) -> Path:
    """The score of a place is its pixel's red, the descriptor its pixel's three channels: every 32nd pixel is one."""
    nodes = [
        helper.make_node("MaxPool", ["image"], ["descriptors"], kernel_shape=[1, 1], strides=[STRIDE, STRIDE]),
        helper.make_node("Gather", ["descriptors", "first"], ["scores"], axis=1),
    ]
    outputs = [("scores", ("n", 1, "h", "w")), ("descriptors", ("n", 3, "h", "w"))]
    return save_model(path, nodes, outputs, constants={"first": np.array([0])}, recipe=recipe(**keys))


def image_of(places: dict[tuple[int, int], int], size: tuple[int, int] = (200, 130)) -> Image.Image:
    """Red at pixels (x, y); green 30 and blue 40 everywhere."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[..., 1:] = [30, 40]
    for (x, y), red in places.items():
        pixels[y, x, 0] = red
    return Image.fromarray(pixels)


def test_places_scores_and_descriptors(tmp_path: Path) -> None:
    """x before y, at stride times index; above or at the threshold; best first, equals in reading order."""
    descriptor = descriptors.load(str(save_delf(tmp_path / "delf.onnx")))
    assert (descriptor.kind, descriptor.max_features, descriptor.image_size) == ("local", 1000, 2000)
    image = image_of({(32, 0): 150, (0, 32): 100, (192, 128): 250, (64, 96): 99, (160, 32): 150, (33, 33): 255})
    features = descriptor.describe(image, image.size)
    assert features.keypoints.tolist() == [[192, 128], [32, 0], [160, 32], [0, 32]]
    assert features.scores.tolist() == [250, 150, 150, 100]
    assert features.scales is not None
    assert features.scales.tolist() == [291] * 4
    assert features.image_size == (200, 130)
    expected = np.array([[250, 30, 40], [150, 30, 40], [150, 30, 40], [100, 30, 40]])
    np.testing.assert_allclose(features.descriptors, expected / np.linalg.norm(expected, axis=1)[:, None], rtol=1e-6)


def test_keypoints_are_the_middles_of_the_receptive_boxes(tmp_path: Path, shared: Path) -> None:
    cases = json.loads((shared / "data" / "groundtruth" / "delf_numeric_cases.json").read_text())["cases"]
    case = next(case for case in cases if case["id"] == "receptive_boxes")
    keys = {"receptive_field": case["rf"], "stride": case["stride"], "padding": case["padding"]}
    descriptor = descriptors.load(str(save_delf(tmp_path / "delf.onnx", **keys)))
    size = (case["width"] * STRIDE, case["height"] * STRIDE)
    features = descriptor.describe(Image.new("RGB", size, "white"), size)
    y1, x1, y2, x2 = np.array(case["expected_y1x1y2x2"], float).T
    assert features.keypoints.tolist() == np.stack([(x1 + x2) / 2, (y1 + y2) / 2], axis=1).tolist()


@pytest.mark.parametrize("scale", [0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0])
def test_places_of_every_scale(tmp_path: Path, scale: float) -> None:
    """stride * index / scale exactly, and the receptive field's side in the image."""
    path = save_delf(tmp_path / "delf.onnx", scales=[scale])
    size = (421, 283)
    features = descriptors.load(str(path)).describe(Image.new("RGB", size, "white"), size)
    rows, columns = (-(-round(side * scale) // STRIDE) for side in size[::-1])
    expected = [[STRIDE * j / scale, STRIDE * i / scale] for i in range(rows) for j in range(columns)]
    np.testing.assert_allclose(features.keypoints, expected, rtol=1e-6)
    np.testing.assert_allclose(features.scales, 291 / scale, rtol=1e-6)


def test_place_in_the_image_is_the_pixel_that_was_looked_at(tmp_path: Path) -> None:
    """Whatever the scale, a ramp's value at a keypoint is the ramp at its x."""
    ramp = np.broadcast_to(np.linspace(0, 255, 256, dtype=np.uint8)[None, :, None], (256, 256, 3))
    image = Image.fromarray(np.ascontiguousarray(ramp))
    scales = [0.25, 0.5, 0.7071, 2.0]
    path = save_delf(tmp_path / "delf.onnx", scales=scales, score_threshold=0.0)
    features = descriptors.load(str(path)).describe(image, image.size)
    assert len(features) == sum((-(-round(256 * scale) // STRIDE)) ** 2 for scale in scales)
    np.testing.assert_allclose(features.scores, features.keypoints[:, 0], atol=0.2)  # 256 * 0.7071 is rounded


def brute_force(pixels: np.ndarray, scales: list[float], threshold: float, most: int) -> list[tuple[float, ...]]:
    """(score, x, y) of the selected places, in float64, from the definition."""
    found = []
    for scale in scales:
        h, w = (round(side * scale) for side in pixels.shape[:2])
        for i in range(0, h, STRIDE):
            for j in range(0, w, STRIDE):
                y, x = i * pixels.shape[0] / h, j * pixels.shape[1] / w
                y0, x0 = min(int(y), pixels.shape[0] - 1), min(int(x), pixels.shape[1] - 1)
                y1, x1 = min(y0 + 1, pixels.shape[0] - 1), min(x0 + 1, pixels.shape[1] - 1)
                top = pixels[y0, x0, 0] * (1 - (x - x0)) + pixels[y0, x1, 0] * (x - x0)
                bottom = pixels[y1, x0, 0] * (1 - (x - x0)) + pixels[y1, x1, 0] * (x - x0)
                score = top * (1 - (y - y0)) + bottom * (y - y0)
                if score >= threshold:
                    found.append((score, j / scale, i / scale))
    return sorted(found, key=lambda place: -place[0])[:most]


def test_selection_over_scales_against_brute_force(tmp_path: Path) -> None:
    scales = [0.5, 1.0, 1.4142]
    path = save_delf(tmp_path / "delf.onnx", scales=scales, max_features=60)
    pixels = np.random.default_rng(0).integers(0, 256, (300, 417, 3), dtype=np.uint8)
    features = descriptors.load(str(path)).describe(Image.fromarray(pixels), (417, 300))
    expected = np.array(brute_force(pixels.astype(np.float64), scales, 100.0, 60))
    assert len(features) == 60
    np.testing.assert_allclose(features.scores, expected[:, 0], rtol=1e-5)
    np.testing.assert_allclose(features.keypoints, expected[:, 1:], rtol=1e-5)
    assert len(descriptors.load(str(path), max_features=7).describe(Image.fromarray(pixels), (417, 300))) == 7


def test_pixels_of_the_full_image(tmp_path: Path) -> None:
    """Keypoints of the shrunken image are pixel centres: its corner stays the corner."""
    descriptor = descriptors.load(str(save_delf(tmp_path / "delf.onnx", scales=[0.5])))
    image = Image.new("RGB", (128, 64), "white")
    features = descriptor.describe(image, (512, 256))
    assert features.keypoints.tolist() == [[1.5, 1.5], [257.5, 1.5]]
    assert features.scales is not None
    assert features.scales.tolist() == [291 / 0.5 * 4] * 2


def test_images_of_equal_size_share_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, o, i: shapes.append(i["image"].shape) or run(self, o, i))
    descriptor = descriptors.load(str(save_delf(tmp_path / "delf.onnx", scales=[0.5, 1.0])))
    rng = np.random.default_rng(1)
    sizes = [(64, 96), (96, 64), (64, 96), (9, 200)]
    images = [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in sizes]
    together = descriptor.describe_batch(images, sizes)
    assert sorted(shapes) == [(1, 3, 32, 48), (1, 3, 64, 96), (2, 3, 48, 32), (2, 3, 96, 64)]
    for image, features in zip(images, together, strict=True):
        alone = descriptor.describe(image, image.size)
        for field in ("keypoints", "descriptors", "scores", "scales"):
            np.testing.assert_array_equal(getattr(features, field), getattr(alone, field))


@pytest.mark.parametrize(("size", "count"), [((9, 500), 0), ((500, 9), 0), ((10, 500), 16), ((1, 1), 0)])
def test_small_images(tmp_path: Path, size: tuple[int, int], count: int) -> None:
    features = descriptors.load(str(save_delf(tmp_path / "delf.onnx"))).describe(Image.new("RGB", size, "white"), size)
    assert (len(features), features.descriptors.shape) == (count, (count, 3))


def test_files_through_the_pipeline(tmp_path: Path) -> None:
    descriptor = descriptors.load(str(save_delf(tmp_path / "delf.onnx", image_size=64)))
    image_of({(0, 0): 250}, (64, 40)).resize((128, 80), Image.Resampling.NEAREST).save(tmp_path / "a.png")
    [described] = descriptors.describe_files([tmp_path / "a.png"], {"delf": descriptor})
    features = described.local_features["delf"]
    assert features.keypoints.tolist() == [[0.5, 0.5]]
    assert features.image_size == (128, 80)


def test_resize_from_corner_by_hand() -> None:
    """Output i lies at i * old / new, whatever was asked for: 5 pixels at 0.7 are 4 of 1.25 each."""
    row = np.array([[[[0.0, 10.0, 20.0, 30.0, 40.0]]]], np.float32)
    np.testing.assert_allclose(resize_from_corner(row, 0.7)[0, 0, 0], [0.0, 12.5, 25.0, 37.5])
    np.testing.assert_allclose(resize_from_corner(row, 2.0)[0, 0, 1], [0, 5, 10, 15, 20, 25, 30, 35, 40, 40])
    assert resize_from_corner(row, 1.0) is row


def test_spec_makes_the_same_descriptor_again(tmp_path: Path) -> None:
    descriptor = descriptors.load(str(save_delf(tmp_path / "delf.onnx")), image_size=640, max_features=5)
    again = descriptors.from_spec(json.loads(json.dumps(descriptor.spec())))
    assert (again.kind, again.image_size, again.max_features, again.spec()) == ("local", 640, 5, descriptor.spec())


def test_recipe_and_model_must_fit(tmp_path: Path) -> None:
    path = save_delf(tmp_path / "delf.onnx")
    with pytest.raises(ValueError, match="kind delf gives no global descriptor"):
        descriptors.load(f"{path}:gem")
    found = Network(path).recipe
    assert isinstance(found, DelfRecipe)
    assert (found.receptive_field, found.stride, found.padding, found.min_side) == (291, 32, 145, 10)
    with pytest.raises(ValueError, match=r"delf\.onnx .*: min_side must be at least 1, got 0"):
        descriptors.load(str(save_delf(path, min_side=0)))
    nodes = [helper.make_node("Identity", ["image"], [name]) for name in ("scores", "descriptors")]
    outputs = [(name, ("n", 3, "h", "w")) for name in ("scores", "descriptors")]
    wrong = save_model(tmp_path / "wrong.onnx", nodes, outputs, recipe=recipe())
    message = re.escape("wrong.onnx: scores and descriptors must be (1, 1, h, w) and (1, d, h, w) for images of")
    with pytest.raises(ValueError, match=message):
        DelfDescriptor(Network(wrong)).describe(Image.new("RGB", (64, 64)), (64, 64))
