"""Textures of a place, each with its smaller versions, in one array."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hcbir.study.synthetic.rendering.numbers import Bytes, Integers

NUM_LEVELS = 7
OPAQUE, LIT = 255, 192
"""Alpha of a texture: below 128 one sees through; a lit window is `LIT`, if the texture glows."""


@dataclass(frozen=True, eq=False)
class Textures:
    """What the rasteriser reads; row t belongs to texture t.

    texels (n,) uint32, RGBA; offsets, widths (t, levels); sizes (t, 2) width and height; density texels a metre.
    """

    texels: np.ndarray[tuple[int], np.dtype[np.uint32]]
    offsets: Integers
    widths: Integers
    sizes: Integers
    density: tuple[float, ...]
    tiled: tuple[bool, ...]
    glows: tuple[bool, ...]
    seen_through: tuple[bool, ...]


def join_textures(first: Textures, second: Textures) -> Textures:
    """Those of `second` come after."""
    return Textures(
        np.concatenate([first.texels, second.texels]),
        np.concatenate([first.offsets, second.offsets + len(first.texels)]),
        np.concatenate([first.widths, second.widths]),
        np.concatenate([first.sizes, second.sizes]),
        first.density + second.density,
        first.tiled + second.tiled,
        first.glows + second.glows,
        first.seen_through + second.seen_through,
    )


@dataclass(eq=False)
class Atlas:
    """Collects textures."""

    _pieces: list[Bytes] = field(default_factory=list)
    _offsets: list[list[int]] = field(default_factory=list)
    _widths: list[list[int]] = field(default_factory=list)
    _sizes: list[tuple[int, int]] = field(default_factory=list)
    _density: list[float] = field(default_factory=list)
    _tiled: list[bool] = field(default_factory=list)
    _glows: list[bool] = field(default_factory=list)
    _seen_through: list[bool] = field(default_factory=list)
    _used: int = 0

    def add(self, pixels: Bytes, density: float, *, tiled: bool = False, glows: bool = False) -> int:
        """`pixels` (h, w, 3 or 4), `density` in texels a metre; a tiled one's sides are powers of two."""
        height, width = pixels.shape[:2]
        if tiled and (height & (height - 1) or width & (width - 1)):
            raise ValueError(f"pixels of a tiled texture must have powers of two as sides, got {height} x {width}")
        if pixels.shape[2] == 3:
            pixels = np.dstack([pixels, np.full((height, width), OPAQUE, np.uint8)])
        offsets, widths = [], []
        level = pixels
        for _ in range(NUM_LEVELS):
            offsets.append(self._used)
            widths.append(level.shape[1])
            self._pieces.append(np.ascontiguousarray(level).reshape(-1, 4))
            self._used += level.shape[0] * level.shape[1]
            level = _half(level)
        self._offsets.append(offsets)
        self._widths.append(widths)
        self._sizes.append((width, height))
        self._density.append(density)
        self._tiled.append(tiled)
        self._glows.append(glows)
        self._seen_through.append(bool((pixels[..., 3] < 128).any()))
        return len(self._sizes) - 1

    def density(self, texture: int) -> float:
        return self._density[texture]

    def close(self) -> Textures:
        texels = np.ascontiguousarray(np.concatenate(self._pieces)).view(np.uint32)[:, 0]
        return Textures(
            texels,
            np.array(self._offsets),
            np.array(self._widths),
            np.array(self._sizes),
            tuple(self._density),
            tuple(self._tiled),
            tuple(self._glows),
            tuple(self._seen_through),
        )


def _half(pixels: Bytes) -> Bytes:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    wide = pixels.astype(np.uint16)
    total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2] + 2
    return (total >> 2).astype(np.uint8)
