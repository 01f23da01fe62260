"""Candle charts as PNG: candles, volume, levels, and what happened when, on a dark ground.

Imported by the process that draws and by no other, so that a fault in a picture is no fault of the monitor's.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from virtuoso.delivery.canvas import WIDTH, Canvas, Colour, colour, fitted, mixed, width
from virtuoso.delivery.chart import MOST_BARS, Picture
from virtuoso.delivery.marks import ROW, draw_bands, draw_marks, labels
from virtuoso.delivery.plot import Plot
from virtuoso.delivery.price_axis import DIM, DOWN, GRID, GROUND, UP, Write, last_tag, price_axis
from virtuoso.model.alerts.notice import PriceLevel
from virtuoso.model.text.numbers import Denomination

_LEFT, _RIGHT, _TOP, _BOTTOM = 24.0, 1312.0, 100.0, 836.0
_VOLUME = 128.0
"""Height of the pane below the prices, of which the upper tenth stays empty."""
_TEXT, _REPLAY = colour("#e3e6eb"), colour("#f5a623")
_SIZE = 22.0


def render(picture: Picture) -> bytes:
    """A PNG of 1600 × 900 pixels. Raises `ValueError` if fewer than two bars have prices."""
    bars = _bars(picture)
    # a bar's time is its middle: marks stand in the bar of their time
    width_ms = float(np.median(np.diff(bars[0])))
    first_ms, last_ms = float(bars[0, 0]) - width_ms, float(bars[0, -1]) + 3 * width_ms
    low, high = _range(bars, picture.levels)
    volume = bool((bars[5] > 0).any())
    plot = Plot(_LEFT, _RIGHT, _TOP, _BOTTOM - (_VOLUME if volume else 0.0), first_ms, last_ms, low, high)
    shown = labels(picture.marks, bars, plot)
    plot = plot._replace(top=_TOP + ROW * max((1 + label.row for label in shown), default=0))
    write = _writing(picture.denomination, bars, high - low)
    canvas = Canvas(GROUND)
    draw_bands(canvas, shown, bars, plot, _TOP, _BOTTOM)
    _grid(canvas, plot)
    if volume:
        _volume(canvas, bars, plot, picture.denomination.base)
    last = last_tag(float(bars[4, -1]), bool(bars[4, -1] >= bars[1, -1]), write)
    price_axis(canvas, plot, last, picture.levels, write, _TOP)
    _candles(canvas, bars, plot)
    draw_marks(canvas, shown, bars, plot, _TOP)
    _heading(canvas, picture, bars, write)
    return canvas.png()


def _bars(picture: Picture) -> NDArray[np.float64]:
    """Rows: middle of the bar in epoch ms, open, high, low, close, volume. Bars without all prices are left out."""
    candles = picture.candles
    volume = candles.volume or (math.nan,) * len(candles.open_ms)
    prices = (candles.open_ms, candles.open, candles.high, candles.low, candles.close)
    series = np.array([*prices, volume], dtype=np.float64)[:, -MOST_BARS:]
    series = series[:, np.isfinite(series[:5]).all(axis=0)]
    if series.shape[1] < 2:
        raise ValueError(f"{series.shape[1]} bars with prices are no chart")
    series[0] += np.median(np.diff(series[0])) / 2
    return series


def _range(bars: NDArray[np.float64], levels: Iterable[PriceLevel]) -> tuple[float, float]:
    """What is shown: all bars, and levels that are not so far as to flatten them."""
    low, high = float(bars[3].min()), float(bars[2].max())
    room = (high - low) or abs(high) * 0.001 or 1.0
    near = [level.price for level in levels if low - room * 0.6 <= level.price <= high + room * 0.6]
    low, high = min([low, *near]), max([high, *near])
    room = (high - low) or room
    return low - room * 0.08, high + room * 0.08


def _writing(denomination: Denomination, bars: NDArray[np.float64], span: float) -> Write:
    """Prices by their tick; where that is unknown, with decimals enough to tell neighbouring ones apart."""
    if denomination.tick_size is not None:
        return denomination.price
    last = abs(float(bars[4, -1])) or 1.0
    by_span, by_price = 2 - math.floor(math.log10(span)), 4 - math.floor(math.log10(last))
    decimals = min(max(0, by_span, by_price), 12)
    return lambda price: f"{price:,.{decimals}f}"


def _grid(canvas: Canvas, plot: Plot) -> None:
    """Lines at round prices and times, and the times below."""
    for price in plot.round_prices():
        canvas.level(plot.left, plot.right, plot.y(price), GRID, thick=1.5)
    at, step = plot.round_times()
    for tick in at:
        x = plot.x(tick)
        if x < plot.left + 30:  # its text would be cut off
            continue
        canvas.box(x - 0.75, _TOP, x + 0.75, _BOTTOM, fill=GRID)
        shown = datetime.fromtimestamp(tick / 1000, UTC)
        text = f"{shown:%d %b}" if step >= 1440 or f"{shown:%H%M}" == "0000" else f"{shown:%H:%M}"
        canvas.text(x, _BOTTOM + 27, text, DIM, _SIZE, align="middle")
    last = datetime.fromtimestamp(plot.last_ms / 1000, UTC)
    canvas.text(plot.right + 25, _BOTTOM + 27, f"{last:%d %b %Y} UTC", DIM, _SIZE - 1)


def _slots(bars: NDArray[np.float64], plot: Plot) -> tuple[list[int], int]:
    """The middles of the bars and half the thickness of their bodies, in whole pixels: edges are sharp there."""
    pitch = plot.x(float(np.median(np.diff(bars[0]))) + plot.first_ms) - plot.left
    return [round(plot.x(float(middle))) for middle in bars[0]], min(max(1, round(pitch * 0.36)), 40)


def _shades(bars: NDArray[np.float64]) -> list[Colour]:
    return [UP if rose else DOWN for rose in bars[4] >= bars[1]]


def _candles(canvas: Canvas, bars: NDArray[np.float64], plot: Plot) -> None:
    middles, half = _slots(bars, plot)
    heights = [[plot.y(float(price)) for price in row] for row in bars[1:5]]
    for x, opened, high, low, closed, shade in zip(middles, *heights, _shades(bars), strict=True):
        canvas.box(x - 1, high, x + 1, low, fill=shade)
        top, bottom = min(opened, closed), max(opened, closed)
        # at least so high that a bar is seen that closed where it opened
        bottom = max(bottom, top + 2)
        canvas.box(x - half, top, x + half, bottom, fill=shade)


def _volume(canvas: Canvas, bars: NDArray[np.float64], plot: Plot, coin: str | None) -> None:
    """Bars of volume on the floor, from zero; the last one and the highest as numbers."""
    most = float(np.nanmax(bars[5]))
    middles, half = _slots(bars, plot)
    canvas.level(plot.left, plot.right, _BOTTOM, GRID, thick=1.5)
    for x, size, shade in zip(middles, bars[5], _shades(bars), strict=True):
        if size > 0:
            height = max(1.0, float(size) / most * (_VOLUME - 24))
            canvas.box(x - half, _BOTTOM - height, x + half, _BOTTOM, fill=mixed(shade, GROUND, 0.55))
    left, last = plot.right + 25, float(bars[5, -1])
    canvas.text(left, _BOTTOM - _VOLUME + 36, fitted(f"volume {coin or ''}", _SIZE - 1, 240), DIM, _SIZE - 1)
    shown = [("last", last, _shades(bars)[-1]), ("peak", most, DIM)]
    for row, (name, size, shade) in enumerate(shown):
        text = "unknown" if math.isnan(size) else _short(size)
        canvas.text(left, _BOTTOM - _VOLUME + 68 + 32 * row, f"{name} {text}", shade, _SIZE - 1)


def _short(size: float) -> str:
    """Three digits with K, M, G or T: 1.23M."""
    for power, name in ((12, "T"), (9, "G"), (6, "M"), (3, "K")):
        if size >= 10**power:
            size /= 10**power
            return f"{size:.{max(0, 2 - math.floor(math.log10(size)))}f}{name}"
    return f"{size:.{min(8, max(0, 2 - math.floor(math.log10(size))))}f}" if size > 0 else "0"


def _heading(canvas: Canvas, picture: Picture, bars: NDArray[np.float64], write: Write) -> None:
    """The title, the bars' length and where they come from; at the right the last price and how far it went."""
    last, before = float(bars[4, -1]), float(bars[1, 0])
    change = f"{last / before - 1:+.2%}" if before > 0 else ""
    hours = (bars[0, -1] - bars[0, 0]) / 3_600_000
    span = f"{hours:.0f} h" if 2 <= hours < 72 else f"{hours / 24:.0f} d" if hours >= 72 else f"{hours * 60:.0f} min"
    right, y, rose = WIDTH - 24.0, 52.0, UP if last >= before else DOWN
    shown = [(f"in {span}", DIM, 24, False), (change, rose, 29, True), (write(last), _TEXT, 29, True)]
    for text, shade, size, bold in shown:
        canvas.text(right, y, text, shade, size, bold=bold, align="right")
        right -= width(text, size) + 14
    badge = "" if picture.source == "live" else f"{fitted(picture.source, 20, 200)} data, not live".upper()
    frame = fitted(picture.candles.timeframe, 26, 100)
    room = right - 20 - _LEFT - width(frame, 26) - 20 - (width(badge, 20) + 44 if badge else 0)
    x = canvas.text(_LEFT, y, fitted(picture.title, 35, room), _TEXT, 35, bold=True)
    x = canvas.text(x + 20, y, frame, DIM, 26)
    if badge:
        left = x + 22
        canvas.box(left, y - 18, left + width(badge, 20) + 22, y + 18, fill=_REPLAY, radius=7)
        canvas.text(left + 11, y, badge, GROUND, 20, bold=True)
