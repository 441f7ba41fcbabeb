from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import scene

from hcbir.descriptors import ImageError
from hcbir.study.normalisation import NORMALISATIONS, make_opener


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_grayscale_is_luma_in_all_channels() -> None:
    grey = pixels(NORMALISATIONS["grayscale"](scene(1)))
    assert np.ptp(grey, axis=2).max() == 0
    luma = pixels(scene(1)) @ [0.299, 0.587, 0.114]
    assert np.abs(grey[..., 0] - luma).max() <= 1


def test_grayscale_of_grayscale_changes_nothing() -> None:
    grey = NORMALISATIONS["grayscale"](scene(1))
    assert (pixels(NORMALISATIONS["grayscale"](grey)) == pixels(grey)).all()


def test_a_toned_print_becomes_neutral_and_colours_stay() -> None:
    grey = pixels(NORMALISATIONS["grayscale"](scene(2)))
    sepia = Image.fromarray((grey * [0.95, 0.8, 0.6] + [12, 8, 0]).astype(np.uint8))
    assert np.ptp(pixels(sepia), axis=2).max() > 60
    neutral = NORMALISATIONS["sepia-neutral"]
    assert np.ptp(pixels(neutral(sepia)), axis=2).max() <= 6
    before, after = (np.asarray(image.convert("YCbCr")).astype(int) for image in (scene(2), neutral(scene(2))))
    assert np.abs(before[..., 0] - after[..., 0]).mean() < 3
    assert (after[..., 1:].std(axis=(0, 1)) > 0.7 * before[..., 1:].std(axis=(0, 1))).all()
    assert np.abs(after[..., 1:].mean(axis=(0, 1)) - 128).max() < 2
    flat = Image.new("RGB", (5, 4), (200, 120, 40))
    assert np.ptp(pixels(neutral(flat)), axis=2).max() <= 2


def test_equalising_takes_contrast_away_as_a_difference() -> None:
    grey = pixels(NORMALISATIONS["grayscale"](scene(3)))
    faint = Image.fromarray((20 + grey // 4).astype(np.uint8))
    there, back = (
        pixels(NORMALISATIONS["equalised"](image)) for image in (Image.fromarray(grey.astype(np.uint8)), faint)
    )
    assert np.abs(there - back).mean() < 8
    assert np.abs(grey - pixels(faint)).mean() > 20


def test_a_crop_keeps_the_scale_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(4, (400, 200)).save(path)
    opener = make_opener("mixed", {path: (100.2, 20, 300, 120)})
    cropped = opener(path, 200)
    assert (cropped.image.size, cropped.full_size) == ((100, 50), (200, 100))
    assert opener(path, 1000).image.size == (200, 100), "never enlarged"
    whole = make_opener("mixed", {})(path, 200).image.crop((50, 10, 150, 60))
    assert np.abs(pixels(whole) - pixels(cropped.image)).mean() < 3
    with pytest.raises(ImageError, match=r"a\.png: the box \(500, 0, 600, 9\) lies outside its 400 x 200 pixels"):
        make_opener("mixed", {path: (500, 0, 600, 9)})(path, 100)
