"""Files of the structure in which networks are published, with random weights and few channels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hcbir.models.delf import DELF, DELFTrunk
from hcbir.models.netvlad import NetVLAD
from hcbir.models.resnet import BasicBlock, Bottleneck, ResNet
from hcbir.models.vgg import VGG16

CIRTORCH_NUMBERS = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}


def tiny_resnet(seed: int = 0) -> ResNet:
    """Blocks of the kind of ResNet-50's, one of them without projection; 128 channels come out."""
    return randomised(ResNet(Bottleneck, (2, 1, 1, 1), width=4), seed)


def tiny_basic_resnet(seed: int = 0) -> ResNet:
    return randomised(ResNet(BasicBlock, (1, 1, 1, 1), width=4), seed)


def tiny_vgg(seed: int = 0, *, last_relu: bool = True) -> VGG16:
    return randomised(VGG16(last_relu=last_relu, divisor=32), seed)


def tiny_delf(seed: int = 0) -> DELF:
    return randomised(DELF(DELFTrunk(width=4, layers=(2, 3, 2)), attention_width=8), seed)


def randomised(network: Any, seed: int) -> Any:
    """Weights that keep activations alive, and batch normalisations that do something."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if name.endswith(("running_var", "bn.weight")) or (value.ndim == 1 and name.endswith("weight")):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.ndim >= 2:
            fan_in = value[0].numel()
            value.copy_(torch.randn(value.shape, generator=generator) * (2 / fan_in) ** 0.5)
        elif value.ndim == 1:
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    return network.eval()


def cirtorch_state(trunk: nn.Module, *, p: float = 2.9) -> dict[str, torch.Tensor]:
    """`features.4.0.conv1.weight` and so on, without what torch of 2018 did not write."""
    state = {"pool.p": torch.tensor([p])}
    for name, value in trunk.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        first, _, rest = name.partition(".")
        state[f"features.{CIRTORCH_NUMBERS[first]}.{rest}" if first in CIRTORCH_NUMBERS else name] = value
    return state


def save_cirtorch(
    path: Path,
    trunk: nn.Module,
    *,
    p: float = 2.9,
    whiten_dim: int | None = None,
    legacy: bool = True,
    **meta: Any,
) -> dict[str, Any]:
    """Writes and returns `{"meta", "state_dict"}`, `meta["Lw"]` of numpy arrays among it.

    `legacy` writes as torch of 2018 with numpy 1 did: no zip, and numpy's functions under their former names.
    """
    rng = np.random.default_rng(5)
    dim = trunk.dim
    state = cirtorch_state(trunk, p=p)
    if whiten_dim is not None:
        state["whiten.weight"] = torch.from_numpy(rng.normal(size=(whiten_dim, dim)).astype(np.float32))
        state["whiten.bias"] = torch.from_numpy(rng.normal(size=whiten_dim).astype(np.float32) * 0.1)
    whitening = {"m": rng.normal(size=(dim, 1)) * 0.1, "P": rng.normal(size=(dim, dim))}
    content = {
        "meta": {
            "architecture": "resnet50",
            "pooling": "gem",
            "local_whitening": False,
            "regional": False,
            "whitening": whiten_dim is not None,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "outputdim": dim,
            "Lw": {"retrieval-SfM-120k": {"ss": whitening, "ms": whitening}},
            **meta,
        },
        "state_dict": state,
    }
    if not legacy:
        torch.save(content, path)
        return content
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    path.write_bytes(buffer.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    return content


def save_netvlad(path: Path, trunk: VGG16, pooling: NetVLAD, whitening: nn.Linear) -> None:
    """MATLAB's structure `net`: convolutions as height x width x in x out, centres negated."""
    from scipy.io import savemat

    def cells(*values: Any) -> Any:
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    def layer(*weights: torch.Tensor) -> dict[str, Any]:
        return {"weights": cells(*(weight.detach().numpy() for weight in weights)) if weights else np.empty(0)}

    layers = [
        layer(module.weight.permute(2, 3, 1, 0), module.bias) if isinstance(module, nn.Conv2d) else layer()
        for module in trunk.features
    ]
    layers += [layer()]  # the normalisation of each place
    layers += [layer(pooling.score_proj.weight[:, :, 0].T, -pooling.centers)]
    layers += [layer(), layer(), layer(whitening.weight.T[None, None], whitening.bias[:, None])]
    average = np.broadcast_to(np.array([123.0, 117.0, 104.0]), (4, 4, 3))
    net = {"layers": cells(*layers), "meta": {"normalization": {"averageImage": average}}}
    savemat(path, {"net": net})


def delf_variables(network: DELF) -> dict[str, np.ndarray]:
    """TensorFlow's names and layouts, with what else a training checkpoint holds."""
    variables: dict[str, np.ndarray] = {"global_step:0": np.array(7)}

    def convolution(scope: str, module: nn.Conv2d) -> None:
        variables[f"{scope}/weights"] = module.weight.detach().permute(2, 3, 1, 0).numpy()
        variables[f"{scope}/weights/Momentum"] = np.zeros(3, np.float32)
        if module.bias is not None:
            variables[f"{scope}/biases"] = module.bias.detach().numpy()

    def normalised(scope: str, module: nn.Conv2d, batch_norm: nn.BatchNorm2d) -> None:
        convolution(scope, module)
        names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
        for theirs, own in names.items():
            variables[f"{scope}/BatchNorm/{theirs}"] = getattr(batch_norm, own).detach().numpy()

    normalised("resnet_v1_50/conv1", network.trunk.conv1, network.trunk.bn1)
    for b, layer in enumerate(network.trunk.layers, start=1):
        for u, block in enumerate(layer, start=1):
            scope = f"resnet_v1_50/block{b}/unit_{u}/bottleneck_v1"
            for i in "123":
                normalised(f"{scope}/conv{i}", getattr(block, f"conv{i}"), getattr(block, f"bn{i}"))
            if u == 1:
                normalised(f"{scope}/shortcut", *block.downsample)
    normalised("attention_block/attention/compute/conv1", network.attention1, network.attention_bn1)
    convolution("attention_block/attention/compute/conv2", network.attention2)
    return variables
