"""Instruction levels, threads, interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hcbir


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, timeout=60
    )


def test_levels() -> None:
    levels = hcbir.available_isas()
    assert levels[0] == "baseline"
    assert hcbir.isa() in levels
    assert levels == [level for level in ("baseline", "avx2", "avx512", "avx512icl") if level in levels]


def test_use_isa_restores_the_level_after_an_error() -> None:
    before = hcbir.isa()
    inside = []

    def fail() -> None:
        with hcbir.use_isa("baseline"):
            inside.append(hcbir.isa())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == ["baseline"]
    assert hcbir.isa() == before


def test_use_isa_without_a_block_is_for_good() -> None:
    code = 'import hcbir; hcbir.use_isa("baseline"); print(hcbir.isa())'
    assert run_python(code, HCBIR_ISA=hcbir.available_isas()[-1]).stdout.strip() == "baseline"


def test_unknown_level() -> None:
    with pytest.raises(ValueError, match=r"isa must be one of the levels this CPU can run \(baseline.*got 'sse9'"):
        hcbir.use_isa("sse9")


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512", "avx512icl"])
def test_environment_forces_a_level_or_is_refused(level: str) -> None:
    result = run_python("import hcbir; print(hcbir.isa())", HCBIR_ISA=level)
    if level in hcbir.available_isas():
        assert result.stdout.strip() == level
    else:
        assert "HCBIR_ISA must be one of" in result.stderr


def test_environment_with_an_unknown_level() -> None:
    assert "got 'mmx'" in run_python("import hcbir; hcbir.isa()", HCBIR_ISA="mmx").stderr


@pytest.mark.parametrize(("value", "expected"), [("1", "1"), ("5", "5"), ("0", "got '0'"), ("two", "got 'two'")])
def test_environment_sets_the_number_of_threads(value: str, expected: str) -> None:
    result = run_python("import hcbir; print(hcbir.default_num_threads())", HCBIR_NUM_THREADS=value)
    assert expected in result.stdout + result.stderr


def test_the_environment_is_refused_by_calls_that_need_no_threads_too() -> None:
    code = "import hcbir, numpy as np; rows = np.eye(3, dtype=np.float32); hcbir.search(rows, rows, 1)"
    assert "got 'two'" in run_python(code, HCBIR_NUM_THREADS="two").stderr


def test_default_number_of_threads_is_what_this_process_may_use() -> None:
    code = (
        "import os, hcbir; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(hcbir.default_num_threads())"
    )
    assert run_python(code, HCBIR_NUM_THREADS="").stdout.strip() == "1"


def test_threads_of_the_pool_stay_on_the_cpus_of_who_asks_for_them() -> None:
    code = """
import os, threading, numpy as np, hcbir
usable = os.sched_getaffinity(0)
database = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)
search = lambda n: hcbir.search(database, database, 3, num_threads=n)
def pools():  # what the pool's threads may use, whatever others do
    return [os.sched_getaffinity(int(task)) for task in os.listdir("/proc/self/task") if int(task) not in others]
search(1)
others = {int(task) for task in os.listdir("/proc/self/task")}
alone = {min(usable)}
restricted = threading.Thread(target=lambda: (os.sched_setaffinity(0, alone), search(2)))
restricted.start(), restricted.join()
for _ in range(5):
    search(2)
assert pools() == [alone], pools()
for task in os.listdir("/proc/self/task"):  # as taskset --all-tasks does
    os.sched_setaffinity(int(task), usable)
few = 1 < len(usable) <= 8
os.sched_setaffinity(0, {max(usable)}), search(2)  # the pool looks when its caller has moved
for cpu in sorted(usable)[:8]:
    os.sched_setaffinity(0, {cpu})
    search(2)
    assert pools() == [usable - {cpu} if few else usable], (cpu, pools())
print("ok")
"""
    result = run_python(code, HCBIR_NUM_THREADS="")
    assert result.stdout.strip() == "ok", result.stderr


def test_calls_from_several_python_threads() -> None:
    rng = np.random.default_rng(0)
    database = rng.standard_normal((4000, 32)).astype(np.float32)
    expected = hcbir.search(database[:64], database, 5).indices

    def work(_: int) -> bool:
        return np.array_equal(hcbir.search(database[:64], database, 5, num_threads=3).indices, expected)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(60)))


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_works_in_a_forked_child() -> None:
    database = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)
    expected = hcbir.search(database[:20], database, 3, num_threads=2).indices
    child = os.fork()
    if child == 0:
        same = np.array_equal(hcbir.search(database[:20], database, 3, num_threads=2).indices, expected)
        os._exit(0 if same else 1)
    for _ in range(1000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("the forked child hangs")
    assert os.waitstatus_to_exitcode(status) == 0


def test_ctrl_c_stops_a_long_call() -> None:
    code = """
import os, signal, threading, time
import numpy as np, hcbir
database = np.random.default_rng(0).standard_normal((60_000, 256)).astype(np.float32)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    hcbir.search(database, database, 10)  # would take more than ten seconds
except KeyboardInterrupt:
    print("interrupted", time.perf_counter() - start < 5)
print(hcbir.search(database[:1], database[:100], 1).indices.tolist())
"""
    result = run_python(code)
    assert result.stdout.splitlines() == ["interrupted True", "[[0]]"], result.stderr


def test_ctrl_c_stops_many_short_steps() -> None:
    """k-means++ draws a centroid in a millisecond, a thousand times."""
    code = """
import os, signal, threading, time
import numpy as np, hcbir
vectors = np.random.default_rng(0).standard_normal((200_000, 64), dtype=np.float32)
sent = []
threading.Timer(0.3, lambda: (sent.append(time.perf_counter()), os.kill(os.getpid(), signal.SIGINT))).start()
try:
    hcbir.IVFPQIndex(1024, num_subquantizers=16).train(vectors)  # seconds
except KeyboardInterrupt:
    print("interrupted", time.perf_counter() - sent[0] < 1)
"""
    result = run_python(code)
    assert result.stdout.splitlines() == ["interrupted True"], result.stderr
