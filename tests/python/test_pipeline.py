"""Descriptors by name, and the description of many files."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import save_identity
from PIL import Image

from hcbir import LocalFeatures, descriptors
from hcbir.descriptors import ImageError, describe_files, describe_image, load, pipeline


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
