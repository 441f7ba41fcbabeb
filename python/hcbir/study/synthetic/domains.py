"""Photograph, postcard, engraving, painting, map-like drawing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hcbir.study.synthetic.lettering import write
from hcbir.study.synthetic.rendering.mesh import Part
from hcbir.study.synthetic.rendering.numbers import (
    Bytes,
    Doubles,
    Floats,
    Mask,
    Rng,
    blur,
    grain,
    luma,
    noise,
    pick,
    sines,
    soften,
)
from hcbir.study.synthetic.rendering.picture import SKY, WATER, Picture

Rendering = tuple[Floats, Doubles]
"""Pixels and the (3, 3) map from the picture's pixels to the image's: a print has a border."""

_CAPTIONS = ("SOUVENIR", "VUE GENERALE", "GRUSS AUS", "GREETINGS FROM", "SALUTI DA", "LE MONUMENT", "PANORAMA")


def photograph(picture: Picture, rng: Rng) -> Rendering:
    """A lens that darkens its corners a little, a sensor's noise."""
    height, width = picture.pixels.shape[:2]
    pixels = picture.pixels * (np.float32(1) - np.float32(0.1) * _from_centre(height, width))[..., None]
    amount = np.float32(rng.uniform(1.5, 3.5))
    pixels = (
        pixels
        + amount * grain(height, width, rng)[..., None]
        + np.float32(0.6) * amount * np.stack([grain(height, width, rng) for _ in range(3)], axis=2)
    )
    return np.clip(pixels, 0, 255), np.eye(3)


