"""What each pixel shows: polygon, texel, depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hcbir.study.synthetic.rendering.atlas import NUM_LEVELS, Textures
from hcbir.study.synthetic.rendering.mesh import Faces
from hcbir.study.synthetic.rendering.numbers import Bytes, Floats, Integers
from hcbir.study.synthetic.rendering.projection import Projected

_SHIFT = 4  # fractional bits of OpenCV's polygon corners
_JITTER = np.array([-0.25, 0.25], np.float32)  # of a texel, between neighbours: what a large texel shows is smoothed


@dataclass(eq=False)
class Buffers:
    """(h, w) each: `depth` is 1/depth, 0 at the sky; `face` -1 there; `texel` an index into the atlas."""

    depth: Floats
    face: npt.NDArray[np.int32]
    texel: npt.NDArray[np.int32]

    @staticmethod
    def empty(height: int, width: int) -> Buffers:
        shape = height, width
        return Buffers(np.zeros(shape, np.float32), np.full(shape, -1, np.int32), np.zeros(shape, np.int32))


def outline_mask(outline: npt.NDArray[np.float64], box: npt.NDArray[np.int64]) -> Bytes:
    """(y1 - y0, x1 - x0): 1 inside; pixel centres stand at halves."""
    mask = np.zeros((int(box[3] - box[1]), int(box[2] - box[0])), np.uint8)
    fixed = np.floor((outline - (box[:2] + 0.5)) * (1 << _SHIFT) + 0.5).astype(np.int32)
    cv2.fillConvexPoly(mask, fixed, 1, lineType=8, shift=_SHIFT)
    return mask


def rasterise(buffers: Buffers, projected: Projected, faces: Faces, textures: Textures) -> None:
    """Writes what is nearer than what the buffers hold."""
    height, width = buffers.depth.shape
    cols, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    flat_depth, flat_face, flat_texel = (b.reshape(-1) for b in (buffers.depth, buffers.face, buffers.texel))
    depth, across, down = (a.astype(np.float32) for a in (projected.depth, projected.across, projected.down))
    shifts = projected.shifts.astype(np.float32)
    stretch = projected.foreshortening.astype(np.float32)
    for k, face in enumerate(projected.faces):
        box = projected.boxes[k]
        x0, y0, x1, y1 = box
        x, y = cols[x0:x1], rows[y0:y1]
        near = (depth[k, 0] * x)[None] + (depth[k, 1] * y + depth[k, 2])[:, None]
        visible = near > buffers.depth[y0:y1, x0:x1]
        visible &= outline_mask(projected.outlines[k], box).view(np.bool_)
        found = np.flatnonzero(visible)
        if not len(found):
            continue
        at_row, at_col = np.divmod(found, x1 - x0)
        w = near.reshape(-1)[found]
        z = np.float32(1) / w
        px, py = x[at_col], y[at_row]
        u = z * (across[k, 0] * px + across[k, 1] * py + across[k, 2]) - shifts[k, 0]
        v = z * (down[k, 0] * px + down[k, 1] * py + down[k, 2]) - shifts[k, 1]
        texture = int(faces.textures[face])
        u += _JITTER[(at_row + y0) & 1]
        v += _JITTER[(at_col + x0) & 1]
        texel = _texels(textures, texture, u, v, z * z * z * stretch[k])
        where = (at_row + y0) * width + (at_col + x0)
        if textures.seen_through[texture]:
            opaque = (textures.texels[texel] >> 24) >= 128
            where, texel, w = where[opaque], texel[opaque], w[opaque]
        flat_depth[where] = w
        flat_face[where] = face
        flat_texel[where] = texel


def _texels(textures: Textures, texture: int, u: Floats, v: Floats, texels_squared: Floats) -> Integers:
    width, height = (int(s) for s in textures.sizes[texture])
    across, down = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    if textures.tiled[texture]:
        across &= width - 1
        down &= height - 1
    else:
        np.clip(across, 0, width - 1, out=across)
        np.clip(down, 0, height - 1, out=down)
    offsets, widths = textures.offsets[texture], textures.widths[texture]
    low, high = (_level(np.asarray(value)) for value in (texels_squared.min(), texels_squared.max()))
    level = low if low == high else _level(texels_squared)
    texel: Integers = offsets[level] + (down >> level) * widths[level] + (across >> level)
    return texel


def _level(texels_squared: npt.NDArray[np.float32]) -> Integers:
    level: Integers = np.clip(np.frexp(texels_squared)[1] >> 1, 0, NUM_LEVELS - 1).astype(np.int64)
    return level
