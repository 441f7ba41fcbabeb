"""Pictures of matches: colours where they must be, and input that is refused."""

from __future__ import annotations

import base64
import errno
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image, ImageOps
from scenes import scene

import hcbir
from hcbir.descriptors import describe_image, load
from hcbir.study.match_picture import MatchPicture
from hcbir.study.pairs import explanation_picture

GREY = (90, 90, 90)
SVG = "{http://www.w3.org/2000/svg}"


def draw(*positional: Any, **options: Any) -> Image.Image:
    return MatchPicture(*positional, **options).image()


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
    picture = draw(*_pair(), points, points, np.array([True, False]), height=240)
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
    pixels = _array(draw(*_pair(), points0, points1, np.array([True, False]), height=240))
    crossing = 40 + 248 // 2
    assert _is_green(pixels)[100, crossing]
    assert _is_red(pixels)[64:76, 90].any()


def test_points_scale_with_their_own_image() -> None:
    small, large = Image.new("RGB", (100, 50), GREY), Image.new("RGB", (600, 400), GREY)
    pixels = _array(draw(small, large, [[9.5, 9.5]], [[299.5, 299.5]], np.array([True]), height=200))
    green = _is_green(pixels)
    assert green[38:41, 38:41].any()  # 4 times larger: 9.5 -> (9.5 + 0.5) * 4 - 0.5
    assert green[148:152, 408 + 148 : 408 + 152].any()  # half
    assert pixels.shape[1] == 400 + 8 + 300


def test_no_more_outliers_are_drawn_than_asked_for() -> None:
    y = np.linspace(5, 235, 80)
    points = np.stack([np.full(80, 20.0), y], axis=1)
    none = np.zeros(80, bool)

    def drawn(most: int) -> int:
        column = _is_red(_array(draw(*_pair(), points, points, none, height=240, max_outliers=most)))[:240, 120]
        return int((column[1:] & ~column[:-1]).sum())

    assert drawn(0) == 0
    assert drawn(7) == 7


def test_every_inlier_has_its_dot_beyond_the_lines_drawn() -> None:
    points = np.array([[30.0, 30.0 + 40 * k] for k in range(5)])
    pixels = _array(draw(*_pair(), points, points, np.ones(5, bool), height=240, max_inliers=2))
    green = _is_green(pixels)
    assert green[30:200:40, 30].all()
    assert green[30:200:40, 130].sum() == 2


OUTLINE = np.array([[60.0, 40.0], [180.0, 40.0], [180.0, 160.0], [60.0, 160.0]])


def test_the_query_is_framed_and_outlined_in_the_target() -> None:
    none = np.zeros((0, 2))
    pixels = _array(draw(*_pair(), none, none, np.zeros(0, bool), outline=OUTLINE, height=240))
    yellow = _is_yellow(pixels)
    rows, cols = np.nonzero(yellow[:, 248:])
    assert (rows.min(), rows.max()) == pytest.approx((40, 160), abs=2)
    assert (cols.min(), cols.max()) == pytest.approx((60, 180), abs=2)
    assert not yellow[60:140, 248 + 80 : 248 + 160].any()
    rows, cols = np.nonzero(yellow[:, :248])
    assert (rows.min(), rows.max()) == pytest.approx((0, 239), abs=2)
    assert (cols.min(), cols.max()) == pytest.approx((0, 239), abs=2)


def test_what_chance_explains_is_grey_and_not_outlined() -> None:
    points = np.array([[40.0, 60.0], [20.0, 30.0]])
    arguments = (*_pair(), points, points, np.array([True, True]))
    agreeing, chance = (
        _array(draw(*arguments, outline=OUTLINE, agree=agree, height=240))[:240] for agree in (True, False)
    )
    assert _is_green(agreeing).any()
    assert not _is_green(chance).any()
    assert (np.ptp(chance, axis=2) < 12).all()  # no colour at all
    assert (np.ptp(agreeing, axis=2) > 100).any()  # the frame


