"""Makes a small heterogeneous collection of procedural landmarks: labelled, seeded, with nothing to download."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hcbir.study.synthetic.canvas import Elevation
from hcbir.study.synthetic.landmarks import LANDMARKS
from hcbir.study.synthetic.materials import Pixels
from hcbir.study.synthetic.occluders import surround
from hcbir.study.synthetic.ordinary import ORDINARY
from hcbir.study.synthetic.plan import Ground, Plan
from hcbir.study.synthetic.scene import photograph
from hcbir.study.synthetic.variations import VARIATIONS, VIEWS, any_view, daylight

DISTRACTORS = "_distractors"
REFERENCE = "reference"

_BUILDING_SIDE = 1.5  # pixels of a drawn building's longest side, per pixel of the image's
_JPEG_QUALITY = 88
_TINTS = [(1.1, 0.96, 0.76), (0.84, 0.95, 1.08), (1.1, 0.9, 0.86), (0.68, 0.68, 0.7)]  # ochre, bluish, rose, sooty


@dataclass(frozen=True)
class SyntheticImage:
    """One image of the collection; `class_name` is None for a distractor."""

    path: Path
    class_name: str | None
    variation: str


def make_collection(
    folder: Path,
    *,
    num_classes: int = 8,
    images_per_class: int = 7,
    num_distractors: int = 40,
    longest_side: int = 480,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[SyntheticImage]:
    """Writes `folder/<class>/<nn>_<variation>.jpg` and `folder/_distractors/<nn>.jpg`.

    A class is one building; its first image is the reference, the others show it under a change of viewpoint, scale,
    illumination, colour domain, occlusion or alteration. Each image is a function of the seed, its class and its
    number alone, so a larger collection contains the smaller one.

    Parameters
    ----------
    folder
        Made if it does not exist; files of the same names are written over.
    num_classes
        From the ninth on, plans are built a second time with other details (`cathedral_2`, ...).
    images_per_class
        Reference included; the nine variations are dealt out in turn over the classes.
    num_distractors
        Images of other buildings and of landscapes.
    longest_side
        In pixels, at least 64.
    seed
        Not negative.
    progress
        Called with (images done, images in all) after each image.

    Returns
    -------
    list of SyntheticImage
        Class by class in the order made, then the distractors.

    Raises
    ------
    ValueError
        If a number is out of its range.
    FileExistsError
        If `folder` holds other .jpg files: they would be taken for a part of the collection.

    Examples
    --------
    >>> images = make_collection(Path("demo"), num_classes=2, images_per_class=3)  # doctest: +SKIP
    >>> images[0].path, images[0].variation  # doctest: +SKIP
    (PosixPath('demo/cathedral/00_reference.jpg'), 'reference')
    """
    for name, value, least in (
        ("num_classes", num_classes, 1),
        ("images_per_class", images_per_class, 1),
        ("num_distractors", num_distractors, 0),
        ("longest_side", longest_side, 64),
        ("seed", seed, 0),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    images = [
        *(image for index in range(num_classes) for image in _class_images(folder, index, images_per_class)),
        *(SyntheticImage(folder / DISTRACTORS / f"{k:02d}.jpg", None, "distractor") for k in range(num_distractors)),
    ]
    strangers = sorted(set(folder.glob("**/*.jpg")) - {image.path for image in images})
    if strangers:
        raise FileExistsError(
            f"folder must hold no .jpg files but those of this collection, {folder} has others, "
            f"such as {strangers[0].relative_to(folder)}"
        )
    for done, (image, pixels) in enumerate(_paint(images, longest_side, seed), start=1):
        image.path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        picture.save(image.path, quality=_JPEG_QUALITY)
        if progress is not None:
            progress(done, len(images))
    return images


def _class_images(folder: Path, index: int, count: int) -> Iterator[SyntheticImage]:
    round_, kind = divmod(index, len(LANDMARKS))
    class_name = LANDMARKS[kind].name + (f"_{round_ + 1}" if round_ else "")
    names = tuple(VARIATIONS)
    for k in range(count):
        variation = names[(4 * index + k - 1) % len(names)] if k else REFERENCE
        yield SyntheticImage(folder / class_name / f"{k:02d}_{variation}.jpg", class_name, variation)


def _paint(images: list[SyntheticImage], longest_side: int, seed: int) -> Iterator[tuple[SyntheticImage, Pixels]]:
    drawn: tuple[str, Elevation] | None = None  # one building serves all images of its class
    for image in images:
        number = int(image.path.stem.split("_")[0])
        if image.class_name is None:
            yield image, _paint_distractor(number, longest_side, _generator(seed, DISTRACTORS, number))
            continue
        plan = _plan_of(image.class_name)
        if drawn is None or drawn[0] != image.class_name:
            drawn = image.class_name, _build(plan, longest_side, _generator(seed, image.class_name))
        rng = _generator(seed, image.class_name, number + 1)
        view = VIEWS.get(image.variation, any_view)(rng)
        scene = photograph(drawn[1], plan.ground, view, longest_side, rng)
        surround(scene, rng)
        yield image, VARIATIONS.get(image.variation, daylight)(scene, rng)


def _paint_distractor(number: int, longest_side: int, rng: np.random.Generator) -> Pixels:
    """Ordinary buildings, landmarks of the same kinds with other details, and empty landscapes."""
    plans = (*ORDINARY, None, *LANDMARKS)
    plan = plans[number % len(plans)]
    ground: Ground = "grass" if rng.random() < 0.5 else "water"
    if plan is None:
        building = _nothing(longest_side)
    else:
        building, ground = _build(plan, longest_side, rng), plan.ground
        if plan in LANDMARKS:
            building = _look_alike(building, rng)
    scene = photograph(building, ground, any_view(rng), longest_side, rng)
    surround(scene, rng)
    if rng.random() < 0.5:
        return daylight(scene, rng)
    return VARIATIONS[str(rng.choice(list(VARIATIONS)))](scene, rng)


def _plan_of(class_name: str) -> Plan:
    return next(plan for plan in LANDMARKS if class_name.startswith(plan.name))


def _build(plan: Plan, longest_side: int, rng: np.random.Generator) -> Elevation:
    return plan.build(_BUILDING_SIDE * longest_side / max(plan.width, plan.height), rng)


def _look_alike(building: Elevation, rng: np.random.Generator) -> Elevation:
    """Mirrored and of another colour, so that nobody takes it for the landmark of the same plan."""
    gain = rng.choice(_TINTS).astype(np.float32)
    mirrored = [np.ascontiguousarray(layer[:, ::-1]) for layer in (building.pixels, building.alpha, building.light)]
    return Elevation(np.clip(mirrored[0] * gain, 0, 255), mirrored[1], mirrored[2], building.scale)


def _nothing(longest_side: int) -> Elevation:
    side = longest_side // 4
    empty = np.zeros((side * 3 // 4, side), np.float32)
    return Elevation(np.zeros((*empty.shape, 3), np.float32), empty, empty, 1.0)


def _generator(seed: int, *key: str | int) -> np.random.Generator:
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.default_rng([seed, *words])
