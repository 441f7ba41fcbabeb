"""`hcbir evaluate`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hcbir.cli.console import (
    Provider,
    ProviderOption,
    RuntimeOption,
    print_json,
    progress_bars,
    runtime,
    say,
    tell_skipped,
)
from hcbir.study.datasets import load_dataset
from hcbir.study.evaluation import DescriptorEvaluation, Evaluation, evaluate_dataset

_FOLDED_CLASS = 24
"""Characters to which the names of classes may be folded."""


class Interpolation(StrEnum):
    """Flavours of average precision."""

    trapezoid = "trapezoid"
    rectangle = "rectangle"


def register(app: typer.Typer) -> None:
    app.command()(evaluate)


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="A folder with one sub-folder a class, or a CSV path,class.")],
    descriptor: Annotated[
        list[str] | None,
        typer.Option(
            help="vlad (default), sift, orb, NETWORK.onnx or NETWORK.onnx:gem, :mac, :spoc, :rmac; may be repeated."
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Longest side in pixels, never enlarged; default: each descriptor's own.")
    ] = None,
    ap: Annotated[Interpolation, typer.Option(help="Kind of average precision.")] = (Interpolation.trapezoid),
    verify: Annotated[
        str | None, typer.Option(metavar="NAME", help="Re-rank the best 100 by this local descriptor (sift, orb).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
    provider: ProviderOption = Provider.auto,
    provider_option: RuntimeOption = None,
) -> None:
    """Measure how well descriptors find the images of each class: mean average precision (mAP).

    Every labelled image is a query, left out of its own ranking. Images in the sub-folder _distractors, or without a
    class in the CSV, belong to no class. Local descriptors rank by inlier counts of every pair: slow on large sets.

    Example: [bold]hcbir evaluate photos/ --descriptor vlad --verify sift[/bold]
    """
    names = descriptor or ["vlad"]
    with progress_bars() as progress:
        result = evaluate_dataset(
            load_dataset(dataset),
            names,
            image_size=size,
            interpolation=ap.value,
            verify=verify,
            progress=progress,
            **runtime(provider, provider_option),
        )
    tell_skipped(result.skipped)
    for name in [name for name in result.descriptors if verify and name not in result.verified]:
        say(f"{name} is local and ranks by agreeing features already: --verify does not re-rank it")
    if as_json:
        print_json(as_plain(result, size))
        return
    print_table(result)


def as_plain(result: Evaluation, image_size: int | None) -> dict[str, Any]:
    """The evaluation as JSON values. A verified descriptor's main figures are those after verification."""
    descriptors = {}
    for name, unverified in result.descriptors.items():
        verified = result.verified.get(name)
        descriptors[name] = _figures(verified or unverified)
        if verified is not None:
            descriptors[name] |= {"verify": result.verify, "unverified": _figures(unverified)}
    return {
        "descriptors": descriptors,
        "images": len(result.images),
        "distractors": sum(label is None for label in result.labels),
        "ap": result.interpolation,
        "size": image_size,
        "query_in_ranking": False,
        "single_image_classes": result.single_image_classes,
        "skipped": result.skipped,
    }


def _figures(evaluation: DescriptorEvaluation) -> dict[str, Any]:
    return {"mAP": evaluation.mean_ap, "queries": evaluation.num_queries, "per_class": evaluation.per_class}


def print_table(result: Evaluation, console: Console | None = None) -> None:
    """mAP per class and over all queries, a column for each descriptor.

    Where the names do not fit, columns are numbered and the names stand below; where the numbers do not, the columns
    go on in another table.
    """
    console = console or Console()
    columns = result.columns
    if _width(result, columns) <= console.width:
        console.print(_table(result, columns))
    else:
        numbered = {str(number): figures for number, figures in enumerate(columns.values(), start=1)}
        heads = list(numbered)
        most = next((n for n in range(len(heads), 1, -1) if _width(result, heads[:n]) <= console.width), 1)
        for first in range(0, len(heads), most):
            console.print(_table(result, {head: numbered[head] for head in heads[first : first + most]}))
        for number, name in zip(numbered, columns, strict=True):
            console.print(Text(f"{number:>3}  {name}"), soft_wrap=True)
    say(f"mAP, {result.interpolation} average precision; a query is left out of its own ranking")
    say(f"{len(result.images)} images, {result.labels.count(None)} of them distractors")
    if result.single_image_classes:
        say(f"no mAP for classes of one image: {', '.join(result.single_image_classes)}")


def _table(result: Evaluation, columns: Mapping[str, DescriptorEvaluation]) -> Table:
    table = Table()
    table.add_column("class", overflow="fold", min_width=_class_width(result))
    table.add_column("images", justify="right", no_wrap=True)
    for head in columns:
        table.add_column(Text(head), justify="right", no_wrap=True)
    for label in result.classes:
        values = [column.per_class.get(label, math.nan) for column in columns.values()]
        cells = ["-" if math.isnan(value) else f"{value:.3f}" for value in values]
        table.add_row(Text(label), str(result.labels.count(label)), *cells)
    table.add_section()
    overall = [f"{column.mean_ap:.3f}" for column in columns.values()]
    table.add_row("all queries", str(len(result.queries)), *overall, style="bold")
    return table


def _width(result: Evaluation, heads: Iterable[str]) -> int:
    """Of a table in which nothing but long names of classes is folded: three characters part two columns."""
    widths = [_class_width(result), len("images"), *(max(cell_len(head), len("0.000")) for head in heads)]
    return sum(width + 3 for width in widths) + 1


def _class_width(result: Evaluation) -> int:
    return min(max(map(cell_len, ("all queries", *result.classes))), _FOLDED_CLASS)
