"""Several descriptors from one pass of a network, over scales; R-MAC."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import IDENTITY_RECIPE, save_identity, save_model
from onnx import TensorProto, helper
from PIL import Image

from hcbir import descriptors
from hcbir.descriptors.pooling import combine_scales, pool, rmac_regions
from hcbir.descriptors.recipes import GlobalRecipe, Head, format_recipe, parse_recipe
from hcbir.descriptors.session import Session
from hcbir.descriptors.vectors import describe_together

HEADS_RECIPE = """
format = 1
name = "heads"
kind = "global"
input = "image"
colour = "rgb"
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
image_size = 128
scales = [1.0, 0.7071067811865476, 0.5]
licence = "MIT"
source = "made here"
source_sha256 = "0123"
hcbir_version = "0.1"
exported = "channels; mean, max; fp32"

[heads.max]
output = "largest"
dim = 3
power = 3.0

[heads.mean]
output = "mean"
"""


def save_heads(path: Path, recipe: str = HEADS_RECIPE) -> Path:
    """Heads that are the means and the maxima of the channels, as unit vectors."""
    nodes = []
    for name, operator in (("mean", "GlobalAveragePool"), ("largest", "GlobalMaxPool")):
        nodes += [
            helper.make_node(operator, ["image"], [f"{name}_map"]),
            helper.make_node("Flatten", [f"{name}_map"], [f"{name}_row"]),
            helper.make_node("ReduceL2", [f"{name}_row"], [f"{name}_length"], axes=[1]),
            helper.make_node("Add", [f"{name}_length", "epsilon"], [f"{name}_divisor"]),
            helper.make_node("Div", [f"{name}_row", f"{name}_divisor"], [name]),
        ]
    outputs = [("mean", ("n", 3)), ("largest", ("n", 3))]
    return save_model(path, nodes, outputs, constants={"epsilon": np.float32(1e-6).reshape(1)}, recipe=recipe)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def resized(pixels: np.ndarray, scale: float) -> np.ndarray:
    """Bilinear with pixel centres at halves, pixel by pixel."""
    h, w = (math.floor(side * scale) for side in pixels.shape[:2])
    out = np.empty((h, w, 3))
    for i in range(h):
        for j in range(w):
            y = min(max((i + 0.5) / scale - 0.5, 0), pixels.shape[0] - 1)
            x = min(max((j + 0.5) / scale - 0.5, 0), pixels.shape[1] - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, pixels.shape[0] - 1), min(x0 + 1, pixels.shape[1] - 1)
            top = pixels[y0, x0] + (x - x0) * (pixels[y0, x1] - pixels[y0, x0])
            bottom = pixels[y1, x0] + (x - x0) * (pixels[y1, x1] - pixels[y1, x0])
            out[i, j] = top + (y - y0) * (bottom - top)
    return out


@pytest.mark.parametrize(("head", "power"), [("max", 3.0), ("mean", 1.0)])
def test_mean_over_scales_has_the_heads_power(tmp_path: Path, head: str, power: float) -> None:
    descriptor = descriptors.load(f"{save_heads(tmp_path / 'net.onnx')}:{head}")
    assert (descriptor.kind, descriptor.dim, descriptor.image_size) == ("global", 3, 128)
    images = [noise(90, 71), noise(64, 64, 1)]
    expected = []
    for image in images:
        pixels = np.asarray(image, np.float64)
        parts = [resized(pixels, scale) for scale in (1.0, math.sqrt(0.5), 0.5)]
        rows = [(p.max(axis=(0, 1)) if head == "max" else p.mean(axis=(0, 1))) for p in parts]
        units = np.array([row / (np.linalg.norm(row) + 1e-6) for row in rows])
        mean = (units**power).mean(axis=0) ** (1 / power)
        expected.append(mean / np.linalg.norm(mean))
    np.testing.assert_allclose(descriptor.describe(images), expected, rtol=2e-5)


def test_one_pass_serves_all_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_heads(tmp_path / "net.onnx")
    loaded = {head: descriptors.load(f"{path}:{head}") for head in ("max", "mean")}
    passes = []
    run = Session.run

    def counted(self: Session, outputs: Any, inputs: Any) -> Any:
        passes.append((sorted(outputs), inputs["image"].shape))
        return run(self, outputs, inputs)

    monkeypatch.setattr(Session, "run", counted)
    images = [noise(90, 71), noise(90, 71, 1)]
    together = describe_together(loaded, images)
    sizes = [(2, 3, 71, 90), (2, 3, 50, 63), (2, 3, 35, 45)]
    assert passes == [(["largest", "mean"], size) for size in sizes]
    for head, descriptor in loaded.items():
        np.testing.assert_array_equal(together[head], descriptor.describe(images))


def test_first_head_is_the_default_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    path = save_heads(tmp_path / "net.onnx")
    descriptor = descriptors.load(str(path))
    assert descriptor.head == "max"
    assert descriptors.from_spec(descriptor.spec()).head == "max"
    with pytest.raises(ValueError, match=r"net\.onnx: head must be one of max, mean, got 'gem'"):
        descriptors.load(f"{path}:gem")
    trunk = save_identity(tmp_path / "trunk.onnx")
    with pytest.raises(ValueError, match=r"pooling must be one of gem, mac, spoc, rmac, got 'max'"):
        descriptors.load(f"{trunk}:max")


def test_power_needs_values_that_are_not_negative() -> None:
    rows = [np.array([[0.6, -0.8]], np.float32)] * 2
    np.testing.assert_allclose(combine_scales(rows), rows[0])
    with pytest.raises(ValueError, match=r"power must be 1 where descriptors have negative values, got 3\.0"):
        combine_scales(rows, power=3.0)
    assert combine_scales([np.zeros((1, 2), np.float32)] * 2).tolist() == [[0, 0]]


def test_recipe_says_it_all_and_is_written_as_it_is_read() -> None:
    recipe = parse_recipe(HEADS_RECIPE, "t")
    assert isinstance(recipe, GlobalRecipe)
    assert recipe.heads == {"max": Head(output="largest", dim=3, power=3.0), "mean": Head(output="mean")}
    assert (recipe.licence, recipe.source_sha256, recipe.hcbir_version) == ("MIT", "0123", "0.1")
    assert parse_recipe(format_recipe(recipe), "again") == recipe
    trunk = parse_recipe(IDENTITY_RECIPE + 'source = "say \\"é\\" \\\\ "\n[exported]\nheads = ["a", "b"]\n', "t")
    assert trunk.source == 'say "é" \\ '
    assert parse_recipe(format_recipe(trunk), "again") == trunk


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("power = 3.0", "power = 0", r"heads\.max: power must be above 0, got 0\.0"),
        ("dim = 3", "dim = true", r"heads\.max: dim must be a whole number, got True"),
        ('output = "largest"', "", r"heads\.max: output is missing"),
        ("dim = 3", "dims = 3", r"heads\.max: dims is unknown for a head, which has output, dim, power"),
        ("[heads.max]", "[heads]", r"heads must be tables"),
        (
            'colour = "rgb"',
            'colour = "rgb"\noutput = "mean"',
            r"output must be left out where there are heads, got 'mean'",
        ),
        (HEADS_RECIPE[HEADS_RECIPE.index("[heads.max]") :], "", r"output is missing"),
        ('"channels; mean, max; fp32"', "3", r"exported must be a string or a table, got 3"),
    ],
)
def test_errors_name_the_head_and_the_key(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^t: {message}"):
        parse_recipe(HEADS_RECIPE.replace(old, new), "t")


def test_heads_must_be_outputs_of_the_model(tmp_path: Path) -> None:
    path = save_heads(tmp_path / "net.onnx", HEADS_RECIPE.replace('"largest"', '"big"'))
    with pytest.raises(
        ValueError, match=r"heads\.max\.output must be one of the model's outputs, mean, largest, got 'b"
    ):
        descriptors.load(str(path))


# R-MAC.

ORACLE = [  # height, width, counts of levels 1, 2, 3, starts of level 3 along rows and columns, its side
    (32, 32, [1, 4, 9], [0, 8, 16], [0, 8, 16], 16),
    (24, 32, [2, 6, 12], [0, 6, 12], [0, 6, 13, 20], 12),
    (32, 24, [2, 6, 12], [0, 6, 13, 20], [0, 6, 12], 12),
    (21, 32, [2, 6, 12], [0, 5, 11], [0, 7, 14, 22], 10),
    (16, 32, [3, 8, 15], [0, 4, 8], [0, 6, 12, 18, 24], 8),
    (25, 25, [1, 4, 9], [0, 6, 13], [0, 6, 13], 12),
    (3, 5, [2, 6, 12], [0, 1, 2], [0, 1, 2, 4], 1),
]


@pytest.mark.parametrize(("height", "width", "counts", "rows", "columns", "side"), ORACLE)
def test_rmac_regions(
    height: int, width: int, counts: list[int], rows: list[int], columns: list[int], side: int
) -> None:
    regions = rmac_regions(height, width)
    assert len(regions) == sum(counts)
    last = regions[-counts[2] :]
    assert last == [(row, column, side) for row in rows for column in columns]
    assert all(r >= 0 and c >= 0 and r + s <= height and c + s <= width for r, c, s in regions)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (2, 2), (7, 90)])
def test_rmac_regions_of_thin_maps_lie_within(height: int, width: int) -> None:
    regions = rmac_regions(height, width)
    assert regions
    assert all(s >= 1 and 0 <= r <= height - s and 0 <= c <= width - s for r, c, s in regions)


def test_rmac_of_a_map() -> None:
    """The sum of the unit maxima of the oracle's regions and of the whole map."""
    pixels = np.asarray(noise(32, 24), np.float64)
    total = np.zeros(3)
    squares = [(0, 0, 24), (0, 8, 24)]  # level 1: two along the longer side
    squares += [(r, c, 16) for r in (0, 8) for c in (0, 8, 16)]
    squares += [(r, c, 12) for r in (0, 6, 12) for c in (0, 6, 13, 20)]
    for r, c, s in [*squares, (0, 0, 32)]:
        largest = pixels[r : r + s, c : c + s].max(axis=(0, 1))
        total += largest / (np.linalg.norm(largest) + 1e-6)
    maps = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    np.testing.assert_allclose(pool(maps, "rmac")[0], total, rtol=1e-5)


def test_rmac_of_an_image(tmp_path: Path) -> None:
    path = save_identity(tmp_path / "net.onnx")
    image = noise(48, 40)
    maps = np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1)[None])
    total = pool(maps, "rmac")[0]
    vector = descriptors.load(f"{path}:rmac").describe([image])[0]
    np.testing.assert_allclose(vector, total / np.linalg.norm(total), rtol=1e-5)


# Half precision.


def test_model_of_half_precision(tmp_path: Path) -> None:
    """The input is given as float16, the vectors are float32."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["map"])],
        "half",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT16, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT16, ["n", 3, "h", "w"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"hcbir.recipe": IDENTITY_RECIPE})
    (tmp_path / "half.onnx").write_bytes(model.SerializeToString())
    single = descriptors.load(str(save_identity(tmp_path / "single.onnx")))
    images = [noise(40, 50), noise(64, 64, 1)]
    vectors = descriptors.load(str(tmp_path / "half.onnx")).describe(images)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, single.describe(images), rtol=1e-3)
