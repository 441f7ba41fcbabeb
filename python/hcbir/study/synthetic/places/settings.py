"""What surrounds a landmark, by name."""

from __future__ import annotations

from collections.abc import Callable

from hcbir.study.synthetic.places.inland import fields, hill, park, square, valley, village
from hcbir.study.synthetic.places.kit import Kit
from hcbir.study.synthetic.places.shores import coast, river
from hcbir.study.synthetic.places.site import Extent

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
