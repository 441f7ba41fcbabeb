"""Do two photographs show the same scene? Pairs of classes against pairs across them, by hcbir, OpenCV and PoseLib.

    python benchmarks/same_scene.py FOLDER [--descriptor sift orb] [--pairs 600] [--only hcbir]

FOLDER has one sub-folder a class; `_distractors`, if there, belongs to none. All verify the same mutual matches;
printed are the area under the ROC curve, the same among pairs whose matches fill alike areas (in 8 groups; the sizes of
images may tell classes apart without any geometry: the first row), and the share of true pairs found where 1 in 100
others passes. A descriptor takes some minutes, nearly all of them OpenCV's RANSAC of homographies: 0.2 s for a pair
without one.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import poselib

import hcbir
from hcbir import LocalFeatures, descriptors
from hcbir.descriptors.images import open_image

MAX_ERROR = 8.0
FRAMES = ("scales0", "orientations0", "scales1", "orientations1")


@dataclass
class Matched:
    """Mutual matches of two images."""

    points0: np.ndarray
    points1: np.ndarray
    frames: dict[str, np.ndarray]  # none for features without


Compare = Callable[[Matched], tuple[float, float]]


def area(true: np.ndarray, other: np.ndarray) -> float:
    """Under the ROC curve: how often a true pair scores higher than another, equal scores counting half."""
    ordered = np.sort(other)
    below, up_to = np.searchsorted(ordered, true, "left"), np.searchsorted(ordered, true, "right")
    return float((below + up_to).mean() / 2 / len(other))


def area_among_alike(true: np.ndarray, other: np.ndarray, sizes: list[np.ndarray], groups: int = 8) -> float:
    """The same of pairs in one group by size, every comparison counting alike."""
    bounds = np.quantile(np.concatenate(sizes), np.arange(1, groups) / groups)
    group_of_true, group_of_other = (np.searchsorted(bounds, size) for size in sizes)
    parts = [(true[group_of_true == g], other[group_of_other == g]) for g in range(groups)]
    parts = [(one, two) for one, two in parts if len(one) and len(two)]
    weights = [len(one) * len(two) for one, two in parts]
    return float(np.average([area(one, two) for one, two in parts], weights=weights))


def filled(m: Matched) -> float:
    """Logarithm of the area that the matches fill in image 0 times that in image 1."""
    boxes = [float(np.prod(np.ptp(points, axis=0))) if len(points) else 0 for points in (m.points0, m.points1)]
    return float(np.log(np.maximum(boxes, 1)).sum())


def found_at(true: np.ndarray, other: np.ndarray, share: float) -> float:
    """The share of true pairs above the score that `share` of the others pass."""
    return float((true > np.quantile(other, 1 - share, method="higher")).mean())


def matched(a: LocalFeatures, b: LocalFeatures) -> Matched:
    rows0, rows1 = hcbir.match(a.descriptors, b.descriptors, num_threads=1).indices.T
    frames = [a.scales, a.orientations, b.scales, b.orientations]
    chosen = zip(FRAMES, frames, (rows0, rows0, rows1, rows1), strict=True)
    known = {name: values[rows] for name, values, rows in chosen if values is not None}
    return Matched(a.keypoints[rows0], b.keypoints[rows1], known if len(known) == 4 else {})


def by_hcbir(model: str, *, with_frames: bool = False, exhaustive: bool = False) -> Compare:
    def compare(m: Matched) -> tuple[float, float]:
        frames: dict[str, Any] = m.frames if with_frames else {}
        found = hcbir.verify(m.points0, m.points1, model=model, max_error=MAX_ERROR, exhaustive=exhaustive, **frames)
        return float(found.num_inliers), -found.log10_nfa

    return compare


def by_opencv(model: str, method: int) -> Compare:
    def compare(m: Matched) -> tuple[float, float]:
        if len(m.points0) < 4:
            return 0.0, float("nan")
        estimate = ESTIMATORS[model]
        options = {"maxIters": 10_000, "confidence": 0.999}
        mask = estimate(m.points0, m.points1, method=method, ransacReprojThreshold=MAX_ERROR, **options)[1]
        return float(0 if mask is None else mask.sum()), float("nan")

    return compare


def by_poselib(model: str) -> Compare:
    assert model == "homography"
    options = {"max_reproj_error": MAX_ERROR, "max_iterations": 10_000, "min_iterations": 50, "success_prob": 0.999}

    def compare(m: Matched) -> tuple[float, float]:
        if len(m.points0) < 4:
            return 0.0, float("nan")
        return float(sum(poselib.estimate_homography(m.points0, m.points1, options, {})[1]["inliers"])), float("nan")

    return compare


ESTIMATORS = {
    "homography": cv2.findHomography,
    "affine": cv2.estimateAffine2D,
    "similarity": cv2.estimateAffinePartial2D,
}
METHODS = {
    "hcbir": by_hcbir,
    "hcbir, frames": lambda model: by_hcbir(model, with_frames=True),
    "hcbir, all frames": lambda model: by_hcbir(model, with_frames=True, exhaustive=True),
    "OpenCV RANSAC": lambda model: by_opencv(model, cv2.RANSAC),
    "OpenCV USAC_MAGSAC": lambda model: by_opencv(model, cv2.USAC_MAGSAC),
    "PoseLib": by_poselib,
}
FOR_HOMOGRAPHIES = ("OpenCV USAC_MAGSAC", "PoseLib")


def compare_images(descriptor: str, folder: Path, most: int, only: str) -> None:
    """Prints a table."""
    local = descriptors.load(descriptor)
    paths = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    features = []
    for path in paths:
        loaded = open_image(path, longest_side=local.image_size)
        features.append(local.describe(loaded.image, loaded.full_size))
    labels = [path.parent.name for path in paths]
    pairs = list(itertools.combinations(range(len(paths)), 2))
    rng = np.random.default_rng(0)

    def some(wanted: bool, most: int) -> list[Matched]:
        chosen = [(a, b) for a, b in pairs if (labels[a] == labels[b] and labels[a] != "_distractors") == wanted]
        if not wanted:  # two distractors may show the same thing
            chosen = [(a, b) for a, b in chosen if labels[a] != labels[b]]
        kept = [chosen[i] for i in sorted(rng.permutation(len(chosen))[:most])]
        return [matched(features[a], features[b]) for a, b in kept]

    true, other = some(True, most), some(False, 2 * most)
    count = f"{len(true)} true and {len(other)} other pairs of {len(paths)} images"
    print(f"\n{Path(descriptor).name}, {count}, {MAX_ERROR:g} px, {hcbir.isa()}, OpenCV {cv2.__version__}\n")
    print("| scored by | model | area | among alike sizes | true pairs found at 1 % | ms a pair |")
    print("| --- | --- | --- | --- | --- | --- |")
    sizes = [np.array([filled(m) for m in part]) for part in (true, other)]
    by_size = f"{area(-sizes[0], -sizes[1]):.4f} | - | {found_at(-sizes[0], -sizes[1], 0.01):.3f}"
    print(f"| smaller images | - | {by_size} | - |")
    for model, (name, make) in itertools.product(("homography", "affine", "similarity"), METHODS.items()):
        lacking = (model != "homography" and name in FOR_HOMOGRAPHIES) or ("frames" in name and not true[0].frames)
        if only not in name or lacking:
            continue
        compare = make(model)
        start = time.perf_counter()
        scores = [np.array([compare(m) for m in part]) for part in (true, other)]
        milliseconds = (time.perf_counter() - start) / (len(true) + len(other)) * 1e3
        for column, what in enumerate(("inliers", "log10_nfa")):
            one, two = scores[0][:, column], scores[1][:, column]
            if not np.isnan(one).all():
                areas = f"{area(one, two):.4f} | {area_among_alike(one, two, sizes):.4f}"
                row = f"{areas} | {found_at(one, two, 0.01):.3f} | {milliseconds:.2f}"
                print(f"| {name}, {what} | {model} | {row} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--descriptor", nargs="+", default=["sift"], help="names of local descriptors, or their files")
    parser.add_argument("--pairs", type=int, default=600, help="true pairs; as many others twice")
    parser.add_argument("--only", default="", metavar="TEXT", help="methods with this in their names")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for descriptor in options.descriptor:
        compare_images(descriptor, options.folder, options.pairs, options.only)


if __name__ == "__main__":
    main()
