"""A stranger's CMake project finds the installed C++ library, links it, and gets the right answers."""

from __future__ import annotations

from pathlib import Path

from cpp_build import ROOT, built_library, cmake_build, run

import hcbir


def test_a_strangers_project(tmp_path: Path) -> None:
    prefix = built_library().prefix
    cmake_build(ROOT / "tests" / "consumer", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}")
    name, version, isa = run(tmp_path / "consumer", HCBIR_ISA="").split()
    assert (name, version) == ("hcbir", hcbir.__version__)
    assert isa == hcbir.available_isas()[-1]


def test_the_prefix_holds_public_headers_alone() -> None:
    prefix = built_library().prefix
    headers = {path.relative_to(prefix / "include").as_posix() for path in prefix.rglob("*.hpp")}
    public = ROOT / "cpp" / "include"
    assert headers == {path.relative_to(public).as_posix() for path in public.rglob("*.hpp")}
    for header in prefix.rglob("*.hpp"):
        assert "kernels/" not in header.read_text(), f"{header.name} shows the kernels"
