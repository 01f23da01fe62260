"""The components of a reading as tables: all timeframes side by side, or one in full."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from rich.console import Group, RenderableType
from rich.text import Text

from virtuoso.cli.terminal import drawing
from virtuoso.cli.terminal.tables import Cells, Column, Table, at
from virtuoso.model.signal import ComponentScore, FactorScore, ModifierScore, TimeframeScore
from virtuoso.model.text.numbers import UNKNOWN
from virtuoso.model.timeframe import Timeframe

_RAWS = 1
"""Rank of the raw values and their units, which give way where there is little room."""
_Part = TypeVar("_Part", ComponentScore, ModifierScore)


def matrix(factors: Sequence[FactorScore], frames: Sequence[TimeframeScore]) -> RenderableType:
    """A row per component and a column per timeframe: the value, and before it the raw one where there is room.

    What has no timeframe stands in a column of its own; `points` are those that the component adds to the whole score
    over all timeframes. Under the table stands why values are missing.
    """
    titles: list[Timeframe | None] = [frame.timeframe for frame in frames]
    if any(part.timeframe is None for factor in factors for part in factor.components):
        titles.insert(0, None)
    columns = (
        Column[_Line]("", lambda line: line.name),
        *map(_of_timeframe, titles),
        Column("points", lambda line: line.points, right=True),
        Column("unit", lambda line: Text(line.unit, "dim"), _RAWS),
    )
    table = Table(columns, [line for factor in factors for line in _lines(factor)])
    return _with_missing(table, [part for factor in factors for part in factor.components])


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the matrix: a factor, or one of its components or modifiers by timeframe."""

    name: Text
    parts: Mapping[Timeframe | None, ComponentScore | ModifierScore] = field(default_factory=dict)
    points: Text = field(default_factory=Text)

    @property
    def unit(self) -> str:
        return next((part.unit for part in self.parts.values()), "")


def _of_timeframe(title: Timeframe | None) -> Column[_Line]:
    def cell(line: _Line, *, raws: bool) -> Text:
        return _cell(line.parts.get(title), raws=raws)

    alone = Column[_Line](title or "all", partial(cell, raws=False), right=True)
    return Column(title or "all", partial(cell, raws=True), _RAWS, right=True, narrow=alone)


def _lines(factor: FactorScore) -> Iterator[_Line]:
    yield _Line(Text(drawing.words(factor.name), "bold"), points=_total(factor))
    for name, parts in _by_name(factor.components).items():
        added = [whole(factor, part) for part in parts.values() if part.value is not None]
        yield _Line(Text(f"  {drawing.words(name)}"), parts, drawing.points(sum(added) if added else None, 2))
    for name, scaling in _by_name(factor.modifiers).items():
        yield _Line(Text(f"  × {drawing.words(name)}", "dim"), scaling)


def detailed(factors: Sequence[FactorScore], timeframe: Timeframe) -> RenderableType:
    """All of each component of one timeframe: raw value, score, weight in its factor, points of the whole score."""
    rows: list[Cells] = []
    shown: list[ComponentScore] = []
    for factor in factors:
        parts = [part for part in factor.components if part.timeframe is timeframe]
        if parts:
            rows.append((Text(drawing.words(factor.name), "bold"), *[""] * 6))
        for part in parts:
            known = part.value is not None
            score = Text(drawing.number(part.score, 1), drawing.style(part.value))
            points = drawing.points(whole(factor, part) if known else None, 2)
            raw, unit, weight = drawing.raw(part.raw), Text(part.unit, "dim"), drawing.number(part.weight, 3)
            quality = drawing.quality(part.quality) if known else ""
            rows.append((f"  {drawing.words(part.name)}", raw, unit, score, weight, points, quality))
        for modifier in factor.modifiers:
            if modifier.timeframe is timeframe:
                name, scaled = Text(f"  × {drawing.words(modifier.name)}", "dim"), drawing.number(modifier.value, 2)
                rows.append((name, drawing.raw(modifier.raw), Text(modifier.unit, "dim"), scaled, "", "", ""))
        shown += parts
    numbers = enumerate(("score", "weight", "points"), start=3)
    columns = [at("", 0), at("raw", 1, right=True), at("", 2, 1), *(at(title, n, right=True) for n, title in numbers)]
    return _with_missing(Table([*columns, at("data", 6, 2)], rows), shown)


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


def _with_missing(table: Table[Any], parts: Sequence[ComponentScore]) -> RenderableType:
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
