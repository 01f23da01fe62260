"""Judges whether bands of the closing return and quantiles of the extremes covered what they claimed."""

import numpy as np

from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.research.judging.cones import bands, levels
from virtuoso.research.sampling.forecasts import SampledForecasts
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.plots import Interval, intervals
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, horizon_text, near

COVERED = "Bands of the closing return"
"""Title of the table."""
GATED = (15, 60)
"""Horizons whose cones must hold, minutes."""
_TEXT = """\
A band is right where the share of returns inside is what it claims; each tail is judged on its own. *Touch* is judged
by the share of highest highs (lowest lows) that stay below (above) each quantile."""
_WITHIN = 0.015
_WITHIN_PART = {"symbol": 0.04, "hours (UTC)": 0.05}
_WITHIN_TOUCH = 0.02


class Coverage:
    """Gathers how often returns and extremes stayed inside, set by set, over all readings and by part."""

    def __init__(self) -> None:
        self._bands: list[tuple[Cell, ...]] = []
        self._levels: list[tuple[Cell, ...]] = []
        self._parts: list[Table] = []
        self._bars: list[Interval] = []
        self.gates: list[Gate] = []

    def add(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats) -> None:
        """Judge the quantiles [6, t, n] of the closing return by the outcomes [t, n]."""
        self._covered(measured, horizon, quantiles, outcome)
        self._parted(measured, horizon, quantiles, outcome)

    def _covered(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats) -> None:
        name, at = measured.spec.name, horizon_text(horizon)
        everywhere = np.ones(outcome.shape, np.bool_)
        for band in bands(quantiles, outcome, TAILS, everywhere, measured.blocks(horizon)):
            claimed = f"{100 * band.claimed:.0f} %"
            self._bands.append((name, at, claimed, band.inside, band.below, band.above, (1 - band.claimed) / 2))
            self._bars.append(Interval(f"{name} {at} {claimed}", _less(band.inside, band.claimed)))
            if horizon in GATED:
                what = f"{claimed} band, covered at {at}"
                self.gates.append(near(what, name, band.inside, band.claimed, _WITHIN, or_holds=True))
                for side, figure in (("lower", band.below), ("upper", band.above)):
                    tail = (1 - band.claimed) / 2
                    what = f"{claimed} band, {side} tail at {at}"
                    self.gates.append(near(what, name, figure, round(tail, 3), _WITHIN, or_holds=True))

    def _parted(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats) -> None:
        rows: list[tuple[Cell, ...]] = []
        for by, part, mask in measured.parts():
            found = bands(quantiles, outcome, TAILS, mask, measured.blocks(horizon))
            rows.append((by, part, *(band.inside for band in reversed(found))))
            within = _WITHIN_PART.get(by)
            if within is None or horizon not in GATED:
                continue
            for band in found:
                what = f"{100 * band.claimed:.0f} % band, {part} at {horizon_text(horizon)}"
                if band.inside.value is not None:
                    self.gates.append(near(what, measured.spec.name, band.inside, round(band.claimed, 3), within))
        title = f"{measured.spec.title}: {horizon_text(horizon)}"
        columns = (Column("by"), Column("part"), *(Column(f"{c} %") for c in (50, 80, 95)))
        self._parts.append(Table(title, columns, tuple(rows)))

    def add_touch(self, measured: Measured, forecast: SampledForecasts, horizon: int) -> None:
        """Judge the quantiles of the highest high and the lowest low of a horizon."""
        for side, quantiles, extremes in (
            ("highest high", forecast.high[horizon], measured.followed.high[horizon]),
            ("lowest low", forecast.low[horizon], measured.followed.low[horizon]),
        ):
            everywhere = np.ones(extremes.shape, np.bool_)
            found = levels(
                quantiles.astype(np.float64), extremes.astype(np.float64), everywhere, measured.blocks(horizon)
            )
            self._levels.append((measured.spec.name, horizon_text(horizon), side, *found))
            if horizon in GATED:
                for tail, figure in zip(TAILS, found, strict=True):
                    what = f"touch, {side} at the {tail:g} quantile, {horizon_text(horizon)}"
                    self.gates.append(near(what, measured.spec.name, figure, tail, _WITHIN_TOUCH))

    def section(self) -> Section:
        """Make the tables and the plot over all readings."""
        bands_table = Table(COVERED, _BAND_COLUMNS, tuple(self._bands))
        touch_table = Table(
            "Touch: quantiles of the highest high and the lowest low", _LEVEL_COLUMNS, tuple(self._levels)
        )
        plot = intervals("coverage", "Covered less claimed, points", self._bars)
        return Section("How far: cones", (_TEXT,), (bands_table, touch_table), (plot,))

    def section_of_parts(self) -> Section:
        """Make the tables by symbol, hours and regime."""
        return Section("Cones by symbol, hours and regime", (), tuple(self._parts))

    @property
    def known(self) -> bool:
        """Whether any cone was judged."""
        return bool(self._bands)


def _less(figure: Figure, claimed: float) -> Figure:
    """Subtract what was claimed from the figure, in points."""

    def apart(value: float | None) -> float | None:
        return None if value is None else 100 * (value - claimed)

    return Figure(value=apart(figure.value), lower=apart(figure.lower), upper=apart(figure.upper), n=figure.n)


_BAND_COLUMNS = (
    Column("set"),
    Column("horizon"),
    Column("claimed"),
    Column("inside"),
    Column("below"),
    Column("above"),
    Column("each tail claimed"),
)
_LEVEL_COLUMNS = (Column("set"), Column("horizon"), Column("of"), *(Column(f"{tail:g}") for tail in TAILS))
