"""Exported files: what they compute, what they say of themselves, and that a wrong one is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "hcbir[export]"')
pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "hcbir[export]"')

import onnx
from PIL import Image
from published import (
    randomised,
    save_cirtorch,
    tiny_delf,
    tiny_resnet,
    tiny_vgg,
)
from test_models_heads import ORACLE, SIZES, maps, rmac
from torch import nn
from torch.nn.functional import interpolate

import hcbir
from hcbir import descriptors
from hcbir.descriptors.recipes import find_recipe
from hcbir.descriptors.session import Session
from hcbir.models import graph, parity
from hcbir.models.checkpoints import LoadedNetwork, load_retrieval
from hcbir.models.export import Export, ParityError, export_network
from hcbir.models.netvlad import NetVLAD
from hcbir.models.network import Head, RetrievalNetwork, Whitening
from hcbir.models.pooling import RMAC
from hcbir.models.resnet import Bottleneck, ResNet

SCALES = (1.0, 2**-0.5, 0.5)


def loaded(network: nn.Module) -> LoadedNetwork:
    return LoadedNetwork(
        network=network.eval(), architecture="tiny", mean=(128.0,) * 3, std=(64.0,) * 3, sha256="0" * 64
    )


def small_trunk() -> nn.Sequential:
    return randomised(nn.Sequential(nn.Conv2d(3, 8, 3, stride=8), nn.BatchNorm2d(8), nn.ReLU()), 4)


@pytest.fixture(scope="module")
def cirtorch(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedNetwork, Export]:
    """A cirtorch checkpoint of a tiny ResNet, loaded and exported with four heads and three scales."""
    folder = tmp_path_factory.mktemp("cirtorch")
    save_cirtorch(folder / "net.pth", tiny_resnet(), p=2.7)
    network = load_retrieval(
        folder / "net.pth", trunk=ResNet(Bottleneck, (2, 1, 1, 1), width=4), heads=["gem", "mac", "spoc", "rmac"]
    )
    exported = export_network(
        network, folder / "net.onnx", name="tiny gem", scales=SCALES, image_size=320, licence="MIT", source="here"
    )
    return network, exported


def test_parity_at_many_sizes(cirtorch: tuple[LoadedNetwork, Export]) -> None:
    result = cirtorch[1].parity
    assert len(result.by_size) >= 20
    assert len({round(h / w, 1) for h, w in result.by_size}) >= 8
    assert result.outputs == ["gem", "mac", "spoc", "rmac"]
    for output in result.outputs:
        assert result.worst(output).maximum <= 1e-5
        assert result.worst(output).cosine >= 0.999999
    assert len(result.report().splitlines()) == len(result.by_size) + 2


def test_the_file_describes_itself(cirtorch: tuple[LoadedNetwork, Export]) -> None:
    network, exported = cirtorch
    session = Session(exported.path, provider="cpu")
    recipe = find_recipe(exported.path, session.metadata)
    assert recipe == exported.recipe
    assert (recipe.kind, recipe.name, recipe.image_size, recipe.scales) == ("global", "tiny gem", 320, SCALES)
    assert recipe.mean == pytest.approx((123.675, 116.28, 103.53))
    assert {name: (head.output, head.dim) for name, head in recipe.heads.items()} == {
        name: (name, 128) for name in ("gem", "mac", "spoc", "rmac")
    }
    assert [head.power for head in recipe.heads.values()] == [pytest.approx(2.7), 1, 1, 1]
    assert (recipe.licence, recipe.source, recipe.source_sha256) == ("MIT", "here", network.sha256)
    assert recipe.hcbir_version == hcbir.__version__
    assert recipe.exported == "ResNet; gem, mac, spoc, rmac; fp32"
    assert session.inputs == {"image": (None, 3, None, None)}


def test_the_file_says_nothing_of_where_it_was_made(cirtorch: tuple[LoadedNetwork, Export]) -> None:
    content = cirtorch[1].path.read_bytes()
    assert b"stack_trace" not in content
    assert b"python" not in content
    assert sorted(path.name for path in cirtorch[1].path.parent.iterdir()) == ["net.onnx", "net.pth"]


def test_several_scales(cirtorch: tuple[LoadedNetwork, Export]) -> None:
    """The means over scales of the file's vectors are those of the network's, as cirtorch takes them."""
    network, exported = cirtorch
    session = Session(exported.path, provider="cpu")
    image = parity.random_images(1, 203, 160, mean=network.mean, std=network.std, seed=1)
    for i, (name, head) in enumerate(exported.recipe.heads.items()):
        vectors = np.stack([session.run([name], {"image": x.numpy()})[0][0] for x in at_scales(image)]).astype(float)
        actual = np.mean(vectors**head.power, axis=0) ** (1 / head.power)
        expected = multi_scale(network, image, i, head.power)
        np.testing.assert_allclose(actual / np.linalg.norm(actual), expected, atol=1e-5)


def at_scales(image: torch.Tensor) -> list[torch.Tensor]:
    return [image, *(interpolate(image, scale_factor=s, mode="bilinear", align_corners=False) for s in SCALES[1:])]


def multi_scale(network: LoadedNetwork, image: torch.Tensor, head: int, power: float) -> np.ndarray:
    """cirtorch's extract_ms in words: the mean over scales of the vectors' powers, its root, unit length."""
    with torch.inference_mode():
        vectors = [network.network(x)[head][0] ** power for x in at_scales(image)]
        mean = (sum(vectors) / len(vectors)) ** (1 / power)
        return (mean / mean.norm()).numpy()


def test_descriptors_of_the_file_are_those_of_the_network(cirtorch: tuple[LoadedNetwork, Export]) -> None:
    """The whole way of an image, preparation and three scales included."""
    network, exported = cirtorch
    pixels = np.random.default_rng(0).integers(0, 256, (90, 141, 3), dtype=np.uint8)
    image = torch.tensor((pixels - np.array(network.mean)) / np.array(network.std)).permute(2, 0, 1)[None].float()
    for i, (name, head) in enumerate(exported.recipe.heads.items()):
        (vector,) = descriptors.load(f"{exported.path}:{name}", provider="cpu").describe([Image.fromarray(pixels)])
        np.testing.assert_allclose(vector, multi_scale(network, image, i, head.power), atol=1e-5)


def test_rmacs_regions_follow_the_input_in_the_graph(tmp_path: Path) -> None:
    """The trunk is the identity, so that the input is the activation map."""
    trunk = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.dirac_(trunk.weight)
    network = RetrievalNetwork(trunk, {"rmac": Head(RMAC(), 3)}).eval()
    graph.save(graph.to_onnx(network, ["rmac"]), tmp_path / "rmac.onnx", recipe="")
    session = Session(tmp_path / "rmac.onnx", provider="cpu")
    for size in {*ORACLE, *SIZES, (40, 9), (64, 64), (13, 100)}:
        x = maps(2, 3, *size)
        (vectors,) = session.run(["rmac"], {"image": x})
        np.testing.assert_allclose(vectors, [rmac(image) for image in x], atol=2e-6, err_msg=str(size))


def test_netvlad_with_whitening(tmp_path: Path) -> None:
    trunk = tiny_vgg(last_relu=False)
    pooling = randomised(NetVLAD(trunk.dim, 6), 1)
    head = Head(pooling, trunk.dim, randomised(Whitening(pooling.dim, 9), 2))
    network = loaded(RetrievalNetwork(trunk, {"netvlad": head}))
    exported = export_network(network, tmp_path / "netvlad.onnx", name="tiny netvlad")
    assert exported.parity.worst("netvlad").maximum <= 1e-5
    assert exported.recipe.heads["netvlad"].dim == 9
    assert exported.recipe.scales == (1,)


def test_delf(tmp_path: Path) -> None:
    network = loaded(tiny_delf())
    exported = export_network(network, tmp_path / "delf.onnx", name="tiny delf")
    assert exported.parity.outputs == ["descriptors", "scores"]
    assert exported.parity.worst("descriptors").maximum <= 1e-5
    assert exported.parity.worst("scores").maximum <= 1e-4
    recipe = find_recipe(exported.path, Session(exported.path, provider="cpu").metadata)
    assert (recipe.kind, recipe.descriptor_output, recipe.score_output) == ("delf", "descriptors", "scores")
    assert (recipe.receptive_field, recipe.stride, recipe.padding) == (291, 32, 145)
    assert (recipe.score_threshold, recipe.max_features, recipe.min_side) == (100, 1000, 10)
    assert (recipe.scales, recipe.descriptor_dim) == ((0.25, 0.3536, 0.5, 0.7071, 1, 1.4142, 2), 64)


def test_delf_of_the_file_describes_as_the_network(tmp_path: Path) -> None:
    """Keypoints, scores and descriptors of the descriptor that runs the file are those of torch's maps."""
    network = loaded(tiny_delf())
    path = export_network(network, tmp_path / "delf.onnx", name="tiny delf", scales=(1.0,)).path
    model = onnx.load(path)
    recipe = next(entry for entry in model.metadata_props if entry.key == "hcbir.recipe")
    recipe.value = "score_threshold = 0.0\n" + recipe.value  # random weights: low scores
    onnx.save(model, path)
    pixels = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    found = descriptors.describe_image(Image.fromarray(pixels), {"delf": descriptors.load(str(path))})
    features = found.local_features["delf"]

    tensor = (torch.from_numpy(pixels).permute(2, 0, 1)[None].float() - 128) / 64
    with torch.no_grad():
        columns, scores = (values[0].numpy() for values in network.network(tensor))
    places = [(x, y) for y in range(3) for x in range(5)]
    order = sorted(range(15), key=lambda i: -scores[0, places[i][1], places[i][0]])
    np.testing.assert_allclose(features.keypoints, [(32 * places[i][0], 32 * places[i][1]) for i in order])
    np.testing.assert_allclose(features.scores, [scores[0, places[i][1], places[i][0]] for i in order], rtol=1e-3)
    expected = np.stack([columns[:, places[i][1], places[i][0]] for i in order])
    np.testing.assert_allclose(features.descriptors, expected, atol=1e-5)


