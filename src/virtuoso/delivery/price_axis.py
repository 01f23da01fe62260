"""The price axis of a candle chart: tags of the last price and of levels, none over another, between round prices."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from virtuoso.delivery.canvas import WIDTH, Canvas, Colour, colour, fitted, mixed, width
from virtuoso.delivery.plot import Plot
from virtuoso.model.alerts.notice import PriceLevel

GROUND, GRID, DIM = colour("#17191e"), colour("#262a32"), colour("#8d95a3")
UP, DOWN, MARK = colour("#2ebd85"), colour("#f6465d"), colour("#f0b90b")
APART = 37.0
"""Least distance of the middles of two tags, pixels."""
_LEVEL = colour("#7aa2f7")
_BY_NAME = {"support": UP, "target": UP, "resistance": DOWN, "stop": DOWN, "entry": MARK}
"""Colours of levels: by the first word of their names that is one of these."""
_LEVELS = 7
_SIZE, _HALF, _PADDING, _LEADER = 21.0, 15.0, 8.0, 17.0

Write = Callable[[float], str]
"""Makes the text of a price."""


class _Tag(NamedTuple):
    price: float
    text: str
    name: str
    shade: Colour


def price_axis(canvas: Canvas, plot: Plot, last: _Tag, levels: Sequence[PriceLevel], write: Write, top: float) -> None:
    """Draw prices at the right, no tag above `top`: the last, levels with names, round ones where there is room."""
    finite = [level for level in levels if math.isfinite(level.price)]
    near = sorted(finite, key=lambda level: abs(level.price - last.price))[:_LEVELS]
    tags = [last, *(_level(canvas, plot, level, write) for level in near)]
    y = plot.y(last.price)
    canvas.level(plot.left, plot.right, y, last.shade, thick=1.5, dash=(3, 5))
    places = _tags(canvas, plot, tags, top)
    for price in plot.round_prices():
        free = min(abs(plot.y(price) - place) for place in places) >= APART * 0.9
        if free and plot.y(price) < plot.bottom - _HALF:
            canvas.text(plot.right + 25, plot.y(price), write(price), DIM, _SIZE)


def last_tag(price: float, rising: bool, write: Write) -> _Tag:
    """The tag of the price that the chart ends with."""
    return _Tag(price, write(price), "", UP if rising else DOWN)


def _level(canvas: Canvas, plot: Plot, level: PriceLevel, write: Write) -> _Tag:
    """Its tag, with an arrow if it is out of sight; and its line if it is not."""
    words = level.name.lower().replace("_", " ").split()
    shade = next((_BY_NAME[word] for word in words if word in _BY_NAME), _LEVEL)
    arrow = "" if plot.low <= level.price <= plot.high else "↑ " if level.price > plot.high else "↓ "
    if not arrow:
        y = plot.y(level.price)
        canvas.level(plot.left, plot.right, y, mixed(shade, GROUND, 0.75), thick=2.0, dash=(13, 8))
    return _Tag(level.price, f"{arrow}{write(level.price)}", " ".join(words), shade)


def _tags(canvas: Canvas, plot: Plot, tags: Sequence[_Tag], top: float) -> list[float]:
    """Draw them beside the plot, none over another, each led to from its price; returns where their middles are."""
    true = [min(max(plot.y(tag.price), plot.top), plot.bottom) for tag in tags]
    places = spread(true, APART, top + _HALF, plot.bottom - _HALF)
    left = plot.right + _LEADER
    for tag, there, place in zip(tags, true, places, strict=True):
        canvas.stroke([(plot.right, there), (left, place)], tag.shade, 2.0)
    for number, (tag, place) in enumerate(zip(tags, places, strict=True)):
        full = number == 0  # the last price
        size = _SIZE + 3 if full else _SIZE
        room = WIDTH - 8 - left - 2 * _PADDING
        text = fitted(tag.text, size, room)
        gap = size * 0.4 if tag.name else 0.0
        name = fitted(tag.name, size, room - width(text, size) - gap) if tag.name else ""
        right = left + 2 * _PADDING + width(text, size) + gap + width(name, size)
        half = _HALF + 2 if full else _HALF
        canvas.box(
            left, place - half, right, place + half, fill=tag.shade if full else GROUND, edge=tag.shade, radius=4
        )
        shade = GROUND if full else tag.shade
        after = canvas.text(left + _PADDING, place, text, shade, size, bold=True)
        canvas.text(after + gap, place, name, shade, size)
    return places


def spread(wanted: Sequence[float], apart: float, first: float, last: float) -> list[float]:
    """Places at least `apart` from each other, in the same order, each as near to what is wanted as that allows.

    All are within `first` and `last`, as long as so many have room there.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    groups: list[tuple[float, list[int]]] = []  # the place of the middle, and who is in it in order
    for one in order:
        middle, members = wanted[one], [one]
        while True:
            half = (len(members) - 1) / 2 * apart
            middle = min(max(middle, first + half), last - half)
            if not groups or groups[-1][0] + (len(groups[-1][1]) + len(members)) / 2 * apart <= middle:
                break
            _, before = groups.pop()
            members = before + members
            middle = sum(wanted[member] for member in members) / len(members)
        groups.append((middle, members))
    placed = list(wanted)
    for middle, members in groups:
        for rank, one in enumerate(members):
            placed[one] = middle + (rank - (len(members) - 1) / 2) * apart
    return placed
