"""Running a study: describe once, rank, evaluate, write tables, figures and the report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hcbir.study.annotation import ClassScores, annotate, read_scores
from hcbir.study.config import DatasetConfig, StudyConfig, load_config
from hcbir.study.datasets import Dataset, Task, load_dataset, load_gldv2, load_oxford, load_revisitop, task_of
from hcbir.study.description import Descriptions
from hcbir.study.evaluation import evaluate_ranking
from hcbir.study.examples import chosen_queries
from hcbir.study.normalisation import MIXED
from hcbir.study.output import write_outputs
from hcbir.study.protocol import protocol_of
from hcbir.study.ranking import Progress, Ranking
from hcbir.study.results import INDEX, Evaluations, StudyResult
from hcbir.study.similarity import BOTH, TaskRanker
from hcbir.study.store import Store
from hcbir.study.variations import VARIATIONS

ALEGORIA_CLASSES = 39

HEAD = 100
"""Ranks that are kept of a ranking of normalised images."""


def run(
    config: StudyConfig | str | os.PathLike[str],
    *,
    num_threads: int | None = None,
    progress: Progress | None = None,
    **runtime: Any,
) -> StudyResult:
    """Run a study, or what is left of it, and write its tables, figures and report into its output folder.

    Descriptors, inlier counts and rankings are kept there by the hash of what they were made from: an interruption
    loses the last batch of images or block of queries, a second run makes only what has changed. Figures are the same
    for any number of threads.

    Parameters
    ----------
    config : StudyConfig or path
        Of a `study.toml`.
    num_threads : int, optional
        Default: `hcbir.default_num_threads()`.
    progress : callable, optional
        progress(what, done, total)
    **runtime
        `provider` and `provider_options`, as in `hcbir.descriptors.load`.

    Raises
    ------
    ValueError
        For a configuration or dataset that does not fit; the message says where.

    >>> hcbir.study.run("study.toml").main["GeM"].mean_ap  # doctest: +SKIP
    """
    start = time.perf_counter()
    config = config if isinstance(config, StudyConfig) else load_config(config)
    task, dataset, scores = load_study_dataset(config.dataset)
    _check_findable(task)
    chosen_queries(task, config.report.queries)  # what does not fit is told before the work, not after it
    with ExitStack() as opened:
        views = {name: _views(opened, config, task, name, runtime) for name in (MIXED, *config.protocol.normalisations)}
        failed: dict[Path, str] = {}
        for name, (database, asked) in views.items():
            failed |= _describe(database, task.images, f"describe {name}", num_threads, progress)
            if asked is not None:
                failed |= _describe(asked, _apart(task), f"describe {name} queries", num_threads, progress)
        task = _readable(task, failed)
        evaluations: dict[tuple[str, str], Evaluations] = {}
        store = Store(config.output / "cache" / "rankings")
        rankers = {}
        for name, (database, asked) in views.items():
            database.arrange(task.images)
            if asked is not None:
                asked.arrange(_apart(task))
            local = "exhaustive" if config.protocol.local == BOTH else config.protocol.local
            rankers[name] = TaskRanker(task, database, asked, store, local, num_threads, progress)
            evaluations |= _evaluate(config, task, rankers[name], name, num_threads)
        if config.protocol.local == BOTH:
            ranker = replace(rankers[MIXED], local="index")
            evaluations |= _evaluate(config, task, ranker, INDEX, num_threads)
        made = rankers[MIXED].database.descriptor
        descriptors = {label: made(name) for label, name in config.descriptors.items()}
        result = StudyResult(
            config=config,
            task=task,
            dataset=dataset,
            scores=scores,
            evaluations=evaluations,
            kinds={label: descriptor.kind for label, descriptor in descriptors.items()},
            stamp=protocol_of(config, task, descriptors, num_threads=num_threads, num_skipped=len(failed)),
            skipped=sorted(failed.values()),
            seconds=time.perf_counter() - start,
        )
        write_outputs(result, rankers[MIXED], progress)
    return result


def load_study_dataset(config: DatasetConfig) -> tuple[Task, Dataset | None, ClassScores | None]:
    """The queries and images of a dataset, the dataset if it is a labelled one, and the scores of its classes.

    Raises
    ------
    ValueError
        If a file does not fit; the message names it, with line and column.
    """
    path, images = config.path, config.images or config.path
    dataset = None
    if config.kind == "revisitop":
        task = load_revisitop(path, images)
    elif config.kind in ("oxford5k", "paris6k"):
        task = load_oxford(path, images, keep_query=config.keep_query)
    elif config.kind == "gldv2":
        task = load_gldv2(path, images, config.queries or images)
    else:
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder; dataset.path says where the dataset is")
        if path.is_dir() != (config.kind == "folder"):
            raise ValueError(f"{path}: expected a {'folder' if config.kind == 'folder' else 'CSV'}, as kind says")
        dataset = load_dataset(path)
        task = task_of(dataset)
    scores = read_scores(config.scores) if config.scores is not None else None
    if scores is None and dataset is not None and dataset.strengths:
        scores = annotate(dataset, strong=config.strong)
    if scores is not None and (unknown := sorted(set(task.classes) - scores.keys())):
        raise ValueError(f"{config.scores}: no row for the class {unknown[0]} ({len(unknown)} such)")
    if config.kind == "alegoria":
        _check_alegoria(path, task, scores)
    return task, dataset, scores


def _check_alegoria(path: Path, task: Task, scores: ClassScores | None) -> None:
    """The collection of the paper has 39 classes, annotated with all 11 variations."""
    if len(task.classes) != ALEGORIA_CLASSES:
        raise ValueError(f"{path}, column class: kind alegoria has {ALEGORIA_CLASSES} classes, got {len(task.classes)}")
    lacking = set(VARIATIONS) - set(next(iter(scores.values())) if scores else ())
    if lacking:
        names = ", ".join(name for name in VARIATIONS if name in lacking)
        raise ValueError(
            f"{path}, line 1: kind alegoria has all {len(VARIATIONS)} variations, without columns: {names}"
        )


def _views(
    opened: ExitStack, config: StudyConfig, task: Task, normalisation: str, runtime: Mapping[str, Any]
) -> tuple[Descriptions, Descriptions | None]:
    """What describes the images, and the queries that are cropped or are none of the images."""
    folder = config.output / "cache" / "descriptions"
    names = list(config.descriptors.values())
    protocol = config.protocol
    options = {"image_size": protocol.image_size, "reduced_decoding": protocol.reduced_decoding, **runtime}
    options["normalisation"] = normalisation
    database = opened.enter_context(Descriptions(folder, names, boxes={}, **options))
    apart = [query for query in task.queries if query.place is None]
    if not apart:
        return database, None
    boxes = {query.path: query.box for query in apart if query.box is not None}
    if any(boxes.get(query.path) != query.box for query in apart):
        twice = next(query.path for query in apart if boxes.get(query.path) != query.box)
        raise ValueError(f"{twice} is a query with several boxes: give each a copy of the file")
    looking = dict.fromkeys(database.looking(name) for name in names)
    return database, opened.enter_context(Descriptions(folder, list(looking), boxes=boxes, **options))


def _apart(task: Task) -> list[Path]:
    return [query.path for query in task.queries if query.place is None]


def _describe(
    view: Descriptions, files: list[Path], what: str, num_threads: int | None, progress: Progress | None
) -> dict[Path, str]:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress(what, done, total)

    return view.add(files, progress=report, num_threads=num_threads)


def _readable(task: Task, failed: Mapping[Path, str]) -> Task:
    """The task without what could not be read."""
    if not failed:
        return task
    images = set(task.images) - failed.keys()
    task = task.restricted(images, {query.path for query in task.queries} - failed.keys())
    if not task.images or not task.queries:
        raise ValueError("no image could be read; " + "; ".join(list(failed.values())[:3]))
    _check_findable(task, f" ({len(failed)} could not be read)")
    return task


def _check_findable(task: Task, more: str = "") -> None:
    if not any(found for truth in task.truths.values() for found in truth.positives):
        raise ValueError(f"no query has a right image among the {len(task.images)} images: nothing to find{more}")


def _evaluate(
    config: StudyConfig, task: Task, ranker: TaskRanker, normalisation: str, num_threads: int | None
) -> dict[tuple[str, str], Evaluations]:
    """Every descriptor in every setting."""
    labels = [query.label for query in task.queries]
    found: dict[tuple[str, str], dict[str, Any]] = {(normalisation, setting): {} for setting in task.truths}
    for label, name in config.descriptors.items():
        what = label if normalisation == MIXED else f"{label}, {normalisation}"
        ranking = ranker.rank(name, what=f"rank by {what}")
        for setting, truth in task.truths.items():
            evaluation = evaluate_ranking(
                ranking,
                labels,
                truth.positives,
                junk=truth.junk,
                interpolation="rectangle" if task.depth is not None else config.protocol.ap,
                depth=task.depth,
                num_threads=num_threads,
            )
            if normalisation != MIXED:
                evaluation = replace(evaluation, ranking=_head(ranking))
            found[normalisation, setting][label] = evaluation
    return dict(found)


def _head(ranking: Ranking) -> Ranking:
    return Ranking(ranking.indices[:, :HEAD].copy(), ranking.scores[:, :HEAD].copy())
