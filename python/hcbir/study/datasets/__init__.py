"""Sets of images with what is known of them."""

from hcbir.study.datasets.benchmarks import load_gldv2, load_oxford, load_revisitop
from hcbir.study.datasets.labelled import DISTRACTORS, Box, Dataset, load_dataset
from hcbir.study.datasets.task import Query, Task, Truth, task_of

__all__ = [
    "DISTRACTORS",
    "Box",
    "Dataset",
    "Query",
    "Task",
    "Truth",
    "load_dataset",
    "load_gldv2",
    "load_oxford",
    "load_revisitop",
    "task_of",
]
