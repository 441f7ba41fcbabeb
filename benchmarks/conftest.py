"""Benchmarks against peers: every round runs each peer and then hcbir, so that all meet the same machine."""

from __future__ import annotations

import importlib.metadata
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

import hcbir

ROUNDS = 5
REST = 0.02  # seconds before each turn: OpenMP's threads spin for milliseconds after a call, on CPUs of the next
PACKAGES = ("hcbir", "numpy", "faiss-cpu", "opencv-python-headless", "onnxruntime", "torch")


class Against(Protocol):
    def __call__(self, ours: Callable[[], Any], peers: Mapping[str, Callable[[], Any]], **shape: object) -> None: ...


@pytest.fixture
def against(benchmark: Any) -> Against:
    """Times `ours` and every peer in turn, and records each peer's median and the ratio to ours."""

    def run(ours: Callable[[], Any], peers: Mapping[str, Callable[[], Any]], **shape: object) -> None:
        threads = shape.pop("threads", hcbir.default_num_threads())
        seconds: dict[str, list[float]] = {name: [] for name in peers}

        def rest(call: Callable[[], Any]) -> None:
            """A call of less than a rest is made once more, untimed: one of a stream of calls finds all awake."""
            time.sleep(REST)
            if expected[call] < REST:
                call()

        def seconds_of(call: Callable[[], Any]) -> float:
            start = time.perf_counter()
            call()
            return time.perf_counter() - start

        def time_peers() -> None:
            for name, peer in peers.items():
                rest(peer)
                seconds[name].append(seconds_of(peer))
            rest(ours)

        expected = {call: seconds_of(call) for call in (ours, *peers.values())}

        benchmark.pedantic(ours, setup=time_peers, rounds=ROUNDS, warmup_rounds=1)
        own = benchmark.stats.stats.median
        medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
        benchmark.extra_info.update(
            shape,
            isa=hcbir.isa(),
            threads=threads,
            commit=commit(),
            versions={name: version(name) for name in PACKAGES},
            peer_ms={name: round(median * 1e3, 3) for name, median in medians.items()},
            ratio={name: round(median / own, 2) for name, median in medians.items()},
        )
        ratios = ", ".join(f"{name} {median * 1e3:.1f} ms = {median / own:.2f}x" for name, median in medians.items())
        described = " ".join(f"{key}={value}" for key, value in shape.items())
        print(f"\n{described} [{hcbir.isa()}, threads={threads}]: hcbir {own * 1e3:.1f} ms; {ratios}")

    return run


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
