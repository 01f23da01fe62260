"""A picture that is drawn by pixels of the finished one: boxes, lines, triangles and texts, without jagged edges.

Shapes are drawn at twice the size and brought down; letters at their own size, where they are sharpest. The font is the
one that comes with Pillow, so that a chart looks the same on every machine. It has the letters of English and few
more: arrows are drawn, other letters come from a font of the machine if one has them, or lose their accents, or are
empty boxes.
"""

import io
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFont

WIDTH: Final = 1600
HEIGHT: Final = 900
_FINE: Final = 2
_BOLD: Final = 0.017
"""Thickness by which bold letters grow on each side, in parts of their size: the font has no bold ones."""
_CAPITAL: Final = 0.71
_OWN: Final = ""
"""Stands for the name of the font that comes with Pillow."""
_ABSENT: Final = "\U000ffffe"
_SAME: Final = {"−": "-", "–": "-", "—": "-", "▲": "↑", "▼": "↓"}
_MORE_FONTS: Final = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc", "wqy-zenhei.ttc", "Arial Unicode.ttf",
)  # fmt: skip
"""Where letters are looked for that Pillow's own font has not, in the folders that the system keeps fonts in."""
_ARROWS: Final = {"↑": (0, -1), "↓": (0, 1), "→": (1, 0), "←": (-1, 0)}
_SHAPE: Final = 0.62
"""Width of what is drawn instead of a letter, in parts of the size."""

Colour = tuple[int, int, int]
Point = tuple[float, float]
Align = Literal["left", "middle", "right"]


def colour(code: str) -> Colour:
    """Read a colour from its text `#rrggbb`: red, green, blue, 0–255."""
    red, green, blue = bytes.fromhex(code.removeprefix("#"))
    return red, green, blue


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """The share (0–1) of `one` over `other`."""
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(one, other, strict=True))
    return red, green, blue


