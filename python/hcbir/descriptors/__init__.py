"""Images -> vectors and local features.

`load` makes a descriptor from its name; `describe_files` runs descriptors over files.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hcbir._arrays import positive_int
from hcbir.descriptors.base import AggregatedDescriptor, Descriptor, GlobalDescriptor, LocalDescriptor
from hcbir.descriptors.images import ImageError, LoadedImage, list_images, open_image
from hcbir.descriptors.pipeline import Described, describe_files, describe_image
from hcbir.descriptors.recipes import POOLINGS

__all__ = [
    "BUILT_IN",
    "AggregatedDescriptor",
    "Described",
    "Descriptor",
    "GlobalDescriptor",
    "ImageError",
    "LoadedImage",
    "LocalDescriptor",
    "describe_files",
    "describe_image",
    "from_spec",
    "list_images",
    "load",
    "open_image",
]

BUILT_IN = ("orb", "sift", "vlad")


def load(
    name: str,
    *,
    image_size: int | None = None,
    max_features: int | None = None,
    provider: str = "auto",
    num_threads: int | None = None,
) -> Descriptor:
    """The descriptor of a name.

    Parameters
    ----------
    name : str
        "orb", "sift", "vlad", the path of an `.onnx` network, or such a path with a pooling: "PATH.onnx:gem",
        ":mac", ":spoc". Descriptors loaded from the same network share it.
    image_size : int, optional
        Longest side, in pixels, at which images are described; default: 800, or what the network's recipe says.
    max_features : int, optional
        Of local descriptors, and of the local ones that `vlad` aggregates.
    provider : {"auto", "cuda", "cpu"}
        Where a network runs.
    num_threads : int, optional
        Of a network on the CPU and of learning; default: `hcbir.default_num_threads()`.

    Raises
    ------
    ValueError
        For an unknown name, an option that does not fit, or a network that cannot be used.
    FileNotFoundError
        If there is no such network.
    ModuleNotFoundError
        If OpenCV or ONNX Runtime is needed and not installed.
    """
    options = _sizes(image_size, max_features)
    model, pooling = _split(name)
    if model.endswith(".onnx"):
        return _load_network(name, Path(model), pooling, options, provider=provider, num_threads=num_threads)
    return _load_built_in(name, options, num_threads)


def from_spec(spec: Mapping[str, Any], *, provider: str = "auto", num_threads: int | None = None) -> Descriptor:
    """The descriptor that gave a spec.

    Raises
    ------
    ValueError
        If the network at the recorded path is not the one recorded.
    """
    name = spec["name"]
    sizes = spec.get("local", spec)
    options = _sizes(sizes["image_size"], sizes.get("max_features"))
    if "path" not in spec:
        return _load_built_in(name, options, num_threads)
    path, pooling = Path(spec["path"]), spec.get("pooling")
    descriptor = _load_network(name, path, pooling, options, provider=provider, num_threads=num_threads)
    if (found := descriptor.spec()["sha256"]) != spec["sha256"]:
        raise ValueError(f"{path}: the network has changed: sha256 {found}, recorded {spec['sha256']}")
    return descriptor


def _sizes(image_size: int | None, max_features: int | None) -> dict[str, int]:
    given = {"image_size": image_size, "max_features": max_features}
    return {key: positive_int(value, key) for key, value in given.items() if value is not None}


def _split(name: str) -> tuple[str, str | None]:
    """Path and pooling of "PATH.onnx:pooling"; of other names the name."""
    model, colon, pooling = name.rpartition(":")
    if not (colon and model.endswith(".onnx")):
        return name, None
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got {pooling!r} in {name!r}")
    return model, pooling


def _load_built_in(name: str, options: dict[str, int], num_threads: int | None) -> Descriptor:
    from hcbir.descriptors import local, vlad

    match name:
        case "orb":
            return local.Orb(**options)
        case "sift":
            return local.Sift(**options)
        case "vlad":
            return vlad.Vlad(local.Sift(**options), num_threads=num_threads)
    close = get_close_matches(name, BUILT_IN, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(
        f"descriptor must be one of {', '.join(BUILT_IN)}, or the path of an .onnx network, got {name!r}{hint}"
    )


def _load_network(
    name: str, path: Path, pooling: str | None, options: dict[str, int], *, provider: str, num_threads: int | None
) -> Descriptor:
    from hcbir.descriptors.dense import DenseLocalDescriptor
    from hcbir.descriptors.network import NetworkDescriptor, shared_network

    network = shared_network(path, provider=provider, num_threads=num_threads)
    if network.recipe.kind == "dense-local" and pooling is None:
        return DenseLocalDescriptor(network, name=name, **options)
    if "max_features" in options:
        raise ValueError(f"max_features does not apply to {name}, whose kind is {network.recipe.kind}")
    return NetworkDescriptor(network, pooling=pooling, name=name, **options)
