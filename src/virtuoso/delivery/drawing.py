"""Candle charts as PNG, drawn with matplotlib's objects (no pyplot, nothing global).

Imported by the process that draws and by no other: matplotlib takes half a second and 60 MB.
"""

import io
import math
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from virtuoso.delivery.chart import MOST_BARS, Mark, Picture
from virtuoso.delivery.price_axis import APART, DIM, DOWN, GROUND, MARK, UP, price_axis, short, write
from virtuoso.model.alerts.notice import PriceLevel

_WIDTH, _HEIGHT, _DPI = 8.0, 4.5, 200
_LEFT, _BOTTOM, _RIGHT, _TOP = 0.015, 0.085, 0.82, 0.88
_GRID, _TEXT, _REPLAY = "#262a32", "#e3e6eb", "#f5a623"
_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14400, 43200)
_TICKS = 8
_MINUTE_MS = 60_000
_MARKS = 4


def render(picture: Picture) -> bytes:
    """A PNG of 1600 × 900 pixels. Raises `ValueError` if fewer than two bars have prices."""
    bars = _bars(picture)
    # a bar's time is its middle: marks stand in the bar of their time
    width_ms = float(np.median(np.diff(bars[0])))
    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, facecolor=GROUND)
    axes = figure.add_axes((_LEFT, _BOTTOM, _RIGHT - _LEFT, _TOP - _BOTTOM), facecolor=GROUND)
    low, high = _range(bars, picture.levels)
    axes.set_xlim(bars[0, 0] - width_ms, bars[0, -1] + 3 * width_ms)
    axes.set_ylim(low, high)
    _candles(axes, bars, width_ms)
    _time_axis(axes)
    decimals = _decimals(bars, high - low)
    price_axis(axes, bars, picture.levels, decimals)
    for row, mark in enumerate(picture.marks[:_MARKS]):
        _mark(axes, bars, width_ms, mark, 0.965 - row * APART)
    _heading(figure, picture, bars, decimals)
    canvas = FigureCanvasAgg(figure)
    png = io.BytesIO()
    canvas.print_png(png, pil_kwargs={"compress_level": 1})  # type: ignore[no-untyped-call]
    return png.getvalue()


def _bars(picture: Picture) -> NDArray[np.float64]:
    """Rows: middle of the bar in epoch ms, open, high, low, close. Bars without all prices are left out."""
    candles = picture.candles
    rows = np.array([candles.open_ms, candles.open, candles.high, candles.low, candles.close], dtype=np.float64)
    rows = rows[:, -MOST_BARS:]
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    if rows.shape[1] < 2:
        raise ValueError(f"{rows.shape[1]} bars with prices are no chart")
    rows[0] += np.median(np.diff(rows[0])) / 2
    return rows


def _range(bars: NDArray[np.float64], levels: Iterable[PriceLevel]) -> tuple[float, float]:
    """What is shown: all bars, and levels that are not so far as to flatten them."""
    low, high = float(bars[3].min()), float(bars[2].max())
    room = (high - low) or abs(high) * 0.001 or 1.0
    near = [level.price for level in levels if low - room * 0.6 <= level.price <= high + room * 0.6]
    low, high = min([low, *near]), max([high, *near])
    room = (high - low) or room
    return low - room * 0.10, high + room * 0.12


def _candles(axes: Axes, bars: NDArray[np.float64], width_ms: float) -> None:
    middle, opened, high, low, closed = bars
    colours = np.where(closed >= opened, UP, DOWN).tolist()
    half = width_ms * 0.34
    wicks = np.stack([np.stack([middle, low], axis=1), np.stack([middle, high], axis=1)], axis=1)
    corners = [(middle - half, opened), (middle - half, closed), (middle + half, closed), (middle + half, opened)]
    bodies = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)
    axes.add_collection(LineCollection(list(wicks), colors=colours, linewidths=0.9, zorder=3), autolim=False)
    # the edge keeps a bar visible that closed where it opened
    axes.add_collection(
        PolyCollection(list(bodies), facecolors=colours, edgecolors=colours, linewidths=0.7, zorder=4), autolim=False
    )


