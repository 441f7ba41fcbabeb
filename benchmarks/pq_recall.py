"""What codes find on real descriptors: recall@10 against exact search, of hcbir's and FAISS's product quantisers.

    python benchmarks/pq_recall.py MODEL.onnx:gem FOLDER [--crops 50]

Describes random crops of every image below the folder; one crop of each image is a query, the others are the database.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
from PIL import Image

import hcbir
from hcbir.descriptors import load
from hcbir.descriptors.images import open_image
from hcbir.study.datasets import load_dataset

K = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crops", type=int, default=50, help="of each image")
    parser.add_argument("--size", type=int, default=160, help="of a crop, in pixels")
    options = parser.parse_args()
    descriptor = load(options.model, image_size=options.size)
    images = load_dataset(options.folder).images
    described = [
        descriptor.describe(list(crops(image, options.crops + 1, options.size, seed)))
        for seed, image in enumerate(images)
    ]
    queries = np.stack([d[0] for d in described])
    database = np.concatenate([d[1:] for d in described])
    exact = hcbir.search(queries, database, K).indices
    print(f"{len(queries)} queries, {len(database)} crops, length {database.shape[1]}\n")
    print("| codes | bytes | hcbir | FAISS | hcbir, 100 candidates scored anew |\n| --- | --- | --- | --- | --- |")
    for num, bits in ((32, 8), (64, 4)):
        theirs = faiss.IndexPQ(database.shape[1], num, bits, faiss.METRIC_INNER_PRODUCT)
        theirs.train(database)
        theirs.add(database)
        their_share = f"{recall(theirs.search(queries, K)[1], exact):.3f}"
        for rotation in (None, "opq"):
            pq = hcbir.ProductQuantizer.train(database, num_subquantizers=num, bits=bits, rotation=rotation)
            for threshold in (None, 0.1, 0.2, 0.3):
                codes = pq.encode(database, anisotropic=threshold)
                found = pq.search(queries, codes, K).indices
                again = pq.search(queries, codes, K, rerank=database, num_candidates=100).indices
                name = (
                    f"{'OPQ + ' if rotation else ''}PQ{num}x{bits}{f', anisotropic {threshold}' if threshold else ''}"
                )
                theirs_too = "" if rotation or threshold else their_share
                shares = f"{recall(found, exact):.3f} | {theirs_too} | {recall(again, exact):.3f}"
                print(f"| {name} | {pq.code_size} | {shares} |", flush=True)


def crops(path: Path, count: int, size: int, seed: int) -> Iterator[Image.Image]:
    """Of a third of the sides to all of them, anywhere."""
    rng = np.random.default_rng(seed)
    image = open_image(path, longest_side=None).image
    for _ in range(count):
        width, height = (max(1, round(side * rng.uniform(1 / 3, 1))) for side in image.size)
        left, top = (int(rng.integers(side - cut + 1)) for side, cut in zip(image.size, (width, height), strict=True))
        yield image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + width, top + height))


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, exact, strict=True)]))


if __name__ == "__main__":
    main()
