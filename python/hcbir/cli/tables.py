"""Tables on the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from hcbir.cli.console import say
from hcbir.study.tables import Table

_FOLDED_NAME = 24
"""Characters to which the names of rows may be folded."""

_KEPT_HEAD = 7
"""Characters of a column's name that is not numbered however narrow the column."""


def print_table(table: Table, console: Console | None = None, *, titled: bool = False) -> None:
    """On standard output, under its title if that is wanted; the notes on standard error.

    Where the columns' names do not fit, they are numbered and the names stand below; where the figures do not, the
    columns go on in another table.
    """
    console = console or Console()
    heads = list(table.columns[1:])
    columns = range(len(heads))
    if titled:
        console.print(Text(f"\n{table.title}", style="bold"))
    if _width(table, heads, columns) <= console.width:
        console.print(_shown(table, heads, columns))
    else:
        count = itertools.count(1)
        kept = [cell_len(head) <= max(_figures(table, k), _KEPT_HEAD) for k, head in enumerate(heads)]
        numbers = [head if keep else str(next(count)) for head, keep in zip(heads, kept, strict=True)]
        first = 0
        while first < len(heads):
            fitting = (
                n for n in range(len(heads), first, -1) if _width(table, numbers, range(first, n)) <= console.width
            )
            after = next(fitting, first + 1)
            console.print(_shown(table, numbers, range(first, after)))
            first = after
        for number, head, keep in zip(numbers, heads, kept, strict=True):
            if not keep:
                console.print(Text(f"{number:>3}  {head}"), soft_wrap=True)
    for note in table.notes:
        say(note)


def _shown(table: Table, heads: Sequence[str], columns: Iterable[int]) -> RichTable:
    columns = list(columns)
    shown = RichTable()
    shown.add_column(Text(table.columns[0]), overflow="fold", min_width=_name_width(table))
    for k in columns:
        shown.add_column(Text(heads[k]), justify="right", no_wrap=True)
    for place, (name, cells) in enumerate(table.rows):
        total = place >= len(table.rows) - table.num_totals
        if place == len(table.rows) - table.num_totals:
            shown.add_section()
        texts = [Text(cells[k].text, style="bold" if cells[k].strong else "") for k in columns]
        shown.add_row(Text(name), *texts, style="bold" if total else None)
    return shown


def _width(table: Table, heads: Sequence[str], columns: Iterable[int]) -> int:
    """Of a table in which nothing but long names of rows is folded: three characters part two columns."""
    widths = [_name_width(table), *(max(cell_len(heads[k]), _figures(table, k)) for k in columns)]
    return sum(width + 3 for width in widths) + 1


def _figures(table: Table, column: int) -> int:
    return max((cell_len(cells[column].text) for _, cells in table.rows), default=0)


def _name_width(table: Table) -> int:
    return min(max(cell_len(name) for name in (table.columns[0], *(name for name, _ in table.rows))), _FOLDED_NAME)
