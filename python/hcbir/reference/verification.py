"""Geometric verification, specified."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hcbir.reference.matching import match

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

SAMPLE_SIZE = {"similarity": 2, "affine": 3, "homography": 4}
MAX_STRETCH = 20.0


def transform(model: Floats, points: Array) -> Floats:
    """Where a 3 x 3 model sends points; infinite where it sends them to infinity or beyond (w <= 0)."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ model.T
    w = mapped[:, 2:]
    return np.asarray(np.divide(mapped[:, :2], w, out=np.full((len(points), 2), np.inf), where=w > 0))


def transfer_errors(model: Floats, points0: Array, points1: Array) -> Floats:
    """Distances in image 1 between where the model sends points0 and points1."""
    return np.asarray(np.linalg.norm(transform(model, points0) - points1, axis=1))


def inlier_mask(model: Floats, points0: Array, points1: Array, max_error: float) -> npt.NDArray[np.bool_]:
    """The pairs whose transfer error is strictly below the bound; none for the NaN of a model not found."""
    return np.asarray(transfer_errors(model, points0, points1) < max_error)


def jacobian(model: Floats, point: Array) -> Floats:
    """Derivative of `transform` at a point."""
    x, y, w = model @ np.append(point, 1)
    return np.asarray((model[:2, :2] - np.outer([x / w, y / w], model[2, :2])) / w)


def is_plausible(model: Floats, points0: Array) -> bool:
    """At the centroid of the points the model is finite, does not mirror, and stretches by 1/20 to 20 either way."""
    centroid = points0.mean(axis=0)
    if not np.isfinite(model).all() or not model[2] @ np.append(centroid, 1) > 0:
        return False
    derivative = jacobian(model, centroid)
    stretch = np.linalg.svd(derivative, compute_uv=False)
    return bool(np.linalg.det(derivative) > 0 and stretch[0] < MAX_STRETCH and stretch[1] > 1 / MAX_STRETCH)


def fit(points0: Array, points1: Array, model: str, weights: Array | None = None) -> Floats:
    """The model of least weighted squared transfer error; through the points where they are a minimal sample."""
    roots = np.sqrt(np.ones(len(points0)) if weights is None else weights)
    t0, t1 = _normalization(points0), _normalization(points1)
    p0, p1 = transform(t0, points0), transform(t1, points1)
    normalized = _fit_homography(p0, p1, roots) if model == "homography" else _fit_linear(p0, p1, model, roots)
    fitted = np.linalg.inv(t1) @ normalized @ t0
    return np.asarray(fitted / fitted[2, 2])


def student_fit(points0: Array, points1: Array, start: Floats, model: str, max_error: float) -> Floats:
    """The model to which `start` leads if the errors within max_error follow Student's t with 3 degrees of freedom.

    By expectation and maximisation, the scale with the model (Lange, Little and Taylor 1989). Errors of a homography
    are those that points would be off by in both images, if both share alike, times sqrt(2).
    """
    fitted, squared_scale = start, math.inf
    for _ in range(100):
        used = inlier_mask(fitted, points0, points1, max_error)
        p, q = points0[used], points1[used]
        metric = np.broadcast_to(np.eye(2), (len(p), 2, 2))
        if model == "homography":
            derivatives = np.array([jacobian(fitted, point) for point in p])
            metric = 2 * np.linalg.inv(np.eye(2) + derivatives @ derivatives.transpose(0, 2, 1))
        errors = q - transform(fitted, p)
        squared = np.einsum("ni,nij,nj->n", errors, metric, errors)
        weights = 1 / (3 + squared / squared_scale)
        if model == "homography":
            fitted = _homography_step(p, q, fitted, metric * weights[:, None, None])
        else:
            fitted = fit(p, q, model, weights)
        freedom = len(p) / (len(p) - SAMPLE_SIZE[model])
        squared_scale = max(freedom * (weights @ squared) / (2 * weights.sum()), (0.01 * max_error) ** 2)
    return fitted


def msac_cost(model: Floats, points0: Array, points1: Array, max_error: float) -> float:
    """Sum over the pairs of min(error^2, max_error^2) (Torr and Zisserman 2000)."""
    return float((np.minimum(transfer_errors(model, points0, points1), max_error) ** 2).sum())


