"""The price axis of a candle chart, and texts in it: tags of the last price and of levels, none over another."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from virtuoso.model.alerts.notice import PriceLevel

GROUND, DIM, UP, DOWN, MARK = "#17191e", "#8d95a3", "#2ebd85", "#f6465d", "#f0b90b"
APART = 0.058
"""Least distance of two tags, in parts of the plot's height."""
_LEVEL = "#7aa2f7"
_BY_NAME = {"support": UP, "target": UP, "resistance": DOWN, "stop": DOWN, "entry": MARK}
"""Colours of levels: by the first word of their names that is one of these."""
_LEVELS = 7
_ROOM = 19
"""Characters that fit beside the plot."""


class _Tag(NamedTuple):
    price: float
    text: str
    colour: str
    full: bool


def price_axis(axes: Axes, bars: NDArray[np.float64], levels: Sequence[PriceLevel], decimals: int) -> None:
    """Prices at the right: the last one, levels with their names, and round ones where there is room."""
    axes.yaxis.tick_right()
    low, high = axes.get_ylim()
    last, rising = float(bars[4, -1]), bars[4, -1] >= bars[1, -1]
    finite = [level for level in levels if math.isfinite(level.price)]
    near = sorted(finite, key=lambda level: abs(level.price - last))[:_LEVELS]
    tags = [_Tag(last, f"{last:,.{decimals}f}", UP if rising else DOWN, full=True)]
    tags += [_level(axes, level, decimals) for level in near]
    axes.axhline(last, color=tags[0].colour, linewidth=0.7, linestyle=(0, (1, 2)), zorder=2)
    heights = _tags(axes, tags)
    ticks = [tick for tick in MaxNLocator(nbins=7).tick_values(low, high) if low < tick < high]
    free = [min(abs((tick - low) / (high - low) - height) for height in heights) >= APART * 0.9 for tick in ticks]
    axes.set_yticks(ticks, [f"{tick:,.{decimals}f}" if there else "" for tick, there in zip(ticks, free, strict=True)])
    axes.tick_params(axis="y", colors=DIM, labelsize=8, length=0, pad=6)


def _level(axes: Axes, level: PriceLevel, decimals: int) -> _Tag:
    """Its tag, with an arrow if it is out of sight; and its line if it is not."""
    low, high = axes.get_ylim()
    words = level.name.lower().replace("_", " ").split()
    colour = next((_BY_NAME[word] for word in words if word in _BY_NAME), _LEVEL)
    arrow = "" if low <= level.price <= high else "↑ " if level.price > high else "↓ "
    if arrow == "":
        axes.axhline(level.price, color=colour, linewidth=0.9, linestyle=(0, (5, 3)), alpha=0.75, zorder=2)
    text = f"{arrow}{level.price:,.{decimals}f}"
    return _Tag(level.price, f"{text} {short(' '.join(words), max(1, _ROOM - len(text)))}", colour, full=False)


def _tags(axes: Axes, tags: list[_Tag]) -> list[float]:
    """Beside the plot, none over another, each led to from its price; returns their heights in parts of the plot's."""
    low, high = axes.get_ylim()
    true = [min(max((tag.price - low) / (high - low), 0.02), 0.98) for tag in tags]
    heights = _spread(true)
    leaders = [[(1.0, there), (1.012, height)] for there, height in zip(true, heights, strict=True)]
    colours = [tag.colour for tag in tags]
    axes.add_collection(
        LineCollection(leaders, colors=colours, linewidths=0.8, transform=axes.transAxes, clip_on=False), autolim=False
    )
    for height, tag in zip(heights, tags, strict=True):
        write(
            axes, 1.012, height, tag.text, colour=GROUND if tag.full else tag.colour, size=8.5 if tag.full else 7.5,
            weight="bold",
            box={"facecolor": tag.colour if tag.full else GROUND, "edgecolor": tag.colour, "lw": 0.8, "pad": 2.4},
        )  # fmt: skip
    return heights


def _spread(heights: list[float]) -> list[float]:
    """At least `APART` from each other, in the same order, each as near to its own as that allows."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[tuple[float, list[int]]] = []  # the height of the middle, and who is in it from below
    for one in order:
        middle, members = heights[one], [one]
        while groups and groups[-1][0] + (len(groups[-1][1]) + len(members)) / 2 * APART > middle:
            lower, below = groups.pop()
            middle = (lower * len(below) + middle * len(members)) / (len(below) + len(members))
            members = below + members
        half = (len(members) - 1) / 2 * APART
        groups.append((min(max(middle, half), 1 - half), members))
    placed = list(heights)
    for middle, members in groups:
        for rank, one in enumerate(members):
            placed[one] = middle + (rank - (len(members) - 1) / 2) * APART
    return placed


def write(
    axes: Axes, across: float, up: float, text: str, *, colour: str, size: float, weight: str = "normal",
    align: str = "left", by_time: bool = False, box: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """A text at parts of the plot's width and height (`across` is a time if `by_time`)."""
    place = blended_transform_factory(axes.transData, axes.transAxes) if by_time else axes.transAxes
    axes.text(
        across, up, text, transform=place, color=colour, fontsize=size, fontweight=weight, ha=align, va="center",
        bbox=box, parse_math=False, zorder=7,
    )  # fmt: skip


def short(text: str, most: int) -> str:
    """In characters that the font has, on one line, cut to `most`."""
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    shown = "".join(character if ord(character) in known and ord(character) >= 32 else "?" for character in text[:most])
    return shown if len(text) <= most else shown[:-1].rstrip() + "…"