def test_half_precision(tmp_path: Path) -> None:
    trunk = small_trunk()
    network = loaded(RetrievalNetwork(trunk, {"rmac": Head(RMAC(), 8)}))
    exported = export_network(network, tmp_path / "half.onnx", name="half", precision="fp16")
    assert exported.parity.worst("rmac").cosine >= 0.999
    assert exported.recipe.exported == "tiny; rmac; fp16"
    assert trunk[0].weight.dtype == torch.float32
    weights = onnx.load(exported.path).graph.initializer
    types = [weight.data_type for weight in weights if weight.name.startswith("trunk.")]
    assert types
    assert set(types) == {onnx.TensorProto.FLOAT16}


def test_eight_bits(cirtorch: tuple[LoadedNetwork, Export], tmp_path: Path) -> None:
    network = cirtorch[0]
    images = [
        parity.random_images(1, 96, 128, mean=network.mean, std=network.std, seed=seed).numpy() for seed in range(4)
    ]
    exported = export_network(network, tmp_path / "int8.onnx", name="tiny int8", precision="int8", calibration=images)
    assert all(exported.parity.worst(output).cosine > 0.98 for output in exported.parity.outputs)
    assert find_recipe(exported.path, Session(exported.path).metadata) == exported.recipe
    assert exported.recipe.exported.endswith("; int8")
    model = onnx.load(exported.path)
    maker = {output: node for node in model.graph.node for output in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    dequantised = [maker[node.input[1]].op_type if node.input[1] in maker else "" for node in convolutions]
    assert dequantised[0] == dequantised[-1] == ""
    assert set(dequantised[1:-1]) == {"DequantizeLinear"}
    weights = [onnx.numpy_helper.to_array(w) for w in model.graph.initializer if w.data_type == onnx.TensorProto.INT8]
    largest = max(int(np.abs(weight.astype(int)).max()) for weight in weights if weight.ndim == 4)
    assert 32 < largest <= 64  # two products with activations up to 255 fit into 16 bits


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"precision": "fp8"}, "precision must be one of fp32, fp16, int8, got 'fp8'"),
        ({"precision": "int8"}, "calibration must be given for int8"),
        ({"calibration": []}, "calibration must be given for int8 and for nothing else"),
        ({"scales": (0.0,)}, "scales must be"),
        ({"image_size": 0}, "image_size must be"),
    ],
)
def test_wrong_options(tmp_path: Path, keywords: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        export_network(loaded(tiny_delf()), tmp_path / "x.onnx", name="x", **keywords)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        export_network(loaded(tiny_delf()), tmp_path / "nowhere" / "x.onnx", name="x")
    assert list(tmp_path.iterdir()) == []


class _FrozenMean(nn.Module):
    """The classic mistake: what depends on the size is computed outside of tensors."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = torch.full((), 3 * 4) if torch.compiler.is_exporting() else x.shape[2] * x.shape[3]
        return x.sum((2, 3)) / places + x.amax((2, 3))


def test_a_model_that_differs_is_not_written(tmp_path: Path) -> None:
    network = loaded(RetrievalNetwork(small_trunk(), {"frozen": Head(_FrozenMean(), 8)}))
    with pytest.raises(ParityError, match="frozen differs from torch by"):
        export_network(network, tmp_path / "x.onnx", name="x")
    assert list(tmp_path.iterdir()) == []


def test_difference() -> None:
    a, b = np.array([[3.0, 4.0]], np.float32), np.array([[4.0, 3.0]], np.float32)
    found = parity.difference(a, b)
    assert found.maximum == pytest.approx(1 / 4)
    assert found.cosine == pytest.approx(24 / 25)
    assert parity.difference(a[:, :1], b[:, :1]) == parity.Difference(pytest.approx(1 / 4), 1)
    with pytest.raises(ValueError, match="must have the shape of expected"):
        parity.difference(a, b[:, :1])


@pytest.mark.skipif(not os.environ.get("HCBIR_SLOW"), reason="takes a minute: set HCBIR_SLOW=1")
def test_resnet101_of_cirtorch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    from hcbir.models.resnet import resnet

    save_cirtorch(tmp_path / "net.pth", resnet("resnet101"), architecture="resnet101")
    network = load_retrieval(tmp_path / "net.pth", heads=["gem", "mac", "spoc", "rmac"])
    exported = export_network(network, tmp_path / "net.onnx", name="resnet101", scales=SCALES)
    assert all(exported.parity.worst(output).maximum <= 1e-5 for output in exported.parity.outputs)
    assert exported.recipe.heads["gem"].dim == 2048
