"""Does ONNX Runtime's CUDA work here, and if not, why?

ONNX Runtime lists CUDA as available wherever it is built with it, says on standard error alone which library is
missing, and needs cuDNN only when the first convolution runs. So a convolution is tried before a network is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

# An ONNX model of one node: y = Conv(x, w), with x of (1, 1, 4, 4) and w of 3 x 3 ones.
CONVOLUTION = (
    b"\x08\x08:\x83\x01\n\x0f\n\x01x\n\x01w\x12\x01y\x22\x04Conv\x12\x01g*3\x08\x01\x08\x01\x08\x03\x08\x03\x10\x01\x22\x24"
    + b"\x00\x00\x80?" * 9
    + b"B\x01wZ\x1b\n\x01x\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x04\n\x02\x08\x04"
    b"b\x1b\n\x01y\x12\x16\n\x14\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x02\n\x02\x08\x02B\x04\n\x00\x10\r"
)

# Its words: bfc_arena.cc, cuda_call.cc; provider_options_utils.h.
_NO_MEMORY = re.compile(
    r"Available memory of \d+ is smaller than requested bytes of \d+"
    r"|Failed to allocate memory for requested buffer of size \d+|out of memory"
)
_BAD_OPTION = re.compile(r'(Unknown provider option: "[^"]*"|Failed to parse provider option "[^"]*")')
_MISSING = "cannot open shared object file"
_tried: dict[tuple[Any, tuple[tuple[str, str], ...]], str] = {}
_trying = Lock()


def why_not(ort: Any, options: Mapping[str, str]) -> str:
    """Why a convolution does not run on CUDA with these options, in one line; "" if it does.

    Parameters
    ----------
    ort : module
        onnxruntime, which offers CUDA.
    options : mapping
        Of its CUDA provider.
    """
    key = (ort, tuple(sorted(options.items())))
    with _trying:
        if key not in _tried:
            _preload(ort)
            _tried[key] = _missing_library(ort) or _failure(ort, options)
        return _tried[key]


def first_line(error: BaseException) -> str:
    """What an error says first."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def reason(error: BaseException) -> str:
    """What an error of ONNX Runtime says, without where in its sources and in which C++ functions it was found."""
    if found := _NO_MEMORY.search(str(error)):
        return f"the GPU's memory does not suffice: {found[0]}"
    found = _BAD_OPTION.search(str(error))
    return found[0] if found else first_line(error)


def _preload(ort: Any) -> None:
    """CUDA and cuDNN from the wheels that onnxruntime-gpu[cuda,cudnn] brings, where the loader does not look."""
    if hasattr(ort, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
            ort.preload_dlls()


def _missing_library(ort: Any) -> str:
    """The library that ONNX Runtime's provider needs and that is not there; "" if all are, or on other systems.

    Whatever else hinders loading it this way, such as symbols that ONNX Runtime itself has, is no matter.
    """
    library = Path(getattr(ort, "__file__", "")).parent / "capi" / "libonnxruntime_providers_cuda.so"
    if not library.is_file():
        return ""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        if _MISSING in str(error):
            return first_line(error)
    return ""


def _failure(ort: Any, options: Mapping[str, str]) -> str:
    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    try:
        # Its own fallback prints to standard output, where results stand.
        session = ort.InferenceSession(CONVOLUTION, settings, providers=[(CUDA, dict(options)), CPU], enable_fallback=0)
        if CUDA not in session.get_providers():
            return "ONNX Runtime does not say why"
        session.run(None, {"x": np.zeros((1, 1, 4, 4), np.float32)})
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        return reason(error)
    return ""
