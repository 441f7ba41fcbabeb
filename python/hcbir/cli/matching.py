"""`hcbir match`."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import hcbir
from hcbir import descriptors
from hcbir.cli.console import SMALLEST_SIZE, print_json, say, writing
from hcbir.descriptors.images import open_image
from hcbir.study.match_picture import check_ending
from hcbir.study.pairs import explanation_picture


class Model(StrEnum):
    """Geometric models."""

    similarity = "similarity"
    affine = "affine"
    homography = "homography"


def register(app: typer.Typer) -> None:
    app.command()(match)


def match(
    image0: Annotated[Path, typer.Argument(metavar="A", help="An image.")],
    image1: Annotated[Path, typer.Argument(metavar="B", help="Another image.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="PICTURE", help="The picture to write: .png, .jpg or .svg.")
    ] = Path("match.png"),
    descriptor: Annotated[str, typer.Option(help="sift, orb or a dense local NETWORK.onnx.")] = "sift",
    size: Annotated[
        int | None, typer.Option(min=SMALLEST_SIZE, help="Longest side, in pixels, for description.")
    ] = None,
    model: Annotated[Model, typer.Option(help="What maps one image to the other.")] = Model.homography,
    max_error: Annotated[float, typer.Option(metavar="PX", help="An inlier's largest error, in pixels of B.")] = 8.0,
    use_frames: Annotated[
        bool, typer.Option("--frames", help="Let the features' scales and orientations propose the map (sift, orb).")
    ] = False,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="With --frames: try what every single match proposes, not samples.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Match two images and draw why: matched features joined by lines, green where one map explains them.

    The yellow frame is the edge of A, and in B where that map puts it. The other matches are joined in red.

    Where chance explains as many, it is no match: their lines are grey, and there is no frame.

    With --frames a match alone says how B is scaled and turned, so that few matches, or many wrong ones, suffice.

    Example: [bold]hcbir match old.jpg new.jpg -o match.svg[/bold]
    """
    check_ending(output)
    if exhaustive and not use_frames:
        raise ValueError("--exhaustive must be given with --frames: it tries what each match's frame proposes")
    local = descriptors.load(descriptor, image_size=size)
    if local.kind != "local":
        raise ValueError(f"--descriptor must be a local one such as sift or orb, {descriptor} is {local.kind}")
    features = []
    for path in (image0, image1):
        loaded = open_image(path, longest_side=local.image_size)
        features.append(local.describe(loaded.image, loaded.full_size))
    lacking = [f for f in features if len(f) and (f.scales is None or f.orientations is None)]
    if use_frames and lacking:
        raise ValueError(f"--frames wants features with scales and orientations, such as sift or orb, not {descriptor}")
    found = hcbir.explain(
        *features, model=model.value, max_error=max_error, use_frames=use_frames, exhaustive=exhaustive
    )
    with writing(output):
        explanation_picture(found, image0, image1).save(output)
    if as_json:
        print_json(
            {
                "features": list(found.num_features),
                "matches": len(found.matches),
                "inliers": found.num_inliers,
                "is_match": found.is_match,
                "log10_nfa": found.log10_nfa if math.isfinite(found.log10_nfa) else None,
                "model": None if found.model is None else found.model.tolist(),
                "outline": None if found.outline is None else found.outline.tolist(),
                "output": str(output),
            }
        )
        return
    for path, count in zip((image0, image1), found.num_features, strict=True):
        if count == 0:
            typer.echo(f"{path} has no {descriptor} features")
    if len(found.matches) > 0:
        typer.echo(f"{found.num_inliers} of {len(found.matches)} matches agree on one {model.value}")
    typer.echo(found.verdict)
    say(f"{found.num_features[0]} and {found.num_features[1]} features ({descriptor}); picture: {output}")
