"""Which of ONNX Runtime's providers work: it lists CUDA as available even where its libraries do not load."""

from __future__ import annotations

# An ONNX model of one node, y = Identity(x): what a provider is tried with. tests/python/test_cli.py reads it.
IDENTITY = (
    b"\x08\x08:7\n\x10\n\x01x\x12\x01y\x22\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01"
    b"b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)


def describe_runtime() -> dict[str, str]:
    """Version of ONNX Runtime, and for CUDA and the CPU whether a session really runs on it and why not."""
    try:
        import onnxruntime
    except ImportError as error:
        reason = str(error).splitlines()[0]
        return {"onnxruntime": f"not usable ({reason})", "networks run on": 'nothing: pip install "hcbir[cpu]"'}
    offered = onnxruntime.get_available_providers()
    cuda = "CUDAExecutionProvider"
    if cuda not in offered:
        cuda_state, device = "not in this build of ONNX Runtime (hcbir[gpu] brings it)", "the CPU"
    elif cuda in _session_providers(cuda):
        cuda_state, device = "works", "CUDA"
    else:
        cuda_state, device = "offered, but does not load (a library of CUDA or cuDNN is missing)", "the CPU"
    return {"onnxruntime": onnxruntime.__version__, "CUDA": cuda_state, "networks run on": device}


def _session_providers(provider: str) -> list[str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(IDENTITY, options, providers=[provider, "CPUExecutionProvider"])
    except Exception:  # ONNX Runtime's exceptions share no base class
        return []
    return list(session.get_providers())
