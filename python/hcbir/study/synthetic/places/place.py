"""A place at one time: a landmark of some kind in its surroundings."""

from __future__ import annotations

from dataclasses import dataclass

from hcbir.study.synthetic.places import civic, sacred, works
from hcbir.study.synthetic.places.kit import Kit, Season
from hcbir.study.synthetic.places.settings import SETTINGS, WATERY
from hcbir.study.synthetic.places.site import Extent, Kind, Site
from hcbir.study.synthetic.rendering.mesh import Mesh, Part
from hcbir.study.synthetic.rendering.picture import Scene

KINDS = (
    Kind("church", sacred.church, "village", 40),
    Kind("castle", works.castle, "hill", 56, stand=0.1),
    Kind("bridge", works.stone_bridge, "river", 74, stand=0.07, turns=0.7),
    Kind("town_hall", civic.town_hall, "square", 40),
    Kind("lighthouse", works.lighthouse, "coast", 40, stand=0.15),
    Kind("farm", works.farm, "fields", 54, stand=1.1, fill=0.5, turns=3.1),
    Kind("triumphal_arch", civic.triumphal_arch, "square", 30, turns=0.8),
    Kind("windmill", works.windmill, "village", 26, turns=0.8),
    Kind("palace", civic.palace, "park", 70, stand=0.1),
    Kind("aqueduct", works.aqueduct, "valley", 90, stand=0.06, turns=0.7),
    Kind("cathedral", sacred.cathedral, "square", 60, stand=0.05),
    Kind("factory", works.factory, "village", 70, stand=0.15),
    Kind("pagoda", sacred.pagoda, "park", 40),
    Kind("suspension_bridge", works.suspension_bridge, "river", 120, stand=0.07, turns=0.7),
    Kind("column", civic.column, "square", 42, stand=0.05),
    Kind("fort", works.fort, "fields", 110, stand=0.9, fill=0.7, turns=3.1),
    Kind("temple", sacred.temple, "hill", 48),
    Kind("water_tower", works.water_tower, "village", 36),
    Kind("basilica", sacred.basilica, "square", 50, stand=0.08),
    Kind("gate", civic.gate, "square", 40),
    Kind("dam", works.dam, "valley", 90, stand=0.2, turns=0.6),
    Kind("mosque", sacred.mosque, "square", 50, stand=0.12),
    Kind("arena", civic.arena, "park", 64, stand=0.25, turns=1.2),
    Kind("tower_block", works.tower_block, "park", 64, stand=0.06),
    Kind("station", civic.station, "square", 60),
    Kind("abbey", sacred.abbey, "fields", 60, stand=0.7, turns=2.0),
    Kind("lattice_tower", works.lattice_tower, "park", 80, stand=0.04),
    Kind("theatre", civic.theatre, "square", 40),
)
"""In the order in which classes take them."""

TEXELS = 620.0
"""Across the landmark's largest dimension."""


@dataclass(frozen=True)
class Moment:
    """When a place is seen: `change` 0 as the reference, 1 another season, 2 other surroundings, 3 rebuilt too."""

    change: int = 0
    season: Season = Season.SUMMER


@dataclass(frozen=True, eq=False)
class Place:
    """`base` is the height on which the landmark stands."""

    kind: Kind
    scene: Scene
    extent: Extent
    base: float


def build_place(kind: Kind, seed: int, name: str, moment: Moment) -> Place:
    """The same seed and name, the same place."""
    mesh = Mesh()
    kit = Kit(mesh, seed, name, TEXELS / kind.size, moment.season)
    with mesh.at(part=Part.LANDMARK):
        extent = kind.build(Site(mesh, kit, kit.rng("landmark"), rebuilt=moment.change >= 3))
    changed = (0.0, 0.0, 0.6, 0.8)[moment.change]
    base = SETTINGS[kind.setting](kit, extent, changed)
    mesh.lift(Part.LANDMARK, base)
    faces, textures = mesh.close()
    radius = max(extent.width, extent.height, extent.depth) * 1.2 + 20
    return Place(kind, Scene(faces, textures, radius, water=kind.setting in WATERY), extent, base)
