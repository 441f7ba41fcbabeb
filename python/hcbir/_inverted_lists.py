"""The codes of an inverted index by list: in parts, since sorting all of them at every addition would be slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hcbir._arrays import whole_numbers

Codes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Part(NamedTuple):
    """Vectors added together, or joined since, by list: list l is rows offsets[l] .. offsets[l + 1]."""

    codes: Codes
    ids: Ids
    offsets: npt.NDArray[np.int64]
    terms: Floats
    """Of an index by l2, what is taken from each code's score; else empty."""

    @property
    def lists(self) -> npt.NDArray[np.int64]:
        """(n,) the list of each code."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


class InvertedLists(NamedTuple):
    """Codes, their ids and terms in num_lists lists. It never changes: a search goes on in what it began with."""

    num_lists: int
    code_size: int
    parts: tuple[Part, ...] = ()
    next_id: int = 0

    @property
    def num_codes(self) -> int:
        return sum(len(part.ids) for part in self.parts)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for part in self.parts for array in part)

    def with_added(self, codes: Codes, ids: Ids, lists: npt.NDArray[np.int64], terms: Floats) -> InvertedLists:
        if len(ids) == 0:
            return self
        parts = [*self.parts, self._sorted(codes, ids, lists, terms)]
        while len(parts) > 1 and 2 * len(parts[-1].ids) >= len(parts[-2].ids):
            parts[-2:] = [self._join(parts[-2:])]
        return self._replace(parts=tuple(parts), next_id=max(self.next_id, int(ids.max()) + 1))

    def without(self, ids: npt.ArrayLike) -> InvertedLists:
        wanted = np.unique(whole_numbers(ids, "ids"))
        kept = []
        for part in self.parts:
            stays = ~np.isin(part.ids, wanted)
            if stays.all():
                kept.append(part)
            elif stays.any():
                kept.append(
                    self._sorted(part.codes[stays], part.ids[stays], part.lists[stays], chosen(part.terms, stays))
                )
        return self._replace(parts=tuple(kept))

    def joined(self) -> InvertedLists:
        """With all of it in one part."""
        return self if len(self.parts) == 1 else self._replace(parts=(self._join(self.parts),))

    def new_ids(self, ids: npt.ArrayLike | None, count: int) -> Ids:
        """The ids, checked, or the numbers that follow the largest ever given."""
        if ids is None:
            if self.next_id + count > 2**63:
                raise ValueError(f"ids must be given: after {self.next_id - 1} there are not {count} more of 63 bits")
            return np.arange(count, dtype=np.int64) + min(self.next_id, 2**63 - 1)
        given = whole_numbers(ids, "ids")
        if len(given) != count:
            raise ValueError(f"ids must be one a vector ({count}), got {len(given)}")
        if count and given.min() < 0:
            raise ValueError(f"ids must be at least 0, got {given.min()}")
        if len(np.unique(given)) < count:
            raise ValueError("ids must differ from one another")
        for part in self.parts:
            if (there := np.isin(given, part.ids)).any():
                raise ValueError(f"ids must not be in the index already, got {given[there][0]}")
        return given

    def _sorted(self, codes: Codes, ids: Ids, lists: npt.NDArray[np.int64], terms: Floats) -> Part:
        # Neighbours of like terms let a scan bound the scores of many codes at once.
        order = np.lexsort((terms, lists)) if len(terms) else np.argsort(lists, kind="stable")
        counts = np.bincount(lists, minlength=self.num_lists)
        return Part(codes[order], ids[order], np.concatenate([[0], np.cumsum(counts)]), chosen(terms, order))

    def _join(self, parts: Sequence[Part]) -> Part:
        if not parts:
            codes, no_ids = np.empty((0, self.code_size), np.uint8), np.empty(0, np.int64)
            return Part(codes, no_ids, np.zeros(self.num_lists + 1, np.int64), np.empty(0, np.float32))
        codes, ids, lists, terms = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("codes", "ids", "lists", "terms")
        )
        return self._sorted(codes, ids, lists, terms)


def chosen(terms: Floats, rows: npt.NDArray[Any]) -> Floats:
    return terms[rows] if len(terms) else terms
