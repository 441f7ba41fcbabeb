"""Correlations over classes, and what a difference between two descriptors is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

NUM_RESAMPLES = 10_000
_CHUNK = 500  # resamples made at a time

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """How two quantities vary together over n classes.

    Parameters
    ----------
    r : float
        Pearson's or Spearman's coefficient; NaN where `reason` says why there is none.
    p : float
        Of a coefficient at least as far from 0 if there were no relation (two-sided, Student's t with n - 2 degrees).
    low, high : float
        The confidence interval by Fisher's transformation; NaN for fewer than 4 classes.
    n : int
        Classes in which both are known.
    reason : str
        Empty if there is a coefficient.
    """

    r: float
    p: float
    low: float
    high: float
    n: int
    reason: str = ""


def correlate(x: npt.ArrayLike, y: npt.ArrayLike, *, rank: bool = False, confidence: float = 0.95) -> Correlation:
    """Pearson's correlation, or Spearman's.

    Parameters
    ----------
    x, y : (n,)
        NaN where it is not known: left out with its partner.
    rank : bool
        Of the ranks (Spearman; ties share their mean rank). Its interval uses the standard error of Bonett and Wright,
        *Sample size requirements for estimating Pearson, Kendall and Spearman correlations*, 2000.
    confidence : float
        Between 0 and 1.

    >>> found = correlate([0, 1, 2, 3], [0.9, 0.7, 0.6, 0.2])
    >>> round(found.r, 4), round(found.p, 4), found.n
    (-0.9648, 0.0352, 4)
    >>> correlate([1, 1, 1], [0.1, 0.2, 0.3]).reason
    'the score is 1 in every class'
    """
    pairs = np.array([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    n = pairs.shape[1]
    if reason := _undefined(pairs):
        return Correlation(math.nan, math.nan, math.nan, math.nan, n, reason)
    found = stats.spearmanr(*pairs) if rank else stats.pearsonr(*pairs)
    r = float(found.statistic)
    if n < 4:
        return Correlation(r, float(found.pvalue), math.nan, math.nan, n)
    if abs(r) == 1:
        return Correlation(r, float(found.pvalue), r, r, n)
    error = math.sqrt((1 + r * r / 2 if rank else 1) / (n - 3))
    reach = stats.norm.ppf((1 + confidence) / 2) * error
    low, high = (math.tanh(math.atanh(r) + side * reach) for side in (-1, 1))
    return Correlation(r, float(found.pvalue), low, high, n)


def _undefined(pairs: Floats) -> str:
    if pairs.shape[1] < 3:
        return f"known in {pairs.shape[1]} classes, a correlation needs 3"
    for name, values in zip(("the score", "mAP"), pairs, strict=True):
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            return f"{name} is {values[0]:g} in every class"
    return ""


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences.

    Parameters
    ----------
    mean : float
    low, high : float
        Bootstrap confidence interval (percentiles over resampled pairs).
    p : float
        Of a mean at least as far from 0 if the two of each pair could be exchanged (randomisation test, two-sided).
    n : int
        Pairs in which both are known.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int


def paired_difference(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The mean of after - before over queries, and how sure it is.

    Parameters
    ----------
    before, after : (q,)
        Average precision of each query; NaN where it has none: left out with its partner.
    confidence : float
    num_resamples : int
        Of the bootstrap (Efron 1979) and of the randomisation test (Fisher 1935; for information retrieval Smucker,
        Allan and Carterette, CIKM 2007).
    seed : int

    >>> found = paired_difference([0.2, 0.4, 0.5, 0.1], [0.3, 0.6, 0.5, 0.3])
    >>> round(found.mean, 3), found.low > 0, round(found.p, 2)
    (0.125, True, 0.25)
    """
    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    if n == 0:
        return Difference(math.nan, math.nan, math.nan, math.nan, 0)
    mean = float(differences.mean())
    rng = np.random.default_rng(seed)
    means = np.empty(num_resamples)
    as_far = 0
    for first in range(0, num_resamples, _CHUNK):
        count = min(_CHUNK, num_resamples - first)
        means[first : first + count] = differences[rng.integers(0, n, (count, n))].mean(axis=1)
        signs = rng.integers(0, 2, (count, n), dtype=np.int8) * 2 - 1
        as_far += int((np.abs((signs * differences).mean(axis=1)) >= abs(mean) - 1e-12).sum())
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    # the arrangement that was seen is one of those possible
    return Difference(mean, float(low), float(high), (as_far + 1) / (num_resamples + 1), n)
