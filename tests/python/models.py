"""Tiny ONNX networks for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGE = ("n", 3, "h", "w")

IDENTITY_RECIPE = """
format = 1
name = "identity"
kind = "activation-map"
input = "image"
output = "map"
colour = "rgb"
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
image_size = 64
"""


def save_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    outputs: Sequence[tuple[str, Sequence[str | int]]],
    *,
    input_shape: Sequence[str | int] = IMAGE,
    constants: dict[str, np.ndarray] | None = None,
    recipe: str | None = None,
) -> Path:
    """Writes a model with one float input `image`; the recipe goes into its metadata."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, list(input_shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if recipe is not None:
        helper.set_model_props(model, {"hcbir.recipe": recipe})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def save_identity(
    path: Path, *, recipe: str | None = IDENTITY_RECIPE, input_shape: Sequence[str | int] = IMAGE
) -> Path:
    """A trunk whose activation map is the image itself."""
    node = helper.make_node("Identity", ["image"], ["map"])
    return save_model(path, [node], [("map", input_shape)], input_shape=input_shape, recipe=recipe)


def save_mean_colour(path: Path) -> Path:
    """A network of kind global: the mean of each channel."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
    ]
    recipe = IDENTITY_RECIPE.replace('"activation-map"', '"global"').replace('"map"', '"vector"')
    return save_model(path, nodes, [("vector", ("n", "d"))], recipe=recipe)


def save_dense(path: Path, **keys: object) -> Path:
    """A network of kind dense-local: the red channel scores, the image describes."""
    nodes = [
        helper.make_node("Gather", ["image", "first"], ["score"], axis=1),
        helper.make_node("Identity", ["image"], ["descriptors"]),
    ]
    recipe = """
format = 1
name = "dense"
kind = "dense-local"
input = "image"
score_output = "score"
descriptor_output = "descriptors"
descriptor_dim = 3
colour = "rgb"
std = [1.0, 1.0, 1.0]
""" + "".join(f"{key} = {value}\n" for key, value in {"mean": [0.0] * 3, **keys}.items())
    outputs = [("score", ("n", 1, "h", "w")), ("descriptors", ("n", 3, "h", "w"))]
    return save_model(path, nodes, outputs, constants={"first": np.array([0])}, recipe=recipe)
