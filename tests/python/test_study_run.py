"""A study from its configuration to its files."""

from __future__ import annotations

import csv
import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import scene, view, write_classes

import hcbir
from hcbir import LocalFeatures
from hcbir._local_index import LocalFeatureIndex
from hcbir._store import LocalFeatureStore
from hcbir.cli import run as hcbir_command
from hcbir.descriptors import load, open_image
from hcbir.descriptors.keypoints import as_described
from hcbir.study.datasets import load_dataset
from hcbir.study.evaluation import evaluate_dataset

pytest.importorskip("scipy", reason='needs scipy: pip install "hcbir[study]"')
pytest.importorskip("matplotlib", reason='needs matplotlib: pip install "hcbir[study]"')

from hcbir.study import StudyResult, compare_runs, load_config, run
from hcbir.study import runner as runner_module
from hcbir.study import similarity as similarity_module
from hcbir.study.description import Descriptions
from hcbir.study.figures import _difficulty
from hcbir.study.paper_tables import index_table
from hcbir.study.results import INDEX
from hcbir.study.similarity import TaskRanker

HEADER = "path,class,collection,scale,color,occlusion"


def write_study(folder: Path, *, descriptors: str = '["vlad", "orb"]', more: str = "") -> Path:
    """Four classes of three, two distractors; occlusion differs between the classes, color does not."""
    if not (folder / "photos").exists():
        write_classes(folder / "photos", num_classes=4)
        lines = [HEADER]
        for c, i in itertools.product(range(4), range(3)):
            hidden = i < c
            if hidden:
                path = folder / "photos" / f"place{c}" / f"{i}.png"
                image = Image.open(path)
                image.paste(scene(50 + 3 * c + i), (0, 0, 220, 160), Image.new("L", (220, 160), 235))
                image.save(path)
            lines += [f"photos/place{c}/{i}.png,place{c},here,{3 if i == c else 0},0,{3 if hidden else 0}"]
        lines += [f"photos/_distractors/{i}.png,,there,,," for i in range(2)]
        (folder / "photos.csv").write_text("\n".join(lines))
    path = folder / "study.toml"
    path.write_text(
        f'title = "Places"\ndescriptors = {descriptors}\n[dataset]\nkind = "csv"\npath = "photos.csv"\n'
        f"[protocol]\nimage_size = 160\n{more}"
    )
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return run(write_study(tmp_path_factory.mktemp("study"), more="[statistics]\nspearman = true\nresamples = 500\n"))


