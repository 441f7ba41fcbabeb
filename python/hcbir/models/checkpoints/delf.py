"""DELF's TensorFlow variables, by their scope names -> `DELF`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor, nn

from hcbir.models.checkpoints.arrays import read_arrays
from hcbir.models.checkpoints.bundle import bundle_files, is_bundle, read_bundle
from hcbir.models.checkpoints.files import LoadedNetwork, as_tensor, complain, fill, sha256_of
from hcbir.models.delf import DELF, PCA

SCOPE = "resnet_v1_50"
ATTENTION = "attention_block/attention/compute"
_CONVOLUTION = {"weight": "weights", "bias": "biases"}
_BATCH_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
# Optimisers' slots, the classifiers and the last block play no part.
_IGNORED = re.compile(r"(/(Momentum|Adam|Adam_1|ExponentialMovingAverage)|/logits/.*|/block4/.*)$")


def load_delf(
    path: Path, *, pca: Path | None = None, whiten_pca: bool = False, network: DELF | None = None
) -> LoadedNetwork:
    """DELF from the variables of its TensorFlow model.

    Parameters
    ----------
    path : Path
        What TensorFlow has saved (as for `read_bundle`), or a `.npz`, of name -> array, such as
        `resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/weights`.
    pca : Path, optional
        A `.npz` for `load_pca`; without it descriptors keep their 1024 numbers.
    whiten_pca : bool
        Whether to divide by the square roots of the PCA's variances.
    network : DELF, optional

    Raises
    ------
    ValueError
        If the file is no such file or the variables do not fit; the message lists what is missing or of the wrong
        shape.
    """
    network = DELF() if network is None else network
    variables = read_bundle(path) if is_bundle(path) else read_arrays(path)
    state: dict[str, Tensor] = {}
    missing = []
    for place, scope in _places(network):
        module = network.get_submodule(place)
        names = _BATCH_NORM if isinstance(module, nn.BatchNorm2d) else _CONVOLUTION
        for own in (key for key in module.state_dict() if key in names):
            name = f"{scope}/{names[own]}"
            if name not in variables:
                missing.append(name)
                continue
            tensor = as_tensor(variables.pop(name), name, path)
            state[f"{place}.{own}"] = tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor
    unexpected = [name for name in variables if name.startswith((SCOPE, ATTENTION)) and not _IGNORED.search(name)]
    complain(f"{path}: DELF", {"missing": missing, "unexpected": unexpected})
    fill(network, state, f"{path}: DELF")
    if pca is not None:
        network.pca = load_pca(pca, in_channels=network.trunk.dim, whiten=whiten_pca)
    return LoadedNetwork(
        network=network.eval(),
        architecture="resnet50 to block3",
        mean=(128.0,) * 3,
        std=(128.0,) * 3,
        sha256=sha256_of(*(bundle_files(path) if is_bundle(path) else [path])),
    )


def load_pca(path: Path, *, in_channels: int, whiten: bool = False) -> PCA:
    """A PCA of descriptors: matrix (x - mean), by whitening divided by the square roots of the variances.

    Parameters
    ----------
    path : Path
        A `.npz` with mean (in_channels,), matrix (dim, in_channels) and, for whitening, variances (dim,).
    in_channels : int
    whiten : bool

    Raises
    ------
    ValueError
        If an array is missing or of another shape.
    """
    arrays = read_arrays(path)
    names = ("mean", "matrix", "variances") if whiten else ("mean", "matrix")
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{path}: {missing[0]} is missing; the file holds {', '.join(arrays)}")
    tensors = {name: as_tensor(arrays[name], name, path).double() for name in names}
    mean, matrix = tensors["mean"].reshape(-1), tensors["matrix"]
    if matrix.ndim != 2 or matrix.shape[1] != in_channels or len(mean) != in_channels:
        shapes = f"mean {tuple(mean.shape)} and matrix {tuple(matrix.shape)}"
        raise ValueError(f"{path}: mean must be ({in_channels},) and matrix (dim, {in_channels}), got {shapes}")
    if whiten:
        variances = tensors["variances"].reshape(-1)
        if len(variances) < len(matrix) or not (variances > 0).all():
            raise ValueError(f"{path}: variances must be {len(matrix)} numbers above 0, got {tuple(variances.shape)}")
        matrix = matrix / variances[: len(matrix), None].sqrt()
    pca = PCA(in_channels, len(matrix))
    state = {"projection.weight": matrix[:, :, None, None].float(), "projection.bias": -(matrix @ mean).float()}
    fill(pca, state, f"{path}: PCA")
    return pca


def _places(network: DELF) -> Iterator[tuple[str, str]]:
    """(module, TensorFlow scope) of all that has weights."""
    yield from _pair("trunk.conv1", "trunk.bn1", f"{SCOPE}/conv1")
    for block, layer in enumerate(network.trunk.layers):
        assert isinstance(layer, nn.Sequential)
        for unit in range(len(layer)):
            module = f"trunk.layers.{block}.{unit}"
            scope = f"{SCOPE}/block{block + 1}/unit_{unit + 1}/bottleneck_v1"
            for i in (1, 2, 3):
                yield from _pair(f"{module}.conv{i}", f"{module}.bn{i}", f"{scope}/conv{i}")
            if unit == 0:
                yield from _pair(f"{module}.downsample.0", f"{module}.downsample.1", f"{scope}/shortcut")
    yield from _pair("attention1", "attention_bn1", f"{ATTENTION}/conv1")
    yield "attention2", f"{ATTENTION}/conv2"


def _pair(convolution: str, batch_norm: str, scope: str) -> Iterator[tuple[str, str]]:
    yield convolution, scope
    yield batch_norm, f"{scope}/BatchNorm"
