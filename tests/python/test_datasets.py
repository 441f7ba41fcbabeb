from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from hcbir.study.datasets import Dataset, load_dataset, task_of


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3)).save(path)
    return path


def test_folder_gives_a_class_for_each_sub_folder_at_any_depth(tmp_path: Path) -> None:
    tower = [picture(tmp_path / "tower" / "2.jpg"), picture(tmp_path / "tower" / "old" / "1.png")]
    bridge = picture(tmp_path / "bridge" / "a.jpg")
    other = picture(tmp_path / "_distractors" / "x.jpg")
    (tmp_path / "notes.txt").write_text("not an image")
    dataset = load_dataset(tmp_path)
    assert dict(zip(dataset.images, dataset.labels, strict=True)) == {
        tower[0]: "tower",
        tower[1]: "tower",
        bridge: "bridge",
        other: None,
    }
    assert dataset.classes == ["bridge", "tower"]
    assert len(dataset) == 4


def test_loose_image_beside_class_folders_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "tower" / "1.jpg")
    picture(tmp_path / "loose.jpg")
    with pytest.raises(ValueError, match=r"loose\.jpg stands beside the class folders \(1 such\)"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("images", [[], ["1.jpg", "2.jpg"], ["_distractors/1.jpg"]])
def test_folder_without_classes_is_refused(tmp_path: Path, images: list[str]) -> None:
    for name in images:
        picture(tmp_path / name)
    with pytest.raises(ValueError, match="no class found; expected one sub-folder a class"):
        load_dataset(tmp_path)


def test_csv_paths_stand_beside_it_and_other_columns_are_ignored(tmp_path: Path) -> None:
    table = tmp_path / "set.csv"
    table.write_text(
        '\ufeffwidth,class,path\n3,tower,a/1.jpg\n\n4,,b.jpg\n5,_distractors,c.jpg\n6, bridge ,"d,e.jpg"\n'
    )
    dataset = load_dataset(table)
    assert dataset.images == [tmp_path / "a/1.jpg", tmp_path / "b.jpg", tmp_path / "c.jpg", tmp_path / "d,e.jpg"]
    assert dataset.labels == ["tower", None, None, "bridge"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected one column path, got the header ''"),
        ("file,class\na,b\n", "line 1: expected one column path"),
        ("path,label\na,b\n", "line 1: expected one column class"),
        ("path,class,path\na,b,c\n", "line 1: expected one column path"),
        ("path,class\na.jpg,tower\nb.jpg\n", "line 3: expected 2 columns as the header, got 1"),
        ("path,class\n,tower\n", "line 2, column path: expected a file, got nothing"),
        ("path,class\na.jpg,t\n./a.jpg,t\n", r"line 3, column path: \./a\.jpg stands in line 2 already"),
        ("path,class\na.jpg,\n", "no class found"),
        ('path,class\n"a.jpg,tower\n', "not a CSV"),
    ],
)
def test_malformed_csv_is_refused_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "set.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=rf"set\.csv.*{message}"):
        load_dataset(table)


def test_csv_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "set.csv"
    table.write_bytes(b"path,class\n\xff\xfe.jpg,tower\n")
    with pytest.raises(ValueError, match=r"set\.csv, line 2: expected .* UTF-8 text, got the byte 0xff"):
        load_dataset(table)


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere: no such folder or CSV file"):
        load_dataset(tmp_path / "nowhere")


def test_real_landmarks_are_the_same_from_folder_and_csv(shared: Path) -> None:
    from_csv = load_dataset(shared / "data" / "landmarks.csv")
    from_folder = load_dataset(shared / "data" / "landmarks")
    assert len(from_csv) == 202
    assert len(from_csv.classes) == 23
    assert from_csv.labels.count(None) == 31
    assert dict(zip(from_csv.images, from_csv.labels, strict=True)) == dict(
        zip(from_folder.images, from_folder.labels, strict=True)
    )


def test_csv_tells_variations_boxes_collections_and_dates(tmp_path: Path) -> None:
    table = tmp_path / "set.csv"
    table.write_text(
        "path,class,collection,date,Colour,time_changes,x1,y1,x2,y2\n"
        "a.jpg,tower,IGN,1954,3,,1,2,30.5,40\n"
        "b.jpg,,,,,1.5,,,,\n"
    )
    dataset = load_dataset(table)
    assert {name: values.tolist() for name, values in dataset.strengths.items()} == {
        "color": [3, pytest.approx(float("nan"), nan_ok=True)],
        "time changes": [pytest.approx(float("nan"), nan_ok=True), 1.5],
    }
    assert dataset.boxes == [(1, 2, 30.5, 40), None]
    assert (dataset.collections, dataset.dates) == (["IGN", ""], ["1954", ""])
    query = task_of(dataset).queries[0]
    assert (query.box, query.image, query.place) == ((1, 2, 30.5, 40), 0, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,class,scale\na,t,5\n", "line 2, column scale: expected 0 to 3, got 5"),
        ("path,class,scale\na,t,nan\n", "line 2, column scale: expected a number, got 'nan'"),
        ("path,class,color,colour\na,t,1,2\n", "line 1: color and colour are the same variation"),
        ("path,class,ilumination\na,t,1\n", "line 1, column ilumination: did you mean 'illumination'"),
        ("path,class,x1,y1,x2,y2\na,t,1,2,3,\n", "line 2, column y2: expected a number: a box needs x1, y1, x2, y2"),
        ("path,class,x1,y1,x2\na,t,1,2,3\n", "line 2, column y2: expected a number"),
        ("path,class,x1,y1,x2,y2\na,t,9,2,3,4\n", "line 2, column x2: expected more than 9"),
        ("path,class,x1,y1,x2,y2\na,t,1,-2,3,4\n", "line 2, column y2: expected more than -2, itself at least 0"),
    ],
)
def test_csv_columns_that_do_not_fit(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "set.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=rf"set\.csv, {message}"):
        load_dataset(table)


def test_a_task_asks_for_the_rest_of_the_class() -> None:
    images = [Path(name) for name in "abcde"]
    task = task_of(Dataset(images, ["x", None, "y", "x", "x"]))
    assert [query.label for query in task.queries] == ["x", "y", "x", "x"]
    assert task.truths["all"].positives == [[3, 4], [], [0, 4], [0, 3]]
    assert task.truths["all"].junk == [[0], [2], [3], [4]]
    less = task.restricted({images[i] for i in (0, 2, 4)}, {images[i] for i in (0, 2, 4)})
    assert less.images == [images[0], images[2], images[4]]
    assert [query.image for query in less.queries] == [0, 1, 2]
    assert less.truths["all"].positives == [[2], [], [0]]
    assert less.truths["all"].junk == [[0], [1], [2]]
