"""What of the record is served beside forecasts: the figures of its tables, and what is shipped of them."""

from virtuoso.model.backtested import BACKTESTED, BacktestedSet
from virtuoso.research.judging.figures import Figure
from virtuoso.research.track_record.backtested import backtested
from virtuoso.research.track_record.sections import Column, Section, Table
from virtuoso.research.track_record.sets import shipped_sets

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
    assert (quarter.set, quarter.large_move_skill, quarter.volatility_r2) == ("one", (0.0734, 0.0562, 0.0905), None)
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
