"""The HTML report, read back with an HTML parser."""

from __future__ import annotations

import base64
import io
import math
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hcbir.study.drawing import RankedImage, RankingRow
from hcbir.study.report import Drawing, MatchFigure, Page, Report, write_report
from hcbir.study.tables import Cell, Table, count_cell, precision_cells

EVIL = """<script>alert("&'1'")</script>"""
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Parsed(HTMLParser):
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


def _table() -> Table:
    rows = [
        ("castle", [count_cell(7), *precision_cells([0.51234, 0.75])]),
        ("mill", [count_cell(3), *precision_cells([0.25, math.nan])]),
        ("all queries", [count_cell(10), *precision_cells([0.4, 0.6])]),
    ]
    return Table("precision", "Precision", ["class", "queries", "vlad", EVIL], rows, 1, links={"mill": "page-mill"})


def _report(**changes: Any) -> Report:
    return Report(**({"title": "Study", "intro": "Words.", "stamp": {"threads": "2"}, "tables": [_table()]} | changes))


def _write(tmp_path: Path, report: Report) -> Parsed:
    path = tmp_path / "report.html"
    write_report(path, report)
    return Parsed(path.read_text(encoding="utf-8"))


def test_the_table_holds_each_figure(tmp_path: Path) -> None:
    page = _write(tmp_path, _report())
    assert page.texts("tr") == [
        f"class queries vlad {EVIL}",
        "castle 7 0.512 0.750",
        "mill 3 0.250 –",
        "all queries 10 0.400 0.600",
    ]
    strong = [(a.get("class") or "").startswith("strong") for a in page.all("td")]
    assert strong == [False, False, True, False, True, False, False, False, True]
    assert [a["data-value"] for a in page.all("td")][:6] == ["7", "0.51234", "0.75", "3", "0.25", ""]


def test_one_descriptor_is_not_called_the_best() -> None:
    assert [cell.strong for cell in precision_cells([0.5])] == [False]
    assert [(cell.text, cell.strong) for cell in precision_cells([math.nan, math.nan])] == [("–", False)] * 2


def test_details_tints_and_links_of_a_table(tmp_path: Path) -> None:
    cells = [Cell("-0.51*", -0.51, True, "p 0.01", tint=-0.51), Cell("2", 2, tint=0.5)]
    table = Table(
        "t", "Correlation", ["score", "vlad", "orb"], [("scale", cells)], notes=["A note."], links={"scale": "x"}
    )
    page = _write(tmp_path, _report(tables=[table], pages=[Page("x", "Scale")]))
    assert page.texts("small") == ["p 0.01"]
    assert [(a["class"], a["style"]) for a in page.all("td")] == [
        ("strong tinted down", "--amount: 0.51"),
        ("tinted up", "--amount: 0.5"),
    ]
    assert {"href": "#x"} in page.all("a")
    assert "A note." in page.texts("p")


def test_pages_have_their_own_rankings_and_ways_out(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "photo.jpg")
    rows = [RankingRow(photo, "orb: AP 1", [RankedImage(photo, 1.0, True)])]
    pages = [
        Page("class-0", "castle", facts={"scale": "2"}, tables=[_table()], up=("", "all classes"), next="query-7"),
        Page("query-7", "castle/1.jpg", rankings=[("", rows)], up=("class-0", "castle"), previous="class-0"),
    ]
    page = _write(tmp_path, _report(pages=pages))
    assert [a["id"] for a in page.all("section") if a.get("class") == "page"] == ["class-0", "query-7"]
    assert page.texts("h2")[-2:] == ["castle", "castle/1.jpg"]
    assert ("2" in page.texts("dd"), "orb: AP 1" in page.texts("h3")) == (True, True)
    targets = [a["href"] for a in page.all("a")]
    assert targets[-4:] == ["#query-7", "#page-mill", "#class-0", "#class-0"]


def test_a_gallery_leads_to_pages(tmp_path: Path) -> None:
    gallery = [(_photo(tmp_path / "a.jpg"), "castle/a.jpg", "query-0"), (tmp_path / "no.jpg", "castle/no.jpg", "")]
    page = _write(tmp_path, _report(pages=[Page("class-0", "castle", gallery=gallery)]))
    labels = [a["aria-label"] for a in page.all("div") if a.get("role") == "img"]
    assert labels == ["castle/a.jpg"]
    assert {"href": "#query-0"} in page.all("a")
    assert [a["aria-label"] for a in page.all("span") if a.get("role") == "img"] == ["castle/no.jpg: unreadable"]


