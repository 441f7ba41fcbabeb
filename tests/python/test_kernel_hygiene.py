"""The object files of the kernels.

A weak symbol built with AVX is one that the linker may pick for everybody, and a static initialiser runs before
anything has looked at the CPU: both end in an illegal instruction on an older machine. And a level that the
compiler did not vectorise would pass every other test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cpp_build import built_library, run, tool

import hcbir

# What a compiler may call of its own accord, and what linkers define.
ALLOWED_UNDEFINED = {"memcpy", "memmove", "memset", "memcmp", "_GLOBAL_OFFSET_TABLE_"}


@pytest.fixture(scope="module")
def objects() -> dict[str, Path]:
    found = built_library().kernel_objects()
    assert set(hcbir.available_isas()) <= set(found)
    return found


def symbols(path: Path) -> list[tuple[str, str]]:
    """Type letter and name of each symbol."""
    lines = run(tool("nm"), "--format=posix", path).splitlines()
    return [(kind, name) for name, kind, *_ in (line.split() for line in lines)]


def vector_registers(path: Path) -> set[str]:
    code = run(tool("objdump"), "--disassemble", "--no-show-raw-insn", path)
    return set(re.findall(r"\b([xyz]mm)\d+", code))


def test_no_weak_symbols(objects: dict[str, Path]) -> None:
    for level, path in objects.items():
        weak = [name for kind, name in symbols(path) if kind in "WwVvu"]
        assert weak == [], f"{level}: weak symbols"


def test_no_undefined_symbols(objects: dict[str, Path]) -> None:
    for level, path in objects.items():
        undefined = {name for kind, name in symbols(path) if kind == "U"}
        assert undefined <= ALLOWED_UNDEFINED, f"{level}: undefined symbols"


def test_only_the_table_is_exported(objects: dict[str, Path]) -> None:
    for level, path in objects.items():
        exported = [name for kind, name in symbols(path) if kind in "ABCDGRST"]
        assert exported == [f"_ZN5hcbir7kernels{len(level)}{level}E"], f"{level}: exported symbols"


def test_no_static_initialisers(objects: dict[str, Path]) -> None:
    for level, path in objects.items():
        sections = re.findall(
            r"\.(?:init_array|ctors|preinit_array)\S*", run(tool("readelf"), "--sections", "--wide", path)
        )
        assert sections == [], f"{level}: code that runs at load"


def test_each_level_uses_its_registers(objects: dict[str, Path]) -> None:
    if "avx2" not in objects:
        pytest.skip("this target has the baseline alone")
    registers = {level: vector_registers(path) for level, path in objects.items()}
    assert registers["baseline"] == {"xmm"}
    assert {"xmm", "ymm"} == registers["avx2"]
    assert "zmm" in registers["avx512"]
    assert "zmm" in registers["avx512icl"]
