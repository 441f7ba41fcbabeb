"""Search of codes: rotation, the codes that may be found, scoring anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir import _core
from hcbir._arrays import positive_int, row_flags
from hcbir._quantization_packed import PackedCodes
from hcbir._search import SearchResult

Floats = npt.NDArray[np.float32]


def search_codes(
    core: _core.ProductQuantizer,
    rotation: Floats | None,
    queries: Floats,
    codes: npt.NDArray[np.uint8] | PackedCodes,
    k: int,
    metric: _core.Metric,
    allowed: npt.ArrayLike | None,
    full: tuple[npt.NDArray[Any], Floats | None] | None,
    num_candidates: int | None,
    num_threads: int,
) -> SearchResult:
    """The k best codes of every query; of the num_candidates best, by what `full` says of them, if that is given."""
    flags = row_flags(allowed, len(codes))
    count = len(codes) if flags is None else int(np.count_nonzero(flags))
    if k > count:
        raise ValueError(f"k must be at most the number of codes that may be found, {count}, got {k}")
    rotated = queries
    if rotation is not None and queries.shape[1] == len(rotation):
        rotated = _core.rotate(queries, rotation, num_threads)

    def best(number: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        if isinstance(codes, PackedCodes):
            return core.search_packed(rotated, codes.data, len(codes), number, metric, flags, num_threads)
        return core.search(rotated, codes, number, metric, flags, num_threads)

    if full is None:
        if num_candidates is not None:
            raise ValueError("num_candidates needs rerank: the vectors to score candidates with")
        return SearchResult(*best(k))
    wanted = min(10 * k if num_candidates is None else positive_int(num_candidates, "num_candidates"), count)
    if wanted < k:
        raise ValueError(f"num_candidates must be at least k, {k}, got {wanted}")
    _, candidates = best(wanted)
    return SearchResult(*_core.rerank(queries, *full, candidates, k, metric, num_threads))
