"""Descriptors by name, and from what a collection has recorded of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hcbir._arrays import positive_int
from hcbir.descriptors.base import Descriptor
from hcbir.descriptors.recipe_kinds import FOR_PEOPLE

BUILT_IN = ("orb", "sift", "vlad")


def load(
    name: str,
    *,
    image_size: int | None = None,
    max_features: int | None = None,
    provider: str = "auto",
    num_threads: int | None = None,
    provider_options: Mapping[str, Any] | None = None,
) -> Descriptor:
    """The descriptor of a name.

    Parameters
    ----------
    name : str
        "orb", "sift", "vlad", the path of an `.onnx` network, or such a path with a choice after a colon:

        - "PATH.onnx:gem", ":mac", ":spoc", ":rmac": the pooling of an activation map, or whichever of the heads the
          network has; descriptors loaded from the same network share its passes;
        - "PATH.onnx:orb": for a network that describes patches, the descriptor whose keypoints it takes ("sift").

        "+W.npz" after the name of a global network descriptor applies a learned whitening (`hcbir whiten`).
    image_size : int, optional
        Longest side, in pixels, at which images are described; default: 800, or what the network's recipe says.
    max_features : int, optional
        Of local descriptors, and of the local ones that `vlad` aggregates.
    provider : {"auto", "cuda", "cpu"}
        Where a network runs.
    num_threads : int, optional
        Of a network on the CPU and of learning; default: `hcbir.default_num_threads()`.
    provider_options : mapping, optional
        Of ONNX Runtime's CUDA provider, such as {"device_id": 1, "gpu_mem_limit": 8 << 30}.

    Raises
    ------
    ValueError
        For an unknown name, an option that does not fit, or a network that cannot be used.
    FileNotFoundError
        If there is no such network or whitening.
    ModuleNotFoundError
        If OpenCV or ONNX Runtime is needed and not installed.
    """
    options = _sizes(image_size, max_features)
    run: dict[str, Any] = {"provider": provider, "num_threads": num_threads, "provider_options": provider_options}
    if match := re.fullmatch(r"(.+?\.onnx(?::[^+]+)?)\+(.+\.npz)", name):
        return _whitened(load(match[1], **options, **run), match[2], name)
    model, choice = _split(name)
    if model.endswith(".onnx"):
        return _load_network(name, Path(model), choice, options, run)
    return _load_built_in(name, options, num_threads)


def from_spec(
    spec: Mapping[str, Any],
    *,
    provider: str = "auto",
    num_threads: int | None = None,
    provider_options: Mapping[str, Any] | None = None,
) -> Descriptor:
    """The descriptor that gave a spec.

    Raises
    ------
    ValueError
        If the network at the recorded path, or its recipe, is not the one recorded.
    """
    run: dict[str, Any] = {"provider": provider, "num_threads": num_threads, "provider_options": provider_options}
    name = spec["name"]
    if "whitening" in spec:
        return _whitened(from_spec(spec["descriptor"], **run), spec["whitening"]["path"], name, spec["whitening"])
    if "detector" in spec:
        return _check(_patches(name, Path(spec["path"]), from_spec(spec["detector"], **run), run), spec)
    sizes = spec.get("local", spec)
    options = _sizes(sizes["image_size"], sizes.get("max_features"))
    if "path" not in spec:
        return _load_built_in(name, options, num_threads)
    return _check(_load_network(name, Path(spec["path"]), spec.get("head"), options, run), spec)


def _check(descriptor: Descriptor, recorded: Mapping[str, Any]) -> Descriptor:
    path, found = recorded["path"], descriptor.spec()
    if found["sha256"] != recorded["sha256"]:
        raise ValueError(f"{path}: the network has changed: sha256 {found['sha256']}, recorded {recorded['sha256']}")
    recipe = found["recipe"]
    for key in (recipe.keys() & recorded["recipe"].keys()) - FOR_PEOPLE - {"image_size"}:  # that is recorded apart
        now, then = (json.dumps(said[key], sort_keys=True) for said in (recipe, recorded["recipe"]))
        if now != then:
            raise ValueError(f"{path}: its recipe has changed: {key} is {now}, recorded {then}")
    return descriptor


def _sizes(image_size: int | None, max_features: int | None) -> dict[str, Any]:
    given = {"image_size": image_size, "max_features": max_features}
    return {key: positive_int(value, key) for key, value in given.items() if value is not None}


def _split(name: str) -> tuple[str, str | None]:
    """Path and choice of "PATH.onnx:choice"; of other names the name."""
    model, colon, choice = name.partition(".onnx:")
    return (f"{model}.onnx", choice) if colon else (name, None)


def _load_built_in(name: str, options: dict[str, Any], num_threads: int | None) -> Descriptor:
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
    name: str, path: Path, choice: str | None, options: dict[str, Any], run: Mapping[str, Any]
) -> Descriptor:
    from hcbir.descriptors.delf import DelfDescriptor
    from hcbir.descriptors.dense import DenseLocalDescriptor
    from hcbir.descriptors.network import shared_network
    from hcbir.descriptors.vectors import NetworkDescriptor

    network = shared_network(path, **run)
    kind = network.recipe.kind
    if kind == "patch":
        return _patches(name, path, load(choice or "sift", **options, **run), run)
    if kind in ("dense-local", "delf") and choice is None:
        return (DelfDescriptor if kind == "delf" else DenseLocalDescriptor)(network, name=name, **options)
    if "max_features" in options:
        raise ValueError(f"max_features does not apply to {name}, whose kind is {kind}")
    return NetworkDescriptor(network, head=choice, name=name, **options)


def _patches(name: str, path: Path, detector: Descriptor, run: Mapping[str, Any]) -> Descriptor:
    from hcbir.descriptors.network import shared_network
    from hcbir.descriptors.patches import PatchDescriptor

    if detector.kind != "local":
        raise ValueError(f"{name}: keypoints must come from a local descriptor, {detector.name} is {detector.kind}")
    return PatchDescriptor(shared_network(path, **run), detector, name=name)


def _whitened(descriptor: Descriptor, path: str, name: str, recorded: Mapping[str, Any] | None = None) -> Descriptor:
    from hcbir.descriptors.whitening import WhitenedDescriptor

    if descriptor.kind != "global":
        raise ValueError(
            f"{name}: only a global network descriptor can be whitened, {descriptor.name} is {descriptor.kind}"
        )
    whitened = WhitenedDescriptor(descriptor, Path(path), name=name)
    if recorded is not None and whitened.sha256 != recorded["sha256"]:
        raise ValueError(f"{path}: the whitening has changed: sha256 {whitened.sha256}, recorded {recorded['sha256']}")
    return whitened
