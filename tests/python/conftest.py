"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import hcbir


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real data that stand beside the repository, or where HCBIR_SHARED says."""
    folder = Path(os.environ.get("HCBIR_SHARED") or Path(__file__).parents[3] / "shared").resolve()
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder}: set HCBIR_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(params=["baseline", "avx2", "avx512", "avx512icl"])
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction level in turn, in use during the test."""
    if request.param not in hcbir.available_isas():
        pytest.skip(f"this CPU or build has no {request.param}")
    with hcbir.use_isa(request.param):
        assert hcbir.isa() == request.param
        yield request.param
