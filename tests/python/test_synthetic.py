"""The synthetic collection: its files, that it is reproducible, and that its variations are what they are called."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hcbir.study.synthetic import SyntheticImage, make_collection
from hcbir.study.synthetic.landmarks import LANDMARKS
from hcbir.study.synthetic.ordinary import ORDINARY
from hcbir.study.synthetic.plan import Plan
from hcbir.study.synthetic.scene import View, photograph
from hcbir.study.synthetic.variations import VARIATIONS, VIEWS, any_view


def _bytes(images: list[SyntheticImage], folder: Path) -> dict[str, bytes]:
    return {str(image.path.relative_to(folder)): image.path.read_bytes() for image in images}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> list[SyntheticImage]:
    folder = tmp_path_factory.mktemp("synthetic")
    return make_collection(folder, num_classes=4, images_per_class=10, num_distractors=7, longest_side=320)


def _pixels(image: SyntheticImage) -> npt.NDArray[np.float64]:
    with Image.open(image.path) as opened:
        return np.asarray(opened, dtype=np.float64)


def _named(collection: list[SyntheticImage], class_name: str, variation: str) -> SyntheticImage:
    return next(i for i in collection if (i.class_name, i.variation) == (class_name, variation))


def test_files_stand_where_and_as_they_are_said_to(collection: list[SyntheticImage]) -> None:
    folder = collection[0].path.parent.parent
    assert sorted(folder.glob("*/*")) == sorted(image.path for image in collection)
    assert Counter(image.class_name for image in collection) == {
        "cathedral": 10,
        "stone_bridge": 10,
        "lighthouse": 10,
        "town_hall": 10,
        None: 7,
    }
    for image in collection:
        number = int(image.path.stem[:2])
        if image.class_name is None:
            assert image.path == folder / "_distractors" / f"{number:02d}.jpg"
        else:
            assert image.path == folder / image.class_name / f"{number:02d}_{image.variation}.jpg"
            assert (number == 0) == (image.variation == "reference")
        with Image.open(image.path) as opened:
            assert (opened.format, opened.mode, max(opened.size)) == ("JPEG", "RGB", 320)


def test_ten_images_of_a_class_show_every_variation_once(collection: list[SyntheticImage]) -> None:
    shown = [image.variation for image in collection if image.class_name == "lighthouse"]
    assert sorted(shown) == sorted(["reference", *VARIATIONS])


def test_the_variations_are_dealt_out_evenly(tmp_path: Path) -> None:
    images = make_collection(tmp_path, num_classes=9, images_per_class=7, num_distractors=0, longest_side=64)
    assert set(Counter(i.variation for i in images if i.variation != "reference").values()) == {6}
    assert images[-1].class_name == "cathedral_2"
    first, second = (tmp_path / name / "00_reference.jpg" for name in ("cathedral", "cathedral_2"))
    assert first.read_bytes() != second.read_bytes()


def test_same_seed_same_bytes_and_a_larger_collection_holds_the_smaller(tmp_path: Path) -> None:
    def make(name: str, classes: int, images: int, distractors: int, seed: int = 5) -> dict[str, bytes]:
        folder = tmp_path / name
        made = make_collection(
            folder,
            num_classes=classes,
            images_per_class=images,
            num_distractors=distractors,
            longest_side=64,
            seed=seed,
        )
        return _bytes(made, folder)

    small = make("small", 2, 4, 3)
    assert make("again", 2, 4, 3) == small
    assert small.items() <= make("large", 3, 6, 8).items()
    other = make("other seed", 2, 4, 3, seed=6)
    assert other.keys() == small.keys()
    assert all(other[name] != small[name] for name in small)


def test_a_second_run_writes_over_the_first(tmp_path: Path) -> None:
    sizes = {"num_classes": 1, "images_per_class": 2, "num_distractors": 1, "longest_side": 64}
    first = _bytes(make_collection(tmp_path, **sizes), tmp_path)
    (tmp_path / "cathedral" / "00_reference.jpg").write_bytes(b"")
    assert _bytes(make_collection(tmp_path, **sizes), tmp_path) == first


def test_files_of_others_are_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "trip").mkdir()
    (tmp_path / "trip" / "mine.jpg").write_bytes(b"x")
    with pytest.raises(FileExistsError, match=r"has others, such as trip/mine\.jpg"):
        make_collection(tmp_path, num_classes=1, images_per_class=1, num_distractors=0)
    assert [p.name for p in tmp_path.rglob("*.jpg")] == ["mine.jpg"]


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("num_classes", 0, 1),
        ("images_per_class", 0, 1),
        ("num_distractors", -1, 0),
        ("longest_side", 63, 64),
        ("seed", -1, 0),
    ],
)
def test_numbers_out_of_range_are_named(tmp_path: Path, name: str, value: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least {least}, got {value}"):
        make_collection(tmp_path, **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_every_image(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_collection(
        tmp_path,
        num_classes=1,
        images_per_class=2,
        num_distractors=2,
        longest_side=64,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("plan", [*LANDMARKS, *ORDINARY], ids=lambda plan: plan.name)
def test_plans_stand_on_the_ground_and_differ_by_seed(plan: Plan) -> None:
    one, other = (plan.build(0.2, np.random.default_rng(seed)) for seed in (0, 1))
    assert one.alpha.shape == other.alpha.shape
    assert one.alpha[-2].max() == 1
    assert 0.15 < one.alpha.mean() <= 1
    assert one.alpha[: one.alpha.shape[0] // 3].any(), "the upper third is empty: the plan is too high"
    assert not one.alpha[0].all()
    assert float(np.abs(one.pixels - other.pixels).mean()) > 3
    for layer in (one.alpha, one.light):
        assert layer.dtype == np.float32
        assert 0 <= layer.min() <= layer.max() <= 1


def test_the_building_stands_where_the_scene_says() -> None:
    """The homography of a view, against the marks found in the picture."""
    elevation = LANDMARKS[0].build(0.3, np.random.default_rng(0))
    elevation.pixels[:] = 0
    elevation.alpha[:] = 1
    marks = np.array([[40.0, 60.0], [220.0, 80.0], [60.0, 300.0], [200.0, 340.0]])
    for x, y in marks.astype(int):
        elevation.pixels[y - 4 : y + 5, x - 4 : x + 5] = (255, 0, 0)
    for yaw in (-0.9, 0.0, 0.7):
        scene = photograph(elevation, "grass", View(yaw=yaw, roll=0.1), 480, np.random.default_rng(0))
        expected = cv2.perspectiveTransform(marks[None], scene.building)[0]
        red = ((scene.pixels[..., 0] > 90) & (scene.pixels[..., 1] < 40)).astype(np.uint8)
        count, _, _, centres = cv2.connectedComponentsWithStats(red)
        assert count == 5
        distances = np.linalg.norm(centres[1:, None] - expected[None], axis=2)
        assert distances.min(axis=0).max() < 1.0
        rows = elevation.alpha.shape[0]
        foot = cv2.perspectiveTransform(np.array([[[0.0, rows], [elevation.alpha.shape[1], rows]]]), scene.building)
        assert scene.base == pytest.approx(foot[0, :, 1].max())


def test_views_are_as_different_as_they_are_called() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert abs(VIEWS["viewpoint"](rng).yaw) > 0.7
        assert abs(any_view(rng).yaw) <= 0.2
        fill = VIEWS["scale"](rng).fill
        assert fill < 0.55 or fill > 1.5


def test_colours_of_the_variations(collection: list[SyntheticImage]) -> None:
    for class_name in ("cathedral", "stone_bridge", "town_hall"):
        reference = _pixels(_named(collection, class_name, "reference"))
        dark = _pixels(_named(collection, class_name, "night"))
        assert dark.mean() < 0.6 * reference.mean()
        assert dark[..., 0].max() > 180, "no window is lit"

        old = _pixels(_named(collection, class_name, "old_photograph"))
        tint = old - old.mean(axis=2, keepdims=True)
        assert tint.std(axis=(0, 1)).max() < 12, "an old photograph has one tint"
        corner, middle = old[:20, :20].mean(), old[140:180, 140:180].mean()
        assert corner < middle or class_name == "stone_bridge"

        drawn = _pixels(_named(collection, class_name, "engraving"))
        saturation = drawn.max(axis=2) - drawn.min(axis=2)
        assert saturation.mean() < 40
        ink, paper = (drawn.mean(axis=2) < 100).mean(), (drawn.mean(axis=2) > 180).mean()
        assert 0.03 < ink < 0.4
        assert paper > 0.4

        card = _pixels(_named(collection, class_name, "postcard"))
        border = np.concatenate([card[:8].reshape(-1, 3), card[:, :8].reshape(-1, 3)])
        assert border.std(axis=0).max() < 12
        assert border.mean() > 200


def _features(image: SyntheticImage) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    grey = cv2.imread(str(image.path), cv2.IMREAD_GRAYSCALE)
    keypoints, descriptors = cv2.SIFT_create(800).detectAndCompute(grey, None)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([k.pt for k in keypoints], np.float32), np.sqrt(
        descriptors / descriptors.sum(axis=1, keepdims=True)
    )


def _num_inliers(
    one: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    other: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> int:
    if min(len(one[0]), len(other[0])) == 0:
        return 0
    scores = one[1] @ other[1].T
    nearest = scores.argmax(axis=1)
    mutual = np.flatnonzero(scores.argmax(axis=0)[nearest] == np.arange(len(nearest)))
    if len(mutual) < 4:
        return 0
    _, mask = cv2.findHomography(one[0][mutual], other[0][nearest[mutual]], cv2.RANSAC, 4.0, maxIters=500)
    return 0 if mask is None else int(mask.sum())


def test_photographs_of_one_building_match_and_others_do_not(collection: list[SyntheticImage]) -> None:
    """The retrieval task can be solved: more inliers within a class than with any image outside it."""
    cv2.setRNGSeed(0)
    features = {image.path: _features(image) for image in collection}
    for class_name in ("cathedral", "stone_bridge", "town_hall"):
        reference = _named(collection, class_name, "reference")
        assert len(features[reference.path][0]) > 300
        outside = max(
            _num_inliers(features[reference.path], features[image.path])
            for image in collection
            if image.class_name != class_name
        )
        for variation in ("viewpoint", "shadow", "old_photograph", "postcard", "alteration", "night"):
            inside = _num_inliers(features[reference.path], features[_named(collection, class_name, variation).path])
            assert inside > 1.5 * outside, (class_name, variation, inside, outside)
