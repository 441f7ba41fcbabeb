"""The whole main job on a collection that is made for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import hcbir
from hcbir.collection import Collection
from hcbir.collection.retrieval import VERIFY_MAX_ERROR, VERIFY_MODEL, explain_match
from hcbir.study.datasets import Dataset, load_dataset
from hcbir.study.drawing import RankedImage, RankingPicture, RankingRow
from hcbir.study.evaluation import DescriptorEvaluation, Evaluation, evaluate_collection, precision_table
from hcbir.study.pairs import explanation_picture
from hcbir.study.ranking import Progress
from hcbir.study.report import MatchFigure, Report, write_report
from hcbir.study.synthetic import DATASET, make_collection

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
    dataset = load_dataset(photos / DATASET)
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
    RankingPicture(rankings[VERIFIED], title=f"Best images by {VERIFIED}").image().save(result.rankings_picture)
    _grid([figure.image for figure in matches]).save(result.matches_picture)
    write_report(
        result.report,
        Report(
            title="hcbir demo",
            intro="A synthetic collection of landmarks, each shown under changes of scale, viewpoint, light, colour, "
            "representation, occlusion, alteration and time, among distractors of the same kinds.",
            stamp=_stamp(evaluation, dataset, result.seconds),
            tables=[precision_table(evaluation)],
            rankings=[(f"Ranked by {name}", rows) for name, rows in rankings.items()],
            matches=matches,
            skipped=evaluation.skipped,
        ),
    )
    return result


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
        for index, score in zip(
            figures.ranking.indices[row][:NUM_RANKS_SHOWN], figures.ranking.scores[row], strict=False
        ):
            caption = f"{score:.0f} inliers" if figures.ranking.num_verified else f"{score:.3f}"
            correct = evaluation.labels[index] == label
            results.append(RankedImage(evaluation.images[index], float(score), correct, caption))
        rows.append(RankingRow(evaluation.images[query], f"{label}: AP {figures.ap[row]:.2f}", results))
    return rows


def _match_figures(collection: Collection, evaluation: Evaluation) -> list[MatchFigure]:
    """For the first queries, the hardest image that was found, drawn with its matches."""
    figures = evaluation.verified[GLOBAL]
    row_of = {int(query): row for row, query in enumerate(evaluation.queries)}
    drawn = []
    size = collection.descriptor(LOCAL).image_size
    for query in _example_queries(evaluation)[:NUM_MATCHES_SHOWN]:
        best = _hardest_found(evaluation, query, figures.ranking.indices[row_of[query]])
        asked, shown = (collection.features(index, LOCAL) for index in (query, best))
        found = explain_match(asked, shown, size)
        image = explanation_picture(found, evaluation.images[query], evaluation.images[best], height=360).image()
        names = " and ".join(f"{evaluation.images[i].parent.name}/{evaluation.images[i].name}" for i in (query, best))
        counts = f"{found.num_inliers} of {len(found.matches)} matches agree"
        drawn.append(MatchFigure(f"{names}: {counts}", image))
    return drawn


def _hardest_found(evaluation: Evaluation, query: int, ranking: npt.NDArray[np.int64]) -> int:
    """The last of the correct images at the head of a ranking; the first image if that is wrong."""
    correct = [evaluation.labels[i] == evaluation.labels[query] for i in ranking]
    return int(ranking[max(correct.index(False) - 1, 0)])


def _grid(pictures: Sequence[Image.Image], gap: int = 12) -> Image.Image:
    """Pictures of one height, two in a row."""
    rows = [pictures[i : i + 2] for i in range(0, len(pictures), 2)]
    width = max(sum(picture.width + gap for picture in row) for row in rows) - gap
    height = sum(row[0].height + gap for row in rows) - gap
    sheet = Image.new("RGB", (width, height), (24, 24, 27))
    for r, row in enumerate(rows):
        left = 0
        for picture in row:
            sheet.paste(picture, (left, r * (row[0].height + gap)))
            left += picture.width + gap
    return sheet


def _stamp(evaluation: Evaluation, dataset: Dataset, seconds: float) -> dict[str, str]:
    return {
        "average precision": evaluation.interpolation,
        "query": "every labelled image, left out of its own ranking",
        "images": f"{len(dataset)}, {dataset.labels.count(None)} of them distractors",
        "verification": f"{VERIFY_MODEL}, {VERIFY_MAX_ERROR:g} px as described",
        "hcbir": hcbir.__version__,
        "instruction level": hcbir.isa(),
        "threads": str(hcbir.default_num_threads()),
        "seconds": f"{seconds:.1f}",
    }
