"""Colour alone: every change here keeps each pixel's luma, so that what is blind to colour sees none of it."""

from __future__ import annotations

import numpy as np

from hcbir.study.synthetic.rendering.numbers import Floats, Rng, luma, pick

_TONES = {  # of the greys; what they add to the luma is taken out again
    "grey": (0.0, 0.0, 0.0),
    "sepia": (26.0, 2.0, -34.0),
    "cyanotype": (-52.0, -4.0, 44.0),
    "selenium": (14.0, -8.0, 10.0),
}
_CASTS = ((18.0, 4.0, -22.0), (-16.0, 2.0, 22.0), (10.0, -9.0, 14.0), (-10.0, 9.0, -8.0))


def recolour(pixels: Floats, strength: int, rng: Rng) -> Floats:
    """0 nothing; 1 a cast and paler colours; 2 nearly grey, or colours exchanged; 3 one tone only."""
    if strength == 0:
        return pixels
    grey = luma(pixels)
    if strength == 1:
        return _shifted(grey, (pixels - grey[..., None]) * np.float32(rng.uniform(0.55, 0.75)), pick(rng, _CASTS))
    if strength == 2:
        chroma = pixels - grey[..., None]
        if rng.random() < 0.4:  # another printer's inks
            chroma = chroma[..., [1, 2, 0]] * np.float32(0.9)
            return _shifted(grey, chroma, pick(rng, _CASTS))
        return _shifted(grey, chroma * np.float32(rng.uniform(0.08, 0.2)), pick(rng, tuple(_TONES.values())[1:]))
    name = pick(rng, ("grey", "grey", "sepia", "sepia", "cyanotype", "selenium"))
    return _shifted(grey, np.zeros((1, 1, 3), np.float32), _TONES[name])


def _shifted(grey: Floats, chroma: Floats, tone: tuple[float, float, float]) -> Floats:
    """Grey and chroma together, the chroma without luma and shrunk where a channel would leave 0..255."""
    middle = np.minimum(grey, np.float32(255) - grey) * np.float32(1 / 100)
    colour = chroma + np.array(tone, np.float32) * np.minimum(middle, np.float32(1))[..., None]
    colour = colour - luma(colour)[..., None]
    room = np.where(colour > 0, np.float32(255) - grey[..., None], grey[..., None])
    need = np.maximum(np.abs(colour), np.float32(1e-3))
    share = np.minimum(room / need, np.float32(1)).min(axis=2, keepdims=True)
    out: Floats = grey[..., None] + colour * share
    return out
