"""Light by the strength of the illumination's variation: from the reference's day to night."""

from __future__ import annotations

import math
from dataclasses import replace

from hcbir.study.synthetic.rendering.light import Light
from hcbir.study.synthetic.rendering.numbers import Rng, pick

_SOUTH = -math.pi / 2


def lighting(strength: int, rng: Rng, *, sun: float) -> Light:
    """`sun` radians west or east of south is where it stands in the reference's afternoon."""
    day = Light((0, 0, 1), clouds=float(rng.uniform(0.2, 0.5)))
    azimuth = _SOUTH + sun + float(rng.uniform(-0.1, 0.1))
    if strength == 0:
        return day.with_sun(azimuth, float(rng.uniform(0.72, 0.85)))
    if strength == 1:
        return pick(rng, (_other_hour, _overcast))(day, rng, azimuth)
    if strength == 2:
        return pick(rng, (_evening, _fog, _against, _dull))(day, rng, azimuth)
    return pick(rng, (_night, _night, _dusk))(day, rng, azimuth)


def _other_hour(day: Light, rng: Rng, azimuth: float) -> Light:
    return day.with_sun(
        azimuth - math.copysign(float(rng.uniform(0.9, 1.4)), azimuth - _SOUTH), float(rng.uniform(0.5, 1.0))
    )


def _overcast(day: Light, rng: Rng, azimuth: float) -> Light:
    light = replace(
        day,
        sun_colour=(56, 56, 58),
        ambient=(182, 186, 192),
        sky_top=(172, 178, 186),
        sky_low=(212, 214, 216),
        cloud=(222, 224, 226),
        clouds=0.75,
        haze=(206, 209, 212),
        haze_distance=1600,
    )
    return light.with_sun(azimuth, 0.9)


def _evening(day: Light, rng: Rng, azimuth: float) -> Light:
    side = pick(rng, (-1, 1))
    light = replace(
        day,
        sun_colour=(270, 176, 96),
        ambient=(74, 72, 96),
        sky_top=(84, 104, 158),
        sky_low=(246, 190, 132),
        cloud=(246, 196, 160),
        haze=(230, 182, 144),
        haze_distance=1500,
    )
    return light.with_sun(_SOUTH + side * float(rng.uniform(1.0, 1.4)), float(rng.uniform(0.16, 0.28)))


def _against(day: Light, rng: Rng, azimuth: float) -> Light:
    """The sun behind the landmark."""
    light = replace(
        day,
        sun_colour=(255, 236, 200),
        ambient=(62, 68, 82),
        sky_low=(244, 236, 214),
        haze=(236, 228, 208),
        haze_distance=1200,
    )
    return light.with_sun(-azimuth + float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.35, 0.6)))


def _fog(day: Light, rng: Rng, azimuth: float) -> Light:
    light = replace(
        day,
        sun_colour=(30, 30, 30),
        ambient=(170, 174, 178),
        sky_top=(206, 209, 212),
        sky_low=(212, 214, 216),
        clouds=0,
        haze=(210, 212, 214),
        haze_distance=float(rng.uniform(90, 190)),
    )
    return light.with_sun(azimuth, 0.8)


def _dull(day: Light, rng: Rng, azimuth: float) -> Light:
    """Before a storm, and underexposed."""
    light = replace(
        day,
        sun_colour=(70, 68, 60),
        ambient=(62, 66, 74),
        sky_top=(64, 70, 82),
        sky_low=(112, 116, 122),
        cloud=(92, 96, 106),
        clouds=0.85,
        haze=(104, 108, 114),
        haze_distance=1400,
    )
    return light.with_sun(azimuth, 0.6)


def _night(day: Light, rng: Rng, azimuth: float) -> Light:
    light = replace(
        day,
        sun_colour=(24, 28, 40),
        ambient=(20, 24, 40),
        sky_top=(8, 11, 26),
        sky_low=(26, 30, 52),
        cloud=(36, 38, 56),
        clouds=0.3,
        haze=(24, 27, 46),
        haze_distance=1200,
        lamps=1.0,
        flood=float(rng.uniform(0.5, 0.95)),
    )
    return light.with_sun(azimuth, 0.9)


def _dusk(day: Light, rng: Rng, azimuth: float) -> Light:
    light = replace(
        day,
        sun_colour=(0, 0, 0),
        ambient=(46, 52, 84),
        sky_top=(34, 44, 92),
        sky_low=(214, 132, 96),
        cloud=(120, 84, 110),
        clouds=0.5,
        haze=(120, 92, 104),
        haze_distance=1500,
        lamps=0.9,
        flood=float(rng.uniform(0, 0.4)),
    )
    return light.with_sun(azimuth, 0.1)
