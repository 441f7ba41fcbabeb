"""The floors of ARCHITECTURE.md: a file uses its own floor and those below, never one above."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hcbir

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "hcbir"
CPP = ROOT / "cpp"

# Lowest first. A name stands for the module and all below it; `hcbir` itself is the facade.
PYTHON_FLOORS = [
    {"_core"},
    {
        "_arrays",
        "_value_range",
        "_runtime",
        "_features",
        "_files",
        "_columns",
        "_growing",
        "_manifest",
        "_quantization_codebooks",
        "_quantization_codes",
        "_checked_file",
        "_quantization_file",
        "_quantization_faiss",
        "_quantization_packed",
        "_quantization_training",
    },
    {
        "_search",
        "_exact_codes",
        "_exact_index",
        "_principal_axes",
        "_matching",
        "_verification",
        "_verification_of_many",
        "_evaluation",
        "_clustering",
        "_quantization",
        "_quantization_search",
    }
    | {"_inverted_state", "_inverted_lists", "_inverted_coder", "_inverted_training", "_inverted_index_file"}
    | {"_inverted_index", "_local_index"}
    | {"_store", "_store_opening", "_store_rows"}
    | {"_candidates", "_candidate_checks", "_explanation", "_explaining", "_null_distribution"},
    {"hcbir"},
    {"descriptors"},
    {"collection"},
    {"study"},
    {"cli", "__main__"},
]
# These stand aside: what they may import, and nothing else of the package.
PYTHON_ASIDE = {"reference": {"reference"}, "models": {"models", "hcbir", "_features", "descriptors"}}
# The command line alone may use the models, from inside a function: they need torch.
MODELS_USER = "cli"
# Front doors: given paths instead of arrays they pass the call up, from inside a function.
FRONT_DOORS = {"hcbir", "_search"}

CPP_FLOORS = [
    {"include/hcbir/types.hpp", "include/hcbir/error.hpp", "include/hcbir/version.hpp"}
    | {"src/error.cpp", "src/version.cpp", "src/aligned.hpp"},
    {"include/hcbir/isa.hpp", "include/hcbir/parallel.hpp", "src/parallel.cpp"},
    {"include/hcbir/"},  # the operations' contracts
    {"src/kernels/"},
    {"src/kernels/dispatch.hpp", "src/isa.cpp"},
    {"src/topk.hpp", "src/random.hpp", "src/random.cpp", "src/geometry.hpp", "src/geometry.cpp"}
    | {"src/ransac.hpp", "src/ransac.cpp", "src/frame_hypotheses.hpp", "src/frame_hypotheses.cpp"}
    | {"src/match_columns.hpp", "src/match_window.hpp", "src/match_window.cpp"}
    | {"src/false_alarms.hpp", "src/false_alarms.cpp"}
    | {"src/most_likely_model.hpp", "src/most_likely_model.cpp"},
    {"src/"},  # the operations
    {"bindings/"},
]
KERNEL_HEADERS = {"cstddef", "cstdint", "immintrin.h", "arm_neon.h"}
MACHINE_FLAGS = re.compile(r"-m(?:arch|cpu|tune|avx|fma|sse|popcnt|bmi)\b")


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def cpp_files() -> list[Path]:
    return sorted(path for path in CPP.rglob("*") if path.suffix in {".hpp", ".cpp", ".inl"})


def part_of(module: str) -> str:
    """hcbir.collection.records -> collection."""
    return module.split(".")[1] if "." in module else module


def python_floor(part: str) -> int:
    found = [floor for floor, parts in enumerate(PYTHON_FLOORS) if part in parts]
    assert found, f"hcbir.{part} stands on no floor: give it one in PYTHON_FLOORS and in ARCHITECTURE.md"
    return found[0]


def is_module(module: str) -> bool:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file() or module == "hcbir._core"


def imports(node: ast.AST, package: str, *, deferred: bool = False) -> Iterator[tuple[str, bool]]:
    """Modules of hcbir that the code imports, and whether only inside a function; annotations' imports left out."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    if isinstance(node, ast.Import):
        yield from ((alias.name, deferred) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        base = ".".join([*parents, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield (inner if is_module(inner) else base), deferred
    inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from imports(child, package, deferred=inside)


def arrows_up(source: str, module: str, package: str) -> list[str]:
    """What of the package `module`, with this source, imports and should not."""
    part = part_of(module)
    wrong = []
    for imported, deferred in imports(ast.parse(source), package):
        if imported.split(".")[0] != "hcbir":
            continue
        target = part_of(imported)
        if part in PYTHON_ASIDE:
            allowed = target in PYTHON_ASIDE[part]
        elif target in PYTHON_ASIDE:
            allowed = part == MODELS_USER and target == "models" and deferred
        elif part in FRONT_DOORS and deferred:
            allowed = True
        else:
            allowed = python_floor(target) <= python_floor(part)
        if not allowed:
            wrong.append(f"{module} imports {imported}")
    return wrong


@pytest.mark.parametrize("path", python_files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_python_imports_run_down(path: Path) -> None:
    parts = ["hcbir", *path.relative_to(PACKAGE).with_suffix("").parts]
    package = ".".join(parts[:-1])
    module = package if parts[-1] == "__init__" else ".".join(parts)
    assert arrows_up(path.read_text(), module, package) == []


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("hcbir._arrays", "from hcbir import _search", True),
        ("hcbir._matching", "import hcbir.collection", True),
        ("hcbir._matching", "def f():\n    from hcbir import collection", True),
        ("hcbir._matching", "from . import _core", False),
        ("hcbir._search", "def f():\n    from hcbir.collection import search_images", False),
        ("hcbir._search", "from hcbir.collection import search_images", True),
        ("hcbir._search", "if TYPE_CHECKING:\n    from hcbir.collection import Collection", False),
        ("hcbir.collection.records", "from ..study import datasets", True),
        ("hcbir.study.demo", "import hcbir\nfrom hcbir.collection import Collection", False),
        ("hcbir.reference.search", "from hcbir._arrays import describe", True),
        ("hcbir.study.demo", "from hcbir import reference", True),
        ("hcbir.cli.export", "from hcbir.models import registry", True),
        ("hcbir.cli.export", "def f():\n    from hcbir.models import registry", False),
        ("hcbir.collection.bank", "def f():\n    from hcbir.models import registry", True),
        ("hcbir.models.export", "from hcbir.collection import Collection", True),
    ],
)
def test_the_rule_itself(module: str, source: str, wrong: bool) -> None:
    assert bool(arrows_up(source, module, module.rpartition(".")[0])) == wrong


def cpp_floor(path: str) -> int:
    """Of a file under cpp/: the entry that says most about it decides."""
    matches = [
        (len(entry), floor)
        for floor, entries in enumerate(CPP_FLOORS)
        for entry in entries
        if path == entry or (entry.endswith("/") and path.startswith(entry))
    ]
    assert matches, f"cpp/{path} stands on no floor: give it one in CPP_FLOORS and in ARCHITECTURE.md"
    return max(matches)[1]


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), flags=re.MULTILINE)


