"""Eight-bit convolutions: static quantisation of an exported model, ranges learned on images."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from hcbir._features import FloatArray

QUANTISED = ("Conv", "Add", "Relu", "MaxPool")


class _Images(CalibrationDataReader):
    def __init__(self, images: Iterator[FloatArray]):
        self._images = images

    def get_next(self) -> dict[str, FloatArray] | None:
        image = next(self._images, None)
        return None if image is None else {"image": image}


def quantise(
    path: Path, calibration: Iterable[FloatArray], *, progress: Callable[[int, int], None] | None = None
) -> onnx.ModelProto:
    """The model of a file with its trunk in eight bits, as QuantizeLinear and DequantizeLinear nodes.

    The first convolution, the last one and all heads stay in float. Activations are unsigned and weights signed, as
    CPUs multiply them. Weights use seven of their eight bits: CPUs without VNNI add two products in 16 bits, which
    saturate beyond 255 * (64 + 64).

    Parameters
    ----------
    path : Path
        Of a model that `graph.to_onnx` made.
    calibration : iterable of (n, 3, height, width) float32
        Images as the network takes them.
    progress : callable, optional
        progress(images seen, images in all)

    Raises
    ------
    ValueError
        If there is no image.
    """
    images = list(calibration)
    if not images:
        raise ValueError("calibration must hold at least one image, got none")
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "quantised.onnx"
        quant_pre_process(path, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            quantised,
            _Images(_counted(images, progress)),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_quantize=_inner_nodes(onnx.load(prepared).graph),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(quantised)


def _counted(images: list[FloatArray], progress: Callable[[int, int], None] | None) -> Iterator[FloatArray]:
    for seen, image in enumerate(images, start=1):
        yield image
        if progress is not None:
            progress(seen, len(images))


def _inner_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the trunk's nodes after its first convolution and before its last one."""
    convolutions = [
        i for i, node in enumerate(graph.node) if node.op_type == "Conv" and node.input[1].startswith("trunk.")
    ]
    between = list(graph.node)[convolutions[0] + 1 : convolutions[-1]]
    return [node.name for node in between if node.op_type in QUANTISED]
