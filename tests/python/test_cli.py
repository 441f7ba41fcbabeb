from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import save_identity
from PIL import Image
from scenes import write_classes

import hcbir
from hcbir.cli import run
from hcbir.cli.providers import IDENTITY, describe_runtime
from hcbir.collection import Collection


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
    assert {Path(row["path"]).parent.name for row in rows[:3]} == {"place1"}
    assert run(["search", str(indexed), str(query), "-k", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0].split() == ["1", "1.0000", str(query)]


def test_evaluate_json_has_the_promised_shape(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(photos), "--descriptor", "vlad", "--descriptor", "orb", "--size", "200", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err == ""
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


def test_match_draws_and_counts(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = [str(photos / "place0" / name) for name in ("0.png", "1.png")]
    assert run(["match", *pair, "-o", "m.png", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["inliers"] > 20
    assert result["matches"] >= result["inliers"]
    assert np.shape(result["model"]) == (3, 3)
    assert result["log10_nfa"] < -5
    with Image.open("m.png") as picture:
        assert picture.width > picture.height
    assert run(["match", *pair, "--descriptor", "orb", "--model", "similarity", "--max-error", "3"]) == 0
    told = capsys.readouterr().out
    assert "matches agree on one similarity" in told
    assert "a match: so many would agree by chance in one pair of 10^" in told
    assert Path("match.png").exists()


def test_match_says_when_there_is_none(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["match", str(photos / "place0" / "0.png"), str(photos / "place1" / "0.png")]) == 0
    assert "no match: chance explains as many" in capsys.readouterr().out
    Image.new("RGB", (200, 150)).save("black.png")
    assert run(["match", "black.png", "black.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["log10_nfa"] is None


def test_provider_that_is_not_there(photos: Path, in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = save_identity(Path("net.onnx"))
    assert run(["evaluate", str(photos), "--descriptor", f"{network}:gem", "--provider", "cpu"]) == 0
    if "works" not in describe_runtime().get("CUDA", ""):
        assert run(["evaluate", str(photos), "--descriptor", f"{network}:gem", "--provider", "cuda"]) == 2
        assert 'provider "cuda"' in capsys.readouterr().err


def test_info_tells_what_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["hcbir"] == hcbir.__version__
    assert facts["level in use"].startswith(hcbir.isa())
    assert run(["info"]) == 0
    assert "networks run on" in capsys.readouterr().out


def test_provider_is_tried_with_a_valid_model() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(IDENTITY)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Identity"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "nowhere.hcbir", "q.jpg"], "nowhere.hcbir is not an hcbir collection"),
        (["search", "{indexed}", "nowhere.jpg"], "nowhere.jpg: no such file"),
        (["search", "{indexed}", "{query}", "--descriptor", "orb"], "descriptor must be one of the collection's"),
        (["search", "{indexed}", "{query}", "-k", "0"], "-k"),
        (["index", "nowhere"], "no image could be read"),
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
    monkeypatch.setenv("HCBIR_DEBUG", "1")
    with pytest.raises(KeyError):
        run(["index", str(photos)])


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("index", "search", "match", "evaluate", "demo", "info"):
        assert run([command, "--help"]) == 0
        assert f"hcbir {command}" in capsys.readouterr().out.partition("Example:")[2]


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
