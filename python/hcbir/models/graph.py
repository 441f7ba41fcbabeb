"""A torch network -> the bytes of an ONNX model that takes images of any size."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from hcbir.descriptors.recipes import METADATA_KEY

OPSET = 18
EXAMPLE = (2, 3, 67, 99)
LEAST_SIDE = 16
"""What VGG's poolings ask for; torch 2.11 wants to be told so (2.13 does not). ONNX does not record it."""


def to_onnx(network: nn.Module, outputs: Sequence[str]) -> onnx.ModelProto:
    """A model with the input `image`, (n, 3, height, width) float32, and these outputs.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode; gives a tuple.
    outputs : names
    """
    sides = {axis: torch.export.Dim(name, min=LEAST_SIDE) for axis, name in ((2, "height"), (3, "width"))}
    dynamic = {0: torch.export.Dim("n"), **sides}
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)  # it misses torchvision, which no network here uses
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # torch's own deprecations
            program: Any = torch.onnx.export(
                network,
                (torch.zeros(EXAMPLE),),
                dynamo=True,
                dynamic_shapes=(dynamic,),
                input_names=["image"],
                output_names=list(outputs),
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        registration.setLevel(level)
    model: onnx.ModelProto = program.model_proto
    _forget_origins(model)
    return model


def _forget_origins(model: onnx.ModelProto) -> None:
    """Drops the stack traces and module names that torch leaves on every node and value."""
    graph = model.graph
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def save(model: onnx.ModelProto, path: Path, *, recipe: str) -> None:
    """Writes the model with its recipe."""
    onnx.helper.set_model_props(model, {METADATA_KEY: recipe})
    onnx.checker.check_model(model)
    onnx.save(model, path)
