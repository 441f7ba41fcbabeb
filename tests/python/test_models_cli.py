"""`hcbir export` and `hcbir models info`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "hcbir[export]"')
pytest.importorskip("onnxscript", reason='needs onnxscript: pip install "hcbir[export]"')

from PIL import Image
from published import delf_variables, save_cirtorch, tiny_delf, tiny_vgg
from tensorflow_files import save_published_delf

from hcbir import descriptors
from hcbir.cli import run
from hcbir.descriptors.network import Network
from hcbir.models import registry
from hcbir.models.checkpoints import delf, retrieval
from hcbir.models.delf import DELF, DELFTrunk
from hcbir.models.vgg import VGG16

DATASET = "retrieval-SfM-120k"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of a VGG-16 with few channels, which stands in for the real one; also the working folder."""
    monkeypatch.setitem(retrieval.TRUNKS, "vgg16", lambda: VGG16(divisor=32))
    monkeypatch.chdir(tmp_path)
    save_cirtorch(tmp_path / "net.pth", tiny_vgg(), architecture="vgg16")
    return tmp_path / "net.pth"


def test_export_and_info(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["export", "mine", "--weights", "net.pth", "-o", "net.onnx", "--heads", "gem,mac", "--size", "200"]
    assert run([*command, "--scales", "1,0.5", "--learned-whitening", DATASET, "--licence", "MIT"]) == 0
    captured = capsys.readouterr()
    table = captured.out.splitlines()[1:]
    assert table[0].split() == ["height", "x", "width", "gem", "mac"]
    assert table[-1].startswith("worst")
    assert len(table) >= 22
    assert "--descriptor net.onnx:gem+net.lw.npz" in captured.err
    steps = ["reading net.pth", "write the graph: 1", "compare with torch: 24"]
    assert captured.err.splitlines()[:3] == steps, "what takes minutes is told before"
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8))
    for name in ("net.onnx:mac", "net.onnx:gem+net.lw.npz"):
        descriptor = descriptors.load(name, provider="cpu")
        assert np.linalg.norm(descriptor.describe([image])[0]) == pytest.approx(1, abs=1e-4)
    assert run(["models", "info", "net.onnx", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["recipe"]["heads"]["gem"] == {"output": "gem", "dim": 16, "power": pytest.approx(2.9)}
    assert (facts["recipe"]["scales"], facts["recipe"]["image_size"]) == ([1, 0.5], 200)
    assert facts["recipe"]["exported"] == "vgg16; gem, mac; fp32"
    assert run(["models", "info", "net.onnx"]) == 0
    assert "input.image           any x 3 x any x any" in capsys.readouterr().out


def test_a_published_name_brings_the_rest(
    weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = registry.PublishedModel(
        name="theirs",
        url=f"http://weights.invalid/{weights.name}",
        format="cirtorch",
        trunk="vgg16",
        heads=("spoc",),
        licence="BSD",
        scales=(1.0, 0.7),
    )
    monkeypatch.setattr(registry, "published_models", lambda: {"theirs": model})
    monkeypatch.setenv("XDG_CACHE_HOME", str(weights.parent / "cache"))
    assert run(["export", "theirs", "-o", "net.onnx"]) == 2
    assert "not there yet: hcbir models pull theirs" in capsys.readouterr().err
    folder = registry.default_folder()
    folder.mkdir(parents=True)
    weights.rename(folder / weights.name)
    assert run(["export", "theirs", "-o", "no/net.onnx"]) == 2
    assert capsys.readouterr().err == "error: cannot write no/net.onnx: no such file or directory\n"
    assert run(["export", "theirs", "-o", "net.onnx", "--int8"]) == 0
    assert "learn ranges: " in capsys.readouterr().err
    assert run(["models", "info", "net.onnx", "--json"]) == 0
    recipe = json.loads(capsys.readouterr().out)["recipe"]
    assert (recipe["name"], recipe["licence"], recipe["source"]) == ("theirs", "BSD", model.url)
    assert (list(recipe["heads"]), recipe["scales"]) == (["spoc"], [1, 0.7])
    assert recipe["exported"].endswith("int8")


def test_published_delf_with_its_pca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive's folders in, a file that gives projected descriptors out: compared with numpy's projection."""
    monkeypatch.setattr(delf, "DELF", lambda: DELF(DELFTrunk(width=4, layers=(2, 3, 2)), attention_width=8))
    monkeypatch.chdir(tmp_path)
    rng, network = np.random.default_rng(0), tiny_delf()
    dim = network.dim
    mean, matrix = rng.normal(0, 0.1, dim), np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    save_published_delf(
        tmp_path / "delf_v1", delf_variables(network), {"mean.datum": mean, "pca_proj_mat.datum": matrix}
    )
    image = Image.fromarray(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8))
    command = ["export", "mine", "--weights", "delf_v1", "--scales", "1"]
    assert run([*command, "-o", "plain.onnx"]) == 0
    assert run([*command, "-o", "short.onnx", "--pca-dim", "6"]) == 0
    (plain, plain_scores), (short, short_scores) = (
        net.run(["descriptors", "scores"], net.tensors([image]))
        for net in (Network(Path("plain.onnx"), provider="cpu"), Network(Path("short.onnx"), provider="cpu"))
    )
    expected = (np.moveaxis(plain, 1, -1).astype(np.float64) - mean) @ matrix[:6].T
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(np.moveaxis(short, 1, -1), expected, atol=1e-5)
    np.testing.assert_allclose(short_scores, plain_scores, rtol=1e-5)
    capsys.readouterr()
    assert run(["models", "info", "short.onnx", "--json"]) == 0
    recipe = json.loads(capsys.readouterr().out)["recipe"]
    assert recipe["exported"] == "resnet50 to block3, PCA to 6; descriptors, scores; fp32"
    assert recipe["descriptor_dim"] == 6
    assert run([*command, "-o", "net.onnx", "--whiten"]) == 2
    assert "--whiten for DELF is of its PCA: --pca-dim or --pca must be given" in capsys.readouterr().err


def test_info_of_weights(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", str(weights), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["meta"]["architecture"] == "vgg16"
    assert "published as" not in facts
    assert run(["models", "info", "absent.pth"]) == 2
    assert "absent.pth: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["notes.txt", "fake.pth", "fake.npz", "fake.mat"])
def test_info_of_what_is_no_weights_asks_for_no_torch(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "hcbir.models.checkpoints.summary", None)  # as without torch: it cannot be had
    (tmp_path / name).write_text("these are no weights")
    assert run(["models", "info", str(tmp_path / name)]) == 2
    assert f"{name}: no weights: expected a .onnx, .pth" in capsys.readouterr().err
    assert run(["models", "info", str(tmp_path / f"absent-{name}")]) == 2
    assert f"absent-{name}: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fp16", "--int8"], "--fp16 and --int8 exclude each other"),
        (["--calibration", "."], "--calibration is for --int8"),
        (["--scales", "1;2"], "--scales must be numbers parted by commas, got '1;2'"),
        (["--heads", "gem,vlad"], "heads must be some of gem, mac, spoc, rmac"),
        (["--pca", "x.npz"], "--pca is for DELF"),
        (["--pca-dim", "40"], "--pca-dim is for DELF"),
        (["--trunk", "resnet50"], "trunk must be vgg16"),
        (["--learned-whitening", "elsewhere"], f"dataset must be one of those in net.pth, {DATASET} (ss, ms)"),
        (["--int8", "--calibration", "empty"], "calibration: no image in empty can be read"),
    ],
)
def test_wrong_options(weights: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run(["export", "mine", "--weights", "net.pth", "-o", "net.onnx", *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("net.onnx").exists()


def test_weights_are_not_written_over(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = weights.read_bytes()
    assert run(["export", "mine", "--weights", "net.pth", "-o", str(weights), "--heads", "gem"]) == 2
    assert f"cannot write {weights}: it is what is read" in " ".join(capsys.readouterr().err.split())
    assert weights.read_bytes() == before


def test_weights_of_one_head_take_no_other(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, alone in (("net.mat", "netvlad"), ("net.npz", "delf"), ("net.tar.gz", "delf"), (".", "delf")):
        assert run(["export", "mine", "--weights", name, "-o", "net.onnx", "--heads", "gem"]) == 2
        assert f"--heads must be {alone} for {name}, got gem" in capsys.readouterr().err
    assert run(["export", "mine", "-o", "net.onnx"]) == 2
    assert "--weights must be given: 'mine' is not one of" in capsys.readouterr().err
