"""What a picture of a match shows, and where: two images side by side, lines, dots, frames and words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GAP = 8
MAX_WIDTH = 1920
MAX_ASPECT = 16.0
"""An image whose one side is longer, in units of the other, is drawn squeezed to this."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Where an image stands: its top-left corner and its size, in pixels of the picture."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A matched pair."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class MatchLayout:
    """Everything in pixels of the picture, which is `width` x `height` without its captions.

    Parameters
    ----------
    panels : (Panel, Panel)
    outliers, inliers : list of Line
        Those that are drawn, the rest being left out.
    dots : (n, 2)
        Ends of all inliers.
    opacity : float
        Of the inliers' lines: less, the more there are.
    outline : (4, 2) or None
        Of the query in the target.
    counts : str
    """

    width: int
    height: int
    panels: tuple[Panel, Panel]
    outliers: list[Line]
    inliers: list[Line]
    dots: Points
    opacity: float
    outline: Points | None
    counts: str


def lay_out(
    sizes: tuple[tuple[int, int], tuple[int, int]],
    points0: npt.ArrayLike,
    points1: npt.ArrayLike,
    inlier_mask: npt.ArrayLike,
    *,
    outline: npt.ArrayLike | None,
    height: int,
    max_inliers: int,
    max_outliers: int,
) -> MatchLayout:
    """The layout for images of these (width, height); see `MatchPicture` for the rest."""
    first, second, inlier = _checked(points0, points1, inlier_mask)
    if height < 16:
        raise ValueError(f"height must be at least 16 pixels, got {height}")
    for name, most in (("max_inliers", max_inliers), ("max_outliers", max_outliers)):
        if most < 0:
            raise ValueError(f"{name} must not be negative, got {most}")
    aspects = [min(max(w / h, 1 / MAX_ASPECT), MAX_ASPECT) for w, h in sizes]
    height = min(height, round((MAX_WIDTH - GAP) / sum(aspects)))  # two panoramas
    shown = [round(aspect * height) for aspect in aspects]
    panels = (Panel(0, 0, shown[0], height), Panel(shown[0] + GAP, 0, shown[1], height))
    ends = np.hstack([placed(first, sizes[0], panels[0]), placed(second, sizes[1], panels[1])])
    indices = np.flatnonzero(inlier)

    def lines(chosen: npt.NDArray[np.intp], most: int) -> list[Line]:
        return [Line(*ends[k].tolist()) for k in _some(chosen, most)]

    box = None
    if outline is not None:
        corners = np.asarray(outline, dtype=np.float64)
        if corners.shape != (4, 2) or not np.isfinite(corners).all():
            raise ValueError(f"outline must be (4, 2) and finite, got shape {corners.shape}")
        box = placed(corners, sizes[1], panels[1])
    return MatchLayout(
        width=shown[0] + GAP + shown[1],
        height=height,
        panels=panels,
        outliers=lines(np.flatnonzero(~inlier), max_outliers),
        inliers=lines(indices, max_inliers),
        dots=ends[indices].reshape(-1, 2),
        opacity=float(np.interp(len(indices), [20, 150], [0.92, 0.5])),
        outline=box,
        counts=f"{len(indices)} of {len(inlier)} matches agree",
    )


def placed(points: Points, size: tuple[int, int], panel: Panel) -> Points:
    """Points of an image, whose pixels have their centres at whole numbers, on the picture, whose corner is (0, 0)."""
    scale = np.array([panel.width / size[0], panel.height / size[1]])
    moved: Points = (points + 0.5) * scale + np.array([panel.left, panel.top])
    return moved


def _checked(
    points0: npt.ArrayLike, points1: npt.ArrayLike, inlier_mask: npt.ArrayLike
) -> tuple[Points, Points, npt.NDArray[np.bool_]]:
    first, second = np.asarray(points0, dtype=np.float64), np.asarray(points1, dtype=np.float64)
    inlier = np.asarray(inlier_mask)
    for name, points in (("points0", first), ("points1", second)):
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"{name} must be (p, 2), got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"{name} must be finite")
    if len(first) != len(second):
        raise ValueError(f"points1 must have a row for each of the {len(first)} of points0, got {len(second)}")
    if inlier.shape != (len(first),) or inlier.dtype != np.bool_:
        raise ValueError(f"inlier_mask must be ({len(first)},) bool, got {inlier.shape} {inlier.dtype}")
    return first, second, inlier


def _some(indices: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """At most `most` of the indices, evenly spread."""
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(np.intp)]
