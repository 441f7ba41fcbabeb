"""Makes a heterogeneous collection whose annotations are exact: images, their table, what is true of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hcbir.study.files import write_whole
from hcbir.study.synthetic.design import Shot, plan_collection
from hcbir.study.synthetic.journal import Journal, Record
from hcbir.study.synthetic.tables import annotation_table, dataset_table
from hcbir.study.synthetic.workers import run_batches

DATASET, ANNOTATIONS = "dataset.csv", "annotations.csv"

_BATCH = 6
"""Images between two entries of the journal: what an interruption loses at most, for each process."""


@dataclass(frozen=True)
class SyntheticImage:
    """One image of the collection; `class_name` is None for a distractor."""

    path: Path
    class_name: str | None
    shot: Shot
    record: Record


def make_collection(
    folder: Path,
    *,
    num_classes: int = 8,
    num_images: int = 56,
    num_distractors: int = 40,
    longest_side: int = 480,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[SyntheticImage]:
    """Writes `folder/<class>/<nnn>.jpg`, `folder/_distractors/*.jpg`, `dataset.csv` and `annotations.csv`.

    A class is one place: a landmark in surroundings of its own, in three dimensions. Its first image is the reference;
    the others show it under the paper's eleven variations, each with a strength from 0 to 3, drawn so that every
    variation's predominance scores are shared out evenly over the classes and independently of the others' (`design`).
    Distractors are other places of the same kinds.

    An image is a function of the seed, its plan and `longest_side`. Its pixels before JPEG are the same bits on every
    machine and for any number of workers; the file's bytes also depend on Pillow's JPEG library.

    What is there from an interrupted run is kept, and what is there from other settings is removed.

    Parameters
    ----------
    folder
        Made if it does not exist.
    num_classes
        From the 29th on, kinds of landmark are used a second time, each a place of its own (`church_2`, ...).
    num_images
        Of all classes together, references included; classes differ in size.
    num_distractors
        Four of one place.
    longest_side
        In pixels, at least 64.
    seed
        Not negative.
    workers
        Processes. With more than one, a script that calls this must guard its main part
        (``if __name__ == "__main__"``), as for `multiprocessing`.
    progress
        Called with (images done, images in all) as they are made; on a later run it starts from those that are there.

    Returns
    -------
    list of SyntheticImage
        Class by class, then the distractors.

    Raises
    ------
    ValueError
        If a number is out of its range.
    FileExistsError
        If `folder` holds other .jpg files: they would be taken for a part of the collection.

    Examples
    --------
    >>> images = make_collection(Path("demo"), num_classes=2, num_images=8)  # doctest: +SKIP
    >>> images[0].path, images[0].shot.strengths  # doctest: +SKIP
    (PosixPath('demo/church/000.jpg'), (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    """
    for name, value, least in (
        ("num_classes", num_classes, 1),
        ("num_images", num_images, num_classes),
        ("num_distractors", num_distractors, 0),
        ("longest_side", longest_side, 64),
        ("seed", seed, 0),
        ("workers", workers, 1),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    shots = plan_collection(classes=num_classes, images=num_images, distractors=num_distractors, seed=seed)
    journal = Journal(folder, longest_side)
    _check_strangers(folder, shots, journal)
    folder.mkdir(parents=True, exist_ok=True)
    journal.prune({shot.name for shot in shots})
    missing = [shot for shot in shots if journal.find(shot) is None]
    done = len(shots) - len(missing)

    def tell(records: Sequence[Record]) -> None:
        nonlocal done
        done += len(records)
        if progress is not None:
            progress(done, len(shots))

    tell([])
    run_batches(_batches(missing), folder, longest_side, workers, journal.add, tell)
    images = []
    for shot in shots:
        record = journal.find(shot)
        assert record is not None, shot.name
        images.append(SyntheticImage(folder / shot.name, shot.class_name, shot, record))
    pairs = [(image.shot, image.record) for image in images]
    write_whole(folder / DATASET, dataset_table(pairs))
    write_whole(folder / ANNOTATIONS, annotation_table(pairs))
    return images


def _check_strangers(folder: Path, shots: list[Shot], journal: Journal) -> None:
    ours = {folder / shot.name for shot in shots} | {folder / name for name in journal.names()}
    strangers = sorted(set(folder.glob("**/*.jpg")) - ours)
    if strangers:
        raise FileExistsError(
            f"folder must hold no .jpg files but those of this collection, {folder} has others, "
            f"such as {strangers[0].relative_to(folder)}"
        )


def _batches(shots: list[Shot]) -> list[list[Shot]]:
    """Of one place each, images of one time together: a process builds what they show once."""
    by_place: dict[str, list[Shot]] = defaultdict(list)
    for shot in shots:
        by_place[shot.place].append(shot)
    batches = []
    for of_place in by_place.values():
        ordered = sorted(of_place, key=lambda shot: (shot.strength("time changes"), shot.number))
        for _, of_time in groupby(ordered, key=lambda shot: shot.strength("time changes")):
            same = list(of_time)
            batches += [same[k : k + _BATCH] for k in range(0, len(same), _BATCH)]
    return batches
