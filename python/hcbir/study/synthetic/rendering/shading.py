"""Light on what the rasteriser found, and haze."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hcbir.study.synthetic.rendering.atlas import Textures
from hcbir.study.synthetic.rendering.light import Light
from hcbir.study.synthetic.rendering.mesh import Faces, Part
from hcbir.study.synthetic.rendering.numbers import Bytes, Floats, halve
from hcbir.study.synthetic.rendering.raster import Buffers

T = TypeVar("T", bound=np.generic)

_LIT_STEPS = 4
_BAND = 16  # rows of the picture at a time: what they need stays in the cache
_LAMP = np.array((255, 205, 120), np.float32)
_FLOODLIGHT = np.array((0.95, 0.78, 0.5), np.float32)


class Shader:
    """Tables with a row a polygon; index -1, the sky, is their last row."""

    def __init__(self, faces: Faces, textures: Textures, light: Light, plain: float) -> None:
        """`plain` 0..1 is how much of its details the landmark lacks."""
        self._light, self._plain, self._texels = light, np.float32(plain), textures.texels
        self._table = _light_table(faces, light)
        self._landmark = np.append(faces.parts == Part.LANDMARK, False)
        self._leaves = np.append(faces.turning, False)
        self._glows = np.append(np.array(textures.glows)[faces.textures], False)
        coarsest = textures.texels[textures.offsets[:, -1]].view(np.uint8).reshape(-1, 4)[:, :3]
        self._means = coarsest[np.append(faces.textures, 0)].astype(np.float32)
        tops = faces.corners[faces.parts == Part.LANDMARK][..., 2]
        self._top = max(float(tops.max()), 1.0) if tops.size else 1.0

    def shade(self, buffers: Buffers, lit: Floats, height: Floats, background: Floats) -> Floats:
        """(h, w, 3) from buffers of twice that size; `lit` (h, w) is the sun's share, `height` metres above 0."""
        pixels = background.copy()
        for top in range(0, lit.shape[0], _BAND):
            rows, fine = slice(top, top + _BAND), slice(2 * top, 2 * (top + _BAND))
            face = buffers.face[fine]
            if face.max() < 0:
                continue
            colours = self._colours(face, buffers.texel[fine], lit[rows], height[rows])
            found = face >= 0
            cover = halve(found.astype(np.float32))[..., None]
            haze = np.float32(1) / (np.float32(1) + np.float32(self._light.haze_distance) * buffers.depth[fine])
            haze = halve(haze * found)[..., None]
            shown = halve(colours)
            shown += (np.array(self._light.haze, np.float32) * cover - shown) * haze
            pixels[rows] = shown + background[rows] * (np.float32(1) - cover)
        return pixels

    def _colours(
        self, face: npt.NDArray[np.int32], texel: npt.NDArray[np.int32], lit: Floats, height: Floats
    ) -> Floats:
        steps = _twice((lit * np.float32(_LIT_STEPS) + np.float32(0.5)).astype(np.int32))
        steps = np.where(self._leaves[face], _LIT_STEPS, steps)  # a crown is not flat: its picture has its own shades
        row = np.where(face >= 0, face * np.int32(_LIT_STEPS + 1) + steps, np.int32(len(self._table) - 1))
        lighting = self._table.take(row, axis=0)
        texels = self._texels.take(texel).view(np.uint8).reshape(*face.shape, 4)
        if self._plain:
            self._make_plain(texels, face)
        if self._light.flood:
            up = _twice(np.abs(height) * np.float32(1.6 / self._top))
            flood = self._landmark[face] * (np.float32(self._light.flood) / (np.float32(1) + up * up))
            lighting += flood[..., None] * _FLOODLIGHT
        colours: Floats = texels[..., :3] * lighting
        if self._light.lamps:
            lamp = np.clip(255 - texels[..., 3].astype(np.int32), 0, 63) * self._glows[face]
            colours += lamp[..., None] * (_LAMP * np.float32(self._light.lamps / 63))
        return np.minimum(colours, np.float32(255))

    def _make_plain(self, texels: Bytes, face: npt.NDArray[np.int32]) -> None:
        """The landmark's texels nearer to the mean of their texture."""
        where = np.nonzero(self._landmark[face])
        own, mean = texels[where][:, :3], self._means[face[where]]
        texels[where[0], where[1], :3] = (own + (mean - own) * self._plain).astype(np.uint8)


def _twice(values: npt.NDArray[T]) -> npt.NDArray[T]:
    return np.repeat(np.repeat(values, 2, axis=0), 2, axis=1)


def _light_table(faces: Faces, light: Light) -> Floats:
    """(f * 5 + 1, 3): the light on each polygon in full shadow ... in full sun, times its tint; the last row is 0."""
    normal = faces.lit_by
    toward = normal[:, 0] * light.sun[0] + normal[:, 1] * light.sun[1] + normal[:, 2] * light.sun[2]
    toward = np.where(faces.two_sided, np.abs(toward), np.maximum(toward, 0))
    open_sky = 0.8 + 0.2 * normal[:, 2] + 0.06 * normal[:, 0]
    ambient = open_sky[:, None] * np.array(light.ambient) / 255
    sun = toward[:, None] * np.array(light.sun_colour) / 255
    share = np.arange(_LIT_STEPS + 1) / _LIT_STEPS
    table = (ambient[:, None] + sun[:, None] * share[None, :, None]) * faces.tints[:, None]
    return np.concatenate([table.reshape(-1, 3), np.zeros((1, 3))]).astype(np.float32)