class Canvas:
    """What is drawn later covers what was drawn before; texts cover all."""

    def __init__(self, ground: Colour) -> None:
        self._image = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE), ground)
        self._draw = ImageDraw.Draw(self._image)
        self._texts: list[tuple[Point, str, ImageFont.FreeTypeFont, Colour, float]] = []

    def box(
        self, left: float, top: float, right: float, bottom: float, *,
        fill: Colour | None = None, edge: Colour | None = None, line: float = 1.5, radius: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw a rectangle, filled, outlined or both; one thinner than half a pixel is drawn as thick as that."""
        corners = [round(left * _FINE), round(top * _FINE), round(right * _FINE) - 1, round(bottom * _FINE) - 1]
        corners[2:] = max(corners[0], corners[2]), max(corners[1], corners[3])
        if radius:
            self._draw.rounded_rectangle(corners, radius * _FINE, fill, edge, round(line * _FINE))
        else:
            self._draw.rectangle(corners, fill, edge, round(line * _FINE))

    def level(
        self, left: float, right: float, y: float, shade: Colour, *,
        thick: float, dash: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw a horizontal line; `dash` says how much of it is drawn and left out, by turns."""
        drawn, left_out = dash or (right - left, 1.0)
        at = left
        while at < right:
            self.box(at, y - thick / 2, min(at + drawn, right), y + thick / 2, fill=shade)
            at += drawn + left_out

    def stroke(self, points: Sequence[Point], shade: Colour, thick: float) -> None:
        """Draw a line through all points."""
        self._draw.line([(x * _FINE, y * _FINE) for x, y in points], shade, round(thick * _FINE), joint="curve")

    def polygon(self, points: Sequence[Point], shade: Colour) -> None:
        """Fill the shape between points (pixels) with a colour."""
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], shade)

    def text(
        self, x: float, y: float, text: str, shade: Colour, size: float, *, bold: bool = False, align: Align = "left"
    ) -> float:  # fmt: skip
        """Write one line, its capitals centred on `y`; returns where it ends at the right."""
        x -= {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * width(text, size)
        baseline = y + size * _CAPITAL / 2
        for run, font in _runs(text):
            if font is None:
                self._shape(x, baseline, run, shade, size)
            else:
                self._texts.append(((x, baseline), run, _font(font, size), shade, size * _BOLD if bold else 0.0))
            x += _run_width(run, font, size)
        return x

    def png(self) -> bytes:
        """The finished picture, `WIDTH` × `HEIGHT`."""
        image = self._image.reduce(_FINE)
        draw = ImageDraw.Draw(image)
        for place, run, font, shade, stroke in self._texts:
            draw.text(place, run, shade, font, anchor="ls", stroke_width=stroke)
        written = io.BytesIO()
        image.save(written, "PNG", compress_level=3)
        return written.getvalue()

    def _shape(self, x: float, baseline: float, letter: str, shade: Colour, size: float) -> None:
        """An arrow, or the box that stands for a letter that the font has not."""
        middle, height = baseline - size * _CAPITAL / 2, size * _CAPITAL
        wide = size * _SHAPE
        if letter not in _ARROWS:
            gap = size * 0.06
            edges = (x + gap, middle - height / 2, x + wide - gap, middle + height / 2)
            self.box(*edges, edge=shade, line=max(1.0, size * 0.06), radius=size * 0.08)
            return
        (right, down), centre, half = _ARROWS[letter], x + wide * 0.45, height / 2
        tip = (centre + right * half, middle + down * half)
        self.stroke([(centre - right * half, middle - down * half), tip], shade, size * 0.1)
        wings = [
            (tip[0] - (right + across * down) * half * 0.7, tip[1] - (down + across * right) * half * 0.7)
            for across in (-1, 1)
        ]
        self.stroke([wings[0], tip, wings[1]], shade, size * 0.1)


def width(text: str, size: float) -> float:
    """How many pixels a text takes, bold or not."""
    return sum(_run_width(run, font, size) for run, font in _runs(text))


def fitted(text: str, size: float, room: float) -> str:
    """As much of a text as the room (pixels) has, with `…` at the end if it is cut."""
    text = text[:200]  # no chart has room for more
    if width(text, size) <= room:
        return text
    fits, most = 0, len(text)
    while fits < most:
        tried = (fits + most + 1) // 2
        if width(text[:tried].rstrip() + "…", size) <= room:
            fits = tried
        else:
            most = tried - 1
    return text[:fits].rstrip() + "…"


def _runs(text: str) -> Iterator[tuple[str, str | None]]:
    """Letters of one font together, with its name; with `None`, one character that is drawn as a shape.

    What marks a letter, or has no width, is gone if the font has not got it.
    """
    letters = unicodedata.normalize("NFC", "".join(_SAME.get(letter, letter) for letter in text))
    for font, run in groupby(((letter, _font_of(letter)) for letter in letters), key=itemgetter(1)):
        shown = [letter for letter, _ in run]
        if font is not None:
            yield "".join(shown), font
            continue
        for letter in shown:
            plain = unicodedata.normalize("NFKD", letter)[0]
            if _font_of(plain) == _OWN:
                yield plain, _OWN
            elif unicodedata.category(letter) not in {"Mn", "Me", "Cf"}:
                yield letter, None


def _run_width(run: str, font: str | None, size: float) -> float:
    return size * _SHAPE if font is None else _font(font, size).getlength(run)


@lru_cache(4096)
def _font_of(letter: str) -> str | None:
    """The first font that has it; of arrows and of what cannot be written there is none."""
    if letter in _ARROWS or unicodedata.category(letter)[0] == "C":
        return None
    return next((font for font in (_OWN, *_MORE_FONTS) if _has(font, letter)), None)


@lru_cache(4096)
def _has(font: str, letter: str) -> bool:
    """Whether a font has a letter: what it has not looks like whatever else it has not."""
    try:
        masks = [_font(font, 20).getmask(one) for one in (letter, _ABSENT)]
    except OSError:
        return False  # there is no such font
    return letter == " " or (masks[0].size, bytes(masks[0])) != (masks[1].size, bytes(masks[1]))


@lru_cache(64)
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """Raises `OSError` if there is none of that name, or Pillow was built without what draws letters."""
    font = ImageFont.load_default(size) if name == _OWN else ImageFont.truetype(name, size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType")
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)  # the other one fails on some letters
