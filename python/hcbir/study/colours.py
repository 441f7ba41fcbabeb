"""The colours of pictures."""

from __future__ import annotations

Colour = tuple[int, int, int]

BACKGROUND: Colour = (28, 29, 32)
MAT: Colour = (12, 12, 13)
TEXT: Colour = (228, 228, 224)
DIM: Colour = (160, 162, 166)
QUERY: Colour = (255, 255, 255)
CORRECT: Colour = (67, 186, 103)
INCORRECT: Colour = (217, 69, 63)
UNKNOWN: Colour = (128, 131, 136)
BOX: Colour = (255, 209, 82)
INLIER: Colour = (64, 222, 118)  # brighter than what frames have: it lies on photographs
CHANCE: Colour = (205, 208, 212)
SHADOW: Colour = (16, 16, 18)