def grow_again(points0: Array, points1: Array, start: Floats, model: str, max_error: float) -> Floats:
    """The model of least MSAC cost met on the ways from `start`, and from what they lead to, as long as it falls.

    A way is least squares over the pairs within 6, or 10, 15 or 25 times max_error, then within less and less. It skips
    a step that has fewer than two pairs beside a sample, or leads to what is not plausible.
    """
    best, before = start, math.inf
    while (cost := msac_cost(best, points0, points1, max_error)) < before:
        before = cost
        for farthest in (6, 10, 15, 25):
            grown = best
            for multiple in (25, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1.5, 1, 1, 1):
                used = inlier_mask(grown, points0, points1, multiple * max_error)
                if multiple > farthest or used.sum() < SAMPLE_SIZE[model] + 2:
                    continue
                if model == "homography":
                    fitted = _cautious_step(points0, points1, used, grown, max_error)
                else:
                    fitted = fit(points0[used], points1[used], model)
                if is_plausible(fitted, points0):
                    grown = fitted
                    best = min(best, grown, key=lambda m: msac_cost(m, points0, points1, max_error))
    return best


def one_to_one(points0: Array, points1: Array, errors: Array, mask: Array) -> npt.NDArray[np.bool_]:
    """Of inliers that share a point, in either image, only the one of least error, the first of equals."""
    kept = np.zeros(len(mask), bool)
    for i in sorted(np.flatnonzero(mask), key=lambda i: (errors[i], i)):
        shared = (points0[kept] == points0[i]).all(axis=1) | (points1[kept] == points1[i]).all(axis=1)
        kept[i] = not shared.any()
    return kept


def verify(
    points0: Array, points1: Array, *, model: str = "affine", max_error: float = 8.0, seed: int = 0, trials: int = 1000
) -> tuple[int, npt.NDArray[np.bool_], Floats]:
    """(inliers, their mask, the model): the sample of most inliers, fitted anew to these until they stay the same."""
    rng = np.random.default_rng(seed)
    size = SAMPLE_SIZE[model]
    best = np.full((3, 3), np.nan)
    count = 0
    for _ in range(trials if len(points0) >= size else 0):
        sample = rng.choice(len(points0), size, replace=False)
        if _is_flat(points0[sample]) or _is_flat(points1[sample]):
            continue
        candidate = fit(points0[sample], points1[sample], model)
        if is_plausible(candidate, points0):
            found = int(inlier_mask(candidate, points0, points1, max_error).sum())
            if found >= max(size, count + 1):
                best, count = candidate, found
    mask = inlier_mask(best, points0, points1, max_error)
    for _ in range(20 if count else 0):
        candidate = fit(points0[mask], points1[mask], model)
        again = inlier_mask(candidate, points0, points1, max_error)
        if again.sum() < mask.sum() or not is_plausible(candidate, points0):
            break
        best, mask, unchanged = candidate, again, bool((again == mask).all())
        if unchanged:
            break
    return int(mask.sum()), mask, best


def similarity_of_frames(points0: Array, points1: Array, frames: Array) -> Floats:
    """(n, 3, 3): what each pair's features propose; rows of frames: scales0, orientations0, scales1, orientations1."""
    scale, angle = frames[2] / frames[0], frames[3] - frames[1]
    models = np.zeros((len(points0), 3, 3))
    models[:, 0, 0] = models[:, 1, 1] = scale * np.cos(angle)
    models[:, 1, 0] = scale * np.sin(angle)
    models[:, 0, 1] = -models[:, 1, 0]
    models[:, :2, 2] = points1 - np.einsum("nij,nj->ni", models[:, :2, :2], points0)
    models[:, 2, 2] = 1
    return models


def frame_support(points0: Array, points1: Array, frames: Array, max_error: float, slope: float = 0.1) -> Floats:
    """(n,): how far the pairs bear out each one's similarity.

    One counts 1 - e^2 / (max_error^2 + (slope d)^2) if that is positive, d being how far from the hypothesis the
    similarity sends it and e by how much that is wrong, and if its features turn by an angle of the same sixteenth of a
    circle, or of the next.
    """
    models = similarity_of_frames(points0, points1, frames)
    sector = np.floor(((frames[3] - frames[1]) / (2 * math.pi) + 0.5) % 1 * 16).astype(int) % 16
    support = np.empty(len(points0))
    for i, model in enumerate(models):
        sent = transform(model, points0)
        squared = ((sent - points1) ** 2).sum(axis=1)
        away = ((sent - points1[i]) ** 2).sum(axis=1)
        near = (sector - sector[i] + 1) % 16 <= 2
        support[i] = np.maximum(0, 1 - squared / (max_error**2 + slope**2 * away))[near].sum()
    return support


