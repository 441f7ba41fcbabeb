"""The C++ library alone, built and installed once for all tests that ask."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class CppBuild:
    """Folders of a build: `prefix` holds what a user of the library sees, `build` its object files."""

    build: Path
    prefix: Path

    def kernel_objects(self) -> dict[str, Path]:
        """Level -> the object file of its kernels."""
        return {path.name.removesuffix(".cpp.o"): path for path in self.build.rglob("kernels/*.cpp.o")}


@cache
def built_library() -> CppBuild:
    """Builds for release and installs into a temporary prefix; skips the test where the tools are missing."""
    folder = Path(tempfile.mkdtemp(prefix="hcbir-cpp-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    built = CppBuild(folder / "build", folder / "prefix")
    cmake_build(ROOT, built.build, "-DHCBIR_BUILD_PYTHON=OFF")
    run(tool("cmake"), "--install", built.build, "--prefix", built.prefix, "--component", "cpp")
    return built


def cmake_build(source: Path, build: Path, *options: str) -> None:
    """Configures and builds a CMake project."""
    if not os.environ.get("CXX"):
        tool("c++", "g++", "clang++")
    ninja = find("ninja")
    generator = ("-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}") if ninja else ()
    if not ninja:
        tool("make")
    run(tool("cmake"), "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release", *generator, *options)
    run(tool("cmake"), "--build", build, "--parallel", str(len(os.sched_getaffinity(0))))


def find(name: str) -> str | None:
    """Path of a program, also of one that pip put beside Python."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def tool(*names: str) -> str:
    """Path of the first of these programs that is there; skips the test if none is."""
    for name in names:
        if path := find(name):
            return path
    pytest.skip(f"needs {' or '.join(names)}")


def run(*command: str | Path, **environment: str) -> str:
    """Runs a command and returns its standard output; fails the test with all output if the command fails."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}"
    return result.stdout
