"""`hcbir info` and `hcbir demo`."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

import hcbir
from hcbir.cli.console import command, print_json, progress_bars
from hcbir.cli.evaluation import print_evaluation
from hcbir.cli.providers import describe_runtime
from hcbir.study.demo import run_demo


def register(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(info)


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make or to renew.")] = Path(
        "hcbir-demo"
    ),
) -> None:
    """Try it all without any photograph: make a small collection, index, search, verify, evaluate, draw.

    Example: [bold]hcbir demo[/bold]
    """
    with progress_bars() as progress:
        result = run_demo(output, progress=progress)
    print_evaluation(result.evaluation)
    typer.echo(f"pictures   {result.rankings_picture}\n           {result.matches_picture}")
    typer.echo(f"report     {result.report}")
    typer.echo(f"collection {result.collection}")
    typer.echo(f"took {result.seconds:.0f} s; try next:")
    typer.echo(f"  {command('search', result.collection, result.example, '--verify')}")
    typer.echo("  hcbir index YOUR_PHOTOS/ -o photos.hcbir")
    typer.echo("  hcbir evaluate YOUR_PHOTOS/    (one sub-folder a class)")


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Show what this installation can use and what it would use.

    Example: [bold]hcbir info[/bold]
    """
    level = "HCBIR_ISA" if os.environ.get("HCBIR_ISA") else "the best this CPU can run"
    threads = "HCBIR_NUM_THREADS" if os.environ.get("HCBIR_NUM_THREADS") else "the CPUs this process may use"
    facts = {
        "hcbir": hcbir.__version__,
        "Python": platform.python_version(),
        "instruction levels": ", ".join(hcbir.available_isas()),
        "level in use": f"{hcbir.isa()} ({level})",
        "threads": f"{hcbir.default_num_threads()} ({threads})",
        **describe_runtime(),
        **{package: _version_of(package) for package in ("numpy", "Pillow", "opencv-python-headless")},
    }
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        typer.echo(f"{name:<24}{value}")


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