def verify_frames(
    points0: Array, points1: Array, frames: Array, *, model: str = "affine", max_error: float = 8.0
) -> tuple[int, npt.NDArray[np.bool_], Floats]:
    """As `verify`, from the best supported similarity that a pair's features propose, fitted within less and less."""
    support = frame_support(points0, points1, frames, 3 * max_error)
    best = similarity_of_frames(points0, points1, frames)[int(support.argmax())]
    for kind, multiple in [("similarity", 5), ("similarity", 4)] + [(model, m) for m in (5, 4, 3, 2, 1.5, 1, 1, 1)]:
        mask = inlier_mask(best, points0, points1, multiple * max_error)
        if mask.sum() < SAMPLE_SIZE[kind]:
            return 0, np.zeros(len(mask), bool), np.full((3, 3), np.nan)
        best = fit(points0[mask], points1[mask], kind)
    mask = inlier_mask(best, points0, points1, max_error)
    return int(mask.sum()), mask, best


def count_inliers(
    query: tuple[Array, ...],
    candidates: list[tuple[Array, ...]],
    *,
    metric: str = "dot",
    use_frames: bool = False,
    **options: Any,
) -> list[int]:
    """Inliers of the matches of (keypoints, descriptors) with each candidate's.

    With use_frames of (keypoints, descriptors, scales, orientations), by `verify_frames`.
    """
    counts = []
    for candidate in candidates:
        pairs = np.array(match(query[1], candidate[1], metric=metric), int).reshape(-1, 2)
        matched = [values[pairs[:, 0]] for values in query], [values[pairs[:, 1]] for values in candidate]
        points = matched[0][0], matched[1][0]
        if not use_frames:
            counts.append(verify(*points, **options)[0])
        elif len(pairs) == 0:
            counts.append(0)
        else:
            frames = np.array([*matched[0][2:], *matched[1][2:]], float)
            counts.append(verify_frames(points[0].astype(float), points[1].astype(float), frames, **options)[0])
    return counts


def _normalization(points: Array) -> Floats:
    """Moves the centroid to the origin and the root mean square distance from it to sqrt(2) (Hartley 1997)."""
    x, y = points.mean(axis=0)
    scale = np.sqrt(2 / max(((points - [x, y]) ** 2).sum(axis=1).mean(), 1e-12))
    return np.array([[scale, 0, -scale * x], [0, scale, -scale * y], [0, 0, 1]])


def _is_flat(sample: Array) -> bool:
    """Whether two points coincide, or three lie nearly on one line: area against the square of the longest side."""
    if len(sample) == 2:
        return bool((sample[0] == sample[1]).all())
    for left_out in range(len(sample) if len(sample) == 4 else 1):
        a, b, c = sample if len(sample) == 3 else np.delete(sample, left_out, axis=0)
        longest = max(((a - b) ** 2).sum(), ((b - c) ** 2).sum(), ((c - a) ** 2).sum())
        if not abs(np.linalg.det([b - a, c - a])) > 0.01 * longest:
            return True
    return False


def _fit_linear(points0: Array, points1: Array, model: str, roots: Array) -> Floats:
    """Similarity or affine: the transfer error is linear in the unknowns."""
    x, y = points0.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    if model == "similarity":  # [a -b tx; b a ty]
        rows = np.concatenate([np.column_stack([x, -y, one, zero]), np.column_stack([y, x, zero, one])])
    else:
        rows = np.concatenate(
            [np.column_stack([x, y, one, zero, zero, zero]), np.column_stack([zero, zero, zero, x, y, one])]
        )
    twice = np.tile(roots, 2)
    h = np.linalg.lstsq(rows * twice[:, None], points1.T.ravel() * twice, rcond=None)[0]
    if model == "similarity":
        return np.array([[h[0], -h[1], h[2]], [h[1], h[0], h[3]], [0, 0, 1]])
    return np.array([[h[0], h[1], h[2]], [h[3], h[4], h[5]], [0, 0, 1]])


def _fit_homography(points0: Array, points1: Array, roots: Array) -> Floats:
    """Direct linear transform, then Gauss-Newton on the transfer error with the last element held at 1."""
    p = np.column_stack([points0, np.ones(len(points0))])
    zero = np.zeros_like(p)
    rows = np.concatenate([np.hstack([p, zero, -points1[:, :1] * p]), np.hstack([zero, p, -points1[:, 1:] * p])])
    h = np.linalg.svd(rows * np.tile(roots, 2)[:, None])[2][-1]
    h = h / h[8]
    for _ in range(20 if len(points0) > 4 else 0):
        mapped = p @ h.reshape(3, 3).T
        w = mapped[:, 2:]
        u, v = (mapped[:, :2] / w).T
        q = p / w
        rows = np.concatenate([np.hstack([q, zero, -u[:, None] * q]), np.hstack([zero, q, -v[:, None] * q])])
        missing = np.concatenate([points1[:, 0] - u, points1[:, 1] - v])
        twice = np.tile(roots, 2)
        step = np.linalg.lstsq(rows[:, :8] * twice[:, None], missing * twice, rcond=None)[0]
        h = h + np.append(step, 0)
    return np.asarray(h.reshape(3, 3))


