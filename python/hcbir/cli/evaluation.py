"""`hcbir evaluate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hcbir.cli.console import (
    SMALLEST_SIZE,
    DescriptorsOption,
    Provider,
    ProviderOption,
    ReducedOption,
    RuntimeOption,
    print_json,
    progress_bars,
    runtime,
    say,
    tell_skipped,
    tell_without_network,
)
from hcbir.cli.tables import print_table
from hcbir.study.datasets import load_dataset
from hcbir.study.evaluation import DescriptorEvaluation, Evaluation, evaluate_dataset, precision_table


class Interpolation(StrEnum):
    """Flavours of average precision."""

    trapezoid = "trapezoid"
    rectangle = "rectangle"


def register(app: typer.Typer) -> None:
    app.command()(evaluate)


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="A folder with one sub-folder a class, or a CSV path,class.")],
    descriptor: DescriptorsOption = None,
    size: Annotated[
        int | None,
        typer.Option(min=SMALLEST_SIZE, help="Longest side in pixels, never enlarged; default: each descriptor's own."),
    ] = None,
    ap: Annotated[Interpolation, typer.Option(help="Kind of average precision.")] = (Interpolation.trapezoid),
    verify: Annotated[
        str | None, typer.Option(metavar="NAME", help="Re-rank the best 100 by this local descriptor (sift, orb).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
    reduced_decoding: ReducedOption = False,
    provider: ProviderOption = Provider.auto,
    provider_option: RuntimeOption = None,
) -> None:
    """Measure how well descriptors find the images of each class: mean average precision (mAP).

    Every labelled image is a query, left out of its own ranking. Images in the sub-folder _distractors, or without a
    class in the CSV, belong to no class. Local descriptors rank by inlier counts of every pair: slow on large sets.
    Equal counts, of which there are many, follow a hash of the images' content: the order of the files, which often
    tells the classes, says nothing.

    Example: [bold]hcbir evaluate photos/ --descriptor vlad --verify sift[/bold]
    """
    names = descriptor or ["vlad"]
    tell_without_network(provider, provider_option, [*names, *([verify] if verify else [])])
    with progress_bars() as progress:
        result = evaluate_dataset(
            load_dataset(dataset),
            names,
            image_size=size,
            interpolation=ap.value,
            verify=verify,
            progress=progress,
            reduced_decoding=reduced_decoding,
            **runtime(provider, provider_option),
        )
    tell_skipped(result.skipped)
    for name in [name for name in result.descriptors if verify and name not in result.verified]:
        say(f"{name} is local and ranks by agreeing features already: --verify does not re-rank it")
    if as_json:
        print_json(as_plain(result, size))
        return
    print_evaluation(result)


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


def print_evaluation(result: Evaluation) -> None:
    """mAP per class and over all queries, a column for each descriptor."""
    print_table(precision_table(result))
    say(f"mAP, {result.interpolation} average precision; a query is left out of its own ranking")
    say(f"{len(result.images)} images, {result.labels.count(None)} of them distractors")
    if result.single_image_classes:
        say(f"no mAP for classes of one image: {', '.join(result.single_image_classes)}")
