"""`hcbir whiten`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from models import save_identity
from scenes import write_classes

from hcbir import descriptors
from hcbir.cli import run
from hcbir.collection import Collection
from hcbir.descriptors.whitening import Whitening, learn_lw, learn_pca


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("whiten") / "photos")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    save_identity(Path("net.onnx"))
    return "net.onnx:spoc"


def indexed(photos: Path, *names: str) -> Collection:
    collection = Collection.create("photos.hcbir", names, image_size=220)
    collection.add(photos)
    return collection


def test_lw_from_verified_pairs_beside_the_collection(
    photos: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with indexed(photos, network, "sift") as collection:
        vectors, images = collection.vectors(network), collection.images()
    assert run(["whiten", "photos.hcbir", "--min-inliers", "12", "--dim", "2"]) == 0
    captured = capsys.readouterr()
    written = Path("photos.whitening.npz").absolute()
    assert captured.out == f"{written}\n"
    assert f"hcbir index PHOTOS/ --descriptor {network}+{written}" in captured.err
    whitening = Whitening.load(written)
    told = whitening.provenance
    assert (told["method"], told["images"], told["descriptor"], told["head"]) == ("lw", 11, network, "spoc")
    assert told["pairs"] >= 6
    places = [image.parent.name for image in images]
    pairs = [(i, j) for i in range(11) for j in range(i + 1, 11) if places[i] == places[j] != "_distractors"]
    assert told["pairs"] == len(pairs) == 9
    np.testing.assert_allclose(whitening.projection, learn_lw(vectors, pairs, dim=2).projection, rtol=1e-3)
    assert descriptors.load(f"{network}+{written}").dim == 2


def test_pca_of_a_folder_into_a_model(photos: Path, network: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["whiten", str(photos), "--descriptor", network, "--method", "pca", "--size", "220"]
    assert run([*command, "--shrinkage", "0.2", "-o", "white.onnx"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "white.onnx\n"
    assert "learned 3 -> 3 dimensions on 11 images" in captured.err
    assert "the model agrees with the whitened vectors within " in captured.err
    whitened = descriptors.load("white.onnx")
    assert whitened.image_size == 220
    told = json.loads(whitened.recipe.exported)["whitening"]
    assert (told["method"], told["images"], told["shrinkage"]) == ("pca", 11, 0.2)
    with indexed(photos, network, "white.onnx") as collection:
        plain, white = collection.vectors(network), collection.vectors("white.onnx")
    np.testing.assert_allclose(white, learn_pca(plain, shrinkage=0.2).apply(plain), atol=1e-3)


def test_pairs_of_a_file(photos: Path, network: str) -> None:
    file = photos.parent / "pairs.csv"
    file.write_text("photos/place0/0.png,photos/place0/1.png\nphotos/place1/0.png,photos/place1/2.png\n")
    command = ["whiten", str(photos), "--descriptor", network, "--pairs", str(file), "--shrinkage", "0.5"]
    assert run([*command, "-o", "w.npz"]) == 0
    assert Whitening.load(Path("w.npz")).provenance["pairs"] == 2
    with Collection.open_or_create("c.hcbir", [f"{network}+w.npz"]) as collection:
        collection.add(photos)
        assert collection.search(photos / "place0" / "0.png", 1).names == [[str(photos / "place0" / "0.png")]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["PHOTOS"], "is no collection: name the network with --descriptor"),
        (["PHOTOS", "--descriptor", "vlad"], "--descriptor must be a global one of a network, vlad is aggregated"),
        (["PHOTOS", "--descriptor", "NET", "-o", "w.txt"], "--output must end with .npz or .onnx, got w.txt"),
        (["PHOTOS", "--descriptor", "NET", "--method", "pca", "--pairs", "p.csv"], "--pairs is for --method lw"),
        (["nowhere", "--descriptor", "NET", "-o", "no/w.npz"], "cannot write no/w.npz: no such file or directory"),
        (["nowhere", "--descriptor", "NET", "-o", "folder.npz"], "cannot write folder.npz: it is a folder"),
        (["nowhere", "--descriptor", "NET", "--pairs", "p.csv"], "--pairs: p.csv: no such file"),
        (
            ["PHOTOS", "--descriptor", "NET", "--min-inliers", "5000"],
            "no two images have 5000 agreeing features: lower --min-inliers or give --pairs",
        ),
        (
            ["photos.hcbir", "--size", "100"],
            "--size and --reduced-decoding are for a folder of images; a collection has its own",
        ),
        (["photos.hcbir"], "finds pairs of images by sift, which the collection has not"),
    ],
)
def test_wrong_use(
    photos: Path, network: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "photos.hcbir" in arguments:
        indexed(photos, network).close()
    Path("folder.npz").mkdir()
    placed = [{"PHOTOS": str(photos), "NET": network}.get(argument, argument) for argument in arguments]
    assert run(["whiten", *placed]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert [path.name for path in Path().glob("*.npz")] == ["folder.npz"]


def test_the_network_is_not_written_over(photos: Path, network: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(network.partition(":")[0])
    before = file.read_bytes()
    assert run(["whiten", str(photos), "--descriptor", network, "--method", "pca", "-o", str(file)]) == 2
    assert f"cannot write {file}: it is what is read" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_without_onnx_a_model_is_refused_before_the_work(
    photos: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert run(["whiten", str(photos), "--descriptor", network, "--method", "pca", "-o", "white.onnx"]) == 2
    assert capsys.readouterr().err == 'error: this needs onnx: pip install "hcbir[export]"\n'
