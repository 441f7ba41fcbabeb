"""Colours of what places are built of and stand on."""

from __future__ import annotations

from hcbir.study.synthetic.rendering.numbers import Colour

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
