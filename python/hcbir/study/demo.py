"""The whole main job on a collection that is made for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import hcbir
from hcbir.collection import Collection
from hcbir.collection.retrieval import VERIFY_MAX_ERROR, VERIFY_MODEL
from hcbir.study.datasets import Dataset, load_dataset
from hcbir.study.drawing import RankedImage, RankingRow, draw_rankings
from hcbir.study.evaluation import DescriptorEvaluation, Evaluation, Progress, evaluate_collection
from hcbir.study.pairs import match_pair
from hcbir.study.report import MapTable, MatchFigure, Report, write_report
from hcbir.study.synthetic import make_collection

GLOBAL = "vlad"
LOCAL = "sift"
VERIFIED = f"{GLOBAL} + {LOCAL}"
NUM_RANKS_SHOWN = 8
NUM_MATCHES_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Demo:
    """Where the results of `run_demo` are.

    Parameters
    ----------
    evaluation : Evaluation
    collection, rankings_picture, matches_picture, report, example : Path
        `example` is an image to search for.
    seconds : float
    """

    evaluation: Evaluation
    collection: Path
    rankings_picture: Path
    matches_picture: Path
    report: Path
    example: Path
    seconds: float


def run_demo(folder: str | Path, *, seed: int = 0, progress: Progress | None = None) -> Demo:
    """Make a synthetic collection, index, search, verify and evaluate it, and show what was found.

    Parameters
    ----------
    folder : path
        What an earlier run left there is made anew.
    seed : int
        Of the synthetic images.
    progress : callable, optional
        progress(what, done, total)

    Raises
    ------
    ValueError
        If the folder holds something else in the places that the demo writes.
    """
    start = time.perf_counter()
    report_progress: Progress = progress or (lambda what, done, total: None)
    folder = Path(folder)
    photos, database = folder / "photos", folder / "photos.hcbir"
    make_collection(photos, seed=seed, progress=lambda done, total: report_progress("make images", done, total))
    dataset = load_dataset(photos)
    with Collection.create(database, [GLOBAL, "orb"], overwrite=True) as collection:
        added = collection.add(dataset.images, progress=lambda done, total: report_progress("index", done, total))
        evaluation = evaluate_collection(
            collection,
            dataset,
            [GLOBAL, LOCAL, "orb"],
            verify=LOCAL,
            progress=report_progress,
            skipped=[str(error) for error in added.skipped],
        )
        matches = _match_figures(collection, evaluation)
    rankings = {
        GLOBAL: _ranking_rows(evaluation, evaluation.descriptors[GLOBAL]),
        VERIFIED: _ranking_rows(evaluation, evaluation.verified[GLOBAL]),
    }
    result = Demo(
        evaluation=evaluation,
        collection=database,
        rankings_picture=folder / "rankings.png",
        matches_picture=folder / "matches.png",
        report=folder / "report.html",
        example=evaluation.images[_example_queries(evaluation)[0]],
        seconds=time.perf_counter() - start,
    )
    draw_rankings(rankings[VERIFIED], title=f"Best images by {VERIFIED}").save(result.rankings_picture)
    _stack([figure.image for figure in matches]).save(result.matches_picture)
    write_report(
        result.report,
        Report(
            title="hcbir demo",
            intro="A procedural collection of landmarks, each shown under changes of viewpoint, scale, illumination, "
            "colour domain, occlusion and alteration, among distractors.",
            stamp=_stamp(evaluation, dataset, result.seconds),
            table=map_table(evaluation),
            rankings=list(rankings.items()),
            matches=matches,
            skipped=evaluation.skipped,
        ),
    )
    return result


def map_table(evaluation: Evaluation) -> MapTable:
    """The evaluation as the report's table, a column for each descriptor and for each verified one."""
    columns = evaluation.columns
    return MapTable(
        descriptors=list(columns),
        classes=evaluation.classes,
        per_class={name: column.per_class for name, column in columns.items()},
        overall={name: column.mean_ap for name, column in columns.items()},
        num_queries={label: evaluation.labels.count(label) for label in evaluation.classes},
    )


def _example_queries(evaluation: Evaluation) -> list[int]:
    """Index of the first image of each class."""
    first = {label: i for i, label in reversed(list(enumerate(evaluation.labels))) if label is not None}
    return [first[label] for label in sorted(first)]


def _ranking_rows(evaluation: Evaluation, figures: DescriptorEvaluation) -> list[RankingRow]:
    row_of = {int(query): row for row, query in enumerate(evaluation.queries)}
    rows = []
    for query in _example_queries(evaluation):
        row, label = row_of[query], evaluation.labels[query]
        results = []
        for index, score in zip(figures.rankings[row][:NUM_RANKS_SHOWN], figures.scores[row], strict=False):
            caption = f"{score:.0f} inliers" if figures.num_verified else f"{score:.3f}"
            correct = evaluation.labels[index] == label
            results.append(RankedImage(evaluation.images[index], float(score), correct, caption))
        rows.append(RankingRow(evaluation.images[query], f"{label}: AP {figures.ap[row]:.2f}", results))
    return rows


def _match_figures(collection: Collection, evaluation: Evaluation) -> list[MatchFigure]:
    """The best verified image of the first queries, drawn with its matches."""
    figures = evaluation.verified[GLOBAL]
    row_of = {int(query): row for row, query in enumerate(evaluation.queries)}
    drawn = []
    for query in _example_queries(evaluation)[:NUM_MATCHES_SHOWN]:
        best = int(figures.rankings[row_of[query]][0])
        features = [collection.features(index, LOCAL) for index in (query, best)]
        pair = match_pair(features[0], features[1], model=VERIFY_MODEL, max_error=VERIFY_MAX_ERROR)
        image = pair.draw(evaluation.images[query], evaluation.images[best])
        names = " and ".join(f"{evaluation.images[i].parent.name}/{evaluation.images[i].name}" for i in (query, best))
        counts = f"{pair.verification.num_inliers} of {len(pair.points0)} matches agree"
        drawn.append(MatchFigure(f"{names}: {counts}", image))
    return drawn


def _stack(pictures: Sequence[Image.Image], gap: int = 12) -> Image.Image:
    """Pictures one below the other."""
    height = sum(picture.height + gap for picture in pictures) - gap
    sheet = Image.new("RGB", (max(picture.width for picture in pictures), height), (24, 24, 27))
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height + gap
    return sheet


def _stamp(evaluation: Evaluation, dataset: Dataset, seconds: float) -> dict[str, str]:
    return {
        "average precision": evaluation.interpolation,
        "query": "every labelled image, left out of its own ranking",
        "images": f"{len(dataset)}, {dataset.labels.count(None)} of them distractors",
        "verification": f"{VERIFY_MODEL}, {VERIFY_MAX_ERROR:g} px",
        "hcbir": hcbir.__version__,
        "instruction level": hcbir.isa(),
        "threads": str(hcbir.default_num_threads()),
        "seconds": f"{seconds:.1f}",
    }
