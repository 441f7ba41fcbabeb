"""Text in pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import ImageFont


def load_font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font at `size` pixels: it has the Latin letters and no arrows."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow must have FreeType for captions, this one was built without it")
    return font


def shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text on one line, its middle left out where it would be wider than `width` pixels."""
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    for keep in range(len(text) - 1, 1, -1):
        short = f"{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}"
        if font.getlength(short) <= width:
            return short
    return "…"


def image_caption(path: Path) -> str:
    """The file and its folder, which is often the class.

    >>> image_caption(Path("photos/bridge/003.jpg"))
    'bridge/003.jpg'
    """
    return "/".join(path.parts[-2:])


def number(score: float) -> str:
    """Counts without decimals, anything else with three."""
    return f"{score:.0f}" if float(score).is_integer() else f"{score:.3f}"