def test_narrow_heads_stand_upright(tmp_path: Path) -> None:
    cells = [Cell("2", 2, tint=-0.3), Cell("0.5", 0.5), Cell("+0.1", 0.1, detail="p 0.2", tint=0.1)]
    table = Table("table3", "Difficulty", ["class", "illumination", "precision", "correlation"], [("castle", cells)])
    page = _write(tmp_path, _report(tables=[table]))
    upright = [texts for _, a, texts in page.elements if a.get("class") == "upright"]
    assert upright == [["illumination"]]


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
    folder = tmp_path.name
    assert page.texts("figcaption") == [
        f"query{folder}/query.jpg",
        f"1. 31 inliers{folder}/wrong.jpg",
        f"2. 0.500{folder}/right.jpg",
        f"3. 0.100{folder}/missing.jpg",
    ]
    assert [a["aria-label"] for a in page.all("div") if a.get("role") == "img"] == [
        f"query {folder}/query.jpg",
        f"rank 1, incorrect: {folder}/wrong.jpg",
        f"rank 2, correct: {folder}/right.jpg",
    ]
    assert page.texts("figure")[3].startswith("unreadable")


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "photo.jpg")
    rows = [RankingRow(photo, "castle", [RankedImage(photo, 1.0, True)])]
    figure = MatchFigure("castle and castle", Image.new("RGBA", (3000, 900), (0, 200, 0, 255)))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    drawing = Drawing("Bars", "A bar a class.", svg)
    page = _write(tmp_path, _report(rankings=[("vlad", rows), ("orb", rows)], matches=[figure], drawings=[drawing]))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    thumbnails = re.findall(r"\.t\d+ { background-image: url\(data:image/jpeg;base64,([^)]*)\)", text)
    assert len(thumbnails) == 1, "one image stands there once, however often it is shown"
    embedded = [base64.b64decode(thumbnails[0], validate=True)]
    for attributes in page.all("img"):
        head, _, data = (attributes["src"] or "").partition(",")
        content = base64.b64decode(data, validate=True)
        assert attributes["alt"]
        if head == "data:image/svg+xml;base64":
            assert content == svg
        else:
            assert head == "data:image/jpeg;base64"
            embedded.append(content)
    sizes = []
    for content in embedded:
        with Image.open(io.BytesIO(content)) as image:
            assert image.format == "JPEG"
            sizes.append(image.size)
    assert sizes == [(224, 134), (1600, 480)]
    assert not page.all("link")
    assert not [a for a in page.all("script") if "src" in a]
    identifiers = {a["id"] for _, a, _ in page.elements if "id" in a}
    targets = [a["href"] or "" for a in page.all("a")]
    assert len(targets) == 6
    assert all(target.startswith("#") and target[1:] in {*identifiers, "page-mill"} for target in targets)
    for word in ("http:", "https:", "@import"):
        assert word not in text
    assert len(re.findall(r"url\(", text)) == len(thumbnails)


def test_every_text_is_escaped(tmp_path: Path) -> None:
    name = '<b onclick="x">&\'.jpg'
    photo = _photo(tmp_path / name)
    report = Report(
        title=EVIL,
        intro=EVIL,
        stamp={EVIL: EVIL},
        tables=[
            Table("evil", EVIL, [EVIL, EVIL], [(EVIL, [Cell(EVIL, detail=EVIL)])], notes=[EVIL], links={EVIL: "p"})
        ],
        drawings=[Drawing(EVIL, EVIL, b"<svg/>")],
        pages=[Page("p", EVIL, facts={EVIL: EVIL}, gallery=[(photo, EVIL, "p")], rankings=[(EVIL, [])], up=("", EVIL))],
        rankings=[(EVIL, [RankingRow(photo, EVIL, [RankedImage(photo, 1.0, True, EVIL)])])],
        matches=[MatchFigure(EVIL, Image.new("RGB", (50, 20)))],
        skipped=[EVIL],
    )
    page = _write(tmp_path, report)
    assert len(page.all("script")) == 1, "only the page's own"
    assert len(page.all("b")) == 3
    assert not [a for _, a, _ in page.elements if "onclick" in a]
    for tag in ("title", "h1", "h2", "dt", "dd", "h3", "li", "th", "small"):
        assert EVIL in page.texts(tag)
    assert [a["alt"] for a in page.all("img")] == [EVIL, f"Matched features: {EVIL}"]
    labels = [a["aria-label"] for a in page.all("div") if a.get("role") == "img"]
    name = f"{tmp_path.name}/{name}"
    assert labels == [f"query {name}", f"rank 1, correct: {name}", EVIL]
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
    assert _write(tmp_path, _report()).texts("h2") == ["Precision"]


def test_file_names_that_are_not_unicode(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    _photo(path)
    page = _write(tmp_path, _report(rankings=[("vlad", [RankingRow(path, "castle", [])])], skipped=[str(path)]))
    assert page.texts("figcaption") == [f"query{tmp_path.name}/caf?.jpg"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "no" / "report.html", _report())
