"""Loaders, on files of the published structure that are made here."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "hcbir[export]"')
pytest.importorskip("scipy", reason='needs scipy: pip install "hcbir[export]"')

from published import (
    delf_variables,
    randomised,
    save_cirtorch,
    save_netvlad,
    tiny_basic_resnet,
    tiny_delf,
    tiny_resnet,
    tiny_vgg,
)
from tensorflow_files import datum, save_bundle, save_published_delf
from torch import nn

from hcbir.models.checkpoints import (
    load_delf,
    load_netvlad,
    load_pca,
    load_retrieval,
    read_learned_whitening,
    read_torch,
)
from hcbir.models.checkpoints.summary import summarise
from hcbir.models.delf import DELF, DELFTrunk
from hcbir.models.netvlad import NetVLAD
from hcbir.models.resnet import Bottleneck, ResNet
from hcbir.models.vgg import VGG16

IMAGE = torch.rand(1, 3, 70, 90, generator=torch.Generator().manual_seed(3))


def empty_resnet() -> ResNet:
    return ResNet(Bottleneck, (2, 1, 1, 1), width=4)


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / (x.norm(dim=1, keepdim=True) + 1e-6)


@pytest.mark.parametrize("legacy", [True, False])
def test_cirtorch(tmp_path: Path, legacy: bool) -> None:
    original = tiny_resnet()
    save_cirtorch(tmp_path / "net.pth", original, p=2.9, legacy=legacy, mean=[0.5, 0.4, 0.3])
    loaded = load_retrieval(tmp_path / "net.pth", trunk=empty_resnet())
    assert loaded.mean == pytest.approx((127.5, 102, 76.5))
    assert loaded.std == pytest.approx((58.395, 57.12, 57.375))
    with torch.inference_mode():
        (gem,) = loaded.network(IMAGE)
        expected = original(IMAGE).clamp(min=1e-6).pow(2.9).mean((2, 3)).pow(1 / 2.9)
    torch.testing.assert_close(gem, unit(expected), atol=1e-6, rtol=0)
    assert loaded.network.heads["gem"].power == pytest.approx(2.9)


def test_cirtorch_with_trained_whitening(tmp_path: Path) -> None:
    original = tiny_resnet()
    state = save_cirtorch(tmp_path / "net.pth", original, whiten_dim=5)["state_dict"]
    loaded = load_retrieval(tmp_path / "net.pth", trunk=empty_resnet(), heads=["mac", "gem"])
    with torch.inference_mode():
        mac, gem = loaded.network(IMAGE)
        plain = load_retrieval(tmp_path / "net.pth", trunk=empty_resnet(), whiten=False).network(IMAGE)[0]
    torch.testing.assert_close(gem, unit(plain @ state["whiten.weight"].T + state["whiten.bias"]), atol=1e-6, rtol=0)
    assert mac.shape == (1, original.dim)
    assert [head.power for head in loaded.network.heads.values()] == [1, 1]
    with pytest.raises(ValueError, match="its whitening belongs to gem"):
        load_retrieval(tmp_path / "net.pth", trunk=empty_resnet(), heads=["mac"])


def test_learned_whitening(tmp_path: Path) -> None:
    meta = save_cirtorch(tmp_path / "net.pth", tiny_resnet())["meta"]
    whitening = read_learned_whitening(tmp_path / "net.pth", "retrieval-SfM-120k", several_scales=True)
    assert whitening.provenance["scales"] == "ms"
    vectors = np.random.default_rng(0).normal(size=(128, 4))
    stored = meta["Lw"]["retrieval-SfM-120k"]["ms"]
    expected = stored["P"] @ (vectors - stored["m"])
    expected /= np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(whitening.apply(vectors.T.astype(np.float32)), expected.T, atol=1e-5)
    del meta["Lw"]["retrieval-SfM-120k"]["ss"]
    torch.save({"meta": meta, "state_dict": {}}, tmp_path / "net.pth")
    for dataset, several in (("elsewhere", True), ("retrieval-SfM-120k", False)):
        with pytest.raises(ValueError, match=r"retrieval-SfM-120k \(ms\), got"):
            read_learned_whitening(tmp_path / "net.pth", dataset, several_scales=several)


def test_trunks_of_torchvision_and_of_cirtorch_alone(tmp_path: Path) -> None:
    for original, empty in ((tiny_resnet(), empty_resnet()), (tiny_vgg(), VGG16(divisor=32))):
        state = original.state_dict()
        prefix, classifier = ("", "fc") if isinstance(original, ResNet) else ("features.", "classifier.6")
        torch.save(state | {f"{classifier}.weight": torch.zeros(9, 9)}, tmp_path / "torchvision.pth")
        alone = {name.removeprefix("features."): value for name, value in state.items()}
        if not prefix:
            numbers = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
            alone = {".".join([numbers[n.split(".")[0]], *n.split(".")[1:]]): value for n, value in state.items()}
        torch.save(alone, tmp_path / "alone.pth")
        for name in ("torchvision", "alone"):
            loaded = load_retrieval(tmp_path / f"{name}.pth", trunk=empty, heads=["spoc"])
            with torch.inference_mode():
                torch.testing.assert_close(loaded.network(IMAGE)[0], unit(original(IMAGE).mean((2, 3))))


def test_basic_blocks_keep_torchvisions_names(tmp_path: Path) -> None:
    names = set(tiny_basic_resnet().state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.0.conv2.weight", "layer4.0.downsample.1.bias"} <= names
    assert "layer1.0.downsample.0.weight" not in names


def test_real_trunks_have_the_published_number_of_weights() -> None:
    """torchvision's counts of parameters, less the classifier's."""
    from hcbir.models.checkpoints.retrieval import TRUNKS

    counts = {"resnet18": 11_176_512, "resnet50": 23_508_032, "resnet101": 42_500_160, "vgg16": 14_714_688}
    with torch.device("meta"):
        assert {name: sum(p.numel() for p in make().parameters()) for name, make in TRUNKS.items()} == counts


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    content = save_cirtorch(path, tiny_resnet(), legacy=False)
    state = content["state_dict"]
    state["features.9.weight"] = state.pop("features.7.0.conv2.weight")
    state["features.0.weight"] = torch.zeros(4, 3, 3, 3)
    state["features.1.bias"][0] = float("nan")
    torch.save(content, path)
    with pytest.raises(ValueError, match="do not fit") as error:
        load_retrieval(path, trunk=empty_resnet())
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    for part in (
        "missing: layer4.0.conv2.weight",
        "unexpected: features.9.weight",
        "of the wrong shape: conv1.weight (4, 3, 3, 3) instead of (4, 3, 7, 7)",
        "not finite: bn1.bias",
    ):
        assert part in message


def test_a_real_trunk_does_not_take_a_tiny_one(tmp_path: Path) -> None:
    save_cirtorch(tmp_path / "net.pth", tiny_resnet(), architecture="resnet50")
    with pytest.raises(ValueError, match=r"missing: layer1\.1\.|missing: layer1\.2\..* and \d+ more"):
        load_retrieval(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"heads": ["gem", "netvlad"]}, "heads must be some of gem, mac, spoc, rmac, each once, got gem, netvlad"),
        ({"heads": []}, "heads must be"),
        ({"trunk": "vgg16"}, "trunk must be resnet50, which .* was trained with, got 'vgg16'"),
    ],
)
def test_wrong_options(tmp_path: Path, keywords: dict[str, object], message: str) -> None:
    save_cirtorch(tmp_path / "net.pth", tiny_resnet())
    with pytest.raises(ValueError, match=message):
        load_retrieval(tmp_path / "net.pth", **{"trunk": empty_resnet(), **keywords})


def test_a_trunk_must_be_known(tmp_path: Path) -> None:
    torch.save(tiny_resnet().state_dict(), tmp_path / "net.pth")
    with pytest.raises(ValueError, match="trunk must be given, one of vgg16"):
        load_retrieval(tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"trunk must be one of vgg16.* got 'resnet34'"):
        load_retrieval(tmp_path / "net.pth", trunk="resnet34")


@pytest.mark.parametrize("key", ["regional", "local_whitening"])
def test_regional_networks_are_refused(tmp_path: Path, key: str) -> None:
    save_cirtorch(tmp_path / "net.pth", tiny_resnet(), **{key: True})
    with pytest.raises(ValueError, match="not supported"):
        load_retrieval(tmp_path / "net.pth", trunk=empty_resnet())


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("legacy", [True, False])
def test_no_pickle_is_executed(tmp_path: Path, legacy: bool) -> None:
    target = tmp_path / "executed"
    content = {"meta": _Bomb(target), "state_dict": {}}
    torch.save(content, tmp_path / "bomb.pth", _use_new_zipfile_serialization=not legacy)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(content))
    for name in ("bomb.pth", "plain.pth"):
        with pytest.raises(ValueError, match="not a file of tensors that torch reads safely"):
            read_torch(tmp_path / name)
    assert not target.exists()
    pickle.loads((tmp_path / "plain.pth").read_bytes())
    assert target.exists()  # it would have gone off


@pytest.mark.parametrize("suffix", [".pth", ".npz", ".mat"])
def test_truncated_empty_and_missing_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    load = {".pth": lambda p: load_retrieval(p, trunk=empty_resnet()), ".npz": load_delf, ".mat": load_netvlad}[suffix]
    with pytest.raises(FileNotFoundError, match="net"):
        load(path)
    if suffix == ".pth":
        save_cirtorch(path, tiny_resnet(), legacy=False)
    elif suffix == ".npz":
        np.savez(path, **delf_variables(tiny_delf()))
    else:
        write_netvlad(path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"not a file of weights at all, but words" * 10):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"net\."):
            load(path)


def write_netvlad(path: Path) -> tuple[VGG16, NetVLAD, nn.Linear]:
    trunk = tiny_vgg(last_relu=False)
    parts = (trunk, randomised(NetVLAD(trunk.dim, 6), 1), randomised(nn.Linear(trunk.dim * 6, 7), 2))
    save_netvlad(path, *parts)
    return parts


def test_netvlad(tmp_path: Path) -> None:
    trunk, pooling, whitening = write_netvlad(tmp_path / "net.mat")
    loaded = load_netvlad(tmp_path / "net.mat", trunk=VGG16(last_relu=False, divisor=32))
    assert (loaded.mean, loaded.std) == ((123, 117, 104), (1, 1, 1))
    with torch.inference_mode():
        expected = pooling(trunk(IMAGE * 100))
        torch.testing.assert_close(loaded.network(IMAGE * 100)[0], expected)
        torch.testing.assert_close(loaded.network.heads["netvlad"].pooling.centers, pooling.centers)
        whitened = load_netvlad(tmp_path / "net.mat", whiten=True, trunk=VGG16(last_relu=False, divisor=32))
        torch.testing.assert_close(whitened.network(IMAGE * 100)[0], unit(whitening(expected)))


def test_netvlad_of_another_structure(tmp_path: Path) -> None:
    from scipy.io import savemat

    path = tmp_path / "net.mat"
    savemat(path, {"other": np.ones(3)})
    with pytest.raises(ValueError, match=r"must hold net\.layers"):
        load_netvlad(path)
    write_netvlad(path)
    with pytest.raises(ValueError, match=r"of the wrong shape: features\.0\.weight \(2, 3, 3, 3\) instead of \(64, "):
        load_netvlad(path)


@pytest.mark.parametrize("name", ["delf.npz", "delf"])
def test_delf(tmp_path: Path, name: str) -> None:
    original = tiny_delf()
    variables = delf_variables(original)
    np.savez(tmp_path / "delf.npz", **variables)
    save_bundle(tmp_path / "delf" / "variables" / "variables", variables)
    loaded = load_delf(tmp_path / name, network=empty_delf())
    assert (loaded.mean, loaded.std) == ((128,) * 3, (128,) * 3)
    with torch.inference_mode():
        for actual, expected in zip(loaded.network(IMAGE), original(IMAGE), strict=True):
            torch.testing.assert_close(actual, expected)


def empty_delf() -> DELF:
    return DELF(DELFTrunk(width=4, layers=(2, 3, 2)), attention_width=8)


def test_delf_with_other_variables(tmp_path: Path) -> None:
    variables = delf_variables(tiny_delf())
    del variables["resnet_v1_50/block2/unit_1/bottleneck_v1/shortcut/BatchNorm/gamma"]
    variables["resnet_v1_50/block3/unit_9/bottleneck_v1/conv1/weights"] = np.zeros(3, np.float32)
    np.savez(tmp_path / "delf.npz", **variables)
    with pytest.raises(ValueError, match="do not fit") as error:
        load_delf(tmp_path / "delf.npz", network=empty_delf())
    assert "missing: resnet_v1_50/block2/unit_1/bottleneck_v1/shortcut/BatchNorm/gamma; " in str(error.value)
    assert "unexpected: resnet_v1_50/block3/unit_9/bottleneck_v1/conv1/weights" in str(error.value)
    np.savez(tmp_path / "delf.npz", **{"a/weights": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="numeric arrays"):
        load_delf(tmp_path / "delf.npz", network=empty_delf())


@pytest.mark.parametrize("whiten", [False, True])
def test_delf_pca(tmp_path: Path, shared: Path, whiten: bool) -> None:
    import json

    content = json.loads((shared / "data/groundtruth/delf_numeric_cases.json").read_text())
    (case,) = (case for case in content["cases"] if case["id"] == "pca_whitening")
    dim = case["output_dim"]
    np.savez(tmp_path / "pca.npz", mean=case["mean"], matrix=case["matrix"][:dim], variances=case["variances"])
    pca = load_pca(tmp_path / "pca.npz", in_channels=3, whiten=whiten)
    expected = np.array(case["expected"], float) * (1 if whiten else np.sqrt(case["variances"]))
    data = torch.tensor(case["data"], dtype=torch.float32)[:, :, None, None]
    with torch.inference_mode():
        np.testing.assert_allclose(pca.projection(data)[:, :, 0, 0], expected, atol=1e-5)
        units = pca(data)[:, :, 0, 0]
    np.testing.assert_allclose(units, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


def test_pca_of_another_size(tmp_path: Path) -> None:
    np.savez(tmp_path / "pca.npz", mean=np.zeros(3), matrix=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"mean must be \(8,\) and matrix \(dim, 8\), got mean \(3,\)"):
        load_pca(tmp_path / "pca.npz", in_channels=8)
    with pytest.raises(ValueError, match="variances is missing"):
        load_pca(tmp_path / "pca.npz", in_channels=3, whiten=True)


def published_delf(folder: Path) -> tuple[DELF, dict[str, np.ndarray], Path]:
    """A network, the PCA beside it, and what is published of both: a folder, and an archive of it."""
    network, rng = tiny_delf(), np.random.default_rng(3)
    dim = network.trunk.dim
    pca = {
        "mean.datum": rng.normal(size=(1, dim)).astype(np.float32) * 0.05,
        "pca_proj_mat.datum": np.linalg.qr(rng.normal(size=(dim, dim)))[0].astype(np.float32),
        "pca_vars.datum": rng.uniform(0.1, 2, size=dim).astype(np.float32),
    }
    save_published_delf(folder / "delf_v1", delf_variables(network), pca, archive=folder / "delf_v1.tar.gz")
    return network, pca, folder / "delf_v1"


def projected(raw: np.ndarray, pca: dict[str, np.ndarray], dim: int, *, whiten: bool) -> np.ndarray:
    """(n, c) activations -> (n, dim) by DELF's definition, place by place."""
    rows = []
    for activation in raw.astype(np.float64):
        centred = activation / np.linalg.norm(activation) - pca["mean.datum"][0]
        row = [np.dot(pca["pca_proj_mat.datum"][i], centred) for i in range(dim)]
        if whiten:
            row = [value / np.sqrt(pca["pca_vars.datum"][i]) for i, value in enumerate(row)]
        rows.append(np.array(row) / np.linalg.norm(row))
    return np.array(rows)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize(
    "path", ["", "model", "model/variables/variables", "model/variables/variables.index", ".tar.gz"]
)
def test_published_delf_brings_its_pca(tmp_path: Path, path: str, whiten: bool) -> None:
    network, pca, folder = published_delf(tmp_path)
    weights = folder / path if path != ".tar.gz" else folder.with_name("delf_v1.tar.gz")
    loaded = load_delf(weights, pca_dim=5, whiten_pca=whiten, network=empty_delf())
    with torch.inference_mode():
        descriptors, scores = loaded.network(IMAGE)
        raw = network.trunk(IMAGE)
        torch.testing.assert_close(scores, network(IMAGE)[1])
    n, _, h, w = raw.shape
    assert descriptors.shape == (n, 5, h, w)
    actual, given = (x.permute(0, 2, 3, 1).flatten(0, 2).numpy() for x in (descriptors, raw))
    np.testing.assert_allclose(actual, projected(given, pca, 5, whiten=whiten), atol=2e-6)
    assert loaded.architecture == f"resnet50 to block3, {'whitening ' if whiten else ''}PCA to 5"
    plain = load_delf(weights, network=empty_delf())
    assert (plain.network.dim, plain.architecture) == (network.trunk.dim, "resnet50 to block3")
    assert (plain.sha256 == loaded.sha256) == (path == ".tar.gz")


