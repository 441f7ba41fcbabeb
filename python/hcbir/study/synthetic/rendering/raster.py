"""What each pixel shows: polygon, texel, depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hcbir.study.synthetic.rendering.atlas import NUM_LEVELS, Textures
from hcbir.study.synthetic.rendering.mesh import Faces
from hcbir.study.synthetic.rendering.numbers import Bytes, Floats
from hcbir.study.synthetic.rendering.projection import Projected

_SHIFT = 4  # fractional bits of OpenCV's polygon corners
_PIXELS = 16384  # at a time: what they need stays in the cache
_SEEN = np.uint32(128 << 24)
_FAR = np.float32(1e9)
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
    jitter = _JITTER[np.arange(max(height, width)) & 1]
    depth, across, down = (a.astype(np.float32) for a in (projected.depth, projected.across, projected.down))
    shifts = projected.shifts.astype(np.float32)
    stretch = projected.foreshortening.astype(np.float32)
    for k, face in enumerate(projected.faces):
        x0, y0, x1, y1 = projected.boxes[k]
        mask = outline_mask(projected.outlines[k], projected.boxes[k]).view(np.bool_)
        step = max(1, _PIXELS // int(x1 - x0))
        for top in range(y0, y1, step):
            low, x = slice(top, min(top + step, y1)), slice(x0, x1)
            region, y = buffers.depth[low, x], rows[low]
            near = (depth[k, 0] * cols[x])[None] + (depth[k, 1] * y + depth[k, 2])[:, None]
            visible = near > region
            visible &= mask[top - y0 : low.stop - y0]
            if not visible.any():
                continue
            z = np.float32(1) / np.maximum(near, np.float32(1e-6))
            u = (across[k, 0] * cols[x])[None] + (across[k, 1] * y + across[k, 2])[:, None]
            v = (down[k, 0] * cols[x])[None] + (down[k, 1] * y + down[k, 2])[:, None]
            u *= z
            u += (jitter[low] - shifts[k, 0])[:, None]
            v *= z
            v += (jitter[x] - shifts[k, 1])[None]
            texture = int(faces.textures[face])
            texel = _texels(textures, texture, u, v, z * z * z * stretch[k])
            if textures.seen_through[texture]:
                visible &= textures.texels[texel] >= _SEEN
            np.copyto(region, near, where=visible)
            np.copyto(buffers.face[low, x], np.int32(face), where=visible)
            np.copyto(buffers.texel[low, x], texel, where=visible)


def _texels(textures: Textures, texture: int, u: Floats, v: Floats, texels_squared: Floats) -> npt.NDArray[np.int32]:
    """Into the atlas; somewhere in it for points that are not on the polygon, wherever they are."""
    width, height = (int(s) for s in textures.sizes[texture])
    if textures.tiled[texture]:
        across, down = (np.floor(np.clip(t, -_FAR, _FAR)).astype(np.int32) for t in (u, v))
        across &= width - 1
        down &= height - 1
    else:
        across = np.clip(u, 0, width - 1).astype(np.int32)
        down = np.clip(v, 0, height - 1).astype(np.int32)
    # half of the binary exponent, which is the logarithm of a texel's size
    level = np.clip(((texels_squared.view(np.int32) >> 23) - 126) >> 1, 0, NUM_LEVELS - 1)
    down >>= level
    down *= textures.widths[texture].astype(np.int32).take(level)
    down += across >> level
    down += textures.offsets[texture].astype(np.int32).take(level)
    return down
