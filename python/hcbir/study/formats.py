"""Tables as files: CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hcbir.study.tables import Cell, Table


def to_csv(table: Table, stamp: Mapping[str, Any]) -> str:
    """The records, in full precision, each with the protocol's id; what is not known is empty."""
    text = io.StringIO()
    heads = list(dict.fromkeys(key for record in table.records for key in record))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*heads, "protocol"])
    for record in table.records:
        writer.writerow([*(_plain(record.get(head)) for head in heads), stamp["id"]])
    return text.getvalue()


def to_markdown(table: Table, stamp_line: str) -> str:
    """A table of GitHub's Markdown with its notes and the protocol."""
    rows = [
        [_markdown(name), *(_emphasised(cell, _markdown, "**{}**") for cell in cells)] for name, cells in table.rows
    ]
    lines = [f"### {_markdown(table.title)}", ""]
    lines += [_markdown_row([_markdown(head) for head in table.columns])]
    lines += [_markdown_row(["---", *["---:"] * (len(table.columns) - 1)])]
    lines += [_markdown_row(row) for row in rows]
    for note in (*table.notes, stamp_line):
        lines += ["", _markdown(note)]
    return "\n".join(lines) + "\n"


def to_latex(table: Table, stamp_line: str) -> str:
    """A table environment; it needs the package booktabs."""
    align = "l" + "r" * (len(table.columns) - 1)
    body = [
        _latex_row([_latex(name), *(_emphasised(cell, _latex, r"\textbf{{{}}}") for cell in cells)])
        for name, cells in table.rows
    ]
    if table.num_totals:
        body.insert(len(body) - table.num_totals, r"\midrule")
    caption = " ".join(_latex(text) for text in (f"{table.title}.", *table.notes, f"{stamp_line}."))
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        _latex_row([_latex(head) for head in table.columns]),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _emphasised(cell: Cell, escape: Callable[[str], str], form: str) -> str:
    text = escape(cell.text)
    return form.format(text) if cell.strong and text else text


def _markdown(text: str) -> str:
    return re.sub(r"([\\|*_<>`\[\]])", r"\\\1", " ".join(text.split()))


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "–": "--",
}


def _latex(text: str) -> str:
    text = "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
    return re.sub(r"(?<![\w-])([+-])(?=\d)", r"$\1$", text)


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
