"""NetVLAD from the MATLAB structures that cvg/Hierarchical-Localization publishes -> `RetrievalNetwork`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from hcbir.models.checkpoints.files import LoadedNetwork, as_tensor, fill, sha256_of
from hcbir.models.netvlad import NetVLAD
from hcbir.models.network import Head, RetrievalNetwork, Whitening
from hcbir.models.vgg import VGG16

VLAD_LAYER, WHITENING_LAYER = 30, 33


def load_netvlad(path: Path, *, whiten: bool = False, trunk: VGG16 | None = None) -> LoadedNetwork:
    """VGG-16 with the head NetVLAD from a `.mat` file (`Pitts30K_struct.mat`, `TokyoTM_struct.mat`).

    Parameters
    ----------
    path : Path
    whiten : bool
        Whether to keep the file's whitening, 32768 -> 4096; the paper uses the vectors without it.
    trunk : VGG16, optional
        Without its last ReLU.

    Raises
    ------
    ValueError
        If the file is no such structure, or truncated; the message says what is missing or of the wrong shape.
    ModuleNotFoundError
        If scipy is not installed.
    """
    layers, mean = read_structure(path)
    trunk = VGG16(last_relu=False) if trunk is None else trunk
    fill(trunk, _trunk_state(path, layers, trunk), f"{path}: vgg16")
    scores, centres = (
        as_tensor(array, name, path)
        for name, array in zip(("scores", "centres"), _weights(path, layers, VLAD_LAYER), strict=True)
    )
    if scores.ndim != 2 or scores.shape != centres.shape or len(scores) != trunk.dim:
        shapes = f"{tuple(scores.shape)} and {tuple(centres.shape)}"
        raise ValueError(f"{path}: layers[{VLAD_LAYER}] must hold two ({trunk.dim}, clusters) matrices, got {shapes}")
    pooling = NetVLAD(*scores.shape)
    # The file stores the centres negated.
    fill(pooling, {"score_proj.weight": scores.T.unsqueeze(2), "centers": -centres}, f"{path}: NetVLAD")
    whitening = _whitening(path, layers, pooling.dim) if whiten else None
    heads = {"netvlad": Head(pooling, trunk.dim, whitening)}
    return LoadedNetwork(
        network=RetrievalNetwork(trunk, heads).eval(),
        architecture="vgg16",
        mean=mean,
        std=(1.0, 1.0, 1.0),
        sha256=sha256_of(path),
    )


def read_structure(path: Path) -> tuple[list[Any], tuple[float, ...]]:
    """The layers of the structure and the mean colour; scipy reads data and runs nothing."""
    try:
        from scipy.io import loadmat
    except ModuleNotFoundError:
        raise ModuleNotFoundError('scipy is not installed: pip install "hcbir[export]"', name="scipy") from None
    with path.open("rb") as file:
        try:
            content = loadmat(file, struct_as_record=False, squeeze_me=True, variable_names=["net"])
        except Exception as error:  # scipy raises anything on a damaged file
            raise ValueError(f"{path}: not a MATLAB file that scipy reads, or truncated: {error}") from error
    try:
        net = content["net"]
        layers = list(net.layers)
        average = np.asarray(net.meta.normalization.averageImage, dtype=np.float64)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: must hold net.layers and net.meta.normalization.averageImage: {error}") from None
    if average.shape[-1:] != (3,):
        raise ValueError(f"{path}: averageImage must have three channels, got {average.shape}")
    return layers, tuple(map(float, average.reshape(-1, 3)[0]))


def _weights(path: Path, layers: list[Any], index: int) -> list[Any]:
    """The two arrays of a layer."""
    weights = getattr(layers[index], "weights", None) if index < len(layers) else None
    if weights is None or len(weights) < 2:
        raise ValueError(f"{path}: layers[{index}] must have two arrays of weights; the file has {len(layers)} layers")
    return list(weights[:2])


def _trunk_state(path: Path, layers: list[Any], trunk: VGG16) -> dict[str, Tensor]:
    """Height x width x in x out -> out x in x height x width; MATLAB's layers stand in torchvision's order."""
    state = {}
    for index, layer in enumerate(trunk.features):
        if isinstance(layer, nn.Conv2d):
            weight, bias = _weights(path, layers, index)
            weight = as_tensor(weight, f"layers[{index}].weights[0]", path)
            if weight.ndim != 4:
                raise ValueError(f"{path}: layers[{index}].weights[0] must have four dimensions, got {weight.shape}")
            state[f"features.{index}.weight"] = weight.permute(3, 2, 0, 1)
            state[f"features.{index}.bias"] = as_tensor(bias, f"layers[{index}].weights[1]", path).reshape(-1)
    return state


def _whitening(path: Path, layers: list[Any], in_dim: int) -> Whitening:
    weight, bias = (as_tensor(array, "whitening", path).squeeze() for array in _weights(path, layers, WHITENING_LAYER))
    if weight.ndim != 2:
        raise ValueError(f"{path}: layers[{WHITENING_LAYER}] must hold a matrix, got {tuple(weight.shape)}")
    whitening = Whitening(in_dim, weight.shape[1])
    fill(whitening.linear, {"weight": weight.T, "bias": bias}, f"{path}: whitening")
    return whitening
