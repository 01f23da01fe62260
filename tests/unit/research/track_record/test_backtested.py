"""What of the record is served beside forecasts: the figures of its tables, and what is shipped of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from virtuoso.analysis.quality.figures import Figure
from virtuoso.model.backtested import BACKTESTED, BacktestedSet, Measured
from virtuoso.research.track_record.backtested import backtested
from virtuoso.research.track_record.chances import LARGE_MOVE, PROBABILITIES
from virtuoso.research.track_record.cones.coverage import COVERED
from virtuoso.research.track_record.distances import EXPLAINED
from virtuoso.research.track_record.markdown import written
from virtuoso.research.track_record.sections import Column, Section, Table, horizon_text
from virtuoso.research.track_record.sets import shipped_sets

PAGE = Path(__file__).parents[4] / "docs/track-record.md"
NAMED = BacktestedSet(set="one", title="a set", since="2025-01-01T00:00:00.000Z", until="2025-02-01T00:00:00.000Z")


def table(title: str, *rows: tuple[str | Figure, ...]) -> Section:
    return Section("of many", (), (Table(title, (Column("set"),), rows),))


def test_the_figures_of_the_tables_are_served_by_set_and_horizon() -> None:
    skill = Figure(value=0.07341, lower=0.05619, upper=0.09047, n=9, days=3)
    up, whole, of_another = Figure(value=0.9), Figure(value=0.5), Figure(value=0.1)
    sections = (
        table("Probabilities", ("one", "beyond costs, up", "15 m", up), ("one", "large move", "15 m", skill)),
        table("Explained", ("one", "1 h", "EWMA", of_another), ("one", "1 h", "forecast", whole)),
        table("Bands of the closing return", ("two", "4 h", "80 %", up), ("one", "4 h", "80 %", Figure(value=0.801))),
    )
    quarter, hour, hours = (backtested([NAMED], sections).horizons[minutes][0] for minutes in (15, 60, 240))
    assert (quarter.set, quarter.large_move_skill, quarter.volatility_r2) == ("one", (0.073, 0.056, 0.09), None)
    assert (hour.large_move_skill, hour.volatility_r2) == (None, (0.5, None, None))
    assert (hours.cone_50, hours.cone_80, hours.cone_95) == (None, (0.801, None, None), None)


def test_what_is_shipped_has_every_part_of_each_set_of_the_record() -> None:
    assert [(each.set, each.title) for each in BACKTESTED.sets] == [(spec.name, spec.title) for spec in shipped_sets()]
    for horizon, rows in BACKTESTED.horizons.items():
        assert [row.set for row in rows] == [each.set for each in BACKTESTED.sets]
        for row in rows:
            parts = (row.volatility_r2, row.cone_50, row.cone_80, row.cone_95)
            assert None not in parts
            assert (row.large_move_skill is None) == (horizon == 240)


def on_the_page(text: str, title: str) -> Iterator[list[str]]:
    """The rows of a table of the page, folded or not."""
    lines = iter(text.splitlines())
    next(line for line in lines if line == f"### {title}" or line.startswith(f"<details><summary>{title}: "))
    assert next(lines) == ""
    for line in lines:
        if not line:
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", [spec.name for spec in shipped_sets()])
def test_what_is_shipped_is_of_the_run_that_wrote_the_page(name: str) -> None:
    """`make track-record` writes both."""
    text = PAGE.read_text("utf-8")
    chances, explained, bands = (list(on_the_page(text, title)) for title in (PROBABILITIES, EXPLAINED, COVERED))
    for horizon, forecasts in BACKTESTED.horizons.items():
        at, shipped = horizon_text(horizon), next(each for each in forecasts if each.set == name)
        for rows, key, figure in (
            (chances, [name, LARGE_MOVE, at], shipped.large_move_skill),
            (explained, [name, at, "forecast"], shipped.volatility_r2),
            (bands, [name, at, "50 %"], shipped.cone_50),
            (bands, [name, at, "80 %"], shipped.cone_80),
            (bands, [name, at, "95 %"], shipped.cone_95),
        ):
            assert [row[3] for row in rows if row[:3] == key] == ([] if figure is None else [as_written(figure)]), key


def as_written(figure: Measured) -> str:
    value, lower, upper = figure
    return written(Figure(value=value, lower=lower, upper=upper), Column(""))
