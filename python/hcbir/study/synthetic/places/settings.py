"""What surrounds a landmark: squares, villages, rivers, coasts, hills, fields, parks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from hcbir.study.synthetic.places.houses import Neighbourhood, rows, scatter
from hcbir.study.synthetic.places.kit import GRASS, LEAVES, Kit
from hcbir.study.synthetic.places.site import Extent
from hcbir.study.synthetic.places.solids import box, lathe
from hcbir.study.synthetic.rendering.mesh import Part, Surface
from hcbir.study.synthetic.rendering.numbers import Rng, direction, noise, pick

FAR = 4000.0
QUAY = 2.4


def _plane(kit: Kit, low: tuple[float, float], high: tuple[float, float], z: float, surface: Surface) -> None:
    with kit.mesh.at(part=Part.GROUND):
        kit.mesh.polygon(
            [(low[0], low[1], z), (high[0], low[1], z), (high[0], high[1], z), (low[0], high[1], z)], surface
        )


def _all_around(kit: Kit, z: float, surface: Surface) -> None:
    _plane(kit, (-FAR, -FAR), (FAR, FAR), z, surface)


def _hills(
    kit: Kit, rng: Rng, *, radius: float = 700, height: float = 60, z: float = 0, gap: tuple[float, float] | None = None
) -> None:
    """Two wooded ridges around the horizon; none between the angles of `gap`."""
    count = 40
    with kit.mesh.at(part=Part.VEGETATION):
        for layer, (reach, lift) in enumerate(((1.0, 1.0), (0.62, 0.5))):
            crest = noise(1, count, count / 4, rng, octaves=3)[0]
            wood = kit.surface("canopy", pick(rng, LEAVES), unit=14, detail=2)
            tops = [z + height * lift * (0.75 + 0.6 * float(crest[k])) for k in range(count)]
            for k in range(count):
                a, b = (2 * math.pi * (j + 0.4 * layer) / count for j in (k, k + 1))
                if gap and gap[0] < (a % (2 * math.pi)) < gap[1]:
                    continue
                p, q = direction(a), direction(b)
                r = radius * reach
                kit.mesh.polygon(
                    [
                        (q[0] * r, q[1] * r, z - 2),
                        (p[0] * r, p[1] * r, z - 2),
                        (p[0] * r, p[1] * r, tops[k]),
                        (q[0] * r, q[1] * r, tops[(k + 1) % count]),
                    ],
                    wood,
                    up=True,
                    two_sided=True,
                )


def _grass(kit: Kit, rng: Rng, metres: float = 14) -> Surface:
    return kit.ground(*pick(rng, GRASS), metres=metres)


def square(kit: Kit, extent: Extent, changed: float) -> float:
    """Paved, houses in rows behind and at both sides, trees, lamps."""
    rng = kit.rng("setting")
    paving = kit.surface("paving", pick(rng, ((168, 160, 148), (150, 148, 146), (176, 158, 136))), unit=0.8)
    _all_around(kit, 0, paving)
    half, depth = max(extent.width / 2 + float(rng.uniform(10, 22)), 34), extent.depth / 2 + float(rng.uniform(12, 24))
    town = Neighbourhood(kit, "town", changed)
    for name, x, y, turn, count in (
        ("north", 0, depth, 0, 9),
        ("west", -half, -4, math.pi / 2, 8),
        ("east", half, -4, -math.pi / 2, 8),
    ):
        for k, (px, py) in enumerate(rows(count, 10.4, x, y, turn if name != "north" else 0)):
            town.house(f"{name}{k}", px, py, turn)
    for k, (px, py) in enumerate(rows(9, 11, 0, depth + 24, 0)):
        town.house(f"back{k}", px, py, 0, z=1.5)
    for s in (-1, 1):
        town.trees(rows(6, 8, s * (half - 8), -depth, math.pi / 2), f"row{s}", height=8)
    _lamps(kit, rows(6, 14, 0, -depth * 0.9, 0))
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(25, 80)))
    return 0


def _lamps(kit: Kit, spots: list[tuple[float, float]]) -> None:
    iron = kit.surface("metal", (52, 54, 58), unit=0.3)
    for x, y in spots:
        with kit.mesh.at(x, y):
            lathe(kit.mesh, [(0.3, 0), (0.09, 0.8), (0.08, 4.2)], 4, iron)
            lathe(kit.mesh, [(0.12, 4.2), (0.35, 4.6), (0.35, 5.0), (0, 5.4)], 4, iron.tinted(2.4, 2.2, 1.8))


def village(kit: Kit, extent: Extent, changed: float) -> float:
    """Grass and lanes, scattered houses, trees, hills."""
    rng = kit.rng("setting")
    _all_around(kit, 0, _grass(kit, rng))
    earth = kit.ground((178, 164, 138), (156, 144, 122), metres=9)
    w = float(rng.uniform(4, 7))
    _plane(kit, (-FAR, -extent.depth / 2 - 9 - w), (FAR, -extent.depth / 2 - 9), 0.06, earth)
    _plane(kit, (-4, -FAR), (4, -extent.depth / 2), 0.05, earth)
    homes = Neighbourhood(kit, "village", changed)
    inner = max(extent.width, extent.depth) / 2 + 10
    for k, (x, y) in enumerate(scatter(kit.rng("homes"), 18, inner + 6, inner + 75)):
        homes.house(
            f"home{k}",
            x,
            y,
            float(kit.rng("turn", k).uniform(-0.7, 0.7)) + (math.pi / 2 if x < 0 else -math.pi / 2) * (y < 0),
        )
    homes.trees(scatter(kit.rng("grove"), 26, inner, inner + 60), "grove", height=9)
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(40, 130)), radius=600)
    return 0


def river(kit: Kit, extent: Extent, changed: float) -> float:
    """The landmark crosses the water from bank to bank; quays with houses on both sides."""
    rng = kit.rng("setting")
    bank = extent.width / 2 - 4
    stone = kit.surface("stone", (172, 162, 146), unit=0.6, detail=8)
    town = Neighbourhood(kit, "town" if rng.random() < 0.6 else "village", changed)
    land = _grass(kit, rng)
    quay = kit.surface("paving", (160, 152, 140), unit=0.8, detail=8)
    for s in (-1, 1):
        low, high = (bank, FAR) if s > 0 else (-FAR, -bank)
        _plane(kit, (low, -FAR), (high, FAR), QUAY, land)
        _plane(kit, (min(s * bank, s * (bank + 9)), -FAR), (max(s * bank, s * (bank + 9)), FAR), QUAY + 0.06, quay)
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
    _plane(kit, (-FAR, far), (FAR, FAR), QUAY, land)
    for k, (x, y) in enumerate(rows(9, 13, 0, far + 6, 0)):
        town.house(f"far{k}", x, y, 0, z=QUAY)
    town.trees(rows(14, 9, 0, far + 2, 0), "far", height=10, z=QUAY)
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(50, 130)), z=QUAY, radius=620)
    return 0


def coast(kit: Kit, extent: Extent, changed: float) -> float:
    """A headland of rock in the sea, a shore with a village to one side."""
    rng = kit.rng("setting")
    z = float(rng.uniform(4, 8))
    rock = kit.surface("rubble", pick(rng, ((138, 124, 106), (116, 112, 110), (160, 138, 112))), unit=3)
    grass = _grass(kit, rng)
    r = extent.width / 2 + 12
    cape = [(x * r * (1.5, 1.15)[k % 2], y * r * (1.05, 0.8, 0.95)[k % 3]) for k, (x, y) in enumerate(_circle(13))]
    with kit.mesh.at(part=Part.GROUND):
        base = [(x * 1.16, y * 1.2) for x, y in cape]
        for k in range(13):
            j = (k + 1) % 13
            kit.mesh.polygon([(*base[k], -1), (*base[j], -1), (*cape[j], z), (*cape[k], z)], rock)
        for k in range(13):
            kit.mesh.polygon([(0, 0, z), (*cape[k], z), (*cape[(k + 1) % 13], z)], grass)
    s = 1 if rng.random() < 0.5 else -1
    shore = [(s * r * 0.9, 60.0), (s * FAR, -20.0), (s * FAR, FAR), (-s * r * 1.2, FAR), (-s * 20, 160)]
    shore = shore if s > 0 else shore[::-1]
    with kit.mesh.at(part=Part.GROUND):
        kit.mesh.polygon([(x, y, 1.6) for x, y in shore], kit.ground((206, 190, 150), (186, 170, 130), metres=12))
        kit.mesh.polygon([(x + s * 14, y + 16, 1.9) for x, y in shore], grass)
    homes = Neighbourhood(kit, "village", changed)
    for k in range(14):
        homes.house(f"shore{k}", s * (r + 26 + 13 * (k % 7)), 78 + 16 * (k // 7) + 5 * (k % 3), 0, z=1.9)
    homes.trees([(s * (r + 20 + 9 * k), 100 + 5 * (k % 4)) for k in range(14)], "shore", height=8, z=1.9, shape="fir")
    gap = (math.pi * 1.02, math.pi * 1.98)
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(30, 90)), radius=640, gap=gap)
    return z


def _circle(count: int) -> list[tuple[float, float]]:
    return [direction(2 * math.pi * k / count) for k in range(count)]


def hill(kit: Kit, extent: Extent, changed: float) -> float:
    """On a mound of rock above trees and a few houses."""
    rng = kit.rng("setting")
    z = float(rng.uniform(12, 22))
    _all_around(kit, 0, _grass(kit, rng))
    r = max(extent.width, extent.depth) * 0.56 + 4
    rock, grass = (
        kit.surface("rubble", pick(rng, ((142, 128, 108), (124, 120, 112), (150, 140, 126))), unit=4),
        _grass(kit, rng),
    )
    with kit.mesh.at(part=Part.GROUND):
        steps = [(r + z * 2.6, 0.0), (r + z * 1.3, z * 0.36), (r + z * 0.5, z * 0.8), (r, z)]
        for k, (low, high) in enumerate(itertools.pairwise(steps)):
            lathe(kit.mesh, [low, high], 16, rock if k == 1 else grass)
        lathe(kit.mesh, [(r, z), (r - 0.01, z)], 16, grass, top=grass)
    homes = Neighbourhood(kit, "village", changed)
    for k, (x, y) in enumerate(scatter(kit.rng("homes"), 14, r + z * 2.7, r + z * 2.7 + 50)):
        homes.house(f"home{k}", x, y, float(kit.rng("turn", k).uniform(-0.6, 0.6)))
    homes.trees(scatter(kit.rng("foot"), 26, r + z * 2.6, r + z * 2.6 + 30), "foot", height=10)
    slope = [(x, y) for x, y in scatter(kit.rng("slope"), 14, r + z * 1.5, r + z * 2)]
    homes.trees(slope, "slope", height=6, z=z * 0.16, shape="fir")
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(60, 150)))
    return z


def valley(kit: Kit, extent: Extent, changed: float) -> float:
    """A dry valley that the landmark spans, wooded slopes at its ends."""
    rng = kit.rng("setting")
    _all_around(kit, 0, _grass(kit, rng))
    wood = kit.surface("canopy", pick(rng, LEAVES), unit=9, detail=3)
    x, z = extent.width / 2, extent.height + 2
    with kit.mesh.at(part=Part.VEGETATION):
        for s in (-1, 1):
            for a, b in ((-500, -40), (-40, 60), (60, 500)):
                line = [(s * (x - 8), a), (s * (x - 8), b), (s * (x + 46), b), (s * (x + 46), a)]
                corners = [(*line[0], -1), (*line[1], -1), (*line[2], z), (*line[3], z)]
                kit.mesh.polygon(corners if s < 0 else corners[::-1], wood, two_sided=True)
    homes = Neighbourhood(kit, "village", changed)
    for k in range(7):
        homes.house(f"valley{k}", -x * 0.6 + k * x * 0.2, 30 + 14 * (k % 3), 0.1 * k)
    homes.trees(scatter(kit.rng("grove"), 24, 24, 90), "grove", height=9)
    _plane(kit, (x * 0.1, -FAR), (x * 0.1 + 7, FAR), 0.05, kit.ground((176, 164, 140), (152, 142, 122), metres=8))
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(90, 170)), radius=560)
    return 0


def park(kit: Kit, extent: Extent, changed: float) -> float:
    """Lawns, gravel walks, clipped rows of trees, hedges."""
    rng = kit.rng("setting")
    _all_around(kit, 0, _grass(kit, rng))
    gravel = kit.ground((214, 200, 170), (196, 180, 150), metres=8)
    front = -extent.depth / 2
    _plane(kit, (-extent.width * 0.7, front - 16), (extent.width * 0.7, front), 0.05, gravel)
    _plane(kit, (-5, -FAR), (5, front), 0.06, gravel)
    hedge = kit.surface("canopy", (62, 88, 46), unit=1)
    with kit.mesh.at(part=Part.VEGETATION):
        for s in (-1, 1):
            for k in range(4):
                y = front - 24 - 14 * k
                box(kit.mesh, (min(s * 8, s * 30), y - 1, 0), (max(s * 8, s * 30), y, 1.3), hedge, hedge)
    grounds = Neighbourhood(kit, "town", changed)
    shape = str(rng.choice(["round", "tall", "fir"]))
    for s in (-1, 1):
        grounds.trees(rows(9, 9, s * 38, front - 40, math.pi / 2), f"alley{s}", height=11, shape=shape)
    grounds.trees(rows(16, 8, 0, extent.depth / 2 + 22, 0), "behind", height=15)
    for k, (x, y) in enumerate(rows(9, 12, 0, extent.depth / 2 + 50, 0)):
        grounds.house(f"behind{k}", x, y, 0)
    _hills(kit, kit.rng("hills"), height=float(rng.uniform(30, 90)))
    return 0


def fields(kit: Kit, extent: Extent, changed: float) -> float:
    """Parcels of crops in strips, hedges, lanes, a wood."""
    rng = kit.rng("setting")
    _all_around(kit, 0, _grass(kit, rng, 40))
    crops = [
        kit.ground((196, 178, 96), (172, 150, 76), metres=26, furrows=16),
        kit.ground((112, 132, 60), (88, 112, 52), metres=22, furrows=32),
        kit.ground((150, 116, 84), (124, 94, 68), metres=24, furrows=32),
        kit.ground((140, 148, 74), (108, 128, 60), metres=30),
        kit.ground((206, 192, 112), (190, 172, 90), metres=30),
        kit.ground((96, 120, 70), (78, 104, 56), metres=18, furrows=16),
    ]
    inner = max(extent.width, extent.depth) / 2 + 6
    turn = float(rng.uniform(-0.3, 0.3))
    then = kit.rng("setting", "time")
    lines = [-260.0, -150, -75, -inner, inner, 80, 150, 270]
    with kit.mesh.at(turn=turn, part=Part.GROUND):
        for i, (x0, x1) in enumerate(itertools.pairwise(lines)):
            for j, (y0, y1) in enumerate(itertools.pairwise(lines)):
                if i == j == 3 or x1 <= x0 or y1 <= y0:
                    continue
                strips, crop = int(rng.integers(1, 5)), int(rng.integers(6))
                if then.random() < changed:
                    crop, strips = int(then.integers(6)), 1 + int(then.integers(2))
                for k in range(strips):
                    a, b = (y0 + (y1 - y0) * t / strips for t in (k, k + 1))
                    kit.mesh.polygon(
                        [(x0 + 1.5, a + 1.2, 0.1), (x1 - 1.5, a + 1.2, 0.1), (x1 - 1.5, b, 0.1), (x0 + 1.5, b, 0.1)],
                        crops[(crop + 2 * k) % 6],
                    )
        road = kit.ground((186, 180, 166), (168, 162, 150), metres=9)
        kit.mesh.polygon(
            [(-FAR, -inner - 5, 0.2), (FAR, -inner - 5, 0.2), (FAR, -inner, 0.2), (-FAR, -inner, 0.2)], road
        )
        kit.mesh.polygon([(75, -FAR, 0.25), (80, -FAR, 0.25), (80, FAR, 0.25), (75, FAR, 0.25)], road)
    land = Neighbourhood(kit, "village", changed)
    for k, (x, y) in enumerate(scatter(kit.rng("homes"), 9, 85, 170)):
        land.house(f"home{k}", x, y, float(kit.rng("turn", k).uniform(-1.5, 1.5)))
    land.trees([(lines[1 + k % 5] + 1.0, -140 + 12.0 * k) for k in range(24)], "hedge", height=8)
    land.trees(scatter(kit.rng("wood"), 30, 100, 190), "wood", height=12)
    return 0


SETTINGS: dict[str, Callable[[Kit, Extent, float], float]] = {
    "square": square,
    "village": village,
    "river": river,
    "coast": coast,
    "hill": hill,
    "valley": valley,
    "park": park,
    "fields": fields,
}
"""Each returns the height on which the landmark stands; `changed` 0..1 is how far another time's differ."""
WATERY = ("river", "coast")
