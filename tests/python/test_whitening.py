"""Learned whitening: PCA and Lw, their files, and models that hold them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from models import IDENTITY_RECIPE, save_dense, save_identity, save_mean_colour
from PIL import Image

import hcbir
from hcbir import LocalFeatures, descriptors
from hcbir.descriptors.pairs import read_pairs, verified_pairs
from hcbir.descriptors.recipes import GlobalRecipe
from hcbir.descriptors.session import Session
from hcbir.descriptors.vectors import describe_together
from hcbir.descriptors.whitened_model import write_whitened_model
from hcbir.descriptors.whitening import Whitening, learn_lw, learn_pca


def cloud(n: int = 400, d: int = 12, seed: int = 0) -> np.ndarray:
    """Correlated float32 vectors off the origin."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)).astype(np.float32)


def up_to_sign(rows: np.ndarray) -> np.ndarray:
    return rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)


# Learning.


@pytest.mark.parametrize("dim", [None, 5])
def test_pca_against_eigh(dim: int | None) -> None:
    vectors = cloud()
    mean = vectors.astype(np.float64).mean(axis=0)
    covariance = np.cov(vectors.astype(np.float64), rowvar=False, bias=True)
    values, columns = np.linalg.eigh(covariance)
    projection = (columns / np.sqrt(values)).T[::-1][:dim]
    learned = learn_pca(vectors, dim=dim)
    assert learned.dim == (dim or 12)
    np.testing.assert_allclose(learned.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(learned.projection, up_to_sign(projection), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(learned.apply(vectors), unit((vectors - mean) @ up_to_sign(projection).T), atol=1e-4)


def test_pca_gives_unit_covariance() -> None:
    vectors = cloud()
    learned = learn_pca(vectors)
    projected = (vectors - learned.mean) @ learned.projection.T
    np.testing.assert_allclose(np.cov(projected, rowvar=False, bias=True), np.eye(12), atol=1e-3)


def test_pca_has_the_dimensions_the_vectors_have() -> None:
    few = cloud(n=6)
    assert learn_pca(few).dim == 5
    assert learn_pca(few, shrinkage=0.1).dim == 12
    with pytest.raises(ValueError, match="dim must be at most 5, the rank of what there is to learn from, got 6"):
        learn_pca(few, dim=6)
    with pytest.raises(ValueError, match="vectors must differ, got equal ones"):
        learn_pca(np.ones((4, 3), np.float32))


def test_shrinkage_draws_the_variances_together() -> None:
    vectors = cloud()
    values = np.linalg.eigvalsh(np.cov(vectors.astype(np.float64), rowvar=False, bias=True))[::-1]
    for shrinkage in (0.0, 0.3, 1.0):
        lengths = np.linalg.norm(learn_pca(vectors, shrinkage=shrinkage).projection, axis=1)
        shrunk = (1 - shrinkage) * values + shrinkage * values.mean()
        np.testing.assert_allclose(lengths, 1 / np.sqrt(shrunk), rtol=1e-3)


def definition_of_lw(vectors: np.ndarray, queries: list[int], positives: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors as columns, as the sources have them."""
    x = vectors.T.astype(np.float64)
    m = x[:, queries].mean(axis=1, keepdims=True)
    df = x[:, queries] - x[:, positives]
    s = df @ df.T / df.shape[1]
    p = np.linalg.inv(np.linalg.cholesky(s))
    df = p @ (x - m)
    values, columns = np.linalg.eigh(df @ df.T)
    order = values.argsort()[::-1]
    return m[:, 0], columns[:, order].T @ p


@pytest.mark.parametrize("dim", [None, 4])
def test_lw_against_its_definition(dim: int | None) -> None:
    vectors = cloud()
    pairs = np.random.default_rng(1).integers(0, 400, (60, 2))
    mean, projection = definition_of_lw(vectors, pairs[:, 0].tolist(), pairs[:, 1].tolist())
    learned = learn_lw(vectors, pairs, dim=dim)
    np.testing.assert_allclose(learned.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(up_to_sign(learned.projection), up_to_sign(projection[:dim]), rtol=1e-3, atol=1e-4)
    whitened = learned.apply(vectors)
    expected = unit((vectors - mean) @ projection[:dim].T)
    np.testing.assert_allclose(whitened @ whitened.T, expected @ expected.T, atol=1e-4)


def test_numeric_cases(shared: Path) -> None:
    cases = json.loads((shared / "data" / "groundtruth" / "delf_numeric_cases.json").read_text())["cases"]
    case = next(case for case in cases if case["id"] == "learned_whitening")
    vectors = np.array(case["descriptors_as_columns"]).T
    learned = learn_lw(vectors, np.c_[case["query_index"], case["positive_index"]])
    np.testing.assert_allclose(learned.mean, np.ravel(case["expected_mean"]), rtol=1e-6)
    np.testing.assert_allclose(
        up_to_sign(learned.projection), up_to_sign(np.array(case["expected_projection"])), rtol=1e-4
    )
    case = next(case for case in cases if case["id"] == "pca_whitening")
    scale = np.sqrt(case["variances"])[: case["output_dim"], None]
    projection = (np.array(case["matrix"])[: case["output_dim"]] / scale).astype(np.float32)
    whitening = Whitening(np.array(case["mean"], np.float32), projection)
    np.testing.assert_allclose(whitening.apply(case["data"]), unit(np.array(case["expected"])), rtol=1e-6)


def mean_ap(vectors: np.ndarray, labels: np.ndarray) -> float:
    positives = [np.flatnonzero((labels == label) & (np.arange(len(labels)) != i)) for i, label in enumerate(labels)]
    return hcbir.mean_average_precision_from_scores(
        vectors @ vectors.T, positives, junk=[[i] for i in range(len(labels))]
    ).mean_ap


def test_whitening_raises_map_where_a_nuisance_drowns_the_signal() -> None:
    """Places differ a little in 8 directions; the light, in 3 others, a lot. Lw learns it from other places' pairs."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(60), 4)
    place, light = rng.normal(size=(60, 8))[labels], rng.normal(size=(240, 3)) * 6
    vectors = unit(np.c_[place, light, np.full(240, 3.0)] + 0.3 * rng.normal(size=(240, 12))).astype(np.float32)
    seen, unseen = labels < 30, labels >= 30
    pairs = np.array([(i, i + 1) for i in range(119) if labels[i] == labels[i + 1]])
    before = mean_ap(vectors[unseen], labels[unseen])
    by_pca = mean_ap(learn_pca(vectors[seen]).apply(vectors[unseen]), labels[unseen])
    by_lw = mean_ap(learn_lw(vectors[seen], pairs).apply(vectors[unseen]), labels[unseen])
    assert before < 0.3
    assert by_pca > before + 0.1
    assert by_lw > by_pca + 0.1
    assert by_lw > 0.8


@pytest.mark.parametrize(
    ("vectors", "pairs", "message"),
    [
        (np.zeros((1, 3)), [[0, 0]], r"vectors must be at least 2, got shape \(1, 3\)"),
        (np.full((3, 2), np.nan), [[0, 1]], "vectors must be finite, got NaN or infinity"),
        (np.zeros(3), [[0, 1]], "vectors must have 2 dimensions"),
        (cloud(), np.empty((0, 2), int), r"pairs must be \(p, 2\) integers, at least one pair, got shape \(0, 2\)"),
        (cloud(), [[0.0, 1.0]], r"pairs must be \(p, 2\) integers"),
        (cloud(), [[0, 400]], "pairs must be rows of the 400 vectors, got 0 to 400"),
    ],
)
def test_inputs_are_checked(vectors: np.ndarray, pairs: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn_lw(vectors, pairs)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match=r"shrinkage must be from 0 to 1, got 1\.5"):
        learn_pca(cloud(), shrinkage=1.5)
    with pytest.raises(ValueError, match="dim must be a whole number of at least 1, got 0"):
        learn_lw(cloud(), [[0, 1]], dim=0)
    with pytest.raises(ValueError, match=r"mean must be \(d,\) and projection \(k, d\), got \(3,\) and \(2, 4\)"):
        Whitening(np.zeros(3, np.float32), np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match="vectors must have 12 dimensions for this whitening"):
        learn_pca(cloud()).apply(np.zeros((1, 3)))


# Files.


def test_npz_beside_a_network(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx")
    plain = descriptors.load(f"{path}:mac")
    learned = learn_pca(cloud(d=3), dim=2)
    provenance = {"descriptor": "net", "head": "mac", "sha256": plain.spec()["sha256"], "images": 400}
    Whitening(learned.mean, learned.projection, provenance).save(tmp_path / "w.npz")
    name = f"{path}:mac+{tmp_path / 'w.npz'}"
    whitened = descriptors.load(name, image_size=50)
    assert (whitened.kind, whitened.name, whitened.dim, whitened.image_size) == ("global", name, 2, 50)
    assert whitened.whitening.provenance == provenance
    images = [Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 50, 3), dtype=np.uint8)) for i in (0, 1)]
    np.testing.assert_allclose(whitened.describe(images), learned.apply(plain.describe(images)), rtol=1e-6)
    again = descriptors.from_spec(json.loads(json.dumps(whitened.spec())))
    assert (again.name, again.image_size, again.spec()) == (name, 50, whitened.spec())
    with pytest.raises(ValueError, match=r"w\.npz: was learned on net, not on .*net\.onnx:gem"):
        descriptors.load(f"{path}:gem+{tmp_path / 'w.npz'}")
    learned.save(tmp_path / "w.npz")
    with pytest.raises(ValueError, match=r"w\.npz: the whitening has changed: sha256"):
        descriptors.from_spec(whitened.spec())


def test_whitened_and_plain_share_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_identity(tmp_path / "net.onnx")
    learn_pca(cloud(d=3)).save(tmp_path / "w.npz")
    names = [f"{path}:mac", f"{path}:mac+{tmp_path / 'w.npz'}"]
    loaded = {name: descriptors.load(name) for name in names}
    passes = []
    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, o, i: passes.append(o) or run(self, o, i))
    vectors = describe_together(loaded, [Image.new("RGB", (40, 40), (9, 80, 200))])
    assert list(vectors) == names
    assert len(passes) == 1
    np.testing.assert_array_equal(vectors[names[1]], loaded[names[1]].whitening.apply(vectors[names[0]]))


