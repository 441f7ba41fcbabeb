"""A network with a learned whitening inside: a new self-describing model."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hcbir import __version__
from hcbir.descriptors._extras import require
from hcbir.descriptors.network import Network
from hcbir.descriptors.pooling import EPSILON
from hcbir.descriptors.recipes import METADATA_KEY, ActivationMapRecipe, GlobalRecipe, Recipe, format_recipe
from hcbir.descriptors.vectors import NetworkDescriptor
from hcbir.descriptors.whitening import Whitening

TOLERANCE = 1e-4


def write_whitened_model(descriptor: NetworkDescriptor, whitening: Whitening, path: Path) -> float:
    """Writes a model of kind global that gives the descriptor's vectors whitened.

    Pooling, normalisation and projection become nodes of the graph; what else the model gave is left out.

    Parameters
    ----------
    descriptor : NetworkDescriptor
        Of one scale: a whitening of the mean over several has no place within the network.
    whitening : Whitening
        Learned on that descriptor's vectors.
    path : Path
        Ends with .onnx; replaced whole.

    Returns
    -------
    float
        The largest difference between the model's values and the descriptor's whitened ones, over images of 4 sizes.

    Raises
    ------
    ValueError
        If the descriptor is of several scales or pooled by R-MAC, or of other dimensions than the whitening.
    RuntimeError
        If the model written gives other vectors; the file is not left behind.
    """
    recipe = descriptor.recipe
    if len(recipe.scales) > 1:
        raise ValueError(f"{descriptor.name} has {len(recipe.scales)} scales: whiten it by an .npz beside it instead")
    if descriptor.head == "rmac" and isinstance(recipe, ActivationMapRecipe):
        raise ValueError(f"{descriptor.name} is pooled outside the network: whiten it by an .npz beside it instead")
    if whitening.mean.size != descriptor.dim:
        raise ValueError(f"whitening must be of {descriptor.dim} dimensions, got {whitening.mean.size}")
    onnx = require("onnx", extra="export")
    model = _with_whitening(onnx, descriptor, whitening)
    onnx.helper.set_model_props(
        model, {METADATA_KEY: format_recipe(_recipe(descriptor, whitening, model.graph.output[0].name))}
    )
    onnx.checker.check_model(model)
    partial = path.with_name(path.name + ".partial")
    try:
        onnx.save(model, partial)
        difference = _difference(descriptor, whitening, partial)
        if difference > TOLERANCE:
            raise RuntimeError(f"{path}: the whitened model gives other vectors, by up to {difference:.1e}")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return difference


def _with_whitening(onnx: Any, descriptor: NetworkDescriptor, whitening: Whitening) -> Any:
    """The part of the model that gives the descriptor, with the nodes that follow."""
    path, recipe = descriptor.network.session.path, descriptor.recipe
    model = onnx.utils.Extractor(onnx.load(path)).extract_model([recipe.input], [descriptor.output])
    graph = model.graph
    constants: dict[str, Any] = {
        "ones": np.ones((whitening.mean.size, 1)),
        "ones_whitened": np.ones((whitening.dim, 1)),
        "epsilon": EPSILON,
        "mean": whitening.mean,
        "projection": whitening.projection.T,
    }
    nodes: list[tuple[str, list[str], str]] = []
    if isinstance(recipe, ActivationMapRecipe):
        constants |= {"power": recipe.p, "root": 1.0 / recipe.p}
        match descriptor.head:
            case "mac":
                nodes += [("GlobalMaxPool", ["activations"], "pooled")]
            case "spoc":
                nodes += [("GlobalAveragePool", ["activations"], "pooled")]
            case _:
                nodes += [
                    ("Max", ["activations", "epsilon"], "clipped"),
                    ("Pow", ["clipped", "power"], "powers"),
                    ("GlobalAveragePool", ["powers"], "mean_power"),
                    ("Pow", ["mean_power", "root"], "pooled"),
                ]
        nodes += [("Flatten", ["pooled"], "vector")]
    else:
        nodes += [("Identity", ["activations"], "vector")]
    nodes += [
        *_normalisation("vector", "ones", "unit"),
        ("Sub", ["unit", "mean"], "centred"),
        ("MatMul", ["centred", "projection"], "projected"),
        *_normalisation("projected", "ones_whitened", "whitened"),
    ]
    prefix = f"whitening{len(graph.node)}_"  # another one than that of a whitening before it
    cast = {"to": onnx.TensorProto.FLOAT}
    graph.node.append(onnx.helper.make_node("Cast", [descriptor.output], [prefix + "activations"], **cast))
    for operator, inputs, name in nodes:
        graph.node.append(onnx.helper.make_node(operator, [prefix + i for i in inputs], [prefix + name]))
    for name, value in constants.items():
        array = np.array(value, np.float32, order="C")
        graph.initializer.append(onnx.numpy_helper.from_array(array, prefix + name))
    del graph.output[:]
    shape = ["n", whitening.dim]
    graph.output.append(onnx.helper.make_tensor_value_info(prefix + "whitened", onnx.TensorProto.FLOAT, shape))
    return model


def _normalisation(vector: str, ones: str, unit: str) -> list[tuple[str, list[str], str]]:
    """v / (length of v + epsilon), in operators that every opset has."""
    return [
        ("Mul", [vector, vector], f"{vector}_squared"),
        ("MatMul", [f"{vector}_squared", ones], f"{vector}_square"),
        ("Sqrt", [f"{vector}_square"], f"{vector}_length"),
        ("Add", [f"{vector}_length", "epsilon"], f"{vector}_divisor"),
        ("Div", [vector, f"{vector}_divisor"], unit),
    ]


def _recipe(descriptor: NetworkDescriptor, whitening: Whitening, output: str) -> GlobalRecipe:
    recipe = descriptor.recipe
    common = {field.name: getattr(recipe, field.name) for field in fields(Recipe)}
    method = str(whitening.provenance.get("method", "learned"))
    parts = [recipe.name, descriptor.head, method]
    history = {
        "of": recipe.exported or recipe.name,
        "sha256": descriptor.network.session.sha256,
        "head": descriptor.head or descriptor.output,
        "whitening": dict(whitening.provenance),
    }
    return GlobalRecipe(
        **common
        | {
            "name": "-".join(part for part in parts if part),
            "image_size": descriptor.image_size,
            "hcbir_version": __version__,
            "exported": json.dumps(history),
        },
        output=output,
    )


def _difference(descriptor: NetworkDescriptor, whitening: Whitening, path: Path) -> float:
    """Between the model at that path and what it is to give, on seeded noise."""
    rng = np.random.default_rng(0)
    sizes = [(64, 64), (97, 64), (64, 130), (161, 119)]
    images = [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in sizes]
    wanted = whitening.apply(descriptor.describe(images))
    written = NetworkDescriptor(Network(path, provider=descriptor.network.session.provider))
    return float(np.abs(written.describe(images) - wanted).max())
