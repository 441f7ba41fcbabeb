"""Weights of cirtorch (filipradenovic/cnnimageretrieval-pytorch) and of torchvision -> `RetrievalNetwork`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hcbir.models.checkpoints.files import LoadedNetwork, fill, read_torch, sha256_of
from hcbir.models.network import Head, RetrievalNetwork, Whitening
from hcbir.models.pooling import POOLINGS, GeM
from hcbir.models.resnet import LAYERS, resnet
from hcbir.models.vgg import VGG16

TRUNKS: dict[str, Callable[[], nn.Module]] = {"vgg16": VGG16, **{name: partial(resnet, name) for name in LAYERS}}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Sequential(*children of torchvision's ResNet), as cirtorch numbers them.
_CIRTORCH_RESNET = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_CLASSIFIERS = ("fc.", "classifier.")


def load_retrieval(
    path: Path,
    *,
    trunk: str | nn.Module | None = None,
    heads: Sequence[str] | None = None,
    whiten: bool = True,
) -> LoadedNetwork:
    """A trunk with heads GeM, MAC, SPoC, RMAC from a `.pth` file.

    Parameters
    ----------
    path : Path
        A cirtorch network (`meta`, `state_dict`), a state dict of torchvision, or one of cirtorch's trunks alone.
    trunk : {"resnet18", "resnet50", "resnet101", "vgg16"} or nn.Module, optional
        Default: the one the file names; torchvision's files name none.
    heads : sequence of {"gem", "mac", "spoc", "rmac"}, optional
        Default: the one the file was trained with, or GeM.
    whiten : bool
        Whether to keep the whitening that was trained with the network, if there is one; it belongs to its head.

    Raises
    ------
    ValueError
        If the file is no such file or the weights do not fit; the message lists what is missing or of the wrong shape.
    """
    content = read_torch(path)
    if not isinstance(content, Mapping):
        raise ValueError(f"{path}: must hold a dict of tensors, or one with meta and state_dict, got {type(content)}")
    state = content.get("state_dict", content)
    meta = content.get("meta", {})
    if not isinstance(state, Mapping) or not isinstance(meta, Mapping):
        raise ValueError(f"{path}: meta and state_dict must be dicts, got {type(meta)} and {type(state)}")
    for key in ("regional", "local_whitening"):
        if meta.get(key):
            raise ValueError(f"{path}: networks with {key.replace('_', ' ')} are not supported")
    name, module = _trunk(path, trunk, meta)
    trunk_state, p, whitening_state = _split(state)
    fill(module, trunk_state, f"{path}: {name}")
    trained_head = str(meta.get("pooling", "gem"))
    chosen = _checked_heads([trained_head] if heads is None else heads)
    whitening = _whitening(path, whitening_state) if whiten and whitening_state else None
    if whitening is not None and trained_head not in chosen:
        raise ValueError(f"{path}: its whitening belongs to {trained_head}: export that head, or without whitening")
    dim: Any = module.dim
    modules = {head: Head(_pooling(path, head, p), dim, whitening if head == trained_head else None) for head in chosen}
    mean, std = (
        tuple(float(value) * 255 for value in meta.get(key, default))
        for key, default in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD))
    )
    network = RetrievalNetwork(module, modules).eval()
    return LoadedNetwork(network=network, architecture=name, mean=mean, std=std, sha256=sha256_of(path))


def _trunk(path: Path, trunk: str | nn.Module | None, meta: Mapping[str, Any]) -> tuple[str, nn.Module]:
    if isinstance(trunk, nn.Module):
        return type(trunk).__name__, trunk
    stated = meta.get("architecture")
    if trunk is None and stated is None:
        raise ValueError(f"trunk must be given, one of {', '.join(TRUNKS)}: {path} does not say which it is")
    if trunk is not None and stated is not None and trunk != stated:
        raise ValueError(f"trunk must be {stated}, which {path} was trained with, got {trunk!r}")
    name = str(trunk or stated)
    if name not in TRUNKS:
        raise ValueError(f"trunk must be one of {', '.join(TRUNKS)}, got {name!r}")
    return name, TRUNKS[name]()


def _checked_heads(heads: Sequence[str]) -> list[str]:
    if not heads or len(set(heads)) != len(heads) or any(head not in POOLINGS for head in heads):
        raise ValueError(f"heads must be some of {', '.join(POOLINGS)}, each once, got {', '.join(heads) or 'none'}")
    return list(heads)


def _split(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], Any, dict[str, Tensor]]:
    """The trunk's tensors by torchvision's names, GeM's power, and the whitening's tensors."""
    trunk: dict[str, Tensor] = {}
    whitening: dict[str, Tensor] = {}
    p = None
    for key, value in state.items():
        name = key.removeprefix("module.")  # of DataParallel
        if name == "pool.p":
            p = value
        elif name.startswith("whiten."):
            whitening[name.removeprefix("whiten.")] = value
        elif not name.startswith(_CLASSIFIERS):
            trunk[name] = value
    if trunk and all(re.match(r"\d+\.", name) for name in trunk):  # a trunk alone, saved by cirtorch
        trunk = {f"features.{name}": value for name, value in trunk.items()}
    if any(re.match(r"features\.[4-7]\.\d+\.conv1\.", name) for name in trunk):
        trunk = {_torchvision_name(name): value for name, value in trunk.items()}
    return trunk, p, whitening


def _torchvision_name(name: str) -> str:
    _, number, rest = name.split(".", 2) if name.count(".") > 1 else ("", name, "")
    return f"{_CIRTORCH_RESNET[number]}.{rest}" if number in _CIRTORCH_RESNET else name


def _pooling(path: Path, head: str, p: Any) -> nn.Module:
    if head != "gem" or p is None:
        return POOLINGS[head]()
    if not isinstance(p, Tensor) or p.numel() != 1 or not float(p) > 0:
        raise ValueError(f"{path}: pool.p must be one number above 0, got {p!r}")
    return GeM(float(p))


def _whitening(path: Path, state: Mapping[str, Tensor]) -> Whitening:
    weight = state.get("weight")
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        raise ValueError(f"{path}: whiten.weight is missing, or not a matrix")
    whitening = Whitening(weight.shape[1], weight.shape[0])
    fill(whitening.linear, state, f"{path}: whiten")
    return whitening
