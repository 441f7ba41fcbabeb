"""`hcbir export`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hcbir._features import FloatArray
from hcbir.cli.console import command, progress_bars, require_writable, say, spare

if TYPE_CHECKING:
    from hcbir.models.checkpoints import LoadedNetwork
    from hcbir.models.registry import PublishedModel


class Trunk(StrEnum):
    """Trunks."""

    resnet50 = "resnet50"
    resnet101 = "resnet101"
    vgg16 = "vgg16"


def register(app: typer.Typer) -> None:
    app.command()(export)


def export(
    name: Annotated[str, typer.Argument(help="One of `hcbir models list`, which brings the rest, or a name to give.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file to write.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            help="cirtorch's or torchvision's .pth, NetVLAD's .mat, or DELF's TensorFlow variables "
            "(a SavedModel's folder or .tar.gz, variables/variables, or a .npz).",
            show_default="where `hcbir models pull` puts it",
        ),
    ] = None,
    trunk: Annotated[Trunk | None, typer.Option(help="Where the weights do not say.")] = None,
    heads: Annotated[
        str | None, typer.Option(help="Of gem, mac, spoc, rmac, parted by commas; or netvlad; or delf.")
    ] = None,
    scales: Annotated[str | None, typer.Option(help="Sizes to describe at, such as 1,0.7071,0.5.")] = None,
    size: Annotated[int, typer.Option(min=32, help="Longest side, in pixels, for description.")] = 1024,
    whiten: Annotated[
        bool | None, typer.Option(help="Keep the trained whitening.", show_default="yes; for NetVLAD and DELF's PCA no")
    ] = None,
    learned_whitening: Annotated[
        str | None, typer.Option(metavar="DATASET", help="Write cirtorch's Lw of this data set beside the file.")
    ] = None,
    pca: Annotated[
        Path | None,
        typer.Option(
            help="DELF: a folder of its .datum files, its .tar.gz, or a .npz with mean and matrix (and variances).",
            show_default="what is published with the weights",
        ),
    ] = None,
    pca_dim: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="DIM",
            help="DELF: project descriptors to so many numbers; its authors use 40 (delf-v1) and 128 (delf-gld).",
            show_default="no projection",
        ),
    ] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="The trunk in half precision, for GPUs.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Inner layers in eight bits, for CPUs; slower on GPUs.")] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="int8: images to learn from.", show_default="synthetic ones"),
    ] = None,
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "",
    source: Annotated[str, typer.Option(help="Of the weights.")] = "",
) -> None:
    """Write a network and its weights to one self-describing .onnx file, and compare it with torch.

    The file runs without torch, here and in other systems; the comparison at 24 sizes of image is printed.

    Example: [bold]hcbir export retrievalSfM120k-resnet101-gem -o gem.onnx --heads gem,mac,spoc,rmac[/bold]
    """
    from hcbir.models.checkpoints import read_learned_whitening
    from hcbir.models.export import export_network
    from hcbir.models.registry import default_folder, published_models

    if fp16 and int8:
        raise ValueError("--fp16 and --int8 exclude each other")
    if calibration is not None and not int8:
        raise ValueError("--calibration is for --int8")
    published = published_models().get(name)
    if weights is None:
        if published is None:
            raise ValueError(f"--weights must be given: {name!r} is not one of `hcbir models list`")
        weights = default_folder() / published.file_name
        if not weights.is_file():
            raise FileNotFoundError(f"{weights}: not there yet: hcbir models pull {name}, or give --weights")
    require_writable(output)
    spare(output, weights, *([] if pca is None else [pca]))
    say(f"reading {weights}")
    loaded = _load(weights, published, trunk=trunk, heads=heads, whiten=whiten, pca=pca, pca_dim=pca_dim)
    wanted_scales = _numbers(scales) if scales is not None else published.scales if published else ()
    descriptor = str(output)
    if learned_whitening is not None:
        beside = output.with_suffix(".lw.npz")
        several = len(wanted_scales) > 1
        read_learned_whitening(weights, learned_whitening, several_scales=several).save(beside)
        descriptor = f"{output}:gem+{beside}"
    with tempfile.TemporaryDirectory() as folder, progress_bars() as progress:
        result = export_network(
            loaded,
            output,
            name=name,
            precision="int8" if int8 else "fp16" if fp16 else "fp32",
            calibration=_calibration(calibration, Path(folder), loaded, progress) if int8 else None,
            scales=wanted_scales or None,
            image_size=size,
            licence=licence or (published.licence if published else ""),
            source=source or (published.url if published else weights.name),
            progress=progress,
        )
    typer.echo("largest difference from torch in single precision, and smallest cosine, for each size of image:")
    typer.echo(result.parity.report())
    say(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
    say(f"next: {command('index', 'PHOTOS/', '-o', 'photos.hcbir', '--descriptor', descriptor)}")


def _load(
    weights: Path,
    published: PublishedModel | None,
    *,
    trunk: Trunk | None,
    heads: str | None,
    whiten: bool | None,
    pca: Path | None,
    pca_dim: int | None,
) -> LoadedNetwork:
    from hcbir.models import checkpoints

    chosen = None if heads is None else tuple(head.strip() for head in heads.split(","))
    alone = "delf" if checkpoints.is_bundle(weights) else {".mat": "netvlad", ".npz": "delf"}.get(weights.suffix)
    if alone != "delf" and not (pca is None and pca_dim is None):
        raise ValueError(f"{'--pca-dim' if pca is None else '--pca'} is for DELF")
    if alone is None:
        if chosen is None and published is not None:
            chosen = published.heads
        return checkpoints.load_retrieval(
            weights,
            trunk=trunk.value if trunk else published.trunk if published else None,
            heads=chosen,
            whiten=whiten is not False,
        )
    if chosen not in (None, (alone,)):
        raise ValueError(f"--heads must be {alone} for {weights}, got {heads}")
    if alone == "netvlad":
        return checkpoints.load_netvlad(weights, whiten=bool(whiten))
    if whiten and pca is None and pca_dim is None:
        raise ValueError("--whiten for DELF is of its PCA: --pca-dim or --pca must be given")
    return checkpoints.load_delf(weights, pca=pca, pca_dim=pca_dim, whiten_pca=bool(whiten))


def _calibration(
    given: Path | None, folder: Path, loaded: LoadedNetwork, progress: Callable[[str, int, int], None]
) -> list[FloatArray]:
    """Images to learn ranges from: the user's, or synthetic ones made in the folder."""
    from hcbir.models.calibration import calibration_images
    from hcbir.study.synthetic import make_collection

    if given is None:
        make_collection(folder, num_distractors=8, progress=partial(progress, "make images"))
    return list(calibration_images(given or folder, mean=loaded.mean, std=loaded.std))


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--scales must be numbers parted by commas, got {text!r}") from None
