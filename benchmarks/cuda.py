"""What networks do on CUDA: differences from the CPU, and rates from files to vectors beside a bare session.

    python benchmarks/cuda.py IMAGES/ NETWORK.onnx... [--size 480] [--provider-option use_tf32=0] [-o RESULTS.json]

One line a network and step, saved as it goes. `--provider cpu` tries the script where there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

import hcbir
from hcbir import descriptors
from hcbir.descriptors.images import list_images, open_image
from hcbir.descriptors.network import MIN_SIDE, batches, equal_sizes
from hcbir.descriptors.pipeline import describe_files, describe_image
from hcbir.descriptors.session import CUDA_OPTIONS

ROUNDS, BUDGET = 5, 15.0  # rounds; seconds after which none begins: images all of different sizes take long
COMPARED = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("networks", nargs="+", help="as for --descriptor of hcbir: NETWORK.onnx, NETWORK.onnx:gem")
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--provider", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--provider-option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    files = list_images(given.images)
    if len(files) < COMPARED:
        parser.error(f"{given.images}: at least {COMPARED} images are needed, got {len(files)}")
    options = dict(option.split("=", 1) for option in given.provider_option)
    results: dict[str, Any] = {
        "onnxruntime": ort.__version__,
        "hcbir": hcbir.__version__,
        "threads": hcbir.default_num_threads(),
        "CPUs": os.cpu_count(),
        "images": len(files),
        "longest side": given.size,
        "sizes": len({open_image(file, longest_side=given.size).image.size for file in files}),
        "provider options": options,
    }
    for name in given.networks:
        load = {"image_size": given.size}
        descriptor = descriptors.load(name, **load, provider=given.provider, provider_options=options or None)
        on_cpu = descriptors.load(name, **load, provider="cpu")
        results[name] = found = {"runs on": descriptor.network.session.provider}
        for step in (differences, rates):
            found |= step(files, descriptor, on_cpu, options)
            if given.output:
                given.output.write_text(json.dumps(results, indent=1))
        print(name, json.dumps(found), flush=True)


def differences(files: Sequence[Path], descriptor: Any, on_cpu: Any, options: dict[str, str]) -> dict[str, float]:
    """Of the unit vectors of a few images, or of the descriptors of features at the same places."""
    pairs = []
    for file in files[:COMPARED]:
        here, there = (describe_image(file, {"d": d}) for d in (descriptor, on_cpu))
        if descriptor.kind == "global":
            pairs.append((here.global_vectors["d"][None], there.global_vectors["d"][None]))
            continue
        mine, theirs = here.local_features["d"], there.local_features["d"]
        rows = {place: i for i, place in enumerate(_places(theirs))}
        shared = [(i, rows[place]) for i, place in enumerate(_places(mine)) if place in rows]
        pairs.append(tuple(f.descriptors[[p[k] for p in shared]] for k, f in enumerate((mine, theirs))))
    a, b = (np.concatenate([pair[k] for pair in pairs]).astype(np.float64) for k in (0, 1))
    cosines = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return {"largest difference": float(np.abs(a - b).max()), "1 - least cosine": float(1 - cosines.min())}


def _places(features: Any) -> list[tuple[float, ...]]:
    scales = features.scales if features.scales is not None else np.ones(len(features.keypoints))
    return [(*point, scale) for point, scale in zip(features.keypoints.tolist(), scales.tolist(), strict=True)]


def rates(files: Sequence[Path], descriptor: Any, on_cpu: Any, options: dict[str, str]) -> dict[str, float]:
    """Images a second; the bare session meets all images of one size together, and tensors made beforehand."""

    def pipeline() -> None:
        for described in describe_files(files, {"d": descriptor}):
            if described.error is not None:
                raise described.error

    timed: dict[str, Callable[[], object]] = {"pipeline": pipeline}
    if descriptor.kind == "global":
        timed["bare session"] = bare(files, descriptor, options)
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    end = time.perf_counter() + BUDGET
    for done in range(ROUNDS + 1):
        if done > 1 and time.perf_counter() > end:
            break
        for name, function in timed.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    rate = {f"{name}, images/s": len(files) / statistics.median(times[1:]) for name, times in seconds.items()}
    rate["first pipeline, images/s"] = len(files) / seconds["pipeline"][0]
    return rate


def bare(files: Sequence[Path], descriptor: Any, options: dict[str, str]) -> Callable[[], object]:
    network = descriptor.network
    images = [open_image(file, longest_side=descriptor.image_size).image for file in files]
    tensors = [
        network.tensors([images[i] for i in batch], min_side=MIN_SIDE)
        for (width, height), members in equal_sizes(images)
        for batch in batches(members, network.max_batch(width, height))
    ]
    cuda = [("CUDAExecutionProvider", CUDA_OPTIONS | options)] if network.session.provider == "cuda" else []
    session = ort.InferenceSession(str(network.session.path), providers=[*cuda, "CPUExecutionProvider"])
    return lambda: [session.run([descriptor.output], {network.recipe.input: batch}) for batch in tensors]


if __name__ == "__main__":
    main()
