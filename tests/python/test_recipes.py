"""Recipes of networks: what they may say, and the errors that name file and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hcbir.descriptors.recipes import (
    METADATA_KEY,
    ActivationMapRecipe,
    DenseLocalRecipe,
    GlobalRecipe,
    PatchRecipe,
    find_recipe,
    parse_recipe,
)

TRUNK = """
format = 1
name = "trunk"
kind = "activation-map"
input = "image"
output = "map"
colour = "bgr"
mean = [104, 117.0, 123.0]
std = [1.0, 1.0, 1.0]
"""

DENSE = """
format = 1
name = "dense"
kind = "dense-local"
input = "image"
score_output = "score"
descriptor_output = "descriptors"
descriptor_dim = 64
colour = "gray"
mean = [0.0]
std = [255.0]
multiple = 32
"""


def test_defaults() -> None:
    assert parse_recipe(TRUNK, "trunk.toml") == ActivationMapRecipe(
        name="trunk",
        input="image",
        output="map",
        colour="bgr",
        mean=(104.0, 117.0, 123.0),
        std=(1.0, 1.0, 1.0),
        image_size=1024,
        licence="",
        source="",
        stride=None,
        pooling="gem",
        p=3.0,
        scales=(1.0,),
    )


def test_all_kinds() -> None:
    trunk = parse_recipe(TRUNK + 'pooling = "mac"\np = 2\nscales = [1, 0.5]\nlicence = "MIT"\nstride = 16\n', "t")
    assert isinstance(trunk, ActivationMapRecipe)
    assert (trunk.pooling, trunk.p, trunk.scales, trunk.licence, trunk.stride) == ("mac", 2.0, (1.0, 0.5), "MIT", 16)
    assert isinstance(parse_recipe(TRUNK.replace("activation-map", "global"), "t"), GlobalRecipe)
    dense = parse_recipe(DENSE, "t")
    assert isinstance(dense, DenseLocalRecipe)
    assert (dense.multiple, dense.descriptor_dim, dense.max_features) == (32, 64, 1000)
    patch = parse_recipe(
        'format = 1\nname = "p"\nkind = "patch"\ninput = "i"\noutput = "o"\ncolour = "gray"\npatch_size = 32', "t"
    )
    assert isinstance(patch, PatchRecipe)
    assert (patch.patch_size, patch.mean, patch.std) == (32, (0.0,), (1.0,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TRUNK.replace("format = 1", ""), "format is missing"),
        (TRUNK.replace("format = 1", "format = 2"), "format must be 1, all that this version reads, got 2"),
        (TRUNK.replace("activation-map", "video"), "kind must be one of activation-map, global"),
        (TRUNK.replace('kind = "activation-map"', ""), "kind is missing"),
        (TRUNK.replace('output = "map"', ""), "output is missing"),
        (TRUNK + "poling = 'gem'", "poling is unknown for kind activation-map, which has name, input"),
        (TRUNK + "pooling = 'max'", "pooling must be one of gem, mac, spoc, rmac, got 'max'"),
        (TRUNK + "pooling = 3", "pooling must be a string, got 3"),
        (TRUNK + "p = 'three'", "p must be a number, got 'three'"),
        (TRUNK + "p = 0", "p must be above 0, got 0.0"),
        (TRUNK + "p = nan", "p must be a number, got nan"),
        (TRUNK + "p = true", "p must be a number, got True"),
        (TRUNK + "scales = []", r"scales must be numbers above 0, got \[\]"),
        (TRUNK + "scales = [1.0, -1.0]", "scales must be numbers above 0"),
        (TRUNK + "stride = 16.5", "stride must be a whole number, got 16.5"),
        (TRUNK + "image_size = 0", "image_size must be at least 1, got 0"),
        (TRUNK.replace("bgr", "yuv"), "colour must be one of rgb, bgr, gray, got 'yuv'"),
        (TRUNK.replace("bgr", "gray"), "mean must be 1 numbers for gray"),
        (TRUNK.replace("std = [1.0, 1.0, 1.0]", "std = [1.0, 1.0]"), "std must be 3 numbers for bgr"),
        (TRUNK.replace("std = [1.0, 1.0, 1.0]", "std = [1.0, 0.0, 1.0]"), "std must be above 0"),
        (TRUNK.replace("mean = [104, 117.0, 123.0]", 'mean = "none"'), "mean must be a list of numbers, got 'none'"),
        (DENSE + "border = -1", "border must be at least 0, got -1"),
        (DENSE.replace("multiple = 32", "multiple = 0"), "multiple must be at least 1, got 0"),
        ("format = ", "Invalid value"),
    ],
)
def test_errors_name_file_and_key(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^some/net\.toml: .*{message}"):
        parse_recipe(text, "some/net.toml")


def test_metadata_come_before_the_file_beside(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    with pytest.raises(ValueError, match=r"net\.onnx: no recipe: neither hcbir\.recipe .* nor net\.toml beside it"):
        find_recipe(model, {})
    (tmp_path / "net.toml").write_text(TRUNK)
    assert find_recipe(model, {}).name == "trunk"
    assert find_recipe(model, {METADATA_KEY: DENSE}).name == "dense"
    with pytest.raises(ValueError, match=re.escape(f"{model} (hcbir.recipe): kind is missing")):
        find_recipe(model, {METADATA_KEY: "format = 1"})
    (tmp_path / "net.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"net\.toml: must be UTF-8 text"):
        find_recipe(model, {})


def test_recipes_in_use(shared: Path) -> None:
    models = shared / "data" / "models"
    kinds = {path.stem: find_recipe(path, {}).kind for path in sorted(models.glob("*.onnx"))}
    assert kinds == {
        "alike_n": "dense-local",
        "alike_t": "dense-local",
        "hardtfeat": "patch",
        "mobilenet_v2_1.0_224_imagenet": "activation-map",
        "squeezenet1_1_imagenet": "activation-map",
    }
