"""Surroundings on dry ground: squares, villages, parks, fields, hills, valleys."""

from __future__ import annotations

import math
from itertools import pairwise

from hcbir.study.synthetic.places.ground import FAR, flat_ground, grass, ground_all_around, hills
from hcbir.study.synthetic.places.houses import Neighbourhood, rows, scatter
from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.places.palette import LEAVES
from hcbir.study.synthetic.places.site import Extent
from hcbir.study.synthetic.places.solids import (
    box,
    lathe,
)
from hcbir.study.synthetic.rendering.mesh import Part
from hcbir.study.synthetic.rendering.numbers import pick


def square(kit: Kit, extent: Extent, changed: float) -> float:
    """Paved, houses in rows behind and at both sides, trees, lamps."""
    rng = kit.rng("setting")
    paving = kit.surface("paving", pick(rng, ((168, 160, 148), (150, 148, 146), (176, 158, 136))), unit=0.8)
    ground_all_around(kit, 0, paving)
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
    hills(kit, kit.rng("hills"), height=float(rng.uniform(25, 80)))
    return 0


def village(kit: Kit, extent: Extent, changed: float) -> float:
    """Grass and lanes, scattered houses, trees, hills."""
    rng = kit.rng("setting")
    ground_all_around(kit, 0, grass(kit, rng))
    earth = kit.ground((178, 164, 138), (156, 144, 122), metres=9)
    w = float(rng.uniform(4, 7))
    flat_ground(kit, (-FAR, -extent.depth / 2 - 9 - w), (FAR, -extent.depth / 2 - 9), 0.06, earth)
    flat_ground(kit, (-4, -FAR), (4, -extent.depth / 2), 0.05, earth)
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
    hills(kit, kit.rng("hills"), height=float(rng.uniform(40, 130)), radius=600)
    return 0


def park(kit: Kit, extent: Extent, changed: float) -> float:
    """Lawns, gravel walks, clipped rows of trees, hedges."""
    rng = kit.rng("setting")
    ground_all_around(kit, 0, grass(kit, rng))
    gravel = kit.ground((214, 200, 170), (196, 180, 150), metres=8)
    front = -extent.depth / 2
    flat_ground(kit, (-extent.width * 0.7, front - 16), (extent.width * 0.7, front), 0.05, gravel)
    flat_ground(kit, (-5, -FAR), (5, front), 0.06, gravel)
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
    hills(kit, kit.rng("hills"), height=float(rng.uniform(30, 90)))
    return 0


def fields(kit: Kit, extent: Extent, changed: float) -> float:
    """Parcels of crops in strips, hedges, lanes, a wood."""
    rng = kit.rng("setting")
    ground_all_around(kit, 0, grass(kit, rng, 40))
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
        for i, (x0, x1) in enumerate(pairwise(lines)):
            for j, (y0, y1) in enumerate(pairwise(lines)):
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


def hill(kit: Kit, extent: Extent, changed: float) -> float:
    """On a mound of rock above trees and a few houses."""
    rng = kit.rng("setting")
    z = float(rng.uniform(12, 22))
    ground_all_around(kit, 0, grass(kit, rng))
    r = max(extent.width, extent.depth) * 0.56 + 4
    rock, lawn = (
        kit.surface("rubble", pick(rng, ((142, 128, 108), (124, 120, 112), (150, 140, 126))), unit=4),
        grass(kit, rng),
    )
    with kit.mesh.at(part=Part.GROUND):
        steps = [(r + z * 2.6, 0.0), (r + z * 1.3, z * 0.36), (r + z * 0.5, z * 0.8), (r, z)]
        for k, (low, high) in enumerate(pairwise(steps)):
            lathe(kit.mesh, [low, high], 16, rock if k == 1 else lawn)
        lathe(kit.mesh, [(r, z), (r - 0.01, z)], 16, lawn, top=lawn)
    homes = Neighbourhood(kit, "village", changed)
    for k, (x, y) in enumerate(scatter(kit.rng("homes"), 14, r + z * 2.7, r + z * 2.7 + 50)):
        homes.house(f"home{k}", x, y, float(kit.rng("turn", k).uniform(-0.6, 0.6)))
    homes.trees(scatter(kit.rng("foot"), 26, r + z * 2.6, r + z * 2.6 + 30), "foot", height=10)
    slope = [(x, y) for x, y in scatter(kit.rng("slope"), 14, r + z * 1.5, r + z * 2)]
    homes.trees(slope, "slope", height=6, z=z * 0.16, shape="fir")
    hills(kit, kit.rng("hills"), height=float(rng.uniform(60, 150)))
    return z


def valley(kit: Kit, extent: Extent, changed: float) -> float:
    """A dry valley that the landmark spans, wooded slopes at its ends."""
    rng = kit.rng("setting")
    ground_all_around(kit, 0, grass(kit, rng))
    wood = kit.surface("canopy", pick(rng, LEAVES), unit=9, detail=3)
    x, z = extent.width / 2, extent.height + 2
    with kit.mesh.at(part=Part.VEGETATION):
        for s in (-1, 1):
            # the valley is wider where one stands to look
            line = [(-500.0, 1.9 * x + 20), (-110.0, 1.9 * x + 20), (-24.0, x - 8), (60.0, x - 8), (500.0, x - 8)]
            for (a, foot_a), (b, foot_b) in pairwise(line):
                corners = [(foot_a, a, -1.0), (foot_b, b, -1.0), (foot_b + 54, b, z), (foot_a + 54, a, z)]
                corners = [(s * east, north, up) for east, north, up in corners]
                kit.mesh.polygon(corners if s < 0 else corners[::-1], wood, two_sided=True)
    homes = Neighbourhood(kit, "village", changed)
    for k in range(7):
        homes.house(f"valley{k}", -x * 0.6 + k * x * 0.2, 30 + 14 * (k % 3), 0.1 * k)
    homes.trees(scatter(kit.rng("grove"), 24, 24, 90), "grove", height=9)
    flat_ground(kit, (x * 0.1, -FAR), (x * 0.1 + 7, FAR), 0.05, kit.ground((176, 164, 140), (152, 142, 122), metres=8))
    hills(kit, kit.rng("hills"), height=float(rng.uniform(90, 170)), radius=560)
    return 0


def _lamps(kit: Kit, spots: list[tuple[float, float]]) -> None:
    iron = kit.surface("metal", (52, 54, 58), unit=0.3)
    for x, y in spots:
        with kit.mesh.at(x, y):
            lathe(kit.mesh, [(0.3, 0), (0.09, 0.8), (0.08, 4.2)], 4, iron)
            lathe(kit.mesh, [(0.12, 4.2), (0.35, 4.6), (0.35, 5.0), (0, 5.4)], 4, iron.tinted(2.4, 2.2, 1.8))
