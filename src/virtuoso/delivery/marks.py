"""What happened, in a candle chart: a band over its bar, an arrow at the bar, and its name above the candles."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from virtuoso.delivery.canvas import Canvas, fitted, mixed, width
from virtuoso.delivery.chart import Mark
from virtuoso.delivery.plot import Plot
from virtuoso.delivery.price_axis import DOWN, GROUND, MARK, UP

ROW: Final = 34.0
"""Height of a line of names, pixels."""
_MARKS, _SIZE, _ROOM = 4, 22.0, 420.0
_ARROW: Final = 11.0
"""Half of an arrow's width, pixels."""


class Label(NamedTuple):
    """A mark with its bar, where its name begins and ends (pixels), and in which line, from the top."""

    mark: Mark
    bar: int
    text: str
    left: float
    right: float
    row: int


def labels(marks: Sequence[Mark], bars: NDArray[np.float64], plot: Plot) -> list[Label]:
    """Four marks at most whose time is shown, their names in as few lines as keep them apart."""
    placed: list[Label] = []
    for mark in marks[:_MARKS]:
        if not plot.first_ms <= mark.at_ms <= plot.last_ms:
            continue
        bar = int(np.argmin(np.abs(bars[0] - mark.at_ms)))
        at = f" · {datetime.fromtimestamp(mark.at_ms / 1000, UTC):%H:%M}"
        text = fitted(mark.text, _SIZE, _ROOM) + at
        wide, x = width(text, _SIZE), plot.x(bars[0, bar])
        half = _half(bars, plot)
        left = x - half if x - half + wide <= plot.right else x + half - wide
        taken = {one.row for one in placed if one.left < left + wide + _SIZE and left < one.right + _SIZE}
        row = next(row for row in range(_MARKS) if row not in taken)
        placed.append(Label(mark, bar, text, left, left + wide, row))
    return placed


def draw_bands(
    canvas: Canvas, shown: Sequence[Label], bars: NDArray[np.float64], plot: Plot, top: float, bottom: float
) -> None:
    """Tint the bars at which something happened down to `bottom`, and lead to their names, that begin at `top`."""
    half = _half(bars, plot)
    for label in shown:
        x = plot.x(bars[0, label.bar])
        stem = x - half if label.left < x - half + 1 else x + half - 2
        under = _middle(label, top) + ROW / 2
        if under < plot.top:
            canvas.box(stem, under, stem + 2, plot.top, fill=mixed(MARK, GROUND, 0.5))
        canvas.box(x - half, plot.top, x + half, bottom, fill=mixed(MARK, GROUND, 0.16))


def draw_marks(canvas: Canvas, shown: Sequence[Label], bars: NDArray[np.float64], plot: Plot, top: float) -> None:
    """Draw an arrow at each bar, in whose favour it is, and the name above all candles."""
    taken: list[tuple[float, float]] = []
    for label in shown:
        up = label.mark.up
        shade = {True: UP, False: DOWN, None: MARK}[up]
        beside = slice(max(0, label.bar - 1), label.bar + 2)
        away = 1.0 if up is not False else -1.0  # below the bar, or above it
        edge = bars[3, beside].min() if up is not False else bars[2, beside].max()
        x, tip = plot.x(bars[0, label.bar]), plot.y(float(edge)) + away * 8
        while any(abs(x - other) < 2 * _ARROW + 4 and abs(tip - there) < 2 * _ARROW for other, there in taken):
            tip += away * (2 * _ARROW + 2)
        taken.append((x, tip))
        for size, tint in ((_ARROW + 2.5, GROUND), (_ARROW, shade)):
            point, base = tip - away * (size - _ARROW) * 1.6, tip + away * (size + _ARROW * 0.8)
            canvas.polygon([(x, point), (x - size, base), (x + size, base)], tint)
        y = _middle(label, top)
        canvas.box(label.left - 4, y - ROW / 2 + 3, label.right + 4, y + ROW / 2 - 3, fill=GROUND)
        canvas.text(label.left, y, label.text, MARK, _SIZE, bold=True)


def _half(bars: NDArray[np.float64], plot: Plot) -> float:
    """Measure half of a bar's width, in pixels, by the median distance of two bars."""
    return (plot.x(float(np.median(np.diff(bars[0]))) + plot.first_ms) - plot.left) / 2


def _middle(label: Label, top: float) -> float:
    """The height of its name's line, of which the first begins at `top`."""
    return top + (label.row + 0.5) * ROW
