"""Draws small pictures as SVG: intervals side by side, and what came against what was claimed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from virtuoso.analysis.quality.figures import Figure
from virtuoso.research.judging.probabilities import Bin
from virtuoso.research.track_record.sections import Plot

_INK: Final = "#222"
_DIM: Final = "#999"
_MARK: Final = "#2b6cb0"
_WIDTH: Final = 640
_LINE: Final = 20
_LEFT: Final = 190
_RIGHT: Final = 20
_TOP: Final = 30
_BOTTOM: Final = 26
_SIDE: Final = 320


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure to be drawn, with its name."""

    name: str
    figure: Figure


def intervals(name: str, title: str, rows: Sequence[Interval], against: float = 0.0) -> Plot:
    """Draw each figure as a point with its interval, and a line at `against`."""
    ends = [
        end for row in rows for end in (row.figure.value, row.figure.lower, row.figure.upper) if end is not None
    ] + [against]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.05 or 1.0
    low, high = low - room, high + room
    height = _TOP + _LINE * len(rows) + _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts = [_text(_WIDTH / 2, 18, title, "middle"), _line(x(against), _TOP, x(against), height - _BOTTOM, _DIM)]
    for number, row in enumerate(rows):
        y = _TOP + _LINE * (number + 0.5)
        parts.append(_text(_LEFT - 8, y + 4, row.name, "end"))
        figure = row.figure
        if figure.lower is not None and figure.upper is not None:
            parts.append(_line(x(figure.lower), y, x(figure.upper), y, _MARK, 2))
        if figure.value is not None:
            parts.append(f'<circle cx="{x(figure.value):.1f}" cy="{y:.1f}" r="3.5" fill="{_MARK}"/>')
    parts += [_text(x(v), height - 8, f"{v:.3g}", "middle") for v in (low + room, against, high - room)]
    return Plot(name, title, _svg(_WIDTH, height, parts))


def reliability(name: str, title: str, bins: Sequence[Bin]) -> Plot:
    """Draw what came against what was claimed, with intervals, and the diagonal on which they would be equal."""
    ends = [end for b in bins for end in (b.claimed, b.came.value, b.came.upper) if end is not None]
    most = max(ends, default=1.0) * 1.05 or 1.0
    inner = _SIDE - 70

    def x(value: float) -> float:
        return 50 + value / most * inner

    def y(value: float) -> float:
        return _TOP + inner - value / most * inner

    parts = [_text(_SIDE / 2, 18, title, "middle"), _line(x(0), y(0), x(most), y(most), _DIM)]
    parts += [_line(x(0), y(0), x(most), y(0), _INK), _line(x(0), y(0), x(0), y(most), _INK)]
    for b in bins:
        if b.came.lower is not None and b.came.upper is not None:
            parts.append(_line(x(b.claimed), y(b.came.lower), x(b.claimed), y(b.came.upper), _MARK, 2))
        if b.came.value is not None:
            parts.append(f'<circle cx="{x(b.claimed):.1f}" cy="{y(b.came.value):.1f}" r="3.5" fill="{_MARK}"/>')
    parts += [_text(x(v), y(0) + 16, f"{v:.2g}", "middle") for v in (0, most / 1.05)]
    parts += [_text(x(0) - 6, y(v) + 4, f"{v:.2g}", "end") for v in (most / 1.05,)]
    parts += [_text(x(most / 2), y(0) + 30, "claimed", "middle"), _text(x(0) + 4, y(most) - 2, "came", "start")]
    return Plot(name, title, _svg(_SIDE, _SIDE, parts))


def _svg(width: int, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}"'
    style = 'font-family="sans-serif" font-size="11"'
    return f'{head} {style}><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: int = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}">{escape(text)}</text>'
