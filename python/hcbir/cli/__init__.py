"""The command line, thin over the library: one module a group of commands."""

from __future__ import annotations

import inspect
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

import hcbir
from hcbir.cli import calibration, collection, evaluation, export, information, matching, models, study, whiten
from hcbir.cli.console import complain, say
from hcbir.cli.interrupting import INTERRUPTED

app = typer.Typer(
    name="hcbir",
    help="Find the images of a collection that show the same place: photographs old and new, postcards, drawings, "
    "aerial views.\n\nStart with: [bold]hcbir demo[/bold]",
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (collection, calibration, matching, evaluation, study, whiten, models, export, information):
    commands.register(app)


def _flow(group: typer.Typer) -> None:
    """A paragraph of a command's docstring is folded where the terminal ends, not where the source does."""
    for command in group.registered_commands:
        paragraphs = re.split(r"\n\s*\n", inspect.getdoc(command.callback) or "")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _flow(inner.typer_instance)


_flow(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hcbir {hcbir.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and stop.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (or set HCBIR_DEBUG=1).")
    ] = False,
) -> None: ...


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without --debug, which may stand before and after the command, and whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    return [*kept, *arguments[end:]], len(kept) < end


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit status: 0, 2 for bad usage or input, 130 for Ctrl-C, 1 for our own fault."""
    asked, debug = _without_debug(arguments)
    debug = debug or os.environ.get("HCBIR_DEBUG", "0") != "0"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names need not be valid text
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
            status = app(args=asked, prog_name="hcbir", standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - `hcbir ... | head`: nobody reads on, nothing to flush
        return 0
    except Exception as error:
        if debug:
            raise
        return complain(error)
    if status == INTERRUPTED:
        say("interrupted")
    return int(status)