def _time_axis(axes: Axes) -> None:
    first, last = axes.get_xlim()
    step = next((one for one in _STEPS_MIN if (last - first) / _MINUTE_MS / one <= _TICKS), _STEPS_MIN[-1])
    step_ms = step * _MINUTE_MS
    at = [tick * step_ms for tick in range(math.ceil(first / step_ms), math.floor(last / step_ms) + 1)]
    at = [tick for tick in at[:: max(1, math.ceil(len(at) / (2 * _TICKS)))] if tick > first + (last - first) * 0.025]
    shown = [datetime.fromtimestamp(tick / 1000, UTC) for tick in at]
    axes.set_xticks(
        at, [f"{one:%d %b}" if step >= 1440 or f"{one:%H%M}" == "0000" else f"{one:%H:%M}" for one in shown]
    )
    axes.tick_params(axis="x", colors=DIM, labelsize=8, length=0, pad=5)
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    write(axes, 1.018, -0.034, "UTC", colour=DIM, size=8)


def _decimals(bars: NDArray[np.float64], span: float) -> int:
    """Enough to tell neighbouring prices apart."""
    last = abs(float(bars[4, -1])) or 1.0
    by_span, by_price = 2 - math.floor(math.log10(span)), 4 - math.floor(math.log10(last))
    return min(max(0, by_span, by_price), 12)


def _mark(axes: Axes, bars: NDArray[np.float64], width_ms: float, mark: Mark, up: float) -> None:
    """A line at its time, an arrow at the bar, and its name above; nothing if its time is not shown."""
    first, last = axes.get_xlim()
    if not first <= mark.at_ms <= last:
        return
    low, high = axes.get_ylim()
    bar = int(np.argmin(np.abs(bars[0] - mark.at_ms)))
    colour = {True: UP, False: DOWN, None: MARK}[mark.up]
    axes.axvspan(
        bars[0, bar] - width_ms / 2, bars[0, bar] + width_ms / 2, color=MARK, alpha=0.14, linewidth=0, zorder=1
    )
    gap = (high - low) * 0.04
    under = mark.up is not False
    beside = slice(max(0, bar - 1), bar + 2)
    height = float(bars[3, beside].min()) - gap if under else float(bars[2, beside].max()) + gap
    axes.plot(
        [bars[0, bar]], [height], marker="^" if under else "v",
        markersize=9, color=colour, markeredgecolor=GROUND, markeredgewidth=1.0, zorder=6, clip_on=False,
    )  # fmt: skip
    left = bars[0, bar] < first + (last - first) * 0.7
    text = f"{short(mark.text, 36)} · {datetime.fromtimestamp(mark.at_ms / 1000, UTC):%H:%M}"
    write(
        axes, bars[0, bar], up, text, colour=MARK, size=8, weight="bold",
        align="left" if left else "right", by_time=True,
        box={"facecolor": GROUND, "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip


def _heading(figure: Figure, picture: Picture, bars: NDArray[np.float64], decimals: int) -> None:
    figure.text(
        _LEFT + 0.005, 0.943, short(picture.title, 60), color=_TEXT, fontsize=12.5, fontweight="bold", va="center",
        parse_math=False,
    )  # fmt: skip
    last, before = float(bars[4, -1]), float(bars[1, 0])
    change = f"{last / before - 1:+.2%}" if before > 0 else ""
    hours = (bars[0, -1] - bars[0, 0]) / 3_600_000
    span = f"{hours:.0f} h" if 2 <= hours < 72 else f"{hours / 24:.0f} d" if hours >= 72 else f"{hours * 60:.0f} min"
    for across, text, colour in (
        (0.80, f"{last:,.{decimals}f}", _TEXT),
        (0.985, f"{change} in {span}", UP if last >= before else DOWN),
    ):
        figure.text(
            across, 0.943, text, color=colour, fontsize=10.5, fontweight="bold", ha="right", va="center",
            parse_math=False,
        )  # fmt: skip
    if picture.source != "live":
        figure.text(
            _LEFT + 0.012, 0.115, f"{short(picture.source, 20)} data, not live".upper(), color=GROUND, fontsize=8,
            fontweight="bold", va="center", parse_math=False,
            bbox={"facecolor": _REPLAY, "edgecolor": "none", "boxstyle": "round,pad=0.35"},
        )  # fmt: skip