@pytest.fixture
def no_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs write no tables, pictures and report: for tests of what is computed."""
    monkeypatch.setattr(runner_module, "write_outputs", lambda *arguments: None)


def test_figures_are_those_of_evaluate(result: StudyResult) -> None:
    dataset = load_dataset(result.config.dataset.path)
    evaluation = evaluate_dataset(dataset, ["vlad", "orb"], image_size=160)
    expected = evaluation.descriptors["vlad"]
    np.testing.assert_array_equal(result.main["vlad"].ap, expected.ap)
    assert result.main["vlad"].per_class == expected.per_class
    assert result.main["vlad"].mean_ap == expected.mean_ap
    np.testing.assert_array_equal(result.main["orb"].ap, evaluation.descriptors["orb"].ap)
    for row, query in enumerate(evaluation.queries.tolist()):
        with_query, without = result.main["orb"].ranking, evaluation.descriptors["orb"].ranking
        others = with_query.indices[row] != query
        np.testing.assert_array_equal(with_query.indices[row][others], without.indices[row])
        np.testing.assert_array_equal(with_query.scores[row][others], without.scores[row])


@pytest.mark.usefixtures("no_outputs")
def test_the_order_of_the_dataset_says_nothing(result: StudyResult, tmp_path: Path) -> None:
    """Though many images have as many inliers as others."""
    (tmp_path / "photos").symlink_to(result.config.dataset.path.parent / "photos")
    head, *rows = result.config.dataset.path.read_text().splitlines()
    (tmp_path / "photos.csv").write_text("\n".join([head, *reversed(rows)]))
    other = run(write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n"))
    np.testing.assert_array_equal(other.main["orb"].ap[::-1], result.main["orb"].ap)
    scores = result.main["orb"].ranking.scores
    assert np.mean(scores[:, 1:] == scores[:, :-1]) > 0.2


def test_grayscale_changes_nothing_for_descriptors_of_grey_images(result: StudyResult) -> None:
    for name in ("vlad", "orb"):
        np.testing.assert_array_equal(result.evaluations["grayscale", "all"][name].ap, result.main[name].ap)
    rows = json.loads((result.config.output / "study.json").read_text())["tables"]["table2"]
    assert [(row["difference"], row["p"]) for row in rows] == [(0, 1), (0, 1)]


def test_scores_and_their_correlations(result: StudyResult) -> None:
    assert result.scores is not None
    assert {label: of["occlusion"] for label, of in result.scores.items()} == {
        "place0": 0,
        "place1": 1,
        "place2": 3,
        "place3": 3,
    }
    tables = json.loads((result.config.output / "study.json").read_text())["tables"]
    found = {(row["variation"], row["descriptor"]): row for row in tables["table1"]}
    assert [key[0] for key in found][::2] == ["scale", "color", "occlusion", "overall difficulty"]
    assert found["color", "vlad"]["r"] is None
    assert found["color", "vlad"]["reason"] == "the score is 0 in every class"
    precision = [result.main["orb"].per_class[label] for label in result.task.classes]
    expected = np.corrcoef([0, 1, 3, 3], precision)[0, 1]
    assert found["occlusion", "orb"]["r"] == pytest.approx(expected, abs=1e-12)
    assert {row["coefficient"] for row in tables["table1-spearman"]} == {"spearman"}
    assert [row["class"] for row in tables["table3"]] == [*result.task.classes, "all queries"]


def test_every_number_stands_under_its_protocol(result: StudyResult) -> None:
    folder = result.config.output
    stamp = result.stamp
    assert stamp["average precision"] == "trapezoid"
    assert stamp["query"] == "left out of its own ranking"
    assert (stamp["query crop"], stamp["images"]) == ("none", "14")
    assert stamp["image size"] == "longest side 160 px, never enlarged"
    assert (stamp["hcbir"], stamp["instruction level"]) == (hcbir.__version__, hcbir.isa())
    assert stamp["descriptors"]["vlad"]["kind"] == "aggregated"
    for path in (folder / "tables").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert rows, path
        assert {row["protocol"] for row in rows} == {stamp["id"]}, path
    for suffix in ("md", "tex"):
        for path in (folder / "tables").glob(f"*.{suffix}"):
            assert f"protocol {stamp['id']}" in path.read_text(), path
    assert json.loads((folder / "study.json").read_text())["protocol"] == stamp


def test_files_of_all_kinds(result: StudyResult) -> None:
    folder = result.config.output
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for table in ("table1", "table1-spearman", "table2", "table3"):
        assert {f"tables/{table}.{suffix}" for suffix in ("csv", "md", "tex")} <= names
    for figure in ("classes", "correlations", "difficulty"):
        assert {f"figures/{figure}.{suffix}" for suffix in ("png", "svg")} <= names
        with Image.open(folder / "figures" / f"{figure}.png") as image:
            assert min(image.size) > 200
    for figure, suffix in itertools.product(("rankings", "matches"), ("png", "svg")):
        assert f"figures/figure4-{figure}-1.{suffix}" in names
    assert not [name for name in names if name.endswith(".partial")]
    page = (folder / "report.html").read_text()
    assert f"{result.seconds:.0f} s, without what earlier runs had left and without writing this report" in page
    assert page.count('class="page"') == 4 + 12
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_every_column_of_panels_has_its_scale(result: StudyResult) -> None:
    """Seven descriptors: under the fourth panel there is none."""
    labels = [f"descriptor {i}" for i in range(7)]
    many = replace(
        result,
        config=replace(result.config, descriptors=dict.fromkeys(labels, "orb")),
        evaluations={("mixed", "all"): dict.fromkeys(labels, result.main["orb"])},
    )
    figure = _difficulty(many)
    figure.draw_without_rendering()
    scaled = [any(label.get_visible() for label in axes.get_xticklabels()) for axes in figure.axes]
    assert scaled == [False, False, False, True, True, True, True, True]


def test_rankings_csv_is_what_was_ranked(result: StudyResult) -> None:
    with (result.config.output / "tables" / "rankings.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["query"] == "place1/0.png" and row["descriptor"] == "vlad"]
    assert [int(row["rank"]) for row in rows] == list(range(1, 9))
    assert {row["image"] for row in rows if row["verdict"] == "correct"} <= {"place1/1.png", "place1/2.png"}
    assert "place1/0.png" not in {row["image"] for row in rows}


def test_latex_and_markdown_escape_what_they_must(result: StudyResult) -> None:
    tables = result.config.output / "tables"
    latex = (tables / "table3.tex").read_text()
    assert latex.count("&") == 7 * 6  # head, four classes and all queries; two descriptors, three scores and their sum
    assert r"\toprule" in latex
    lines = [line for line in (tables / "table1.md").read_text().splitlines() if line.startswith("|")]
    assert {line.count("|") - line.count(r"\|") for line in lines} == {4}


def test_a_second_run_computes_nothing_and_writes_the_same(
    result: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(similarity_module, "search", fail)
    monkeypatch.setattr(similarity_module, "verify_query", fail)
    described: list[str] = []
    folder = result.config.output
    before = {path: path.read_bytes() for path in (folder / "figures").iterdir()}
    before |= {path: path.read_bytes() for path in (folder / "tables").iterdir()}
    again = run(result.config, progress=lambda what, done, total: described.append(what))
    assert not [what for what in described if what.startswith("describe")]
    np.testing.assert_array_equal(again.main["orb"].ap, result.main["orb"].ap)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.usefixtures("no_outputs")
@pytest.mark.parametrize("num_threads", [1, 2, 7])
def test_threads_change_nothing(result: StudyResult, tmp_path: Path, num_threads: int) -> None:
    (tmp_path / "photos").symlink_to(result.config.dataset.path.parent / "photos")
    (tmp_path / "photos.csv").write_bytes(result.config.dataset.path.read_bytes())
    other = run(write_study(tmp_path), num_threads=num_threads)
    for key, evaluations in result.evaluations.items():
        for label, figures in evaluations.items():
            found = other.evaluations[key][label]
            np.testing.assert_array_equal(found.ap, figures.ap)
            np.testing.assert_array_equal(found.ranking.indices, figures.ranking.indices)
            np.testing.assert_array_equal(found.ranking.scores, figures.ranking.scores)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n"))
    monkeypatch.setattr(similarity_module, "QUERIES_A_BLOCK", 5)
    counted: list[int] = []
    count = similarity_module.verify_query

    def interrupted(*arguments: object, **options: object) -> object:
        counted.append(1)
        if len(counted) == 8:
            raise KeyboardInterrupt
        return count(*arguments, **options)  # type: ignore[arg-type]

    written: list[StudyResult] = []
    monkeypatch.setattr(runner_module, "write_outputs", lambda result, *_: written.append(result))
    monkeypatch.setattr(similarity_module, "verify_query", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(config)
    assert not written
    assert len(list((config.output / "cache" / "rankings").glob("*.npz"))) == 1
    found = run(config)
    assert len(counted) == 8 + 7, "five of the twelve queries were kept"
    assert len(written) == 1
    assert len(list((config.output / "cache" / "rankings").glob("*.npz"))) == 1, (
        "blocks are gone when the whole is there"
    )
    expected = run(replace(config, output=tmp_path / "whole")).main["orb"]
    np.testing.assert_array_equal(found.main["orb"].ranking.indices, expected.ranking.indices)
    np.testing.assert_array_equal(found.main["orb"].ap, expected.ap)


@pytest.mark.usefixtures("no_outputs")
@pytest.mark.parametrize("place", ["hcbir.collection.records.sqlite3.connect", "pathlib.Path.replace"])
def test_a_run_interrupted_before_it_describes_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    path = write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n")
    with monkeypatch.context() as patch:
        patch.setattr(place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(path)
    assert len(run(path).task.images) == 14


@pytest.mark.usefixtures("no_outputs")
def test_a_new_descriptor_is_described_alone_and_a_changed_image_again(tmp_path: Path) -> None:
    run(write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n"))
    described: list[tuple[str, int]] = []

    def progress(what: str, done: int, total: int) -> None:
        if what == "describe mixed":
            described.append((what, done))

    both = write_study(tmp_path, descriptors='["orb", "sift"]', more="normalisations = []\n")
    first = run(both, progress=progress)
    assert len(described) == 14
    assert len(list((tmp_path / "study-results" / "cache" / "descriptions").glob("*/*.hcbir"))) == 2
    described.clear()
    scene(99).save(tmp_path / "photos" / "place1" / "1.png")
    second = run(both, progress=progress)
    assert len(described) == 2, "by each of the two"
    assert second.main["sift"].per_class["place1"] < first.main["sift"].per_class["place1"]


@pytest.mark.usefixtures("no_outputs")
def test_damaged_rankings_are_made_again(tmp_path: Path) -> None:
    path = write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n")
    first = run(path)
    [kept] = (tmp_path / "study-results" / "cache" / "rankings").glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(run(path).main["orb"].ap, first.main["orb"].ap)


@pytest.mark.usefixtures("no_outputs")
def test_cropped_queries_are_described_apart(tmp_path: Path) -> None:
    """A query that is a corner of its image finds what shows that corner."""
    (tmp_path / "photos").mkdir()
    whole = Image.new("RGB", (440, 160))
    whole.paste(scene(1), (0, 0))
    whole.paste(scene(2), (220, 0))
    whole.save(tmp_path / "photos" / "both.png")
    view(1, 1).save(tmp_path / "photos" / "left.png")
    view(2, 1).save(tmp_path / "photos" / "right.png")
    (tmp_path / "photos.csv").write_text(
        "path,class,x1,y1,x2,y2\nphotos/both.png,a,220,0,440,160\nphotos/right.png,a,,,,\nphotos/left.png,,,,,\n"
    )
    result = run(write_study(tmp_path, descriptors='["vlad", "sift"]'))
    for label in ("vlad", "sift"):
        ranking = result.main[label].ranking.indices[0].tolist()
        assert ranking.index(1) < ranking.index(2)
        assert result.main[label].ap[0] == 1
    assert result.stamp["query crop"] == "1 of 2 cropped"
    assert result.task.query_name(0) == "both.png [220, 0, 440, 160]"
    described = load("sift", image_size=160)
    crop = open_image(whole.crop((220, 0, 440, 160)), longest_side=80)
    features = described.describe(crop.image, crop.full_size)  # type: ignore[union-attr, call-arg, arg-type]
    counts = hcbir.count_inliers(features, [], model="affine", max_error=8)  # type: ignore[arg-type]
    assert len(counts) == 0
    assert result.main["sift"].ranking.scores[0].max() > 10


def test_revisited_benchmark_has_settings(tmp_path: Path) -> None:
    write_classes(tmp_path / "jpg", num_classes=3)
    for path in (tmp_path / "jpg").rglob("*.png"):
        path.rename(tmp_path / "jpg" / f"{path.parent.name}_{path.stem}.png")
    view(1, 2).save(tmp_path / "jpg" / "query_0.png")
    names = [f"place{c}_{i}" for c in range(3) for i in range(3)]
    truth = {
        "imlist": names,
        "qimlist": ["query_0"],
        "gnd": [{"bbx": [0, 0, 220, 160], "easy": [5], "hard": [3], "junk": [4]}],
    }
    (tmp_path / "gnd.json").write_text(json.dumps(truth))
    path = tmp_path / "study.toml"
    path.write_text(
        'descriptors = ["sift"]\n[dataset]\nkind = "revisitop"\npath = "gnd.json"\nimages = "jpg"\n'
        "[protocol]\nnormalisations = []\n"
    )
    result = run(path)
    assert result.stamp["query"] == "not among the images"
    assert result.task.classes == ["place1"]
    assert {setting: found["sift"].ap[0] for (_, setting), found in result.evaluations.items()} == {
        "Medium": 1,
        "Easy": 1,
        "Hard": 1,
    }
    head = result.main["sift"].ranking.indices[0][:3].tolist()
    assert sorted(head) == [3, 4, 5]
    assert (tmp_path / "study-results" / "tables" / "settings.md").exists()


def test_unreadable_images_are_left_out_and_told(tmp_path: Path) -> None:
    path = write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n")
    (tmp_path / "photos" / "place2" / "1.png").write_text("no image")
    result = run(path)
    assert len(result.task.images) == 13
    assert len(result.skipped) == 1
    assert result.stamp["images"] == "13, 1 could not be read"
    assert "1 file could not be used" in (tmp_path / "study-results" / "report.html").read_text()


def test_a_study_without_anything_to_find_is_refused(tmp_path: Path) -> None:
    path = write_study(tmp_path, descriptors='["orb"]', more="normalisations = []\n")
    rows = (tmp_path / "photos.csv").read_text().splitlines()
    (tmp_path / "photos.csv").write_text("\n".join([rows[0], *rows[1:11:3], *rows[-2:]]))
    with pytest.raises(ValueError, match="no query has a right image among the 6 images: nothing to find"):
        run(path, progress=lambda what, done, total: pytest.fail("told only after the work"))
    (tmp_path / "photos.csv").write_text("\n".join([rows[0], *rows[1:3], *rows[-2:]]))
    (tmp_path / "photos" / "place0" / "1.png").write_text("no image")
    with pytest.raises(ValueError, match=r"among the 3 images: nothing to find \(1 could not be read\)"):
        run(path)


def test_alegoria_must_be_complete(tmp_path: Path) -> None:
    path = write_study(tmp_path)
    path.write_text(path.read_text().replace('"csv"', '"alegoria"'))
    with pytest.raises(ValueError, match=r"photos\.csv, column class: kind alegoria has 39 classes, got 4"):
        run(path)
    path.write_text(path.read_text().replace('"alegoria"', '"folder"'))
    with pytest.raises(ValueError, match=r"photos\.csv: expected a folder, as kind says"):
        run(path)
    path.write_text(path.read_text().replace("photos.csv", "nowhere"))
    with pytest.raises(ValueError, match=r"nowhere: no such file or folder; dataset\.path says where"):
        run(path)


def test_runs_are_compared_by_query(result: StudyResult, tmp_path: Path) -> None:
    same = compare_runs(result.config.output, result.config.output / "study.json", num_resamples=200)
    assert [name for name, _ in same.rows] == ["vlad", "orb", "vlad, grayscale", "orb, grayscale"]
    assert {record["difference"] for record in same.records} == {0}
    content = json.loads((result.config.output / "study.json").read_text())
    figures = content["evaluations"]["mixed"]["all"]["vlad"]
    figures["ap"] = [max(0, ap - 0.5) for ap in figures["ap"]]
    content["protocol"]["average precision"] = "rectangle"
    content["queries"][0]["name"] = "elsewhere"
    (tmp_path / "study.json").write_text(json.dumps(content))
    table = compare_runs(result.config.output, tmp_path, num_resamples=200)
    record = table.records[0]
    before = result.main["vlad"].ap[1:]
    assert record["difference"] == pytest.approx(np.mean(np.maximum(0, before - 0.5) - before))
    assert record["p"] < 0.05
    assert record["queries"] == 11
    assert "average precision: trapezoid / rectangle." in table.notes
    assert "1 of 12 queries of the first run are not in the other." in table.notes
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(ValueError, match="not the result of a study, it lacks evaluations"):
        compare_runs(result.config.output, tmp_path)
    with pytest.raises(ValueError, match=r"no result of a study, expected a folder with study\.json"):
        compare_runs(result.config.output, tmp_path / "nowhere")


def test_commands(
    result: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(result.config.dataset.path.parent / "study.toml")
    assert hcbir_command(["study", "run", "--config", path]) == 0
    captured = capsys.readouterr()
    for text in ("Precision and difficulty by class", "place3", "occlusion", "All images grayscale"):
        assert text in captured.out
    assert "report: " in captured.err
    monkeypatch.setattr(runner_module, "write_outputs", lambda *arguments: None)  # they are there
    assert hcbir_command(["study", "run", "--config", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Places"
    assert hcbir_command(["study", "run", "--config", path, "--local", "no"]) == 2
    assert "local must be one of 'exhaustive', 'index', 'both', got 'no'" in capsys.readouterr().err
    assert hcbir_command(["study", "run", "--config", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: no such file; hcbir study init writes one" in capsys.readouterr().err
    folder = str(result.config.output)
    assert hcbir_command(["study", "compare", folder, folder, "--resamples", "100"]) == 0
    assert f"{folder} and {folder}" in capsys.readouterr().out.replace("\n", "")  # of runs of one title their folders
    assert hcbir_command(["study", "compare", folder, folder, "--resamples", "100", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["figures"]) == 4


def test_hard_queries_and_chosen_ones(result: StudyResult) -> None:
    from hcbir.study.examples import example_queries

    mean = np.mean([found.ap for found in result.main.values()], axis=0)
    found = example_queries(result)
    assert set(found.values()) == {"Hard to find"}
    assert len({result.task.queries[row].label for row in found}) == len(found) == 4
    assert mean[next(iter(found))] == mean.min()
    report = replace(result.config.report, queries=("place2/1.png",), hard_queries=1)
    chosen = example_queries(replace(result, config=replace(result.config, report=report)))
    assert list(chosen.values()) == ["Chosen", "Hard to find"]
    assert result.task.query_name(next(iter(chosen))) == "place2/1.png"
    config = replace(result.config, report=replace(report, queries=("1.png",)))
    with pytest.raises(ValueError, match=r"report\.queries must end the path of one query each, 1\.png ends 4"):
        run(config, progress=lambda what, done, total: pytest.fail("told only after the work"))


def test_nan_never_reaches_json(result: StudyResult) -> None:
    json.loads((result.config.output / "study.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert not any(math.isnan(found.mean_ap) for found in result.main.values())


@pytest.mark.usefixtures("no_outputs")
def test_local_search_through_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_study(tmp_path, descriptors='["sift", "orb"]', more="normalisations = []\n")
    every = run(path)
    path.write_text(path.read_text().replace("[protocol]\n", '[protocol]\nlocal = "index"\n'))
    index = run(path)
    assert index.stamp["id"] != every.stamp["id"]
    assert "index" in index.stamp["similarity"]
    for label in ("sift", "orb"):  # fewer images than the short list has: all are looked at
        np.testing.assert_array_equal(index.main[label].ranking.indices, every.main[label].ranking.indices)
        np.testing.assert_array_equal(index.main[label].ranking.scores, every.main[label].ranking.scores)

    monkeypatch.setattr(similarity_module, "SHORT_LIST", 2)  # what was kept of the longer list is not taken for it
    short = run(path)
    assert (np.count_nonzero(short.main["sift"].ranking.scores, axis=1) <= 2).all()
    np.testing.assert_array_equal(short.main["sift"].ranking.indices[:, 0], every.main["sift"].ranking.indices[:, 0])
    np.testing.assert_array_equal(short.main["orb"].ranking.scores, every.main["orb"].ranking.scores)


def test_images_outside_the_short_list_go_by_their_votes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below every image of the short list, and not by their place in the dataset; equal inliers go by votes, too."""
    monkeypatch.setattr(similarity_module, "SHORT_LIST", 4)
    sift = load("sift", image_size=160)
    images = [as_described(sift.describe(scene(seed), (220, 160)), 160) for seed in range(9)]  # type: ignore[union-attr, call-arg, arg-type]
    store = LocalFeatureStore.create(tmp_path / "features", images)
    rank, every = (way(images, None) for way in (similarity_module.through_index, similarity_module.exhaustive))
    for query in images:
        voted = LocalFeatureIndex.build(store).search(query, 9).indices[0].tolist()
        indices, scores = rank(query)
        assert indices.tolist()[4:] == voted[4:] != sorted(voted[4:])
        assert not scores[4:].any()
        inliers = dict(zip(*(values.tolist() for values in every(query)), strict=True))
        assert indices.tolist()[:4] == sorted(voted[:4], key=lambda image: -inliers[image])
        assert scores.tolist()[:4] == [inliers[image] for image in indices.tolist()[:4]]


