"""Networks -> self-describing ONNX files, checked against torch."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hcbir import __version__
from hcbir._features import FloatArray
from hcbir.descriptors.recipes import DelfRecipe, GlobalRecipe, Head, Recipe, format_recipe
from hcbir.models import graph
from hcbir.models.checkpoints import LoadedNetwork
from hcbir.models.delf import DELF, PADDING, RECEPTIVE_FIELD, SCALES, STRIDE
from hcbir.models.network import RetrievalNetwork
from hcbir.models.parity import Parity, compare
from hcbir.models.quantisation import quantise

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the number done and the number to do."""

PRECISIONS = ("fp32", "fp16", "int8")
MOST_DIFFERENCE = 1e-5
# Scores are no unit vectors: they are sums over many large activations, of which little may be left.
MOST_SCORE_DIFFERENCE = 1e-4
LEAST_COSINE = 0.999
DESCRIPTORS, SCORES = "descriptors", "scores"


class ParityError(RuntimeError):
    """An exported model does not compute what the network does."""


@dataclass(frozen=True)
class Export:
    """A written file.

    Parameters
    ----------
    path : Path
    recipe : Recipe
    parity : Parity
        Of the file by ONNX Runtime with the network by torch in single precision.
    """

    path: Path
    recipe: Recipe
    parity: Parity


def export_network(
    loaded: LoadedNetwork,
    path: Path,
    *,
    name: str,
    precision: str = "fp32",
    calibration: Iterable[FloatArray] | None = None,
    scales: Sequence[float] | None = None,
    image_size: int = 1024,
    licence: str = "",
    source: str = "",
    progress: Progress | None = None,
) -> Export:
    """Writes one file with the network and its recipe, after comparing it with torch at 24 sizes.

    Parameters
    ----------
    loaded : LoadedNetwork
    path : Path
        Of the `.onnx` file; written whole or not at all.
    name : str
        Of the network and its training, for people.
    precision : {"fp32", "fp16", "int8"}
        fp16: the trunk in half precision. int8: its convolutions, but the first and the last, in eight bits,
        for CPUs: CUDA runs them in single precision, with conversions between.
    calibration : iterable of (n, 3, height, width) float32, optional
        Images as the network takes them, from which int8 learns its ranges.
    scales : floats, optional
        Sizes at which the descriptor is computed; default: 1, for DELF its seven.
    image_size : int
        Longest side, in pixels, at which images are described.
    licence, source : str
        Of the weights.
    progress : callable, optional
        progress(what, done, total): large networks take minutes.

    Raises
    ------
    ParityError
        If the file's unit vectors differ from torch's by more than 1e-5 (fp32), or a cosine is below 0.999 (fp16);
        DELF's scores may differ by 1e-4 of the largest one (fp32).
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if (precision == "int8") != (calibration is not None):
        raise ValueError(f"calibration must be given for int8 and for nothing else, precision is {precision!r}")
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"{path}: no folder {path.resolve().parent}")
    network = loaded.network
    recipe = _recipe(
        network,
        scales,
        {
            "name": name,
            "input": "image",
            "colour": "rgb",
            "mean": loaded.mean,
            "std": loaded.std,
            "image_size": image_size,
            "licence": licence,
            "source": source,
            "source_sha256": loaded.sha256,
            "hcbir_version": __version__,
            "exported": f"{loaded.architecture}; {', '.join(_outputs(network))}; {precision}",
        },
    )
    tell = progress or (lambda what, done, total: None)
    with tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=f".{path.name}.") as folder:
        trial = Path(folder) / "model.onnx"
        _write(loaded, trial, precision=precision, calibration=calibration, recipe=recipe, progress=tell)
        comparing = partial(tell, "compare with torch")
        parity = compare(trial, network, _outputs(network), mean=loaded.mean, std=loaded.std, progress=comparing)
        _require_parity(parity, precision)
        trial.replace(path)
    return Export(path, recipe, parity)


def _write(
    loaded: LoadedNetwork,
    path: Path,
    *,
    precision: str,
    calibration: Iterable[FloatArray] | None,
    recipe: Recipe,
    progress: Progress,
) -> None:
    network = loaded.network
    progress("write the graph", 0, 1)
    if precision == "fp16":
        network = copy.deepcopy(network)
        network.trunk.half()
    model = graph.to_onnx(network, _outputs(network))
    graph.save(model, path, recipe=format_recipe(recipe))
    progress("write the graph", 1, 1)
    if calibration is not None:
        quantised = quantise(path, calibration, progress=partial(progress, "learn ranges"))
        graph.save(quantised, path, recipe=format_recipe(recipe))


def _outputs(network: RetrievalNetwork | DELF) -> list[str]:
    return [DESCRIPTORS, SCORES] if isinstance(network, DELF) else list(network.heads)


def _recipe(network: RetrievalNetwork | DELF, scales: Sequence[float] | None, common: dict[str, Any]) -> Recipe:
    recipe: Recipe
    if isinstance(network, DELF):
        recipe = DelfRecipe(
            **common,
            descriptor_output=DESCRIPTORS,
            score_output=SCORES,
            descriptor_dim=network.dim,
            scales=SCALES if scales is None else tuple(scales),
            receptive_field=RECEPTIVE_FIELD,
            stride=STRIDE,
            padding=PADDING,
        )
    else:
        heads = {name: Head(output=name, dim=head.dim, power=head.power) for name, head in network.heads.items()}
        recipe = GlobalRecipe(**common, heads=heads, scales=(1.0,) if scales is None else tuple(scales))
    recipe.check()
    return recipe


def _require_parity(parity: Parity, precision: str) -> None:
    for output in parity.outputs:
        worst = parity.worst(output)
        most = MOST_SCORE_DIFFERENCE if output == SCORES else MOST_DIFFERENCE
        if precision == "fp32" and not worst.maximum <= most:
            raise ParityError(f"{output} differs from torch by {worst.maximum:.1e}, more than {most}")
        if precision == "fp16" and not worst.cosine >= LEAST_COSINE:
            raise ParityError(f"{output} in fp16 has a cosine of {worst.cosine:.5f} with torch, below {LEAST_COSINE}")
