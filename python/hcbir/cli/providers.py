"""Which of ONNX Runtime's providers work: it lists CUDA as available even where its libraries do not load."""

from __future__ import annotations

from hcbir.descriptors.cuda import CUDA, why_not
from hcbir.descriptors.session import CUDA_OPTIONS


def describe_runtime() -> dict[str, str]:
    """Version of ONNX Runtime, and for CUDA and the CPU whether a session really runs on it and why not."""
    try:
        import onnxruntime
    except ImportError as error:
        reason = str(error).splitlines()[0]
        return {"onnxruntime": f"not usable ({reason})", "networks run on": 'nothing: pip install "hcbir[cpu]"'}
    if CUDA not in onnxruntime.get_available_providers():
        cuda_state, device = "not in this build of ONNX Runtime (hcbir[gpu] brings it)", "the CPU"
    elif failure := why_not(onnxruntime, CUDA_OPTIONS):
        cuda_state, device = f"offered, but does not work: {failure}", "the CPU"
    else:
        cuda_state, device = "works", "CUDA"
    return {"onnxruntime": onnxruntime.__version__, "CUDA": cuda_state, "networks run on": device}
