"""Instruction levels and threads."""

from __future__ import annotations

from contextlib import AbstractContextManager

from hcbir import _core
from hcbir._arrays import positive_int


def available_isas() -> list[str]:
    """Instruction levels that this build has and this CPU can run, weakest first.

    >>> available_isas()[0]
    'baseline'
    """
    return _core.available_isas()


def isa() -> str:
    """The instruction level in use: the best available, or the one that `HCBIR_ISA` or `use_isa` names."""
    return _core.isa()


class use_isa(AbstractContextManager[None]):  # a function to its users, like torch.set_grad_enabled
    """Uses another instruction level for the calls of the whole process: from now on, or within a `with` block.

    Raises
    ------
    ValueError
        If this CPU cannot run the level, or this build does not have it.

    >>> with use_isa("baseline"):
    ...     isa()
    'baseline'
    """

    def __init__(self, name: str) -> None:
        self._before = _core.isa()
        _core.use_isa(name)

    def __exit__(self, *_: object) -> None:
        _core.use_isa(self._before)


def default_num_threads() -> int:
    """Threads of a call that names no number: `HCBIR_NUM_THREADS`, or the CPUs that this process may use."""
    return _core.default_num_threads()


def num_threads_argument(num_threads: int | None) -> int:
    """What the core takes: 0 for the default."""
    return 0 if num_threads is None else positive_int(num_threads, "num_threads")
