"""Descriptors by name, and the description of many files."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import save_dense, save_identity
from PIL import Image

from hcbir import LocalFeatures, descriptors
from hcbir.descriptors import ImageError, Progress, describe_files, describe_image, load, network, pipeline
from hcbir.descriptors.progress import RateMeter
from hcbir.descriptors.session import Session, num_side_by_side


class MeanColour:
    """A global descriptor that remembers what it was given."""

    kind = "global"
    name = "mean"
    dim = 3

    def __init__(self, image_size: int = 64) -> None:
        self.image_size = image_size
        self.calls: list[int] = []

    def describe(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.calls.append(len(images))
        return np.array([np.asarray(i).mean(axis=(0, 1)) for i in images], np.float32).reshape(-1, 3)

    def spec(self) -> dict[str, Any]:
        return {}


class Size:
    """A local descriptor with one feature: the size of the image it was given."""

    kind = "local"
    is_binary = False
    name = "size"
    max_features = 1

    def __init__(self, image_size: int = 64, seconds: float = 0.0) -> None:
        self.image_size = image_size
        self.seconds = seconds
        self.threads: set[str] = set()
        self.count = 0

    def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
        time.sleep(self.seconds)
        self.count += 1
        self.threads.add(threading.current_thread().name)
        one = np.ones(1, np.float32)
        return LocalFeatures(np.array([image.size], np.float32), one[:, None], one, image_size=full_size)

    def spec(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """40 images, the i-th of colour i; 7 is broken and 8 is missing."""
    paths = [tmp_path / f"{i}.png" for i in range(40)]
    for i, path in enumerate(paths):
        Image.new("RGB", (100 if i % 3 else 50, 80), (i, i, i)).save(path)
    paths[7].write_bytes(paths[7].read_bytes()[:60])
    paths[8].unlink()
    return paths


def no_thread_left() -> bool:
    return not any(thread.name.startswith("hcbir-describe") for thread in threading.enumerate())


@pytest.mark.parametrize("num_threads", [1, 3, None])
def test_results_in_order_with_errors_in_their_places(files: list[Path], num_threads: int | None) -> None:
    described = list(describe_files(files, {"mean": MeanColour(), "size": Size(32)}, num_threads=num_threads))
    assert [image.path for image in described] == files
    for i, image in enumerate(described):
        if i in (7, 8):
            assert isinstance(image.error, ImageError)
            assert str(image.error).startswith(str(files[i]))
            assert (image.full_size, image.global_vectors, image.local_features) == (None, {}, {})
        else:
            assert image.error is None
            assert image.full_size == (100 if i % 3 else 50, 80)
            assert image.global_vectors["mean"].tolist() == [i, i, i]
            assert max(image.local_features["size"].keypoints[0]) == 32
            assert image.local_features["size"].image_size == image.full_size
    assert no_thread_left()


def test_each_size_is_decoded_once(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Path, int | None]] = []
    open_image = pipeline.open_image

    def counted(source: Any, *, longest_side: int | None, **options: Any) -> Any:
        opened.append((source, longest_side))
        return open_image(source, longest_side=longest_side, **options)

    monkeypatch.setattr(pipeline, "open_image", counted)
    wanted = {"a": MeanColour(32), "b": Size(32), "c": MeanColour(64), "d": MeanColour(32), "e": Size(48)}
    assert len(list(describe_files(files[:4], wanted))) == 4
    assert sorted(opened) == sorted((path, size) for path in files[:4] for size in (32, 48, 64))


def test_global_descriptors_get_windows_and_local_ones_threads(files: list[Path]) -> None:
    mean, size = MeanColour(), Size()
    list(describe_files(files, {"mean": mean, "size": size}))
    assert sorted(mean.calls) == [8, 14, 16]  # two of the first window cannot be read
    assert threading.current_thread().name not in size.threads


def test_local_results_arrive_one_by_one_and_looking_ahead_is_bounded(files: list[Path]) -> None:
    size = Size()
    iterator = describe_files(iter(files), {"size": size}, num_threads=2)
    next(iterator)
    time.sleep(0.3)
    assert size.count <= 1 + 2 * 2 + 2
    iterator.close()
    assert no_thread_left()


def test_closing_ends_the_threads_soon(files: list[Path]) -> None:
    slow = Size(seconds=0.2)
    iterator = describe_files(files * 10, {"size": slow}, num_threads=2)
    next(iterator)
    start = time.monotonic()
    iterator.close()
    assert time.monotonic() - start < 2.0
    assert no_thread_left()
    assert slow.count < 10


def test_interruption_ends_the_threads(files: list[Path]) -> None:
    class Interrupted(MeanColour):
        def describe(self, images: Sequence[Image.Image]) -> np.ndarray:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(describe_files(files, {"mean": Interrupted()}))
    assert no_thread_left()


def test_network_that_refuses_a_size_is_that_image_error(tmp_path: Path, files: list[Path]) -> None:
    class Choosy(MeanColour):
        def describe(self, images: Sequence[Image.Image]) -> np.ndarray:
            if any(image.width < image.height for image in images):
                raise ValueError("upright images do not fit")
            return super().describe(images)

    described = list(describe_files(files[:6], {"mean": Choosy()}))
    assert [str(image.error) if image.error else None for image in described] == [
        f"{files[0]}: upright images do not fit",
        None,
        None,
        f"{files[3]}: upright images do not fit",
        None,
        None,
    ]
    assert described[0].global_vectors == {}
    assert described[1].global_vectors["mean"].tolist() == [1, 1, 1]


def test_local_descriptor_that_refuses_an_image_is_that_image_error(files: list[Path]) -> None:
    class Choosy(Size):
        def describe(self, image: Image.Image, full_size: tuple[int, int]) -> LocalFeatures:
            if image.width < image.height:
                raise ValueError("upright images do not fit")
            return super().describe(image, full_size)

    described = list(describe_files(files[:3], {"size": Choosy()}))
    assert [str(image.error) if image.error else None for image in described] == [
        f"{files[0]}: upright images do not fit",
        None,
        None,
    ]


def test_local_networks_get_windows_too(tmp_path: Path, files: list[Path]) -> None:
    """A dense network describes off the decoding threads, several images of one size in a pass."""
    dense = load(str(save_dense(tmp_path / "dense.onnx", image_size=64, score_threshold=-1.0, nms_radius=30)))
    sizes: list[int] = []
    describe_batch = dense.describe_batch
    dense.describe_batch = lambda images, full: sizes.append(len(images)) or describe_batch(images, full)
    described = list(describe_files(files, {"dense": dense, "mean": MeanColour()}))
    assert sorted(sizes) == [8, 14, 16]
    for i, image in enumerate(described):
        if image.error is None:
            features = image.local_features["dense"]
            assert features.scores.tolist() == [i]
            assert features.image_size == image.full_size
            assert image.global_vectors["mean"].tolist() == [i, i, i]
    assert no_thread_left()


def test_progress_has_rate_and_remaining_time(files: list[Path]) -> None:
    slow = Size(seconds=0.02)
    reports: list[Progress] = []
    list(describe_files(files, {"size": slow}, num_threads=2, progress=reports.append))
    assert [report.done for report in reports] == list(range(1, 41))
    assert {report.total for report in reports} == {40}
    last = reports[-1]
    assert 1 < last.rate < 100.5  # two threads, 20 ms an image
    assert last.seconds_left == 0
    middle = reports[19]
    assert middle.seconds_left == pytest.approx(20 / middle.rate)
    list(describe_files(iter(files[:2]), {"size": Size()}, progress=reports.append))
    assert (reports[-1].done, reports[-1].total, reports[-1].seconds_left) == (2, None, None)


def test_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 images in 100 s, then 10 a second: after 30 s more the slow beginning is forgotten."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = RateMeter(1000)
    for step, count in ((1.0, 100), (0.1, 300)):
        for _ in range(count):
            now[0] += step
            report = meter.count()
    assert report.done == 400
    assert report.rate == pytest.approx(10)
    assert report.seconds_left == pytest.approx(60)


def test_reduced_decoding(tmp_path: Path) -> None:
    """Only on request, only of JPEGs, never below twice the size; the full size stays that of the file."""
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), np.ones((20, 20, 1), np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    Image.fromarray(pixels).save(tmp_path / "a.png")

    class Pixels(MeanColour):
        def describe(self, images: Sequence[Image.Image]) -> np.ndarray:
            return np.stack([np.asarray(image, np.float32).ravel() for image in images])

    for name, full, equal in (("a.jpg", (600, 800), False), ("a.png", (800, 600), True)):
        runs = []
        for reduced in (False, True):
            [one] = describe_files([tmp_path / name], {"p": Pixels(100)}, reduced_decoding=reduced)
            assert one.full_size == full
            runs.append(one.global_vectors["p"])
        assert np.array_equal(*runs) == equal
        assert np.abs(runs[0] - runs[1]).mean() < 4
    for reduced in (False, True):  # 800 is less than 2 * 401: nothing to reduce
        [one] = describe_files([tmp_path / "a.jpg"], {"p": Pixels(401)}, reduced_decoding=reduced)
        runs.append(one.global_vectors["p"])
    np.testing.assert_array_equal(*runs[-2:])


def test_poolings_of_one_network(tmp_path: Path, files: list[Path]) -> None:
    path = save_identity(tmp_path / "net.onnx")
    wanted = {f"{path}:{pooling}": load(f"{path}:{pooling}") for pooling in ("gem", "mac")}
    described = list(describe_files(files[1:3], wanted))
    assert list(described[0].global_vectors) == list(wanted)
    np.testing.assert_allclose(described[0].global_vectors[f"{path}:mac"], [3**-0.5] * 3, rtol=1e-5)


def test_describe_image(files: list[Path]) -> None:
    wanted = {"mean": MeanColour(), "size": Size()}
    for source in (files[3], str(files[3]), files[3].read_bytes(), Image.open(files[3])):
        described = describe_image(source, wanted)
        assert described.full_size == (50, 80)
        assert described.global_vectors["mean"].tolist() == [3, 3, 3]
        assert len(described.local_features["size"]) == 1
    with pytest.raises(ImageError, match="no such file"):
        describe_image(files[8], wanted)


def test_arguments_are_checked_before_the_first_file(files: list[Path]) -> None:
    with pytest.raises(TypeError, match="big is aggregated: pass its local descriptor, sift, instead"):
        describe_files(files, {"big": load("vlad")})
    with pytest.raises(ValueError, match="descriptors must hold at least one"):
        describe_files(files, {})
    with pytest.raises(ValueError, match="num_threads must be"):
        describe_files(files, {"size": Size()}, num_threads=0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shift", r"one of orb, sift, vlad, or the path of an \.onnx network, got 'shift' \(did you mean 'sift'\?\)"),
        ("resnet", r"one of orb, sift, vlad, .* got 'resnet'$"),
        ("", r"one of orb, sift, vlad, .* got ''$"),
        ("sift:gem", r"one of orb, sift, vlad, .* got 'sift:gem'"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(name)


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"max_features does not apply to .*net\.onnx, whose kind is activation-map"):
        load(str(path), max_features=10)
    with pytest.raises(ValueError, match="image_size must be a whole number of at least 1, got 0"):
        load("sift", image_size=0)


def test_kinds(tmp_path: Path) -> None:
    path = str(save_identity(tmp_path / "net.onnx"))
    kinds = {name: load(name).kind for name in (*descriptors.BUILT_IN, path)}
    assert kinds == {"orb": "local", "sift": "local", "vlad": "aggregated", path: "global"}


@pytest.mark.parametrize(
    ("image_size", "threads", "small", "expected"),
    [(64, 3, True, 3), (64, 1, True, 1), (64, 3, False, 1), (4000, 3, True, 1)],
)
def test_small_networks_run_side_by_side(
    tmp_path: Path,
    files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    image_size: int,
    threads: int,
    small: bool,
    expected: int,
) -> None:
    """A thread each for many files, all threads for one image; the vectors are the same bits."""
    if not small:
        monkeypatch.setattr(network, "SMALL_NETWORK", 10)
    seen = []
    run = Session.run

    def watched(self: Session, outputs: Any, inputs: Any) -> Any:
        seen.append(num_side_by_side())
        return run(self, outputs, inputs)

    monkeypatch.setattr(Session, "run", watched)
    path = save_identity(tmp_path / "net.onnx")
    descriptor = load(f"{path}:gem", image_size=image_size, num_threads=3, provider="cpu")
    readable = files[1:6]
    described = list(describe_files(readable, {"gem": descriptor}, num_threads=threads))
    assert set(seen) == {expected}
    seen.clear()
    for one in described:
        alone = describe_image(one.path, {"gem": descriptor})
        np.testing.assert_array_equal(one.global_vectors["gem"], alone.global_vectors["gem"])
    assert set(seen) == {1}


def test_threads_of_a_pass_change_no_bit(shared: Path) -> None:
    """Of a real network: with all threads, and with one beside others."""
    path = shared / "data" / "models" / "squeezenet1_1_imagenet.onnx"
    images = descriptors.images.list_images(shared / "data" / "landmarks")[::17]
    wanted = {pooling: load(f"{path}:{pooling}", image_size=320, num_threads=2) for pooling in ("gem", "rmac")}
    for one in describe_files(images, wanted, num_threads=2):
        alone = describe_image(one.path, wanted)
        for name, vector in one.global_vectors.items():
            np.testing.assert_array_equal(vector, alone.global_vectors[name])
