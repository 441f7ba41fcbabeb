"""Sessions and global descriptors of ONNX networks."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from models import IDENTITY_RECIPE, save_dense, save_identity, save_mean_colour, save_model
from onnx import helper
from PIL import Image

from hcbir import descriptors
from hcbir.descriptors import cuda
from hcbir.descriptors.cuda import CONVOLUTION
from hcbir.descriptors.device import Device
from hcbir.descriptors.network import Network
from hcbir.descriptors.pooling import combine_scales, normalise, pool
from hcbir.descriptors.resizing import resize
from hcbir.descriptors.session import Session
from hcbir.descriptors.vectors import NetworkDescriptor, describe_together


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def expected_vector(pixels: np.ndarray, pooling: str) -> np.ndarray:
    """Of pixels (h, w, 3) as activation map, by the definition, in float64."""
    rows = pixels.reshape(-1, 3).astype(np.float64)
    pooled = {
        "mac": rows.max(axis=0),
        "spoc": rows.mean(axis=0),
        "gem": (np.maximum(rows, 1e-6) ** 3).mean(axis=0) ** (1 / 3),
    }[pooling]
    return pooled / (np.sqrt((pooled**2).sum()) + 1e-6)


@pytest.mark.parametrize("pooling", ["gem", "mac", "spoc"])
def test_poolings_of_images_of_several_sizes(tmp_path: Path, pooling: str) -> None:
    path = save_identity(tmp_path / "net.onnx")
    descriptor = descriptors.load(f"{path}:{pooling}")
    assert (descriptor.kind, descriptor.dim, descriptor.image_size) == ("global", 3, 64)
    images = [noise(40, 50, 0), noise(50, 40, 1), noise(40, 50, 2)]
    vectors = descriptor.describe(images)
    assert vectors.dtype == np.float32
    expected = [expected_vector(np.asarray(image), pooling) for image in images]
    np.testing.assert_allclose(vectors, expected, rtol=2e-6)


def test_pooling_clips_from_below_and_takes_any_power() -> None:
    maps = np.array([[[[-2.0, 0.0, 4.0, 8.0]]]], np.float32)
    assert pool(maps, "mac").tolist() == [[8.0]]
    assert pool(maps, "spoc").tolist() == [[2.5]]
    np.testing.assert_allclose(pool(maps, "gem"), [[((64 + 512) / 4) ** (1 / 3)]], rtol=1e-6)
    np.testing.assert_allclose(pool(maps, "gem", p=1.0), [[3.0]], rtol=1e-6)
    np.testing.assert_allclose(pool(-maps, "gem"), [[(8 / 4) ** (1 / 3)]], rtol=1e-6)
    np.testing.assert_allclose(pool(np.zeros((1, 1, 2, 2), np.float32), "gem"), [[1e-6]], rtol=1e-5)


def test_normalise_adds_to_the_length() -> None:
    np.testing.assert_allclose(normalise(np.array([[3e-6, 4e-6]], np.float32)), [[0.5, 4 / 6]], rtol=1e-6)
    assert normalise(np.zeros((1, 2), np.float32)).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("colour", "mean", "std", "expected"),
    [
        ("rgb", [1.0, 2.0, 3.0], [2.0, 4.0, 8.0], [(10 - 1) / 2, (20 - 2) / 4, (30 - 3) / 8]),
        ("bgr", [1.0, 2.0, 3.0], [2.0, 4.0, 8.0], [(30 - 1) / 2, (20 - 2) / 4, (10 - 3) / 8]),
        ("gray", [1.0], [2.0], [(18 - 1) / 2]),  # 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15
    ],
)
def test_preprocessing(tmp_path: Path, colour: str, mean: list[float], std: list[float], expected: list[float]) -> None:
    recipe = IDENTITY_RECIPE.replace('"rgb"', f'"{colour}"')
    recipe = recipe.replace("[0.0, 0.0, 0.0]", str(mean)).replace("[1.0, 1.0, 1.0]", str(std))
    path = save_identity(tmp_path / "net.onnx", recipe=recipe, input_shape=("n", len(mean), "h", "w"))
    [tensor] = Network(path).tensors([Image.new("RGB", (5, 4), (10, 20, 30))])
    assert (tensor.shape, tensor.dtype) == ((len(mean), 4, 5), np.float32)
    assert tensor[:, 2, 3].tolist() == expected


def test_one_pass_serves_all_poolings_of_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_identity(tmp_path / "net.onnx")
    loaded = {pooling: descriptors.load(f"{path}:{pooling}") for pooling in ("gem", "mac", "spoc")}
    assert len({id(descriptor.network) for descriptor in loaded.values()}) == 1
    batches = []
    run = Session.run

    def counted(self: Session, outputs: Any, inputs: Any) -> Any:
        batches.append(inputs["image"].shape)
        return run(self, outputs, inputs)

    monkeypatch.setattr(Session, "run", counted)
    images = [noise(40, 50, seed) for seed in range(18)] + [noise(50, 40)]
    together = describe_together(loaded, images)
    assert sorted(batches) == [(1, 3, 40, 50), (2, 3, 50, 40), (16, 3, 50, 40)]
    for pooling, descriptor in loaded.items():
        np.testing.assert_array_equal(together[pooling], descriptor.describe(images))


def test_batches_hold_a_bounded_number_of_pixels(tmp_path: Path) -> None:
    network = Network(save_identity(tmp_path / "net.onnx"), provider="cpu")
    sizes = [(40, 50), (320, 240), (800, 600), (2000, 1500)]
    assert [network.max_batch(*size) for size in sizes] == [16, 13, 2, 1]
    assert network.max_batch(800, 600, scale=0.5) == 8
    assert Network(save_identity(tmp_path / "one.onnx", input_shape=(1, 3, "h", "w"))).max_batch(40, 50) == 1


def test_changed_file_is_loaded_anew(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx")
    first = descriptors.load(str(path))
    save_identity(path, recipe=IDENTITY_RECIPE + "p = 2.0\n")
    second = descriptors.load(str(path))
    assert first.network is not second.network
    assert second.recipe.p == 2.0


def test_kind_global(tmp_path: Path) -> None:
    path = save_mean_colour(tmp_path / "net.onnx")
    descriptor = descriptors.load(str(path))
    assert (descriptor.dim, descriptor.head) == (3, None)
    image = noise(40, 50)
    np.testing.assert_allclose(descriptor.describe([image])[0], expected_vector(np.asarray(image), "spoc"), rtol=1e-5)
    with pytest.raises(ValueError, match=r"net\.onnx: has no heads or poolings to choose from, got 'gem'"):
        descriptors.load(f"{path}:gem")


def test_scales(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx", recipe=IDENTITY_RECIPE + "scales = [1.0, 0.5]\n")
    image = noise(80, 64)
    pixels = np.asarray(image, np.float64)
    half = (pixels[::2, ::2] + pixels[1::2, ::2] + pixels[::2, 1::2] + pixels[1::2, 1::2]) / 4
    for pooling, power in (("mac", 1), ("gem", 3)):
        parts = np.array([expected_vector(part, pooling) for part in (pixels, half)])
        mean = (parts**power).mean(axis=0) ** (1 / power)
        vector = descriptors.load(f"{path}:{pooling}").describe([image])[0]
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-5)


def test_resize_by_hand() -> None:
    """align_corners=False: output i lies at (i + 0.5) / scale - 0.5, held within the first and last pixel."""
    row = np.array([[[[0.0, 10.0, 20.0, 30.0, 40.0]]]], np.float32)
    np.testing.assert_allclose(resize(row, 0.5)[0, 0, 0], [5.0, 25.0])
    np.testing.assert_allclose(resize(row, 2.0)[0, 0, 1, :4], [0.0, 2.5, 7.5, 12.5])
    np.testing.assert_allclose(resize(row, 0.6)[0, 0, 0], [10 / 3, 20.0, 110 / 3], rtol=1e-6)
    assert resize(row, 0.01).shape == (1, 1, 1, 1)
    only = np.ones((2, 3), np.float32)
    assert combine_scales([only]) is only


@pytest.mark.parametrize("size", [(1, 1), (200, 3), (31, 40)])
def test_small_images_are_extended_by_their_edges(tmp_path: Path, size: tuple[int, int]) -> None:
    nodes = [helper.make_node("AveragePool", ["image"], ["map"], kernel_shape=[32, 32], strides=[32, 32])]
    path = save_model(tmp_path / "net.onnx", nodes, [("map", ("n", 3, "y", "x"))], recipe=IDENTITY_RECIPE)
    vector = descriptors.load(str(path)).describe([Image.new("RGB", size, (10, 20, 30))])[0]
    np.testing.assert_allclose(vector, np.array([10, 20, 30]) / np.sqrt(1400), rtol=1e-5)


def test_no_images(tmp_path: Path) -> None:
    assert descriptors.load(str(save_identity(tmp_path / "net.onnx"))).describe([]).shape == (0, 3)


def test_model_of_one_image_at_a_time(tmp_path: Path) -> None:
    descriptor = descriptors.load(str(save_identity(tmp_path / "net.onnx", input_shape=(1, 3, "h", "w"))))
    images = [noise(40, 40, seed) for seed in range(3)]
    expected = [expected_vector(np.asarray(image), "gem") for image in images]
    np.testing.assert_allclose(descriptor.describe(images), expected, rtol=2e-6)


@pytest.mark.parametrize(
    ("recipe", "shape", "message"),
    [
        (
            IDENTITY_RECIPE,
            ("n", 3, 224, 224),
            "takes images of 224 x 224 only: export it with dynamic height and width",
        ),
        (IDENTITY_RECIPE, ("n", 1, "h", "w"), r"rgb needs an input of \(n, 3, height, width\)"),
        (
            IDENTITY_RECIPE.replace('"image"', '"data"'),
            ("n", 3, "h", "w"),
            "input must be one of the model's inputs, image",
        ),
        (
            IDENTITY_RECIPE.replace('"map"', '"fire9"'),
            ("n", 3, "h", "w"),
            "output must be one of the model's outputs, map",
        ),
    ],
)
def test_model_and_recipe_must_fit(tmp_path: Path, recipe: str, shape: tuple[Any, ...], message: str) -> None:
    path = save_identity(tmp_path / "net.onnx", recipe=recipe, input_shape=shape)
    with pytest.raises(ValueError, match=message):
        descriptors.load(str(path))


def test_output_must_be_a_finite_map(tmp_path: Path) -> None:
    flat = [helper.make_node("Flatten", ["image"], ["map"])]
    path = save_model(tmp_path / "flat.onnx", flat, [("map", ("n", "d"))], recipe=IDENTITY_RECIPE)
    with pytest.raises(ValueError, match=r"flat.onnx: map must have 4 dimensions for kind activation-map"):
        descriptors.load(str(path)).describe([noise(40, 40)])
    log = [helper.make_node("Log", ["image"], ["map"])]
    path = save_model(tmp_path / "log.onnx", log, [("map", ("n", 3, "h", "w"))], recipe=IDENTITY_RECIPE)
    with pytest.raises(ValueError, match=r"log.onnx: map holds NaN or infinite values"):
        descriptors.load(str(path)).describe([Image.new("RGB", (40, 40))])


def test_dense_network_gives_no_vector(tmp_path: Path) -> None:
    path = save_dense(tmp_path / "dense.onnx")
    with pytest.raises(ValueError, match="kind dense-local gives no global descriptor"):
        NetworkDescriptor(Network(path))
    with pytest.raises(ValueError, match="kind dense-local gives no global descriptor"):
        descriptors.load(f"{path}:gem")


def test_spec_makes_the_same_descriptor_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_identity(tmp_path / "net.onnx")
    monkeypatch.chdir(tmp_path)
    descriptor = descriptors.load("net.onnx:mac", image_size=48)
    assert descriptor.name == "net.onnx:mac"
    spec = json.loads(json.dumps(descriptor.spec()))
    assert spec["recipe"]["licence"] == ""
    monkeypatch.chdir("/")
    again = descriptors.from_spec(spec)
    assert (again.name, again.head, again.image_size, again.spec()) == ("net.onnx:mac", "mac", 48, descriptor.spec())
    save_identity(path, recipe=IDENTITY_RECIPE + "p = 2.0\n")
    with pytest.raises(ValueError, match=r"net\.onnx: the network has changed: sha256"):
        descriptors.from_spec(spec)


def test_a_recipe_that_changed_is_another_descriptor(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx", recipe=None)
    beside = path.with_suffix(".toml")
    beside.write_text(IDENTITY_RECIPE)
    descriptor = descriptors.load(f"{path}:gem")
    spec = json.loads(json.dumps(descriptor.spec()))
    beside.write_text(IDENTITY_RECIPE.replace('"identity"', '"renamed"') + 'licence = "MIT"\n')  # the vectors stay
    assert descriptors.from_spec(spec).name == descriptor.name
    for old, new, message in [
        ('"rgb"', '"bgr"', 'colour is "bgr", recorded "rgb"'),
        ("std = [1.0, 1.0, 1.0]", "std = [1.0, 1.0, 2.0]", r"std is \[1.0, 1.0, 2.0\], recorded \[1.0, 1.0, 1.0\]"),
    ]:
        beside.write_text(IDENTITY_RECIPE.replace(old, new))
        with pytest.raises(ValueError, match=rf"net\.onnx: its recipe has changed: {message}"):
            descriptors.from_spec(spec)


# Sessions.


def test_session_reports_itself(tmp_path: Path) -> None:
    session = Session(save_identity(tmp_path / "net.onnx"), provider="cpu", num_threads=1)
    assert session.provider == "cpu"
    assert session.inputs == {"image": (None, 3, None, None)}
    assert "identity" in session.metadata["hcbir.recipe"]
    assert len(session.sha256) == 64
    with pytest.raises(ValueError, match=r"^net\.onnx does not run on image \(1, 2, 8, 8\): "):
        session.run(["map"], {"image": np.zeros((1, 2, 8, 8), np.float32)})


def test_unusable_models(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"bad\.onnx: not a model that ONNX Runtime reads: "):
        descriptors.load(str(tmp_path / "bad.onnx"))
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx: no such file"):
        descriptors.load(str(tmp_path / "missing.onnx"))
    with pytest.raises(ValueError, match=r"bare\.onnx: no recipe"):
        descriptors.load(str(save_identity(tmp_path / "bare.onnx", recipe=None)))


def test_options_are_checked(tmp_path: Path) -> None:
    path = str(save_identity(tmp_path / "net.onnx"))
    with pytest.raises(ValueError, match="provider must be one of 'auto', 'cuda', 'cpu', got 'gpu'"):
        descriptors.load(path, provider="gpu")
    with pytest.raises(ValueError, match="num_threads must be a whole number of at least 1, got 0"):
        descriptors.load(path, num_threads=0)


class FakeRuntime:
    """An ONNX Runtime that offers CUDA and gives sessions that run on the named provider."""

    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, works: bool, failure: str = "", *, later: bool = False) -> None:
        self.works = works
        self.failure = failure
        self.later = later  # the convolution that CUDA is tried with runs
        self.tries = 0
        self.cuda_options: list[dict[str, str]] = []
        self.session_options: list[Any] = []  # of networks, on either
        self.preloads = 0

    def preload_dlls(self) -> None:
        print("Failed to load libcudnn.so.9")
        self.preloads += 1

    def get_available_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def InferenceSession(self, model: str | bytes, options: Any, *, providers: list[Any], enable_fallback: int) -> Any:
        assert enable_fallback == 0  # it would print
        is_try = isinstance(model, bytes)
        if not is_try:
            self.session_options.append(options)
        names = [p if isinstance(p, str) else p[0] for p in providers]
        if "CUDAExecutionProvider" in names:
            self.tries += is_try
            if not is_try:
                self.cuda_options.append(providers[0][1])
            if self.failure and not (is_try and self.later):
                raise RuntimeError(self.failure)
            if not self.works:
                names.remove("CUDAExecutionProvider")
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        session.get_providers = lambda: names
        return session


def test_cuda_that_is_offered_and_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_identity(tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(works=False))
    with pytest.warns(RuntimeWarning, match=r"CUDA does not work \(.*\): net\.onnx runs on the CPU"):
        assert Session(path).provider == "cpu"
    with pytest.raises(RuntimeError, match='provider "cuda": CUDA does not work'):
        Session(path, provider="cuda")


def test_cuda_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Tried once a process and set of options, with its libraries loaded first and nothing printed."""
    path = save_identity(tmp_path / "net.onnx")
    runtime = FakeRuntime(works=True)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    assert Session(path).provider == "cuda"
    assert Session(path, provider="cuda").provider == "cuda"
    assert (runtime.tries, runtime.preloads) == (1, 1)
    assert Session(path, provider_options={"device_id": 1}).provider == "cuda"
    assert (runtime.tries, runtime.preloads) == (2, 2)
    assert capsys.readouterr().out == ""


