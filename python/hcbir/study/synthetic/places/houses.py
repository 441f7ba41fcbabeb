"""Ordinary houses, trees and woods, the same few drawings used many times."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hcbir.study.synthetic.places.facades import Walls
from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.places.palette import BRICKS, LEAVES, PLASTERS, ROOFS, STONES
from hcbir.study.synthetic.places.solids import box, gable_roof, hip_roof, tree
from hcbir.study.synthetic.rendering.mesh import Surface
from hcbir.study.synthetic.rendering.numbers import Rng, direction, pick

HOUSE_DETAIL = 11.0  # texels a metre


@dataclass(frozen=True)
class House:
    width: float
    depth: float
    height: float
    front: Surface
    side: Surface
    plain: Surface
    roof: Surface
    hipped: bool
    along: str


class Neighbourhood:
    """Draws the facades of `style` (town or village) once; `changed` 0..1 is the share that differs."""

    def __init__(self, kit: Kit, style: str, changed: float = 0) -> None:
        self.kit, self.changed = kit, changed
        epochs = ("now", "then") if changed else ("now",)
        self.houses = {epoch: [_house(kit, style, kit.rng("house", epoch, k)) for k in range(5)] for epoch in epochs}

    def house(self, slot: str, x: float, y: float, turn: float, z: float = 0) -> None:
        """A house whose front faces south before it is turned; its front's middle at (x, y)."""
        rng, epoch = self.kit.rng("slot", slot), "now"
        choice, stretch = int(rng.integers(5)), float(rng.uniform(0.85, 1.15))
        if self.kit.rng("slot", slot, "time").random() < self.changed:
            epoch = "then"
            if self.kit.rng("slot", slot, "gone").random() < 0.25:
                return
        build_house(self.kit, self.houses[epoch][choice], x, y, turn, z, stretch, rng)

    def trees(
        self, spots: list[tuple[float, float]], name: str, *, height: float = 9, z: float = 0, shape: str = "round"
    ) -> None:
        rng = self.kit.rng("trees", name)
        leaves = [pick(rng, LEAVES), pick(rng, LEAVES)]
        then = self.kit.rng("trees", name, "time")
        for k, (x, y) in enumerate(spots):
            gone = then.random() < self.changed * 0.8
            size = height * (0.85, 1.0, 1.2)[int(rng.integers(3))]
            if not gone:
                tree(self.kit.mesh, x, y, z, size, self.kit.crown(leaves[k % 2], shape, size))
        if self.changed:
            for _ in range(len(spots) // 2):
                x, y = spots[int(then.integers(len(spots)))]
                size = height * 1.5
                x, y = x + float(then.uniform(-8, 8)), y + float(then.uniform(0, 9))
                tree(self.kit.mesh, x, y, z, size, self.kit.crown(leaves[0], shape, size))


def _house(kit: Kit, style: str, rng: Rng) -> House:
    town = style == "town"
    width, depth = float(rng.uniform(7, 12)), float(rng.uniform(8, 11))
    height = float(rng.uniform(9, 15)) if town else float(rng.uniform(4.5, 7))
    brick = rng.random() < 0.3
    colour = pick(rng, BRICKS if brick else PLASTERS)
    walls = Walls(
        "brick" if brick else "plaster",
        colour,
        pick(rng, STONES),
        bay=float(rng.uniform(2.3, 3.1)),
        storey=3.1,
        opening=(float(rng.uniform(0.9, 1.2)), float(rng.uniform(1.4, 1.9))),
        head=str(rng.choice(["flat", "flat", "round"])),
        shutters=pick(rng, ((96, 60, 44), (60, 84, 70), (78, 96, 120))) if rng.random() < 0.4 else None,
        door="shop" if town and rng.random() < 0.6 else "door",
        timber=not brick and rng.random() < 0.25,
        courses=rng.random() < 0.6,
        bars=(2, 2),
    )
    front = kit.facade(width, height, walls, rng, detail=HOUSE_DETAIL)
    side = kit.facade(depth, height, walls, rng, detail=HOUSE_DETAIL)
    plain = kit.surface(walls.base, colour, detail=HOUSE_DETAIL)
    roof = kit.surface("roof", pick(rng, ROOFS), unit=0.4, detail=HOUSE_DETAIL)
    return House(
        width, depth, height, front, side, plain, roof, bool(rng.random() < 0.3), str(rng.choice(["x", "x", "y"]))
    )


def build_house(kit: Kit, house: House, x: float, y: float, turn: float, z: float, stretch: float, rng: Rng) -> None:
    mesh, w, d, h = kit.mesh, house.width / 2, house.depth, house.height
    tint = float(rng.uniform(0.85, 1.08))
    front, side, plain = (
        s.tinted(tint, tint, tint * float(rng.uniform(0.92, 1.04))) for s in (house.front, house.side, house.plain)
    )
    with mesh.body(), mesh.at(x, y, z, turn):
        box(mesh, (-w, 0, 0), (w, d, h), [front, side, front, side])
        if house.hipped:
            hip_roof(mesh, (-w, 0), (w, d), h, w * 0.7 * stretch, house.roof)
        else:
            gable_roof(mesh, (-w, 0), (w, d), h, w * 0.9 * stretch, house.roof, plain, along=house.along)
        box(mesh, (w * 0.4, d * 0.6, h), (w * 0.4 + 0.9, d * 0.6 + 0.7, h + w * 1.1), plain)


def rows(count: int, step: float, x: float, y: float, turn: float) -> list[tuple[float, float]]:
    """Points in a row, its middle at (x, y)."""
    cos, sin = direction(turn)
    at = [(k - (count - 1) / 2) * step for k in range(count)]
    return [(x + cos * a, y + sin * a) for a in at]


def scatter(rng: Rng, count: int, inner: float, outer: float) -> list[tuple[float, float]]:
    """Points around the origin, not nearer than `inner`; few straight before it."""
    spots: list[tuple[float, float]] = []
    while len(spots) < count:
        angle, r = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(inner, outer))
        cos, sin = direction(angle)
        if sin < -0.35 and abs(cos) < 0.85:
            continue
        spots.append((r * cos, r * sin))
    return spots
