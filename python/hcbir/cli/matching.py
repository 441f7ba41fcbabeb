"""`hcbir match`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import hcbir
from hcbir import descriptors
from hcbir._explanation import MAX_LOG10_NFA
from hcbir.cli.console import SMALLEST_SIZE, BoundOption, finite_or_none, print_json, say, spare, writing
from hcbir.descriptors.images import open_image
from hcbir.study.match_picture import check_ending
from hcbir.study.pairs import explanation_picture


class Model(StrEnum):
    """Geometric models."""

    similarity = "similarity"
    affine = "affine"
    homography = "homography"


class Preset(StrEnum):
    """Options of others."""

    delf = "delf"


PRESETS: Mapping[Preset, Mapping[str, Any]] = {Preset.delf: hcbir.DELF_PROTOCOL}


def register(app: typer.Typer) -> None:
    app.command()(match)


def match(
    image0: Annotated[Path, typer.Argument(metavar="A", help="An image.")],
    image1: Annotated[Path, typer.Argument(metavar="B", help="Another image.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="PICTURE", help="The picture to write: .png, .jpg or .svg.")
    ] = Path("match.png"),
    descriptor: Annotated[
        str,
        typer.Option(
            help="sift, orb or a local NETWORK.onnx: a dense one, DELF, or one that describes patches at SIFT's "
            "keypoints (NETWORK.onnx:orb: at ORB's)."
        ),
    ] = "sift",
    size: Annotated[
        int | None, typer.Option(min=SMALLEST_SIZE, help="Longest side, in pixels, for description.")
    ] = None,
    max_features: Annotated[
        int | None, typer.Option(min=1, help="Of each image, the strongest.", show_default="the descriptor's")
    ] = None,
    max_ratio: Annotated[
        float | None,
        typer.Option(metavar="RATIO", help="Lowe's test: a match's largest distance, over that of the second."),
    ] = None,
    max_distance: Annotated[float | None, typer.Option(help="A match's largest distance of descriptors.")] = None,
    model: Annotated[
        Model | None, typer.Option(help="What maps one image to the other.", show_default="homography")
    ] = None,
    max_error: Annotated[
        float | None, typer.Option(metavar="PX", help="An inlier's largest error, in pixels of B.", show_default="8")
    ] = None,
    one_to_one: Annotated[
        bool,
        typer.Option("--one-to-one", help="With --preset delf: of inliers that share a point, count only the best."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples that propose maps.")] = 0,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="delf: as DELF's own scripts compare (nearest neighbours, not mutual, nearer than 0.8; an affine map, "
            "20 px; 4 inliers at least); what is given beside it goes first. is_match then means little."
        ),
    ] = None,
    use_frames: Annotated[
        bool, typer.Option("--frames", help="Let the features' scales and orientations propose the map (sift, orb).")
    ] = False,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="With --frames: try what every single match proposes, not samples.")
    ] = False,
    max_log10_nfa: BoundOption = MAX_LOG10_NFA,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Match two images and draw why: matched features joined by lines, green where one map explains them.

    The yellow frame is the edge of A, and in B where that map puts it; it is left out where a corner goes to infinity.
    The other matches are joined in red. At most 150 green and 60 red lines are drawn; a dot marks every feature that
    agrees.

    It is a match if points placed at random would agree as well in less than one pair of 10^10 (log10_nfa below -10, or
    below --max-log10-nfa). Otherwise the agreeing lines are nearly white, and there is no frame. SIFT's and ORB's
    features of different places hardly ever agree so well; a network's do in some pairs of 1000, since they sit on the
    same kind of structure. An image and its mirror image are no match.

    The exit status is 0 in both cases: --json says is_match.

    With --frames a match alone says how B is scaled and turned, so that few matches, or many wrong ones, suffice.

    Example: [bold]hcbir match old.jpg new.jpg -o match.svg[/bold]
    """
    check_ending(output)
    spare(output, image0, image1)
    if exhaustive and not use_frames:
        raise ValueError("--exhaustive must be given with --frames: it tries what each match's frame proposes")
    local = descriptors.load(descriptor, image_size=size, max_features=max_features)
    if local.kind != "local":
        raise ValueError(f"--descriptor must be a local one such as sift or orb, {descriptor} is {local.kind}")
    features = []
    for path in (image0, image1):
        loaded = open_image(path, longest_side=local.image_size)
        features.append(local.describe(loaded.image, loaded.full_size))
    lacking = [f for f in features if len(f) and (f.scales is None or f.orientations is None)]
    if use_frames and lacking:
        raise ValueError(f"--frames wants features with scales and orientations, such as sift or orb, not {descriptor}")
    chosen = {"max_ratio": max_ratio, "max_distance": max_distance, "model": model, "max_error": max_error}
    options = {
        "model": Model.homography,
        **(PRESETS[preset] if preset else {}),
        **{name: value for name, value in chosen.items() if value is not None},
    }
    found = hcbir.explain(
        *features,
        **options,
        one_to_one=one_to_one,
        seed=seed,
        use_frames=use_frames,
        exhaustive=exhaustive,
        max_log10_nfa=max_log10_nfa,
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
                "log10_nfa": finite_or_none(found.log10_nfa),
                "model": None if found.model is None else found.model.tolist(),
                "outline": None if found.outline is None else found.outline.tolist(),
                "output": str(output),
            }
        )
        return
    for path, count in zip((image0, image1), found.num_features, strict=True):
        if count == 0:
            typer.echo(f"{path} has no {descriptor} features")
    named = "affine map" if options["model"] == "affine" else options["model"]
    if len(found.matches) > 0:
        typer.echo(f"{found.num_inliers} of {len(found.matches)} matches agree on one {named}")
    typer.echo(found.verdict)
    say(f"{found.num_features[0]} and {found.num_features[1]} features ({descriptor}); picture: {output}")
