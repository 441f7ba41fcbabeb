"""Polygons in a camera: their outlines in the image and the planes they lie in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hcbir.study.synthetic.rendering.atlas import Textures
from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.mesh import Faces
from hcbir.study.synthetic.rendering.numbers import Doubles, Integers

NEAR = 0.3
"""Metres; what is nearer is cut off."""


@dataclass(frozen=True, eq=False)
class Projected:
    """The visible polygons, nearest first.

    At pixel (x, y), 1/depth = depth_ . (x, y, 1) and the texel is depth * (across . (x, y, 1)) - shift, likewise down.
    `outlines` are (n, 2) image points; `boxes` (f, 4) x0 y0 x1 y1, pixels that may be covered; `foreshortening` (f,)
    is c in: texels a pixel, squared = c * depth^3.
    """

    faces: Integers
    outlines: list[Doubles]
    boxes: Integers
    depth: Doubles
    across: Doubles
    down: Doubles
    shifts: Doubles
    foreshortening: Doubles


def project(faces: Faces, textures: Textures, camera: Camera) -> Projected:
    """Only polygons that face the camera, or both ways, and reach into the image."""
    eye = np.array(camera.eye)
    facing = (faces.normals * (eye - faces.corners[:, 0])).sum(axis=1)
    seen = _into_camera(faces.corners - eye, camera)
    depth = seen[..., 2]
    candidates = np.flatnonzero(((facing > 1e-6) | (faces.two_sided & (facing < -1e-6))) & (depth.max(axis=1) > NEAR))
    kept, outlines, boxes = [], [], []
    for face in candidates:
        corners = seen[face]
        if depth[face].min() < NEAR:
            corners = _cut(corners, 2, NEAR, above=True)
        outline = corners[:, :2] / corners[:, 2:] * camera.focal + camera.centre
        low, high = outline.min(axis=0), outline.max(axis=0)
        if low[0] >= camera.width or low[1] >= camera.height or high[0] <= 0 or high[1] <= 0:
            continue
        if low.min() < -2000 or high.max() > 6000:
            for axis, end in ((0, camera.width), (1, camera.height)):
                outline = _cut(outline, axis, -8.0, above=True)
                outline = _cut(outline, axis, end + 8.0, above=False)
            if len(outline) < 3:
                continue
            low, high = outline.min(axis=0), outline.max(axis=0)
        first, last = np.maximum(np.floor(low) - 1, 0), np.minimum(np.ceil(high) + 2, [camera.width, camera.height])
        if last[0] <= first[0] or last[1] <= first[1]:
            continue
        kept.append(int(face))
        outlines.append(outline)
        boxes.append([*first, *last])
    nearest = np.argsort(np.maximum(depth[kept], NEAR).mean(axis=1), kind="stable") if kept else np.zeros(0, np.int64)
    chosen = np.array(kept, dtype=np.int64)[nearest]
    return Projected(
        chosen,
        [outlines[k] for k in nearest],
        np.array(boxes, dtype=np.int64).reshape(-1, 4)[nearest],
        *_planes(faces, textures, camera, chosen),
    )


def _into_camera(vectors: Doubles, camera: Camera) -> Doubles:
    """World directions (..., 3) to right, down, forward."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([x * a[0] + y * a[1] + z * a[2] for a in camera.axes], axis=-1)


def _planes(
    faces: Faces, textures: Textures, camera: Camera, chosen: Integers
) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:
    eye = np.array(camera.eye)
    normal = _into_camera(faces.normals[chosen], camera)
    distance = (faces.normals[chosen] * (faces.corners[chosen, 0] - eye)).sum(axis=1)
    origin = faces.origins[chosen] - eye
    across, down = faces.across[chosen], faces.down[chosen]
    shifts = np.stack([(origin * across).sum(axis=1), (origin * down).sum(axis=1)], axis=1)
    density = np.array(textures.density)[faces.textures[chosen]]
    foreshortening = (density / camera.focal) ** 2 / np.abs(distance)
    return (
        _per_pixel(normal / distance[:, None], camera),
        _per_pixel(_into_camera(across, camera), camera),
        _per_pixel(_into_camera(down, camera), camera),
        shifts,
        foreshortening,
    )


def _per_pixel(form: Doubles, camera: Camera) -> Doubles:
    """A linear form of the ray ((x - cx) / f, (y - cy) / f, 1) as one of (x, y, 1), at pixel centres."""
    a, b = form[:, 0] / camera.focal, form[:, 1] / camera.focal
    return np.stack([a, b, form[:, 2] - a * (camera.centre[0] - 0.5) - b * (camera.centre[1] - 0.5)], axis=1)


def _cut(points: Doubles, axis: int, end: float, *, above: bool) -> Doubles:
    """The part of a convex polygon on one side of a coordinate (Sutherland and Hodgman)."""
    if len(points) == 0:
        return points
    side = points[:, axis] - end if above else end - points[:, axis]
    out = []
    for k in range(len(points)):
        before, here = side[k - 1], side[k]
        if (before >= 0) != (here >= 0):
            part = before / (before - here)
            out.append(points[k - 1] + (points[k] - points[k - 1]) * part)
        if here >= 0:
            out.append(points[k])
    return np.array(out).reshape(-1, points.shape[1])
