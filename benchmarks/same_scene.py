"""Do two photographs show the same scene? True pairs of classes against pairs across them, by hcbir and by OpenCV.

    python benchmarks/same_scene.py FOLDER [--descriptor sift] [--pairs 600]

FOLDER has one sub-folder a class; `_distractors`, if there, belongs to none. All compare the same features, matched
mutually; printed are the area under the ROC curve and the share of true pairs found where 1 in 100 others passes.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

import hcbir
from hcbir import LocalFeatures, descriptors
from hcbir.descriptors.images import open_image

MAX_ERROR = 8.0


def area(true: np.ndarray, other: np.ndarray) -> float:
    """Under the ROC curve: how often a true pair scores higher than another, equal scores counting half."""
    ordered = np.sort(other)
    below, up_to = np.searchsorted(ordered, true, "left"), np.searchsorted(ordered, true, "right")
    return float((below + up_to).mean() / 2 / len(other))


def found_at(true: np.ndarray, other: np.ndarray, share: float) -> float:
    """The share of true pairs above the score that `share` of the others pass."""
    return float((true > np.quantile(other, 1 - share, method="higher")).mean())


def by_hcbir(model: str) -> Callable[[LocalFeatures, LocalFeatures], tuple[float, float]]:
    def compare(a: LocalFeatures, b: LocalFeatures) -> tuple[float, float]:
        found = hcbir.explain(a, b, model=model, max_error=MAX_ERROR, num_threads=1)
        return float(found.num_inliers), -found.log10_nfa

    return compare


def by_opencv(model: str, method: int) -> Callable[[LocalFeatures, LocalFeatures], tuple[float, float]]:
    def compare(a: LocalFeatures, b: LocalFeatures) -> tuple[float, float]:
        norm = cv2.NORM_HAMMING if a.is_binary else cv2.NORM_L2
        matches = cv2.BFMatcher(norm, crossCheck=True).match(a.descriptors, b.descriptors)
        if len(matches) < 4:
            return 0.0, float("nan")
        p0 = a.keypoints[[m.queryIdx for m in matches]]
        p1 = b.keypoints[[m.trainIdx for m in matches]]
        estimate = cv2.findHomography if model == "homography" else cv2.estimateAffine2D
        options = {"maxIters": 10_000, "confidence": 0.999}
        mask = estimate(p0, p1, method=method, ransacReprojThreshold=MAX_ERROR, **options)[1]
        return float(0 if mask is None else mask.sum()), float("nan")

    return compare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--descriptor", default="sift")
    parser.add_argument("--pairs", type=int, default=600, help="true pairs; as many others twice")
    options = parser.parse_args()
    cv2.setNumThreads(1)

    local = descriptors.load(options.descriptor)
    paths = sorted(p for p in options.folder.glob("*/*") if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    features = []
    for path in paths:
        loaded = open_image(path, longest_side=local.image_size)
        features.append(local.describe(loaded.image, loaded.full_size))
    labels = [path.parent.name for path in paths]
    pairs = list(itertools.combinations(range(len(paths)), 2))
    rng = np.random.default_rng(0)

    def some(wanted: bool, most: int) -> list[tuple[int, int]]:
        chosen = [(a, b) for a, b in pairs if (labels[a] == labels[b] and labels[a] != "_distractors") == wanted]
        if not wanted:  # two distractors may show the same thing
            chosen = [(a, b) for a, b in chosen if labels[a] != labels[b]]
        return [chosen[i] for i in sorted(rng.permutation(len(chosen))[:most])]

    true, other = some(True, options.pairs), some(False, 2 * options.pairs)
    count = f"{len(true)} true and {len(other)} other pairs of {len(paths)} images"
    print(f"{options.descriptor}, {count}, {MAX_ERROR:g} px, {hcbir.isa()}, OpenCV {cv2.__version__}\n")
    print("| scored by | model | area | true pairs found at 1 % | ms a pair |\n| --- | --- | --- | --- | --- |")
    methods = {
        "hcbir": lambda model: by_hcbir(model),
        "OpenCV RANSAC": lambda model: by_opencv(model, cv2.RANSAC),
        "OpenCV USAC_MAGSAC": lambda model: by_opencv(model, cv2.USAC_MAGSAC),
    }
    for model in ("homography", "affine"):
        for name, make in methods.items():
            if model == "affine" and name == "OpenCV USAC_MAGSAC":
                continue
            compare = make(model)
            start = time.perf_counter()
            scores = [np.array([compare(features[a], features[b]) for a, b in part]) for part in (true, other)]
            milliseconds = (time.perf_counter() - start) / (len(true) + len(other)) * 1e3
            for column, what in enumerate(("inliers", "log10_nfa")):
                one, two = scores[0][:, column], scores[1][:, column]
                if not np.isnan(one).all():
                    row = f"{area(one, two):.4f} | {found_at(one, two, 0.01):.3f} | {milliseconds:.1f}"
                    print(f"| {name}, {what} | {model} | {row} |", flush=True)


if __name__ == "__main__":
    main()
