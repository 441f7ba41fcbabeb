"""Ground, hills on the horizon."""

from __future__ import annotations

import math

from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.places.palette import GRASS, LEAVES
from hcbir.study.synthetic.rendering.mesh import Part, Surface
from hcbir.study.synthetic.rendering.numbers import Rng, direction, noise, pick

FAR = 4000.0
QUAY = 2.4


def flat_ground(kit: Kit, low: tuple[float, float], high: tuple[float, float], z: float, surface: Surface) -> None:
    with kit.mesh.at(part=Part.GROUND):
        kit.mesh.polygon(
            [(low[0], low[1], z), (high[0], low[1], z), (high[0], high[1], z), (low[0], high[1], z)], surface
        )


def ground_all_around(kit: Kit, z: float, surface: Surface) -> None:
    flat_ground(kit, (-FAR, -FAR), (FAR, FAR), z, surface)


def hills(
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


def grass(kit: Kit, rng: Rng, metres: float = 14) -> Surface:
    return kit.ground(*pick(rng, GRASS), metres=metres)
