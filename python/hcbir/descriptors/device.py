"""Batches in a CUDA device's memory: bytes go there, a third of the floats, and are normalised and resized there.

Both are small ONNX models, so that what runs networks is all that is needed. Their arithmetic is that of
`Network.tensors` and `resizing`, operation by operation: the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.descriptors.cuda import CPU, CUDA
from hcbir.descriptors.staging import Bytes, Staging, cuda_runtime, total_memory

# ONNX models, as tests/python/test_device.py spells them out.
# y = (pixels (n, h, w, p) uint8 -> the channels (c) of (n, p, h, w) float32 - mean (c, 1, 1)) / std
NORMALISE = (
    b"\x08\x08:\xac\x02\x0a)\x0a\x06pixels\x12\x01p\x22\x09Transpose*\x11\x0a\x04perm@\x00@\x03@\x01@\x02\xa0"
    b"\x01\x07\x0a%\x0a\x01p\x0a\x08channels\x12\x01c\x22\x06Gather*\x0b\x0a\x04axis\x18\x01\xa0\x01\x02\x0a"
    b"\x17\x0a\x01c\x12\x01f\x22\x04Cast*\x09\x0a\x02to\x18\x01\xa0\x01\x02\x0a\x11\x0a\x01f\x0a\x04mean\x12"
    b"\x01s\x22\x03Sub\x0a\x10\x0a\x01s\x0a\x03std\x12\x01y\x22\x03Div\x12\x01gZ$\x0a\x06pixels\x12\x1a\x0a"
    b"\x18\x08\x02\x12\x14\x0a\x03\x12\x01n\x0a\x03\x12\x01h\x0a\x03\x12\x01w\x0a\x03\x12\x01pZ\x17\x0a\x08cha"
    b"nnels\x12\x0b\x0a\x09\x08\x07\x12\x05\x0a\x03\x12\x01cZ\x1b\x0a\x04mean\x12\x13\x0a\x11\x08\x01\x12\x0d"
    b"\x0a\x03\x12\x01c\x0a\x02\x08\x01\x0a\x02\x08\x01Z\x1a\x0a\x03std\x12\x13\x0a\x11\x08\x01\x12\x0d\x0a"
    b"\x03\x12\x01c\x0a\x02\x08\x01\x0a\x02\x08\x01b\x1f\x0a\x01y\x12\x1a\x0a\x18\x08\x01\x12\x14\x0a\x03\x12"
    b"\x01n\x0a\x03\x12\x01c\x0a\x03\x12\x01h\x0a\x03\x12\x01wB\x04\x0a\x00\x10\x0d"
)
# r = a + (b - a) v of rows a = x[:, :, i], b = x[:, :, j]; then y the same of r's columns k and l, with weights w
SAMPLE = (
    b"\x08\x08:\x95\x03\x0a\x1e\x0a\x01x\x0a\x01i\x12\x01a\x22\x06Gather*\x0b\x0a\x04axis\x18\x02\xa0\x01\x02"
    b"\x0a\x1e\x0a\x01x\x0a\x01j\x12\x01b\x22\x06Gather*\x0b\x0a\x04axis\x18\x02\xa0\x01\x02\x0a\x0e\x0a\x01b"
    b"\x0a\x01a\x12\x01d\x22\x03Sub\x0a\x0e\x0a\x01d\x0a\x01v\x12\x01e\x22\x03Mul\x0a\x0e\x0a\x01e\x0a\x01a"
    b"\x12\x01r\x22\x03Add\x0a\x1e\x0a\x01r\x0a\x01k\x12\x01A\x22\x06Gather*\x0b\x0a\x04axis\x18\x03\xa0\x01"
    b"\x02\x0a\x1e\x0a\x01r\x0a\x01l\x12\x01B\x22\x06Gather*\x0b\x0a\x04axis\x18\x03\xa0\x01\x02\x0a\x0e\x0a"
    b"\x01B\x0a\x01A\x12\x01D\x22\x03Sub\x0a\x0e\x0a\x01D\x0a\x01w\x12\x01E\x22\x03Mul\x0a\x0e\x0a\x01E\x0a"
    b"\x01A\x12\x01y\x22\x03Add\x12\x01gZ\x1f\x0a\x01x\x12\x1a\x0a\x18\x08\x01\x12\x14\x0a\x03\x12\x01n\x0a"
    b"\x03\x12\x01c\x0a\x03\x12\x01s\x0a\x03\x12\x01tZ\x10\x0a\x01i\x12\x0b\x0a\x09\x08\x07\x12\x05\x0a\x03"
    b"\x12\x01hZ\x10\x0a\x01j\x12\x0b\x0a\x09\x08\x07\x12\x05\x0a\x03\x12\x01hZ\x14\x0a\x01v\x12\x0f\x0a\x0d"
    b"\x08\x01\x12\x09\x0a\x03\x12\x01h\x0a\x02\x08\x01Z\x10\x0a\x01k\x12\x0b\x0a\x09\x08\x07\x12\x05\x0a\x03"
    b"\x12\x01uZ\x10\x0a\x01l\x12\x0b\x0a\x09\x08\x07\x12\x05\x0a\x03\x12\x01uZ\x10\x0a\x01w\x12\x0b\x0a\x09"
    b"\x08\x01\x12\x05\x0a\x03\x12\x01ub\x1f\x0a\x01y\x12\x1a\x0a\x18\x08\x01\x12\x14\x0a\x03\x12\x01n\x0a\x03"
    b"\x12\x01c\x0a\x03\x12\x01h\x0a\x03\x12\x01uB\x04\x0a\x00\x10\x0d"
)


class Device:
    """Where a session's inputs go.

    Parameters
    ----------
    ort : module
        onnxruntime.
    kind : {"cuda", "cpu"}
    index : int
        Which CUDA device.
    """

    def __init__(self, ort: Any, kind: str, index: int) -> None:
        self._ort = ort
        self._place = (kind, index)
        self._cuda = cuda_runtime(getattr(ort, "cuda_version", "")) if kind == "cuda" else None
        self._stage = Staging(self._cuda, index)
        self._sessions: dict[bytes, Any] = {}
        self._making = Lock()

    @property
    def memory(self) -> int:
        """Bytes that the device has in all; 0 where that is not known."""
        return total_memory(self._cuda, self._place[1])

    def staged(self, shape: tuple[int, ...]) -> Bytes:
        """Host memory for so many bytes, from which copies are fast, until this thread asks again."""
        return self._stage(shape)

    def put(self, values: npt.NDArray[Any]) -> Any:
        """A copy on the device."""
        return self._ort.OrtValue.ortvalue_from_numpy(values, *self._place)

    def normalised(
        self, pixels: Bytes, channels: list[int], mean: tuple[float, ...], std: tuple[float, ...]
    ) -> DeviceTensors:
        """(n, len(channels), h, w): the channels of (n, h, w, p) pixels, (pixel - mean) / std."""
        inputs: dict[str, npt.NDArray[Any]] = {"pixels": pixels, "channels": np.asarray(channels, np.int64)}
        inputs |= {name: np.asarray(v, np.float32).reshape(-1, 1, 1) for name, v in (("mean", mean), ("std", std))}
        return self.run(NORMALISE, {name: self.put(values) for name, values in inputs.items()})

    def run(self, model: bytes, inputs: Mapping[str, Any]) -> DeviceTensors:
        """The output of one of the models above, which stays on the device."""
        session = self._session(model)
        binding = session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        binding.bind_output("y", *self._place)
        session.run_with_iobinding(binding)
        return DeviceTensors(binding.get_outputs()[0], self)

    def _session(self, model: bytes) -> Any:
        with self._making:
            if model not in self._sessions:
                kind, index = self._place
                options = self._ort.SessionOptions()
                options.log_severity_level = 4
                options.enable_mem_pattern = False
                options.intra_op_num_threads = 1
                providers = [(CUDA, {"device_id": str(index)}), CPU] if kind == "cuda" else [CPU]
                self._sessions[model] = self._ort.InferenceSession(model, options, providers=providers)
            return self._sessions[model]


class DeviceTensors:
    """(n, c, h, w) float32 on a device.

    Parameters
    ----------
    value : onnxruntime.OrtValue
    device : Device
    """

    def __init__(self, value: Any, device: Device) -> None:
        self.value = value
        self._device = device
        self.shape: tuple[int, ...] = tuple(value.shape())

    def __len__(self) -> int:
        return self.shape[0]

    def sampled(self, rows: Between, columns: Between) -> DeviceTensors:
        """As `resizing` does it on the host."""
        (i, j, v), (k, m, w) = rows, columns
        inputs = {"i": i, "j": j, "v": v.reshape(-1, 1), "k": k, "l": m, "w": w}
        return self._device.run(SAMPLE, {"x": self.value} | {name: self._device.put(x) for name, x in inputs.items()})


Between = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.floating[Any]]]
"""Indices before and after each place, and how far it is from the first to the second."""
