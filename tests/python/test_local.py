"""ORB, RootSIFT and dense local features."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from models import save_dense
from PIL import Image, ImageDraw, ImageFilter

import hcbir
from hcbir import LocalFeatures, descriptors
from hcbir.descriptors.keypoints import as_described, to_full_size
from hcbir.descriptors.local import root_sift


def texture(width: int = 240, height: int = 200, seed: int = 0) -> Image.Image:
    """Boxes and discs of many sizes and greys, smoothed."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (width, height), 128)
    draw = ImageDraw.Draw(image)
    for i in range(width * height // 120):
        x, y, size = rng.integers(0, width), rng.integers(0, height), 3 + rng.exponential(8)
        shape = draw.rectangle if i % 2 else draw.ellipse
        shape((x, y, x + size, y + size), fill=int(rng.integers(0, 256)))
    return image.filter(ImageFilter.GaussianBlur(0.8)).convert("RGB")


def describe(name: str, image: Image.Image, full_size: tuple[int, int] | None = None, **options: int) -> LocalFeatures:
    return descriptors.load(name, **options).describe(image, full_size or image.size)


@pytest.mark.parametrize(("name", "dim", "dtype"), [("orb", 32, np.uint8), ("sift", 128, np.float32)])
def test_form_of_the_features(name: str, dim: int, dtype: type) -> None:
    descriptor = descriptors.load(name)
    assert (descriptor.kind, descriptor.name, descriptor.image_size) == ("local", name, 800)
    features = descriptor.describe(texture(), (240, 200))
    assert len(features) > 50
    assert features.descriptors.shape == (len(features), dim)
    assert features.descriptors.dtype == dtype
    assert features.descriptors.flags["C_CONTIGUOUS"]
    assert features.image_size == (240, 200)
    for values in (features.keypoints, features.scores, features.scales, features.orientations):
        assert values is not None
        assert values.dtype == np.float32
    assert (np.diff(features.scores) <= 0).all()
    assert (features.keypoints >= 0).all()
    assert (features.keypoints <= [239, 199]).all()
    assert (features.scales > 1).all()
    assert features.orientations.min() >= 0
    assert 3 < features.orientations.max() <= np.float32(2 * np.pi)


def test_root_sift() -> None:
    histograms = np.array([[1.0, 3.0, 0.0, 12.0], [0.0, 0.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(root_sift(histograms)[0], np.sqrt([1 / 16, 3 / 16, 0, 12 / 16]), rtol=1e-6)
    assert root_sift(histograms)[1].tolist() == [0.0] * 4
    features = describe("sift", texture())
    np.testing.assert_allclose(np.linalg.norm(features.descriptors, axis=1), 1.0, atol=1e-6)
    assert (features.descriptors >= 0).all()


@pytest.mark.parametrize("limit", [1, 37, 100_000])
def test_best_features_are_kept_whatever_their_ties(limit: int) -> None:
    tiled = Image.fromarray(np.tile(np.asarray(texture(80, 80)), (3, 3, 1)))  # equal responses
    every = describe("sift", tiled, max_features=100_000)
    assert len(every) > 500
    some = describe("sift", tiled, max_features=limit)
    assert some.scores.tolist() == every.scores[:limit].tolist()
    assert len(describe("orb", tiled, max_features=limit)) <= limit


@pytest.mark.parametrize(("name", "tolerance"), [("orb", 0.15), ("sift", 0.02)])
def test_places_have_no_bias(name: str, tolerance: float) -> None:
    """Half a turn maps pixel (x, y) to (w - 1 - x, h - 1 - y): a bias would show twice, at every scale."""
    image = texture(331, 257)
    size = np.array(image.size)
    turned = image.transpose(Image.Transpose.ROTATE_180)
    first, second = (describe(name, i, max_features=3000) for i in (image, turned))
    matches = hcbir.match(first.descriptors, second.descriptors).indices
    offsets = first.keypoints[matches[:, 0]] - (size - 1 - second.keypoints[matches[:, 1]])
    scales = first.scales[matches[:, 0]]
    same = (np.abs(offsets).max(axis=1) < 5) & (np.abs(scales / second.scales[matches[:, 1]] - 1) < 0.01)
    for coarse in (scales <= np.median(scales), scales > np.median(scales)):
        chosen = offsets[same & coarse]
        assert len(chosen) > 50
        assert np.abs(np.median(chosen, axis=0) / 2).max() < tolerance


def test_to_full_size() -> None:
    """The corners of the image stay its corners, and the centre of a pixel of 4 x 2 lies between them."""
    points = [[-0.5, -0.5], [99.5, 49.5], [0.0, 0.0]]
    expected = [[-0.5, -0.5], [399.5, 99.5], [1.5, 0.5]]
    np.testing.assert_allclose(to_full_size(points, (100, 50), (400, 100)), expected)


def test_as_described() -> None:
    """Features of a 400 x 100 image that was described at 100 pixels, and of one that was not shrunk."""
    points, one = np.array([[-0.5, -0.5], [399.5, 99.5], [1.5, 1.5]], np.float32), np.ones(3, np.float32)
    features = LocalFeatures(points, one[:, None], one, 8 * one, one, (400, 100))
    small = as_described(features, 100)
    np.testing.assert_allclose(small.keypoints, [[-0.5, -0.5], [99.5, 24.5], [0, 0]])
    np.testing.assert_allclose(small.scales, 2)
    assert small.image_size == (100, 25)
    assert as_described(features, 400) is features


@pytest.mark.parametrize("name", ["orb", "sift"])
def test_features_are_in_pixels_of_the_full_size(name: str) -> None:
    image = texture()
    plain, scaled = describe(name, image), describe(name, image, (720, 600))
    np.testing.assert_allclose(scaled.keypoints, (plain.keypoints + 0.5) * 3 - 0.5, rtol=1e-5)
    np.testing.assert_allclose(scaled.scales, plain.scales * 3, rtol=1e-5)
    assert scaled.image_size == (720, 600)


@pytest.mark.parametrize("name", ["orb", "sift"])
@pytest.mark.parametrize("size", [(1, 1), (1, 800), (800, 1), (30, 30), (200, 100)])
def test_flat_and_tiny_images_have_no_features(name: str, size: tuple[int, int]) -> None:
    features = describe(name, Image.new("RGB", size, "gray"))
    assert len(features) == 0
    assert features.is_binary == (name == "orb")
    assert features.descriptors.shape[1] == (32 if name == "orb" else 128)


@pytest.mark.parametrize("name", ["orb", "sift"])
def test_same_features_for_any_number_of_opencv_threads(name: str) -> None:
    before = cv2.getNumThreads()
    image = texture(400, 300)
    try:
        results = []
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            results.append(describe(name, image))
    finally:
        cv2.setNumThreads(before)
    for field in ("keypoints", "descriptors", "scores", "scales", "orientations"):
        np.testing.assert_array_equal(*(getattr(features, field) for features in results))


def test_spec_makes_the_same_descriptor_again() -> None:
    for name in ("orb", "sift"):
        spec = json.loads(json.dumps(descriptors.load(name, image_size=300, max_features=77).spec()))
        again = descriptors.from_spec(spec)
        assert (again.name, again.image_size, again.max_features) == (name, 300, 77)


# Dense local features.


def dense_image(peaks: dict[tuple[int, int], int], size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Red, the score, at the peaks (x, y); green 3 and blue 4 everywhere."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[..., 1:] = [3, 4]
    for (x, y), score in peaks.items():
        pixels[y, x, 0] = score
    return Image.fromarray(pixels)


def test_dense_maxima(tmp_path: Path) -> None:
    path = save_dense(tmp_path / "dense.onnx", nms_radius=2, border=4, score_threshold=10.0)
    image = dense_image(
        {
            (10, 10): 200,
            (12, 12): 199,  # within the radius of a better one
            (13, 9): 50,  # just outside it
            (4, 25): 11,  # just inside the border
            (3, 20): 250,  # just outside it
            (35, 4): 12,
            (36, 20): 250,
            (20, 20): 10,  # not above the threshold
            (25, 15): 90,  # of equals within the radius the first
            (26, 15): 90,
        }
    )
    features = descriptors.load(str(path)).describe(image, image.size)
    assert features.keypoints.tolist() == [[10, 10], [25, 15], [13, 9], [35, 4], [4, 25]]
    assert features.scores.tolist() == [200, 90, 50, 12, 11]
    np.testing.assert_allclose(features.descriptors[3], np.array([12, 3, 4]) / 13, rtol=1e-5)


def test_dense_order_limit_and_full_size(tmp_path: Path) -> None:
    path = save_dense(tmp_path / "dense.onnx", nms_radius=0, max_features=3)
    image = dense_image({(5, 6): 7, (6, 5): 7, (7, 7): 9, (1, 29): 7})
    descriptor = descriptors.load(str(path))
    assert (descriptor.kind, descriptor.max_features) == ("local", 3)
    features = descriptor.describe(image, (80, 60))
    assert features.keypoints.tolist() == [[14.5, 14.5], [12.5, 10.5], [10.5, 12.5]]
    assert features.image_size == (80, 60)
    assert len(descriptors.load(str(path), max_features=1).describe(image, image.size)) == 1


def test_dense_padding_is_no_part_of_the_image(tmp_path: Path) -> None:
    """The padding's 0 scores above all of this image."""
    keys = {"mean": [10.0, 0.0, 0.0], "score_threshold": -9.0, "multiple": 32, "nms_radius": 2}
    path = save_dense(tmp_path / "dense.onnx", **keys)
    image = dense_image({(39, 29): 5})
    features = descriptors.load(str(path)).describe(image, image.size)
    assert (features.keypoints.tolist(), features.scores.tolist()) == ([[39, 29]], [-5])


@pytest.mark.parametrize("size", [(1, 1), (7, 300)])
def test_dense_without_features(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save_dense(tmp_path / "dense.onnx", border=4)
    features = descriptors.load(str(path)).describe(Image.new("RGB", size, "white"), size)
    assert (len(features), features.descriptors.shape) == (0, (0, 3))


def test_dense_outputs_must_have_the_size_of_the_image(tmp_path: Path) -> None:
    path = save_dense(tmp_path / "dense.onnx")
    recipe_with_wrong_dim = path.read_bytes().replace(b"descriptor_dim = 3", b"descriptor_dim = 4")
    path.write_bytes(recipe_with_wrong_dim)
    message = re.escape("descriptors must be (1, 1, 30, 40) and (1, 4, 30, 40) for images of (1, 3, 30, 40)")
    with pytest.raises(ValueError, match=message):
        descriptors.load(str(path)).describe(dense_image({}), (40, 30))


def test_alike_against_its_reference(shared: Path) -> None:
    data = shared / "data"
    expected = json.loads((data / "models" / "local_feature_reference.json").read_text())["alike_t"]
    scene = data / "homographies" / "oxford_leuven"
    descriptor = descriptors.load(str(data / "models" / "alike_t.onnx"))
    images = [descriptors.open_image(next(scene.glob(f"img{i}.*")), longest_side=None) for i in (1, 4)]
    first, second = (descriptor.describe(loaded.image, loaded.full_size) for loaded in images)
    matches = hcbir.match(first.descriptors, second.descriptors).indices
    mapped = np.c_[first.keypoints[matches[:, 0]], np.ones(len(matches))] @ np.loadtxt(scene / "H1to4.txt").T
    errors = np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - second.keypoints[matches[:, 1]], axis=1)
    num_matches, share = expected["oxford_leuven 1-4"]
    assert abs(len(matches) - num_matches) <= 3
    assert (errors < 3).mean() == pytest.approx(share, abs=0.005)
