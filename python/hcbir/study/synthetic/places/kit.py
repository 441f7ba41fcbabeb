"""What a place is built of: its materials, made when first asked for, and its facades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from hcbir.study.synthetic.places import materials
from hcbir.study.synthetic.places.sheet import Sheet, window
from hcbir.study.synthetic.rendering.mesh import Mesh, Surface
from hcbir.study.synthetic.rendering.numbers import Bytes, Colour, Rng, generator, pick

STONES: tuple[Colour, ...] = (
    (204, 190, 160),
    (188, 180, 168),
    (176, 158, 132),
    (214, 204, 184),
    (168, 150, 138),
    (196, 170, 132),
    (160, 160, 158),
)
PLASTERS: tuple[Colour, ...] = (
    (226, 208, 168),
    (218, 190, 150),
    (222, 216, 204),
    (206, 168, 138),
    (196, 206, 198),
    (232, 222, 190),
    (214, 176, 160),
    (186, 196, 208),
)
BRICKS: tuple[Colour, ...] = ((168, 92, 70), (150, 84, 66), (184, 116, 86), (138, 92, 78))
ROOFS: tuple[Colour, ...] = ((160, 82, 56), (146, 92, 66), (92, 98, 110), (78, 82, 90), (128, 72, 54), (110, 92, 78))
LEAVES: tuple[Colour, ...] = ((74, 104, 48), (88, 112, 54), (60, 92, 52), (96, 116, 62))
GRASS: tuple[tuple[Colour, Colour], ...] = (
    ((96, 118, 58), (126, 134, 76)),
    ((84, 112, 60), (112, 128, 70)),
    ((118, 124, 70), (146, 140, 88)),
)
SNOW: Colour = (232, 236, 244)
COPPER: Colour = (108, 152, 132)


@dataclass(frozen=True)
class Walls:
    """How a facade looks. Sizes in metres; `order`: columns or pilasters between bays."""

    base: str = "stone"
    colour: Colour = (204, 190, 160)
    trim: Colour = (222, 212, 190)
    frame: Colour = (236, 232, 222)
    bay: float = 3.2
    storey: float = 3.6
    opening: tuple[float, float] = (1.2, 2.0)
    head: str = "flat"
    shutters: Colour | None = None
    surround: bool = True
    quoins: bool = False
    pilasters: bool = False
    courses: bool = True
    bars: tuple[int, int] = (2, 3)
    door: str = "door"
    timber: bool = False


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


def draw_facade(sheet: Sheet, walls: Walls, rng: Rng) -> None:
    width, height = sheet.width, sheet.height
    storeys, bays = max(1, round((height - 0.4) / walls.storey)), max(1, round(width / walls.bay))
    storey, bay = (height - 0.5) / storeys, width / bays
    if walls.timber:
        _timber(sheet, storeys, bays, rng)
    if walls.courses:
        for k in range(1, storeys + 1):
            level = min(k * storey, height - 0.35)
            sheet.box(0, level, width, 0.22, walls.trim)
            sheet.multiply(0, level - 0.18, width, 0.18, 0.68)
    if walls.quoins:
        for k in range(int(height / 0.6)):
            size = 0.9 if k % 2 else 0.6
            for x in (0.0, width - size):
                sheet.box(x, k * 0.6, size, 0.54, walls.trim)
    if walls.pilasters:
        for k in range(bays + 1):
            x = min(max(k * bay - 0.25, 0), width - 0.5)
            sheet.box(x, 0, 0.5, height, walls.trim)
            sheet.multiply(x + 0.36, 0, 0.22, height, 0.72)
    tall = min(walls.opening[1], storey * 0.72)
    broad = min(walls.opening[0], bay * 0.62)
    pictures = [
        window(
            sheet.density,
            broad,
            tall,
            rng,
            frame=walls.frame,
            surround=walls.trim if walls.surround else None,
            head=walls.head,
            shutters=walls.shutters if bay > 2.4 * broad else None,
            lit=lit,
            bars=walls.bars,
        )
        for lit in (True, False, True)
    ]
    entrance = bays // 2
    for row in range(storeys):
        for k in range(bays):
            middle = (k + 0.5) * bay
            if row == 0 and walls.door != "none" and (k == entrance or walls.door in ("shop", "arcade")):
                _ground_floor(sheet, walls, middle, bay, storey, rng)
                continue
            picture = pictures[int(rng.integers(3))]
            x = middle - picture.shape[1] / sheet.density / 2
            sheet.paste(picture, x, row * storey + (storey - tall) * 0.42)
    sheet.weather()


def _ground_floor(sheet: Sheet, walls: Walls, middle: float, bay: float, storey: float, rng: Rng) -> None:
    if walls.door == "shop":
        colour = pick(rng, ((120, 40, 36), (36, 70, 60), (40, 52, 86), (150, 120, 60), (70, 60, 56)))
        sheet.box(middle - bay * 0.46, 0.1, bay * 0.92, storey * 0.86, colour)
        sheet.box(middle - bay * 0.4, 0.5, bay * 0.8, storey * 0.5, (46, 52, 58), 192)
        sheet.box(middle - bay * 0.42, storey * 0.68, bay * 0.84, storey * 0.13, (228, 214, 180))
        for k in range(int(rng.integers(4, 9))):
            sheet.box(middle - bay * 0.36 + k * bay * 0.08, storey * 0.71, bay * 0.05, storey * 0.07, (60, 50, 46))
        return
    wide = bay * 0.66 if walls.door == "arcade" else min(bay * 0.6, 1.6 if walls.door == "door" else 3.2)
    tall = storey * (0.86 if walls.door != "door" else 0.7)
    round_ = walls.door in ("arcade", "portal")
    layers: tuple[tuple[float, Colour], ...] = (
        (0.18, walls.trim),
        (0.0, (44.0, 38.0, 36.0)),
        (-0.1, (92.0, 62.0, 40.0) if walls.door != "arcade" else (34.0, 32.0, 36.0)),
    )
    for grow, tone in layers:
        x, w, h = middle - wide / 2 - grow, wide + 2 * grow, tall + grow
        if round_:
            sheet.fill(sheet.arch(x, 0, w, h), tone)
        else:
            sheet.box(x, 0, w, h, tone)
    if walls.door != "arcade":
        sheet.box(middle - 0.03, 0, 0.06, tall - 0.1, (50, 36, 26))


def _timber(sheet: Sheet, storeys: int, bays: int, rng: Rng) -> None:
    wood = (84, 60, 44)
    storey, bay = sheet.height / storeys, sheet.width / (2 * bays)
    for row in range(storeys + 1):
        sheet.box(0, min(row * storey, sheet.height - 0.2), sheet.width, 0.2, wood)
    for k in range(2 * bays + 1):
        sheet.box(min(k * bay, sheet.width - 0.18), 0, 0.18, sheet.height, wood)
    for row in range(storeys):
        for k in range(2 * bays):
            if rng.random() < 0.4:
                x0, x1 = (k * bay, (k + 1) * bay) if rng.random() < 0.5 else ((k + 1) * bay, k * bay)
                y = row * storey
                sheet.fill([(x0, y), (x0 + 0.2, y), (x1 + 0.2, y + storey), (x1, y + storey)], wood)
