"""`hcbir whiten`."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from hcbir.cli.console import (
    SMALLEST_SIZE,
    ReducedOption,
    command,
    progress_bars,
    require_writable,
    say,
    spare,
    tell_skipped,
)
from hcbir.collection import Collection
from hcbir.collection.collection import RECORDS
from hcbir.descriptors._extras import require
from hcbir.descriptors.pairs import read_pairs, verified_pairs
from hcbir.descriptors.vectors import NetworkDescriptor
from hcbir.descriptors.whitened_model import write_whitened_model
from hcbir.descriptors.whitening import Whitening, learn_lw, learn_pca


class Method(StrEnum):
    """How to learn."""

    lw = "lw"
    pca = "pca"


def register(app: typer.Typer) -> None:
    app.command()(whiten)


def whiten(
    photos: Annotated[Path, typer.Argument(metavar="COLLECTION|FOLDER", help="What to learn on.")],
    descriptor: Annotated[
        str | None,
        typer.Option(help="NETWORK.onnx or NETWORK.onnx:HEAD; default: the collection's first global descriptor."),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="lw: from pairs of images of one place; pca: from the vectors alone.")
    ] = Method.lw,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Two paths a line, for lw; default: pairs found and verified by --local."),
    ] = None,
    local: Annotated[str, typer.Option(help="The local descriptor that verifies pairs.")] = "sift",
    min_inliers: Annotated[int, typer.Option(min=1, help="Agreeing features that make a pair.")] = 20,
    dim: Annotated[int | None, typer.Option(min=1, help="Length of the whitened vectors; default: all.")] = None,
    shrinkage: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0 to 1: more for fewer images or pairs than dimensions.")
    ] = 0.0,
    size: Annotated[
        int | None, typer.Option(min=SMALLEST_SIZE, help="Longest side, in pixels, for a folder's images.")
    ] = None,
    reduced_decoding: ReducedOption = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A new .onnx model, or an .npz; default: .npz beside the photos."),
    ] = None,
) -> None:
    """Learn a whitening of a network's vectors: fewer dimensions, and no direction that drowns the others.

    Example: [bold]hcbir whiten photos/ --descriptor net.onnx:gem --dim 256 -o net-white.onnx[/bold]
    """
    output = photos.absolute().with_suffix(".whitening.npz") if output is None else output
    if output.suffix not in (".npz", ".onnx"):
        raise ValueError(f"--output must end with .npz or .onnx, got {output}")
    require_writable(output)
    if output.suffix == ".onnx":
        require("onnx", extra="export")  # before minutes of describing, not after
    if pairs is not None and method is Method.pca:
        raise ValueError("--pairs is for --method lw")
    if pairs is not None and not pairs.is_file():
        raise ValueError(f"--pairs: {pairs}: no such file")
    needs_local = method is Method.lw and pairs is None
    with tempfile.TemporaryDirectory(prefix="hcbir-whiten-") as scratch:
        collection = _open(photos, Path(scratch), descriptor, local if needs_local else None, size, reduced_decoding)
        with collection:
            _whiten(collection, descriptor, method, pairs, local, min_inliers, dim, shrinkage, output)


def _open(
    photos: Path, scratch: Path, descriptor: str | None, local: str | None, size: int | None, reduced_decoding: bool
) -> Collection:
    """The collection, or one made of a folder's images for the time being."""
    if (photos / RECORDS).is_file():
        if size is not None or reduced_decoding:
            raise ValueError("--size and --reduced-decoding are for a folder of images; a collection has its own")
        return Collection.open(photos)
    if not photos.is_dir():
        raise ValueError(f"{photos}: no such folder or collection")
    if descriptor is None:
        raise ValueError(f"{photos} is no collection: name the network with --descriptor")
    if descriptor == local:
        raise ValueError(f"--descriptor must be a global one of a network, {descriptor} is local")
    collection = Collection.create(
        scratch / "collection",
        [descriptor, *([local] if local else [])],
        image_size=size,
        reduced_decoding=reduced_decoding,
    )
    with progress_bars() as progress:
        report = collection.add(photos, progress=lambda done, total: progress("describe", done, total))
    tell_skipped(map(str, report.skipped))
    return collection


def _whiten(
    collection: Collection,
    name: str | None,
    method: Method,
    pairs_file: Path | None,
    local: str,
    min_inliers: int,
    dim: int | None,
    shrinkage: float,
    output: Path,
) -> None:
    described = collection.descriptor(name)
    if described.kind != "global":
        raise ValueError(f"--descriptor must be a global one of a network, {described.name} is {described.kind}")
    if output.suffix == ".onnx" and not isinstance(described, NetworkDescriptor):
        raise ValueError(f"{described.name} is whitened already: write an .npz, or start from its network")
    if isinstance(described, NetworkDescriptor):
        spare(output, Path(described.spec()["path"]))
    vectors, images = collection.vectors(described.name), collection.images()
    provenance: dict[str, Any] = {"method": method.value, "images": len(images), "shrinkage": shrinkage}
    if method is Method.pca:
        learned = learn_pca(vectors, dim=dim, shrinkage=shrinkage)
    else:
        if pairs_file is None and collection.descriptors.get(local) != "local":
            raise ValueError(
                f"--method lw finds pairs of images by {local}, which the collection has not: give --pairs, take "
                "--method pca or a folder of images, or index with it too"
            )
        pairs = _pairs(collection, vectors, pairs_file, local, min_inliers)
        provenance |= {"pairs": len(pairs), "pairs_from": pairs_file.name if pairs_file else f"{local}, {min_inliers}"}
        learned = learn_lw(vectors, pairs, dim=dim, shrinkage=shrinkage)
    few = provenance.get("pairs", len(images))
    if few < 2 * vectors.shape[1] and shrinkage == 0:
        what = "images" if method is Method.pca else "pairs"
        say(f"{few} {what} are few for {vectors.shape[1]} dimensions: compare with --shrinkage 0.1 to 0.5")
    network = {key: value for key, value in described.spec().items() if key in ("sha256", "head")}
    provenance |= {"descriptor": described.name, **network}
    whitening = Whitening(learned.mean, learned.projection, provenance)
    say(f"learned {vectors.shape[1]} -> {whitening.dim} dimensions on {len(images)} images")
    if output.suffix == ".npz":
        whitening.save(output)
        use = f"{described.name}+{output}"
    else:
        assert isinstance(described, NetworkDescriptor)
        difference = write_whitened_model(described, whitening, output)
        say(f"the model agrees with the whitened vectors within {difference:.1e}")
        use = str(output)
    typer.echo(str(output))
    say(f"use it: {command('index', 'PHOTOS/', '--descriptor', use)}")


def _pairs(
    collection: Collection, vectors: npt.NDArray[np.float32], file: Path | None, local: str, min_inliers: int
) -> npt.NDArray[np.int64]:
    if file is not None:
        return read_pairs(file, collection.images())
    with progress_bars() as progress:
        pairs = verified_pairs(
            vectors,
            lambda image: collection.features(image, local),
            min_inliers=min_inliers,
            progress=lambda done, total: progress("find pairs", done, total),
        )
    if len(pairs) == 0:
        raise ValueError(f"no two images have {min_inliers} agreeing features: lower --min-inliers or give --pairs")
    say(f"{len(pairs)} pairs found by {local}")
    return pairs
