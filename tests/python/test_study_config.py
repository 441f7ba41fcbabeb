from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason='needs scipy: pip install "hcbir[study]"')

from hcbir.cli import run
from hcbir.study import load_config

DATASET = '[dataset]\nkind = "folder"\npath = "photos"\n'
LEAST = f'descriptors = ["vlad"]\n{DATASET}'


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_defaults_and_paths_beside_the_file(tmp_path: Path) -> None:
    text = """
descriptors = ["nets/a.onnx:gem", { label = "white", name = "nets/a.onnx:gem+w.npz" }, "orb", "/b.onnx"]
[dataset]
kind = "revisitop"
path = "../gnd.json"
images = "jpg"
"""
    config = load_config(write(tmp_path, text))
    assert dict(config.descriptors) == {
        "a:gem": f"{tmp_path}/nets/a.onnx:gem",
        "white": f"{tmp_path}/nets/a.onnx:gem+{tmp_path}/w.npz",
        "orb": "orb",
        "b": "/b.onnx",
    }
    assert config.dataset.path == tmp_path.parent / "gnd.json"
    assert config.dataset.images == tmp_path / "jpg"
    assert config.output == tmp_path / "mine-results"
    assert (config.protocol.ap, config.protocol.local) == ("trapezoid", "exhaustive")
    assert config.protocol.normalisations == ("grayscale",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "Invalid value"),
        (DATASET, "descriptors must be a list such as"),
        ('descriptors = ["vlad"]', r"expected a table \[dataset\]"),
        (f"descriptor = 1\n{LEAST}", r"the file may have .*; got 'descriptor' \(did you mean 'descriptors'\?\)"),
        (
            f'descriptors = ["vlad", "vlad"]\n{DATASET}',
            "descriptors must be different, the label vlad stands there twice",
        ),
        (f"descriptors = [3]\n{DATASET}", "descriptors must be names or {label, name}, got 3"),
        ('descriptors = ["vlad"]\n[dataset]\nkind = "folders"', "dataset.kind must be one of 'folder', 'csv'"),
        (
            'descriptors = ["vlad"]\n[dataset]\nkind = "gldv2"\npath = "a"',
            "dataset.images is missing: kind gldv2 needs",
        ),
        (f'{LEAST}images = "x"', "dataset.images is not for kind folder"),
        (f"{LEAST}strong = true", "dataset.strong must be a whole number"),
        (f'{LEAST}[protocol]\nap = "mean"', "protocol.ap must be one of 'trapezoid', 'rectangle', got 'mean'"),
        (f'{LEAST}[protocol]\nlocal = "votes"', "protocol.local must be one of 'exhaustive', .*, got 'votes'"),
        (f'{LEAST}[protocol]\nnormalisations = ["mixed"]', "protocol.normalisations must be one of 'grayscale'"),
        (f"{LEAST}[protocol]\nimage_size = 0", "protocol.image_size must be a whole number"),
        (
            f"{LEAST}[protocol]\nimagesize = 1",
            r"\[protocol\] may have .*got 'imagesize' \(did you mean 'image_size'\?\)",
        ),
        (f"{LEAST}[statistics]\nconfidence = 2", "statistics.confidence must be between 0 and 1, got 2"),
        (f'{LEAST}[statistics]\nspearman = "yes"', "statistics.spearman must be true or false, got 'yes'"),
        (f"{LEAST}[report]\nqueries = [1]", r"report.queries must be a list of texts, got \[1\]"),
        (f"report = 1\n{LEAST}", r"report must be a table \[report\], got 1"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"mine\.toml: .*{message}"):
        load_config(write(tmp_path, text))


def test_init_writes_a_file_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "study.toml"
    assert run(["study", "init", str(path)]) == 0
    commented = path.read_text()
    config = load_config(path)
    assert config.dataset.path == tmp_path / "photos"
    assert run(["study", "init", str(path)]) == 2
    assert "is there already; --force writes over it" in capsys.readouterr().err
    # What is commented out is the default.
    options = "title|output|ap|local|normalisations|spearman|confidence|resamples|seed|ranks|hard_queries|query_pages"
    uncommented, count = re.subn(rf"(?m)^# ({options}) =", r"\1 =", commented)
    assert count == 11
    path.write_text(uncommented)
    given = load_config(path)
    assert (given.protocol, given.statistics, given.report, given.output) == (
        config.protocol,
        config.statistics,
        config.report,
        config.output,
    )