def test_published_pca_that_does_not_fit(tmp_path: Path) -> None:
    network, _, folder = published_delf(tmp_path)
    dim = network.trunk.dim

    def refused(message: str, error: type[Exception] = ValueError, **options: Any) -> None:
        with pytest.raises(error, match=message):
            load_delf(folder, network=empty_delf(), **options)

    refused(rf"delf_v1/pca: dim must be 1 to {dim}, the rows of the matrix, got {dim + 1}", pca_dim=dim + 1)
    refused("dim must be 1 to", pca_dim=0)
    refused("whiten_pca is of a PCA: pca or pca_dim must be given", whiten_pca=True)
    refused("elsewhere: no such PCA", FileNotFoundError, pca=tmp_path / "elsewhere")
    (folder / "pca" / "pca_vars.datum").unlink()
    assert load_delf(folder, pca_dim=3, network=empty_delf()).network.dim == 3
    refused(r"variances \(pca/pca_vars\.datum\) is missing; found: mean, matrix", pca_dim=3, whiten_pca=True)
    mean = folder / "pca" / "mean.datum"
    whole = mean.read_bytes()
    mean.write_bytes(whole[:-9])
    refused(r"pca/mean\.datum: not an array of floats as DELF writes it .*truncated", pca_dim=3)
    mean.write_bytes(datum(np.zeros(dim - 1, np.float32)))
    refused(rf"mean must be \({dim},\) and matrix \(dim, {dim}\), got mean \({dim - 1},\)", pca_dim=3)
    mean.write_bytes(datum(np.full(dim, np.nan, np.float32)))
    refused("not finite: projection.bias", pca_dim=3)
    mean.unlink()
    refused(r"delf_v1/pca: mean \(pca/mean\.datum\) is missing; found: matrix", pca_dim=3)
    with tarfile.open(tmp_path / "without.tar.gz", "w:gz") as archive:
        archive.add(folder / "model", "delf_v1/model")
    with pytest.raises(ValueError, match=r"without\.tar\.gz: mean \(pca/mean\.datum\) is missing; found: nothing"):
        load_delf(tmp_path / "without.tar.gz", pca_dim=3, network=empty_delf())


def test_summaries(tmp_path: Path) -> None:
    save_cirtorch(tmp_path / "net.pth", tiny_resnet())
    facts = summarise(tmp_path / "net.pth")
    assert facts["meta"]["architecture"] == "resnet50"
    assert facts["meta"]["Lw"] == {"retrieval-SfM-120k": "ss, ms"}
    assert len(facts["sha256"]) == 64
    np.savez(tmp_path / "delf.npz", **{"a/weights": np.zeros((2, 3))})
    assert (summarise(tmp_path / "delf.npz")["tensors"], summarise(tmp_path / "delf.npz")["numbers"]) == (1, 6)
    save_bundle(tmp_path / "delf", {"a/weights": np.zeros((2, 3))})
    facts = summarise(tmp_path / "delf")
    assert (facts["tensors"], facts["numbers"], len(facts["sha256"])) == (1, 6, 64)
    write_netvlad(tmp_path / "net.mat")
    assert summarise(tmp_path / "net.mat")["layers"] == 34
