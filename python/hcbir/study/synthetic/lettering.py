"""Capitals and figures as strokes, for captions and stamps: no font, so no font's version."""

from __future__ import annotations

import cv2
import numpy as np

from hcbir.study.synthetic.rendering.numbers import Bytes

# Strokes on a grid of 4 x 6, y down, points as two digits: "00" top left, "46" bottom right.
_STROKES = {
    "A": "06 20 46|13 33",
    "B": "00 06 36 45 34 03|00 30 41 32 03",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 44 42 20 00",
    "E": "40 00 06 46|03 33",
    "F": "40 00 06|03 33",
    "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06|40 46|03 43",
    "I": "20 26",
    "J": "40 45 36 16 05",
    "K": "00 06|40 03 46",
    "L": "00 06 46",
    "M": "06 00 23 40 46",
    "N": "06 00 46 40",
    "O": "10 01 05 16 36 45 41 30 10",
    "P": "06 00 30 41 42 33 03",
    "Q": "10 01 05 16 36 45 41 30 10|24 46",
    "R": "06 00 30 41 42 33 03 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05",
    "T": "00 40|20 26",
    "U": "00 05 16 36 45 40",
    "V": "00 26 40",
    "W": "00 16 23 36 40",
    "X": "00 46|40 06",
    "Y": "00 23 40|23 26",
    "Z": "00 40 06 46",
    "-": "13 33",
    ".": "26 26",
    "0": "10 01 05 16 36 45 41 30 10",
    "1": "11 20 26",
    "2": "01 10 30 41 42 06 46",
    "3": "00 40 23 33 44 45 36 16 05",
    "4": "36 30 04 44",
    "5": "40 00 03 33 44 45 36 06",
    "6": "40 20 03 05 16 36 45 44 33 03",
    "7": "00 40 16",
    "8": "10 01 02 13 33 44 45 36 16 05 04 13|33 42 41 30 10",
    "9": "43 13 02 01 10 30 41 43 26 06",
}


def write(mask: Bytes, text: str, at: tuple[float, float], height: float, thickness: int = 1) -> float:
    """Draws `text` into a mask, its upper left corner `at`; returns its width in pixels."""
    unit = height / 6
    x = at[0]
    for letter in text.upper():
        for stroke in _STROKES.get(letter, "").split("|"):
            if stroke:
                points = [(x + int(p[0]) * unit, at[1] + int(p[1]) * unit) for p in stroke.split()]
                fixed = np.floor(np.array(points) * 16 + 0.5).astype(np.int32)
                cv2.polylines(mask, [fixed], False, 255, thickness, cv2.LINE_AA, 4)
        x += (5.4 if letter not in "I1. " else 3.4) * unit
    return x - at[0]
