"""Readers of published ground truth."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hcbir.study.datasets import load_gldv2, load_oxford, load_revisitop
from hcbir.study.datasets.pickles import read_pickle


def pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (8, 6)).save(folder / f"{name}.jpg")
    return folder


def ground_truth() -> dict[str, Any]:
    return {
        "imlist": ["keble_1", "oxford_2", "keble_3", "oxford_4"],
        "qimlist": ["oxford_9", "keble_8"],
        "gnd": [
            {"bbx": [1.5, 2.0, 7.0, 5.0], "easy": [0], "hard": [1, 2], "junk": []},
            {"bbx": [0, 0, 8, 6], "easy": [2], "hard": [], "junk": [3]},
        ],
    }


def revisited(folder: Path, content: object) -> tuple[Path, Path]:
    path = folder / "gnd.json"
    path.write_text(json.dumps(content))
    names = ("keble_1", "oxford_2", "keble_3", "oxford_4", "oxford_9", "keble_8")
    return path, pictures(folder / "jpg" / "deep", *names).parent


def test_revisitop_settings_are_those_of_the_authors(tmp_path: Path) -> None:
    path, images = revisited(tmp_path, ground_truth())
    task = load_revisitop(path, images)
    assert [image.stem for image in task.images] == ground_truth()["imlist"]
    assert [query.path.stem for query in task.queries] == ["oxford_9", "keble_8"]
    assert [query.label for query in task.queries] == ["keble", "keble"]  # after most of its images
    assert task.queries[0].box == (1.5, 2, 7, 5)
    assert all(query.image is None for query in task.queries)
    assert task.main_setting == "Medium"
    assert task.truths["Medium"].positives == [[0, 1, 2], [2]]
    assert task.truths["Medium"].junk == [[], [3]]
    assert task.truths["Easy"].positives == [[0], [2]]
    assert task.truths["Easy"].junk == [[1, 2], [3]]
    assert task.truths["Hard"].positives == [[1, 2], []]
    assert task.truths["Hard"].junk == [[0], [3, 2]]


def test_a_pickle_gives_the_same(tmp_path: Path) -> None:
    path, images = revisited(tmp_path, ground_truth())
    content = ground_truth()
    content["gnd"][0] |= {"hard": np.array([1, 2]), "junk": np.array([], int)}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        pickled = tmp_path / f"gnd{protocol}.pkl"
        pickled.write_bytes(pickle.dumps(content, protocol))
        assert load_revisitop(pickled, images) == load_revisitop(path, images)


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made-by-a-pickle",)


def test_a_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps({"gnd": Evil()}))
    with pytest.raises(ValueError, match=r"evil\.pkl: not a pickle of ground truth: it asks for posix\.mkdir"):
        read_pickle(path)
    assert not Path("made-by-a-pickle").exists()
    path.write_bytes(pickle.dumps([1, 2])[:-3])
    with pytest.raises(ValueError, match="not a pickle"):
        read_pickle(path)


def change(content: dict[str, Any], *keys: Any, to: Any) -> dict[str, Any]:
    inner: Any = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], r"gnd\.json: expected a mapping with imlist, qimlist, gnd, got list"),
        ({"gnd": []}, "got without imlist, qimlist"),
        (change(ground_truth(), "qimlist", to=["keble_8"]), "gnd must hold one entry a query, 1, got 2"),
        (
            change(ground_truth(), "imlist", 1, to="nowhere"),
            r"imlist\[1\]: no image nowhere in .*jpg \(6 images there\)",
        ),
        (
            change(ground_truth(), "gnd", 0, "hard", to=[1, 4]),
            r"gnd\[0\]\.hard\[1\]: expected an index from 0 to 3, got 4",
        ),
        (change(ground_truth(), "gnd", 1, "easy", to=["a"]), r"gnd\[1\]\.easy: expected a list of whole numbers"),
        (change(ground_truth(), "gnd", 1, "bbx", to=[1, 2, 3]), r"gnd\[1\]\.bbx: expected x1, y1, x2, y2"),
        (change(ground_truth(), "gnd", 1, "bbx", to=[9, 2, 3, 4]), r"gnd\[1\]\.bbx: expected x1 < x2"),
        (change(ground_truth(), "gnd", 1, to={"ok": []}), r"gnd\[1\]: expected a mapping with bbx"),
        (change(ground_truth(), "imlist", to=5), r"gnd\.json: imlist: expected a list, got int"),
        (
            change(ground_truth(), "gnd", 1, "easy", to=[[1, 2], [3]]),
            r"gnd\[1\]\.easy: expected a list of whole numbers, got lists within it",
        ),
        (
            change(ground_truth(), "gnd", 0, "junk", to=[3, 2]),
            r"gnd\[0\]\.junk\[1\]: the image stands in .*gnd\[0\]\.hard\[1\] already",
        ),
    ],
)
def test_revisitop_that_does_not_fit(tmp_path: Path, content: object, message: str) -> None:
    path, images = revisited(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        load_revisitop(path, images)


def test_a_name_that_two_images_bear_is_refused_where_it_is_used(tmp_path: Path) -> None:
    path, images = revisited(tmp_path, ground_truth())
    pictures(images / "copies", "unused", "oxford_2")
    pictures(images, "unused")
    with pytest.raises(ValueError, match=r"imlist\[1\]: 2 images oxford_2 in .*jpg: copies/oxford_2\.jpg and deep/ox"):
        load_revisitop(path, images)


def test_json_errors_tell_line_and_column(tmp_path: Path) -> None:
    path, images = revisited(tmp_path, {})
    path.write_text('{"imlist":\n  [1,]}')
    with pytest.raises(ValueError, match=r"gnd\.json, line 2, column"):
        load_revisitop(path, images)


def test_published_roxford_has_11_landmarks(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "groundtruth" / "roxford5k" / "gnd_roxford5k.json"
    content = json.loads(path.read_text())
    for name in (*content["imlist"], *content["qimlist"]):
        (tmp_path / f"{name}.jpg").touch()
    task = load_revisitop(path, tmp_path)
    assert (len(task.images), len(task.queries), len(task.classes)) == (4993, 70, 11)
    assert {"radcliffe_camera", "all_souls", "pitt_rivers"} <= set(task.classes)
    assert sum(map(len, task.truths["Hard"].positives)) == sum(len(entry["hard"]) for entry in content["gnd"])


def oxford(folder: Path, query: str = "oxc1_all_souls_000013 1 2 7 5", good: str = "all_souls_000013\nb\n") -> Path:
    for kind, text in (("query", query), ("good", good), ("ok", "c\n"), ("junk", "d\n")):
        folder.mkdir(exist_ok=True)
        (folder / f"all_souls_1_{kind}.txt").write_text(text)
    return folder


def test_oxford_leaves_the_query_out_unless_it_is_kept(tmp_path: Path) -> None:
    images = pictures(tmp_path / "jpg", "all_souls_000013", "b", "c", "d")
    names = [path.stem for path in load_oxford(oxford(tmp_path / "gt"), images).images]
    assert names == ["all_souls_000013", "b", "c", "d"]
    task = load_oxford(tmp_path / "gt", images)
    assert (task.queries[0].label, task.queries[0].image, task.queries[0].box) == ("all_souls", 0, (1, 2, 7, 5))
    assert (task.truths["all"].positives, task.truths["all"].junk) == ([[1, 2]], [[0, 3]])
    kept = load_oxford(tmp_path / "gt", images, keep_query=True)
    assert (kept.truths["all"].positives, kept.truths["all"].junk) == ([[0, 1, 2]], [[3]])
    assert (task.query_left_out, kept.query_left_out) == (True, False)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"query": "a 1 2"}, r"all_souls_1_query\.txt, line 1: expected a name and a box of 4 numbers, got 3 words"),
        ({"query": "oxc1_x 1 2 3 4"}, r"line 1, column 1: no image x in"),
        ({"query": "oxc1_all_souls_000013 1 2 x 4"}, "line 1, columns 2 to 5: expected x1, y1, x2, y2"),
        ({"good": "b\nnowhere\n"}, r"all_souls_1_good\.txt, line 2, column 1: no image nowhere in"),
        ({"good": "\nc\n"}, r"_ok\.txt, line 1, column 1: the image stands in .*_good\.txt, line 2, column 1 already"),
    ],
)
def test_oxford_that_does_not_fit(tmp_path: Path, files: dict[str, str], message: str) -> None:
    images = pictures(tmp_path / "jpg", "all_souls_000013", "b", "c", "d")
    with pytest.raises(ValueError, match=message):
        load_oxford(oxford(tmp_path / "gt", **files), images)
    with pytest.raises(ValueError, match=r"expected a folder with files \*_query\.txt, found none"):
        load_oxford(images, images)
    (oxford(tmp_path / "gt") / "all_souls_1_ok.txt").write_bytes(b"c\n\xff")
    with pytest.raises(ValueError, match=r"all_souls_1_ok\.txt: expected text in UTF-8"):
        load_oxford(tmp_path / "gt", images)


def test_gldv2(tmp_path: Path) -> None:
    index, test = pictures(tmp_path / "index" / "a", "aa", "ab"), pictures(tmp_path / "test" / "b", "q1", "q2", "q3")
    solution = tmp_path / "solution.csv"
    solution.write_text("id,images,Usage\nq1,ab aa,Private\nq2,None,Ignored\nq3,aa,Public\n")
    task = load_gldv2(solution, index.parent, test.parent)
    assert [(query.path.stem, query.label) for query in task.queries] == [("q1", "Private"), ("q3", "Public")]
    assert (task.truths["all"].positives, task.depth) == ([[1, 0], [0]], 100)
    for row, message in (
        ("q1,ab,private", "line 2, column Usage: expected Public, Private or Ignored, got 'private'"),
        ("q9,ab,Public", "line 2, column id: no image q9"),
        ("q1,zz,Public", "line 2, column images: no image zz"),
        ("q1,aa ab aa,Public", "column images, word 3: the image stands in .*, line 2, column images, word 1 already"),
        ("q1,aa,Public\nq1,ab,Public", "line 3, column id: q1 stands in line 2 already"),
        ("q1,,Ignored", "expected queries whose usage is Public or Private, found none"),
    ):
        solution.write_text(f"id,images,Usage\n{row}\n")
        with pytest.raises(ValueError, match=message):
            load_gldv2(solution, index.parent, test.parent)
