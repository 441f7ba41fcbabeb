"""The synthetic benchmark: its files, that it is reproducible, and that its annotations say what was rendered."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hcbir.study.annotation import annotate
from hcbir.study.datasets import load_dataset
from hcbir.study.synthetic import ANNOTATIONS, DATASET, SyntheticImage, make_collection
from hcbir.study.synthetic.contact_sheet import contact_sheets
from hcbir.study.synthetic.design import Shot, class_name, plan_collection
from hcbir.study.synthetic.journal import GENERATOR
from hcbir.study.synthetic.making import make_image
from hcbir.study.synthetic.places.place import KINDS
from hcbir.study.variations import OVERALL_DIFFICULTY, VARIATIONS, predominance

SIZES = {"num_classes": 3, "num_images": 18, "num_distractors": 6, "longest_side": 96}


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SyntheticImage]]:
    folder = tmp_path_factory.mktemp("synthetic")
    return folder, make_collection(folder, **SIZES)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_files_stand_where_the_tables_say(made: tuple[Path, list[SyntheticImage]]) -> None:
    folder, images = made
    dataset = load_dataset(folder / DATASET)
    assert dataset.images == [image.path for image in images]
    assert sorted(folder.rglob("*.jpg")) == sorted(dataset.images)
    assert dataset.labels == [image.class_name for image in images]
    assert Counter(dataset.labels)[None] == 6
    assert dataset.classes == sorted(class_name(k) for k in range(3))
    assert tuple(dataset.strengths) == VARIATIONS
    for image in images:
        with Image.open(image.path) as opened:
            assert (opened.format, opened.mode, max(opened.size)) == ("JPEG", "RGB", 96)
            assert opened.size == (image.record.width, image.record.height)


def test_distractors_have_no_class_and_no_strength_and_are_other_places(
    made: tuple[Path, list[SyntheticImage]],
) -> None:
    folder, images = made
    places = {image.shot.place for image in images if image.class_name is not None}
    for row, image in zip(_rows(folder / DATASET), images, strict=True):
        if image.class_name is None:
            assert row["class"] == ""
            assert {row[variation] for variation in VARIATIONS} == {""}
            assert image.shot.place not in places
    dataset = load_dataset(folder)  # by its folders
    assert Counter(dataset.labels)[None] == 6


def test_the_two_tables_agree_and_the_reference_varies_in_nothing(made: tuple[Path, list[SyntheticImage]]) -> None:
    folder, images = made
    for row, truth, image in zip(_rows(folder / DATASET), _rows(folder / ANNOTATIONS), images, strict=True):
        assert row["path"] == truth["path"]
        assert truth["kind"] == KINDS[image.shot.kind].name
        for variation in VARIATIONS:
            assert truth[f"strong {variation}"] == str(int(int(truth[variation]) >= 2))
            if image.class_name is not None:
                assert row[variation] == truth[variation]
        if image.class_name is not None and image.shot.number == 0:
            assert set(image.shot.strengths) == {0}
            assert truth["domain"] == "photograph"
        assert (image.shot.strength("occlusion") > 0) or float(truth["landmark_hidden"]) == 0


def test_scores_follow_from_the_strengths_by_the_papers_rule() -> None:
    shots = plan_collection(classes=39, images=681, distractors=2000, seed=3)
    sizes = Counter(shot.class_name for shot in shots)
    assert sizes[None] == 2000
    assert len(sizes) == 40
    assert sum(sizes.values()) == 2681
    assert min(count for name, count in sizes.items() if name is not None) >= 10
    assert len({shot.name for shot in shots}) == 2681
    scores = {}
    for column, variation in enumerate(VARIATIONS):
        by_class = {
            name: predominance([s.strengths[column] for s in shots if s.class_name == name])
            for name in sizes
            if name is not None
        }
        assert all(9 <= count <= 10 for count in Counter(by_class.values()).values()), variation
        scores[variation] = list(by_class.values())
    between = np.corrcoef(np.array(list(scores.values())))
    assert np.abs(between[~np.eye(11, dtype=bool)]).max() < 0.55, "variations must vary independently"


def test_annotate_reads_the_table(made: tuple[Path, list[SyntheticImage]]) -> None:
    folder, images = made
    scores = annotate(load_dataset(folder / DATASET))
    for name, of_class in scores.items():
        assert OVERALL_DIFFICULTY not in of_class
        for column, variation in enumerate(VARIATIONS):
            strengths = [image.shot.strengths[column] for image in images if image.class_name == name]
            assert of_class[variation] == predominance(strengths)


def test_same_bytes_in_one_process_and_in_several(made: tuple[Path, list[SyntheticImage]], tmp_path: Path) -> None:
    make_collection(tmp_path, **SIZES, workers=2)
    ours, theirs = _bytes(made[0]), _bytes(tmp_path)
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"synthetic.jsonl"}:
        assert ours[name] == theirs[name], name


def test_another_seed_makes_other_places(made: tuple[Path, list[SyntheticImage]], tmp_path: Path) -> None:
    other = make_collection(tmp_path, **{**SIZES, "num_images": 6, "num_distractors": 0}, seed=1)
    assert Counter(image.shot.number for image in other)[0] == 3
    first = {image.class_name: image.path.read_bytes() for image in reversed(made[1]) if image.shot.number == 0}
    for image in other:
        if image.shot.number == 0:
            assert image.path.read_bytes() != first[image.class_name]


_HASH = """
import hashlib
from hcbir.study.synthetic.design import plan_collection
from hcbir.study.synthetic.making import make_image
digest = hashlib.sha256()
for shot in plan_collection(classes=5, images=40, distractors=3, seed=7)[::5]:
    made = make_image(shot, 64)
    digest.update(made.pixels.tobytes() + made.camera.tobytes() + repr((made.share, made.hidden)).encode())
