"""Queries worth a look: which are hard, what was found for them, and which features matched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from hcbir.collection.retrieval import explain_match
from hcbir.descriptors.images import Source, open_image
from hcbir.study.captions import number
from hcbir.study.datasets.task import Query, Task
from hcbir.study.drawing import RankedImage, RankingRow
from hcbir.study.match_picture import MatchPicture
from hcbir.study.pairs import explanation_picture
from hcbir.study.ranking import Ranking
from hcbir.study.results import StudyResult
from hcbir.study.similarity import TaskRanker


class Verdicts:
    """Which images are right for which query, in the main setting of a task."""

    def __init__(self, task: Task) -> None:
        truth = task.truths[task.main_setting]
        self.positives = [frozenset(found) for found in truth.positives]
        self.junk = [frozenset(found) for found in truth.junk]

    def head(self, row: int, ranking: Ranking, count: int) -> list[tuple[int, float, bool]]:
        """(image, score, correct) of the best images of a query that are not junk."""
        indices, scores = ranking.indices[row], ranking.scores[row]
        num_read = count + len(self.junk[row])
        ranked = zip(indices[:num_read].tolist(), scores[:num_read].tolist(), strict=True)
        return [(i, score, i in self.positives[row]) for i, score in ranked if i not in self.junk[row]][:count]

    def best_positive(self, row: int, ranking: Ranking) -> int | None:
        """The right image that is ranked best."""
        return next((int(i) for i in ranking.indices[row] if int(i) in self.positives[row]), None)


def chosen_queries(task: Task, ends: Sequence[str]) -> list[int]:
    """The one query whose path ends so, for each end.

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    chosen = []
    for end in ends:
        found = [row for row in range(len(task.queries)) if task.query_name(row).endswith(end)]
        if len(found) != 1:
            raise ValueError(f"report.queries must end the path of one query each, {end} ends {len(found)}")
        chosen += found
    return chosen


def example_queries(result: StudyResult) -> dict[int, str]:
    """The chosen queries, then the hardest: of each class the one with the smallest mean AP over the descriptors.

    With each goes why it is there.
    """
    options = result.config.report
    examples = dict.fromkeys(chosen_queries(result.task, options.queries), "Chosen")
    mean_ap = np.mean([found.ap for found in result.main.values()], axis=0)
    hardest: dict[str, int] = {}
    for row in np.argsort(mean_ap, kind="stable").tolist():  # NaN last
        if not np.isnan(mean_ap[row]):
            hardest.setdefault(result.task.queries[row].label, row)
    others = [row for row in hardest.values() if row not in examples]
    return examples | dict.fromkeys(others[: options.hard_queries], "Hard to find")


def ranking_rows(result: StudyResult, verdicts: Verdicts, row: int) -> list[RankingRow]:
    """The query's ranking by each descriptor."""
    rows = []
    for label, found in result.main.items():
        unit = " inliers" if result.kinds[label] == "local" else ""
        head = verdicts.head(row, found.ranking, result.config.report.ranks)
        results = [
            RankedImage(result.task.images[image], score, correct, f"{number(score)}{unit}" if unit else None)
            for image, score, correct in head
        ]
        ap = "no right image" if np.isnan(found.ap[row]) else f"AP {found.ap[row]:.3f}"
        rows.append(RankingRow(result.task.queries[row].path, f"{label}: {ap}", results))
    return rows


def match_pictures(
    result: StudyResult, verdicts: Verdicts, ranker: TaskRanker, row: int
) -> list[tuple[str, MatchPicture]]:
    """By each local descriptor, the query and the right image that it ranks best, with their matched features.

    Before each picture goes what it shows.
    """
    pictures = []
    for label, name in result.config.descriptors.items():
        if result.kinds[label] != "local":
            continue
        ranking = result.main[label].ranking
        best = verdicts.best_positive(row, ranking)
        if best is None:
            continue
        images, queries = ranker.features(name)
        found = explain_match(queries[row], images[best], ranker.database.descriptor(name).image_size)
        path = result.task.images[best]
        picture = explanation_picture(found, _shown(result.task.queries[row]), path, height=360)
        rank = 1 + [image for image, *_ in verdicts.head(row, ranking, len(ranking.indices[row]))].index(best)
        caption = (
            f"{result.task.query_name(row)} and the right image that {label} ranks best, {rank}: "
            f"{found.num_inliers} of {len(found.matches)} matches agree"
        )
        pictures.append((caption, picture))
    return pictures


def _shown(query: Query) -> Source:
    """What was described of the query."""
    if query.box is None:
        return query.path
    whole: Image.Image = open_image(query.path, longest_side=None).image
    left, top, right, bottom = (round(value) for value in query.box)
    return whole.crop((left, top, min(right, whole.width), min(bottom, whole.height)))
