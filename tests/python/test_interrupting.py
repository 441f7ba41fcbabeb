"""Ctrl-C pressed more than once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hcbir.cli import interrupting

_TWICE = """
import os, signal, sys, time
from hcbir.cli import interrupting
interrupting.PATIENCE = float(sys.argv[1])
interrupting.interrupt_once()
try:
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    finally:
        time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        print("ended in order", flush=True)
except KeyboardInterrupt:
    print("once")
"""


@pytest.mark.parametrize(
    ("patience", "status", "output"), [(60, 0, "ended in order\nonce\n"), (0, interrupting.INTERRUPTED, "")]
)
def test_the_second_is_the_same_or_ends_at_once(patience: float, status: int, output: str) -> None:
    process = subprocess.run([sys.executable, "-c", _TWICE, str(patience)], capture_output=True, text=True, timeout=60)
    assert (process.returncode, process.stdout) == (status, output), process.stderr


def test_what_ignores_it_goes_on_ignoring() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupting.interrupt_once()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_twice_while_processes_work(tmp_path: Path) -> None:
    """As `timeout -s INT` sends it: the processes are ended, what they made is kept."""
    command = ["study", "synthesize", "-o", str(tmp_path), "--classes", "4", "--images", "40", "--size", "64"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hcbir", *command, "--distractors", "0", "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and not list(tmp_path.rglob("*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error.splitlines()[-1]) == (interrupting.INTERRUPTED, "interrupted")
    assert 0 < len(list(tmp_path.rglob("*.jpg"))) < 40
