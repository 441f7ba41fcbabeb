"""`hcbir index`, `hcbir search` and `hcbir remove`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hcbir._explanation import MAX_LOG10_NFA
from hcbir._search import SearchResult
from hcbir.cli.console import (
    SMALLEST_SIZE,
    BoundOption,
    DescriptorsOption,
    Provider,
    ProviderOption,
    ReducedOption,
    RuntimeOption,
    command,
    finite_or_none,
    print_json,
    progress_bars,
    runtime,
    say,
    tell_skipped,
    tell_without_network,
    writing,
)
from hcbir.collection import Collection
from hcbir.collection.collection import RECORDS, is_vacant
from hcbir.collection.indexing import find_files

NUM_CANDIDATES = 100
"""Images that --verify looks at, the most alike."""


def register(app: typer.Typer) -> None:
    app.command()(index)
    app.command()(search)
    app.command()(remove)


def index(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTOS", help="Folders of images, or images.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The collection to make or to add to.")] = Path(
        "photos.hcbir"
    ),
    descriptor: DescriptorsOption = None,
    size: Annotated[
        int | None, typer.Option(min=SMALLEST_SIZE, help="Longest side, in pixels, for description.")
    ] = None,
    reduced_decoding: ReducedOption = False,
    provider: ProviderOption = Provider.auto,
    provider_option: RuntimeOption = None,
) -> None:
    """Index photographs, so that they can be searched.

    The same command again adds what is new or changed and mends what is damaged; after an interruption it resumes. What
    the collection was made with (descriptors, size, reduced decoding) holds for what is added and for queries too.

    Example: [bold]hcbir index photos/ -o photos.hcbir[/bold]
    """
    found = _find_images(photos)
    if output.is_dir() and not is_vacant(output) and not (output / RECORDS).exists():
        raise ValueError(f"{output} holds other files and no collection: name another folder with -o")
    with writing(output):
        collection = Collection.open_or_create(
            output,
            descriptor,
            image_size=size,
            reduced_decoding=reduced_decoding,
            **runtime(provider, provider_option),
        )
    with collection:
        tell_without_network(provider, provider_option, collection.descriptors)
        try:
            with progress_bars() as progress:
                report = collection.add(found, progress=lambda done, total: progress("describe", done, total))
        except KeyboardInterrupt:
            say(f"{output} keeps {len(collection)} images; the same command resumes")
            raise
        tell_skipped(map(str, report.skipped))
        say(f"{output}: {_images(len(collection))} ({report.added} added, {report.unchanged} unchanged)")
        if gone := _missing(collection):
            verb = "is" if len(gone) == 1 else "are"
            to_take_out = command("remove", output, "--gone")
            say(f"{_images(len(gone))} of {output} {verb} no longer there; to take out: {to_take_out}")
        if len(collection) == 0:
            raise ValueError("no image could be read")
        verify = ["--verify"] if "local" in collection.descriptors.values() else []
    say(f"next: {command('search', output, 'QUERY.jpg', *verify)}")


def _find_images(photos: list[Path]) -> list[Path]:
    for path in photos:
        if not path.exists():
            raise ValueError(f"{path}: no such folder or image")
    return find_files(photos)


def _missing(collection: Collection) -> list[Path]:
    """Images whose files are not there any more."""
    return [path for path in collection.images() if not path.exists()]


def search(
    collection: Annotated[Path, typer.Argument(help="Made by hcbir index.")],
    image: Annotated[Path, typer.Argument(help="The query.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many images to show.")] = 10,
    descriptor: Annotated[str | None, typer.Option(help="Which of the collection's descriptors to rank by.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Re-rank the best by geometric verification.")] = False,
    max_log10_nfa: BoundOption = MAX_LOG10_NFA,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list and nothing else.")] = False,
    provider: ProviderOption = Provider.auto,
    provider_option: RuntimeOption = None,
) -> None:
    """Find the images of a collection that are most like a photograph.

    With --verify the score is the number of matched features that agree on one affine map, 0 (shown as -) where chance
    explains them; images without any keep their order by similarity. For features of a network, hcbir calibrate says
    what bound to set.

    Example: [bold]hcbir search photos.hcbir query.jpg -k 5 --verify[/bold]
    """
    if max_log10_nfa != MAX_LOG10_NFA and not verify:
        raise ValueError("--max-log10-nfa must be given with --verify: without, nothing is compared by it")
    with Collection.open(collection, **runtime(provider, provider_option)) as opened:
        if len(opened) == 0:
            raise ValueError(f"{collection} holds no image yet")
        tell_without_network(provider, provider_option, opened.descriptors)
        num_candidates = max(k, NUM_CANDIDATES)
        local = opened.descriptor(descriptor).kind == "local"
        if local and max_log10_nfa != MAX_LOG10_NFA:
            raise ValueError("--max-log10-nfa is of no use here: a local descriptor ranks by all counts as they are")
        result = opened.search(
            image,
            k,
            descriptor=descriptor,
            verify=verify,
            num_candidates=num_candidates,
            max_log10_nfa=max_log10_nfa,
        )
        found = _found(result)
        similarity = {}
        if verify and not local:
            similarity = dict(_found(opened.search(image, num_candidates, descriptor=descriptor)))
    rows = [{"rank": rank, "path": path, "score": score} for rank, (path, score) in enumerate(found, start=1)]
    for number, (row, (path, score)) in enumerate(zip(rows, found, strict=True)):
        if result.log10_nfa is not None:
            row["inliers"] = int(score)
            row["log10_nfa"] = finite_or_none(float(result.log10_nfa[0, number]))
        if similarity:
            row["similarity"] = similarity[path]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['rank']:>4}  {_figures(row)}  {row['path']}")
    if verify and local:
        say("--verify changes nothing here: a local descriptor ranks by features that agree already")
    if not verify and not any(score for _, score in found):
        say(f"all scores are 0: there is nothing to compare by in {image}, and the order says nothing")
    elif not similarity:
        say("score: matched features that agree" if local else "score: similarity, 1 is the same image")
    elif any(score > 0 for _, score in found):
        say("score: matched features that agree (-: no more than by chance), and similarity, 1 is the same image")
    else:
        say("no image has matches beyond chance: the order is that of similarity, 1 is the same image")


def _found(result: SearchResult) -> list[tuple[str, float]]:
    """Path and score of what one query found, best first."""
    assert result.names is not None
    return [(path, float(score)) for path, score in zip(result.names[0], result.scores[0], strict=True)]


def _figures(row: dict[str, Any]) -> str:
    if "similarity" in row:
        return f"{row['inliers'] or '-':>5}  {row['similarity']:>7.4f}"
    return f"{row['inliers']:>8}" if "inliers" in row else f"{row['score']:>8.4f}"


def remove(
    collection: Annotated[Path, typer.Argument(help="Made by hcbir index.")],
    images: Annotated[list[Path] | None, typer.Argument(metavar="IMAGES", help="Images of the collection.")] = None,
    gone: Annotated[bool, typer.Option("--gone", help="Those whose files are no longer there.")] = False,
) -> None:
    """Take images out of a collection; their files are left alone.

    Example: [bold]hcbir remove photos.hcbir --gone[/bold]
    """
    if not images and not gone:
        raise ValueError("name the images to take out, or give --gone")
    with Collection.open(collection) as opened:
        missing = _missing(opened) if gone else []
        if missing and len(missing) == len(opened):
            raise ValueError(f"every image of {collection} is gone: is their disk there? If so, delete {collection}")
        removed = opened.remove([*(images or []), *missing])
        say(f"{collection}: {_images(len(opened))} ({removed} removed)")


def _images(number: int) -> str:
    return f"{number} image{'' if number == 1 else 's'}"
