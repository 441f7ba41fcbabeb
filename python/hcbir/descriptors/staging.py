"""Page-locked host memory, from which CUDA copies at the bus's full speed.

ONNX Runtime's Python names no such memory ("cuda_pinned" is no device of it), so CUDA's runtime is asked for it, the
same library that ONNX Runtime has loaded. Source: CUDA Runtime API, cudaMallocHost; cudaMemcpy knows it by its address.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from math import prod
from threading import local
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Staging:
    """For each thread a page-locked buffer, which grows to the largest batch.

    Parameters
    ----------
    cuda : ctypes library or None
        CUDA's runtime, from `cuda_runtime`; None stages nothing.
    device : int
        Whose copies they are.
    """

    def __init__(self, cuda: Any, device: int) -> None:
        self._cuda = cuda
        self._device = device
        self._mine = local()

    def __call__(self, shape: tuple[int, ...]) -> Bytes:
        """Memory of that shape, page-locked, until this thread asks again; what it holds is arbitrary.

        Without CUDA's runtime, or where it has no such memory left, memory like any other.
        """
        size = prod(shape)
        buffer: Bytes | None = getattr(self._mine, "buffer", None)
        if buffer is None or buffer.nbytes < size:
            self._mine.buffer = buffer = None
            if self._cuda is not None and size:
                self._mine.buffer = buffer = _page_locked(self._cuda, self._device, size)
        return np.empty(shape, np.uint8) if buffer is None else buffer[:size].reshape(shape)


def cuda_runtime(version: str) -> Any:
    """CUDA's runtime of the version that ONNX Runtime is built for ("12.8"), or None if there is none."""
    major = version.partition(".")[0]
    name = f"cudart64_{major}.dll" if sys.platform == "win32" else f"libcudart.so.{major}"
    try:
        return ctypes.CDLL(name) if major else None
    except OSError:
        return None


def _page_locked(cuda: Any, device: int, size: int) -> Bytes | None:
    """So many bytes, given back with the last view of them; None where CUDA refuses."""
    address = ctypes.c_void_p()
    refused = cuda.cudaSetDevice(ctypes.c_int(device)) or cuda.cudaMallocHost(
        ctypes.byref(address), ctypes.c_size_t(size)
    )
    if refused or address.value is None:
        return None
    memory = (ctypes.c_uint8 * size).from_address(address.value)
    weakref.finalize(memory, cuda.cudaFreeHost, address).atexit = False  # CUDA may be gone by then
    return np.ctypeslib.as_array(memory)


def total_memory(cuda: Any, device: int) -> int:
    """Bytes of the device's memory; 0 where CUDA's runtime is missing or does not say."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    if cuda is None or cuda.cudaSetDevice(ctypes.c_int(device)):
        return 0
    return 0 if cuda.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)) else total.value
