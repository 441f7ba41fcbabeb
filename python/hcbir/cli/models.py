"""`hcbir models list`, `pull` and `info`: published weights, and what a file of them holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from hcbir.cli.console import print_json, say, stderr

BEGINNINGS = (b"PK", b"\x80", b"MATLAB", b"\x89HDF", b"\x1f\x8b")
"""Of zip (.pth, .npz), pickle (older .pth), .mat of both kinds, .tar.gz; .index and .tar begin with anything."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Published weights of networks: list, pull, info.")
    group.command("list")(list_models)
    group.command()(pull)
    group.command()(info)
    app.add_typer(group, name="models")


def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """List the published weights that hcbir knows, with what their authors report.

    Example: [bold]hcbir models list[/bold]
    """
    from hcbir.models.registry import published_models

    models = published_models()
    if as_json:
        print_json([asdict(model) for model in models.values()])
        return
    width = max(map(len, models))
    for model in models.values():
        typer.echo(f"{model.name:<{width}}  {model.trunk}; {', '.join(model.heads)}; {model.licence}")
        if model.figures:
            figures = ", ".join(f"{benchmark} {percent}" for benchmark, percent in model.figures.items())
            typer.echo(f"{'':<{width}}  mAP as published: {figures}")
        typer.echo(f"{'':<{width}}  {model.url}")
    say("next: hcbir models pull NAME")


def pull(
    name: Annotated[str, typer.Argument(help="As `hcbir models list` shows it.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to put the file into.", show_default="a cache")
    ] = None,
) -> None:
    """Download published weights and verify them; an interrupted download continues where it stopped.

    Example: [bold]hcbir models pull retrievalSfM120k-resnet101-gem[/bold]
    """
    from hcbir.models.download import download
    from hcbir.models.registry import default_folder, find_model

    model = find_model(name)
    path = (output or default_folder()) / model.file_name
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bars:
        task = bars.add_task(name, total=model.size or None)
        sha256 = download(
            model.url,
            path,
            sha256=model.known_hash,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    typer.echo(path)
    if len(model.known_hash) < len(sha256):
        known = f"only {model.known_hash} of its hash" if model.known_hash else "no hash for it"
        say(f"its authors publish {known}; SHA-256 of what came: {sha256}")
    say(f"licence: {model.licence}")
    say(f"next: hcbir export {name} -o {name}.onnx")


def info(
    file: Annotated[Path, typer.Argument(help="A .onnx, or weights: .pth, .mat, .npz, TensorFlow's variables.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Show what a file holds: the recipe, inputs and outputs of a network, or the weights and where they come from.

    Example: [bold]hcbir models info netvlad.onnx[/bold]
    """
    facts = _describe_onnx(file) if file.suffix == ".onnx" else _describe_weights(file)
    if as_json:
        print_json(facts)
        return
    rows = {}
    for key, value in facts.items():
        for name, part in value.items() if isinstance(value, dict) else ((key, value),):
            rows[name if name == key else f"{key}.{name}"] = part if isinstance(part, str) else _words(part)
    width = max(map(len, rows))
    for label, words in rows.items():
        typer.echo(f"{label:<{width}}  {words}")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        is_shape = all(part is None or isinstance(part, int) for part in value)
        return (" x " if is_shape else ", ").join("any" if part is None else str(part) for part in value)
    return str(value)


def _describe_onnx(file: Path) -> dict[str, Any]:
    from hcbir.descriptors.recipes import find_recipe
    from hcbir.descriptors.session import Session

    session = Session(file, provider="cpu")
    recipe = find_recipe(file, session.metadata)
    return {
        "file": str(file),
        "sha256": session.sha256,
        "recipe": {"kind": recipe.kind, **{key: value for key, value in asdict(recipe).items() if value}},
        "input": session.inputs,
        "output": session.outputs,
    }


def _describe_weights(file: Path) -> dict[str, Any]:
    _require_weights(file)

    from hcbir.models.checkpoints.summary import summarise
    from hcbir.models.registry import published_models

    facts = summarise(file)
    known = [
        model
        for model in published_models().values()
        if model.known_hash and facts["sha256"].startswith(model.known_hash)
    ]
    return facts | ({"published as": known[0].name, "licence": known[0].licence} if known else {})


def _require_weights(file: Path) -> None:
    """Refuses what cannot be weights by its beginning, which takes no torch."""
    if not file.exists() and not file.with_name(f"{file.name}.index").exists():  # of TensorFlow's variables
        raise FileNotFoundError(f"{file}: no such file")
    if file.is_file() and file.suffix not in (".index", ".tar"):
        with file.open("rb") as content:
            if not content.read(8).startswith(BEGINNINGS):
                raise ValueError(f"{file}: no weights: expected a .onnx, .pth, .mat, .npz or TensorFlow's variables")
