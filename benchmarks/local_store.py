"""A store of many images' local features: bytes, memory, and the seconds of building and of a query.

    python benchmarks/local_store.py store FOLDER [--images 10000] [--features 1000] [--codes 32] [--dtype int8]
    python benchmarks/local_store.py index FOLDER
    python benchmarks/local_store.py query FOLDER [--queries 10] [--exhaustive 1] [--short-list 100]

Each step is a process of its own, so that its peak of memory is its own; FOLDER keeps what they make. Descriptors are
`data.unit_vectors`, 128-d in clusters with a decaying spectrum, at random points of 640 x 480 pixels. A query is an
image of the store seen again: a third of its features, turned and scaled, each a little changed, among others.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from data import unit_vectors

import hcbir
from hcbir import LocalFeatureIndex, LocalFeatures, LocalFeatureStore, ProductQuantizer

DIM = 128
APPENDED = 200  # images at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("store", "index", "query"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=1000, help="of an image")
    parser.add_argument("--codes", type=int, default=32, metavar="BYTES", help="of a descriptor")
    parser.add_argument("--dtype", help="hold descriptors as float32, float16 or int8 instead of codes")
    parser.add_argument("--queries", type=int, default=10)
    parser.add_argument("--exhaustive", type=int, default=1, metavar="QUERIES", help="that look at all images")
    parser.add_argument("--short-list", type=int, default=100, metavar="IMAGES")
    options = parser.parse_args()
    print(f"level {hcbir.isa()}, {hcbir.default_num_threads()} threads")
    {"store": make_store, "index": make_index, "query": ask}[options.step](options)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def image(number: int, num_features: int) -> LocalFeatures:
    rng = np.random.default_rng(number)
    points = rng.random((num_features, 2), dtype=np.float32) * np.float32([640, 480])
    rows = unit_vectors(num_features, DIM, seed=number + 1)
    return LocalFeatures(points, rows, np.ones(num_features, np.float32), image_size=(640, 480))


def seen_again(features: LocalFeatures, number: int) -> LocalFeatures:
    other = image(10_000_000 + number, len(features))
    points, rows = other.keypoints.copy(), other.descriptors.copy()
    kept = len(features) // 3
    turned = np.float32([[0.78, -0.2], [0.2, 0.78]])
    rng = np.random.default_rng(number)
    points[:kept] = features.keypoints[:kept] @ turned.T + rng.normal(0, 1, (kept, 2)).astype(np.float32)
    noise = rng.standard_normal((kept, DIM), dtype=np.float32)
    rows[:kept] = features.descriptors[:kept] + 0.5 * noise / np.sqrt(np.float32(DIM))
    rows[:kept] /= np.linalg.norm(rows[:kept], axis=1, keepdims=True)
    return LocalFeatures(points, rows, other.scores, image_size=(640, 480))


@contextmanager
def told(what: str, count: int = 1) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall / count:.4g} s, {cpu / count:.4g} s of CPU", flush=True)


def make_store(options: argparse.Namespace) -> None:
    encoding: dict[str, Any] = {"dtype": options.dtype}
    if options.dtype is None:
        sample = np.concatenate([image(n, options.features).descriptors for n in range(0, options.images, 50)])
        with told(f"learning codes of {options.codes} bytes"):
            encoding = {"quantizer": ProductQuantizer.train(sample, num_subquantizers=options.codes)}
    store, seconds = None, 0.0
    for first in range(0, options.images, APPENDED):
        images = [image(n, options.features) for n in range(first, min(first + APPENDED, options.images))]
        start = time.perf_counter()
        if store is None:
            store = LocalFeatureStore.create(options.folder / "store", images, **encoding)
        else:
            store.append(images)
        seconds += time.perf_counter() - start
    assert store is not None
    print(f"{len(store)} images, {store.num_features} features held as {store.dtype}: {seconds:.1f} s to append")
    print(f"{store.nbytes / 1e6:.0f} MB, of which descriptors {store.descriptors.nbytes / 1e6:.0f} MB")


def make_index(options: argparse.Namespace) -> None:
    store = LocalFeatureStore.open(options.folder / "store")
    with told(f"index of {store.num_features} features"):
        start = time.perf_counter()
        learned: list[float] = []

        def progress(done: int, total: int) -> None:
            learned[:] = learned or [time.perf_counter() - start]

        index = LocalFeatureIndex.build(store, progress=progress)
    print(f"of these {learned[0]:.1f} s until the first features are in; {index.features.num_lists} lists")
    print(f"{index.features.nbytes / 1e6:.0f} MB")
    index.save(options.folder / "index")


def ask(options: argparse.Namespace) -> None:
    with told("opening"):
        store = LocalFeatureStore.open(options.folder / "store")
    targets = np.linspace(0, len(store) - 1, options.queries).astype(int).tolist()
    queries = [seen_again(image(n, options.features), n) for n in targets]
    if (options.folder / "index").exists():
        with told("opening the index"):
            index = LocalFeatureIndex.open(options.folder / "index", store)
        index.search(queries[0], options.short_list)
        with told(f"votes, {len(queries)} queries, each", len(queries)):
            listed = [index.search(q, options.short_list).indices[0] for q in queries]
        with told(f"inliers of {options.short_list} images, each", len(queries)):
            counts = [hcbir.count_inliers(q, store, ids) for q, ids in zip(queries, listed, strict=True)]
        first = [ids[np.argmax(c)] == n for n, ids, c in zip(targets, listed, counts, strict=True)]
        within = [n in ids for n, ids in zip(targets, listed, strict=True)]
        print(f"{sum(within)} of {len(queries)} right images in the short list, {sum(first)} first by inliers")
    asked = queries[: options.exhaustive]
    if asked:
        with told(f"inliers of all {len(store)} images, {len(asked)} queries, each", len(asked)):
            every = [hcbir.count_inliers(q, store) for q in asked]
        right = [int(np.argmax(c)) == n for n, c in zip(targets, every, strict=False)]
        print(f"{sum(right)} of {len(asked)} right images first")


if __name__ == "__main__":
    main()
