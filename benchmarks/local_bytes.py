"""How much accuracy do the bytes of local features cost?

    python benchmarks/local_bytes.py FOLDER [--descriptor sift] [--features 500] [--held PQ32x8]
    python benchmarks/local_bytes.py --synthetic 10000 [--features 1000]

Describes a folder of classes (`hcbir evaluate` says how it looks), holds the local features as float32, float16, int8
and codes of a product quantiser, and prints a Markdown table: bytes a feature, seconds a query, mAP by the number of
inliers, of all images or, with --short-list, of those that `LocalFeatureIndex` finds first. Every labelled image is a
query and is left out of its own ranking. Synthetic images, of random features in clusters, tell bytes and seconds.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data import unit_vectors

import hcbir
from hcbir.descriptors import describe_files, load
from hcbir.study.datasets import load_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--synthetic", type=int, metavar="IMAGES")
    parser.add_argument("--descriptor", default="sift")
    parser.add_argument("--features", type=int, default=500, help="of an image, at most")
    parser.add_argument("--size", type=int, default=480, help="longest side in pixels")
    parser.add_argument("--held", help="only this way: float32, float16, int8, PQ64x8, PQ32x8 ...")
    parser.add_argument("--short-list", type=int, metavar="IMAGES", help="count inliers of as many, not of all")
    options = parser.parse_args()
    if options.synthetic:
        features, labels = list(synthetic(options.synthetic, options.features)), [None] * options.synthetic
        queries = list(range(0, options.synthetic, options.synthetic // 10))
    else:
        dataset = load_dataset(options.folder)
        descriptor = load(options.descriptor, image_size=options.size, max_features=options.features)
        found = describe_files(dataset.images, {"local": descriptor})
        features, labels = [described.local_features["local"] for described in found], list(dataset.labels)
        queries = [i for i, label in enumerate(labels) if label is not None]
    rows = np.concatenate([f.descriptors for f in features])
    print(f"{len(features)} images, {len(rows)} features of length {rows.shape[1]}; level {hcbir.isa()}\n")
    print("| held as | bytes a feature | seconds a query | mAP |\n| --- | --- | --- | --- |", flush=True)
    for name, encoding in encodings(rows).items():
        if options.held in (None, name):
            report(name, encoding(), features, labels, queries, options.short_list)


def synthetic(num_images: int, num_features: int) -> Iterator[hcbir.LocalFeatures]:
    rng = np.random.default_rng(0)
    for i in range(num_images):
        points = rng.random((num_features, 2), dtype=np.float32) * np.float32(640)
        yield hcbir.LocalFeatures(
            points, unit_vectors(num_features, 128, seed=i + 1), np.ones(num_features, np.float32)
        )


def encodings(rows: np.ndarray) -> dict[str, Callable[[], dict[str, Any]]]:
    def quantized(num: int) -> dict[str, Any]:
        return {"quantizer": hcbir.ProductQuantizer.train(rows[:: max(1, len(rows) // 300_000)], num_subquantizers=num)}

    plain = {dtype: functools.partial(dict, dtype=dtype) for dtype in ("float32", "float16", "int8")}
    divisors = [num for num in (64, 32, 16) if rows.shape[1] % num == 0]
    return plain | {f"PQ{num}x8": functools.partial(quantized, num) for num in divisors}


def report(
    name: str,
    encoding: dict[str, Any],
    features: list[hcbir.LocalFeatures],
    labels: list[str | None],
    queries: list[int],
    short_list: int | None,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = hcbir.LocalFeatureStore.create(folder + "/store", features, **encoding)
        index = hcbir.LocalFeatureIndex.build(store) if short_list else None
        counts = np.zeros((len(queries), len(features)), np.float32)
        start = time.perf_counter()
        for row, q in zip(counts, queries, strict=True):
            if index is None:
                row[:] = hcbir.count_inliers(features[q], store)
            else:
                listed = index.search(features[q], short_list).indices[0]
                row[listed] = hcbir.count_inliers(features[q], store, listed)
        seconds = (time.perf_counter() - start) / len(queries)
        size = store.descriptors.nbytes + (0 if store.factors is None else store.factors.nbytes)
    mean_ap = ""
    if labels[queries[0]] is not None:
        positives = [[i for i, label in enumerate(labels) if label == labels[q] and i != q] for q in queries]
        result = hcbir.mean_average_precision_from_scores(
            counts, positives, junk=[[q] for q in queries], interpolation="rectangle"
        )
        mean_ap = f"{result.mean_ap:.4f}"
    print(f"| {name} | {size / store.num_features:.0f} | {seconds:.3f} | {mean_ap} |", flush=True)


if __name__ == "__main__":
    main()
