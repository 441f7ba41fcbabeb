"""How far a long run is, how fast it goes and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

WINDOW_SECONDS = 20.0


@dataclass(frozen=True)
class Progress:
    """State of a run.

    Parameters
    ----------
    done : int
        Images.
    total : int or None
        None if it is not known.
    rate : float
        Images a second, over the last 20 seconds.
    seconds_left : float or None
        None if the total is not known.
    """

    done: int
    total: int | None
    rate: float
    seconds_left: float | None


class RateMeter:
    """Makes `Progress` of a count that grows.

    Parameters
    ----------
    total : int or None
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def count(self) -> Progress:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        self._recent.append((now, self._done))
        while len(self._recent) > 2 and self._recent[1][0] < now - WINDOW_SECONDS:
            self._recent.popleft()
        start, before = self._recent[0]
        rate = (self._done - before) / max(now - start, 1e-9)
        left = None if self._total is None else (self._total - self._done) / rate
        return Progress(self._done, self._total, rate, left)
