"""Exact search, specified."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def scores(queries: Array, database: Array, metric: str) -> npt.NDArray[np.float32]:
    """(q, n) scores, computed in float64 and rounded to float32."""
    q, x = queries.astype(np.float64), database.astype(np.float64)
    if metric == "l2":
        return np.stack([-((x - row) ** 2).sum(axis=1) for row in q]).astype(np.float32).reshape(len(q), len(x))
    dots = q @ x.T
    if metric == "cosine":
        norms = np.outer(np.sqrt((q**2).sum(axis=1)), np.sqrt((x**2).sum(axis=1)))
        dots = np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)
    return dots.astype(np.float32)


def search(queries: Array, database: Array, k: int | None, *, metric: str = "dot") -> tuple[Array, Array]:
    """The k best scores and rows of every query; rows of equal score in ascending order."""
    table = scores(queries, database, metric)
    order = np.argsort(-table, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(table, order, axis=1), order