def test_an_outline_is_cut_off_at_the_target() -> None:
    none = np.zeros((0, 2))
    pixels = _array(draw(*_pair(), none, none, np.zeros(0, bool), outline=OUTLINE - [100, 0], height=240))
    yellow = _is_yellow(pixels)
    assert yellow[:, 248:].any()
    assert not yellow[10:230, 10:230].any()


def test_title_and_counts_stand_in_the_caption() -> None:
    none = np.zeros((0, 2))
    plain, titled = (
        np.asarray(draw(*_pair(), none, none, np.zeros(0, bool), title=title, height=240))
        for title in (None, "graf 1 - 2")
    )
    assert plain.shape == titled.shape
    assert np.array_equal(plain[:240], titled[:240])
    assert (titled[240:] > 150).sum() > (plain[240:] > 150).sum() > 50


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16", "1", "F"])
def test_images_of_any_mode(mode: str) -> None:
    image = Image.new(mode, (60, 40))
    points = np.array([[20.0, 20.0]])
    assert draw(image, image, points, points, np.array([True]), height=80).mode == "RGB"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points0": np.zeros((2, 3))}, r"points0 must be \(p, 2\), got \(2, 3\)"),
        ({"points1": np.zeros((3, 2))}, r"points1 must have a row for each of the 2 of points0, got 3"),
        ({"points1": np.full((2, 2), np.nan)}, "points1 must be finite"),
        ({"inlier_mask": np.zeros(2)}, r"inlier_mask must be \(2,\) bool, got \(2,\) float64"),
        ({"inlier_mask": np.zeros(3, bool)}, r"inlier_mask must be \(2,\) bool, got \(3,\) bool"),
        ({"outline": np.zeros((2, 3))}, r"outline must be \(4, 2\) and finite, got shape \(2, 3\)"),
        ({"outline": np.full((4, 2), np.inf)}, "outline must be .* finite"),
        ({"height": 3}, "height must be at least 16 pixels, got 3"),
        ({"max_outliers": -1}, "max_outliers must not be negative, got -1"),
    ],
)
def test_wrong_input_is_named(change: dict[str, object], message: str) -> None:
    arguments = {"points0": np.zeros((2, 2)), "points1": np.zeros((2, 2)), "inlier_mask": np.zeros(2, bool)} | change
    positional = [arguments.pop(name) for name in ("points0", "points1", "inlier_mask")]
    with pytest.raises(ValueError, match=message):
        draw(*_pair(), *positional, **arguments)


