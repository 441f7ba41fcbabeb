"""Exact search against others over a grid of sizes, as lines of JSON and a table.

Measures the cells that RESULTS lacks, one line each, until --seconds have passed: run it again to go on. In each round
every path takes its turn at each of --levels, after a call that is not timed (others' threads may still spin); medians
over the rounds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from conftest import commit
from data import noise, unit_vectors
from exact_peers import Search, installed

import hcbir

ROUNDS, BURST, BUDGET = 5, 0.02, 3.0  # rounds; seconds of one turn; of all rounds of a path, if that makes >= 3
REST = 0.02  # seconds before each turn, as in conftest.py
MOST_BYTES = 4 << 30  # of a database: others hold a copy
MOST_FLOPS = 4e12  # of a search: 20 s
PATHS = ("search", "ExactIndex")


class Cell(NamedTuple):
    rows: int
    dim: int
    queries: int
    k: int
    data: str = "clustered"


GRID = [
    Cell(n, d, q, k)
    for n, d, q, k in itertools.product(
        (1000, 100_000, 1_000_000), (32, 128, 512, 2048), (1, 8, 100, 1000), (1, 10, 100, 1000)
    )
]
GOALS = [
    Cell(n, d, q, k, data)
    for data in ("clustered", "noise")
    for n, d, q, k in [
        (1_000_000, 128, 1, 100),
        (1_000_000, 128, 1000, 100),
        (1_000_000, 256, 1, 100),
        (1_000_000, 256, 16, 100),
        (1_000_000, 256, 1000, 100),
        (12_952, 2048, 681, 100),
        (12_952, 2048, 681, 12_952),
    ]
]


def too_large(cell: Cell) -> bool:
    return cell.rows * cell.dim * 4 > MOST_BYTES or 2.0 * cell.rows * cell.dim * cell.queries > MOST_FLOPS


def level_of(name: str) -> AbstractContextManager[None]:
    """Of a path of ours, "search@avx2"."""
    return hcbir.use_isa(name.partition("@")[2]) if "@" in name else nullcontext()


def medians(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of a call of each, in turns; each has been called before."""
    first = {}
    for name, call in calls.items():
        with level_of(name):
            start = time.perf_counter()
            call()
            first[name] = time.perf_counter() - start
    times: dict[str, list[float]] = {name: [] for name in calls}
    rounds = max(3, min(ROUNDS, int(BUDGET / max(first.values()))))
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(REST)
            with level_of(name):
                if first[name] < BURST:
                    call()
                turn = time.perf_counter()
                while True:
                    start = time.perf_counter()
                    call()
                    times[name].append(time.perf_counter() - start)
                    if time.perf_counter() - turn > BURST:
                        break
    return {name: round(statistics.median(values) * 1e3, 4) for name, values in times.items()}


def measure(cells: Iterable[Cell], seconds: float, peers: list[str], levels: list[str]) -> Iterable[dict]:
    """Cells of one database after another; each peer's copy is made once a database."""
    end = time.perf_counter() + seconds
    for (data, rows, dim), group in itertools.groupby(cells, lambda c: (c.data, c.rows, c.dim)):
        if time.perf_counter() > end:
            return
        make = unit_vectors if data == "clustered" else noise
        database = make(rows, dim)
        indexes = {}
        for level in levels:
            with hcbir.use_isa(level):
                indexes[level] = hcbir.ExactIndex(database)
        prepared: dict[str, Search] = {}
        for cell in sorted(group, key=lambda c: (c.k, c.queries)):
            if time.perf_counter() > end:
                return
            queries, k = make(cell.queries, dim, seed=1), cell.k
            asked = None if k == rows else k
            calls: dict[str, Callable[[], Any]] = {}
            for level, index in indexes.items():
                calls[f"search@{level}"] = partial(hcbir.search, queries, database, asked)
                calls[f"ExactIndex@{level}"] = partial(index.search, queries, asked)
            for name, prepare in installed().items():
                if name in peers:
                    prepared[name] = prepared.get(name) or prepare(database)
                    calls[name] = partial(prepared[name], queries, k)
            answers = {}
            for name, call in calls.items():
                with level_of(name):
                    answers[name] = call().indices if "@" in name else call()
            found = answers[f"search@{levels[0]}"]
            same = {name: float(np.mean(answer == found)) for name, answer in answers.items()}
            # Theirs are float sums: near ties may swap.
            assert all(share == 1 if "@" in name else share > 0.98 for name, share in same.items()), same
            yield {
                **cell._asdict(),
                "ms": medians(calls),
                "threads": hcbir.default_num_threads(),
                "commit": commit(),
            }


def ratio(result: dict, level: str) -> tuple[float, str, str]:
    """Of the fastest peer's time to that of our fastest path at the level, and the two."""
    ms = result["ms"]
    ours = min((path for path in ms if path.endswith("@" + level)), key=ms.get)
    peer = min((path for path in ms if "@" not in path), key=ms.get)
    return ms[peer] / ms[ours], ours, peer


def table(results: list[dict], level: str) -> str:
    """A line a database and number of queries, a column a k; `i` marks ExactIndex, letters the fastest peer."""
    results = [result for result in results if f"search@{level}" in result["ms"]]
    by_cell = {tuple(r[name] for name in Cell._fields): r for r in results}
    ks = sorted({r["k"] for r in results})
    lines = [
        f"Level {level}:\n",
        "| rows | dim | queries |" + "".join(f" k = {k} |" for k in ks),
        "| --- " * (3 + len(ks)) + "|",
    ]
    for rows, dim, queries in sorted({(c[0], c[1], c[2]) for c in by_cell}):
        texts = []
        for k in ks:
            result = by_cell.get((rows, dim, queries, k, "clustered"))
            if result:
                value, ours, peer = ratio(result, level)
                texts.append(
                    f"{value:.2f} {'i' if ours.startswith('ExactIndex') else ''}{peer[0]} ({result['ms'][ours]:.3g})"
                )
            else:
                texts.append("")
        lines.append(f"| {rows:,} | {dim} | {queries} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument(
        "--goals", action="store_true", help="the sizes of the goals, on clusters and noise, in place of the grid"
    )
    parser.add_argument("--peers", default="FAISS,ScaNN,torch", help="of " + ", ".join(installed()))
    parser.add_argument("--levels", default=hcbir.isa(), help="of " + ", ".join(hcbir.available_isas()))
    parser.add_argument("--rows", type=int, help="only databases of this size")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--table", type=Path, help="writes the ratios found so far, as Markdown")
    options = parser.parse_args()
    levels = options.levels.split(",")
    known = [json.loads(line) for line in options.results.read_text().splitlines()] if options.results.exists() else []
    done = {tuple(result[name] for name in Cell._fields) for result in known}
    cells = [
        c for c in (GOALS if options.goals else GRID) if c.k <= c.rows and not too_large(c) and tuple(c) not in done
    ]
    if options.rows:
        cells = [c for c in cells if c.rows == options.rows]
    with options.results.open("a") as file:
        for result in measure(cells, options.seconds, options.peers.split(","), levels):
            file.write(json.dumps(result) + "\n")
            file.flush()
            known.append(result)
            ratios = ["{1} {0:.2f}x {2}".format(*ratio(result, level)) for level in levels]
            print(*(result[name] for name in Cell._fields), result["ms"], *ratios, flush=True)
    if options.table:
        options.table.write_text("\n".join(table(known, level) for level in levels))


if __name__ == "__main__":
    main()
