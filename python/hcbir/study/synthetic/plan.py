"""What a plan of a building is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hcbir.study.synthetic.canvas import Canvas, Elevation
from hcbir.study.synthetic.materials import Colour

Ground = Literal["grass", "paving", "water"]


@dataclass(frozen=True)
class Plan:
    """A kind of building, `width` x `height` plan units, and how it is drawn."""

    name: str
    width: float
    height: float
    ground: Ground
    draw: Callable[[Canvas], None]

    def build(self, scale: float, rng: np.random.Generator) -> Elevation:
        """Draws one building of this kind at `scale` pixels a unit."""
        canvas = Canvas(self.width, self.height, scale=scale, rng=rng)
        self.draw(canvas)
        return canvas.elevation()


def near(rng: np.random.Generator, colour: Colour, spread: float = 18) -> Colour:
    """A colour not far from the given one."""
    shift = rng.uniform(-spread, spread)  # of all channels, and a little of each
    red, green, blue = (min(250.0, max(20.0, value + shift + float(rng.uniform(-5, 5)))) for value in colour)
    return red, green, blue
