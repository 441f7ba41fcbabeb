"""Ctrl-C on the command line: the first ends the command in order, another at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from types import FrameType

INTERRUPTED = 130
"""Exit status after Ctrl-C; typer gives it too."""

PATIENCE = 1.0
"""Seconds in which another Ctrl-C is taken for the same: `timeout` and many a finger send two."""


def interrupt_once() -> None:
    """From now on the first Ctrl-C raises KeyboardInterrupt, and those that follow do not raise again.

    An exception while threads and processes are being ended would leave them behind: a thread that meets a Python
    that is shutting down ends the process with `terminate`, and a process is waited for without end. Who presses
    Ctrl-C again later than `PATIENCE` seconds gets out at once; files are written whole or not at all, so nothing
    else is lost.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # ignored, as in the background of a shell, or somebody else's
    first = 0.0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if not first:
            first = time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - first > PATIENCE:
            _leave()

    signal.signal(signal.SIGINT, handle)


def _leave() -> None:
    for process in multiprocessing.active_children():
        process.kill()
    sys.stderr.write("interrupted, at once\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)
