"""What an inverted index is made of: its shape, what it has learned, and the lists it holds."""

from __future__ import annotations

import threading
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
        self._changing = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_changing"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _changing=threading.Lock())

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

    def _joined(self) -> Held:
        """What the index holds, with one part, from now on."""
        with self._changing:
            self._held = self._held._replace(lists=self._held.lists.joined())
            return self._held
