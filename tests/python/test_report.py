"""The HTML report, read back with an HTML parser."""

from __future__ import annotations

import base64
import io
import math
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hcbir.study.drawing import RankedImage, RankingRow
from hcbir.study.report import MapTable, MatchFigure, Report, write_report

EVIL = """<script>alert("&'1'")</script>"""
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes and text, in order; fails on a tag closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: tuple[str, dict[str, str | None], list[str]] = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, texts in self._open:
            texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def texts(self, tag: str) -> list[str]:
        return [" ".join("".join(texts).split()) for name, _, texts in self.elements if name == tag]


def _photo(path: Path, colour: tuple[int, int, int] = (200, 40, 30)) -> Path:
    Image.new("RGB", (500, 300), colour).save(path, "JPEG")
    return path


def _table() -> MapTable:
    return MapTable(
        descriptors=["vlad", EVIL],
        classes=["castle", "mill"],
        per_class={"vlad": {"castle": 0.51234, "mill": 0.25}, EVIL: {"castle": 0.75, "mill": math.nan}},
        overall={"vlad": 0.4, EVIL: 0.6},
        num_queries={"castle": 7, "mill": 3},
    )


def _report(**changes: Any) -> Report:
    return Report(**({"title": "Study", "intro": "Words.", "stamp": {"threads": "2"}, "table": _table()} | changes))


def _write(tmp_path: Path, report: Report) -> Page:
    path = tmp_path / "report.html"
    write_report(path, report)
    return Page(path.read_text(encoding="utf-8"))


def test_the_table_holds_each_figure(tmp_path: Path) -> None:
    page = _write(tmp_path, _report())
    assert page.texts("tr") == [
        f"class queries vlad {EVIL}",
        "castle 7 0.512 0.750",
        "mill 3 0.250 –",
        "all queries 10 0.400 0.600",
    ]
    best = [a.get("class") == "figure best" for a in page.all("td") if "figure" in (a.get("class") or "")]
    assert best == [False, True, True, False, False, True]


def test_one_descriptor_is_not_called_the_best(tmp_path: Path) -> None:
    table = MapTable(["orb"], ["castle"], {"orb": {"castle": 0.5}}, {"orb": 0.5}, {"castle": 2})
    page = _write(tmp_path, _report(table=table))
    assert not [a for a in page.all("td") if "best" in (a.get("class") or "")]


def test_a_descriptor_without_figures_shows_dashes(tmp_path: Path) -> None:
    table = MapTable(["orb"], ["castle"], {}, {}, {"castle": 2})
    assert _write(tmp_path, _report(table=table)).texts("tr")[1:] == ["castle 2 –", "all queries 2 –"]


def test_rankings_are_shown_in_order_with_their_verdicts(tmp_path: Path) -> None:
    query, right, wrong = (_photo(tmp_path / f"{name}.jpg") for name in ("query", "right", "wrong"))
    results = [
        RankedImage(wrong, 31.0, False, "31 inliers"),
        RankedImage(right, 0.5, True),
        RankedImage(tmp_path / "missing.jpg", 0.1, None),
    ]
    page = _write(tmp_path, _report(rankings=[("vlad", [RankingRow(query, "castle: AP 0.5", results)])]))
    assert "castle: AP 0.5" in page.texts("h3")
    assert [a["class"] for a in page.all("figure")] == ["query", "incorrect", "correct", "unknown"]
    assert page.texts("figcaption") == [
        "queryquery.jpg",
        "1. 31 inlierswrong.jpg",
        "2. 0.500right.jpg",
        "3. 0.100missing.jpg",
    ]
    assert [a["alt"] for a in page.all("img")] == [
        "query query.jpg",
        "rank 1, incorrect: wrong.jpg",
        "rank 2, correct: right.jpg",
    ]
    assert page.texts("figure")[3].startswith("unreadable")


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "photo.jpg")
    rows = [RankingRow(photo, "castle", [RankedImage(photo, 1.0, True)])]
    figure = MatchFigure("castle and castle", Image.new("RGBA", (3000, 900), (0, 200, 0, 255)))
    page = _write(tmp_path, _report(rankings=[("vlad", rows), ("orb", rows)], matches=[figure]))
    sizes = []
    for attributes in page.all("img"):
        head, _, data = (attributes["src"] or "").partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            assert image.format == "JPEG"
            sizes.append(image.size)
        assert attributes["alt"]
    assert sizes == [(240, 144)] * 4 + [(1600, 480)]
    assert not page.all("link")
    assert not [a for a in page.all("script") if "src" in a]
    identifiers = {a["id"] for _, a, _ in page.elements if "id" in a}
    targets = [a["href"] or "" for a in page.all("a")]
    assert len(targets) == 4
    assert all(target.startswith("#") and target[1:] in identifiers for target in targets)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for word in ("http:", "https:", "@import", "url("):
        assert word not in text


def test_every_text_is_escaped(tmp_path: Path) -> None:
    name = '<b onclick="x">&\'.jpg'
    photo = _photo(tmp_path / name)
    report = Report(
        title=EVIL,
        intro=EVIL,
        stamp={EVIL: EVIL},
        table=MapTable([EVIL], [EVIL], {EVIL: {EVIL: 0.5}}, {EVIL: 0.5}, {EVIL: 1}),
        rankings=[(EVIL, [RankingRow(photo, EVIL, [RankedImage(photo, 1.0, True, EVIL)])])],
        matches=[MatchFigure(EVIL, Image.new("RGB", (50, 20)))],
        skipped=[EVIL],
    )
    page = _write(tmp_path, report)
    assert len(page.all("script")) == 1, "only the page's own"
    assert len(page.all("b")) == 2
    assert not [a for _, a, _ in page.elements if "onclick" in a]
    for tag in ("title", "h1", "dt", "dd", "h3", "li"):
        assert EVIL in page.texts(tag)
    assert [a["alt"] for a in page.all("img")] == [
        f"query {name}",
        f"rank 1, correct: {name}",
        f"Matched features: {EVIL}",
    ]
    assert f"1. {EVIL}{name}" in page.texts("figcaption")


@pytest.mark.parametrize(
    ("skipped", "summary"),
    [(["a: empty"], "1 file could not be used"), (["a: empty", "b: empty"], "2 files could not be used")],
)
def test_skipped_files_are_counted_and_listed(tmp_path: Path, skipped: list[str], summary: str) -> None:
    page = _write(tmp_path, _report(skipped=skipped))
    assert page.texts("summary") == [summary]
    assert page.texts("li") == skipped


def test_what_there_is_none_of_has_no_section(tmp_path: Path) -> None:
    assert _write(tmp_path, _report()).texts("h2") == ["Mean average precision"]


def test_file_names_that_are_not_unicode(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    _photo(path)
    page = _write(tmp_path, _report(rankings=[("vlad", [RankingRow(path, "castle", [])])], skipped=[str(path)]))
    assert page.texts("figcaption") == ["querycaf?.jpg"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "no" / "report.html", _report())
