"""Bicubic resizing: the core against its reference and Pillow; shrinking as Pillow's thumbnail."""

from __future__ import annotations

import numpy as np
import PIL
import pytest
from PIL import Image

import hcbir
from hcbir import _core
from hcbir.descriptors.shrinking import rgbx_pixels, shrink, thumbnail_size
from hcbir.reference.resizing import resize_bicubic


def pixels_of(width: int, height: int, seed: int) -> np.ndarray:
    """(height, width, 4): noise, or black and white, where rounding and clipping show most."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    return noise if seed % 2 else (noise // 128 * 255).astype(np.uint8)


def resize(pixels: np.ndarray, box: tuple[float, float], width: int, height: int) -> np.ndarray:
    return _core.resize_bicubic(pixels.view(np.uint32)[..., 0], *box, width, height)


PILLOW_13 = int(PIL.__version__.partition(".")[0]) >= 13


def resamples_columns_first(old: tuple[int, int], new: tuple[int, int]) -> bool:
    """As Pillow does since version 13."""
    return old[1] - new[1] > max(0, 2 * (old[0] - new[0]))


def shapes() -> list[tuple[int, int, int, int]]:
    rng = np.random.default_rng(0)
    drawn = [tuple(map(int, (*rng.integers(1, 200, 2), *rng.integers(1, 150, 2)))) for _ in range(60)]
    edges = [(1, 1, 1, 1), (1, 1, 7, 5), (9, 4, 1, 1), (640, 3, 17, 3), (3, 640, 3, 17), (50, 40, 50, 40)]
    tails = [(67, 35, width, 33) for width in range(1, 40)]
    return [*drawn, *edges, *tails]  # type: ignore[list-item]


@pytest.mark.parametrize("fraction", [0.0, 0.4])
def test_resizes_as_the_reference_and_pillow(isa: str, fraction: float) -> None:
    """Of all sizes, enlarged and shrunk, and of a box that ends inside a pixel."""
    for seed, (old_width, old_height, width, height) in enumerate(shapes()):
        pixels = pixels_of(old_width, old_height, seed)
        box = (np.float32(old_width - fraction).item(), np.float32(old_height - fraction).item())
        resized = resize(pixels, box, width, height)
        np.testing.assert_array_equal(resized, resize_bicubic(pixels[..., :3], width, height, box=box))
        if PILLOW_13 or not resamples_columns_first((old_width, old_height), (width, height)):
            image = Image.fromarray(pixels[..., :3].copy())
            by_pillow = image.resize((width, height), Image.Resampling.BICUBIC, (0.0, 0.0, *box))
            np.testing.assert_array_equal(resized, np.asarray(by_pillow))


def test_same_bits_at_every_level() -> None:
    pixels = pixels_of(333, 251, 1)
    results = []
    for level in hcbir.available_isas():
        with hcbir.use_isa(level):
            results.append(resize(pixels, (333.0, 251.0), 97, 71))
    assert all(np.array_equal(result, results[0]) for result in results)


def test_rows_may_lie_apart() -> None:
    pixels = pixels_of(90, 60, 1)
    part = pixels[5:45, 10:70]
    expected = resize(np.ascontiguousarray(part), (60.0, 40.0), 20, 13)
    actual = _core.resize_bicubic(pixels.view(np.uint32)[5:45, 10:70, 0], 60.0, 40.0, 20, 13)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("width", "height", "box", "message"),
    [
        (0, 5, (9.0, 4.0), "target must be"),
        (5, 5, (9.5, 4.0), "box must be inside the source"),
        (5, 5, (0.0, 4.0), "box must be inside the source"),
        (5, 5, (float("nan"), 4.0), "box must be inside the source"),
    ],
)
def test_what_cannot_be_is_refused(width: int, height: int, box: tuple[float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(pixels_of(9, 4, 0), box, width, height)


def test_no_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match="source must be of at least one pixel"):
        _core.resize_bicubic(np.empty((0, 3), np.uint32), 3.0, 0.0, 2, 2)


def test_sizes_are_those_of_thumbnail() -> None:
    rng = np.random.default_rng(0)
    for width, height in [*rng.integers(1, 3000, (500, 2)).tolist(), (3000, 1), (1, 3000), (7, 7)]:
        for longest_side in (1, 2, 31, 320, 1024):
            if max(width, height) > longest_side:
                image = Image.new("1", (width, height))
                image.thumbnail((longest_side, longest_side), reducing_gap=None)
                assert thumbnail_size((width, height), longest_side) == image.size, (width, height, longest_side)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1500, 1001), (1001, 1500), (333, 332), (2900, 700)])
@pytest.mark.parametrize("longest_side", [31, 100, 320])
def test_shrinks_as_thumbnail(size: tuple[int, int], longest_side: int) -> None:
    """Averaged over blocks first where the image is much larger."""
    image = Image.fromarray(pixels_of(*size, 1)[..., :3].copy())
    expected = image.copy()
    expected.thumbnail((longest_side, longest_side))
    shrunk = shrink(image, longest_side)
    assert (shrunk.mode, shrunk.size) == ("RGB", expected.size)
    np.testing.assert_array_equal(np.asarray(shrunk), np.asarray(expected))


def test_small_images_stay_as_they_are() -> None:
    image = Image.new("RGB", (300, 320), "red")
    assert shrink(image, 320) is image


@pytest.mark.parametrize("size", [(30, 20), (1, 1), (2600, 2000)])
def test_pixels_of_an_image(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest lies in several blocks of memory."""
    image = Image.fromarray(pixels_of(*size, 1)[..., :3].copy())
    expected = np.asarray(image)
    pixels = rgbx_pixels(image)
    del image
    Image.new("RGB", size, "white")  # where its memory would be, had it been given back
    np.testing.assert_array_equal(pixels[..., :3], expected)
    assert not pixels.flags.writeable
    monkeypatch.delattr(Image.Image, "__arrow_c_array__", raising=False)
    np.testing.assert_array_equal(rgbx_pixels(Image.fromarray(expected))[..., :3], expected)