def test_files_that_are_no_whitening(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx")
    with pytest.raises(FileNotFoundError, match=r"w\.npz: no such file"):
        descriptors.load(f"{path}+{tmp_path / 'w.npz'}")
    for content in (b"", b"PK\x03\x04 cut off", b"text"):
        (tmp_path / "w.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"w\.npz: not a whitening that hcbir wrote"):
            descriptors.load(f"{path}+{tmp_path / 'w.npz'}")
    np.savez(tmp_path / "w.npz", mean=np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=r"w\.npz: not a whitening that hcbir wrote: .*projection"):
        descriptors.load(f"{path}+{tmp_path / 'w.npz'}")
    learn_pca(cloud()).save(tmp_path / "w.npz")
    with pytest.raises(ValueError, match=r"w\.npz: whitens vectors of 12 dimensions, .*net\.onnx gives 3"):
        descriptors.load(f"{path}+{tmp_path / 'w.npz'}")
    dense = save_dense(tmp_path / "dense.onnx")
    with pytest.raises(ValueError, match=r"only a global network descriptor can be whitened, .* is local"):
        descriptors.load(f"{dense}+{tmp_path / 'w.npz'}")


@pytest.mark.parametrize("head", ["gem", "mac", "spoc", None])
def test_whitening_within_the_model(tmp_path: Path, head: str | None) -> None:
    """Poolings, and an output that is a vector already; the recipe says what it came from."""
    path = tmp_path / "net.onnx"
    recipe = IDENTITY_RECIPE + 'licence = "MIT"\np = 2.5\n'
    plain = descriptors.load(str(save_mean_colour(path) if head is None else save_identity(path, recipe=recipe)))
    plain = plain if head is None else descriptors.load(f"{path}:{head}")
    learned = learn_pca(cloud(d=3), dim=2)
    whitening = Whitening(learned.mean, learned.projection, {"method": "pca", "images": 400})
    difference = write_whitened_model(plain, whitening, tmp_path / "white.onnx")
    assert 0 <= difference < 1e-5
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "white.onnx"]
    whitened = descriptors.load(str(tmp_path / "white.onnx"))
    assert (whitened.dim, whitened.image_size) == (2, 64)
    recipe = whitened.recipe
    assert isinstance(recipe, GlobalRecipe)
    assert recipe.name == ("identity-pca" if head is None else f"identity-{head}-pca")
    assert recipe.licence == ("" if head is None else "MIT")
    assert json.loads(str(recipe.exported))["whitening"] == {"method": "pca", "images": 400}
    assert json.loads(str(recipe.exported))["sha256"] == plain.spec()["sha256"]
    assert recipe.hcbir_version == hcbir.__version__
    rng = np.random.default_rng(3)
    images = [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in [(40, 50), (99, 70), (5, 5)]]
    once = learned.apply(plain.describe(images))
    np.testing.assert_allclose(whitened.describe(images), once, atol=1e-5)
    again = learn_pca(cloud(d=2))
    assert write_whitened_model(whitened, again, tmp_path / "twice.onnx") < 1e-5
    np.testing.assert_allclose(
        descriptors.load(str(tmp_path / "twice.onnx")).describe(images), again.apply(once), atol=1e-4
    )


def test_what_cannot_stand_within_the_model(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx", recipe=IDENTITY_RECIPE + "scales = [1.0, 0.5]\n")
    learned = learn_pca(cloud(d=3))
    with pytest.raises(ValueError, match=re.escape("has 2 scales: whiten it by an .npz beside it instead")):
        write_whitened_model(descriptors.load(str(path)), learned, tmp_path / "white.onnx")
    path = save_identity(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=re.escape("pooled outside the network: whiten it by an .npz beside it")):
        write_whitened_model(descriptors.load(f"{path}:rmac"), learned, tmp_path / "white.onnx")
    with pytest.raises(ValueError, match="whitening must be of 3 dimensions, got 12"):
        write_whitened_model(descriptors.load(str(path)), learn_pca(cloud()), tmp_path / "white.onnx")


# Pairs.


def features_of(place: int, seed: int) -> LocalFeatures:
    """40 features whose places and descriptors are the place's own, jittered."""
    own, jitter = np.random.default_rng(place), np.random.default_rng(seed)
    points = own.uniform(0, 500, (40, 2)) + jitter.normal(0, 0.3, (40, 2))
    rows = unit(own.normal(size=(40, 32)) + 0.1 * jitter.normal(size=(40, 32)))
    return LocalFeatures(points.astype(np.float32), rows.astype(np.float32), np.ones(40, np.float32))


def test_pairs_that_local_features_verify() -> None:
    """All ten images look alike from afar, five places of two images each."""
    features = [features_of(i // 2, seed=i) for i in range(10)]
    rng = np.random.default_rng(0)
    vectors = unit(1.0 + 0.01 * rng.normal(size=(10, 8))).astype(np.float32)
    steps: list[tuple[int, int]] = []
    pairs = verified_pairs(vectors, features.__getitem__, progress=lambda done, total: steps.append((done, total)))
    assert pairs.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert steps == [(i, 10) for i in range(1, 11)]
    assert verified_pairs(vectors, features.__getitem__, min_inliers=41).shape == (0, 2)


def test_pairs_from_a_file(tmp_path: Path) -> None:
    images = [tmp_path / "photos" / f"{i}.jpg" for i in range(4)]
    file = tmp_path / "pairs.csv"
    file.write_text("query,positive\nphotos/0.jpg, photos/2.jpg\n\nphotos/3.jpg,./photos/1.jpg\n")
    assert read_pairs(file, images).tolist() == [[0, 2], [3, 1]]
    for text, message in [
        ("photos/0.jpg,photos/9.jpg\n", r"pairs\.csv, line 1: photos/9\.jpg is none of the 4 images"),
        ("photos/0.jpg,photos/1.jpg\nphotos/0.jpg\n", r"line 2: expected two paths, got 1 cells"),
        ("photos/0.jpg,photos/0.jpg\n", r"line 1: an image is no pair with itself"),
        ("query,positive\n", r"pairs\.csv: holds no pair"),
    ]:
        file.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_pairs(file, images)