def own_file(included: str, includer: Path) -> Path | None:
    """The file under cpp/ that an include names, if it is one of ours."""
    folders = [includer.parent, CPP / "include", CPP / "src"]
    return next((folder / included for folder in folders if (folder / included).is_file()), None)


@pytest.mark.parametrize("path", cpp_files(), ids=lambda path: path.relative_to(CPP).as_posix())
def test_cpp_includes_run_down(path: Path) -> None:
    own = path.relative_to(CPP).as_posix()
    for included in includes(path):
        target = own_file(included, path)
        if target is None:
            assert not included.startswith("hcbir/"), f"{own} includes {included}, which is not there"
            continue
        name = target.relative_to(CPP).as_posix()
        assert cpp_floor(name) <= cpp_floor(own), f"{own} includes {name}, which is above it"
        assert not name.endswith(".cpp"), f"{own} includes a source, {name}"


@pytest.mark.parametrize("path", cpp_files(), ids=lambda path: path.relative_to(CPP).as_posix())
def test_only_the_bindings_know_python(path: Path) -> None:
    if path.is_relative_to(CPP / "bindings"):
        return
    assert [name for name in includes(path) if name.startswith(("pybind11/", "Python.h", "numpy/"))] == []


def test_kernels_include_kernels_alone() -> None:
    kernels = [path for path in cpp_files() if path.parent == CPP / "src" / "kernels"]
    assert kernels
    for path in kernels:
        for included in includes(path):
            known = included in KERNEL_HEADERS or (included.startswith("kernels/") and own_file(included, path))
            assert known, f"{path.name} includes {included}; a kernel file may use kernels and {sorted(KERNEL_HEADERS)}"


def test_machine_flags_stand_in_one_file() -> None:
    files = [ROOT / "CMakeLists.txt", *CPP.rglob("*.cmake"), *CPP.rglob("*.in"), *CPP.rglob("CMakeLists.txt")]
    with_flags = {path.name for path in files if MACHINE_FLAGS.search(path.read_text())}
    assert with_flags == {"KernelLevels.cmake"}


def test_import_is_inert() -> None:
    """Importing the package loads nothing heavy, starts no thread and leaves the environment alone."""
    code = """
import os, sys, threading
before = dict(os.environ)
import hcbir
heavy = {"torch", "onnxruntime", "onnx", "cv2", "PIL", "typer", "rich", "jinja2", "matplotlib", "sqlite3"}
print(sorted(heavy & set(sys.modules)), dict(os.environ) == before, threading.active_count())
print(len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1)
"""
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "OMP")}  # numpy's own
    environment = {**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (result.stdout.split("\n"), result.stderr) == (["[] True 1", "1", ""], "")


def test_one_version() -> None:
    match = re.search(r"project\(hcbir VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert match
    assert match[1] == hcbir.__version__
    others = [path for path in python_files() if re.search(r"^__version__\s*=", path.read_text(), flags=re.MULTILINE)]
    assert others == []
