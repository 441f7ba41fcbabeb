"""Small textured images whose views can be told apart by their local features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


def scene(seed: int, size: tuple[int, int] = (220, 160)) -> Image.Image:
    """Blurred noise and rectangles: a few hundred features, another picture for each seed."""
    rng = np.random.default_rng(seed)
    width, height = size
    pixels = rng.integers(60, 190, (height, width, 3)).astype(np.uint8)
    for _ in range(40):
        x, y = rng.integers(0, width - 8), rng.integers(0, height - 8)
        w, h = rng.integers(5, 40, 2)
        pixels[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.0))


def view(seed: int, shift: int) -> Image.Image:
    """The scene seen from a little aside: moved, slightly turned."""
    return scene(seed).rotate(2.0 * shift, translate=(3 * shift, 2 * shift), resample=Image.Resampling.BILINEAR)


def write_classes(folder: Path, num_classes: int = 3, per_class: int = 3, num_distractors: int = 2) -> Path:
    """A folder with one sub-folder a class."""
    for c in range(num_classes):
        (folder / f"place{c}").mkdir(parents=True)
        for i in range(per_class):
            view(c, i).save(folder / f"place{c}" / f"{i}.png")
    (folder / "_distractors").mkdir(parents=True)
    for i in range(num_distractors):
        scene(100 + i).save(folder / "_distractors" / f"{i}.png")
    return folder
