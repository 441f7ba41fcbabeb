"""Which images a collection has and how strongly each shows each variation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hcbir.study.datasets import DISTRACTORS
from hcbir.study.synthetic.places.place import KINDS
from hcbir.study.synthetic.rendering.numbers import Rng, generator, pick
from hcbir.study.variations import VARIATIONS

STRONG = 2
"""The least strength that counts as strong, as in `hcbir.study.annotation`."""

WEAK_SHARE = 0.25
STRONG_SHARE_OF_DISTRACTORS = 0.18
IMAGES_PER_DISTRACTOR = 4
"""Of one place, which is none of the classes."""

DOMAINS = {0: ("photograph",), 1: ("postcard",), 2: ("engraving", "painting"), 3: ("engraving", "map")}
"""What an image may be, by its strength of the representation domain."""


@dataclass(frozen=True)
class Shot:
    """One image to make: a function of these and of the size alone.

    `place` names the place, `kind` is its index in `KINDS`; `number` counts the place's images, 0 is the reference;
    `strengths` has one number, 0 to 3, for each of `VARIATIONS`.
    """

    seed: int
    place: str
    kind: int
    class_name: str | None
    number: int
    strengths: tuple[int, ...]
    domain: str = "photograph"

    def strength(self, variation: str) -> int:
        return self.strengths[VARIATIONS.index(variation)]

    @property
    def name(self) -> str:
        """Of the file, below the collection's folder."""
        if self.class_name is None:
            return f"{DISTRACTORS}/{self.place}_{self.number}.jpg"
        return f"{self.class_name}/{self.number:03d}.jpg"


def plan_collection(*, classes: int, images: int, distractors: int, seed: int) -> list[Shot]:
    """Class by class, each with its reference first, then the distractors.

    Every variation's scores 0, 1, 2, 3 are dealt out to the classes in equal shares and independently of the other
    variations; then the images that show it are drawn.
    """
    sizes = _sizes(classes, images, generator(seed, "sizes"))
    targets = {variation: _targets(classes, generator(seed, "scores", variation)) for variation in VARIATIONS}
    shots = []
    for index, size in enumerate(sizes):
        name = class_name(index)
        strengths = np.zeros((size, len(VARIATIONS)), np.int64)
        for column, variation in enumerate(VARIATIONS):
            strengths[:, column] = _strengths(size, targets[variation][index], generator(seed, name, variation))
        shots += [
            _with_domain(Shot(seed, name, index % len(KINDS), name, number, tuple(int(s) for s in strengths[number])))
            for number in range(size)
        ]
    return shots + [_distractor(seed, number) for number in range(distractors)]


def class_name(index: int) -> str:
    """`church`, ..., and `church_2` once all kinds had their turn."""
    round_, kind = divmod(index, len(KINDS))
    return KINDS[kind].name + (f"_{round_ + 1}" if round_ else "")


def _sizes(classes: int, images: int, rng: Rng) -> list[int]:
    """Uneven, as in the paper: at least 10, or six tenths of the mean if that is less."""
    least = min(10, max(1, int(0.6 * images / classes)))
    weights = rng.random(classes) ** 2
    share = np.floor(weights / weights.sum() * (images - least * classes)).astype(np.int64)
    sizes = [least + int(s) for s in share]
    for k in range(images - sum(sizes)):
        sizes[k % classes] += 1
    return sizes


def _targets(classes: int, rng: Rng) -> list[int]:
    return [int(score) for score in rng.permutation(np.arange(classes) % 4)]


def _strengths(size: int, score: int, rng: Rng) -> list[int]:
    """Strengths of a class's images that have the score by the paper's rule; the reference has none."""
    strengths = [0] * size
    if score == 0 or size == 1:
        return strengths
    others = [1 + int(k) for k in rng.permutation(size - 1)]
    third = size // 3
    if score == 1:
        strong = int(rng.integers(0, 2))
    elif score == 2:
        strong = int(rng.integers(2, max(third, 2) + 1))
    else:
        strong = int(rng.integers(third + 1, max(third + 1, int(0.6 * size)) + 1))
    strong = min(strong, size - 1)
    for k, image in enumerate(others):
        if k < strong:
            strengths[image] = 2 + int(rng.integers(2))
        elif rng.random() < WEAK_SHARE or (strong == 0 and k == 0):
            strengths[image] = 1
    return strengths


def _with_domain(shot: Shot) -> Shot:
    rng = generator(shot.seed, shot.place, shot.number, "domain")
    return replace(shot, domain=pick(rng, DOMAINS[shot.strength("representation domain")]))


def _distractor(seed: int, number: int) -> Shot:
    place, of_place = divmod(number, IMAGES_PER_DISTRACTOR)
    rng = generator(seed, "distractor", number)
    strengths = tuple(
        2 + int(rng.integers(2)) if rng.random() < STRONG_SHARE_OF_DISTRACTORS else int(rng.random() < WEAK_SHARE)
        for _ in VARIATIONS
    )
    kind = int(generator(seed, "distractor kind", place).integers(len(KINDS)))
    return _with_domain(Shot(seed, f"other_{place:04d}", kind, None, of_place, strengths))
