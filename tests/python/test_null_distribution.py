"""hcbir.null_distribution: how well images agree that show different things."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scenes import write_classes

import hcbir
from hcbir import LocalFeatures, LocalFeatureStore, NullDistribution, null_distribution
from hcbir.cli import run
from hcbir.collection import Collection


def image(seed: int, shift: float = 0) -> LocalFeatures:
    """40 features at places of chance; those of every image are alike one by one."""
    points = np.random.default_rng(seed).uniform(0, 400, (40, 2)).astype(np.float32)
    return LocalFeatures(points + np.float32(shift), np.eye(40, dtype=np.float32), np.ones(40, np.float32))


def measured(values: list[float]) -> NullDistribution:
    return NullDistribution(np.array(values), np.zeros((len(values), 2), np.int64))


@pytest.mark.parametrize("num_images", [2, 3, 4, 7, 10])
def test_every_pair_is_compared_once(num_images: int) -> None:
    null = null_distribution([image(seed) for seed in range(num_images)])
    pairs = {frozenset(pair) for pair in null.pairs.tolist()}
    assert pairs == {frozenset((i, j)) for i in range(num_images) for j in range(i)}
    assert len(null.pairs) == len(pairs)


def test_is_what_verify_candidates_says() -> None:
    images = [image(seed // 2, shift=seed % 2) for seed in range(12)]
    options = {"model": "similarity", "max_error": 3.0, "max_trials": 200}
    null = null_distribution(images, seed=5, num_pairs=30, **options)
    assert null.pairs.shape == (30, 2)
    assert (null.log10_nfa[1:] >= null.log10_nfa[:-1]).all()
    for (query, other), value in zip(null.pairs, null.log10_nfa, strict=True):
        [expected] = hcbir.verify_candidates(images[query], [images[other]], seed=5, **options).log10_nfa
        assert value == expected


def test_groups_are_not_compared_among_themselves(tmp_path: Path) -> None:
    images = [image(seed // 2, shift=seed % 2) for seed in range(12)]
    names = [f"place {seed // 2}" for seed in range(12)]
    alike, apart = null_distribution(images), null_distribution(images, names)
    assert (len(alike.pairs), len(apart.pairs)) == (66, 60)
    assert alike.log10_nfa[5] < -10 < apart.log10_nfa[0]
    assert (apart.pairs[:, 0] // 2 != apart.pairs[:, 1] // 2).all()
    stored = null_distribution(LocalFeatureStore.create(tmp_path / "store", images), names)
    np.testing.assert_array_equal(stored.log10_nfa, apart.log10_nfa)
    one_large = null_distribution(images, [0] * 11 + [1], num_pairs=5)
    assert (one_large.pairs == 11).any(axis=1).tolist() == [True] * 5


@pytest.mark.parametrize("num_pairs", [1, 20])
def test_as_many_pairs_are_drawn_as_are_asked_for(num_pairs: int) -> None:
    """Also where nearly all images are of one group."""
    empty = [LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, 8), np.float32), np.empty(0, np.float32))] * 1000
    for seed in range(20):
        assert len(null_distribution(empty, [0] * 999 + [1], num_pairs=num_pairs, seed=seed).pairs) == num_pairs


def test_draw_is_the_seed_s_and_threads_do_not_matter() -> None:
    images = [image(seed) for seed in range(30)]
    first, again, other = (null_distribution(images, num_pairs=40, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.pairs, again.pairs)
    assert {tuple(pair) for pair in first.pairs} != {tuple(pair) for pair in other.pairs}
    for threads in (1, 7):
        same = null_distribution(images, num_pairs=40, seed=1, num_threads=threads)
        np.testing.assert_array_equal(first.log10_nfa, same.log10_nfa)
    # Each image is as likely as any other: 2 of 30 a pair.
    drawn = np.concatenate([null_distribution(images, num_pairs=20, seed=s, max_trials=1).pairs for s in range(40)])
    np.testing.assert_allclose(np.bincount(drawn.ravel(), minlength=30), 1600 / 30, atol=30)


def test_progress_counts_pairs() -> None:
    calls: list[tuple[int, int]] = []
    null_distribution([image(seed) for seed in range(5)], progress=lambda *call: calls.append(call))
    assert calls[-1] == (10, 10)
    assert [total for _, total in calls] == [10] * len(calls)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_p_values() -> None:
    null = measured([-7, -3, -3, 1, np.inf])
    np.testing.assert_allclose(null.p_value([-8, -7, -4, -3, 0, 5, np.inf]), np.array([1, 2, 2, 4, 4, 5, 6]) / 6)
    assert null.p_value(-8).shape == ()
    assert null.p_value(np.zeros((2, 3))).dtype == np.float64


@pytest.mark.parametrize(
    ("rate", "bound"), [(1 / 6, -7), (1.99 / 6, -7), (2 / 6, -3), (3 / 6, -3), (4 / 6, 0), (np.nextafter(1, 0), 0)]
)
def test_no_more_than_the_rate_is_below_the_bound(rate: float, bound: float) -> None:
    null = measured([-7, -3, -3, 1, np.inf])
    assert null.bound(rate) == bound
    assert null.p_value(np.nextafter(bound, -np.inf)) <= rate * (1 + 1e-12)


def test_rates_of_which_so_few_pairs_cannot_tell() -> None:
    for rate in (0.1, 0, -1, 1, np.nan):
        with pytest.raises(ValueError, match=r"rate must be from 0\.167 \(with 5 pairs\) to less than 1, got"):
            measured([-7, -3, -3, 1, 2]).bound(rate)


def test_explains_by_the_bound() -> None:
    images = [image(seed) for seed in range(20)]
    null = null_distribution(images, model="homography")
    bound = null.bound(0.01)
    assert not hcbir.explain(images[0], images[1], max_log10_nfa=bound).is_match
    found = hcbir.explain(images[0], image(0, shift=30), max_log10_nfa=bound)
    assert found.is_match
    assert null.p_value(found.log10_nfa) == 1 / 191
    assert not hcbir.explain(images[0], image(0, shift=30), max_log10_nfa=found.log10_nfa).is_match


def test_bad_input() -> None:
    images = [image(seed) for seed in range(3)]
    with pytest.raises(ValueError, match=r"groups must be one for each of the 3 images, got shape \(2,\)"):
        null_distribution(images, [0, 1])
    with pytest.raises(ValueError, match="images must be of two groups at least, got 3 of 1"):
        null_distribution(images, ["a"] * 3)
    for few in (images[:1], []):
        with pytest.raises(ValueError, match="two groups at least"):
            null_distribution(few)
    with pytest.raises(TypeError, match="groups must be integers or strings, got object of shape"):
        null_distribution(images, [None, "a", "b"])
    with pytest.raises(ValueError, match="num_pairs must be a whole number of at least 1, got 0"):
        null_distribution(images, num_pairs=0)
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, got -1"):
        null_distribution(images, seed=-1)
    with pytest.raises(ValueError, match="model must be one of"):
        null_distribution(images, model="rigid")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexed")
    with Collection.create(folder / "photos.hcbir") as collection:
        collection.add(write_classes(folder / "photos"))
    return folder / "photos.hcbir"


def test_of_a_collection(indexed: Path) -> None:
    with Collection.open(indexed) as photos:
        groups = [path.parent for path in photos.images()]
        null = photos.null_distribution(groups=groups)
        assert len(null.pairs) == 55 - 3 * 3 - 1
        assert all(groups[i] != groups[j] for i, j in null.pairs)
        features = [photos.features(i) for i in range(len(photos))]  # described at their full size
        expected = null_distribution(features, list(map(str, groups)), max_error=4.0)
        np.testing.assert_array_equal(null.log10_nfa, expected.log10_nfa)
        few = photos.null_distribution(num_images=4, seed=3)
        assert len(few.pairs) == 6
        assert len(np.unique(few.pairs)) == 4
        assert photos.null_distribution(num_images=4, seed=4).pairs.tolist() != few.pairs.tolist()
        with pytest.raises(ValueError, match="groups must be one for each of the 11 images, got 2"):
            photos.null_distribution(groups=["a", "b"])
        with pytest.raises(ValueError, match="a local descriptor of the collection is needed: sift; got 'orb'"):
            photos.null_distribution("orb")


def test_search_takes_the_bound_and_tells_the_values(indexed: Path) -> None:
    with Collection.open(indexed) as photos:
        query = next(path for path in photos.images() if path.parent.name == "place0")
        found = photos.search(query, k=None, verify=True)
        assert found.log10_nfa is not None
        assert found.log10_nfa.shape == found.scores.shape
        assert ((found.log10_nfa < -10) == (found.scores > 0)).all()
        assert photos.search(query).log10_nfa is None
        others = found.log10_nfa[0, found.scores[0] > 0]
        strict = photos.search(query, k=None, verify=True, max_log10_nfa=float(others.min()) + 1e-9)
        assert (strict.scores > 0).sum() == 1
        loose = photos.search(query, k=None, verify=True, max_log10_nfa=np.inf)
        assert (loose.scores > 0).sum() > (found.scores > 0).sum()
        local = photos.search(query, descriptor="sift")
        assert local.log10_nfa is not None
        with pytest.raises(ValueError, match="max_log10_nfa must be a number, got nan"):
            photos.search(query, verify=True, max_log10_nfa=np.nan)


def test_calibrate_tells_bounds(indexed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calibrate", str(indexed), "--by-folder", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pairs"] == 45
    assert [bound["rate"] for bound in told["bounds"]] == [0.1]
    assert -10 < told["bounds"][0]["max_log10_nfa"] <= 0
    assert run(["calibrate", str(indexed)]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert lines[0] == "log10_nfa of 55 pairs of images, none of which should show the same:"
    assert lines[1].startswith("  at most one in 10     is below -")
    assert all("place" in line for line in lines[3:])  # pairs that show the same are told
    assert len(lines) == 3 + 5
    assert "999 pairs are needed to tell of one in 1000" in output.err


@pytest.mark.parametrize(
    ("values", "descriptors", "asked", "words"),
    [
        ([-30.0] * 2 + [5.0] * 1998, ("vlad",), [], "--verify --max-log10-nfa -30.0"),
        ([-12.34] * 3 + [5.0] * 1997, ("vlad",), [], "--verify --max-log10-nfa -12.4"),
        ([-9.0] * 2000, ("vlad",), [], "by default, -10, passes fewer than one in 1000 already"),
        ([-30.0] * 2000, ("sift",), [], "there is nothing to set"),
        ([-30.0] * 2000, ("vlad", "orb"), ["--descriptor", "orb"], "verify='orb', max_log10_nfa=-30.0"),
    ],
)
def test_calibrate_advises(
    indexed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    values: list[float],
    descriptors: tuple[str, ...],
    asked: list[str],
    words: str,
) -> None:
    with Collection.create(tmp_path / "c.hcbir", descriptors) as photos:
        photos.add(indexed.parent / "photos" / "place0")
    monkeypatch.setattr(Collection, "null_distribution", lambda *_, **__: measured(values))
    assert run(["calibrate", str(tmp_path / "c.hcbir"), *asked]) == 0
    assert words in capsys.readouterr().err


def test_commands_take_the_bound(indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (str(indexed.parent / "photos" / "place0" / f"{i}.png") for i in (0, 1))
    matches = {}
    for bound in ("-10", "-1000"):
        assert run(["search", str(indexed), first, "--verify", "--max-log10-nfa", bound, "--json"]) == 0
        matches[bound] = [row["inliers"] for row in json.loads(capsys.readouterr().out)]
        asked = ["match", first, second, "-o", str(tmp_path / "m.png"), "--max-log10-nfa", bound, "--json"]
        assert run(asked) == 0
        assert json.loads(capsys.readouterr().out)["is_match"] == (bound == "-10")
    assert max(matches["-10"]) > 0 == max(matches["-1000"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["calibrate", "{indexed}", "--pairs", "8"], "8 pairs are too few to tell: 9 are needed for one in ten"),
        (["calibrate", "{indexed}", "--descriptor", "vlad"], "a local descriptor of the collection is needed: sift"),
        (["calibrate", "nowhere.hcbir"], "nowhere.hcbir does not exist"),
        (["search", "{indexed}", "q.jpg", "--max-log10-nfa", "-3"], "--max-log10-nfa must be given with --verify"),
        (
            ["search", "{indexed}", "q.jpg", "--verify", "--descriptor", "sift", "--max-log10-nfa", "-3"],
            "a local descriptor ranks by all counts as they are",
        ),
    ],
)
def test_bad_commands(indexed: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([argument.format(indexed=indexed) for argument in arguments]) == 2
    assert words in capsys.readouterr().err
