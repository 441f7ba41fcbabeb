"""`hcbir calibrate`."""

from __future__ import annotations

from math import floor
from pathlib import Path
from typing import Annotated

import typer

from hcbir._explanation import MAX_LOG10_NFA
from hcbir.cli.console import command, print_json, progress_bars, say
from hcbir.collection import Collection

RATES = (0.1, 0.01, 0.001, 0.0001)
RATE = 0.001
"""For which a bound is advised."""
NUM_SHOWN = 5


def register(app: typer.Typer) -> None:
    app.command()(calibrate)


def calibrate(
    collection: Annotated[Path, typer.Argument(help="Made by hcbir index, with a local descriptor.")],
    descriptor: Annotated[str | None, typer.Option(help="Which of the collection's local descriptors.")] = None,
    by_folder: Annotated[
        bool, typer.Option("--by-folder", help="Images of one folder may show the same, and are not compared.")
    ] = False,
    images: Annotated[int, typer.Option(min=2, help="At most so many images are compared, drawn at random.")] = 300,
    pairs: Annotated[int, typer.Option(min=1, help="At most so many pairs of them.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Measure how often images that show different things agree, and what bound holds them off.

    hcbir search --verify takes matches for chance that points placed at random would make as often as once in 10^10
    pairs (log10_nfa of -10 and above). Features of networks agree more often than that, since they sit on the same kind
    of structure. This compares pairs of images drawn from the collection as search --verify does, and prints the values
    of log10_nfa below which one pair in ten lies, one in a hundred, and so on.

    The pairs should show different things. Among many places two images drawn at random nearly always do; where each
    folder holds one place, say --by-folder. Pairs that show the same make the bounds stricter than they should be.

    Example: [bold]hcbir calibrate photos.hcbir --by-folder[/bold]
    """
    with Collection.open(collection) as opened:
        paths = opened.images()
        if len(paths) < 2:
            raise ValueError(f"{collection} must hold two images at least, it holds {len(paths)}")
        if by_folder and len({path.parent for path in paths}) == 1:
            raise ValueError("all images lie in one folder: leave out --by-folder, or index one folder a place")
        with progress_bars() as progress:
            null = opened.null_distribution(
                descriptor,
                [path.parent for path in paths] if by_folder else None,
                num_images=images,
                num_pairs=pairs,
                seed=seed,
                progress=lambda done, total: progress("compare pairs", done, total),
            )
        kinds = opened.descriptors
    count = len(null.log10_nfa)
    bounds = {rate: null.bound(rate) for rate in RATES if rate * (1 + count) >= 1}
    if not bounds:
        raise ValueError(f"{count} pairs are too few to tell: 9 are needed for one in ten, 999 for one in a thousand")
    alike = [
        (float(value), [str(paths[image]) for image in pair])
        for value, pair in zip(null.log10_nfa[:NUM_SHOWN], null.pairs[:NUM_SHOWN], strict=True)
        if value < 0
    ]
    if as_json:
        of_rates = [{"rate": rate, "max_log10_nfa": bound} for rate, bound in bounds.items()]
        most_alike = [{"log10_nfa": value, "paths": names} for value, names in alike]
        print_json({"pairs": count, "bounds": of_rates, "most_alike": most_alike})
        return
    typer.echo(f"log10_nfa of {count} pairs of images, none of which should show the same:")
    for rate, bound in bounds.items():
        typer.echo(f"  at most one in {round(1 / rate):<6} is below {_rounded_down(bound):g}")
    if alike:
        typer.echo("the most alike of them (if they show the same, the bounds are too strict):")
    for value, names in alike:
        typer.echo(f"  {value:>8.1f}  {'  '.join(names)}")
    if RATE not in bounds:
        say("999 pairs are needed to tell of one in 1000")
    elif bounds[RATE] >= MAX_LOG10_NFA:
        say(f"the bound that is taken by default, {MAX_LOG10_NFA:g}, passes fewer than one in 1000 already")
    elif set(kinds.values()) == {"local"}:
        say("there is nothing to set: what ranks by a local descriptor alone tells counts as they are")
    elif descriptor in (None, next(name for name, kind in kinds.items() if kind == "local")):
        asked = ["--verify", "--max-log10-nfa", str(_rounded_down(bounds[RATE]))]
        say(f"so that fewer than one in 1000 passes: {command('search', collection, 'QUERY.jpg', *asked)}")
    else:
        say(f"in Python: search(query, verify={descriptor!r}, max_log10_nfa={_rounded_down(bounds[RATE])})")


def _rounded_down(bound: float) -> float:
    return floor(10 * bound) / 10
