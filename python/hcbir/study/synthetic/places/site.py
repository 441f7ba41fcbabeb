"""What a landmark's builder is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.rendering.mesh import Mesh
from hcbir.study.synthetic.rendering.numbers import Rng


@dataclass(frozen=True)
class Extent:
    """Metres: the landmark stands on the origin, its front to the south at y = -depth / 2."""

    width: float
    depth: float
    height: float


@dataclass(frozen=True, eq=False)
class Site:
    """`rebuilt`: the landmark as it was before it was rebuilt; builders draw the same random numbers either way."""

    mesh: Mesh
    kit: Kit
    rng: Rng
    rebuilt: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of landmark.

    `setting` names its surroundings; `size` is its largest dimension in metres, about; `stand` the camera's height
    above the ground as a share of it, and `fill` the share of the frame that it takes;
    `turns` how far one may walk around it to either side, radians.
    """

    name: str
    build: Callable[[Site], Extent]
    setting: str
    size: float
    stand: float = 0.08
    fill: float = 0.72
    turns: float = 0.9
