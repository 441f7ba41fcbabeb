"""Pairs of images of the same place: found without labels, or read from a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcbir._candidates import count_inliers
from hcbir._features import LocalFeatures
from hcbir._search import search


def verified_pairs(
    vectors: npt.NDArray[np.float32],
    features: Callable[[int], LocalFeatures],
    *,
    num_neighbours: int = 10,
    min_inliers: int = 20,
    num_threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> npt.NDArray[np.int64]:
    """Images that are near each other and whose local features agree on one affine map.

    Parameters
    ----------
    vectors : (n, d) float32
        Global descriptors.
    features : callable
        The local features of an image, by its index.
    num_neighbours : int
        Each image is compared with so many of the nearest.
    min_inliers : int
        Agreeing features that make a pair.
    num_threads : int, optional
    progress : callable, optional
        progress(done, total)

    Returns
    -------
    (p, 2) int64
        The smaller index first; ascending.
    """
    near = search(vectors, vectors, min(num_neighbours + 1, len(vectors)), num_threads=num_threads).indices
    partners: list[set[int]] = [set() for _ in range(len(vectors))]
    for image, neighbours in enumerate(near.tolist()):
        for other in neighbours:
            if other != image:
                partners[min(image, other)].add(max(image, other))
    pairs: list[tuple[int, int]] = []
    for image, others in enumerate(map(sorted, partners)):
        if others:
            counts = count_inliers(features(image), [features(other) for other in others], num_threads=num_threads)
            pairs += [(image, other) for other, count in zip(others, counts, strict=True) if count >= min_inliers]
        if progress is not None:
            progress(image + 1, len(vectors))
    return np.array(pairs, np.int64).reshape(-1, 2)


def read_pairs(path: Path, images: Sequence[Path]) -> npt.NDArray[np.int64]:
    """The pairs of a CSV with two paths a line, as indices of the images.

    Parameters
    ----------
    path : Path
        Its paths are relative to the CSV; a first line "query,positive" is left out.
    images : sequence of absolute paths

    Returns
    -------
    (p, 2) int64

    Raises
    ------
    ValueError
        For a line that is no pair of different images among `images`; the message names the line.
    """
    index_of = {os.path.abspath(image): index for index, image in enumerate(images)}
    pairs = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not row or (reader.line_num == 1 and cells == ["query", "positive"]):
                    continue
                if len(cells) != 2:
                    raise ValueError(f"expected two paths, got {len(cells)} cells")
                known = [index_of.get(os.path.abspath(path.parent / cell)) for cell in cells]
                for cell, index in zip(cells, known, strict=True):
                    if index is None:
                        raise ValueError(f"{cell} is none of the {len(images)} images")
                if known[0] == known[1]:
                    raise ValueError(f"an image is no pair with itself: {cells[0]}")
                pairs.append(known)
        except (ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    if not pairs:
        raise ValueError(f"{path}: holds no pair")
    return np.array(pairs, np.int64)
