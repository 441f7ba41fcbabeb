"""What happens to a photograph of a landmark: the variations of a heterogeneous collection.

Each takes a scene and returns the pixels of the final image; what depends on the point of view alone is in `VIEWS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hcbir.study.synthetic.materials import Colour, Pixels, as_pixels, noise
from hcbir.study.synthetic.occluders import boat, person, scaffold, tree
from hcbir.study.synthetic.scene import Scene, View

_LUMA = as_pixels((0.299, 0.587, 0.114))


def any_view(rng: np.random.Generator) -> View:
    """A point of view a few steps beside the reference."""
    return View(
        yaw=float(rng.uniform(-0.2, 0.2)),
        roll=float(rng.uniform(-0.025, 0.025)),
        fill=float(rng.uniform(0.78, 0.98)),
        eye=float(rng.uniform(0.1, 0.3)),
        aim=(float(rng.uniform(0.46, 0.54)), float(rng.uniform(0.42, 0.52))),
    )


def _reference_view(rng: np.random.Generator) -> View:
    return View(yaw=float(rng.uniform(-0.05, 0.05)))


def _oblique_view(rng: np.random.Generator) -> View:
    side = 1 if rng.random() < 0.5 else -1
    return View(
        yaw=side * float(rng.uniform(0.75, 1.0)),
        roll=float(rng.uniform(-0.1, 0.1)),
        fill=float(rng.uniform(0.95, 1.1)),
        eye=float(rng.uniform(0.05, 0.5)),
    )


def _near_or_far_view(rng: np.random.Generator) -> View:
    if rng.random() < 0.5:
        return View(yaw=float(rng.uniform(-0.1, 0.1)), fill=float(rng.uniform(0.4, 0.52)))
    aim = float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.4, 0.62))
    return View(yaw=float(rng.uniform(-0.1, 0.1)), fill=float(rng.uniform(1.6, 2.0)), aim=aim)


VIEWS: dict[str, Callable[[np.random.Generator], View]] = {
    "reference": _reference_view,
    "viewpoint": _oblique_view,
    "scale": _near_or_far_view,
}


def daylight(scene: Scene, rng: np.random.Generator) -> Pixels:
    """Some other weather: exposure, warmth, haze, sensor noise."""
    pixels = scene.pixels * as_pixels(rng.uniform(0.82, 1.03) * rng.uniform(0.96, 1.04, 3))
    pixels += (as_pixels((214, 218, 224)) - pixels) * np.float32(rng.uniform(0, 0.14))
    return pixels + np.float32(3) * rng.standard_normal(pixels.shape, np.float32)


def night(scene: Scene, rng: np.random.Generator) -> Pixels:
    """Dark blue, windows and clocks lit, a floodlight from below, stars."""
    luma = (scene.pixels @ _LUMA)[..., None]
    dark = (0.45 * scene.pixels + 0.55 * luma) * as_pixels((0.17, 0.2, 0.31))
    dark *= 1 - 0.55 * scene.sky[..., None]
    height, width = scene.sky.shape
    stars = (rng.random((height, width)) > 0.9985) & (scene.sky > 0.9)
    dark[stars] += 120
    up = np.clip(1 - np.abs(scene.base - np.arange(height, dtype=np.float32)) / (0.75 * height), 0, 1)[:, None, None]
    flood = scene.pixels * as_pixels((0.72, 0.56, 0.34)) * up * (1 - scene.sky[..., None])
    lamp = as_pixels((255, 206, 120))
    glow = as_pixels(cv2.GaussianBlur(scene.light, (0, 0), max(height, width) / 70))[..., None]
    pixels = dark + flood + lamp * (0.85 * scene.light[..., None] + 0.5 * glow)
    return as_pixels(pixels + np.float32(7) * rng.standard_normal(pixels.shape, np.float32))


def shadow(scene: Scene, rng: np.random.Generator) -> Pixels:
    """Low warm sun, and the hard shadow of what stands across the street."""
    (height, width), sky = scene.sky.shape, scene.sky[..., None]
    slant = float(rng.uniform(-0.35, 0.35))
    skyline, x = [(-width, height)], -width
    while x < 2 * width:  # the roofs of the opposite side, thrown onto this one
        step, top = round(width * float(rng.uniform(0.12, 0.3))), round(height * float(rng.uniform(0.3, 0.85)))
        skyline += [(x, top), (x + step, top)]
        x += step
    skyline.append((x, height))
    corners = np.array([(px + slant * (height - py), py) for px, py in skyline])
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255, cv2.LINE_AA)
    shaded = as_pixels(cv2.GaussianBlur(mask, (0, 0), 1.5))[..., None] / 255 * (1 - sky)
    sun = as_pixels((1.26, 1.1, 0.84)) + (as_pixels((0.95, 0.9, 0.85)) - as_pixels((1.26, 1.1, 0.84))) * sky
    return as_pixels(scene.pixels * (sun + (as_pixels((0.36, 0.4, 0.52)) - sun) * shaded))


def old_photograph(scene: Scene, rng: np.random.Generator) -> Pixels:
    """Grey or sepia, soft, grainy, darker towards the corners, with dust."""
    height, width = scene.sky.shape
    luma = as_pixels(cv2.GaussianBlur(scene.pixels @ as_pixels((0.1, 0.35, 0.55)), (0, 0), max(height, width) / 520))
    luma = 128 + (luma - 118) * np.float32(rng.uniform(0.75, 0.95))
    luma += 9 * rng.standard_normal((height, width), np.float32) + 10 * noise(height, width, width / 3, rng)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    luma *= 1 - 0.5 * np.clip((x**2 + y**2) - 0.7, 0, 1)
    for _ in range(40):
        spot = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(luma, spot, int(rng.integers(1, 3)), float(rng.choice([225, 40])), -1, cv2.LINE_AA)
    sepia = rng.random() < 0.65
    tone: Colour = (1.06, 0.92, 0.7) if sepia else (1.0, 0.99, 0.96)
    return np.clip(luma, 12, 244)[..., None] * as_pixels(tone) + as_pixels((14, 8, 0))


def postcard(scene: Scene, rng: np.random.Generator) -> Pixels:
    """A tinted, faded print inside a cream border with a caption and a postmark."""
    height, width = scene.sky.shape
    luma = (scene.pixels @ _LUMA)[..., None]
    faded = 0.4 * scene.pixels + 0.6 * luma * as_pixels((1.04, 0.98, 0.86))
    faded = 82 + faded * 0.66
    dots = np.indices((height, width)).sum(axis=0) % 3  # the screen of the print
    faded *= (0.97 + 0.03 * (dots > 0).astype(np.float32))[..., None]
    card = np.full((height, width, 3), (234, 224, 200), np.float32)
    card *= 1 + 0.03 * noise(height, width, width / 4, rng)[..., None]
    side, foot = round(0.045 * max(height, width)), round(0.085 * max(height, width))
    inner = cv2.resize(faded, (width - 2 * side, height - side - foot), interpolation=cv2.INTER_AREA)
    card[side : height - foot, side : width - side] = inner
    ink = 78, 60, 54
    words = ("Souvenir", "Gruss aus", "Greetings", "Vue du", "Saluti da")[int(rng.integers(5))]
    caption = Image.new("L", (width, height))
    font = ImageFont.load_default(0.5 * foot)
    text = f"{words} - No. {int(rng.integers(2, 900))}"
    ImageDraw.Draw(caption).text((side, height - 0.5 * foot), text, fill=255, font=font, anchor="lm")
    card += (as_pixels(ink) - card) * (as_pixels(np.asarray(caption)) / 255)[..., None]
    radius = round(0.085 * max(height, width))
    centre = (
        round(width - side - radius * float(rng.uniform(0.9, 1.3))),
        round(side + radius * float(rng.uniform(0.9, 1.3))),
    )
    for reach in (1.0, 0.66):
        cv2.circle(card, centre, round(radius * reach), (66, 58, 62), 2, cv2.LINE_AA)
    for k in range(4):
        at = round(centre[1] + radius * (k - 1.5) * 0.28)
        wave = [
            (round(centre[0] - radius * 2.6 + t), at + round(3 * math.sin(t / 5)))
            for t in range(0, round(radius * 1.5), 2)
        ]
        cv2.polylines(card, [np.array(wave)], False, (66, 58, 62), 1, cv2.LINE_AA)
    return card + np.float32(3) * rng.standard_normal(card.shape, np.float32)


def engraving(scene: Scene, rng: np.random.Generator) -> Pixels:
    """Ink on paper: contours, and hatching that grows denser where it is dark."""
    height, width = scene.sky.shape
    luma = as_pixels(scene.pixels @ _LUMA)
    luma = np.clip(luma + 70 * scene.sky, 0, 255)
    unit = max(height, width) / 480
    contours = cv2.GaussianBlur(luma, (0, 0), 0.7 * unit) - 0.97 * cv2.GaussianBlur(luma, (0, 0), 1.6 * unit)
    ink = np.clip((0.8 - contours) / 5, 0, 1) * (1 - 0.8 * scene.sky)
    smooth = cv2.GaussianBlur(luma, (0, 0), 1.2 * unit)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wobble = 1.5 * noise(height, width, 40 * unit, rng)
    for turn, threshold in ((0.6, 150.0), (-0.7, 95.0), (1.5, 60.0)):
        wave = np.cos((x * math.cos(turn) + y * math.sin(turn) + wobble) * (2 * math.pi / (3.4 * unit)))
        ink = np.maximum(ink, 0.75 * np.clip((threshold - smooth) / 60, 0, 1) * np.clip(wave + 0.35, 0, 1))
    paper = 1 + 0.04 * noise(height, width, width / 5, rng) + 0.015 * rng.standard_normal((height, width), np.float32)
    sheet = as_pixels((238, 230, 208)) * as_pixels(paper)[..., None]
    return as_pixels(sheet + (as_pixels((44, 38, 36)) - sheet) * as_pixels(ink)[..., None])


def occlusion(scene: Scene, rng: np.random.Generator) -> Pixels:
    """Trees, passers-by and a scaffolding before the building; on water, boats."""
    height, width = scene.sky.shape
    if rng.random() < 0.6:
        scaffold(scene, rng)
    if scene.ground == "water":
        for x in rng.uniform(0.1, 0.9, int(rng.integers(3, 6))):
            foot = scene.base + (height - scene.base) * float(rng.uniform(0.2, 0.8))
            boat(scene.pixels, width * float(x), foot, height * float(rng.uniform(0.4, 0.7)), rng)
        return daylight(scene, rng)
    for x in rng.uniform(0.08, 0.92, int(rng.integers(2, 4))):
        size = height * float(rng.uniform(0.4, 0.62))
        tree(scene, width * float(x), min(height * 1.02, scene.base + height * 0.05), size, rng)
    for _ in range(int(rng.integers(5, 10))):
        person(scene.pixels, width * float(rng.uniform(0, 1)), height * float(rng.uniform(0.2, 0.3)), rng)
    return daylight(scene, rng)


def alteration(scene: Scene, rng: np.random.Generator) -> Pixels:
    """A damaged print: folds, scratches, stains, a torn corner."""
    height, width = scene.sky.shape
    pixels = daylight(scene, rng)
    side = max(height, width)
    for _ in range(4):  # stains
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), side * rng.uniform(0.05, 0.17)
        row, col = np.mgrid[0:height, 0:width].astype(np.float32)
        reach = np.hypot(row - y, col - x) / radius + 0.3 * noise(height, width, side / 8, rng)
        stain = 0.5 * np.clip((1 - reach) * 6, 0, 1) + 0.4 * np.exp(-(((reach - 1) / 0.06) ** 2))
        pixels *= 1 - as_pixels(np.clip(stain, 0, 0.8))[..., None] * as_pixels((0.35, 0.5, 0.8))
    for _ in range(35):  # scratches
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        turn, length = rng.normal(1.4, 0.4), side * rng.uniform(0.03, 0.4)
        end = round(x + length * math.cos(turn)), round(y + length * math.sin(turn))
        cv2.line(pixels, (round(x), round(y)), end, (238, 234, 224), int(rng.integers(1, 3)), cv2.LINE_AA)
    fold = round(width * float(rng.uniform(0.3, 0.7)))
    for k, tone in enumerate((0.6, 1.6, 1.25, 0.8)):
        pixels[:, fold + k] *= tone
    across = round(height * float(rng.uniform(0.35, 0.65)))
    pixels[across : across + 2] *= 1.4
    return _tear(pixels, rng)


def _tear(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Takes one corner off, along a ragged edge that shows the paper's white core."""
    height, width = pixels.shape[:2]
    row, col = np.mgrid[0:height, 0:width].astype(np.float32)
    if rng.random() < 0.5:
        col = width - 1 - col
    if rng.random() < 0.5:
        row = height - 1 - row
    reach = (row / height + col / width) / np.float32(rng.uniform(0.38, 0.55))
    edge = reach + 0.1 * noise(height, width, max(height, width) / 12, rng, octaves=5)
    pixels[edge < 1.06] = (240, 236, 226)
    pixels[edge < 1] = (62, 56, 52)
    return pixels


VARIATIONS: dict[str, Callable[[Scene, np.random.Generator], Pixels]] = {
    "viewpoint": daylight,
    "night": night,
    "postcard": postcard,
    "scale": daylight,
    "engraving": engraving,
    "occlusion": occlusion,
    "old_photograph": old_photograph,
    "shadow": shadow,
    "alteration": alteration,
}
"""In the order in which they are dealt out: neighbours differ in kind."""
