"""Figures of a study, by matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from hcbir.study.annotation import overall_difficulty
from hcbir.study.naming import folded
from hcbir.study.paper_tables import SIGNIFICANT, correlations
from hcbir.study.results import StudyResult

_INK, _DIM, _RULE = "#23262b", "#6d737d", "#dedbd3"
_BAR, _MEAN = "#5b8db8", "#c4572f"
_STYLE: Any = {  # rcParams' keys are literals to the type checker
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "xtick.color": _DIM,
    "ytick.color": _INK,
    "svg.hashsalt": "hcbir",  # the same bytes each time
    "svg.fonttype": "path",
}


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as files.

    Parameters
    ----------
    name : str
    caption : str
    png, svg : bytes
    """

    name: str
    caption: str
    png: bytes
    svg: bytes


def draw_figures(result: StudyResult) -> list[DrawnFigure]:
    """Those that the study has data for."""
    figures = [
        _drawn("classes", "mAP of each class by each descriptor; the line is the mAP over all queries.", result, _bars)
    ]
    if result.scores is not None:
        figures += [
            _drawn(
                "correlations",
                f"Correlation over classes of each score with mAP; bold and starred where p < {SIGNIFICANT}, blank "
                "where the score does not vary.",
                result,
                _heat_map,
            ),
            _drawn(
                "difficulty",
                "mAP of each class against its overall difficulty, with the line of least squares.",
                result,
                _difficulty,
            ),
        ]
    return figures


def _drawn(name: str, caption: str, result: StudyResult, draw: Callable[[StudyResult], Figure]) -> DrawnFigure:
    with mpl.rc_context(_STYLE):
        figure = draw(result)
        files = []
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=160, metadata=metadata, bbox_inches="tight", facecolor="white")
            files.append(buffer.getvalue())
    return DrawnFigure(name, caption, *files)


def _bars(result: StudyResult) -> Figure:
    """A panel a descriptor, a bar a class; the class that is best on average on top."""
    values = np.array([result.per_class(label) for label in result.labels])
    mean = _mean_known(values)
    order = np.argsort(np.where(np.isnan(mean), -1, mean), kind="stable")
    num_classes, num_panels = len(order), len(result.labels)
    figure = Figure(figsize=(2.2 + 1.75 * num_panels, 0.9 + 0.21 * num_classes))
    panels = figure.subplots(1, num_panels, sharey=True, squeeze=False)[0]
    for panel, label, precision in zip(panels, result.labels, values, strict=True):
        panel.barh(range(num_classes), np.nan_to_num(precision[order]), height=0.68, color=_BAR)
        for place, value in enumerate(precision[order]):
            text = "–" if math.isnan(value) else f"{value:.2f}"
            inside = value > 0.8
            panel.text(
                value - 0.02 if inside else (0 if math.isnan(value) else value) + 0.02,
                place,
                text,
                va="center",
                ha="right" if inside else "left",
                fontsize=6.5,
                color="white" if inside else _DIM,
                path_effects=[] if inside else [withStroke(linewidth=2, foreground="white")],
                zorder=3,
            )
        overall = result.main[label].mean_ap
        panel.axvline(overall, color=_MEAN, linewidth=1.1, zorder=2)
        panel.set_title(f"{folded(label, 16)}\n", fontsize=9)
        panel.text(overall, num_classes - 0.35, f"{overall:.3f}", color=_MEAN, ha="center", va="bottom", fontsize=7.5)
        panel.set_xlim(0, 1)
        panel.set_ylim(-0.6, num_classes - 0.4)
        panel.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        panel.set_yticks(range(num_classes), [folded(result.task.classes[i], 28) for i in order])
        panel.tick_params(length=0)
        _bare(panel)
    figure.subplots_adjust(wspace=0.12)
    return figure


def _heat_map(result: StudyResult) -> Figure:
    found = correlations(result)
    rows = list(dict.fromkeys(name for name, _ in found))
    columns = result.labels
    r = np.array([[found[name, label].r for label in columns] for name in rows])
    figure = Figure(figsize=(2.6 + 0.95 * len(columns), 1.1 + 0.36 * len(rows)))
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(r), cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    for i, name in enumerate(rows):
        for j, label in enumerate(columns):
            cell = found[name, label]
            if cell.reason:
                axes.text(j, i, "–", ha="center", va="center", color=_DIM)
                continue
            starred = cell.p < SIGNIFICANT
            axes.text(
                j,
                i,
                f"{cell.r:+.2f}{'*' if starred else ''}".replace("-", "−"),
                ha="center",
                va="center",
                color="white" if abs(cell.r) > 0.6 else _INK,
                fontweight="bold" if starred else "normal",
                fontsize=8.5,
            )
    axes.set_xticks(range(len(columns)), [folded(label, 14) for label in columns])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.axhline(len(rows) - 1.5, color=_INK, linewidth=1)
    axes.tick_params(which="both", length=0)
    _bare(axes)
    bar = figure.colorbar(image, ax=axes, fraction=0.035, pad=0.03, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=7.5)
    return figure


def _difficulty(result: StudyResult) -> Figure:
    """A panel a descriptor, a point a class; the points farthest from the line are called by name."""
    assert result.scores is not None
    x = np.array([overall_difficulty(result.scores[label]) for label in result.task.classes])
    num_columns = min(4, len(result.labels))
    num_rows = math.ceil(len(result.labels) / num_columns)
    figure = Figure(figsize=(2.75 * num_columns + 0.5, 2.5 * num_rows + 0.4))
    panels = figure.subplots(num_rows, num_columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, label in zip(panels, result.labels, strict=False):
        y = result.per_class(label)
        known = ~np.isnan(x) & ~np.isnan(y)
        panel.scatter(x[known], y[known], s=18, color=_BAR, alpha=0.75, linewidth=0, zorder=3)
        if known.sum() > 2 and np.ptp(x[known]) > 0:
            _line(panel, x[known], y[known], [name for name, k in zip(result.task.classes, known, strict=True) if k])
        panel.set_title(folded(label, 24), loc="left")
        panel.set_ylim(-0.03, 1.05)
        panel.grid(color=_RULE, linewidth=0.6)
        panel.set_axisbelow(True)
        panel.tick_params(length=0)
        _bare(panel)
    for place in range(len(result.labels), len(panels)):
        panels[place].set_visible(False)
        panels[place - num_columns].tick_params(labelbottom=True)  # the lowest of its column now
    figure.supxlabel("overall difficulty", fontsize=9)
    figure.supylabel("mAP", fontsize=9)
    figure.tight_layout()
    return figure


def _line(panel: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> None:
    slope, intercept = np.polyfit(x, y, 1)
    ends = np.array([x.min(), x.max()])
    panel.plot(ends, intercept + slope * ends, color=_MEAN, linewidth=1.4, zorder=2)
    residuals = y - (intercept + slope * x)
    for i in {int(residuals.argmin()), int(residuals.argmax())}:
        left, low = x[i] > ends.mean(), y[i] < 0.1
        panel.annotate(
            folded(names[i], 20),
            (x[i], y[i]),
            xytext=(-4 if left else 4, 3 if low else -4),
            textcoords="offset points",
            ha="right" if left else "left",
            va="bottom" if low else "top",
            fontsize=6.5,
            color=_DIM,
        )


def _mean_known(values: np.ndarray) -> np.ndarray:
    """Over descriptors; NaN where none is known."""
    known = ~np.isnan(values)
    sums = np.where(known, values, 0).sum(axis=0)
    return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)


def _bare(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
