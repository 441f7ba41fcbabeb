"""Does an exported file compute what the torch network computes?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from hcbir._features import FloatArray
from hcbir.descriptors.session import Session

# (height, width): squares, both orientations, ratios up to 1:5, odd sides, sides that no stride divides.
SIZES = (
    *((32, 32), (33, 33), (48, 64), (64, 48), (96, 96), (97, 131), (131, 97), (128, 256), (256, 128), (64, 320)),
    *((320, 64), (224, 224), (225, 223), (240, 320), (320, 240), (200, 300), (300, 200), (100, 400), (400, 100)),
    *((160, 352), (352, 288), (288, 352), (384, 256), (255, 257)),
)
BATCH = 2
"""Images in the batch of every fourth size; the others come alone."""


@dataclass(frozen=True)
class Difference:
    """Of one output: the largest of |a - b|, over the largest of |b| if that is above 1; the smallest cosine.

    The cosine is along the channels, and 1 where there is only one.
    """

    maximum: float
    cosine: float


@dataclass(frozen=True)
class Parity:
    """How far a file is from the torch network.

    Parameters
    ----------
    by_size : mapping from (height, width) to the name of an output to Difference
    """

    by_size: Mapping[tuple[int, int], Mapping[str, Difference]]

    def worst(self, output: str) -> Difference:
        """Over all sizes."""
        of_output = [differences[output] for differences in self.by_size.values()]
        return Difference(max(d.maximum for d in of_output), min(d.cosine for d in of_output))

    @property
    def outputs(self) -> list[str]:
        return list(next(iter(self.by_size.values())))

    def report(self) -> str:
        """A table: one line a size, and the worst of all."""
        rows = [(f"{h} x {w}", differences) for (h, w), differences in self.by_size.items()]
        rows.append(("worst", {output: self.worst(output) for output in self.outputs}))
        lines = ["height x width  " + "  ".join(f"{output:>20}" for output in self.outputs)]
        for label, differences in rows:
            cells = (f"{d.maximum:>9.1e} {d.cosine:>10.7f}" for d in differences.values())
            lines.append(f"{label:<16}" + "  ".join(cells))
        return "\n".join(lines)


def compare(
    path: Path,
    network: nn.Module,
    outputs: Sequence[str],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    sizes: Sequence[tuple[int, int]] = SIZES,
    progress: Callable[[int, int], None] | None = None,
) -> Parity:
    """Runs random images through the file, by ONNX Runtime on the CPU, and through the network.

    Parameters
    ----------
    path : Path
        Of the `.onnx` file; its input is called `image`.
    network : nn.Module
        Gives a tuple, in the order of `outputs`.
    outputs : names
    mean, std : three floats
        The input is (pixel in 0..255 - mean) / std.
    sizes : sequence of (height, width)
    progress : callable, optional
        progress(sizes compared, sizes in all)
    """
    session = Session(path, provider="cpu")
    by_size = {}
    for i, (height, width) in enumerate(sizes):
        image = random_images(BATCH if i % 4 == 1 else 1, height, width, mean=mean, std=std, seed=i)
        with torch.inference_mode():
            expected = [tensor.numpy() for tensor in network(image)]
        actual = session.run(outputs, {"image": image.numpy()})
        by_size[height, width] = {
            output: difference(a, b) for output, a, b in zip(outputs, actual, expected, strict=True)
        }
        if progress is not None:
            progress(i + 1, len(sizes))
    return Parity(by_size)


def difference(actual: FloatArray, expected: FloatArray) -> Difference:
    """Between two outputs of the same shape, channels along axis 1."""
    if actual.shape != expected.shape:
        raise ValueError(f"actual must have the shape of expected, {expected.shape}, got {actual.shape}")
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    maximum = np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b)))
    if b.shape[1] == 1:
        return Difference(float(maximum), 1.0)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.min(np.sum(a * b, axis=1) / np.maximum(lengths, np.finfo(np.float64).tiny))
    return Difference(float(maximum), float(cosine))


def random_images(
    count: int, height: int, width: int, *, mean: Sequence[float], std: Sequence[float], seed: int
) -> torch.Tensor:
    """(count, 3, height, width): coarse patches and fine noise, normalised."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, height // 16 + 2, width // 16 + 2, generator=generator)
    pixels = interpolate(coarse, (height, width), mode="bilinear")
    pixels = (0.7 * pixels + 0.3 * torch.rand(count, 3, height, width, generator=generator)) * 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
