from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcbir.study.statistics import correlate, paired_difference

stats = pytest.importorskip("scipy.stats", reason='needs scipy: pip install "hcbir[study]"')


def test_pearson_by_its_definition() -> None:
    x, y = np.array([0, 1, 3, 2, 2, 0]), np.array([0.9, 0.8, 0.1, 0.5, 0.4, 0.6])
    dx, dy = x - x.mean(), y - y.mean()
    r = (dx * dy).sum() / math.sqrt((dx**2).sum() * (dy**2).sum())
    found = correlate(x, y)
    assert found.r == pytest.approx(r, abs=1e-14)
    t = r * math.sqrt(4 / (1 - r * r))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), 4), rel=1e-10)
    interval = stats.pearsonr(x, y).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-10)
    assert found.n == 6


def test_spearman_shares_ranks_of_ties() -> None:
    x, y = [1, 2, 2, 3, 0], [0.1, 0.5, 0.4, 0.9, 0.2]
    assert correlate(x, y, rank=True).r == pytest.approx(correlate([2, 3.5, 3.5, 5, 1], [1, 4, 3, 5, 2]).r, abs=1e-14)


def test_the_p_value_is_that_of_permutations() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 4, 39), rng.random(39)
    y = y - 0.12 * x
    found = correlate(x, y)
    as_far = sum(abs(np.corrcoef(x, rng.permutation(y))[0, 1]) >= abs(found.r) for _ in range(4000)) / 4000
    assert found.p == pytest.approx(as_far, abs=0.015)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth, held = 0.6, 0
    for _ in range(600):
        x = rng.standard_normal(39)
        y = truth * x + math.sqrt(1 - truth**2) * rng.standard_normal(39)
        found = correlate(x, y, confidence=0.9)
        held += found.low <= truth <= found.high
    assert held / 600 == pytest.approx(0.9, abs=0.035)


def test_a_perfect_relation() -> None:
    found = correlate([0, 1, 2, 3], [3, 2, 1, 0])
    assert (found.r, found.low, found.high) == (-1, -1, -1)
    assert found.p == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([2, 2, 2, 2], [0.1, 0.2, 0.3, 0.4], "the score is 2 in every class"),
        ([0, 1, 2, 3], [0.5, 0.5, 0.5, 0.5], "mAP is 0.5 in every class"),
        ([0, 1], [0.1, 0.2], "known in 2 classes, a correlation needs 3"),
        ([math.nan, 1, 2], [0.1, 0.2, math.nan], "known in 1 classes, a correlation needs 3"),
    ],
)
def test_no_correlation_has_a_reason(x: list[float], y: list[float], reason: str) -> None:
    found = correlate(x, y)
    assert found.reason == reason
    assert math.isnan(found.r)


def test_unknown_classes_are_left_out_with_their_partners() -> None:
    assert correlate([0, math.nan, 1, 2, 3], [0.1, 0.9, 0.2, 0.4, math.nan]) == correlate([0, 1, 2], [0.1, 0.2, 0.4])


def test_three_classes_have_no_interval() -> None:
    found = correlate([0, 1, 3], [0.1, 0.3, 0.2])
    assert math.isnan(found.low)
    assert not math.isnan(found.p)


def test_the_randomisation_test_counts_arrangements() -> None:
    before, after = np.zeros(10), np.array([0.1, 0.2, -0.05, 0.3, 0.1, 0.0, 0.2, 0.1, -0.1, 0.4])
    exact = stats.permutation_test(
        (after, before), lambda a, b: float(np.mean(a - b)), permutation_type="samples", n_resamples=np.inf
    )
    assert paired_difference(before, after).p == pytest.approx(exact.pvalue, abs=0.01)


def test_the_bootstrap_interval_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    before = rng.random(200)
    after = before + rng.normal(0.03, 0.1, 200)
    found = paired_difference(before, after)
    theirs = stats.bootstrap((after - before,), np.mean, method="percentile", n_resamples=20_000, rng=rng)
    interval = theirs.confidence_interval
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.001)
    assert found.mean == pytest.approx((after - before).mean())


def test_differences_of_nothing() -> None:
    same = paired_difference([0.1, 0.2], [0.1, 0.2])
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)
    none = paired_difference([math.nan], [0.2])
    assert none.n == 0
    assert math.isnan(none.mean)
    assert paired_difference([0.1, math.nan, 0.5], [0.2, 0.9, math.nan]).n == 1


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(0, 100))
def test_exchanging_the_two_turns_the_sign(values: list[float], seed: int) -> None:
    other = values[::-1]
    there = paired_difference(values, other, num_resamples=50, seed=seed)
    back = paired_difference(other, values, num_resamples=50, seed=seed)
    assert (there.mean, there.p) == (pytest.approx(-back.mean), back.p)
    assert there.low <= there.high
