"""A picture to be shared: a chart, and below it what was said in words; drawn by whoever shares it, off any monitor."""

import io
from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL import Image

from virtuoso.delivery.canvas import WIDTH, Canvas, Colour, colour, fitted
from virtuoso.delivery.chart import Picture
from virtuoso.delivery.drawing import render
from virtuoso.delivery.price_axis import DIM, DOWN, GRID, GROUND, UP

MOST_LINES: Final = 16
_LEFT, _TOP, _ROW, _SIZE = 24.0, 40.0, 40.0, 26.0
_TEXT: Final = colour("#e3e6eb")
_SHADES: Final[dict[str, Colour]] = {"text": _TEXT, "dim": DIM, "up": UP, "down": DOWN}


class Line(NamedTuple):
    """One line of text: `shade` is `text`, `dim`, `up` or `down`."""

    text: str
    shade: str = "text"
    bold: bool = False


def card(picture: Picture, lines: Sequence[Line]) -> bytes:
    """A PNG, 1600 pixels wide: the chart where there are bars for one, and up to 16 lines, each as far as it fits."""
    parts = [*_chart(picture), _words(lines[:MOST_LINES])]
    whole = Image.new("RGB", (WIDTH, sum(part.height for part in parts)), GROUND)
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    written = io.BytesIO()
    whole.save(written, "PNG", compress_level=6)
    return written.getvalue()


def _chart(picture: Picture) -> list[Image.Image]:
    try:
        return [Image.open(io.BytesIO(render(picture)))]
    except ValueError:  # too few bars are kept
        return []


def _words(lines: Sequence[Line]) -> Image.Image:
    canvas = Canvas(GROUND)
    canvas.level(_LEFT, WIDTH - _LEFT, 4.0, GRID, thick=2.0)
    for row, line in enumerate(lines):
        text = fitted(line.text, _SIZE, WIDTH - 2 * _LEFT)
        canvas.text(_LEFT, _TOP + _ROW * row, text, _SHADES[line.shade], _SIZE, bold=line.bold)
    height = round(_TOP + _ROW * len(lines))
    return Image.open(io.BytesIO(canvas.png())).crop((0, 0, WIDTH, height))
