"""Two images side by side, their matched points joined by lines, as pixels and as SVG."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance

from hcbir._files import replacing
from hcbir.descriptors.images import open_image
from hcbir.study.captions import load_font, shortened
from hcbir.study.colours import BACKGROUND, BOX, CHANCE, DIM, INCORRECT, INLIER, SHADOW, TEXT, Colour
from hcbir.study.match_layout import GAP, Line, Panel, Points, lay_out
from hcbir.study.svg import css, data_url, document, element, text_of, words

ENDINGS = (".png", ".jpg", ".jpeg", ".svg")
_FINE = 2  # pictures are drawn at twice their size and shrunk; an SVG holds its images at that size
_BRIGHTNESS = 0.82  # of the images, so that lines stand out
_OUTLIER_OPACITY = 0.5


def check_ending(path: Path) -> None:
    """Refuses a name of a kind of picture that `MatchPicture.save` does not write."""
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path}: cannot write this kind of picture; use .png, .jpg or .svg")


class MatchPicture:
    """Two images, what joins them, and words beneath.

    Parameters
    ----------
    image0, image1 : PIL images
        The query and the target, of any size and mode; turned upright as their EXIF data say.
    points0, points1 : (p, 2)
        Matched points, x before y, in pixels of the images; (0, 0) is the centre of the top-left pixel.
    inlier_mask : (p,) bool
        Green lines join inliers, thin red ones the other matches.
    outline : (4, 2), optional
        The query's corners in the target, in pixels: a frame is drawn there, and about the query.
    agree : bool
        False where chance explains the inliers: their lines are grey then, and no frame is drawn.
    title : str, optional
        Stands before the counts beneath the images.
    names : (str, str), optional
        Stand beneath the images.
    height : int
        Of both images in the picture, in pixels; less where they would be too wide. An image more than 16 times as
        long as wide is drawn squeezed to that.
    max_inliers, max_outliers : int
        As many lines are drawn at most, evenly taken from all; a dot marks each inlier, the words count all.

    Raises
    ------
    ValueError
        If a shape is not as above, or `height` is under 16.
    """

    def __init__(
        self,
        image0: Image.Image,
        image1: Image.Image,
        points0: npt.ArrayLike,
        points1: npt.ArrayLike,
        inlier_mask: npt.ArrayLike,
        *,
        outline: npt.ArrayLike | None = None,
        agree: bool = True,
        title: str | None = None,
        names: tuple[str, str] | None = None,
        height: int = 480,
        max_inliers: int = 150,
        max_outliers: int = 60,
    ) -> None:
        image0, image1 = (open_image(image, longest_side=None).image for image in (image0, image1))
        self._layout = lay_out(
            (image0.size, image1.size),
            points0,
            points1,
            inlier_mask,
            outline=outline if agree else None,
            height=height,
            max_inliers=max_inliers,
            max_outliers=max_outliers,
        )
        self._images = [_shown(i, p) for i, p in zip((image0, image1), self._layout.panels, strict=True)]
        self._colour = INLIER if agree else CHANCE
        self._words = self._layout.counts if title is None else f"{title}   ·   {self._layout.counts}"
        self._names = names
        # Lines of words: their size follows the picture's, but can be read.
        self._text_size = max(11.0, min(18.0, self._layout.height * 0.034))
        self._strip = round(self._text_size * 1.9)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the whole picture."""
        return self._layout.width, self._layout.height + self._strip * (1 if self._names is None else 2)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the picture, whole or not at all, as SVG or as the pixels that the name's ending asks for.

        Raises
        ------
        ValueError
            For an ending that is unknown.
        OSError
            If it cannot be written.
        """
        target = Path(path)
        check_ending(target)
        ending = target.suffix.lower()
        with replacing(target) as file:
            if ending == ".svg":
                file.write(self.svg().encode())
            else:
                self.image().save(file, Image.registered_extensions()[ending])

    def image(self) -> Image.Image:
        """The picture in RGB."""
        layout = self._layout
        canvas = Image.new("RGB", (layout.width * _FINE, layout.height * _FINE), BACKGROUND)
        for image, panel in zip(self._images, layout.panels, strict=True):
            canvas.paste(image, (round(panel.left) * _FINE, round(panel.top) * _FINE))
        brush = ImageDraw.Draw(canvas, "RGBA")

        def draw(lines: list[Line], colour: Colour, opacity: float, width: int) -> None:
            for line in lines:
                ends = [(value * _FINE) for value in (line.x0, line.y0, line.x1, line.y1)]
                brush.line(ends, fill=(*colour, round(255 * opacity)), width=width)

        draw(layout.outliers, INCORRECT, _OUTLIER_OPACITY, _FINE)
        draw(layout.inliers, SHADOW, layout.opacity / 3, 2 * _FINE + 1)
        draw(layout.inliers, self._colour, layout.opacity, _FINE + 1)
        for x, y in layout.dots.tolist():
            brush.circle((x * _FINE, y * _FINE), 2.4 * _FINE, fill=self._colour, outline=SHADOW, width=1)
        for frame, panel in zip(self._frames(), layout.panels, strict=True):
            if frame is not None:
                self._draw_frame(canvas, frame, panel)
        picture = Image.new("RGB", self.size, BACKGROUND)
        picture.paste(canvas.resize((layout.width, layout.height), Image.Resampling.LANCZOS))
        self._write(picture)
        return picture

    def svg(self) -> str:
        """The picture as an SVG document that holds the images."""
        width, height = self.size
        layout = self._layout
        root = document(width, height, self._words)
        element(root, "rect", width=width, height=height, fill=css(BACKGROUND))
        for index, (image, panel) in enumerate(zip(self._images, layout.panels, strict=True)):
            box = {"x": panel.left, "y": panel.top, "width": panel.width, "height": panel.height}
            element(root, "image", **box, href=data_url(image))
            element(element(root, "clipPath", id=f"panel{index}"), "rect", **box)

        def draw(lines: list[Line], colour: Colour, opacity: float, width: float) -> None:
            group = element(root, "g", stroke=css(colour), stroke_opacity=opacity, stroke_width=width)
            for line in lines:
                element(group, "line", x1=line.x0, y1=line.y0, x2=line.x1, y2=line.y1)

        draw(layout.outliers, INCORRECT, _OUTLIER_OPACITY, 1)
        draw(layout.inliers, SHADOW, layout.opacity / 3, 2.5)
        draw(layout.inliers, self._colour, layout.opacity, 1.5)
        dots = element(root, "g", fill=css(self._colour), stroke=css(SHADOW), stroke_width=0.5)
        for x, y in layout.dots.tolist():
            element(dots, "circle", cx=x, cy=y, r=2.4)
        for index, frame in enumerate(self._frames()):
            if frame is not None:
                corners = " ".join(f"{x:.2f},{y:.2f}" for x, y in frame.tolist())
                style = {"fill": "none", "stroke": css(BOX), "stroke_width": 2, "stroke_linejoin": "round"}
                element(root, "polygon", points=corners, **style, clip_path=f"url(#panel{index})")
        for x, y, text, colour in self._texts():
            words(root, x, y, text, self._text_size, colour)
        return text_of(root)

    def _frames(self) -> tuple[Points | None, Points | None]:
        """Corners of the query and where they are in the target."""
        if self._layout.outline is None:
            return None, None
        query = self._layout.panels[0]
        left, top, right, bottom = 1, 1, query.width - 1, query.height - 1
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float), self._layout.outline

    def _draw_frame(self, canvas: Image.Image, frame: Points, panel: Panel) -> None:
        """On the panel alone, which cuts off what falls outside it."""
        left, top = round(panel.left) * _FINE, round(panel.top) * _FINE
        part = canvas.crop((left, top, left + round(panel.width) * _FINE, top + round(panel.height) * _FINE))
        path = [(x * _FINE - left, y * _FINE - top) for x, y in np.vstack([frame, frame[:2]]).tolist()]
        ImageDraw.Draw(part).line(path, fill=BOX, width=2 * _FINE, joint="curve")
        canvas.paste(part, (left, top))

    def _texts(self) -> list[tuple[float, float, str, Colour]]:
        """x, y of the middle of the left end, words, colour."""
        font = load_font(self._text_size)
        y = self._layout.height + self._strip / 2
        texts = []
        if self._names is not None:
            for panel, name in zip(self._layout.panels, self._names, strict=True):
                texts.append((panel.left + GAP, y, shortened(name, font, panel.width - 2 * GAP), DIM))
            y += self._strip * 0.85
        texts.append((GAP, y, shortened(self._words, font, self._layout.width - 2 * GAP), TEXT))
        return texts

    def _write(self, picture: Image.Image) -> None:
        font = load_font(self._text_size)
        brush = ImageDraw.Draw(picture)
        for x, y, text, colour in self._texts():
            brush.text((x, y), text, colour, font, anchor="lm")


def _shown(image: Image.Image, panel: Panel) -> Image.Image:
    size = round(panel.width) * _FINE, round(panel.height) * _FINE
    return ImageEnhance.Brightness(image.resize(size, Image.Resampling.LANCZOS)).enhance(_BRIGHTNESS)
