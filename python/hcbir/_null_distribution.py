"""How well images agree that show different things: the null distribution that a network's features need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._arrays import positive_int, real_number, whole_number
from hcbir._candidates import Progress, verify_candidates
from hcbir._features import LocalFeatures
from hcbir._store import LocalFeatureStore


@dataclass(frozen=True, eq=False)
class NullDistribution:
    """Values of log10_nfa, of pairs of images that show different things.

    Pairs that share images are not independent: the smallest values may all be of one image that resembles many.

    Parameters
    ----------
    log10_nfa : (p,) float64
        In ascending order; infinity where no model was found.
    pairs : (p, 2) int64
        The images that were compared.
    """

    log10_nfa: npt.NDArray[np.float64]
    pairs: npt.NDArray[np.int64]

    def p_value(self, log10_nfa: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """How likely so small a value is for a pair of images that show different things.

        (1 + b) / (1 + p) where b of the p pairs measured are as small: never below 1 / (1 + p), and right at any
        number of pairs (Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 4.2).

        Parameters
        ----------
        log10_nfa : array of any shape, or a number

        Returns
        -------
        float64, of that shape
        """
        as_small = np.searchsorted(self.log10_nfa, np.asarray(log10_nfa, np.float64), side="right")
        return np.divide(1 + as_small, 1 + len(self.log10_nfa), dtype=np.float64)

    def bound(self, rate: float) -> float:
        """The largest bound, at most 0, below which p-values do not exceed the rate: a `max_log10_nfa`.

        Raises
        ------
        ValueError
            For a rate that so few pairs cannot tell of: below 1 / (1 + p), or 1 and more.
        """
        pairs = len(self.log10_nfa)
        least = 1 / (1 + pairs)
        given = real_number(
            rate, "rate", lambda r: least <= r < 1, f"from {least:.3g} (with {pairs} pairs) to less than 1"
        )
        may_pass = min(int(given * (1 + pairs) * (1 + 1e-12)), pairs) - 1
        return min(0.0, float(self.log10_nfa[may_pass]))


def null_distribution(
    images: Sequence[LocalFeatures] | LocalFeatureStore,
    groups: npt.ArrayLike | None = None,
    *,
    num_pairs: int = 10_000,
    seed: int = 0,
    num_threads: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> NullDistribution:
    """Measures how well images of yours agree that show different things, on pairs drawn at random.

    `log10_nfa` tells how likely points placed at random would agree as well. Features of networks sit on the same kind
    of structure (a tower agrees with a tower), and so agree more often: this says how often. It holds for images like
    these: with ALIKE-t, a bound for .001 measured on half of 24 places let .003 of the other half's pairs pass.

    Parameters
    ----------
    images : sequence of LocalFeatures, or a LocalFeatureStore
        Some hundreds are enough: 200 images have 19,900 pairs.
    groups : (n,) integers or strings, optional
        Images of one group may show the same thing, and are not compared. Without, any two images are taken to differ:
        those that do not make the bound too strict. Look at the first of `pairs`.
    num_pairs : int
        At most so many; fewer where there are not so many.
    seed : int
        Of the draw; also RANSAC's.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`. The result does not depend on it.
    progress : callable, optional
        progress(done, total), in pairs, called now and then.
    **options
        Those of `verify_candidates` with which the images are to be compared (metric, model, max_error ...): a
        distribution holds for them alone.

    Raises
    ------
    ValueError, TypeError
        For groups of another length, if no two images are of different groups, and as `verify_candidates` does.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> descriptors = np.eye(30, dtype=np.float32)
    >>> points = rng.uniform(0, 300, (20, 30, 2)).astype(np.float32)
    >>> images = [LocalFeatures(p, descriptors, np.ones(30, np.float32)) for p in points]
    >>> null = null_distribution(images, model="homography")  # as `explain` compares
    >>> len(null.log10_nfa), bool(null.p_value(-10.0) < 0.01), null.bound(0.01)
    (190, True, 0.0)
    """
    start = whole_number(seed, "seed")
    labels = np.arange(len(images)) if groups is None else _numbered(groups)
    if labels.shape != (len(images),):
        raise ValueError(f"groups must be one for each of the {len(images)} images, got shape {labels.shape}")
    first, second = _draw_pairs(labels, positive_int(num_pairs, "num_pairs"), start)
    values = np.empty(len(first))
    done = 0
    for query, ends in zip(*np.unique(first, return_index=True), strict=True):
        partners = second[ends : np.searchsorted(first, query, side="right")]
        verified = verify_candidates(
            images[int(query)], images, partners, seed=start, num_threads=num_threads, **options
        )
        values[done : done + len(partners)] = verified.log10_nfa
        done += len(partners)
        if progress is not None:
            progress(done, len(first))
    order = np.argsort(values, kind="stable")
    return NullDistribution(values[order], np.stack([first, second], axis=1)[order])


def _numbered(groups: npt.ArrayLike) -> npt.NDArray[np.int64]:
    given = np.asarray(groups)
    if given.dtype.kind not in "biuSU":
        raise TypeError(f"groups must be integers or strings, got {given.dtype} of shape {given.shape}")
    return np.unique(given, return_inverse=True)[1]


def _draw_pairs(
    labels: npt.NDArray[np.int64], num_pairs: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Images of pairs of unlike labels, each pair at most once, in order of the first image."""
    count = len(labels)
    all_pairs = count * (count - 1) // 2
    alike = sum(int(n) * (int(n) - 1) // 2 for n in np.bincount(labels, minlength=1))
    if alike == all_pairs:
        raise ValueError(f"images must be of two groups at least, got {count} of {len(np.unique(labels))}")
    unlike = (all_pairs - alike) / all_pairs
    drawn = min(all_pairs, int((1.1 * num_pairs + 100) / unlike) + 1)  # so that enough are unlike
    codes = np.random.default_rng(seed).choice(all_pairs, drawn, replace=False)
    step, first = np.divmod(codes, count)  # images that stand 1, 2 ... apart on a circle: each pair once
    second = (first + step + 1) % count
    chosen = np.flatnonzero(labels[first] != labels[second])[:num_pairs]
    first, second = first[chosen], second[chosen]
    order = np.lexsort((second, first))
    return first[order], second[order]
