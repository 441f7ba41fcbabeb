"""What an inverted index is made of: its shape, what it has learned, and the lists it holds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from hcbir._arrays import one_of, positive_int, seed_number
from hcbir._inverted_coder import InvertedCoder
from hcbir._inverted_lists import Floats, InvertedLists, Part
from hcbir._quantization import METRICS, ProductQuantizer
from hcbir._quantization_codes import checked_bits, code_size


class Held(NamedTuple):
    """What belongs together: a change puts another in its place, at once."""

    learned: InvertedCoder | None
    lists: InvertedLists

    @property
    def coder(self) -> InvertedCoder:
        if self.learned is None:
            raise ValueError("the index must be trained first: call train(vectors)")
        return self.learned


class InvertedState:
    """Of an IVFPQIndex, which says what the parameters are."""

    def __init__(
        self, num_lists: int, *, num_subquantizers: int, bits: int = 8, metric: str = "dot", seed: int = 0
    ) -> None:
        self.num_lists = positive_int(num_lists, "num_lists")
        self.num_subquantizers = positive_int(num_subquantizers, "num_subquantizers")
        self.bits = checked_bits(bits)
        self.metric = one_of(metric, "metric", METRICS)
        self.seed = seed_number(seed)
        self._held = Held(None, InvertedLists(self.num_lists, code_size(self.num_subquantizers, self.bits)))
        self._lock = _Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=_Lock())

    @property
    def is_trained(self) -> bool:
        return self._held.learned is not None

    @property
    def quantizer(self) -> ProductQuantizer:
        """Of the differences between vectors and their lists' centroids."""
        return self._held.coder.quantizer

    @property
    def centroids(self) -> Floats:
        """(num_lists, d)"""
        return self._held.coder.centroids

    def __len__(self) -> int:
        return self._held.lists.num_codes

    def __repr__(self) -> str:
        kind = f"num_subquantizers={self.num_subquantizers}, bits={self.bits}, metric={self.metric!r}"
        held = f"{len(self)} vectors" if self.is_trained else "not trained"
        return f"IVFPQIndex({self.num_lists} lists, {kind}: {held})"

    @property
    def nbytes(self) -> int:
        """Bytes of the lists: codes, ids, terms and where each list begins."""
        return self._held.lists.nbytes

    @property
    def inverted_lists(self) -> Part:
        """All codes, ids and terms; those of list l are rows offsets[l] to offsets[l + 1] - 1."""
        return self._joined().lists.parts[0]

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time. The core lets signal handlers run: one that changed the index within a change would
        wait for itself. A process that was forked within a change has a lock that nobody opens."""
        if self._lock.process != os.getpid():
            self._lock = _Lock()
        if self._lock.owner == threading.get_ident():
            raise RuntimeError("the index is being changed by this very thread: a signal handler may read it alone")
        with self._lock.opened:
            self._lock.owner = threading.get_ident()
            try:
                yield
            finally:
                self._lock.owner = None

    def _joined(self) -> Held:
        """What the index holds, with one part; from now on, unless it is being changed."""
        held = self._held
        joined = held._replace(lists=held.lists.joined())
        lock = self._lock.opened
        if lock.acquire(blocking=False):
            try:
                if self._held is held:
                    self._held = joined
            finally:
                lock.release()
        return joined


class _Lock:
    def __init__(self) -> None:
        self.opened = threading.Lock()
        self.process = os.getpid()
        self.owner: int | None = None
