"""Surroundings by the water."""

from __future__ import annotations

import math

from hcbir.study.synthetic.places.ground import FAR, QUAY, flat_ground, grass, hills
from hcbir.study.synthetic.places.houses import Neighbourhood, rows
from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.places.site import Extent
from hcbir.study.synthetic.rendering.mesh import Part
from hcbir.study.synthetic.rendering.numbers import direction, pick


def river(kit: Kit, extent: Extent, changed: float) -> float:
    """The landmark crosses the water from bank to bank; quays with houses on both sides."""
    rng = kit.rng("setting")
    bank = extent.width / 2 - 4
    stone = kit.surface("stone", (172, 162, 146), unit=0.6, detail=8)
    town = Neighbourhood(kit, "town" if rng.random() < 0.6 else "village", changed)
    land = grass(kit, rng)
    quay = kit.surface("paving", (160, 152, 140), unit=0.8, detail=8)
    for s in (-1, 1):
        low, high = (bank, FAR) if s > 0 else (-FAR, -bank)
        flat_ground(kit, (low, -FAR), (high, FAR), QUAY, land)
        flat_ground(kit, (min(s * bank, s * (bank + 9)), -FAR), (max(s * bank, s * (bank + 9)), FAR), QUAY + 0.06, quay)
        with kit.mesh.at(part=Part.GROUND):
            ends = [(s * bank, -600.0), (s * bank, 600.0)]
            ends = ends[::s]
            kit.mesh.polygon([(*ends[1], 0), (*ends[0], 0), (*ends[0], QUAY + 0.06), (*ends[1], QUAY + 0.06)], stone)
        for k in range(14):
            y = -70 + k * 12.0
            if abs(y) < extent.depth / 2 + 6:
                continue
            town.house(f"quay{s}{k}", s * (bank + 10), y, s * -math.pi / 2 if s > 0 else math.pi / 2, z=QUAY)
        town.trees(
            [(s * (bank + 4), -60 + 13.0 * k) for k in range(12) if abs(-60 + 13 * k) > extent.depth],
            f"bank{s}",
            height=8,
            z=QUAY,
        )
    far = 110 + float(rng.uniform(0, 60))
    flat_ground(kit, (-FAR, far), (FAR, FAR), QUAY, land)
    for k, (x, y) in enumerate(rows(9, 13, 0, far + 6, 0)):
        town.house(f"far{k}", x, y, 0, z=QUAY)
    town.trees(rows(14, 9, 0, far + 2, 0), "far", height=10, z=QUAY)
    hills(kit, kit.rng("hills"), height=float(rng.uniform(50, 130)), z=QUAY, radius=620)
    return 0


def coast(kit: Kit, extent: Extent, changed: float) -> float:
    """A headland of rock in the sea, a shore with a village to one side."""
    rng = kit.rng("setting")
    z = float(rng.uniform(4, 8))
    rock = kit.surface("rubble", pick(rng, ((138, 124, 106), (116, 112, 110), (160, 138, 112))), unit=3)
    lawn = grass(kit, rng)
    r = extent.width / 2 + 12
    cape = [(x * r * (1.5, 1.15)[k % 2], y * r * (1.05, 0.8, 0.95)[k % 3]) for k, (x, y) in enumerate(_circle(13))]
    with kit.mesh.at(part=Part.GROUND):
        base = [(x * 1.16, y * 1.2) for x, y in cape]
        for k in range(13):
            j = (k + 1) % 13
            kit.mesh.polygon([(*base[k], -1), (*base[j], -1), (*cape[j], z), (*cape[k], z)], rock)
        for k in range(13):
            kit.mesh.polygon([(0, 0, z), (*cape[k], z), (*cape[(k + 1) % 13], z)], lawn)
    s = 1 if rng.random() < 0.5 else -1
    shore = [(s * r * 0.9, 60.0), (s * FAR, -20.0), (s * FAR, FAR), (-s * r * 1.2, FAR), (-s * 20, 160)]
    shore = shore if s > 0 else shore[::-1]
    with kit.mesh.at(part=Part.GROUND):
        kit.mesh.polygon([(x, y, 1.6) for x, y in shore], kit.ground((206, 190, 150), (186, 170, 130), metres=12))
        kit.mesh.polygon([(x + s * 14, y + 16, 1.9) for x, y in shore], lawn)
    homes = Neighbourhood(kit, "village", changed)
    for k in range(14):
        homes.house(f"shore{k}", s * (r + 26 + 13 * (k % 7)), 78 + 16 * (k // 7) + 5 * (k % 3), 0, z=1.9)
    homes.trees([(s * (r + 20 + 9 * k), 100 + 5 * (k % 4)) for k in range(14)], "shore", height=8, z=1.9, shape="fir")
    gap = (math.pi * 1.02, math.pi * 1.98)
    hills(kit, kit.rng("hills"), height=float(rng.uniform(30, 90)), radius=640, gap=gap)
    return z


def _circle(count: int) -> list[tuple[float, float]]:
    return [direction(2 * math.pi * k / count) for k in range(count)]
