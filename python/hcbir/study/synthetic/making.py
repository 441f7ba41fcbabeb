"""One image, from its plan to its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hcbir.study.synthetic.alterations import alter
from hcbir.study.synthetic.colours import recolour
from hcbir.study.synthetic.design import Shot
from hcbir.study.synthetic.domains import DOMAINS
from hcbir.study.synthetic.lighting import lighting
from hcbir.study.synthetic.objects import add_clutter
from hcbir.study.synthetic.occluders import add_occluders
from hcbir.study.synthetic.places.kit import Kit, Season
from hcbir.study.synthetic.places.place import KINDS, Moment, Place, build_place
from hcbir.study.synthetic.rendering.mesh import Mesh
from hcbir.study.synthetic.rendering.numbers import Bytes, Doubles, Mask, generator, pick
from hcbir.study.synthetic.rendering.picture import take_picture
from hcbir.study.synthetic.viewpoints import clear_view, viewpoint

PLAIN = (0.0, 0.4, 0.75, 0.95)
"""How much of its details the landmark lacks, by the strength of undistinctiveness."""
_YEARS = ((2005, 2020), (1990, 2020), (1920, 1970), (1860, 1930))


@dataclass(frozen=True, eq=False)
class Made:
    """An image and what is true of it.

    Parameters
    ----------
    pixels : (h, w, 3) uint8, RGB
    camera : (3, 4) float64
        World (metres; x east, y north, z up from the landmark's middle on the ground plane) to pixels of the image,
        homogeneous; (0, 0) is the first pixel's outer edge. Two images of a class see the same world.
    share : float
        Of the image, that shows the landmark.
    hidden : float
        Of the landmark in the frame, that occluders hide.
    season : str
    date : int
        Year.
    """

    pixels: Bytes
    camera: Doubles
    share: float
    hidden: float
    season: str
    date: int


def make_image(shot: Shot, longest_side: int) -> Made:
    """The same bits on every machine, for the same version of hcbir and of numpy's generators."""
    rng = generator(shot.seed, shot.place, shot.number, "image")
    moment = _moment(shot)
    place = _place(shot.kind, shot.seed, shot.place, moment)
    of_place = generator(shot.seed, shot.place, "habits")
    turned = float(of_place.uniform(-0.35, 0.35)) * min(place.kind.turns, 1.0)
    sun = pick(of_place, (-1, 1)) * float(of_place.uniform(0.5, 1.0)) + turned
    camera = viewpoint(
        place,
        scale=shot.strength("scale"),
        orientation=shot.strength("orientation"),
        positioning=shot.strength("positioning"),
        turned=turned,
        longest_side=longest_side,
        rng=rng,
    )
    clutter = Mesh()
    add_clutter(
        clutter, place, camera, shot.strength("clutter"), generator(shot.seed, shot.place, shot.number, "clutter")
    )
    hiding = shot.strength("occlusion")

    def occlude(landmark: Mask) -> Mesh:
        mesh = Mesh()
        between = generator(shot.seed, shot.place, shot.number, "occlusion")
        kit = Kit(mesh, shot.seed, shot.place, 10, moment.season)
        add_occluders(mesh, kit, place, camera, landmark, hiding, between)
        return mesh

    scene = replace(place.scene, faces=clear_view(place.scene.faces, camera))
    picture = take_picture(
        scene.plus(clutter),
        camera,
        lighting(shot.strength("illumination"), rng, sun=sun),
        rng,
        occlude=occlude if hiding else None,
        plain=PLAIN[shot.strength("undistinctiveness")],
    )
    pixels, onto = DOMAINS[shot.domain](picture, rng)
    # colours change what was printed, alterations befall the print; the paper's own colour belongs to it
    pixels = alter(pixels, shot.strength("alterations"), generator(shot.seed, shot.place, shot.number, "alterations"))
    pixels = recolour(pixels, shot.strength("color"), generator(shot.seed, shot.place, shot.number, "color"))
    matrix = camera.matrix()
    into = np.array([[sum(float(onto[i, k] * matrix[k, j]) for k in range(3)) for j in range(4)] for i in range(3)])
    years = _YEARS[moment.change]
    return Made(
        np.clip(pixels + np.float32(0.5), 0, 255).astype(np.uint8),
        into,
        picture.share,
        picture.hidden,
        moment.season.name.lower(),
        int(generator(shot.seed, shot.place, shot.number, "date").integers(*years)),
    )


def _moment(shot: Shot) -> Moment:
    change = shot.strength("time changes")
    if change == 0:
        return Moment()
    rng = generator(shot.seed, shot.place, "season", change)
    return Moment(change, pick(rng, (Season.AUTUMN, Season.WINTER)) if change == 1 else pick(rng, tuple(Season)))


@lru_cache(maxsize=6)
def _place(kind: int, seed: int, name: str, moment: Moment) -> Place:
    return build_place(KINDS[kind], seed, name, moment)
