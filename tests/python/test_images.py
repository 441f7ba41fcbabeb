"""Image files of every kind, good and bad."""

from __future__ import annotations

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from hcbir.descriptors import ImageError, list_images, open_image
from hcbir.descriptors.images import _UPRIGHT

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def photograph(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """Smooth noise, all corners different."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def turned(upright: Image.Image, orientation: int, file_format: str) -> bytes:
    """What a camera held another way would have stored: the inverse of the turn that puts it upright."""
    inverse = {**_UPRIGHT, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = upright if orientation == 1 else upright.transpose(inverse[orientation])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(file_format, {})
    return encoded(stored, file_format, exif=exif, **options)


def first_pixel(data: bytes) -> tuple[int, ...]:
    loaded = open_image(data, longest_side=None)
    assert loaded.image.mode == "RGB"
    return loaded.image.getpixel((0, 0))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(file_format: str, orientation: int) -> None:
    upright = photograph()
    loaded = open_image(turned(upright, orientation, file_format), longest_side=None)
    assert loaded.full_size == loaded.image.size == upright.size
    difference = np.abs(np.asarray(loaded.image, float) - np.asarray(upright, float)).max()
    assert difference <= (12 if file_format == "JPEG" else 0)

    shrunk = open_image(turned(upright, orientation, file_format), longest_side=30)
    assert (shrunk.full_size, shrunk.image.size) == ((60, 40), (30, 20))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_orientation_is_applied_once(file_format: str, orientation: int) -> None:
    data = turned(photograph(), orientation, file_format)
    sources = data, Image.open(io.BytesIO(data))
    for source, longest_side, reduced in product(sources, (None, 60, 20), (False, True)):
        image = open_image(source, longest_side=longest_side, reduced_decoding=reduced).image
        assert ExifTags.Base.Orientation not in image.getexif()
        for again in (image, encoded(image, "PNG"), encoded(image, "TIFF")):
            np.testing.assert_array_equal(open_image(again, longest_side=None).image, image)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_damaged_exif_does_not_spoil_the_image() -> None:
    data = encoded(photograph(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    assert open_image(data, longest_side=None).full_size == (60, 40)


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_16_bit_grey_is_scaled(tmp_path: Path, dtype: str) -> None:
    values = np.array([[0, 128 * 257, 65535]], np.uint16)
    if dtype == "<u2":
        data = encoded(Image.fromarray(values), "TIFF")
    else:
        data = encoded(Image.frombytes("I;16B", (3, 1), values.astype(dtype).tobytes()), "TIFF")
    grey = np.asarray(open_image(data, longest_side=None).image)
    assert grey[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]


def test_16_bit_grey_png() -> None:
    data = encoded(Image.fromarray(np.array([[0, 257, 65535]], np.uint16)), "PNG")
    assert np.asarray(open_image(data, longest_side=None).image)[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 0.2, 1.0], [0, 51, 255]), ([0.0, 51.0, 254.0], [0, 51, 254]), ([-100.0, 0.0, 100.0], [0, 128, 255])],
)
def test_float_grey_is_stretched(values: list[float], expected: list[int]) -> None:
    data = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    assert np.asarray(open_image(data, longest_side=None).image)[0, :, 0].tolist() == expected


def test_32_bit_grey_is_stretched() -> None:
    data = encoded(Image.fromarray(np.array([[0, 400_000, 2_000_000]], np.int32)), "TIFF")
    assert np.asarray(open_image(data, longest_side=None).image)[0, :, 0].tolist() == [0, 51, 255]


def test_kinds_of_colour() -> None:
    red = Image.new("RGB", (4, 4), RED)
    transparent = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert first_pixel(encoded(red.convert("CMYK"), "TIFF")) == RED
    assert first_pixel(encoded(red.convert("CMYK"), "JPEG", quality=100))[0] > 250
    assert first_pixel(encoded(red.convert("P"), "PNG")) == RED
    assert first_pixel(encoded(Image.new("1", (4, 4), 1), "PNG")) == WHITE
    assert first_pixel(encoded(Image.new("L", (4, 4), 7), "JPEG")) == (7, 7, 7)
    assert first_pixel(encoded(transparent, "PNG")) == WHITE
    assert first_pixel(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 128)), "PNG")) == (255, 127, 127)
    assert first_pixel(encoded(Image.new("LA", (4, 4), (0, 0)), "PNG")) == WHITE
    assert first_pixel(encoded(red.convert("P"), "PNG", transparency=red.convert("P").getpixel((0, 0)))) == WHITE
    assert first_pixel(encoded(red, "PNG", transparency=RED)) == WHITE


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(file_format: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if file_format == "WEBP" else {}
    assert first_pixel(encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)) == RED


def test_smallest_image() -> None:
    loaded = open_image(encoded(Image.new("RGB", (1, 1), RED), "PNG"), longest_side=320)
    assert (loaded.full_size, loaded.image.getpixel((0, 0))) == ((1, 1), RED)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
@pytest.mark.parametrize(("width", "height"), [(1301, 433), (433, 1301), (900, 2), (320, 320), (100, 50)])
def test_shrunk_as_by_thumbnail(width: int, height: int, file_format: str) -> None:
    data = encoded(photograph(width, height), file_format)
    expected = Image.open(io.BytesIO(data)).copy()
    expected.thumbnail((320, 320))
    loaded = open_image(data, longest_side=320)
    assert loaded.full_size == (width, height)
    assert loaded.image.tobytes() == expected.tobytes()


def test_palette_is_shrunk_in_colour() -> None:
    """Resampling of palette indices would be by nearest neighbour."""
    palette = photograph(400, 300).quantize(16)
    expected = palette.convert("RGB")
    expected.thumbnail((100, 100))
    assert open_image(encoded(palette, "PNG"), longest_side=100).image.tobytes() == expected.tobytes()


def test_open_image_in_memory() -> None:
    image = photograph()
    loaded = open_image(image, longest_side=30)
    assert (loaded.image.size, loaded.full_size, image.size) == ((30, 20), (60, 40), (60, 40))


def refused(source: Path | bytes, **options: int) -> str:
    with pytest.raises(ImageError) as caught:
        open_image(source, longest_side=100, **options)
    assert isinstance(caught.value, ValueError)
    message = str(caught.value)
    name = "<bytes>" if isinstance(source, bytes) else str(source)
    assert message == f"{name}: {caught.value.reason}"
    assert caught.value.path == name
    assert "\n" not in message
    return caught.value.reason


def test_unusable_files(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    assert "no such file" in refused(tmp_path / "missing.jpg")
    assert refused(tmp_path / "text.jpg") == "not an image that Pillow knows"
    assert refused(tmp_path / "empty.png") == "the file is empty"
    assert "directory" in refused(tmp_path)
    assert refused(b"") == "the file is empty"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_truncated_files(file_format: str, share: float) -> None:
    data = encoded(photograph(200, 150), file_format)
    assert refused(data[: int(len(data) * share)])


def test_postscript_is_not_run() -> None:
    assert refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n") == (
        "not an image that Pillow knows"
    )


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def test_decompression_bomb_is_refused_by_its_header() -> None:
    assert refused(bomb(100_000, 100_000)) == "100000 x 100000 pixels are more than the limit of 200000000"
    assert refused(encoded(photograph(60, 40), "PNG"), max_pixels=2399).startswith("60 x 40 pixels are more")
    open_image(encoded(photograph(60, 40), "PNG"), longest_side=None, max_pixels=2400)


def test_limit_of_pillow_is_neither_used_nor_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)  # a warning, which is an error here, at 2400 pixels
    data = encoded(photograph(60, 40), "PNG")
    with ThreadPoolExecutor(8) as pool:
        sizes = {loaded.full_size for loaded in pool.map(lambda _: open_image(data, longest_side=None), range(64))}
    assert sizes == {(60, 40)}
    assert Image.MAX_IMAGE_PIXELS == 1500


@pytest.mark.parametrize("longest_side", [0, -1, 1.5, True])
def test_longest_side_is_checked(longest_side: object) -> None:
    with pytest.raises(ValueError, match="longest_side must be a whole number of at least 1"):
        open_image(b"", longest_side=longest_side)  # type: ignore[arg-type]


def test_list_images(tmp_path: Path) -> None:
    names = [
        "10.jpg",
        "2.JPG",
        "a/x2.png",
        "a/x10.webp",
        "B/1.tif",
        ".hidden.jpg",
        ".thumbs/1.jpg",
        "notes.txt",
        "c.eps",
    ]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["2.JPG", "10.jpg", "a/x2.png", "a/x10.webp", "B/1.tif"]
    assert list_images(tmp_path / "a") == [tmp_path / "a/x2.png", tmp_path / "a/x10.webp"]
    with pytest.raises(NotADirectoryError, match=r"nowhere: not a folder"):
        list_images(tmp_path / "nowhere")


def test_real_photographs_open(shared: Path) -> None:
    paths = list_images(shared / "data" / "landmarks" / "taj_mahal")
    assert len(paths) == 19
    for path in paths:
        loaded = open_image(path, longest_side=320)
        assert max(loaded.image.size) <= 320
        assert loaded.full_size == ImageOps.exif_transpose(Image.open(path)).size


def test_a_pipe_is_neither_listed_nor_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert list_images(tmp_path) == []
    with pytest.raises(ImageError, match="not a regular file"):
        open_image(tmp_path / "pipe.jpg", longest_side=None)


@pytest.mark.parametrize("size", [(1300, 500), (500, 1300)])
def test_reduced_decoding_goes_by_the_longest_side(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """However short the other side is: decoded at 1/2, for twice 320 pixels fit into the half of 1300."""
    asked = []
    load = JpegImageFile.load
    monkeypatch.setattr(JpegImageFile, "load", lambda self: asked.append(self.size) or load(self))
    loaded = open_image(encoded(photograph(*size), "JPEG"), longest_side=320, reduced_decoding=True)
    assert asked[0] == (size[0] // 2, size[1] // 2)
    assert max(loaded.image.size) == 320
    assert loaded.full_size == size
