"""Batches in a device's memory; here the device is the CPU, and CUDA's runtime the C library's memory."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from models import IDENTITY_RECIPE, save_identity
from onnx import TensorProto, helper
from PIL import Image

from hcbir import descriptors
from hcbir.descriptors.cuda import reason
from hcbir.descriptors.device import NORMALISE, SAMPLE, Device, DeviceTensors
from hcbir.descriptors.network import IN_FLIGHT, MOST_IN_FLIGHT, Network
from hcbir.descriptors.pipeline import describe_files
from hcbir.descriptors.resizing import resize, resize_from_corner
from hcbir.descriptors.staging import Staging, cuda_runtime, total_memory

Shape = Sequence[str | int]


def model(nodes: list[Any], inputs: dict[str, tuple[int, Shape]], output: tuple[int, Shape]) -> Any:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [helper.make_tensor_value_info("y", *output)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def test_normalising_model_is_this() -> None:
    node, floats, whole = helper.make_node, TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        node("Transpose", ["pixels"], ["p"], perm=[0, 3, 1, 2]),
        node("Gather", ["p", "channels"], ["c"], axis=1),
        node("Cast", ["c"], ["f"], to=floats),
        node("Sub", ["f", "mean"], ["s"]),
        node("Div", ["s", "std"], ["y"]),
    ]
    inputs: dict[str, tuple[int, Shape]] = {
        "pixels": (TensorProto.UINT8, "nhwp"),
        "channels": (whole, "c"),
        "mean": (floats, ("c", 1, 1)),
        "std": (floats, ("c", 1, 1)),
    }
    assert onnx.load_from_string(NORMALISE) == model(nodes, inputs, (floats, "nchw"))


def test_sampling_model_is_this() -> None:
    node, floats, whole = helper.make_node, TensorProto.FLOAT, TensorProto.INT64
    nodes = [
        node("Gather", ["x", "i"], ["a"], axis=2),
        node("Gather", ["x", "j"], ["b"], axis=2),
        node("Sub", ["b", "a"], ["d"]),
        node("Mul", ["d", "v"], ["e"]),
        node("Add", ["e", "a"], ["r"]),
        node("Gather", ["r", "k"], ["A"], axis=3),
        node("Gather", ["r", "l"], ["B"], axis=3),
        node("Sub", ["B", "A"], ["D"]),
        node("Mul", ["D", "w"], ["E"]),
        node("Add", ["E", "A"], ["y"]),
    ]
    inputs: dict[str, tuple[int, Shape]] = {
        "x": (floats, "ncst"),
        "i": (whole, "h"),
        "j": (whole, "h"),
        "v": (floats, ("h", 1)),
        "k": (whole, "u"),
        "l": (whole, "u"),
        "w": (floats, "u"),
    }
    assert onnx.load_from_string(SAMPLE) == model(nodes, inputs, (floats, "nchu"))


def networks(path: Path, colour: str) -> tuple[Network, Network]:
    """The same network with its batches on the host and on a device."""
    channels = 1 if colour == "gray" else 3
    recipe = (
        IDENTITY_RECIPE.replace("rgb", colour)
        .replace("[0.0, 0.0, 0.0]", str([123.7, 116.3, 103.5][:channels]))
        .replace("[1.0, 1.0, 1.0]", str([58.4, 57.1, 57.4][:channels]))
    )
    save_identity(path, recipe=recipe, input_shape=("n", channels, "h", "w"))
    host, device = Network(path, provider="cpu"), Network(path, provider="cpu")
    device.session.device = Device(onnxruntime, "cpu", 0)
    return host, device


def pictures(width: int, height: int, count: int = 3) -> list[Image.Image]:
    rng = np.random.default_rng(width)
    return [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for _ in range(count)]


@pytest.mark.parametrize("colour", ["rgb", "bgr", "gray"])
@pytest.mark.parametrize("scale", [1.0, 0.7071, 1.4142, 2.0, 0.1])
def test_same_bits_as_on_the_host(tmp_path: Path, colour: str, scale: float) -> None:
    host, device = networks(tmp_path / "net.onnx", colour)
    for width, height, min_side in ((33, 21, 1), (21, 33, 32), (5, 3, 32), (40, 64, 32)):
        images = pictures(width, height)
        for at_scale in (resize, resize_from_corner):
            expected = at_scale(host.device_tensors(images, min_side=min_side), scale)
            assert isinstance(expected, np.ndarray)
            placed = at_scale(device.device_tensors(images, min_side=min_side), scale)
            assert isinstance(placed, DeviceTensors)
            assert (placed.shape, len(placed)) == (expected.shape, len(images))
            np.testing.assert_array_equal(placed.value.numpy(), expected)
            np.testing.assert_array_equal(device.run(["map"], placed)[0], host.run(["map"], expected)[0])


def test_batches_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    host, device = networks(tmp_path / "net.onnx", "rgb")
    sets = [pictures(20 + i % 5, 30) for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        placed = list(pool.map(device.device_tensors, sets))
    for images, tensors in zip(sets, placed, strict=True):
        assert isinstance(tensors, DeviceTensors)
        np.testing.assert_array_equal(tensors.value.numpy(), host.tensors(images))


def test_descriptors_of_files_are_the_same(tmp_path: Path) -> None:
    networks(tmp_path / "net.onnx", "bgr")
    files = []
    for i, image in enumerate(pictures(50, 37) + pictures(20, 64)):
        files.append(tmp_path / f"{i}.png")
        image.save(files[-1])
    found = []
    for device in (None, Device(onnxruntime, "cpu", 0)):
        descriptor = descriptors.load(f"{tmp_path / 'net.onnx'}:gem", provider="cpu")
        descriptor.network.session.device = device
        found.append([f.global_vectors["gem"] for f in describe_files(files, {"gem": descriptor}, num_threads=2)])
        del descriptor
    np.testing.assert_array_equal(*found)


def test_windows_in_flight_follow_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for gibibytes, expected in ((0, IN_FLIGHT), (4, IN_FLIGHT), (24, 3), (80, MOST_IN_FLIGHT)):
        _, device = networks(tmp_path / "net.onnx", "rgb")
        monkeypatch.setattr(Device, "memory", gibibytes << 30)
        assert device.in_flight == expected
    host, _ = networks(tmp_path / "net.onnx", "rgb")
    assert host.in_flight == IN_FLIGHT


def test_reasons() -> None:
    """What ONNX Runtime said on an H100, without where in its sources."""
    said = (
        "Error in execution: Non-zero status code returned while running Conv node. Name:'node_Conv_1721' Status "
        "Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* "
        "onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Available memory of 46137344 "
        "is smaller than requested bytes of 79729664"
    )
    expected = (
        "the GPU's memory does not suffice: Available memory of 46137344 is smaller than requested bytes of 79729664"
    )
    assert reason(RuntimeError(said)) == expected
    said = 'provider_options_utils.h:187 Parse Failed to parse provider option "use_tf32": parse_string.h:116'
    assert reason(RuntimeError(said)) == 'Failed to parse provider option "use_tf32"'
    assert reason(RuntimeError("no image\nmore")) == "no image"


class FakeCuda:
    """CUDA's runtime, with the C library's memory."""

    def __init__(self, most: int = 1 << 30) -> None:
        self.most = most
        self.held: dict[int, Any] = {}
        self.devices: list[int] = []

    def cudaSetDevice(self, device: ctypes.c_int) -> int:
        self.devices.append(device.value)
        return 0

    def cudaMallocHost(self, place: Any, size: ctypes.c_size_t) -> int:
        if size.value > self.most:
            return 2
        memory = ctypes.create_string_buffer(size.value)
        place._obj.value = ctypes.addressof(memory)
        self.held[place._obj.value] = memory
        return 0

    def cudaFreeHost(self, address: ctypes.c_void_p) -> int:
        del self.held[address.value]
        return 0

    def cudaMemGetInfo(self, free: Any, total: Any) -> int:
        free._obj.value, total._obj.value = 3, 7
        return 0


def test_staging() -> None:
    """A page-locked buffer a thread, which grows; what does not fit is memory like any other."""
    runtime = FakeCuda(most=4000)
    stage = Staging(runtime, 3)
    for size, held in ((100, 1), (50, 1), (400, 1), (3000, 0), (200, 1), (0, 1)):
        staged = stage((2, size))
        staged[:] = size % 256
        assert (staged.shape, staged.dtype, len(runtime.held)) == ((2, size), np.uint8, held)
    assert set(runtime.devices) == {3}
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(stage, (5,)).result()
        other[:] = 7
        stage((5,))[:] = 0
        assert (other == 7).all()
    del stage, staged, other
    gc.collect()
    assert not runtime.held
    assert Staging(None, 0)((2, 3)).shape == (2, 3)


def test_without_cuda_runtime() -> None:
    assert cuda_runtime("") is None
    assert cuda_runtime("1.0") is None
    assert total_memory(None, 0) == 0
    assert total_memory(FakeCuda(), 0) == 7
