"""Page-locked host memory, from which CUDA copies at the bus's full speed.

ONNX Runtime's Python names no such memory ("cuda_pinned" is no device of it), so CUDA's runtime is asked for it, the
same library that ONNX Runtime has loaded. Source: CUDA Runtime API, cudaMallocHost; cudaMemcpy knows it by its address.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from threading import local
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Staging:
    """For each thread and each input a page-locked buffer, which grows to the largest batch.

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

    def __call__(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The values in page-locked memory, until this thread stages the input of that name again.

        Without CUDA's runtime, or where it has no such memory left, the values as they are.
        """
        buffers: dict[str, Bytes] = self._mine.__dict__.setdefault("buffers", {})
        if self._cuda is None or values.nbytes == 0:
            return values
        if name not in buffers or buffers[name].nbytes < values.nbytes:
            buffers.pop(name, None)
            buffer = _page_locked(self._cuda, self._device, values.nbytes)
            if buffer is None:
                return values
            buffers[name] = buffer
        staged = buffers[name][: values.nbytes].view(values.dtype).reshape(values.shape)
        np.copyto(staged, values)
        return staged


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
