"""Homographies of photographs by hcbir, USAC_MAGSAC and PoseLib from the same matches.

python benchmarks/homographies.py [max_error]

Mean distance of the four corners from where the true homography sends them, the median and the largest of some seeds
(pixels), the inliers, and how many percent of these are within 1, 3 and 5 px of the truth. Needs the homographies of
the shared data (HCBIR_SHARED), OpenCV and PoseLib.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import poselib

import hcbir
from hcbir.descriptors import load, open_image

DATA = Path(os.environ.get("HCBIR_SHARED", Path(__file__).parents[2] / "shared")) / "data"
DESCRIPTORS = {
    "sift": "sift",
    "orb": "orb",
    "alike_t": DATA / "models/alike_t.onnx",
    "alike_n": DATA / "models/alike_n.onnx",
}
SEEDS = range(5)
FAILED = 20.0  # px: nobody found the homography, or an error that counts no more in the sums
Estimate = tuple[np.ndarray | None, np.ndarray]


def ours(p: np.ndarray, q: np.ndarray, max_error: float, seed: int) -> Estimate:
    found = hcbir.verify(p, q, model="homography", max_error=max_error, seed=seed)
    return found.model, found.inlier_mask


def magsac(p: np.ndarray, q: np.ndarray, max_error: float, seed: int) -> Estimate:
    model, mask = cv2.findHomography(p, q, cv2.USAC_MAGSAC, max_error, None, 10_000, 0.999)
    return model, np.zeros(len(p), bool) if mask is None else mask.ravel().astype(bool)


def posel(p: np.ndarray, q: np.ndarray, max_error: float, seed: int) -> Estimate:
    options = {"max_reproj_error": max_error, "max_iterations": 10_000, "success_prob": 0.999, "seed": seed}
    model, info = poselib.estimate_homography(p, q, options, {})
    return np.asarray(model), np.asarray(info["inliers"], bool)


def transform(model: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.c_[points, np.ones(len(points))] @ model.T
    return mapped[:, :2] / mapped[:, 2:]


def corner_error(model: np.ndarray | None, truth: np.ndarray, size: tuple[int, int]) -> float:
    if model is None or not np.isfinite(model).all():
        return np.inf
    corners = (np.array(size) - 1) * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return float(np.linalg.norm(transform(model, corners) - transform(truth, corners), axis=1).mean())


def pairs(descriptor: Any) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]]:
    """Name, matched points, true homography and size of the first image."""
    for path in sorted((DATA / "homographies").glob("*/H1to*.txt")):
        second = path.stem.removeprefix("H1to")
        images = [next(path.parent.glob(f"img{number}.*")) for number in ("1", second)]
        loaded = [open_image(image, longest_side=1600) for image in images]
        first, other = (descriptor.describe(one.image, one.full_size) for one in loaded)
        matched = hcbir.match(first.descriptors, other.descriptors).indices
        p, q = first.keypoints[matched[:, 0]], other.keypoints[matched[:, 1]]
        yield f"{path.parent.name} 1-{second}", p, q, np.loadtxt(path), loaded[0].full_size


def shares(errors: np.ndarray, masks: list[np.ndarray]) -> str:
    """Percent of the inliers with errors below 1, 3 and 5 px, the mean over the masks."""
    near = [[100 * (errors[mask] < bound).mean() if mask.any() else 0 for mask in masks] for bound in (1, 3, 5)]
    return " / ".join(f"{np.mean(values):.0f}" for values in near)


def main(max_error: float) -> None:
    peers = {"hcbir": ours, "USAC_MAGSAC": magsac, "PoseLib": posel}
    print(
        f"max_error {max_error} px; corner error median (worst), inliers, % of them within 1 / 3 / 5 px of the truth\n"
    )
    print("| matches of | scene | matches | " + " | ".join(peers) + " |\n| --- | --- | --- | " + "--- | " * len(peers))
    sums = {name: np.zeros(2) for name in peers}  # of all scenes, of those that everybody found
    for name, source in DESCRIPTORS.items():
        options = {"max_features": 4000} if name in ("sift", "orb") else {}
        for scene, p, q, truth, size in pairs(load(str(source), **options)):
            errors = np.linalg.norm(transform(truth, p) - q, axis=1)
            cells, medians = [], []
            for estimate in peers.values():
                found = [estimate(p, q, max_error, seed) for seed in SEEDS]
                corners = [corner_error(model, truth, size) for model, _ in found]
                medians.append(float(np.median(corners)))
                cells.append(
                    f"{min(medians[-1], 999):.2f} ({min(max(corners), 999):.2f}), "
                    f"{np.mean([mask.sum() for _, mask in found]):.0f}, {shares(errors, [mask for _, mask in found])}"
                )
            print(f"| {name} | {scene} | {len(p)} | " + " | ".join(cells) + " |", flush=True)
            for peer, median in zip(peers, medians, strict=True):
                sums[peer] += min(median, FAILED), median if max(medians) < FAILED else 0
    for peer, (everything, common) in sums.items():
        print(f"\n{peer}: medians sum to {everything:.2f} px (each at most {FAILED:.0f});", end=" ")
        print(f"to {common:.2f} px over the scenes that all found")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