def _homography_step(points0: Array, points1: Array, start: Floats, metric: Floats) -> Floats:
    """A Gauss-Newton step on the errors' squares, of which `metric` holds a 2 x 2 matrix each."""
    t0, t1 = _normalization(points0), _normalization(points1)
    normalized = t1 @ start @ np.linalg.inv(t0)
    h = (normalized / normalized[2, 2]).ravel()
    p, zero = np.column_stack([transform(t0, points0), np.ones(len(points0))]), np.zeros((len(points0), 3))
    mapped = p @ h.reshape(3, 3).T
    uv, q = mapped[:, :2] / mapped[:, 2:], p / mapped[:, 2:]
    rows = np.stack([np.hstack([q, zero, -uv[:, :1] * q]), np.hstack([zero, q, -uv[:, 1:] * q])], axis=1)[:, :, :8]
    roots = np.linalg.cholesky(metric).transpose(0, 2, 1)
    missing = (transform(t1, points1) - uv)[:, :, None]
    step = np.linalg.lstsq((roots @ rows).reshape(-1, 8), (roots @ missing).ravel(), rcond=None)[0]
    fitted = np.linalg.inv(t1) @ (h + np.append(step, 0)).reshape(3, 3) @ t0
    return np.asarray(fitted / fitted[2, 2])


def _cautious_step(points0: Array, points1: Array, used: Array, start: Floats, max_error: float) -> Floats:
    """A Gauss-Newton step on the used pairs' squared errors and, in all pairs' normalised coordinates, the square of
    the perspective, of which 0.3 counts as max_error does."""
    t0, t1 = _normalization(points0), _normalization(points1)
    normalized = t1 @ start @ np.linalg.inv(t0)
    h = (normalized / normalized[2, 2]).ravel()
    p = np.column_stack([transform(t0, points0[used]), np.ones(used.sum())])
    mapped, zero = p @ h.reshape(3, 3).T, np.zeros_like(p)
    (u, v), q = (mapped[:, :2] / mapped[:, 2:]).T, p / mapped[:, 2:]
    rows = np.concatenate([np.hstack([q, zero, -u[:, None] * q]), np.hstack([zero, q, -v[:, None] * q])])[:, :8]
    missing = (transform(t1, points1[used]) - np.column_stack([u, v])).T.ravel()
    weight = max_error * t1[0, 0] / 0.3
    rows = np.concatenate([rows, weight * np.eye(8)[6:]])
    step = np.linalg.lstsq(rows, np.append(missing, -weight * h[6:8]), rcond=None)[0]
    fitted = np.linalg.inv(t1) @ (h + np.append(step, 0)).reshape(3, 3) @ t0
    return np.asarray(fitted / fitted[2, 2])


def log10_nfa(points0: Array, points1: Array, mask: Array, model: str, found: Floats, max_error: float) -> float:
    """Number of false alarms of the inliers of the model found.

    Pairs in one square of side max_error in each image count once. A pair is an inlier by chance if its point1, at
    random in the bounding box, is within max_error; if its point0 were as near more often, where `found` shrinks, it
    is so with the geometric mean of both probabilities. No side of a box is below max_error: points along a line.
    """
    places = np.floor(np.column_stack([points0, points1]) * (1 / max_error))
    n, k = len(np.unique(places, axis=0)), len(np.unique(places[mask], axis=0))
    sample = SAMPLE_SIZE[model]
    if k <= sample:
        return math.inf
    boxes = [np.prod(np.maximum(np.ptp(points, axis=0), max_error)) for points in (points0, points1)]
    enlargement = np.linalg.det(jacobian(found, points0[mask].mean(axis=0)))
    in0, in1 = (math.pi * max_error**2 / area for area in (enlargement * boxes[0], boxes[1]))
    by_chance = math.sqrt(in1 * max(in0, in1))
    if not by_chance < 1:
        return math.inf
    models = (n - sample) * math.comb(n, k) * math.comb(k, sample)
    return math.log10(models) + (k - sample) * math.log10(by_chance)
