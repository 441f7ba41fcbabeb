"""Two runs of a study side by side."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.study.files import RESULTS
from hcbir.study.normalisation import MIXED
from hcbir.study.paper_tables import DIFFERENCE_HEADS, difference_cells, difference_note, difference_record
from hcbir.study.statistics import NUM_RESAMPLES, paired_difference
from hcbir.study.tables import Table, precision_cell


def compare_runs(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    *,
    confidence: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Table:
    """The descriptors that two runs share, with the mean difference of their AP over the queries that both asked.

    Parameters
    ----------
    first, second : path
        Output folders of `hcbir study run`, or their `study.json`.
    confidence, num_resamples, seed
        As in `hcbir.study.statistics.paired_difference`.

    Returns
    -------
    Table
        Notes say in what the protocols differ, and which queries only one of the runs asked.

    Raises
    ------
    ValueError
        If one is not the result of a study, or they share no query or descriptor.
    """
    runs = [_read(Path(first)), _read(Path(second))]
    aps = [_by_descriptor(run) for run in runs]
    queries = [{query["name"]: row for row, query in enumerate(run["queries"])} for run in runs]
    common = [name for name in queries[0] if name in queries[1]]
    labels = [label for label in aps[0] if label in aps[1]]
    if not common or not labels:
        what, have = ("queries", queries) if not common else ("descriptors", aps)
        examples = " and ".join(", ".join(list(names)[:3]) for names in have)
        raise ValueError(f"first and second must share {what}, they have {examples}")
    titles = [run["title"] for run in runs]
    rows, records = [], []
    for label in labels:
        paired = [ap[label][[of[name] for name in common]] for ap, of in zip(aps, queries, strict=True)]
        found = paired_difference(*paired, confidence=confidence, num_resamples=num_resamples, seed=seed)
        known = ~np.isnan(paired).any(axis=0)
        means = [float(ap[known].mean()) if known.any() else float("nan") for ap in paired]
        rows.append((label, [*map(precision_cell, means), *difference_cells(found)]))
        records.append({"descriptor": label, "first": means[0], "second": means[1], **difference_record(found)})
    return Table(
        "compare",
        " and ".join(titles if titles[0] != titles[1] else [os.fspath(first), os.fspath(second)]),
        ["descriptor", "first", "second", *DIFFERENCE_HEADS],
        rows,
        notes=[
            difference_note(confidence, num_resamples, seed),
            *_protocol_notes(runs[0]["protocol"], runs[1]["protocol"]),
            *(
                f"{len(of) - len(common)} of {len(of)} queries of the {place} run are not in the other."
                for place, of in zip(("first", "second"), queries, strict=True)
                if len(of) > len(common)
            ),
        ],
        records=records,
    )


def _read(path: Path) -> dict[str, Any]:
    file = path / RESULTS if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"{path}: no result of a study, expected a folder with {RESULTS}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON ({error})") from None
    lacking = {"title", "protocol", "queries", "main_setting", "evaluations"} - set(content)
    if lacking:
        raise ValueError(f"{file}: not the result of a study, it lacks {', '.join(sorted(lacking))}")
    found: dict[str, Any] = content
    return found


def _by_descriptor(run: Mapping[str, Any]) -> dict[str, npt.NDArray[np.float64]]:
    """AP of each query; a normalised descriptor as LABEL, NORMALISATION."""
    return {
        label if normalisation == MIXED else f"{label}, {normalisation}": np.array(figures["ap"], dtype=np.float64)
        for normalisation, settings in run["evaluations"].items()
        for label, figures in settings[run["main_setting"]].items()
    }


def _protocol_notes(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """What was not done in the same way, so that the reader knows what is compared."""
    keys = [key for key in first if key not in ("id", "descriptors") and first[key] != second.get(key)]
    notes = [f"{key}: {first[key]} / {second.get(key, 'not told')}." for key in keys]
    models = {label: (facts, second["descriptors"].get(label)) for label, facts in first["descriptors"].items()}
    notes += [
        f"{label}: {_model(before)} / {_model(after)}."
        for label, (before, after) in models.items()
        if after is not None and before != after
    ]
    return notes


def _model(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {str(value)[:40]}" for key, value in facts.items())
