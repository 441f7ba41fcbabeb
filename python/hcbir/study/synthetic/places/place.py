"""A place at one time: a landmark of some kind in its surroundings."""

from __future__ import annotations

from dataclasses import dataclass

from hcbir.study.synthetic.places import bridges, churches, modern, monuments, palaces, rural, strongholds, temples
from hcbir.study.synthetic.places.kit import Kit, Season
from hcbir.study.synthetic.places.settings import SETTINGS, WATERY
from hcbir.study.synthetic.places.site import Extent, Kind, Site
from hcbir.study.synthetic.rendering.mesh import Mesh, Part
from hcbir.study.synthetic.rendering.picture import Scene

KINDS = (
    Kind("church", churches.church, "village", 40),
    Kind("castle", strongholds.castle, "hill", 56, stand=0.1),
    Kind("bridge", bridges.stone_bridge, "river", 74, stand=0.07, turns=0.7),
    Kind("town_hall", palaces.town_hall, "square", 40),
    Kind("lighthouse", rural.lighthouse, "coast", 40, stand=0.15),
    Kind("farm", rural.farm, "fields", 54, stand=1.1, fill=0.5, turns=3.1),
    Kind("triumphal_arch", monuments.triumphal_arch, "square", 30, turns=0.8),
    Kind("windmill", rural.windmill, "village", 26, turns=0.8),
    Kind("palace", palaces.palace, "park", 70, stand=0.1),
    Kind("aqueduct", bridges.aqueduct, "valley", 90, stand=0.06, turns=0.45),
    Kind("cathedral", churches.cathedral, "square", 60, stand=0.05),
    Kind("factory", modern.factory, "village", 70, stand=0.15),
    Kind("pagoda", temples.pagoda, "park", 40),
    Kind("suspension_bridge", bridges.suspension_bridge, "river", 120, stand=0.07, turns=0.7),
    Kind("column", monuments.column, "square", 42, stand=0.05),
    Kind("fort", strongholds.fort, "fields", 110, stand=0.9, fill=0.7, turns=3.1),
    Kind("temple", temples.temple, "hill", 48),
    Kind("water_tower", rural.water_tower, "village", 36),
    Kind("basilica", temples.basilica, "square", 50, stand=0.08),
    Kind("gate", monuments.gate, "square", 40),
    Kind("dam", bridges.dam, "valley", 90, stand=0.2, turns=0.3),
    Kind("mosque", temples.mosque, "square", 50, stand=0.12),
    Kind("arena", monuments.arena, "park", 64, stand=0.25, turns=1.2),
    Kind("tower_block", modern.tower_block, "park", 64, stand=0.06),
    Kind("station", palaces.station, "square", 60),
    Kind("abbey", churches.abbey, "fields", 60, stand=0.7, turns=2.0),
    Kind("lattice_tower", modern.lattice_tower, "park", 80, stand=0.04),
    Kind("theatre", palaces.theatre, "square", 40),
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