def postcard(picture: Picture, rng: Rng) -> Rendering:
    """Printed by a screen of dots in soft tinted colours, on card with a border and a caption."""
    height, width = picture.pixels.shape[:2]
    tone = luma(picture.pixels)[..., None]
    soft = soften(picture.pixels, 1)
    faded = np.float32(58) + (np.float32(0.66) * soft + np.float32(0.34) * tone) * np.float32(0.72)
    rows, cols = np.arange(height)[:, None], np.arange(width)[None]
    screen = np.where((rows + cols) % 4 == 0, 1, 0) + np.where((rows - cols) % 4 == 0, 1, 0)
    faded *= (np.float32(1.035) - np.float32(0.05) * screen.astype(np.float32))[..., None]
    card = (
        np.array((236, 226, 204), np.float32) * (1 + np.float32(0.02) * noise(height, width, width / 5, rng))[..., None]
    )
    side, foot = round(0.04 * max(height, width)), round(0.085 * max(height, width))
    inner = height - side - foot, width - 2 * side
    shrunk = _shrink(faded, *inner)
    card[side : side + inner[0], side : side + inner[1]] = shrunk
    ink = np.zeros((height, width), np.uint8)
    words = f"{pick(rng, _CAPTIONS)}  - {int(rng.integers(2, 900))}."
    write(ink, words, (side, height - foot * 0.72), foot * 0.34, max(1, width // 420))
    if rng.random() < 0.4:
        _postmark(ink, width - side * 2.2 - foot, side * 1.6 + foot * 0.5, foot * 0.9, max(1, width // 420))
    covered = (ink.astype(np.float32) * np.float32(0.8 / 255))[..., None]
    card += (np.array((72, 60, 56), np.float32) - card) * covered
    onto = np.array([[inner[1] / width, 0, side], [0, inner[0] / height, side], [0, 0, 1]], dtype=np.float64)
    return np.clip(card + np.float32(1.5) * grain(height, width, rng)[..., None], 0, 255), onto


def _postmark(ink: Bytes, x: float, y: float, radius: float, thickness: int) -> None:
    import cv2

    for r in (radius, radius * 0.66):
        cv2.circle(ink, (round(x), round(y)), round(r), 200, thickness, cv2.LINE_AA)
    for k in range(5):
        at = y + (k - 2) * radius * 0.3
        points = [(x - radius * 2.6 + t * radius * 0.15, at + (radius * 0.06 if t % 2 else 0)) for t in range(11)]
        cv2.polylines(
            ink, [np.floor(np.array(points) * 16 + 0.5).astype(np.int32)], False, 180, thickness, cv2.LINE_AA, 4
        )


def engraving(picture: Picture, rng: Rng) -> Rendering:
    """Lines that thicken where it is dark, contours, bare paper for the sky; the colours a thin wash."""
    height, width = picture.pixels.shape[:2]
    unit = np.float32(max(height, width) / 640)
    sky = picture.parts == SKY
    tone = luma(soften(picture.pixels, 1))
    tone = _stretched(tone, ~sky)
    tone = np.where(sky, np.float32(255) - (np.float32(255) - tone) * np.float32(0.35), tone)
    rows = np.arange(height, dtype=np.float32)[:, None] / unit
    cols = np.arange(width, dtype=np.float32)[None] / unit
    bend = noise(height, width, 90 * float(unit), rng, octaves=2) * np.float32(0.5)
    ink = np.zeros((height, width), np.float32)
    flat = np.isin(picture.parts, (SKY, WATER, int(Part.GROUND)))
    for (down, across), limit, where in (
        ((1 / 3.2, 0.0), 228.0, flat),
        ((0.2, 0.24), 200.0, ~flat),
        ((0.22, -0.2), 128.0, ~flat),
        ((0.06, 0.3), 78.0, ~flat),
        ((0.16, 0.22), 110.0, flat),
    ):
        wave = sines(rows * np.float32(down) + cols * np.float32(across) + bend) * np.float32(0.5) + np.float32(0.5)
        dark = np.clip((np.float32(limit) - tone) / np.float32(limit), 0, 1)
        line = np.clip((np.float32(1.5) * dark - wave) * np.float32(3) + np.float32(0.4), 0, 1)
        ink = np.maximum(ink, np.where(where & (dark > 0.03), line, 0))
    ink = np.maximum(ink, _contours(picture) * np.float32(0.85))
    ink *= np.float32(0.9) + np.float32(0.1) * noise(height, width, 3, rng, octaves=1)
    paper = (
        np.array((240, 232, 212), np.float32)
        * (1 + np.float32(0.025) * noise(height, width, width / 6, rng, octaves=5))[..., None]
    )
    chroma = picture.pixels - luma(picture.pixels)[..., None]
    wash = blur(chroma, 2.0 * float(unit)) * np.float32(0.75)
    pixels = paper + wash
    pixels += (np.array((40, 36, 36), np.float32) - pixels) * np.clip(ink, 0, 1)[..., None]
    return _in_margin(np.clip(pixels, 0, 255), rng, (240, 232, 212), line=True)


def painting(picture: Picture, rng: Rng) -> Rendering:
    """Strokes of one colour each, richer colours, an edge that is not quite filled."""
    height, width = picture.pixels.shape[:2]
    size = max(height, width) / 640
    source = soften(picture.pixels, 2)
    canvas = blur(picture.pixels, 6 * size)
    for cell, keep in ((11 * size, 0.95), (7 * size, 0.8), (4 * size, 0.55)):
        canvas = _strokes(canvas, source, max(2, round(cell)), keep, rng)
    grey = luma(canvas)[..., None]
    canvas = grey + (canvas - grey) * np.float32(1.35)
    weave = np.float32(1) + np.float32(0.025) * noise(height, width, 4, rng, octaves=2)
    canvas = (canvas * np.float32(0.92) + np.float32(14)) * weave[..., None]
    return np.clip(canvas, 0, 255), np.eye(3)


def _strokes(canvas: Floats, source: Floats, cell: int, keep: float, rng: Rng) -> Floats:
    """Each pixel takes the colour at the middle of the nearest of scattered cells, slanted like a brush."""
    height, width = canvas.shape[:2]
    rows, cols = np.arange(height)[:, None], np.arange(width)[None]
    bend = (noise(height, width, 60, rng, octaves=2) * np.float32(1.5 * cell)).astype(np.int64)
    lying, standing = (cols + bend) // (3 * cell), (rows + bend + cols // 4) // cell
    shift = rng.integers(0, cell, 257)
    row = np.clip(standing * cell - bend - cols // 4 + shift[(lying * 7 + standing) % 257], 0, height - 1)
    col = np.clip(lying * 3 * cell - bend + cell + shift[(standing * 5 + lying) % 257], 0, width - 1)
    drawn = (rng.random(1031)[(lying * 31 + standing * 17) % 1031] < keep)[..., None]
    colours = source[row, col]
    close = np.abs(colours - source).max(axis=2, keepdims=True) < (70 if cell > 4 else 55)
    return np.where(drawn & close, colours, canvas if cell > 4 else canvas * np.float32(0.7) + source * np.float32(0.3))


def drawn_map(picture: Picture, rng: Rng) -> Rendering:
    """Flat tints and ink outlines, as surveyors' views: grey roofs, green land, blue water, a frame and a title."""
    height, width = picture.pixels.shape[:2]
    tints = np.array(
        [
            (232, 222, 192),
            (222, 186, 160),
            (178, 198, 146),
            (214, 130, 104),
            (150, 120, 110),
            (120, 110, 100),
            (186, 212, 220),
            (242, 236, 220),
        ],
        np.float32,
    )
    index = picture.parts.copy()
    index[picture.parts == WATER], index[picture.parts == SKY] = 6, 7
    tone = luma(soften(picture.pixels, 2))
    steps = np.float32(0.8) + np.float32(0.07) * np.floor(np.clip(tone, 0, 255) * np.float32(1 / 64))
    pixels = tints[index] * steps[..., None]
    own = picture.pixels - luma(picture.pixels)[..., None]
    pixels += blur(own, 4.0) * np.float32(0.35)
    ink = np.maximum(_contours(picture), _inner_lines(picture.pixels) * (picture.parts >= 0))
    pixels += (np.array((58, 48, 44), np.float32) - pixels) * (np.clip(ink, 0, 1) * np.float32(0.9))[..., None]
    pixels *= (1 + np.float32(0.02) * noise(height, width, width / 6, rng, octaves=5))[..., None]
    return _in_margin(np.clip(pixels, 0, 255), rng, (238, 230, 208), line=True)


def _contours(picture: Picture) -> Floats:
    """Where one polygon meets another."""
    faces = picture.faces
    edge = np.zeros(faces.shape, np.float32)
    edge[:, 1:] = faces[:, 1:] != faces[:, :-1]
    edge[1:] = np.maximum(edge[1:], faces[1:] != faces[:-1])
    leaves = (picture.parts == Part.VEGETATION) | (picture.parts == WATER)
    return np.where(leaves, edge * np.float32(0.35), edge)


def _inner_lines(pixels: Floats) -> Floats:
    """Windows and mouldings: what is darker than its surroundings."""
    tone = luma(pixels)
    fine = soften(tone, 1) - soften(tone, 5)
    out: Floats = np.clip(-fine * np.float32(1 / 9) - np.float32(0.35), 0, 1)
    return out


def _stretched(tone: Floats, where: Mask) -> Floats:
    """To most of the range 0..255, by what stands in the picture."""
    values = np.sort(tone[where][::17]) if where.any() else np.sort(tone.reshape(-1)[::17])
    low, high = float(values[len(values) // 25]), float(values[-1 - len(values) // 25])
    out: Floats = np.clip((tone - np.float32(low)) * np.float32(235 / max(high - low, 20)) + np.float32(10), 0, 255)
    return out


def _in_margin(pixels: Floats, rng: Rng, paper: tuple[int, int, int], *, line: bool) -> Rendering:
    """The print on a sheet with a margin, a ruled frame and a title below."""
    height, width = pixels.shape[:2]
    side, foot = round(0.03 * max(height, width)), round(0.06 * max(height, width))
    inner = height - side - foot, width - 2 * side
    sheet = (
        np.array(paper, np.float32)
        * (1 + np.float32(0.02) * noise(height, width, width / 6, rng, octaves=5))[..., None]
    )
    sheet[side : side + inner[0], side : side + inner[1]] = _shrink(pixels, *inner)
    ink = np.zeros((height, width), np.uint8)
    if line:
        for grow in (1, min(4, side)):
            top, left, bottom, right = side - grow, side - grow, side + inner[0] + grow, side + inner[1] + grow
            ink[[top, bottom - 1], left:right] = 220
            ink[top:bottom, [left, right - 1]] = 220
    write(ink, pick(rng, _CAPTIONS), (width * 0.36, height - foot * 0.68), foot * 0.36, max(1, width // 480))
    sheet += (np.array((60, 52, 50), np.float32) - sheet) * (ink.astype(np.float32) * np.float32(0.8 / 255))[..., None]
    onto = np.array([[inner[1] / width, 0, side], [0, inner[0] / height, side], [0, 0, 1]], dtype=np.float64)
    return np.clip(sheet, 0, 255), onto


def _shrink(pixels: Floats, height: int, width: int) -> Floats:
    """A little smaller, by linear interpolation."""
    for axis, size in ((0, height), (1, width)):
        count = pixels.shape[axis]
        at = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(count / size) - np.float32(0.5)
        low = np.clip(at.astype(np.intp), 0, count - 2)
        part = np.clip(at - low.astype(np.float32), 0, 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        first = pixels.take(low, axis=axis)
        pixels = first + (pixels.take(low + 1, axis=axis) - first) * part
    return pixels


def _from_centre(height: int, width: int) -> Floats:
    """0 in the middle to 1 in the corners, squared distance."""
    y = (np.arange(height, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / height) - 1
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / width) - 1
    return ((y * y)[:, None] + (x * x)[None]) * np.float32(0.5)


DOMAINS: dict[str, Callable[[Picture, Rng], Rendering]] = {
    "photograph": photograph,
    "postcard": postcard,
    "engraving": engraving,
    "painting": painting,
    "map": drawn_map,
}
