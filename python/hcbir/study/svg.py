"""Pieces of SVG documents."""

from __future__ import annotations

import base64
import io
from xml.etree import ElementTree

from PIL import Image

from hcbir.study.captions import load_font
from hcbir.study.colours import Colour


def document(width: int, height: int, title: str) -> ElementTree.Element:
    """The root, of that size in pixels; readers of the screen say the title."""
    root = element(None, "svg", xmlns="http://www.w3.org/2000/svg", width=width, height=height)
    root.set("viewBox", f"0 0 {width} {height}")
    root.set("role", "img")
    element(root, "title").text = title
    return root


def element(parent: ElementTree.Element | None, tag: str, **attributes: object) -> ElementTree.Element:
    """An element whose attributes are called as in Python, numbers to two places."""
    texts = {
        name.replace("_", "-"): f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        for name, value in attributes.items()
    }
    if parent is None:
        return ElementTree.Element(tag, texts)
    return ElementTree.SubElement(parent, tag, texts)


def words(parent: ElementTree.Element, x: float, y: float, text: str, size: float, colour: Colour) -> None:
    """A line of text from x on, its middle at y, as long in any font as in `load_font`'s."""
    line = element(parent, "text", x=x, y=y, fill=css(colour), font_size=size)
    line.set("font-family", "system-ui, sans-serif")
    line.set("dominant-baseline", "central")
    line.set("textLength", f"{load_font(size).getlength(text):.1f}")
    line.set("lengthAdjust", "spacingAndGlyphs")
    line.text = text


def css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def data_url(image: Image.Image) -> str:
    """The image as a JPEG within a document."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def text_of(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode") + "\n"
