"""How figures were made: what must be known before they are compared with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hcbir
from hcbir.collection.retrieval import VERIFY_MAX_ERROR, VERIFY_MODEL
from hcbir.descriptors import Descriptor
from hcbir.study.config import StudyConfig
from hcbir.study.datasets.task import Task
from hcbir.study.similarity import BOTH, SHORT_LIST
from hcbir.study.store import hash_of


def protocol_of(
    config: StudyConfig, task: Task, descriptors: Mapping[str, Descriptor], *, num_threads: int | None, num_skipped: int
) -> dict[str, Any]:
    """The stamp: plain JSON values, all texts but `descriptors`; `id` is a hash of the rest.

    Parameters
    ----------
    descriptors : mapping of str to Descriptor
        By label.
    """
    cropped = sum(query.box is not None for query in task.queries)
    inside = sum(query.image is not None for query in task.queries)
    size = config.protocol.image_size
    stamp: dict[str, Any] = {
        "average precision": config.protocol.ap if task.depth is None else f"rectangle, of the best {task.depth}",
        "query": _query(inside, len(task.queries), task.query_left_out),
        "query crop": f"{cropped} of {len(task.queries)} cropped" if cropped else "none",
        "images": f"{len(task.images)}" + (f", {num_skipped} could not be read" if num_skipped else ""),
        "image size": ("each descriptor's own" if size is None else f"longest side {size} px, never enlarged")
        + (", decoded reduced" if config.protocol.reduced_decoding else ""),
        "similarity": "dot product; of local descriptors the number of inliers of mutual nearest neighbours "
        f"({VERIFY_MODEL}, {VERIFY_MAX_ERROR:g} px as described, {_searched(config.protocol.local)}), "
        "ties in the order of the images' hashes",
        "hcbir": hcbir.__version__,
        "instruction level": hcbir.isa(),
        "threads": str(num_threads or hcbir.default_num_threads()),
        "descriptors": {label: _model(descriptor) for label, descriptor in descriptors.items()},
    }
    return {**stamp, "id": hash_of(stamp)[:8]}


def stamp_line(stamp: Mapping[str, Any]) -> str:
    """The stamp in one line, without the models."""
    return (
        f"{stamp['average precision']} AP; query {stamp['query']}; crop: {stamp['query crop']}; size: "
        f"{stamp['image size']}; hcbir {stamp['hcbir']}, {stamp['instruction level']}, {stamp['threads']} threads; "
        f"protocol {stamp['id']}"
    )


def _searched(local: str) -> str:
    """Which images' inliers were counted."""
    if local == "exhaustive":
        return local
    index = (
        f"index: of the {SHORT_LIST} images with the most votes, equal ones and the rest by votes; "
        "binary descriptors exhaustive"
    )
    return f"exhaustive, and beside it {index}" if local == BOTH else index


def _query(inside: int, total: int, left_out: bool) -> str:
    if inside == 0:
        return "not among the images"
    if not left_out:
        return "kept in its own ranking"
    return "left out of its own ranking" + ("" if inside == total else f" ({inside} of {total} are images)")


def _model(descriptor: Descriptor) -> dict[str, Any]:
    """What it is, at which size, and the hash of its file, if it has one."""
    spec = dict(descriptor.spec())
    inner = spec.get("local", spec.get("descriptor", spec))
    facts = {"name": spec["name"], "kind": descriptor.kind, "image size": inner.get("image_size")}
    for source in (spec, inner):
        if "sha256" in source:
            facts["model sha256"] = source["sha256"]
    if "whitening" in spec:
        facts["whitening sha256"] = spec["whitening"]["sha256"]
    network = getattr(descriptor, "network", None)
    if network is not None:
        facts["runs on"] = network.session.provider
    return facts
