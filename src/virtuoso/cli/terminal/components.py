"""The components of a reading as tables: all timeframes side by side, or one in full."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from virtuoso.cli.terminal import drawing
from virtuoso.model.signal import ComponentScore, FactorScore, ModifierScore, TimeframeScore
from virtuoso.model.text.numbers import UNKNOWN
from virtuoso.model.timeframe import Timeframe

_Part = TypeVar("_Part", ComponentScore, ModifierScore)


def matrix(factors: Sequence[FactorScore], frames: Sequence[TimeframeScore], *, raws: bool) -> RenderableType:
    """A row per component and a column per timeframe, with raw values before the scored ones if `raws`.

    What has no timeframe stands in a column of its own; `points` are those that the component adds to the whole score
    over all timeframes. Under the table stands why values are missing.
    """
    titles: list[Timeframe | None] = [frame.timeframe for frame in frames]
    if any(part.timeframe is None for factor in factors for part in factor.components):
        titles.insert(0, None)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for title in titles:
        table.add_column(title or "all", justify="right", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    if raws:
        table.add_column("unit", style="dim", no_wrap=True)
    for factor in factors:
        table.add_row(Text(drawing.words(factor.name), "bold"), *[""] * len(titles), _total(factor))
        for name, parts in _by_name(factor.components).items():
            added = [whole(factor, part) for part in parts.values() if part.value is not None]
            cells = [_cell(parts.get(title), raws=raws) for title in titles]
            points = drawing.points(sum(added) if added else None, 2)
            unit = [next(iter(parts.values())).unit] if raws else []
            table.add_row(f"  {drawing.words(name)}", *cells, points, *unit)
        for name, scaling in _by_name(factor.modifiers).items():
            cells = [_cell(scaling.get(title), raws=raws) for title in titles]
            unit = ["", next(iter(scaling.values())).unit] if raws else []
            table.add_row(Text(f"  × {drawing.words(name)}", "dim"), *cells, *unit)
    return _with_missing(table, [part for factor in factors for part in factor.components])


def detailed(factors: Sequence[FactorScore], timeframe: Timeframe) -> RenderableType:
    """All of each component of one timeframe: raw value, score, weight in its factor, points of the whole score."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for title in ("raw", "", "score", "weight", "points"):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    table.add_column("data", no_wrap=True)
    shown: list[ComponentScore] = []
    for factor in factors:
        parts = [part for part in factor.components if part.timeframe is timeframe]
        if parts:
            table.add_row(Text(drawing.words(factor.name), "bold"))
        for part in parts:
            known = part.value is not None
            score = Text(drawing.number(part.score, 1), drawing.style(part.value))
            points = drawing.points(whole(factor, part) if known else None, 2)
            raw, unit, weight = drawing.raw(part.raw), Text(part.unit, "dim"), drawing.number(part.weight, 3)
            quality = drawing.quality(part.quality) if known else ""
            table.add_row(f"  {drawing.words(part.name)}", raw, unit, score, weight, points, quality)
        for modifier in factor.modifiers:
            if modifier.timeframe is timeframe:
                name, scaled = Text(f"  × {drawing.words(modifier.name)}", "dim"), drawing.number(modifier.value, 2)
                table.add_row(name, drawing.raw(modifier.raw), Text(modifier.unit, "dim"), scaled)
        shown += parts
    return _with_missing(table, shown)


def whole(factor: FactorScore, part: ComponentScore) -> float:
    """A component's points in the whole score: over all components they sum to the score less 50."""
    own = sum(other.contribution for other in factor.components)
    return factor.contribution * part.contribution / own if own else 0.0


def _by_name(parts: Sequence[_Part]) -> dict[str, dict[Timeframe | None, _Part]]:
    found: dict[str, dict[Timeframe | None, _Part]] = defaultdict(dict)
    for part in parts:
        found[part.name][part.timeframe] = part
    return found


def _cell(part: ComponentScore | ModifierScore | None, *, raws: bool) -> Text:
    if part is None:
        return Text()
    if part.value is None:
        return Text(UNKNOWN, "dim")
    signed = isinstance(part, ComponentScore)
    value = Text(drawing.number(part.value, 2, signed=signed), drawing.style(part.value) if signed else "dim")
    return Text.assemble((f"{drawing.raw(part.raw, 3)}  ", "dim"), value) if raws else value


def _total(factor: FactorScore) -> Text:
    text = drawing.points(None if factor.score is None else factor.contribution, 2)
    text.stylize("bold")
    return text


def _with_missing(table: Table, parts: Sequence[ComponentScore]) -> RenderableType:
    """The table, and under it why values are missing."""
    lines = [Text(line, "dim") for line in _missing(parts)]
    return Group(table, Text(), *lines) if lines else table


def _missing(parts: Sequence[ComponentScore]) -> Iterator[str]:
    """A line for each component and reason of no value, with the timeframes."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for part in parts:
        if part.value is None:
            found[part.name, part.reason or "no data"].extend([part.timeframe] if part.timeframe else [])
    for (name, reason), frames in found.items():
        yield f"{drawing.words(name)}{' on ' + ', '.join(frames) if frames else ''}: {reason}"