def svg_of(*positional: Any, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(MatchPicture(*_pair(), *positional, **options).svg())


def test_svg_holds_what_the_picture_shows() -> None:
    points0, points1 = np.array([[40.0, 60.0], [40.0, 180.0]]), np.array([[50.0, 70.0], [90.0, 20.0]])
    root = svg_of(points0, points1, np.array([True, False]), outline=OUTLINE, height=240, names=("a<b.jpg", "c.jpg"))
    assert (root.get("width"), root.get("viewBox", "").split()[2]) == ("488", "488")
    ends = {
        group.get("stroke"): [tuple(float(line.get(k, "")) for k in ("x1", "y1", "x2", "y2")) for line in group]
        for group in root.iter(f"{SVG}g")
        if group.find(f"{SVG}line") is not None
    }
    assert ends["#40de76"] == [(40.5, 60.5, 298.5, 70.5)]
    assert ends["#d9453f"] == [(40.5, 180.5, 338.5, 20.5)]
    frames = [polygon.get("points", "") for polygon in root.iter(f"{SVG}polygon")]
    assert frames[1].startswith("308.50,40.50 428.50,40.50")
    assert [text.text for text in root.iter(f"{SVG}text")] == ["a<b.jpg", "c.jpg", "1 of 2 matches agree"]
    for image in root.iter(f"{SVG}image"):
        kind, data = image.get("href", "").split(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as held:
            assert held.size == (480, 480)


def test_svg_of_chance_is_grey_without_frames() -> None:
    points = np.array([[40.0, 60.0]])
    root = svg_of(points, points, np.array([True]), outline=OUTLINE, agree=False)
    assert root.find(f".//{SVG}polygon") is None
    assert "#40de76" not in ElementTree.tostring(root, encoding="unicode")


def test_two_panoramas_are_made_to_fit() -> None:
    wide = Image.new("RGB", (3000, 500))
    points = np.array([[1500.0, 250.0]])
    width, height = MatchPicture(wide, wide, points, points, np.array([True])).size
    assert width == pytest.approx(1920, abs=12)
    assert 150 < height < 220


@pytest.mark.parametrize("size", [(4000, 3), (3, 4000)])
def test_a_stripe_beside_an_image_leaves_both_to_be_seen(size: tuple[int, int]) -> None:
    points = np.array([[1.0, 1.0]])
    root = ElementTree.fromstring(
        MatchPicture(Image.new("RGB", size), Image.new("RGB", (400, 300)), points, points, np.array([True])).svg()
    )
    assert float(root.get("width", "")) <= 1920
    for image in root.iter(f"{SVG}image"):
        sides = float(image.get("width", "")), float(image.get("height", ""))
        assert min(sides) >= 30
        assert max(sides) <= 1920
    dot = next(root.iter(f"{SVG}circle"))
    panel = next(root.iter(f"{SVG}image"))
    assert float(dot.get("cx", "")) == pytest.approx(1.5 / size[0] * float(panel.get("width", "")), abs=0.01)
    assert float(dot.get("cy", "")) == pytest.approx(1.5 / size[1] * float(panel.get("height", "")), abs=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_that_was_taken_sideways_is_drawn_like_the_upright_one(orientation: int) -> None:
    upright = scene(0)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = {6: 8, 8: 6}.get(orientation, orientation)  # the inverse turn
    turning = io.BytesIO()
    upright.save(turning, "PNG", exif=exif)
    stored = ImageOps.exif_transpose(Image.open(turning))
    exif[ExifTags.Base.Orientation] = orientation
    taken, plain = io.BytesIO(), io.BytesIO()
    stored.save(taken, "PNG", exif=exif)
    upright.save(plain, "PNG")
    pictures = []
    for file in (taken, plain):
        features = describe_image(file.getvalue(), {"orb": load("orb")}).local_features["orb"]
        found = hcbir.explain(features, features)
        assert found.is_match
        pictures.append(explanation_picture(found, file.getvalue(), file.getvalue(), height=200))
    assert pictures[0].svg() == pictures[1].svg()
    assert pictures[0].image() == pictures[1].image()


@pytest.mark.parametrize("name", ["m.png", "m.svg"])
def test_one_that_cannot_be_saved_leaves_what_stood_there(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    points = np.array([[40.0, 60.0]])
    (tmp_path / name).write_text("as it was")
    monkeypatch.setattr("hcbir._files.sync", full)
    with pytest.raises(OSError, match="No space left on device"):
        MatchPicture(*_pair(), points, points, np.array([True])).save(tmp_path / name)
    assert (tmp_path / name).read_text() == "as it was"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["m.png", "m.jpg", "m.SVG"])
def test_saved_by_its_ending(tmp_path: Path, name: str) -> None:
    points = np.array([[40.0, 60.0]])
    picture = MatchPicture(*_pair(), points, points, np.array([True]))
    picture.save(tmp_path / name)
    if name == "m.SVG":
        assert (tmp_path / name).read_text(encoding="utf-8") == picture.svg()
    else:
        with Image.open(tmp_path / name) as saved:
            assert saved.size == picture.size
    with pytest.raises(ValueError, match=r"use \.png, \.jpg or \.svg"):
        picture.save(tmp_path / "m.unknown")
