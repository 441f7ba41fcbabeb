"""What a study found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.study.annotation import ClassScores
from hcbir.study.config import StudyConfig
from hcbir.study.datasets.labelled import Dataset
from hcbir.study.datasets.task import Task
from hcbir.study.evaluation import DescriptorEvaluation
from hcbir.study.normalisation import MIXED

INDEX = "mixed, through the index"
"""The images as they are, those whose inliers are counted found through the index: stands with the normalisations."""

Evaluations = Mapping[str, DescriptorEvaluation]
"""By the label of the descriptor."""


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The result of `hcbir.study.run`.

    Parameters
    ----------
    config : StudyConfig
    task : Task
        Of the images and queries that could be read; rankings hold indices of its images.
    dataset : Dataset or None
        As it was read, where it is a labelled set of images.
    scores : ClassScores or None
        Predominance of the variations; None without annotation.
    evaluations : mapping of (str, str) to Evaluations
        By normalisation ("mixed": none; `INDEX`) and setting. Rankings of normalised images hold their head alone.
    kinds : mapping of str to str
        "global", "local" or "aggregated", by label.
    stamp : dict
        The protocol.
    skipped : list of str
        One message for each image that could not be read.
    seconds : float
        What describing, ranking and evaluating took in this run: what was kept of earlier ones took none of them, and
        writing the files is not counted, since they tell it.
    """

    config: StudyConfig
    task: Task
    dataset: Dataset | None
    scores: ClassScores | None
    evaluations: Mapping[tuple[str, str], Evaluations]
    kinds: Mapping[str, str]
    stamp: Mapping[str, Any]
    skipped: list[str]
    seconds: float

    @property
    def main(self) -> Evaluations:
        """Of the images as they are, in the main setting."""
        return self.evaluations[MIXED, self.task.main_setting]

    @property
    def labels(self) -> list[str]:
        """Of the descriptors, as the study orders them."""
        return list(self.config.descriptors)

    @cached_property
    def num_queries(self) -> dict[str, int]:
        """Queries that have right images, by class."""
        positives = self.task.truths[self.task.main_setting].positives
        counted = [q.label for q, found in zip(self.task.queries, positives, strict=True) if found or self.task.depth]
        return {label: counted.count(label) for label in self.task.classes}

    def per_class(self, label: str) -> npt.NDArray[np.float64]:
        """mAP of each of the task's classes in order; NaN for one without right images."""
        found = self.main[label].per_class
        return np.array([found.get(name, math.nan) for name in self.task.classes])

    @cached_property
    def dataset_rows(self) -> dict[Path, int]:
        """Where the dataset says what it knows of an image."""
        return {path: row for row, path in enumerate(self.dataset.images)} if self.dataset else {}
