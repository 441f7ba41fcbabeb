"""Pictures of rankings: colours where they must be, and input that is refused."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hcbir.study.captions import load_font, number, shortened
from hcbir.study.drawing import RankedImage, RankingPicture, RankingRow

GREY = (90, 90, 90)


def _array(image: Image.Image) -> npt.NDArray[np.int64]:
    assert image.mode == "RGB"
    return np.asarray(image).astype(np.int64)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (200, 100), (10, 20, 240)).save(path)
    return path


def test_frames_tell_the_query_and_what_is_correct(photo: Path) -> None:
    results = [RankedImage(photo, 0.5, correct) for correct in (True, False, None)]
    pixels = _array(RankingPicture([RankingRow(photo, "castle", results)], thumbnail=100).image())
    top, side = 8, 100
    lefts = [8] + [8 + 108 * rank + 16 for rank in (1, 2, 3)]
    colours = [(255, 255, 255), (67, 186, 103), (217, 69, 63), (128, 131, 136)]
    for left, colour in zip(lefts, colours, strict=True):
        for row, col in ((top, left), (top + side - 1, left + side - 1), (top + 50, left + 1)):
            assert tuple(pixels[row, col]) == colour
        assert pixels[top + 50, left + 50, 2] > 200  # the photograph
        assert pixels[top + 10, left + 50].max() < 30  # above it, the mat: it is wider than high


def test_rows_may_differ_in_length_and_a_title_needs_room(photo: Path) -> None:
    rows = [
        RankingRow(photo, "a", [RankedImage(photo, 3.0, True)] * 4),
        RankingRow(photo, "b", []),
        RankingRow(photo, "c", [RankedImage(photo, 3.0, False)]),
    ]
    plain, titled = (RankingPicture(rows, thumbnail=60, title=title).image() for title in (None, "Ranked"))
    assert plain.width == titled.width == 8 + 68 * 5 + 16
    assert titled.height > plain.height


def test_an_image_that_cannot_be_read_does_not_stop_the_picture(photo: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    results = [RankedImage(path, 1.0, True) for path in (empty, tmp_path / "missing.jpg", photo)]
    pixels = _array(RankingPicture([RankingRow(photo, "castle", results)], thumbnail=100).image())
    for rank in (1, 2):
        inside = pixels[14:102, 8 + 108 * rank + 22 : 8 + 108 * rank + 110]
        assert inside[..., 2].max() < 200
        assert (inside > 120).any()  # the word


def test_wrong_rankings_are_refused(photo: Path) -> None:
    with pytest.raises(ValueError, match="rows must hold at least one query"):
        RankingPicture([])
    with pytest.raises(ValueError, match="thumbnail must be at least 24 pixels, got 10"):
        RankingPicture([RankingRow(photo, "a", [])], thumbnail=10)


def test_svg_shows_what_the_pixels_show(photo: Path, tmp_path: Path) -> None:
    results = [RankedImage(photo, 7.0, True), RankedImage(tmp_path / "gone.jpg", 0.25, False)]
    picture = RankingPicture([RankingRow(photo, "AP <1>", results)], thumbnail=100, title="Hard & found")
    root = ElementTree.fromstring(picture.svg())
    space = "{http://www.w3.org/2000/svg}"
    assert picture.size == (int(root.get("width", "")), int(root.get("height", ""))) == picture.image().size
    texts = [text.text for text in root.iter(f"{space}text")]
    assert texts[:4] == ["Hard & found", "query", "AP <1>", "1. 7"]
    assert texts[5] == "2. 0.250"
    assert len(texts) == 7
    drawn = _array(picture.image())
    for image, frame in zip(root.iter(f"{space}image"), [(255, 255, 255), (67, 186, 103), (217, 69, 63)], strict=True):
        left, top = int(image.get("x", "")), int(image.get("y", ""))
        assert tuple(drawn[top + 1, left + 50]) == frame
        content = base64.b64decode(image.get("href", "").partition(",")[2])
        with Image.open(io.BytesIO(content)) as inside:
            assert inside.size == (200, 200)
            assert np.abs(np.array(inside.getpixel((100, 3))) - frame).max() < 24


def test_a_caption_is_shown_in_the_place_of_the_score(photo: Path) -> None:
    def picture(score: float, caption: str | None) -> bytes:
        rows = [RankingRow(photo, "a", [RankedImage(photo, score, True, caption)])]
        return RankingPicture(rows).image().tobytes()

    assert picture(0.25, None) == picture(0.25, "0.250")
    assert picture(0.25, "12 inliers") == picture(7.0, "12 inliers") != picture(0.25, None)


def test_long_texts_are_cut_in_the_middle() -> None:
    font = load_font(14)
    text = "a_very_long_file_name_of_an_old_photograph.jpg"
    short = shortened(text, font, 120)
    assert font.getlength(short) <= 120
    assert short.startswith("a_v")
    assert short.endswith(".jpg")
    assert shortened(text, font, 1e4) == text
    assert shortened("two\nlines", font, 1e4) == "two lines"


def test_numbers() -> None:
    assert [number(value) for value in (12.0, 0.12345, -0.5, 0.0)] == ["12", "0.123", "-0.500", "0"]
