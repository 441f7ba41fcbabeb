"""Each variation is seen in the pixels as the annotations say, and nowhere else."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hcbir.study.statistics import correlate
from hcbir.study.synthetic.design import DOMAINS, Shot
from hcbir.study.synthetic.making import Made, make_image
from hcbir.study.synthetic.places.place import KINDS
from hcbir.study.variations import VARIATIONS

Pixels = npt.NDArray[np.uint8]


@cache
def shown(kind: str, side: int = 160, number: int = 0, domain: str = "photograph", **strengths: int) -> Made:
    """An image of a place that varies as given and in nothing else."""
    index = next(k for k, of in enumerate(KINDS) if of.name == kind)
    levels = tuple(strengths.get(variation.replace(" ", "_"), 0) for variation in VARIATIONS)
    return make_image(Shot(0, kind, index, kind, number, levels, domain), side)


def grey(pixels: Pixels) -> npt.NDArray[np.float64]:
    out: npt.NDArray[np.float64] = pixels @ np.array([0.299, 0.587, 0.114])
    return out


def saturation(pixels: Pixels) -> float:
    wide = pixels.astype(np.int64)
    return float((wide.max(axis=2) - wide.min(axis=2)).mean())


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_shows_its_landmark(kind: str) -> None:
    made = shown(kind)
    assert made.pixels.dtype == np.uint8
    assert max(made.pixels.shape) == 160
    assert made.share > 0.04
    assert made.hidden == 0
    assert grey(made.pixels).std() > 20
    assert 60 < grey(made.pixels).mean() < 190


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_colour_changes_colour_alone(strength: int) -> None:
    for number in range(1, 4):
        plain = shown("town_hall", number=number).pixels
        other = shown("town_hall", number=number, color=strength).pixels
        assert np.abs(grey(plain) - grey(other)).max() < 1.6
        assert np.abs(plain.astype(int) - other).mean() > 3
    if strength == 3:
        chroma = other - grey(other)[..., None]
        assert chroma.std(axis=(0, 1)).max() < 16, "one tone"


def test_what_is_blind_to_colour_does_not_correlate_with_it() -> None:
    """Classes that differ in how many of their images change colour, and in nothing else."""

    def thumbnail(pixels: Pixels) -> npt.NDArray[np.float64]:
        small = cv2.resize(grey(pixels), (12, 12), interpolation=cv2.INTER_AREA).reshape(-1)
        small -= small.mean()
        return small / np.linalg.norm(small)

    def histogram(pixels: Pixels) -> npt.NDArray[np.float64]:
        cells = (pixels.reshape(-1, 3) // 32).astype(np.int64) @ np.array([64, 8, 1])
        counts = np.bincount(cells, minlength=512).astype(np.float64)
        return counts / np.linalg.norm(counts)

    kinds = [kind.name for kind in KINDS[:8]]
    affected = [k % 4 for k in range(8)]
    labels, images = [], []
    for kind, count in zip(kinds, affected, strict=True):
        for number in range(5):
            labels.append(kind)
            images.append(shown(kind, number=number, color=3 if 0 < number <= count else 0).pixels)
    owner = np.array(labels)

    def precision(describe: object) -> list[float]:
        vectors = np.array([describe(pixels) for pixels in images])  # type: ignore[operator]
        scores = vectors @ vectors.T
        per_class = []
        for kind in kinds:
            values = []
            for query in np.flatnonzero(owner == kind):
                order = np.argsort(-scores[query], kind="stable")
                hits = owner[order[order != query]] == kind
                values.append((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())
            per_class.append(float(np.mean(values)))
        return per_class

    blind, seeing = precision(thumbnail), precision(histogram)
    assert correlate(affected, seeing).r < -0.6
    assert np.ptp(blind) < 0.05 or abs(correlate(affected, blind).r) < 0.3


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_nothing_but_occluders_hides_the_landmark(kind: str) -> None:
    """From wherever it is seen: houses and trees in the way are left out."""
    shares = [shown(kind, side=64, number=n, orientation=3).share for n in range(1, 5)]
    assert min(shares) > 0.3 * shown(kind).share


def test_illumination_darkens_the_night_and_lights_its_windows() -> None:
    day, nights = shown("town_hall"), [shown("town_hall", number=n, illumination=3) for n in range(1, 6)]
    for night in nights:
        assert grey(night.pixels).mean() < 0.6 * grey(day.pixels).mean()
        assert night.share == pytest.approx(shown("town_hall", number=1).share, rel=0.25)
    assert max(int(night.pixels[..., 0].max()) for night in nights) > 200


def test_scale_makes_the_landmark_larger_or_smaller() -> None:
    share = shown("lighthouse").share
    weak, strong = (
        [abs(np.log(shown("lighthouse", number=n, scale=s).share / share)) for n in range(1, 6)] for s in (1, 3)
    )
    assert min(strong) > 0.5
    assert np.mean(strong) > 2 * np.mean(weak)


def test_occluders_hide_what_they_are_said_to() -> None:
    hidden = {s: [shown("town_hall", number=n, occlusion=s).hidden for n in range(1, 6)] for s in range(4)}
    assert hidden[0] == [0] * 5
    assert max(hidden[1]) < 0.2 < min(hidden[2])
    assert np.mean(hidden[2]) < np.mean(hidden[3]) < 0.8


def test_positioning_moves_the_landmark_in_the_frame() -> None:
    def middle(made: Made) -> npt.NDArray[np.float64]:
        point = made.camera @ [0, 0, 8, 1]
        return point[:2] / point[2] / max(made.pixels.shape)

    still = middle(shown("church"))
    moved = {
        s: [np.linalg.norm(middle(shown("church", number=n, positioning=s)) - still) for n in range(1, 6)]
        for s in (0, 3)
    }
    assert max(moved[0]) < 0.08
    assert min(moved[3]) > 0.15


def test_undistinctive_landmarks_lose_their_details() -> None:
    def details(made: Made) -> float:
        """Mean gradient in the image's middle, where the landmark stands."""
        tone = grey(made.pixels)
        rows, cols = (slice(size * 2 // 5, size * 3 // 5) for size in tone.shape)
        return float(np.abs(np.diff(tone[rows, cols], axis=1)).mean())

    for kind in ("church", "triumphal_arch"):
        assert details(shown(kind, number=1, undistinctiveness=3)) < 0.75 * details(shown(kind, number=1))


def test_clutter_adds_things_and_leaves_the_landmark() -> None:
    empty, full = shown("cathedral", number=1), shown("cathedral", number=1, clutter=3)
    assert full.share > 0.7 * empty.share
    assert 0.01 < (np.abs(empty.pixels.astype(int) - full.pixels).max(axis=2) > 24).mean() < 0.4


def test_alterations_grow_with_their_strength() -> None:
    plain = shown("church", number=1).pixels.astype(int)
    differences = [np.abs(plain - shown("church", number=1, alterations=s).pixels).mean() for s in (1, 2, 3)]
    assert 2 < differences[0] < differences[1] < differences[2]


def test_time_changes_the_surroundings_then_the_landmark() -> None:
    now, season, then, rebuilt = (shown("church", number=1, time_changes=s) for s in range(4))
    assert now.season == "summer"
    assert season.season in ("autumn", "winter")
    assert then.share == pytest.approx(now.share, rel=0.1)
    assert rebuilt.share < 0.97 * now.share, "its spire is not there yet"
    assert now.date > 2000 > rebuilt.date


def test_domains_look_as_they_are_called() -> None:
    assert sorted({domain for several in DOMAINS.values() for domain in several}) == [
        "engraving",
        "map",
        "painting",
        "photograph",
        "postcard",
    ]
    for kind in ("church", "bridge"):
        card = shown(kind, domain="postcard", representation_domain=1).pixels
        border = np.concatenate([card[:3].reshape(-1, 3), card[:, :3].reshape(-1, 3)])
        assert border.mean() > 200
        assert border.std(axis=0).max() < 12
        drawn = shown(kind, side=320, domain="engraving", representation_domain=2).pixels
        tone = grey(drawn)
        assert (tone < 110).mean() > 0.02
        assert (tone > 190).mean() > 0.3
        assert saturation(drawn) < saturation(shown(kind, side=320).pixels)
        flat = shown(kind, side=320, domain="map", representation_domain=3).pixels
        assert saturation(flat) > 10
        assert (np.abs(np.diff(grey(flat), axis=1)) < 2).mean() > 0.4, "flat tints"


def _features(pixels: Pixels) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    keypoints, descriptors = cv2.SIFT_create(1500).detectAndCompute(np.round(grey(pixels)).astype(np.uint8), None)
    return np.array([k.pt for k in keypoints]), np.sqrt(descriptors / descriptors.sum(axis=1, keepdims=True))


def test_cameras_say_where_points_of_the_front_are_in_another_view() -> None:
    """The homography of the front's plane, against matches of SIFT between two views of it."""
    kind, first = "triumphal_arch", shown("triumphal_arch", side=480)
    for number in (1, 2):
        second = shown(kind, side=480, number=number, orientation=1, scale=1)
        (points0, vectors0), (points1, vectors1) = _features(first.pixels), _features(second.pixels)
        scores = vectors0 @ vectors1.T
        nearest = scores.argmax(axis=1)
        mutual = np.flatnonzero(
            (scores.argmax(axis=0)[nearest] == np.arange(len(nearest))) & (scores.max(axis=1) > 0.85)
        )
        assert len(mutual) > 60
        best = 0.0
        for depth in np.arange(3, 7, 0.1):  # the front stands at y = -depth
            plane = np.array([[1, 0, 0], [0, 0, -depth], [0, 1, 0], [0, 0, 1.0]])
            onto = (second.camera @ plane) @ np.linalg.inv(first.camera @ plane)
            moved = cv2.perspectiveTransform(points0[mutual][None] + 0.5, onto)[0] - 0.5
            best = max(best, float((np.linalg.norm(moved - points1[nearest[mutual]], axis=1) < 2).mean()))
        assert best > 0.35


def test_views_of_one_place_match_and_those_of_another_of_its_kind_do_not() -> None:
    cv2.setRNGSeed(0)
    index = next(k for k, of in enumerate(KINDS) if of.name == "town_hall")
    zero = (0,) * len(VARIATIONS)
    look_alike = make_image(Shot(0, "other_0001", index, None, 0, zero), 320)

    def inliers(one: Made, other: Made) -> int:
        (points0, vectors0), (points1, vectors1) = _features(one.pixels), _features(other.pixels)
        scores = vectors0 @ vectors1.T
        nearest = scores.argmax(axis=1)
        mutual = np.flatnonzero(scores.argmax(axis=0)[nearest] == np.arange(len(nearest)))
        _, mask = cv2.findHomography(points0[mutual], points1[nearest[mutual]], cv2.RANSAC, 3.0, maxIters=1000)
        return 0 if mask is None else int(mask.sum())

    reference = shown("town_hall", side=320)
    outside = inliers(reference, look_alike)
    for strengths in (
        {"scale": 2},
        {"color": 3},
        {"positioning": 2},
        {"alterations": 2},
        {"clutter": 3},
        {"time_changes": 2},
    ):
        assert inliers(reference, shown("town_hall", side=320, number=1, **strengths)) > 2 * outside, strengths
