"""DELF's TensorFlow variables, by their scope names -> `DELF`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor, nn

from hcbir.models.checkpoints.arrays import read_arrays
from hcbir.models.checkpoints.bundle import bundle_files, is_bundle, read_bundle
from hcbir.models.checkpoints.files import LoadedNetwork, as_tensor, complain, fill, sha256_of
from hcbir.models.checkpoints.pca import load_pca, pca_files, published_pca
from hcbir.models.delf import DELF

SCOPE = "resnet_v1_50"
ATTENTION = "attention_block/attention/compute"
_CONVOLUTION = {"weight": "weights", "bias": "biases"}
_BATCH_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
# Optimisers' slots, the classifiers and the last block play no part.
_IGNORED = re.compile(r"(/(Momentum|Adam|Adam_1|ExponentialMovingAverage)|/logits/.*|/block4/.*)$")


def load_delf(
    path: Path,
    *,
    pca: Path | None = None,
    pca_dim: int | None = None,
    whiten_pca: bool = False,
    network: DELF | None = None,
) -> LoadedNetwork:
    """DELF from the variables of its TensorFlow model.

    Parameters
    ----------
    path : Path
        What TensorFlow has saved (as for `read_bundle`), or a `.npz`, of name -> array, such as
        `resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/weights`.
    pca : Path, optional
        As for `load_pca`; default: the one published with the weights, if `pca_dim` is given.
    pca_dim : int, optional
        Length of the projected descriptors; default: that of `pca`, and without one descriptors keep their 1024
        numbers, as the paper has them. The weights' authors use 40 (v1) and 128 (GLD).
    whiten_pca : bool
        Whether to divide by the square roots of the PCA's variances.
    network : DELF, optional

    Raises
    ------
    ValueError
        If the file is no such file or the variables do not fit; the message lists what is missing or of the wrong
        shape.
    """
    if whiten_pca and pca is None and pca_dim is None:
        raise ValueError("whiten_pca is of a PCA: pca or pca_dim must be given")
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
    architecture = "resnet50 to block3"
    files = bundle_files(path) if is_bundle(path) else [path]
    if pca is not None or pca_dim is not None:
        source = published_pca(path) if pca is None else pca
        network.pca = load_pca(source, in_channels=network.trunk.dim, dim=pca_dim, whiten=whiten_pca)
        architecture += f", {'whitening ' if whiten_pca else ''}PCA to {network.dim}"
        files += [file for file in pca_files(source) if file not in files]
    return LoadedNetwork(
        network=network.eval(),
        architecture=architecture,
        mean=(128.0,) * 3,
        std=(128.0,) * 3,
        sha256=sha256_of(*files),
    )


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
