"""What the commands share: messages and progress on standard error, the result alone on standard output."""

from __future__ import annotations

import json
import math
import re
import shlex
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from hcbir import FormatError
from hcbir.descriptors import BUILT_IN


class Provider(StrEnum):
    """Where networks run."""

    auto = "auto"
    cuda = "cuda"
    cpu = "cpu"


ProviderOption = Annotated[
    Provider, typer.Option(help="Where networks run; auto: CUDA where it works, else the CPU (see hcbir info).")
]

RuntimeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--provider-option",
        metavar="KEY=VALUE",
        help="Of ONNX Runtime's CUDA provider, such as device_id=1 or gpu_mem_limit=8589934592; may be repeated.",
    ),
]

DescriptorsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--descriptor",
        help="vlad (default), sift, orb, NETWORK.onnx or NETWORK.onnx:gem, :mac, :spoc, :rmac; may be repeated.",
    ),
]

BoundOption = Annotated[float, typer.Option(metavar="LOG10", help="Only what has a log10_nfa below this is no chance.")]
ReducedOption = Annotated[
    bool,
    typer.Option(
        "--reduced-decoding",
        help="Decode large JPEGs at 1/2, 1/4 or 1/8 of their size: faster, descriptors differ a little.",
    ),
]

SMALLEST_SIZE = 32
"""In pixels: descriptors say nothing of smaller images."""

EXTRA_OF = {"torch": "export", "onnx": "export", "onnxscript": "export", "scipy": "study", "matplotlib": "study"}

stderr = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)  # ":gem:" is no picture


def say(message: str) -> None:
    """One line on standard error."""
    stderr.print(message, markup=False)


def command(*words: object) -> str:
    """A command line as it is to be typed: names with spaces stand in quotes."""
    return shlex.join(["hcbir", *map(str, words)])


def complain(error: Exception) -> int:
    """One line about an error; returns the exit status."""
    status = 2
    if hasattr(error, "format_message"):  # a usage error of typer's, whose base class it does not export
        message = error.format_message()
        if not message:  # no command was given: typer has printed the help
            return status
    elif isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        extra = f'"hcbir[{EXTRA_OF[package]}]"' if package in EXTRA_OF else '"hcbir[cpu]" (or "hcbir[gpu]")'
        message = f"this needs {error.name}: pip install {extra}"
    elif isinstance(error, OSError) and error.filename is not None and error.strerror:
        message = f"{error.filename}: {_uncapitalised(error.strerror)}"
    elif isinstance(error, OSError) and error.strerror:
        message = _uncapitalised(error.strerror)
    elif isinstance(error, (ValueError, TypeError, OSError, RuntimeError, FormatError, sqlite3.Error)):
        message = str(error)
    elif isinstance(error, MemoryError):
        message = "not enough memory"
    else:
        message = f"{type(error).__name__}: {error} (unexpected; hcbir --debug shows where)"
        status = 1
    say("error: " + re.sub(r"\s*\n\s*", "; ", message.strip()))
    return status


def runtime(provider: Provider, options: list[str] | None) -> dict[str, Any]:
    """What `Collection.open` and `evaluate_dataset` take: where networks run."""
    pairs = [option.partition("=") for option in options or []]
    for key, equals, value in pairs:
        if not (key and equals and value):
            raise ValueError(f"--provider-option must be KEY=VALUE, got {key + equals + value!r}")
    return {"provider": provider.value, "provider_options": {key: value for key, _, value in pairs}}


def tell_without_network(provider: Provider, options: list[str] | None, descriptors: Iterable[str]) -> None:
    """Says so where it was asked how networks run, and there is none."""
    if (options or provider is not Provider.auto) and all(name in BUILT_IN for name in descriptors):
        what = "--provider" if provider is not Provider.auto else "--provider-option"
        say(f"{what} changes nothing: there is no network among {', '.join(descriptors)}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says that the path cannot be written where the system refuses it."""
    try:
        yield
    except OSError as error:
        if error.strerror is None:
            raise
        raise ValueError(f"cannot write {path}: {_uncapitalised(error.strerror)}") from error


def require_writable(path: Path) -> None:
    """Refuses, before the work, a file that could not be written after it."""
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder")
    with writing(path), tempfile.TemporaryFile(dir=path.absolute().parent):
        pass


def spare(output: Path, *inputs: Path) -> None:
    """Refuses an output that would take the place of an input, by whatever name."""
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ValueError(f"cannot write {output}: it is what is read; name another file with -o")


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def finite_or_none(value: float) -> float | None:
    """JSON has no infinity."""
    return float(value) if math.isfinite(value) else None


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def tell_skipped(messages: Iterable[str], *, most: int = 20) -> None:
    """One line for each image that could not be read, and their count."""
    lines = list(messages)
    for line in lines[:most]:
        say(f"skipped: {line}")
    if lines:
        more = f" ({len(lines) - most} not shown)" if len(lines) > most else ""
        say(f"{len(lines)} image{'s' if len(lines) > 1 else ''} skipped{more}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Gives progress(what, done, total): a bar for each `what`, or a line if standard error is no terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
                if not stderr.is_terminal:
                    say(f"{what}: {total}")
            bars.update(tasks[what], completed=done, total=total)

        yield progress
