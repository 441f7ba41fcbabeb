"""mAP straight from scores, against a sort, counting without one, and evaluation libraries where they are installed.

The libraries are given a few of the queries and as many to ours of their own: `queries` says how many.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from conftest import Against

import hcbir

Scores = np.ndarray
Positives = list[np.ndarray]


@cache
def case(num_queries: int, num_images: int, num_positives: int) -> tuple[Scores, Positives]:
    """Normal scores, a positive's three deviations higher; no two of a query are equal: peers order ties otherwise."""
    rng = np.random.default_rng(0)
    scores = np.empty((num_queries, num_images), np.float32)
    positives = []
    for row in scores:
        values = rng.standard_normal(num_images)
        row_positives = rng.choice(num_images, max(1, rng.poisson(num_positives)), replace=False)
        values[row_positives] += 3
        row[np.argsort(values)] = np.arange(num_images, dtype=np.float32)
        positives.append(row_positives)
    return scores, positives


def average_precision(ranks: np.ndarray) -> float:
    """By trapezia, of the ascending ranks of all positives; a loop, as in revisitop's compute_ap."""
    ap = 0.0
    for j, rank in enumerate(ranks):
        before = 1.0 if rank == 0 else j / rank
        ap += (before + (j + 1) / (rank + 1)) / 2
    return ap / len(ranks)


def argsort_map(scores: Scores, positives: Positives) -> float:
    """revisitop's compute_map."""
    rankings = np.argsort(-scores, axis=1)
    places = np.arange(scores.shape[1])
    return float(np.mean([average_precision(places[np.isin(r, p)]) for r, p in zip(rankings, positives, strict=True)]))


def counting_map(scores: Scores, positives: Positives) -> float:
    """No sort: a positive's rank is the number of scores above it."""
    ap = []
    for row, wanted in zip(scores, positives, strict=True):
        bars = np.sort(row[wanted])
        places = np.bincount(np.searchsorted(bars, row, side="left"), minlength=len(bars) + 1)
        ap.append(average_precision(np.cumsum(places[:0:-1])))
    return float(np.mean(ap))


def torchmetrics_map(scores: Scores, positives: Positives) -> float:
    torch = pytest.importorskip("torch")
    retrieval = pytest.importorskip("torchmetrics.retrieval")
    relevant = torch.zeros(scores.shape, dtype=torch.bool)
    for row, wanted in zip(relevant, positives, strict=True):
        row[torch.from_numpy(wanted)] = True
    query = torch.arange(len(scores))[:, None].expand(scores.shape)
    metric = retrieval.RetrievalMAP()
    return float(metric(torch.from_numpy(scores).flatten(), relevant.flatten(), indexes=query.flatten()))


def run_and_qrels(scores: Scores, positives: Positives) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [str(i) for i in range(scores.shape[1])]
    run = {str(q): dict(zip(names, row, strict=True)) for q, row in enumerate(scores.tolist())}
    return run, {str(q): {names[i]: 1 for i in wanted} for q, wanted in enumerate(positives)}


def pytrec_map(scores: Scores, positives: Positives) -> float:
    run, qrels = run_and_qrels(scores, positives)
    results = pytest.importorskip("pytrec_eval").RelevanceEvaluator(qrels, {"map"}).evaluate(run)
    return float(np.mean([result["map"] for result in results.values()]))


def ranx_map(scores: Scores, positives: Positives) -> float:
    ranx = pytest.importorskip("ranx")
    run, qrels = run_and_qrels(scores, positives)
    return float(ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), "map"))


CASES = [pytest.param((681, 12_952, 17), id="681x12952"), pytest.param((70, 1_000_000, 50), id="70x1000000")]
NUMPY = {"numpy argsort, as revisitop": argsort_map, "numpy counting": counting_map}
LIBRARIES = {"torchmetrics": torchmetrics_map, "pytrec_eval": pytrec_map, "ranx": ranx_map}


@pytest.mark.parametrize("shape", CASES)
@pytest.mark.parametrize("threads", [1, 2])
def test_from_scores(against: Against, shape: tuple[int, int, int], threads: int) -> None:
    scores, positives = case(*shape)

    def ours() -> float:
        return hcbir.mean_average_precision_from_scores(scores, positives, num_threads=threads).mean_ap

    # The sort of 70 million scores is left to the libraries' test.
    peers = {name: peer for name, peer in NUMPY.items() if shape[1] < 10**6 or peer is counting_map}
    for name, peer in peers.items():
        assert ours() == pytest.approx(peer(scores, positives), abs=1e-9), name
    timed: dict[str, Callable[[], Any]] = {
        name: lambda peer=peer: peer(scores, positives) for name, peer in peers.items()
    }
    against(ours, timed, queries=shape[0], rows=shape[1], positives=shape[2], threads=threads)


@pytest.mark.filterwarnings("ignore:unsafe cast")  # in ranx's compiled code
@pytest.mark.parametrize(
    "shape", [pytest.param((20, 12_952, 17), id="20x12952"), pytest.param((1, 10**6, 50), id="1x1000000")]
)
def test_from_scores_against_libraries(against: Against, shape: tuple[int, int, int]) -> None:
    scores, positives = case(*shape)

    def ours() -> float:
        return hcbir.mean_average_precision_from_scores(
            scores, positives, interpolation="rectangle", num_threads=1
        ).mean_ap

    for name, peer in LIBRARIES.items():
        assert ours() == pytest.approx(peer(scores, positives), abs=1e-6), name
    timed: dict[str, Callable[[], Any]] = {"numpy argsort, as revisitop": lambda: argsort_map(scores, positives)}
    timed |= {name: lambda peer=peer: peer(scores, positives) for name, peer in LIBRARIES.items()}
    against(ours, timed, queries=shape[0], rows=shape[1], positives=shape[2], threads=1)
