"""Datasets, evaluation, reports, and the study: how descriptors bear the variations of a collection.

`run` runs a study, `compare_runs` puts two side by side; `hcbir.study.datasets` reads datasets, `hcbir.study.synthetic`
makes one. The names here are imported when they are first used: a study needs the extra `study`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hcbir.study.comparison import compare_runs
    from hcbir.study.config import StudyConfig, load_config
    from hcbir.study.results import StudyResult
    from hcbir.study.runner import run

__all__ = ["StudyConfig", "StudyResult", "compare_runs", "load_config", "run"]

_MODULES = {
    "StudyConfig": "config",
    "StudyResult": "results",
    "compare_runs": "comparison",
    "load_config": "config",
    "run": "runner",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
