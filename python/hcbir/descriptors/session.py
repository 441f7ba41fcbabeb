"""ONNX Runtime sessions: one model on one device, with the device made sure of."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir._arrays import one_of, positive_int
from hcbir._runtime import default_num_threads
from hcbir.descriptors._extras import require

PROVIDERS = ("auto", "cuda", "cpu")

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


class Session:
    """A model that runs.

    Parameters
    ----------
    path : Path
        Of the `.onnx` file.
    provider : {"auto", "cuda", "cpu"}
        "auto" takes CUDA where it works, and warns where ONNX Runtime offers it but cannot load it.
    num_threads : int, optional
        Of the CPU; default: `hcbir.default_num_threads()`.

    Attributes
    ----------
    provider : {"cuda", "cpu"}
        What the session really runs on.
    metadata : dict
        The model's own key-value pairs.
    inputs, outputs : dict
        Name -> shape; a dimension that may vary is None.

    Raises
    ------
    ValueError
        If the file is not a model that ONNX Runtime reads.
    FileNotFoundError
        If it is missing.
    RuntimeError
        If provider is "cuda" and CUDA does not work.
    ModuleNotFoundError
        If ONNX Runtime is not installed.
    """

    def __init__(self, path: Path, *, provider: str = "auto", num_threads: int | None = None) -> None:
        one_of(provider, "provider", PROVIDERS)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        threads = default_num_threads() if num_threads is None else positive_int(num_threads, "num_threads")
        ort = require("onnxruntime")
        offered = _CUDA in ort.get_available_providers()
        if provider == "cuda" and not offered:
            raise RuntimeError(
                'provider "cuda": this ONNX Runtime is built without CUDA: pip install "hcbir[gpu]" in place of [cpu]'
            )
        use_cuda = offered and provider != "cpu"
        self.path = path
        self._session = _create(ort, path, threads, use_cuda)
        self.provider = "cuda" if _CUDA in self._session.get_providers() else "cpu"
        if use_cuda and self.provider != "cuda":
            message = "ONNX Runtime offers CUDA but could not load it (is a library of CUDA or cuDNN missing?)"
            if provider == "cuda":
                raise RuntimeError(f'provider "cuda": {message}')
            warnings.warn(f"{message}: {path.name} runs on the CPU", RuntimeWarning, stacklevel=2)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.inputs = {node.name: _shape(node) for node in self._session.get_inputs()}
        self.outputs = {node.name: _shape(node) for node in self._session.get_outputs()}

    @cached_property
    def sha256(self) -> str:
        """Hash of the file, to recognise it by."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def run(self, outputs: Sequence[str], inputs: Mapping[str, npt.NDArray[np.float32]]) -> list[npt.NDArray[Any]]:
        """The named outputs for these inputs; may be called from several threads.

        Raises
        ------
        ValueError
            If the model does not take such inputs.
        """
        try:
            return list(self._session.run(list(outputs), dict(inputs)))
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            shapes = ", ".join(f"{name} {value.shape}" for name, value in inputs.items())
            raise ValueError(f"{self.path.name} does not run on {shapes}: {_first_line(error)}") from error


def _create(ort: Any, path: Path, num_threads: int, use_cuda: bool) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # failures arrive as exceptions, once
    options.enable_mem_pattern = False  # it keeps one plan for every size of image met
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the CPUs are wanted for decoding
    # The default search for cuDNN's fastest algorithm starts again at every new size of image.
    cuda = (_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"})
    try:
        return ort.InferenceSession(str(path), options, providers=[cuda, _CPU] if use_cuda else [_CPU])
    except Exception as error:
        raise ValueError(f"{path}: not a model that ONNX Runtime reads: {_first_line(error)}") from error


def _shape(node: Any) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in node.shape)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