def test_images_without_features_are_ranked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity_module, "SHORT_LIST", 2)
    empty = LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32), np.empty(0, np.float32))
    indices, scores = similarity_module.through_index([empty] * 3, None)(empty)
    assert (indices.tolist(), scores.tolist()) == ([0, 1, 2], [0, 0, 0])


@pytest.mark.usefixtures("no_outputs")
def test_a_kept_ranking_needs_no_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_study(tmp_path, descriptors='["sift", "orb"]', more='local = "both"\nnormalisations = []\n')
    run(path)
    monkeypatch.setattr(TaskRanker, "features", lambda *arguments: pytest.fail("features were read"))
    monkeypatch.setattr(Descriptions, "features", lambda *arguments: pytest.fail("features were read"))
    run(path)


def test_index_beside_exhaustive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity_module, "SHORT_LIST", 2)
    path = write_study(tmp_path, descriptors='["sift", "orb", "vlad"]', more='local = "both"\nnormalisations = []\n')
    monkeypatch.setattr(runner_module, "write_outputs", lambda *arguments: None)
    result = run(path)
    found = result.evaluations[INDEX, "all"]
    assert (np.count_nonzero(found["sift"].ranking.scores, axis=1) <= 2).all()
    np.testing.assert_array_equal(found["orb"].ap, result.main["orb"].ap)
    assert len(list((result.config.output / "cache" / "rankings").glob("*.npz"))) == 4, "orb is not matched twice"
    table = index_table(result)
    assert [record["descriptor"] for record in table.records] == ["sift", "orb"]
    expected = np.mean(found["sift"].ap - result.main["sift"].ap)
    assert table.records[0]["difference"] == pytest.approx(expected)
    assert table.records[0]["exhaustive"] == result.main["sift"].mean_ap
    assert "beside it index: of the 100 images" in result.stamp["similarity"]
    assert result.stamp["similarity"] in table.notes[-1]


