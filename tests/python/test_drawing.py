"""Pictures of matches and rankings: colours where they must be, and input that is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hcbir.study.captions import load_font, number, shortened
from hcbir.study.drawing import RankedImage, RankingRow, draw_matches, draw_rankings

GREY = (90, 90, 90)


def _array(image: Image.Image) -> npt.NDArray[np.int64]:
    assert image.mode == "RGB"
    return np.asarray(image).astype(np.int64)


def _is_green(pixels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return (pixels[..., 1] > pixels[..., 0] + 25) & (pixels[..., 1] > pixels[..., 2] + 15)


def _is_red(pixels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return (pixels[..., 0] > pixels[..., 1] + 25) & (pixels[..., 0] > pixels[..., 2] + 25)


def _is_yellow(pixels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return (pixels[..., 0] > 180) & (pixels[..., 1] > 150) & (pixels[..., 2] < 140)


def _pair(width: int = 240, height: int = 240) -> tuple[Image.Image, Image.Image]:
    return Image.new("RGB", (width, height), GREY), Image.new("RGB", (width, height), GREY)


def test_matches_are_joined_in_the_colour_of_their_kind() -> None:
    points = np.array([[40.0, 60.0], [40.0, 180.0]])
    picture = draw_matches(*_pair(), points, points, np.array([True, False]), height=240)
    pixels = _array(picture)
    assert picture.width == 240 + 8 + 240
    assert picture.height > 240
    between = slice(60, 280)  # away from the ends of the lines
    green, red = _is_green(pixels), _is_red(pixels)
    assert green[58:63, between].any(axis=0).all()
    assert red[178:183, between].any(axis=0).all()
    assert not green[100:200].any()
    assert not red[:100].any()
    assert green[60, 40]
    assert green[60, 40 + 248]


def test_an_inlier_lies_over_the_outliers() -> None:
    at = np.array([[40.0, 100.0]])
    outliers = np.array([[40.0, 40.0]]), np.array([[40.0, 160.0]])
    points0, points1 = np.vstack([at, outliers[0]]), np.vstack([at, outliers[1]])
    pixels = _array(draw_matches(*_pair(), points0, points1, np.array([True, False]), height=240))
    crossing = 40 + 248 // 2
    assert _is_green(pixels)[100, crossing]
    assert _is_red(pixels)[64:76, 90].any()


def test_points_scale_with_their_own_image() -> None:
    small, large = Image.new("RGB", (100, 50), GREY), Image.new("RGB", (600, 400), GREY)
    pixels = _array(draw_matches(small, large, [[9.5, 9.5]], [[299.5, 299.5]], np.array([True]), height=200))
    green = _is_green(pixels)
    assert green[38:41, 38:41].any()  # 4 times larger: 9.5 -> (9.5 + 0.5) * 4 - 0.5
    assert green[148:152, 408 + 148 : 408 + 152].any()  # half
    assert pixels.shape[1] == 400 + 8 + 300


def test_no_more_outliers_are_drawn_than_asked_for() -> None:
    y = np.linspace(5, 235, 80)
    points = np.stack([np.full(80, 20.0), y], axis=1)
    none = np.zeros(80, bool)

    def drawn(most: int) -> int:
        column = _is_red(_array(draw_matches(*_pair(), points, points, none, height=240, max_outliers=most)))[:240, 120]
        return int((column[1:] & ~column[:-1]).sum())

    assert drawn(0) == 0
    assert drawn(7) == 7


def test_every_inlier_has_its_dot_beyond_the_lines_drawn() -> None:
    points = np.array([[30.0, 30.0 + 40 * k] for k in range(5)])
    pixels = _array(draw_matches(*_pair(), points, points, np.ones(5, bool), height=240, max_inliers=2))
    green = _is_green(pixels)
    assert green[30:200:40, 30].all()
    assert green[30:200:40, 130].sum() == 2


def test_the_query_is_outlined_in_the_target_as_the_model_maps_it() -> None:
    model = np.array([[0.5, 0, 60], [0, 0.5, 40], [0, 0, 1]])
    none = np.zeros((0, 2))
    pixels = _array(draw_matches(*_pair(), none, none, np.zeros(0, bool), model=model, height=240))
    yellow = _is_yellow(pixels)
    rows, cols = np.nonzero(yellow)
    assert (rows.min(), rows.max()) == pytest.approx((40, 160), abs=2)
    assert (cols.min() - 248, cols.max() - 248) == pytest.approx((60, 180), abs=2)
    assert not yellow[60:140, 248 + 80 : 248 + 160].any()


def test_what_chance_explains_is_grey_and_not_outlined() -> None:
    points = np.array([[40.0, 60.0], [20.0, 30.0]])
    arguments = (*_pair(), points, points, np.array([True, True]))
    agreeing, chance = (
        _array(draw_matches(*arguments, model=np.eye(3), agree=agree, height=240))[:240] for agree in (True, False)
    )
    assert _is_green(agreeing).any()
    assert not _is_green(chance).any()
    assert (np.ptp(chance, axis=2) < 12).all()  # no colour at all
    assert (np.ptp(agreeing, axis=2) > 100).any()  # the frame


def test_an_outline_is_cut_off_at_the_target() -> None:
    model = np.array([[1, 0, -100], [0, 1, 0], [0, 0, 1.0]])
    none = np.zeros((0, 2))
    pixels = _array(draw_matches(*_pair(), none, none, np.zeros(0, bool), model=model, height=240))
    yellow = _is_yellow(pixels)
    assert yellow.any()
    assert not yellow[:, :246].any()


@pytest.mark.parametrize(
    "model",
    [
        np.full((3, 3), np.nan),
        np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]]),  # a corner behind the camera
        np.zeros((3, 3)),
        np.diag([1e6, 1e6, 1.0]),
    ],
)
def test_a_model_that_maps_a_corner_to_infinity_draws_no_outline(model: npt.NDArray[np.float64]) -> None:
    points = np.array([[40.0, 60.0]])
    with_model = draw_matches(*_pair(), points, points, np.array([True]), model=model, height=120)
    without = draw_matches(*_pair(), points, points, np.array([True]), height=120)
    assert np.array_equal(np.asarray(with_model), np.asarray(without))


def test_title_and_counts_stand_in_the_caption() -> None:
    none = np.zeros((0, 2))
    plain, titled = (
        np.asarray(draw_matches(*_pair(), none, none, np.zeros(0, bool), title=title, height=240))
        for title in (None, "graf 1 - 2")
    )
    assert plain.shape == titled.shape
    assert np.array_equal(plain[:240], titled[:240])
    assert (titled[240:] > 150).sum() > (plain[240:] > 150).sum() > 50


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16", "1", "F"])
def test_images_of_any_mode(mode: str) -> None:
    image = Image.new(mode, (60, 40))
    points = np.array([[20.0, 20.0]])
    assert draw_matches(image, image, points, points, np.array([True]), height=80).mode == "RGB"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points0": np.zeros((2, 3))}, r"points0 must be \(p, 2\), got \(2, 3\)"),
        ({"points1": np.zeros((3, 2))}, r"points1 must have a row for each of the 2 of points0, got 3"),
        ({"points1": np.full((2, 2), np.nan)}, "points1 must be finite"),
        ({"inlier_mask": np.zeros(2)}, r"inlier_mask must be \(2,\) bool, got \(2,\) float64"),
        ({"inlier_mask": np.zeros(3, bool)}, r"inlier_mask must be \(2,\) bool, got \(3,\) bool"),
        ({"model": np.zeros((2, 3))}, r"model must be \(3, 3\), got \(2, 3\)"),
        ({"height": 3}, "height must be at least 16 pixels, got 3"),
        ({"max_outliers": -1}, "max_outliers must not be negative, got -1"),
    ],
)
def test_wrong_input_is_named(change: dict[str, object], message: str) -> None:
    arguments = {"points0": np.zeros((2, 2)), "points1": np.zeros((2, 2)), "inlier_mask": np.zeros(2, bool)} | change
    positional = [arguments.pop(name) for name in ("points0", "points1", "inlier_mask")]
    with pytest.raises(ValueError, match=message):
        draw_matches(*_pair(), *positional, **arguments)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (200, 100), (10, 20, 240)).save(path)
    return path


def test_frames_tell_the_query_and_what_is_correct(photo: Path) -> None:
    results = [RankedImage(photo, 0.5, correct) for correct in (True, False, None)]
    pixels = _array(draw_rankings([RankingRow(photo, "castle", results)], thumbnail=100))
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
    plain, titled = draw_rankings(rows, thumbnail=60), draw_rankings(rows, thumbnail=60, title="Ranked")
    assert plain.width == titled.width == 8 + 68 * 5 + 16
    assert titled.height > plain.height


def test_an_image_that_cannot_be_read_does_not_stop_the_picture(photo: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    results = [RankedImage(path, 1.0, True) for path in (empty, tmp_path / "missing.jpg", photo)]
    pixels = _array(draw_rankings([RankingRow(photo, "castle", results)], thumbnail=100))
    for rank in (1, 2):
        inside = pixels[14:102, 8 + 108 * rank + 22 : 8 + 108 * rank + 110]
        assert inside[..., 2].max() < 200
        assert (inside > 120).any()  # the word


def test_wrong_rankings_are_refused(photo: Path) -> None:
    with pytest.raises(ValueError, match="rows must hold at least one query"):
        draw_rankings([])
    with pytest.raises(ValueError, match="thumbnail must be at least 24 pixels, got 10"):
        draw_rankings([RankingRow(photo, "a", [])], thumbnail=10)


def test_a_caption_is_shown_in_the_place_of_the_score(photo: Path) -> None:
    def picture(score: float, caption: str | None) -> bytes:
        return draw_rankings([RankingRow(photo, "a", [RankedImage(photo, score, True, caption)])]).tobytes()

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
