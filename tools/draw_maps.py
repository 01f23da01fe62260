"""Draw the maps of all components and modifiers, one picture a factor, into docs/maps.

Usage: python tools/draw_maps.py [--check]

With `--check` nothing is written; the exit code is 1 when a picture is not what the code says.
"""

import argparse
import sys
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from virtuoso.analysis.component import Component, Factor, Measure
from virtuoso.analysis.engine import FACTORS

FOLDER = Path(__file__).parents[1] / "docs" / "maps"
CELL_W, CELL_H, PLOT_W, PLOT_H, LEFT, TOP = 232, 168, 190, 92, 30, 34
COLUMNS = 3
STYLE = """
  text { font: 11px system-ui, sans-serif; fill: #444 } .title { font-weight: 600; fill: #111 } .unit { fill: #777 }
  .frame { fill: none; stroke: #ccc } .zero { stroke: #ddd } .component { stroke: #1668b8 } .modifier { stroke: #b35c00 }
  path { fill: none; stroke-width: 2 } .paper { fill: #fff }
"""


def span(measure: Measure) -> tuple[float, float]:
    """The raw values that are shown: three scales on either side, within the natural limits."""
    if not isinstance(measure, Component):
        top = next((raw for raw in (1.0, 2.0, 4.0, 10.0, 100.0) if steady(measure, raw)), 100.0)
        return 0.0, top
    reach = 3 * abs(measure.scale) + measure.dead
    low, high = measure.limits
    return max(low, measure.center - reach), min(high, measure.center + reach)


def steady(measure: Measure, raw: float) -> bool:
    """Whether a modifier's map hardly moves beyond `raw`."""
    at, beyond = (float(value) for value in measure.map(np.array([raw, 2 * raw])))
    return abs(beyond - at) < 0.13


def values(measure: Measure, raw: np.ndarray) -> np.ndarray:
    return measure.value(raw) if isinstance(measure, Component) else measure.map(raw)


def cell(measure: Measure, x0: int, y0: int) -> str:
    """One small picture: raw value to the right, mapped value upwards."""
    signed = isinstance(measure, Component)
    low, high = span(measure)
    raw = np.linspace(low, high, 121)
    bottom = -1.0 if signed else 0.0
    px = LEFT + (raw - low) / (high - low) * PLOT_W
    py = TOP + (1.0 - (values(measure, raw) - bottom) / (1.0 - bottom)) * PLOT_H
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(px, py, strict=True))
    middle = TOP + PLOT_H / 2
    lines = [
        f'<g transform="translate({x0},{y0})">',
        f'<text class="title" x="{LEFT}" y="14">{escape(measure.name)}</text>',
        f'<text class="unit" x="{LEFT}" y="28">{escape(measure.unit)}</text>',
        f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{PLOT_W}" height="{PLOT_H}"/>',
    ]
    if signed:
        lines.append(f'<line class="zero" x1="{LEFT}" y1="{middle}" x2="{LEFT + PLOT_W}" y2="{middle}"/>')
    lines += [
        f'<path class="{"component" if signed else "modifier"}" d="M {points}"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">1</text>',
        f'<text x="{LEFT - 6}" y="{TOP + PLOT_H}" text-anchor="end">{"−1" if signed else "0"}</text>',
    ]
    ticks = ((low, "start"), ((low + high) / 2, "middle"), (high, "end"))
    for value, anchor in ticks:
        x = LEFT + (value - low) / (high - low) * PLOT_W
        text = f"{value:.3g}".replace("-", "−")
        lines.append(f'<text x="{x:.1f}" y="{TOP + PLOT_H + 14}" text-anchor="{anchor}">{text}</text>')
    return "\n".join([*lines, "</g>"])


def picture(factor: Factor) -> str:
    """All maps of one factor."""
    measures: list[Measure] = [*factor.components, *factor.modifiers]
    rows = -(-len(measures) // COLUMNS)
    width, height = COLUMNS * CELL_W, rows * CELL_H
    cells = [cell(m, i % COLUMNS * CELL_W, i // COLUMNS * CELL_H) for i, m in enumerate(measures)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    title = f"<title>Maps of {factor.name}: components blue, modifiers orange</title>"
    paper = f'<rect class="paper" width="{width}" height="{height}"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", paper, *cells, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the pictures are up to date")
    options = parser.parse_args()
    stale = []
    for factor in FACTORS.values():
        path, drawn = FOLDER / f"{factor.name}.svg", picture(factor)
        if not path.exists() or path.read_text("utf-8") != drawn:
            stale.append(path.name)
            if not options.check:
                FOLDER.mkdir(exist_ok=True)
                path.write_text(drawn, "utf-8")
    print(f"{'out of date' if options.check else 'drawn'}: {', '.join(stale) or 'none'}")
    sys.exit(bool(options.check and stale))


if __name__ == "__main__":
    main()