@pytest.mark.usefixtures("no_outputs")
def test_reduced_decoding_is_described_apart(tmp_path: Path) -> None:
    """Large JPEGs are decoded at a fraction of their size, and what was described without is not taken for it."""
    (tmp_path / "photos").mkdir()
    for name, seed in (("a0", 0), ("a1", 0), ("b0", 1)):
        image = scene(seed, (1200, 900)) if name[1] == "0" else scene(seed, (1200, 900)).rotate(2)
        image.save(tmp_path / "photos" / f"{name}.jpg", quality=95)
    rows = ["photos/a0.jpg,a", "photos/a1.jpg,a", "photos/b0.jpg,"]
    (tmp_path / "photos.csv").write_text("\n".join(["path,class", *rows]))
    path = write_study(tmp_path, descriptors='["sift"]', more="normalisations = []\n")
    whole = run(path)
    path.write_text(path.read_text().replace("[protocol]", "[protocol]\nreduced_decoding = true"))
    reduced = run(path)
    assert reduced.stamp["image size"] == "longest side 160 px, never enlarged, decoded reduced"
    assert len(list((whole.config.output / "cache" / "descriptions").iterdir())) == 2
    assert reduced.main["sift"].ranking.scores.tolist() != whole.main["sift"].ranking.scores.tolist()
