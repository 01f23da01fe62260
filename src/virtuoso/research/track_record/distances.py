"""Judges the forecast volatility by what came, beside EWMA and GARCH."""

from collections.abc import Mapping

import numpy as np

from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.research.judging.paired import Paired
from virtuoso.research.judging.volatility import Foreseen, VolatilityQuality, quality, r_squared
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.plots import Interval, intervals
from virtuoso.research.track_record.sections import (
    Cell,
    Column,
    Gate,
    Section,
    Table,
    at_least,
    gate,
    horizon_text,
    unsure,
)

EXPLAINED, OWN = "Explained", "forecast"
"""Title of the table, and what its rows of our own forecast are called."""
_TEXT = """\
*Realised* volatility is the root of the sum of squared returns of base bars (those of zero floored at half a tick). R²
is that of its logarithm, against each symbol's own mean of it that was known at the time; QLIKE is the loss of the
variance (Patton, 2011). Rivals: RiskMetrics' EWMA (λ = .94) of returns of the horizon and of five minutes, and
GARCH(1,1) with Student's t on returns of five minutes, fitted anew each day by `arch`. A rival's level is fitted to its
own past outcomes, so that only what it says of changes counts against it. *Difference* is that of the mean loss (below
0: better than the rival), p is that of a Diebold–Mariano test over days."""


class Distances:
    """Gathers how good the volatilities were, set by set."""

    def __init__(self) -> None:
        self._rows: list[tuple[Cell, ...]] = []
        self._against: list[tuple[Cell, ...]] = []
        self._parts: list[Table] = []
        self._bars: list[Interval] = []
        self._differences: list[tuple[str, Figure]] = []
        self._gates: list[Gate] = []

    def add(self, measured: Measured, rivals: Mapping[str, Mapping[int, Floats]]) -> None:
        """Judge the volatilities of one set beside what rivals foresaw, by name and horizon [t, n]."""
        if measured.forecasts is None:
            return
        for number, horizon in enumerate(h for h in HORIZONS_MIN if h in measured.forecasts.volatility):
            forecast = Foreseen(
                measured.forecasts.volatility[horizon].astype(np.float64),
                measured.forecasts.variance[horizon].astype(np.float64),
            )
            realised = measured.followed.realised[horizon].astype(np.float64)
            with np.errstate(all="ignore"):
                log_realised = np.where(realised > 0, np.log(realised), np.nan)
            past = measured.past_mean(log_realised, horizon)
            others = {
                name: levelled(measured, horizon, of[horizon], realised) for name, of in rivals.items() if horizon in of
            }
            found = quality(forecast, realised, past, others, measured.blocks(horizon))
            self._take(measured, horizon, number, found)
            used = np.isfinite(forecast.volatility + log_realised + past)
            rows: list[tuple[Cell, ...]] = [
                (by, part, r_squared(forecast.volatility, realised, past, used & mask, measured.blocks(horizon)))
                for by, part, mask in measured.parts()
            ]
            title = f"{measured.spec.title}: {horizon_text(horizon)}"
            self._parts.append(Table(title, (Column("by"), Column("part"), Column("R²")), tuple(rows)))

    def gates(self) -> list[Gate]:
        """Return the least R² of each set, and whether the loss was below each rival's."""
        return self._gates

    def sections(self) -> list[Section]:
        """Show R², loss and what rivals lost, as tables and a plot, `[]` where nothing was forecast."""
        if not self._rows:
            return []
        return [
            Section(
                "How far: volatility",
                (_TEXT, unsure(self._differences, "difference of the loss")),
                (
                    Table(EXPLAINED, _COLUMNS, tuple(self._rows)),
                    Table("Against the rivals", _AGAINST_COLUMNS, tuple(self._against)),
                ),
                (intervals("volatility", "R² of log realised volatility", self._bars),),
            ),
            Section("Volatility by symbol, hours and regime", (), tuple(self._parts)),
        ]

    def _take(self, measured: Measured, horizon: int, number: int, found: VolatilityQuality) -> None:
        name, at = measured.spec.name, horizon_text(horizon)
        self._rows.append((name, at, OWN, found.r2, found.qlike))
        self._rows += [(name, at, rival, r2, found.rival_qlike[rival]) for rival, r2 in found.rival_r2.items()]
        self._bars += [Interval(f"{name} {at}", found.r2)]
        self._bars += [Interval(f"{name} {at} {rival}", r2) for rival, r2 in found.rival_r2.items()]
        for loss, of in (("log error", found.squared), ("QLIKE", found.qlike_against)):
            for rival, paired in of.items():
                self._against.append((name, at, loss, rival, paired.difference, paired.p))
                self._differences.append((f"{name} {at} {loss} {rival}", paired.difference))
                self._gates.append(_better(f"volatility, {loss} below {rival}'s at {at}", name, paired))
        least = measured.spec.gates.get("volatility_r2", ())
        if number < len(least):
            self._gates.append(at_least(f"volatility, R² at {at}", name, found.r2, least[number]))


def levelled(measured: Measured, horizon: int, rival: Floats, realised: Floats) -> Foreseen:
    """Set a rival's volatilities [t, n] to the level that fits its own past outcomes, known at the time.

    In the middle by the mean error of the logarithm, in the mean by the mean ratio of the variances.
    """
    with np.errstate(all="ignore"):
        log_rival = np.where(rival > 0, np.log(rival), np.nan)
        error = np.where(realised > 0, np.log(realised), np.nan) - log_rival
        return Foreseen(
            np.exp(log_rival + measured.past_mean(error, horizon)),
            rival**2 * measured.past_mean(realised**2 / np.exp(2 * log_rival), horizon),
        )


def _better(name: str, of: str, paired: Paired) -> Gate:
    why = f"p = {paired.p:.4f}" if paired.p is not None else "below five days"
    return gate(name, of, "< 0, p < .05", paired.difference, lambda _: paired.better, why)


_COLUMNS = (Column("set"), Column("horizon"), Column("by"), Column("R²"), Column("QLIKE"))
_AGAINST_COLUMNS = (
    Column("set"),
    Column("horizon"),
    Column("loss"),
    Column("rival"),
    Column("difference", 4),
    Column("p", 4),
)
