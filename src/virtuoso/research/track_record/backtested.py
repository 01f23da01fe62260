"""Takes from the record what is served beside forecasts: how good each part was, by set and horizon."""

from collections.abc import Iterable, Sequence
from typing import Final

from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.quality.figures import Figure
from virtuoso.model.backtested import Backtested, BacktestedForecast, BacktestedSet, Measured
from virtuoso.research.track_record.chances import LARGE_MOVE, PROBABILITIES
from virtuoso.research.track_record.cones.coverage import COVERED
from virtuoso.research.track_record.distances import EXPLAINED, OWN
from virtuoso.research.track_record.sections import Cell, Section, horizon_text

_DIGITS: Final = 3
"""As many as the tables of the page have, so that each figure served stands there."""


def backtested(sets: Sequence[BacktestedSet], sections: Iterable[Section]) -> Backtested:
    """Read from the tables of the record what they say of the sets; a figure that no table has is `None`."""
    tables = {table.title: table.rows for section in sections for table in section.tables}
    chances, explained, bands = (tables.get(title, ()) for title in (PROBABILITIES, EXPLAINED, COVERED))

    def of(name: str, horizon: int) -> BacktestedForecast:
        at = horizon_text(horizon)
        coverage = [_figure(bands, 3, (name, at, f"{percent} %")) for percent in (50, 80, 95)]
        return BacktestedForecast(
            set=name,
            large_move_skill=_figure(chances, 3, (name, LARGE_MOVE, at)),
            volatility_r2=_figure(explained, 3, (name, at, OWN)),
            cone_50=coverage[0],
            cone_80=coverage[1],
            cone_95=coverage[2],
        )

    return Backtested(
        sets=tuple(sets), horizons={horizon: tuple(of(each.set, horizon) for each in sets) for horizon in HORIZONS_MIN}
    )


def _figure(rows: Iterable[tuple[Cell, ...]], column: int, key: tuple[str, ...]) -> Measured | None:
    """Find the figure in a column of the row that begins with `key`."""
    found = next((row[column] for row in rows if row[: len(key)] == key), None)
    if not isinstance(found, Figure) or found.value is None:
        return None
    return round(found.value, _DIGITS), _rounded(found.lower), _rounded(found.upper)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
