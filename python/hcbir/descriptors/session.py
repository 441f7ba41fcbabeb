"""ONNX Runtime sessions: one model on one device, with the device made sure of."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock, local
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._arrays import one_of, positive_int
from hcbir._runtime import default_num_threads
from hcbir.descriptors._extras import require
from hcbir.descriptors.cuda import CPU, CUDA, first_line, reason, why_not
from hcbir.descriptors.device import Device, DeviceTensors

PROVIDERS = ("auto", "cuda", "cpu")

# The default search for cuDNN's fastest algorithm starts again at every new size of image.
CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC"}

_here = local()


def run_side_by_side(num_threads: int) -> None:
    """Says that this thread is one of so many that run networks at the same time on the CPU.

    Its passes take one thread each from now on: a small network's threads wait for each other more than those of as
    many passes do.
    """
    _here.num_threads = num_threads


def num_side_by_side() -> int:
    """What this thread has said; 1 if it has said nothing."""
    return getattr(_here, "num_threads", 1)


_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Session:
    """A model that runs.

    Parameters
    ----------
    path : Path
        Of the `.onnx` file.
    provider : {"auto", "cuda", "cpu"}
        "auto" takes CUDA where a convolution runs on it, and warns where ONNX Runtime offers it and that fails.
    num_threads : int, optional
        Of the CPU; default: `hcbir.default_num_threads()`.
    provider_options : mapping, optional
        Of ONNX Runtime's CUDA provider ("device_id", "gpu_mem_limit", ...), over `CUDA_OPTIONS`.

    Attributes
    ----------
    provider : {"cuda", "cpu"}
        What the session really runs on.
    num_threads : int
        Of a pass on the CPU.
    metadata : dict
        The model's own key-value pairs.
    inputs, outputs : dict
        Name -> shape; a dimension that may vary is None.
    input_dtypes : dict
        Name -> float32 or float16, for inputs of these types.
    device : Device or None
        Where inputs go on CUDA.

    Raises
    ------
    ValueError
        If the file is not a model that ONNX Runtime reads, or there are options of CUDA for the CPU, or unknown ones.
    FileNotFoundError
        If it is missing.
    RuntimeError
        If provider is "cuda" and CUDA does not work.
    ModuleNotFoundError
        If ONNX Runtime is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        provider: str = "auto",
        num_threads: int | None = None,
        provider_options: Mapping[str, Any] | None = None,
    ) -> None:
        one_of(provider, "provider", PROVIDERS)
        if provider_options and provider == "cpu":
            raise ValueError(f'provider_options are for CUDA, got {dict(provider_options)} with provider "cpu"')
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        threads = default_num_threads() if num_threads is None else positive_int(num_threads, "num_threads")
        ort = require("onnxruntime")
        offered = CUDA in ort.get_available_providers()
        if provider == "cuda" and not offered:
            raise RuntimeError(
                'provider "cuda": this ONNX Runtime is built without CUDA: pip install "hcbir[gpu]" in place of [cpu]'
            )
        if provider_options and not offered:
            warnings.warn(
                f"provider_options are for CUDA, which this ONNX Runtime is built without: {path.name} runs on the CPU",
                RuntimeWarning,
                stacklevel=3,
            )
        self.path = path
        self.num_threads = threads
        self._ort = ort
        self._making = Lock()
        self._single: Any = None
        self._session = _open(ort, path, threads, provider if offered else "cpu", provider_options or {})
        self.provider = "cuda" if CUDA in self._session.get_providers() else "cpu"
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.inputs = {node.name: _shape(node) for node in self._session.get_inputs()}
        self.outputs = {node.name: _shape(node) for node in self._session.get_outputs()}
        self.input_dtypes = {n.name: _DTYPES[n.type] for n in self._session.get_inputs() if n.type in _DTYPES}
        options = self._session.get_provider_options().get(CUDA, {})
        self.device = Device(ort, "cuda", int(options.get("device_id", 0))) if self.provider == "cuda" else None

    @cached_property
    def sha256(self) -> str:
        """Hash of the file, to recognise it by."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, npt.NDArray[Any] | DeviceTensors]
    ) -> list[npt.NDArray[Any]]:
        """The named outputs for these inputs; may be called from several threads.

        On CUDA inputs that are not there yet are copied to the device before the run begins: the copies of one
        thread proceed during the run of another. The outputs come to the host at the end of the run.

        Raises
        ------
        ValueError
            If the model does not take such inputs.
        """
        try:
            if self.device is None:
                session = self._session if num_side_by_side() == 1 else self._single_threaded
                return list(session.run(list(outputs), dict(inputs)))
            return self._run_bound(outputs, inputs, self.device)
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            shapes = ", ".join(f"{name} {value.shape}" for name, value in inputs.items())
            raise ValueError(f"{self.path.name} does not run on {shapes}: {reason(error)}") from error

    @property
    def _single_threaded(self) -> Any:
        with self._making:
            if self._single is None:
                self._single = self._session if self.num_threads == 1 else _create(self._ort, self.path, 1, None)
        return self._single

    def _run_bound(
        self, outputs: Sequence[str], inputs: Mapping[str, npt.NDArray[Any] | DeviceTensors], device: Device
    ) -> list[npt.NDArray[Any]]:
        binding = self._session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value.value if isinstance(value, DeviceTensors) else device.put(value))
        for name in outputs:
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        return [output.numpy() for output in binding.get_outputs()]


def _open(ort: Any, path: Path, num_threads: int, provider: str, cuda_options: Mapping[str, Any]) -> Any:
    """A session on CUDA where that is wanted and works; on the CPU otherwise, after a warning that says why."""
    if provider == "cpu":
        return _create(ort, path, num_threads, None)
    options = CUDA_OPTIONS | {key: str(value) for key, value in cuda_options.items()}
    failure = why_not(ort, options)
    if not failure:
        try:
            session = _create(ort, path, num_threads, options)
            if CUDA in session.get_providers():
                return session
            failure = "ONNX Runtime does not say why"
        except ValueError as error:
            failure = reason(error.__cause__ or error)
    if "provider option" in failure.lower():
        raise ValueError(f"provider_options: {failure}")
    session = _create(ort, path, num_threads, None)  # raises where it is the model's fault
    message = f"CUDA does not work ({failure})"
    if provider == "cuda":
        raise RuntimeError(f'provider "cuda": {message}')
    warnings.warn(f"{message}: {path.name} runs on the CPU", RuntimeWarning, stacklevel=4)
    return session


def _create(ort: Any, path: Path, num_threads: int, cuda_options: Mapping[str, str] | None) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # failures arrive as exceptions, once
    options.enable_mem_pattern = False  # it keeps one plan for every size of image met
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the CPUs are wanted for decoding
    providers: list[Any] = [CPU]
    if cuda_options is not None:
        providers = [(CUDA, dict(cuda_options)), CPU]
        # Only the CPU multiplies bytes: to keep weights in eight bits for it costs CUDA a conversion in every pass.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        # Its own fallback prints to standard output, where results stand.
        return ort.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
    except Exception as error:
        raise ValueError(f"{path}: not a model that ONNX Runtime reads: {first_line(error)}") from error


def _shape(node: Any) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in node.shape)
