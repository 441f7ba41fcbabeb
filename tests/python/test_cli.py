from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import save_identity
from PIL import Image
from scenes import scene, write_classes

import hcbir
from hcbir.cli import run
from hcbir.cli.providers import describe_runtime
from hcbir.collection import Collection
from hcbir.descriptors import describe_image, load


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("cli") / "photos")


@pytest.fixture(scope="module")
def indexed(photos: Path) -> Path:
    folder = photos.parent / "photos.hcbir"
    with Collection.create(folder) as collection:
        collection.add(photos)
    return folder


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hcbir_command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hcbir", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | environment,
    )


def test_index_tells_what_it_did_and_resumes(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = photos.parent / "broken.jpg"
    broken.write_text("no image")
    assert run(["index", str(photos), str(broken), "-o", "mine.hcbir", "--size", "200"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"skipped: {broken}: " in captured.err
    assert "1 image skipped" in captured.err
    assert "mine.hcbir: 11 images (11 added, 0 unchanged)" in captured.err
    assert run(["index", str(photos), "-o", "mine.hcbir"]) == 0
    assert "11 images (0 added, 11 unchanged)" in capsys.readouterr().err


def test_search_json_is_a_list_of_ranks(indexed: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = photos / "place1" / "0.png"
    assert run(["search", str(indexed), str(query), "-k", "3", "--json"]) == 0
    captured = capsys.readouterr()
    rows = json.loads(captured.out)
    assert captured.err == ""
    assert [sorted(row) for row in rows] == [["path", "rank", "score"]] * 3
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert rows[0]["path"] == str(query)
    assert rows[0]["score"] == pytest.approx(1, abs=1e-4)


def test_search_verified_tells_inliers(indexed: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = photos / "place1" / "0.png"
    assert run(["search", str(indexed), str(query), "--verify", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 10
    assert all(row["score"] == row["inliers"] for row in rows)
    assert rows[0]["similarity"] == pytest.approx(1, abs=1e-4)
    unmoved = [row["similarity"] for row in rows if row["inliers"] == 0]
    assert len(unmoved) > 3
    assert unmoved == sorted(unmoved, reverse=True)
    assert {Path(row["path"]).parent.name for row in rows[:3]} == {"place1"}
    assert run(["search", str(indexed), str(query), "-k", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0].split() == ["1", "1.0000", str(query)]


def test_search_tells_verified_images_from_the_others(
    indexed: Path, photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", str(indexed), str(photos / "place1" / "0.png"), "--verify"]) == 0
    captured = capsys.readouterr()
    figures = [line.split()[1:3] for line in captured.out.splitlines()]
    assert int(figures[0][0]) > 20
    assert figures[0][1] == "1.0000"
    assert [count for count, _ in figures[3:]] == ["-"] * 7
    assert "matched features that agree (-: no more than by chance)" in captured.err
    scene(55).save("unknown.png")
    assert run(["search", str(indexed), "unknown.png", "--verify"]) == 0
    captured = capsys.readouterr()
    assert {line.split()[1] for line in captured.out.splitlines()} == {"-"}
    assert captured.err.startswith("no image has matches beyond chance: the order is that of similarity")
    assert run(["search", str(indexed), "unknown.png", "--verify", "--descriptor", "sift"]) == 0
    captured = capsys.readouterr()
    assert "--verify changes nothing here" in captured.err
    assert all(line.split()[1].isdecimal() for line in captured.out.splitlines())


def test_evaluate_json_has_the_promised_shape(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(photos), "--descriptor", "vlad", "--descriptor", "orb", "--size", "200", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err == "describe: 11\norb: 9\n"
    assert set(result["descriptors"]) == {"vlad", "orb"}
    for figures in result["descriptors"].values():
        assert set(figures) == {"mAP", "queries", "per_class"}
        assert figures["queries"] == 9
        assert set(figures["per_class"]) == {"place0", "place1", "place2"}
        assert np.mean(list(figures["per_class"].values())) == pytest.approx(figures["mAP"])
    assert (result["ap"], result["size"], result["images"], result["distractors"]) == ("trapezoid", 200, 11, 2)


def test_evaluate_verified_reports_both(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(photos), "--verify", "sift", "--ap", "rectangle", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["descriptors"]["vlad"]
    assert figures["verify"] == "sift"
    assert set(figures["unverified"]) == {"mAP", "queries", "per_class"}
    assert figures["mAP"] == pytest.approx(1)


def test_evaluate_prints_a_table(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(photos), "--descriptor", "orb"]) == 0
    captured = capsys.readouterr()
    assert [line.split()[1] for line in captured.out.splitlines() if "place" in line] == ["place0", "place1", "place2"]
    assert "all queries" in captured.out
    assert "a query is left out of its own ranking" in captured.err


def test_networks_of_one_name_are_told_apart(
    photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = []
    for folder in ("a", "b"):
        (in_folder / folder).mkdir()
        network = save_identity(in_folder / folder / "a_network_of_a_long_name.onnx")
        names += [f"{network}:{pooling}" for pooling in ("gem", "mac", "spoc", "rmac")]
    asked = [part for name in names for part in ("--descriptor", name)]
    assert run(["evaluate", str(photos), *asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    heads = [line.replace("┃", " ").split()[1:] for line in lines if "class" in line]
    assert [head for row in heads for head in row] == ["images", *(str(number) for number in range(1, 9))]
    legend = [line.split() for line in lines[-8:]]
    assert legend[0] == ["1", "a/a_network_of_a_long_name:gem"]
    assert legend[7] == ["8", "b/a_network_of_a_long_name:rmac"]
    assert run(["evaluate", str(photos), *asked[:2], "--verify", "orb", "--json"]) == 0
    captured = capsys.readouterr()
    assert list(json.loads(captured.out)["descriptors"]) == names[:1]
    assert captured.err == "describe: 11\nverify a_network_of_a_long_name:gem: 9\n"


def test_names_of_classes_are_folded_and_not_cut(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "the_cathedral_of_a_town_with_a_very_long_name_in_the_north_of_the_country_seen_from_afar"
    write_classes(in_folder / "photos", num_classes=1, num_distractors=0)
    (in_folder / "photos" / "place0").rename(in_folder / "photos" / name)
    assert run(["evaluate", "photos", "--descriptor", "orb"]) == 0
    cells = [line.split("│")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "".join(cells).startswith(name)


def test_local_descriptors_are_not_re_ranked(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(photos), "--descriptor", "orb", "--verify", "orb"]) == 0
    told = capsys.readouterr().err
    assert "orb is local and ranks by agreeing features already: --verify does not re-rank it" in told


def test_match_draws_and_counts(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = [str(photos / "place0" / name) for name in ("0.png", "1.png")]
    assert run(["match", *pair, "-o", "m.png", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["inliers"] > 20
    assert result["matches"] >= result["inliers"]
    assert np.shape(result["model"]) == (3, 3)
    assert result["log10_nfa"] < -5
    assert result["is_match"] is True
    assert np.shape(result["outline"]) == (4, 2)
    found = explained(*pair, max_features=100, max_ratio=0.9, max_distance=0.8, seed=5, one_to_one=True)
    options = "--max-features 100 --max-ratio .9 --max-distance .8 --seed 5 --one-to-one"
    assert run(["match", *pair, *options.split(), "--json"]) == 0
    chosen = json.loads(capsys.readouterr().out)
    assert (chosen["features"], chosen["matches"]) == ([100, 100], len(found.matches))
    assert chosen["model"] == found.model.tolist()
    assert run(["match", *pair, "--preset", "delf", "--max-error", "3", "--json"]) == 0
    preset = json.loads(capsys.readouterr().out)
    found = explained(*pair, **{**hcbir.DELF_PROTOCOL, "max_error": 3.0})
    assert (preset["matches"], preset["model"]) == (len(found.matches), found.model.tolist())
    assert run(["match", *pair, "--preset", "delf"]) == 0
    assert "matches agree on one affine map\n" in capsys.readouterr().out
    with Image.open("m.png") as picture:
        assert picture.width > picture.height
    assert run(["match", *pair, "--descriptor", "orb", "--model", "similarity", "--max-error", "3"]) == 0
    told = capsys.readouterr().out
    assert "matches agree on one similarity" in told
    assert "a match: chance would do so in one pair of 10^" in told
    assert Path("match.png").exists()
    for frames in (["--frames"], ["--frames", "--exhaustive"]):
        assert run(["match", *pair, *frames, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["is_match"]
    assert run(["match", *pair, "--exhaustive"]) == 2
    assert "--exhaustive must be given with --frames" in capsys.readouterr().err
    assert run(["match", *pair, "-o", "m.svg"]) == 0
    assert Path("m.svg").read_text(encoding="utf-8").startswith("<svg ")
    for name in ("m.gif", "m"):
        assert run(["match", *pair, "-o", name]) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert f"{name}: cannot write this kind of picture; use .png, .jpg or .svg" in told
        assert not Path(name).exists()


def explained(*paths: str, max_features: int | None = None, **options: Any) -> hcbir.Explanation:
    sift = {"sift": load("sift", max_features=max_features)}
    return hcbir.explain(*(describe_image(path, sift).local_features["sift"] for path in paths), **options)


def test_an_input_is_not_written_over(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.png", "b.png"):
        shutil.copy(photos / "place0" / "0.png", name)
    Path("link.png").symlink_to("a.png")
    os.link("b.png", "hard.png")
    Path("set.csv").write_text("path,class,scale\na.png,x,1\nb.png,x,0\n")
    outputs = "a.png", "b.png", "./a.png", "link.png", "hard.png"
    commands = [["match", "a.png", "b.png", "-o", name] for name in outputs]
    for command in [*commands, ["annotate", "set.csv", "-o", "set.csv"]]:
        before = {path: path.read_bytes() for path in Path().iterdir()}
        assert run(command) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert f"cannot write {Path(command[-1])}: it is what is read; name another file with -o" in told
        assert {path: path.read_bytes() for path in Path().iterdir()} == before
        assert Path("link.png").is_symlink()


def test_match_says_when_there_is_none(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 1):
        scene(seed).convert("L").save(f"{seed}.png")
    assert run(["match", "0.png", "1.png"]) == 0
    assert "no match: chance explains as many" in capsys.readouterr().out
    with Image.open("match.png") as picture:
        red, green, blue = np.asarray(picture).astype(int)[:480].transpose(2, 0, 1)
    assert (red > green + 25).any()
    assert not ((green > blue + 25) & (red > blue + 25) & (green > red - 60)).any()  # the yellow of the frame
    assert not ((green > red + 60) & (green > blue + 40)).any()
    Image.new("RGB", (200, 150)).save("black.png")
    assert run(["match", "black.png", str(photos / "place1" / "0.png")]) == 0
    assert capsys.readouterr().out == "black.png has no sift features\nno match: an image has no features\n"
    assert run(["match", "black.png", "black.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["log10_nfa"] is None


def test_provider_that_is_not_there(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = save_identity(Path("net.onnx"))
    assert run(["evaluate", str(photos), "--descriptor", f"{network}:gem", "--provider", "cpu"]) == 0
    if "works" not in describe_runtime().get("CUDA", ""):
        assert run(["evaluate", str(photos), "--descriptor", f"{network}:gem", "--provider", "cuda"]) == 2
        assert 'provider "cuda"' in capsys.readouterr().err
        command = ["index", str(photos), "--descriptor", f"{network}:gem", "-o", "net.hcbir"]
        assert run([*command, "--provider", "cuda"]) == 2
        assert 'provider "cuda"' in capsys.readouterr().err
        assert not Path("net.hcbir").exists(), "nothing is left that an index without CUDA would trip over"


@pytest.mark.filterwarnings("default")
def test_provider_options(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = save_identity(Path("net.onnx"))
    command = ["index", str(photos), "--descriptor", f"{network}:gem", "-o", "net.hcbir"]
    assert run([*command, "--provider-option", "device_id"]) == 2
    assert "--provider-option must be KEY=VALUE, got 'device_id'" in capsys.readouterr().err
    assert run([*command, "--provider", "cpu", "--provider-option", "device_id=1"]) == 2
    assert "provider_options are for CUDA, got {'device_id': '1'}" in capsys.readouterr().err
    if "not in this build" in describe_runtime()["CUDA"]:
        assert run([*command, "--provider-option", "device_id=1"]) == 0
        told = (
            "warning: provider_options are for CUDA, which this ONNX Runtime is built without: net.onnx runs on the CPU"
        )
        assert capsys.readouterr().err.count(told) == 1


def test_where_networks_run_is_nothing_to_ask_without_one(
    photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["index", str(photos), "--descriptor", "orb", "-o", "orb.hcbir", "--provider", "cuda"]) == 0
    assert "--provider changes nothing: there is no network among orb" in capsys.readouterr().err
    query = str(photos / "place1" / "0.png")
    assert run(["search", "orb.hcbir", query, "--provider-option", "device_id=1"]) == 0
    assert "--provider-option changes nothing: there is no network among orb" in capsys.readouterr().err
    assert run(["evaluate", str(photos), "--verify", "orb", "--provider-option", "device_id=1"]) == 0
    assert "--provider-option changes nothing: there is no network among vlad, orb" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["index"], ["evaluate"], ["whiten", "--descriptor", "net.onnx:gem"]])
def test_images_of_a_few_pixels_are_not_asked_for(
    photos: Path, in_folder: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, str(photos), "--size", "31"]) == 2
    told = capsys.readouterr().err
    assert "--size" in told
    assert "32" in told
    assert not list(Path().iterdir())


def test_info_tells_what_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["hcbir"] == hcbir.__version__
    assert facts["level in use"].startswith(hcbir.isa())
    assert run(["info"]) == 0
    assert "networks run on" in capsys.readouterr().out


def test_a_query_without_features_says_that_the_order_says_nothing(
    indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (90, 60)).save(tmp_path / "blank.png")
    assert run(["search", str(indexed), str(tmp_path / "blank.png"), "-k", "3"]) == 0
    assert "blank.png, and the order says nothing" in capsys.readouterr().err


def test_commands_to_be_typed_next_are_quoted(
    photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(photos / "place0", in_folder / "few")
    assert run(["index", "few", "-o", "my photos.hcbir", "--descriptor", "orb"]) == 0
    assert "next: hcbir search 'my photos.hcbir' QUERY.jpg --verify" in capsys.readouterr().err
    (in_folder / "few" / "0.png").unlink()
    assert run(["index", "few", "-o", "my photos.hcbir"]) == 0
    assert "to take out: hcbir remove 'my photos.hcbir' --gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "nowhere.hcbir", "q.jpg"], "nowhere.hcbir does not exist: no collection is there"),
        (["whiten", "nowhere", "--descriptor", "n.onnx:gem"], "nowhere: no such folder or collection"),
        (["search", "{indexed}", "nowhere.jpg"], "nowhere.jpg: no such file"),
        (["search", "{indexed}", "{query}", "--descriptor", "orb"], "descriptor must be one of the collection's"),
        (["search", "{indexed}", "{query}", "-k", "0"], "-k"),
        (["index", "nowhere"], "nowhere: no such folder or image"),
        (["index", "."], "no image found in this folder"),
        (["index", "{photos}", "-o", "{photos}"], "holds other files and no collection: name another folder with -o"),
        (["index", "{photos}", "-o", "{query}/c.hcbir"], "0.png/c.hcbir: not a directory"),
        (["remove", "{indexed}"], "name the images to take out, or give --gone"),
        (["remove", "{indexed}", "nowhere.jpg"], "nowhere.jpg"),
        (["evaluate", "{query}"], "0.png, line 1: expected a CSV path,class in UTF-8 text, got the byte 0x89"),
        (["match", "{query}", "{query}", "-o", "{query}/m.png"], "0.png/m.png: not a directory"),
        (["index", "{photos}", "--descriptor", "vald"], "did you mean 'vlad'"),
        (["index", "{photos}", "-o", "{indexed}", "--descriptor", "orb"], "need a collection of their own"),
        (["evaluate", "nowhere"], "nowhere: no such folder or CSV file"),
        (["evaluate", "{photos}", "--ap", "triangle"], "triangle"),
        (["evaluate", "{photos}", "--verify", "vlad"], "verify must be a local descriptor"),
        (["match", "{query}", "nowhere.jpg"], "nowhere.jpg: no such file"),
        (["match", "{query}", "{query}", "--descriptor", "vlad"], "must be a local one"),
        (["match", "{query}", "{query}", "-o", "match.unknown"], "match.unknown: cannot write"),
        (["match", "{query}", "{query}", "--max-error", "-1"], "max_error"),
        (["frobnicate"], "No such command"),
        (["search", "--frobnicate"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], message: str, indexed: Path, photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"indexed": indexed, "photos": photos, "query": photos / "place0" / "0.png"}
    assert run([argument.format(**places) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert lines == captured.err.splitlines()[-1:]
    assert message in lines[0]
    assert "overwrite=" not in lines[0]
    assert "Errno" not in lines[0]
    assert not Path("photos.hcbir").exists()


def test_images_that_are_gone_are_told_and_removed(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = write_classes(in_folder / "photos", num_classes=2)
    assert run(["index", "photos", "-o", "c.hcbir"]) == 0
    assert "no longer there" not in capsys.readouterr().err
    for name in ("place0/0.png", "place0/1.png"):
        (photos / name).unlink()
    assert run(["index", "photos", "-o", "c.hcbir"]) == 0
    assert (
        "2 images of c.hcbir are no longer there; to take out: hcbir remove c.hcbir --gone" in capsys.readouterr().err
    )
    assert run(["remove", "c.hcbir", "photos/place1/2.png", "--gone"]) == 0
    assert capsys.readouterr().err == "c.hcbir: 5 images (3 removed)\n"
    with Collection.open("c.hcbir") as collection:
        left = [f"{path.parent.name}/{path.name}" for path in collection.images()]
        assert sorted(left) == [
            "_distractors/0.png",
            "_distractors/1.png",
            "place0/2.png",
            "place1/0.png",
            "place1/1.png",
        ]
    photos.rename(in_folder / "elsewhere")
    assert run(["remove", "c.hcbir", "--gone"]) == 2
    assert "every image of c.hcbir is gone" in capsys.readouterr().err


def test_what_the_system_refuses_is_told_in_words(
    photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "mine.hcbir/lock")

    monkeypatch.setattr(Collection, "add", refused)
    assert run(["index", str(photos), "-o", "mine.hcbir"]) == 2
    assert capsys.readouterr().err == "error: mine.hcbir/lock: permission denied\n"
    monkeypatch.setattr(Collection, "open_or_create", refused)
    assert run(["index", str(photos), "-o", "mine.hcbir"]) == 2
    assert capsys.readouterr().err == "error: cannot write mine.hcbir: permission denied\n"


def test_help_alone_where_no_command_is_given(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["models"]):
        assert run(arguments) == 2
        captured = capfd.readouterr()
        assert "Usage: hcbir" in captured.out + captured.err
        assert "error" not in captured.err


def test_interruption_ends_with_130_and_keeps_what_was_committed(
    photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Collection, "add", interrupted)
    assert run(["index", str(photos), "-o", "mine.hcbir"]) == 130
    assert capsys.readouterr().err == "mine.hcbir keeps 0 images; the same command resumes\ninterrupted\n"


def test_fault_of_ours_is_told_apart_and_debug_shows_it(
    photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(Collection, "add", broken)
    assert run(["index", str(photos)]) == 1
    assert capsys.readouterr().err == "error: KeyError: 'x' (unexpected; hcbir --debug shows where)\n"
    with pytest.raises(KeyError):
        run(["--debug", "index", str(photos)])
    with pytest.raises(KeyError):
        run(["index", str(photos), "--debug"])
    assert run(["index", str(photos), "--", "--debug"]) == 2  # a file's name
    monkeypatch.setenv("HCBIR_DEBUG", "1")
    with pytest.raises(KeyError):
        run(["index", str(photos)])


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("index", "search", "remove", "calibrate", "match", "evaluate", "demo", "info"):
        assert run([command, "--help"]) == 0
        assert f"hcbir {command}" in capsys.readouterr().out.partition("Example:")[2]


def test_help_fills_its_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of the source are no lines of the help."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 400)
    for command in (["index"], ["annotate"], ["study", "run"], ["models", "pull"]):
        assert run([*command, "--help"]) == 0
        text = capsys.readouterr().out.partition("Usage:")[2].partition("╭")[0]
        paragraphs = [part.strip().splitlines() for part in text.split("\n" + " " * 400 + "\n")[1:]]
        assert len(paragraphs) > 1
        assert {len(lines) for lines in paragraphs if "".join(lines).strip()} == {1}, paragraphs


def test_command_runs_as_a_module() -> None:
    version = hcbir_command("--version")
    assert (version.returncode, version.stdout.strip()) == (0, f"hcbir {hcbir.__version__}")
    refused = hcbir_command("search", "nowhere.hcbir", "q.jpg")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert "Traceback" not in refused.stderr
    assert "Traceback" in hcbir_command("--debug", "search", "nowhere.hcbir", "q.jpg").stderr


def test_missing_extra_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    refused = hcbir_command("info", PYTHONPATH=path)
    assert refused.returncode != 0
    assert refused.stderr == 'error: the command line needs typer: pip install "hcbir[cpu]" (or "hcbir[gpu]")\n'
