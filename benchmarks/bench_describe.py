"""The describing pipeline, from files to vectors, against bare ONNX Runtime sessions and torch eager, same threads.

The bare sessions have ONNX Runtime's own settings and tensors made beforehand, in batches as the pipeline's.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Against
from PIL import Image

import hcbir
from hcbir import descriptors
from hcbir.descriptors.images import list_images, open_image
from hcbir.descriptors.network import Network, batches, equal_sizes

ort = pytest.importorskip("onnxruntime")

DATA = Path(os.environ.get("HCBIR_SHARED", Path(__file__).parents[2] / "shared")) / "data"
SIDE = 480
SMALL_SIDE = 320


def pipeline(files: list[Path], network: str, size: int) -> Callable[[], Any]:
    descriptor = descriptors.load(network, image_size=size, provider="cpu")
    return lambda: [found.global_vectors for found in descriptors.describe_files(files, {"gem": descriptor})]


def tensors_of(files: list[Path], network: Network, size: int) -> list[np.ndarray]:
    """What the pipeline hands to the network, all of one size together."""
    images = [open_image(file, longest_side=size).image for file in files]
    return [
        network.tensors([images[i] for i in batch])
        for (width, height), members in equal_sizes(images)
        for batch in batches(members, network.max_batch(width, height))
    ]


def bare(path: Path, network: Network, tensors: list[np.ndarray]) -> Callable[[], Any]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = hcbir.default_num_threads()
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: [session.run(None, {network.recipe.input: batch}) for batch in tensors]


@pytest.fixture(scope="module")
def resnet101(request: pytest.FixtureRequest) -> tuple[Any, Path, Path]:
    """ResNet-101 with GeM and random weights: in torch, exported, exported with --int8; kept in pytest's cache."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from hcbir.models.calibration import calibration_images
    from hcbir.models.checkpoints import LoadedNetwork
    from hcbir.models.export import export_network
    from hcbir.models.network import Head, RetrievalNetwork
    from hcbir.models.pooling import GeM
    from hcbir.models.resnet import resnet
    from hcbir.study.synthetic import make_collection

    torch.manual_seed(0)
    trunk = resnet("resnet101")
    network = RetrievalNetwork(trunk, {"gem": Head(GeM(), trunk.dim)}).eval()
    loaded = LoadedNetwork(
        network=network, architecture="resnet101; gem", mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4), sha256=""
    )
    folder = request.config.cache.mkdir("describing")
    plain, quantised = folder / "resnet101.onnx", folder / "resnet101-int8.onnx"
    for path, precision in ((plain, "fp32"), (quantised, "int8")):
        if not path.exists():
            with tempfile.TemporaryDirectory() as images:
                make_collection(Path(images), num_distractors=8)
                calibration = calibration_images(Path(images), mean=loaded.mean, std=loaded.std)
                export_network(
                    loaded,
                    path,
                    name="resnet101",
                    precision=precision,
                    image_size=SIDE,
                    calibration=list(calibration) if precision == "int8" else None,
                )
    return network, plain, quantised


def photographs(folder: Path, count: int) -> list[Path]:
    """Square JPEG files of a megapixel."""
    rng = np.random.default_rng(0)
    files = [folder / f"{i}.jpg" for i in range(count)]
    for file in files:
        coarse = Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
        coarse.resize((1024, 1024), Image.Resampling.BICUBIC).save(file, quality=90)
    return files


def test_resnet101_sessions(against: Against, resnet101: tuple[Any, Path, Path], tmp_path: Path) -> None:
    """hcbir's fp32 session as the pipeline has it, against torch and the bare sessions."""
    torch = pytest.importorskip("torch")
    eager, plain, quantised = resnet101
    network = Network(plain, provider="cpu")
    tensors = tensors_of(photographs(tmp_path, 4), network, SIDE)
    torch.set_num_threads(hcbir.default_num_threads())

    def run_eager() -> None:
        with torch.inference_mode():
            for batch in tensors:
                eager(torch.from_numpy(batch))

    against(
        lambda: [network.run(["gem"], batch) for batch in tensors],
        {
            "torch eager": run_eager,
            "bare session": bare(plain, network, tensors),
            "bare session int8": bare(quantised, network, tensors),
        },
        network="ResNet-101 GeM",
        images=4,
        side=SIDE,
        batch=len(tensors[0]),
    )


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_resnet101_pipeline(
    against: Against, resnet101: tuple[Any, Path, Path], tmp_path: Path, precision: str
) -> None:
    path = resnet101[1 if precision == "fp32" else 2]
    files = photographs(tmp_path, 16)
    network = Network(path, provider="cpu")
    tensors = tensors_of(files, network, SIDE)
    against(
        pipeline(files, str(path), SIDE),
        {"bare session": bare(path, network, tensors)},
        network=f"ResNet-101 GeM {precision}",
        images=len(files),
        side=SIDE,
        batch=len(tensors[0]),
    )


def test_squeezenet(against: Against) -> None:
    path = DATA / "models" / "squeezenet1_1_imagenet.onnx"
    if not path.exists():
        pytest.skip(f"no {path}")
    files = list_images(DATA / "landmarks")
    network = Network(path, provider="cpu")
    against(
        pipeline(files, f"{path}:gem", SMALL_SIDE),
        {"bare session": bare(path, network, tensors_of(files, network, SMALL_SIDE))},
        network="SqueezeNet 1.1 GeM",
        images=len(files),
        side=SMALL_SIDE,
    )
