"""`hcbir index` and `hcbir search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hcbir.cli.console import Provider, ProviderOption, print_json, progress_bars, say, tell_skipped
from hcbir.collection import Collection


def register(app: typer.Typer) -> None:
    app.command()(index)
    app.command()(search)


def index(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTOS...", help="Folders of images, or images.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The collection to make or to add to.")] = Path(
        "photos.hcbir"
    ),
    descriptor: Annotated[
        list[str] | None,
        typer.Option(
            help="vlad (default), sift, orb, NETWORK.onnx or NETWORK.onnx:gem, :mac, :spoc, :rmac; may be repeated."
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Longest side, in pixels, for description.")] = None,
    provider: ProviderOption = Provider.auto,
) -> None:
    """Index photographs, so that they can be searched.

    The same command again adds what is new or changed; after an interruption it resumes.

    Example: [bold]hcbir index photos/ -o photos.hcbir[/bold]
    """
    with Collection.open_or_create(output, descriptor, image_size=size, provider=provider.value) as collection:
        try:
            with progress_bars() as progress:
                report = collection.add(photos, progress=lambda done, total: progress("describe", done, total))
        except KeyboardInterrupt:
            say(f"{output} keeps {len(collection)} images; the same command resumes")
            raise
        tell_skipped(map(str, report.skipped))
        say(f"{output}: {len(collection)} images ({report.added} added, {report.unchanged} unchanged)")
        if len(collection) == 0:
            raise ValueError("no image could be read")
    say(f"next: hcbir search {output} QUERY.jpg --verify")


def search(
    collection: Annotated[Path, typer.Argument(help="Made by hcbir index.")],
    image: Annotated[Path, typer.Argument(help="The query.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many images to show.")] = 10,
    descriptor: Annotated[str | None, typer.Option(help="Which of the collection's descriptors to rank by.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Re-rank the best by geometric verification.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list and nothing else.")] = False,
    provider: ProviderOption = Provider.auto,
) -> None:
    """Find the images of a collection that are most like a photograph.

    With --verify the score is the number of matched features that agree on one affine map, 0 where chance explains
    them; images without any keep their order by similarity.

    Example: [bold]hcbir search photos.hcbir query.jpg -k 5 --verify[/bold]
    """
    with Collection.open(collection, provider=provider.value) as opened:
        if len(opened) == 0:
            raise ValueError(f"{collection} holds no image yet")
        result = opened.search(image, min(k, len(opened)), descriptor=descriptor, verify=verify)
        inliers = verify or opened.descriptors.get(descriptor or "") == "local"
    names = result.names[0] if result.names else []
    rows = [
        {"rank": rank, "path": name, "score": float(score)} | ({"inliers": int(score)} if inliers else {})
        for rank, (name, score) in enumerate(zip(names, result.scores[0], strict=True), start=1)
    ]
    if as_json:
        print_json(rows)
        return
    digits = 0 if inliers else 4
    for row in rows:
        typer.echo(f"{row['rank']:>4}  {row['score']:>8.{digits}f}  {row['path']}")
    say("score: matched features that agree" if inliers else "score: similarity, 1 is the same image")
