from __future__ import annotations

import math
from pathlib import Path

import pytest

from hcbir.cli import run
from hcbir.study.annotation import annotate, format_scores, overall_difficulty, read_scores
from hcbir.study.datasets import load_dataset
from hcbir.study.variations import VARIATIONS, predominance, variation_of


@pytest.mark.parametrize(
    ("strengths", "score"),
    [
        ([0, 0, 0], 0),
        ([0, 1, 1, 1], 1),  # concerned, none strongly
        ([0, 3, 0, 0], 1),
        ([3, 0], 1),  # one image is anecdotal in the smallest class
        ([2, 2, 0, 0, 0, 0], 2),  # a third, not more
        ([2, 2, 0, 0, 0], 3),
        ([3, 3, 3], 3),
        ([math.nan, 2, 2, 0, 0, 0, 0], 2),
    ],
)
def test_the_rule_of_the_paper(strengths: list[float], score: int) -> None:
    assert predominance(strengths) == score


def test_nobody_looked() -> None:
    assert math.isnan(predominance([math.nan, math.nan]))
    assert math.isnan(predominance([]))


def test_names_of_columns() -> None:
    assert variation_of(" Time-Changes ") == "time changes"
    assert variation_of("Colour") == "color"
    assert variation_of("times") is None
    assert all(variation_of(name) == name for name in VARIATIONS)
    assert len(VARIATIONS) == 11


def photos(folder: Path, rows: str, header: str = "path,class,occlusion,scale") -> Path:
    table = folder / "photos.csv"
    table.write_text(f"{header}\n{rows}")
    return table


def test_scores_of_classes(tmp_path: Path) -> None:
    table = photos(tmp_path, "1,mill,0,0\n2,mill,3,\n3,mill,2,1\n4,mill,0,\n5,tower,0,\n6,tower,1,\n7,,3,3\n")
    scores = annotate(load_dataset(table))
    assert list(scores) == ["mill", "tower"]
    assert list(scores["mill"].items()) == [("scale", 1), ("occlusion", 3)]
    assert math.isnan(scores["tower"]["scale"])
    assert scores["tower"]["occlusion"] == 1
    assert overall_difficulty(scores["mill"]) == 4
    assert math.isnan(overall_difficulty(scores["tower"]))


def test_flags_are_strong(tmp_path: Path) -> None:
    dataset = load_dataset(photos(tmp_path, "1,mill,1,0\n2,mill,1,0\n3,mill,0,0\n"))
    assert annotate(dataset)["mill"]["occlusion"] == 3
    assert annotate(dataset, strong=2)["mill"]["occlusion"] == 1


def test_the_command_writes_what_a_study_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = photos(tmp_path, "1,mill,3,0\n2,mill,3,\n3,tower,0,\n")
    assert run(["annotate", str(table)]) == 0
    text = capsys.readouterr().out
    assert text == "class,scale,occlusion,overall difficulty\nmill,0,3,3\ntower,,0,\n"
    assert run(["annotate", str(table), "-o", str(tmp_path / "scores.csv")]) == 0
    assert (tmp_path / "scores.csv").read_text() == text
    scores = read_scores(tmp_path / "scores.csv")
    assert scores["mill"] == {"scale": 0, "occlusion": 3}
    assert format_scores(scores) == text


def test_a_dataset_without_annotation_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = photos(tmp_path, "1,mill\n", "path,class")
    assert run(["annotate", str(table)]) == 2
    assert "dataset must have a column for a variation (scale, illumination" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,scale\na,1\n", "line 1: expected one column class"),
        ("class,weather\na,1\n", "line 1: expected a column for a variation: scale, illumination"),
        ("class,scale\na,1\na,2\n", "line 3, column class: a stands in an earlier line already"),
        ("class,scale\n,1\n", "line 2, column class: expected a name"),
        ("class,Scale\na,4\n", "line 2, column Scale: expected 0 to 3, got 4"),
        ("class,scale\na,much\n", "line 2, column scale: expected a number, got 'much'"),
    ],
)
def test_scores_that_do_not_fit(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"scores\.csv, {message}"):
        read_scores(path)