def test_what_cuda_is_tried_with() -> None:
    """It runs: a convolution, since cuDNN is needed for one and for little else."""
    session = onnxruntime.InferenceSession(CONVOLUTION, providers=["CPUExecutionProvider"])
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    [y] = session.run(None, {"x": x})
    assert y.tolist() == [[[[45, 54], [81, 90]]]]  # nine times the middle ones


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux's loader says")
def test_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's library that needs another: real ones, made by the C compiler."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    capi = tmp_path / "onnxruntime" / "capi"
    capi.mkdir(parents=True)

    def compiled(source: str, output: Path, *options: str) -> None:
        command = [
            "gcc",
            "-shared",
            "-fPIC",
            "-o",
            str(output),
            "-Wl,--no-as-needed",
            "-x",
            "c",
            "-",
            "-x",
            "none",
            *options,
        ]
        subprocess.run([*command, *options], input=source, text=True, check=True)

    needed = tmp_path / "libabsent.so.13"
    compiled("int absent(void) { return 0; }", needed, f"-Wl,-soname,{needed.name}")
    compiled("int host(void); int f(void) { return host(); }", capi / "libonnxruntime_providers_cuda.so", str(needed))
    runtime = FakeRuntime(works=True)
    runtime.__file__ = str(capi.parent / "__init__.py")
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    path = save_identity(tmp_path / "net.onnx")
    with pytest.warns(RuntimeWarning, match=r"^CUDA does not work \(libabsent\.so\.13: cannot open shared object file"):
        assert Session(path).provider == "cpu"
    assert runtime.tries == 0  # ONNX Runtime would say it again, in lines of its own
    ctypes.CDLL(str(needed))  # as preload_dlls does; `host`, which is not there, is ONNX Runtime's matter
    monkeypatch.setattr(cuda, "_tried", {})
    assert Session(path).provider == "cuda"


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="built with CUDA")
def test_cuda_that_is_not_built_in(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx")
    with pytest.raises(RuntimeError, match=r'provider "cuda": this ONNX Runtime is built without CUDA: pip install'):
        Session(path, provider="cuda")


def test_bound_buffers_give_the_same_as_a_plain_run(tmp_path: Path) -> None:
    """The way of CUDA, with the CPU as device."""
    session = Session(save_identity(tmp_path / "net.onnx"), provider="cpu")
    image = np.random.default_rng(0).normal(size=(2, 3, 40, 50)).astype(np.float32)
    [plain] = session.run(["map"], {"image": image})
    session.device = Device(onnxruntime, "cpu", 0)
    [bound] = session.run(["map"], {"image": image})
    np.testing.assert_array_equal(plain, bound)
    with pytest.raises(ValueError, match=r"^net\.onnx does not run on image \(1, 2, 8, 8\): "):
        session.run(["map"], {"image": np.zeros((1, 2, 8, 8), np.float32)})


def test_options_of_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_identity(tmp_path / "net.onnx")
    with pytest.raises(
        ValueError, match=r"provider_options are for CUDA, got \{'device_id': 1\} with provider \"cpu\""
    ):
        Session(path, provider="cpu", provider_options={"device_id": 1})
    runtime = FakeRuntime(works=True)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    Session(path, provider_options={"device_id": 1, "cudnn_conv_algo_search": "EXHAUSTIVE"})
    descriptors.load(str(path), provider_options={"gpu_mem_limit": 1 << 30})
    Session(path)
    default = {"cudnn_conv_algo_search": "HEURISTIC"}
    assert runtime.cuda_options == [
        {"cudnn_conv_algo_search": "EXHAUSTIVE", "device_id": "1"},
        default | {"gpu_mem_limit": str(1 << 30)},
        default,
    ]


def test_weights_in_bytes_are_unpacked_once_on_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the CPU has kernels that multiply bytes, for which it keeps them."""
    path = save_identity(tmp_path / "net.onnx")
    runtime = FakeRuntime(works=True)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    Session(path, provider="cuda")
    Session(path, provider="cpu")
    on_cuda, on_cpu = runtime.session_options
    assert on_cuda.get_session_config_entry("session.disable_quant_qdq") == "1"
    with pytest.raises(RuntimeError, match="does not have configuration"):
        on_cpu.get_session_config_entry("session.disable_quant_qdq")


@pytest.mark.parametrize("later", [False, True])
def test_cuda_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: bool) -> None:
    """The reason is passed on; a model that is no model is the model's fault on CUDA too."""
    path = save_identity(tmp_path / "net.onnx")
    runtime = FakeRuntime(works=True, failure="CUDA failure 35: driver too old\nand more", later=later)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    with pytest.warns(
        RuntimeWarning, match=r"^CUDA does not work \(CUDA failure 35: driver too old\): net\.onnx runs on the CPU$"
    ):
        assert Session(path).provider == "cpu"
    with pytest.raises(RuntimeError, match=r'provider "cuda": .*driver too old'):
        Session(path, provider="cuda")
    (tmp_path / "text.onnx").write_text("text")
    for provider in ("auto", "cuda"):
        with pytest.raises(ValueError, match=r"text\.onnx: not a model that ONNX Runtime reads"):
            Session(tmp_path / "text.onnx", provider=provider)


def test_misspelt_option_of_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's words, as it said them on a GPU; no reason to go to the CPU."""
    path = save_identity(tmp_path / "net.onnx")
    failure = (
        "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc:63 static "
        "onnxruntime::CUDAExecutionProviderInfo onnxruntime::CUDAExecutionProviderInfo::FromProviderOptions(const "
        "onnxruntime::ProviderOptions&) [ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:182 Parse Unknown "
        'provider option: "gpu_limit".'
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(works=True, failure=failure))
    with pytest.raises(ValueError, match=r'^provider_options: Unknown provider option: "gpu_limit"$'):
        Session(path, provider_options={"gpu_limit": 1})


def test_missing_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_identity(tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r'onnxruntime is not installed: pip install "hcbir\[cpu\]"'):
        Session(path)


# Real networks.


def mean_ap(similarity: np.ndarray, labels: list[str]) -> float:
    """Rectangle AP over all labelled images, each left out of its own ranking."""
    aps = []
    for query, label in enumerate(labels):
        if label != "_distractors":
            order = [i for i in np.argsort(-similarity[query], kind="stable") if i != query]
            ranks = np.flatnonzero([labels[i] == label for i in order])
            aps.append(((np.arange(len(ranks)) + 1) / (ranks + 1)).mean())
    return float(np.mean(aps))


def test_squeezenet_on_landmarks(shared: Path) -> None:
    baseline = json.loads((shared / "data" / "groundtruth" / "landmarks_baseline.json").read_text())["results"]
    model = shared / "data" / "models" / "squeezenet1_1_imagenet.onnx"
    names = {"gem3": f"{model}:gem", "mac": f"{model}:mac", "spoc": f"{model}:spoc"}
    loaded = {key: descriptors.load(name, image_size=320) for key, name in names.items()}
    described = list(descriptors.describe_files(descriptors.list_images(shared / "data" / "landmarks"), loaded))
    labels = [image.path.parent.name for image in described]
    assert len(labels) == 202
    for key in names:
        vectors = np.stack([image.global_vectors[key] for image in described])
        assert mean_ap(vectors @ vectors.T, labels) == pytest.approx(baseline[key]["map_over_queries"], abs=0.01)


def test_mobilenet_has_unit_vectors(shared: Path) -> None:
    descriptor = descriptors.load(str(shared / "data" / "models" / "mobilenet_v2_1.0_224_imagenet.onnx"))
    vectors = descriptor.describe([noise(160, 96), noise(1, 1)])
    assert vectors.shape == (2, descriptor.dim) == (2, 1280)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
