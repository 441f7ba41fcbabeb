"""What a place is built of: its materials, made when first asked for, and its facades."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from hcbir.study.synthetic.places import materials
from hcbir.study.synthetic.places.facades import Walls, draw_facade
from hcbir.study.synthetic.places.palette import SNOW
from hcbir.study.synthetic.places.sheet import Sheet
from hcbir.study.synthetic.rendering.mesh import Mesh, Surface
from hcbir.study.synthetic.rendering.numbers import Bytes, Colour, Rng, generator


class Season(IntEnum):
    SUMMER = 0
    AUTUMN = 1
    WINTER = 2


class Kit:
    """`detail` is texels a metre of what matters; the rest has less."""

    def __init__(self, mesh: Mesh, seed: int, name: str, detail: float, season: Season = Season.SUMMER) -> None:
        self.mesh, self.detail, self.season = mesh, detail, season
        self._seed, self._name = seed, name
        self._made: dict[object, Surface] = {}
        self._pixels: dict[object, Bytes] = {}

    def rng(self, *key: str | int) -> Rng:
        return generator(self._seed, self._name, *key)

    def pixels(self, kind: str, colour: Colour, size: int = 16) -> Bytes:
        key = kind, colour, size
        if key not in self._pixels:
            rng = self.rng("material", kind, int(sum(colour)), size)
            makers: dict[str, Callable[[], Bytes]] = {
                "stone": lambda: materials.stone(colour, rng, course=size, block=2 * size),
                "brick": lambda: materials.stone(
                    colour, rng, course=max(4, size // 2), block=max(8, size), contrast=0.2
                ),
                "plaster": lambda: materials.plaster(colour, rng),
                "concrete": lambda: materials.stone(colour, rng, course=4 * size, block=4 * size, contrast=0.05),
                "rubble": lambda: materials.rubble(colour, rng),
                "roof": lambda: materials.roof(colour, rng, size=size),
                "planks": lambda: materials.planks(colour, rng, size=size),
                "paving": lambda: materials.paving(colour, rng, size=size),
                "metal": lambda: materials.planks(colour, rng, size=4 * size),
                "canopy": lambda: materials.canopy(colour, rng),
            }
            self._pixels[key] = makers[kind]()
        return self._pixels[key]

    def surface(self, kind: str, colour: Colour, *, unit: float = 0.5, detail: float | None = None) -> Surface:
        """A tiled material whose courses (or tiles, boards) measure about `unit` metres."""
        detail = detail or self.detail
        if kind == "roof" and self.season is Season.WINTER:
            colour = _mixed(colour, SNOW, 0.72)
        size = 4
        while size < 32 and size * 1.5 < unit * detail:
            size *= 2
        key = kind, colour, size
        if key not in self._made:
            density = max(size / unit, 256 / 400)
            self._made[key] = Surface(self.mesh.atlas.add(self.pixels(kind, colour, size), density, tiled=True))
        return self._made[key]

    def ground(self, colour: Colour, other: Colour, *, metres: float = 12, furrows: int = 0) -> Surface:
        """Grass, sand, earth; a tile measures `metres`."""
        key = "ground", colour, other, metres, furrows
        if key not in self._made:
            rng = self.rng("ground", int(sum(colour)), int(sum(other)))
            if self.season is Season.WINTER:
                colour, other = _mixed(colour, SNOW, 0.85), _mixed(other, SNOW, 0.6)
            elif self.season is Season.AUTUMN:
                colour, other = _mixed(colour, (158, 128, 74), 0.4), _mixed(other, (150, 120, 70), 0.4)
            made = (
                materials.furrows(colour, other, rng, count=furrows)
                if furrows
                else materials.ground(colour, other, rng)
            )
            self._made[key] = Surface(self.mesh.atlas.add(made, 256 / metres, tiled=True))
        return self._made[key]

    def crown(self, colour: Colour, shape: str, height: float) -> Surface:
        """A tree's picture for trees of this height."""
        key = "crown", colour, shape, height
        if key not in self._made:
            if shape != "fir" and self.season is not Season.SUMMER:
                colour = _mixed(colour, (186, 108, 44) if self.season is Season.AUTUMN else (118, 108, 100), 0.75)
            elif self.season is Season.WINTER:
                colour = _mixed(colour, SNOW, 0.35)
            picture = materials.crown(colour, self.rng("crown", shape, int(sum(colour))), shape=shape)
            self._made[key] = Surface(self.mesh.atlas.add(picture, picture.shape[0] / height))
        return self._made[key]

    def add(self, sheet: Sheet, *, glows: bool = True) -> Surface:
        return Surface(self.mesh.atlas.add(sheet.pixels, sheet.density, glows=glows))

    def sheet(
        self, width: float, height: float, base: str, colour: Colour, rng: Rng, detail: float | None = None
    ) -> Sheet:
        detail = detail or self.detail
        size = 4
        while size < 32 and size * 1.5 < 0.45 * detail:
            size *= 2
        return Sheet(width, height, detail, self.pixels(base, colour, size), rng)

    def facade(self, width: float, height: float, walls: Walls, rng: Rng, *, detail: float | None = None) -> Surface:
        """Rows of windows between mouldings; `walls.door` is door, shop, arcade, portal or none."""
        sheet = self.sheet(width, height, walls.base, walls.colour, rng, detail)
        draw_facade(sheet, walls, rng)
        return self.add(sheet)


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    r, g, b = (a + (c - a) * share for a, c in zip(colour, other, strict=True))
    return r, g, b