print(digest.hexdigest())
"""


def test_same_pixels_at_every_instruction_level_of_the_libraries() -> None:
    def digest(**environment: str) -> str:
        process = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _HASH],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout.strip()

    features = "AVX2,FMA3,AVX512F,AVX512CD,AVX512_SKX,AVX512_CLX,AVX512_CNL,AVX512_ICL,X86_V3,X86_V4"
    plain = digest(
        NPY_DISABLE_CPU_FEATURES=" ".join(_known_to_numpy(features.split(","))),
        OPENCV_CPU_DISABLE="SSE4.1,SSE4.2,AVX,AVX2,FMA3,AVX512_SKX",
    )
    assert plain == digest()


def _known_to_numpy(features: list[str]) -> list[str]:
    from numpy._core._multiarray_umath import __cpu_dispatch__

    return [name for name in features if name in __cpu_dispatch__]


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path, made: tuple[Path, list[SyntheticImage]]) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_collection(tmp_path, **SIZES, progress=interrupt)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    assert 4 < len(kept) < 24
    assert not (tmp_path / DATASET).exists()
    seen: list[tuple[int, int]] = []
    make_collection(tmp_path, **SIZES, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (len(kept), 24)
    assert seen[-1] == (24, 24)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "what was made is not made again"
    assert {k: v for k, v in _bytes(tmp_path).items() if k != "synthetic.jsonl"} == {
        k: v for k, v in _bytes(made[0]).items() if k != "synthetic.jsonl"
    }


_INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from hcbir.study.synthetic import make_collection
if __name__ == "__main__":
    def progress(done, total):
        if done and not sent:
            sent.append(os.kill(os.getpid(), signal.SIGINT))
    sent = []
    try:
        make_collection(Path(sys.argv[1]), num_classes=3, num_images=18, num_distractors=6, longest_side=96, workers=2,
                        progress=progress)
    except KeyboardInterrupt:
        sys.exit(3)
"""


def test_ctrl_c_keeps_what_several_processes_have_made(tmp_path: Path, made: tuple[Path, list[SyntheticImage]]) -> None:
    script, folder = tmp_path / "interrupted.py", tmp_path / "images"
    script.write_text(_INTERRUPTED)
    process = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, timeout=300)
    assert process.returncode == 3, process.stderr
    images = {str(path.relative_to(folder)) for path in folder.rglob("*.jpg")}
    journal = {json.loads(line)["name"] for line in (folder / "synthetic.jsonl").read_text().splitlines()}
    assert 0 < len(images) < 24
    assert images == journal, "what was under way is finished and noted"
    assert not list(folder.rglob("*.partial"))


def test_other_settings_replace_what_was_there(tmp_path: Path) -> None:
    make_collection(tmp_path, num_classes=2, num_images=4, num_distractors=2, longest_side=64)
    images = make_collection(tmp_path, num_classes=1, num_images=3, num_distractors=0, longest_side=96)
    assert sorted(tmp_path.rglob("*.jpg")) == sorted(image.path for image in images)
    for image in images:
        with Image.open(image.path) as opened:
            assert max(opened.size) == 96
    images[0].path.unlink()
    make_collection(tmp_path, num_classes=1, num_images=3, num_distractors=0, longest_side=96)
    assert images[0].path.is_file()


def test_files_of_others_are_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "trip").mkdir()
    (tmp_path / "trip" / "mine.jpg").write_bytes(b"x")
    with pytest.raises(FileExistsError, match=r"has others, such as trip/mine\.jpg"):
        make_collection(tmp_path, num_classes=1, num_images=1, num_distractors=0)
    assert [p.name for p in tmp_path.rglob("*.jpg")] == ["mine.jpg"]


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("num_classes", 0, 1),
        ("num_images", 7, 8),
        ("num_distractors", -1, 0),
        ("longest_side", 63, 64),
        ("seed", -1, 0),
        ("workers", 0, 1),
    ],
)
def test_numbers_out_of_range_are_named(tmp_path: Path, name: str, value: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least {least}, got {value}"):
        make_collection(tmp_path, **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_contact_sheets_hold_every_class(made: tuple[Path, list[SyntheticImage]], tmp_path: Path) -> None:
    (page,) = contact_sheets(made[1], tmp_path)
    with Image.open(page) as opened:
        assert opened.width > 1000
        assert np.asarray(opened.convert("L")).std() > 20


def test_the_pixels_are_those_of_this_generator() -> None:
    """On any machine; who changes what is drawn raises `GENERATOR`, so that half-made collections are made anew."""
    digests = {}
    for index, kind in enumerate(KINDS[:6]):
        shot = Shot(
            11,
            kind.name,
            index,
            kind.name,
            1,
            (index % 4,) * len(VARIATIONS),
            "engraving" if index % 2 else "photograph",
        )
        digests[kind.name] = hashlib.sha256(make_image(shot, 64).pixels.tobytes()).hexdigest()[:12]
    assert (GENERATOR, digests) == (
        2,
        {
            "church": "5de022ba443a",
            "castle": "7844f882d4c4",
            "bridge": "1bd4ef5571a2",
            "town_hall": "afcb20508a26",
            "lighthouse": "8c51c960cd40",
            "farm": "56bf91dea260",
        },
    )
