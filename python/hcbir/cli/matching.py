"""`hcbir match`."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hcbir import descriptors
from hcbir.cli.console import print_json, say, writing
from hcbir.descriptors.images import open_image
from hcbir.study.pairs import match_pair


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
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write.")] = Path("match.png"),
    descriptor: Annotated[str, typer.Option(help="sift, orb or a dense local NETWORK.onnx.")] = "sift",
    size: Annotated[int | None, typer.Option(min=1, help="Longest side, in pixels, for description.")] = None,
    model: Annotated[Model, typer.Option(help="What maps one image to the other.")] = Model.homography,
    max_error: Annotated[float, typer.Option(metavar="PX", help="An inlier's largest error, in pixels of B.")] = 8.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Match two images and draw what agrees: matched features joined by lines, green where one map explains them.

    The yellow frame is where that map puts the edges of A in B. Lines that agree no more than by chance are grey, and
    there is no frame then; the other matches are red.

    Example: [bold]hcbir match old.jpg new.jpg -o match.png[/bold]
    """
    local = descriptors.load(descriptor, image_size=size)
    if local.kind != "local":
        raise ValueError(f"--descriptor must be a local one such as sift or orb, {descriptor} is {local.kind}")
    features = []
    for path in (image0, image1):
        loaded = open_image(path, longest_side=local.image_size)
        features.append(local.describe(loaded.image, loaded.full_size))
    pair = match_pair(features[0], features[1], model=model.value, max_error=max_error)
    picture = pair.draw(image0, image1)
    with writing(output):
        try:
            picture.save(output)
        except ValueError as error:  # Pillow's word for an unknown extension
            raise ValueError(f"{output}: cannot write this kind of picture ({error}); use .png or .jpg") from None
    if as_json:
        print_json(
            {
                "features": [len(f) for f in features],
                "matches": len(pair.points0),
                "inliers": pair.verification.num_inliers,
                "log10_nfa": nfa if math.isfinite(nfa := pair.verification.log10_nfa) else None,
                "model": None if pair.model is None else pair.model.tolist(),
                "output": str(output),
            }
        )
        return
    for path, found in zip((image0, image1), features, strict=True):
        if len(found) == 0:
            typer.echo(f"{path} has no {descriptor} features")
    if len(pair.points0) > 0:
        typer.echo(f"{pair.verification.num_inliers} of {len(pair.points0)} matches agree on one {model.value}")
    typer.echo(pair.verdict)
    say(f"{len(features[0])} and {len(features[1])} features ({descriptor}); picture: {output}")
