"""`hcbir study` and `hcbir annotate`."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from hcbir.cli.console import (
    Provider,
    ProviderOption,
    ReducedOption,
    RuntimeOption,
    command,
    print_json,
    progress_bars,
    runtime,
    say,
    spare,
    tell_skipped,
    writing,
)
from hcbir.cli.tables import print_table

CONFIG = Path("study.toml")
HELP = (
    "How descriptors bear the variations of a collection.\n\nBegin with [bold]hcbir study init[/bold], which writes a "
    "file to fill in, then [bold]hcbir study run[/bold]. Without annotated images, [bold]hcbir study synthesize[/bold] "
    "draws some."
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help=HELP)
    group.command()(init)
    group.command()(run)
    group.command()(compare)
    group.command()(synthesize)
    app.add_typer(group, name="study")
    app.command()(annotate)


def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a study.toml that explains itself.

    Example: [bold]hcbir study init[/bold]
    """
    if path.exists() and not force:
        raise ValueError(f"{path} is there already; --force writes over it")
    with writing(path):
        path.write_text(files("hcbir.study").joinpath("templates/study.toml").read_text("utf-8"), "utf-8")
    say(f"{path}: set the dataset and the descriptors, then: {command('study', 'run', '--config', path)}")


def run(
    config: Annotated[Path, typer.Option(help="What to study; hcbir study init writes one.")] = CONFIG,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The folder of the results; default: what the file says, else FILE-results."
        ),
    ] = None,
    local: Annotated[
        str | None,
        typer.Option(
            metavar="exhaustive|index|both",
            help="Images whose matches with a query are counted, by local descriptors: all, those that an index finds, "
            "or both ways, with a table of the difference; default: what the file says.",
        ),
    ] = None,
    reduced_decoding: ReducedOption = False,
    as_json: JsonOption = False,
    provider: ProviderOption = Provider.auto,
    provider_option: RuntimeOption = None,
) -> None:
    """Describe, rank and evaluate; write the paper's tables and figures and a report.

    The output folder gets report.html, which opens in any browser, study.json with every number, tables/ (CSV, LaTeX,
    Markdown) and figures/ (PNG, SVG). In cache/ there it keeps what was computed: after Ctrl-C, or with another
    descriptor in the file, the same command goes on where it stopped.

    HCBIR_NUM_THREADS sets how many threads work, by default one a CPU; the figures do not depend on it.

    Example: [bold]hcbir study run --config study.toml[/bold]
    """
    from dataclasses import replace

    from hcbir.study.config import check_local, load_config
    from hcbir.study.output import as_plain
    from hcbir.study.paper_tables import make_tables
    from hcbir.study.runner import run as run_study

    if not config.exists():
        raise ValueError(f"{config}: no such file; hcbir study init writes one")
    study = load_config(config)
    if output is not None:
        study = replace(study, output=output.absolute())
    if local is not None:
        study = replace(study, protocol=replace(study.protocol, local=check_local(local)))
    if reduced_decoding:
        study = replace(study, protocol=replace(study.protocol, reduced_decoding=True))
    start = time.perf_counter()
    with progress_bars() as progress:
        result = run_study(study, progress=progress, **runtime(provider, provider_option))
    seconds = time.perf_counter() - start
    tell_skipped(result.skipped)
    tables = make_tables(result)
    if as_json:
        print_json(as_plain(result, tables))
    else:
        for table in tables:
            print_table(table, titled=True)
    say(f"report: {study.output / 'report.html'} ({seconds:.0f} s; tables and figures beside it)")


def compare(
    first: Annotated[Path, typer.Argument(help="The output folder of a run, or its study.json.")],
    second: Annotated[Path, typer.Argument(help="That of another.")],
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of the bootstrap and of the randomisation test.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of both.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Put two runs side by side: is the difference more than chance?

    Descriptors are paired by label and queries by path within the dataset; for each descriptor that both runs have,
    prints both mAPs, the mean difference over the queries, its confidence interval and p, and in what the protocols
    differ.

    Example: [bold]hcbir study compare before-results/ after-results/[/bold]
    """
    from hcbir.study.comparison import compare_runs

    table = compare_runs(first, second, num_resamples=resamples, seed=seed)
    if as_json:
        print_json({"figures": list(table.records), "notes": list(table.notes)})
    else:
        print_table(table, titled=True)


def synthesize(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make, or to go on with.")],
    classes: Annotated[int, typer.Option(min=1, help="Number of places, each a class.")] = 39,
    images: Annotated[int, typer.Option(min=1, help="Labelled images, of all classes together.")] = 681,
    distractors: Annotated[int, typer.Option(min=0, help="Images of other places of the same kinds, besides.")] = 2000,
    size: Annotated[int, typer.Option(min=64, help="Longest side, in pixels.")] = 640,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other places.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that draw.", show_default="one a CPU")] = None,
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Write pages of small pictures too.")] = False,
) -> None:
    """Make a synthetic collection whose annotations are exact: places under the paper's eleven variations.

    Writes the images, dataset.csv for `hcbir study run` and `hcbir annotate`, and annotations.csv with all that is
    known of each image, its camera included. After Ctrl-C the same command goes on where it stopped.

    Example: [bold]hcbir study synthesize -o synthetic/ --contact-sheet[/bold]
    """
    import hcbir
    from hcbir.study.synthetic import DATASET, make_collection

    with progress_bars() as progress:
        made = make_collection(
            output,
            num_classes=classes,
            num_images=images,
            num_distractors=distractors,
            longest_side=size,
            seed=seed,
            workers=workers or hcbir.default_num_threads(),
            progress=lambda done, total: progress("make images", done, total),
        )
    if contact_sheet:
        from hcbir.study.synthetic.contact_sheet import contact_sheets

        for page in contact_sheets(made, output):
            say(f"{page}")
    say(f"{output / DATASET}: {classes} classes; set it as the dataset of a study: hcbir study init")


def annotate(
    dataset: Annotated[Path, typer.Argument(metavar="CSV", help="path,class and a column for each variation.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The CSV to write; default: standard output.")
    ] = None,
    strong: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="The least strength that counts as strong; default: 2, or 1 for 0/1 flags."),
    ] = None,
) -> None:
    """Score how much each variation bears on each class, from what was noted of its images.

    The CSV has a row an image: path, class (empty for a distractor) and a column for each variation that was noted
    against the reference image of the class, 0 or 1, or 0 (as there) to 3 (very different): scale, illumination,
    orientation, color, representation domain, occlusion, positioning, clutter, undistinctiveness, alterations, time
    changes.

    Scores by the paper's rule: 0 no image is concerned, 1 one shows it strongly or some do weakly, 2 several show it
    strongly, 3 more than a third of the class does. hcbir study run makes them itself from such a CSV; to correct
    them by hand, write them to a file and name it as scores in study.toml.

    Example: [bold]hcbir annotate photos.csv -o scores.csv[/bold]
    """
    from hcbir.study.annotation import annotate as score
    from hcbir.study.annotation import format_scores
    from hcbir.study.datasets import load_dataset

    if output is not None:
        spare(output, dataset)
    text = format_scores(score(load_dataset(dataset), strong=strong))
    if output is None:
        typer.echo(text, nl=False)
        return
    with writing(output):
        output.write_text(text, encoding="utf-8")
    say(f"{output}: to be named as scores in study.toml")
