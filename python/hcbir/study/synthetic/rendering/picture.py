"""A picture of a scene: what the rasteriser finds, in light, before the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hcbir.study.synthetic.rendering.atlas import Textures, join_textures
from hcbir.study.synthetic.rendering.camera import Camera
from hcbir.study.synthetic.rendering.light import Light, lit_share, shadow_map
from hcbir.study.synthetic.rendering.mesh import Faces, Mesh, Part, join, mirrored, turned
from hcbir.study.synthetic.rendering.numbers import Floats, Mask, Rng, noise
from hcbir.study.synthetic.rendering.projection import project
from hcbir.study.synthetic.rendering.raster import Buffers, rasterise
from hcbir.study.synthetic.rendering.shading import Shader
from hcbir.study.synthetic.rendering.sky import sky
from hcbir.study.synthetic.rendering.water import below_horizon, on_water

SKY, WATER = -1, -2
"""Among parts."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Polygons and their textures; `radius` metres around the origin cast shadows; `water` fills z = 0."""

    faces: Faces
    textures: Textures
    radius: float
    water: bool = False

    def plus(self, mesh: Mesh) -> Scene:
        """With what stands in a mesh, after the rest."""
        if not len(mesh):
            return self
        faces, textures = mesh.close()
        faces = replace(faces, textures=faces.textures + len(self.textures.sizes))
        return replace(self, faces=join(self.faces, faces), textures=join_textures(self.textures, textures))


@dataclass(eq=False)
class Picture:
    """`pixels` (h, w, 3) RGB 0..255; `parts` (h, w) a `Part`, `SKY` or `WATER`; `faces` (h, w) which polygon, -1 none.

    `hidden` is the share of the landmark's pixels that occluders cover, `share` that of the image that shows it.
    """

    pixels: Floats
    parts: npt.NDArray[np.int64]
    faces: npt.NDArray[np.int32]
    hidden: float
    share: float
    camera: Camera


def take_picture(
    scene: Scene,
    camera: Camera,
    light: Light,
    rng: Rng,
    *,
    occlude: Callable[[Mask], Mesh] | None = None,
    plain: float = 0,
) -> Picture:
    """Renders twice as large each way and takes means.

    `occlude` is told where the landmark shows and returns what is to stand before it; `plain` 0..1 is how much of its
    details the landmark lacks.
    """
    fine = twice(camera)
    scene = replace(scene, faces=turned(scene.faces, camera.eye))
    buffers = Buffers.empty(fine.height, fine.width)
    rasterise(buffers, project(scene.faces, scene.textures, fine), scene.faces, scene.textures)
    landmark = _landmark(buffers, scene.faces)
    before = int(np.count_nonzero(landmark))
    if occlude is not None:
        num_faces = len(scene.faces)
        scene = scene.plus(occlude(landmark[::2, ::2]))
        scene = replace(scene, faces=turned(scene.faces, camera.eye))
        occluders = scene.faces.where(np.arange(len(scene.faces)) >= num_faces)
        _add(buffers, occluders, num_faces, scene.textures, fine)
    after = int(np.count_nonzero(_landmark(buffers, scene.faces)))
    pixels, parts, shown = _finish(scene, buffers, camera, light, rng, plain)
    share = after / buffers.face.size
    return Picture(pixels, parts, shown, 1 - after / before if before else 0.0, share, camera)


def twice(camera: Camera) -> Camera:
    """The same view with twice the pixels each way."""
    return replace(
        camera,
        focal=2 * camera.focal,
        centre=(2 * camera.centre[0], 2 * camera.centre[1]),
        width=2 * camera.width,
        height=2 * camera.height,
    )


def _landmark(buffers: Buffers, faces: Faces) -> Mask:
    shown: Mask = np.append(faces.parts == Part.LANDMARK, False)[buffers.face]
    return shown


def _add(buffers: Buffers, faces: Faces, first: int, textures: Textures, camera: Camera) -> None:
    if not len(faces):
        return
    more = Buffers(buffers.depth, np.full_like(buffers.face, -1), buffers.texel)
    rasterise(more, project(faces, textures, camera), faces, textures)
    np.copyto(buffers.face, more.face + np.int32(first), where=more.face >= 0)


def _finish(
    scene: Scene, buffers: Buffers, camera: Camera, light: Light, rng: Rng, plain: float
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Pixels, parts and polygons at the size of `camera`; the buffers are twice as large."""
    faces, num_real = scene.faces, len(scene.faces)
    if scene.water:
        reflected = mirrored(faces)
        _add(buffers, reflected, num_real, scene.textures, twice(camera))
        faces = join(faces, reflected)
    face = np.ascontiguousarray(buffers.face[::2, ::2])
    world = _world(camera, buffers.depth[::2, ::2])
    height = np.where(face >= num_real, -world[2], world[2])
    if light.sun[2] > 0.02 and max(light.sun_colour) > 0:
        shadows, into = shadow_map(scene.faces, light.sun, scene.radius)
        lit = lit_share(shadows, into, (world[0], world[1], height), scene.radius)
    else:
        lit = np.zeros(face.shape, np.float32)
    background = sky(camera, light, rng, mirrored=scene.water)
    pixels = Shader(faces, scene.textures, light, plain).shade(buffers, lit, height, background)
    parts = np.append(faces.parts, SKY)[face]
    if scene.water:
        below = (face >= num_real) | ((face < 0) & below_horizon(camera))
        parts = np.where(below, WATER, parts)
        pixels = on_water(pixels, below, camera, light, noise(256, 256, 64, rng, octaves=5), rng)
    return np.clip(pixels, 0, 255), parts, np.where(face < num_real, face, -1).astype(np.int32)


def _world(camera: Camera, depth: Floats) -> tuple[Floats, Floats, Floats]:
    """Where each pixel's point is; the eye at the sky."""
    z = np.where(depth > 0, np.float32(1) / np.maximum(depth, np.float32(1e-9)), np.float32(0))
    x = (np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.centre[0])) * np.float32(1 / camera.focal)
    y = (np.arange(camera.height, dtype=np.float32) + np.float32(0.5 - camera.centre[1])) * np.float32(1 / camera.focal)
    right, down, forward = camera.axes

    def along(k: int) -> Floats:
        ray = (np.float32(right[k]) * x)[None] + (np.float32(down[k]) * y + np.float32(forward[k]))[:, None]
        out: Floats = z * ray + np.float32(camera.eye[k])
        return out

    return along(0), along(1), along(2)
