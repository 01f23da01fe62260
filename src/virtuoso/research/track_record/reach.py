"""Whether cones held what they claimed: bands, tails, touch, after breaks, many at once, and against rivals."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from virtuoso.analysis.forecast.cones.together import BANDS
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN, TAILS
from virtuoso.market.panel import Floats, Ints
from virtuoso.research.judging.blocks import ratio, summed
from virtuoso.research.judging.breaks import largest_breaks, steps_after
from virtuoso.research.judging.cones import bands, known, levels, outside, pinball
from virtuoso.research.judging.figures import Figure
from virtuoso.research.judging.paired import compare
from virtuoso.research.judging.pooling import Pool
from virtuoso.research.sampling.forecasts import SampledForecasts
from virtuoso.research.sampling.readings import Sampled
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.plots import Interval, intervals
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, horizon_text, near, unsure

COVERED = "Bands of the closing return"
"""Title of the table."""
_TEXT = """\
A band is right where the share of returns inside is what it claims; each tail is judged on its own. *Touch* is judged
by the share of highest highs (lowest lows) that stay below (above) each quantile."""
_BREAKS = """\
The ten largest breaks of a set are the quarters of an hour in which the market (mean over symbols) moved most in
units of the root mean square of its returns in the seven days before, a day apart at least; what is judged begins at
the break itself."""
_RIVALS = """\
Rivals are the same adaptive conformal quantiles, scaled by what EWMA and GARCH-t foresee, or by nothing (each symbol's
own past outcomes). Pinball loss in basis points; *against* is the mean difference (below 0: better than the rival)."""
_GATED = (15, 60)
_STEPS_AFTER = {15: 60, 60: 24}
_LEAST_AFTER = 0.7
_WITHIN = 0.015
_WITHIN_PART = {"symbol": 0.04, "hours (UTC)": 0.05}
_WITHIN_TOUCH = 0.02


class Reach:
    """Gathers how good the quantiles were, set by set."""

    def __init__(self) -> None:
        self._bands: list[tuple[Cell, ...]] = []
        self._levels: list[tuple[Cell, ...]] = []
        self._parts: list[Table] = []
        self._breaks: list[tuple[Cell, ...]] = []
        self._against: list[tuple[Cell, ...]] = []
        self._together: list[tuple[Cell, ...]] = []
        self._bars: list[Interval] = []
        self._differences: list[tuple[str, Figure]] = []
        self._gates: list[Gate] = []
        self._pools: dict[tuple[str, int], Pool] = {}

    def add(self, measured: Measured, rivals: Mapping[str, Mapping[int, Sampled]]) -> None:
        """Judge the quantiles of one set beside the rivals' of the closing return, by name and horizon [6, t, n]."""
        forecast = measured.forecasts
        if forecast is None:
            return
        found = _market_breaks(measured)
        for horizon in (h for h in HORIZONS_MIN if h in forecast.cone):
            quantiles = forecast.cone[horizon].astype(np.float64)
            outcome = measured.followed.close[horizon].astype(np.float64)
            if not known(quantiles, outcome).any():
                continue
            self._covered(measured, horizon, quantiles, outcome)
            self._parted(measured, horizon, quantiles, outcome)
            if horizon in forecast.high:
                self._touched(measured, forecast, horizon)
            if horizon in forecast.at_least:
                self._at_once(measured, horizon, quantiles, outcome, forecast.at_least[horizon].astype(np.float64))
            if horizon in _STEPS_AFTER:
                self._after(measured, horizon, quantiles, outcome, found)
            loss = 1e4 * pinball(quantiles, outcome, TAILS)
            for name, of in rivals.items():
                if horizon in of:
                    self._compared(measured, horizon, name, loss, of[horizon].astype(np.float64))

    def gates(self) -> list[Gate]:
        """Whether bands, tails and touch were as claimed, and the loss not above any rival's."""
        pooled = [
            Gate(
                name=f"pinball loss below {rival}'s at {horizon_text(horizon)}",
                set="all sets",
                wanted="upper end < 0",
                measured=figure,
                passed=None if figure.value is None else figure.negative,
                why="nothing to judge" if figure.value is None else "",
            )
            for rival, horizon, figure in self._pooled()
            if horizon in _GATED
        ]
        return [*self._gates, *pooled]

    def sections(self) -> list[Section]:
        """Coverage, touch, rivals, breaks and parts, as tables and a plot, `[]` where nothing was forecast."""
        if not self._bands:
            return []
        return [
            Section(
                "How far: cones",
                (_TEXT,),
                (
                    Table(COVERED, _BAND_COLUMNS, tuple(self._bands)),
                    Table(
                        "Touch: quantiles of the highest high and the lowest low", _LEVEL_COLUMNS, tuple(self._levels)
                    ),
                ),
                (intervals("coverage", "Covered less claimed, points", self._bars),),
            ),
            Section(
                "Cones against rivals",
                (_RIVALS, unsure(self._differences, "difference of the loss")),
                (
                    Table("Pinball loss", _AGAINST_COLUMNS, tuple(self._against)),
                    Table(
                        "All sets together",
                        (Column("horizon"), Column("rival"), Column("difference, bp")),
                        tuple((horizon_text(horizon), rival, figure) for rival, horizon, figure in self._pooled()),
                    ),
                ),
            ),
            Section("Cones after breaks", (_BREAKS,), (Table("The 80 % band", _BREAK_COLUMNS, tuple(self._breaks)),)),
            Section(
                "Outside together", (_TOGETHER,), (Table("Symbols outside at once", _AT_ONCE, tuple(self._together)),)
            ),
            Section("Cones by symbol, hours and regime", (), tuple(self._parts)),
        ]

    def _covered(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats) -> None:
        name, at = measured.spec.name, horizon_text(horizon)
        everywhere = np.ones(outcome.shape, np.bool_)
        for band in bands(quantiles, outcome, TAILS, everywhere, measured.blocks(horizon)):
            claimed = f"{100 * band.claimed:.0f} %"
            self._bands.append((name, at, claimed, band.inside, band.below, band.above, (1 - band.claimed) / 2))
            self._bars.append(Interval(f"{name} {at} {claimed}", _less(band.inside, band.claimed)))
            if horizon in _GATED:
                what = f"{claimed} band, covered at {at}"
                self._gates.append(near(what, name, band.inside, band.claimed, _WITHIN, or_holds=True))
                for side, figure in (("lower", band.below), ("upper", band.above)):
                    tail = (1 - band.claimed) / 2
                    what = f"{claimed} band, {side} tail at {at}"
                    self._gates.append(near(what, name, figure, round(tail, 3), _WITHIN, or_holds=True))

    def _parted(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats) -> None:
        rows: list[tuple[Cell, ...]] = []
        for by, part, mask in measured.parts():
            found = bands(quantiles, outcome, TAILS, mask, measured.blocks(horizon))
            rows.append((by, part, *(band.inside for band in reversed(found))))
            within = _WITHIN_PART.get(by)
            if within is None or horizon not in _GATED:
                continue
            for band in found:
                what = f"{100 * band.claimed:.0f} % band, {part} at {horizon_text(horizon)}"
                if band.inside.value is not None:
                    self._gates.append(near(what, measured.spec.name, band.inside, round(band.claimed, 3), within))
        title = f"{measured.spec.title}: {horizon_text(horizon)}"
        columns = (Column("by"), Column("part"), *(Column(f"{c} %") for c in (50, 80, 95)))
        self._parts.append(Table(title, columns, tuple(rows)))

    def _touched(self, measured: Measured, forecast: SampledForecasts, horizon: int) -> None:
        for side, quantiles, extremes in (
            ("highest high", forecast.high[horizon], measured.followed.high[horizon]),
            ("lowest low", forecast.low[horizon], measured.followed.low[horizon]),
        ):
            everywhere = np.ones(extremes.shape, np.bool_)
            found = levels(
                quantiles.astype(np.float64), extremes.astype(np.float64), everywhere, measured.blocks(horizon)
            )
            self._levels.append((measured.spec.name, horizon_text(horizon), side, *found))
            if horizon in _GATED:
                for tail, figure in zip(TAILS, found, strict=True):
                    what = f"touch, {side} at the {tail:g} quantile, {horizon_text(horizon)}"
                    self._gates.append(near(what, measured.spec.name, figure, tail, _WITHIN_TOUCH))

    def _after(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats, breaks: Ints) -> None:
        steps = _STEPS_AFTER[horizon]
        inside = 1.0 - outside(quantiles, outcome, 1)
        each = [_mean(inside, steps_after(measured.close_ms, np.array([at]), horizon, steps)) for at in breaks]
        judged = [share for share in each if share is not None]
        chosen = steps_after(measured.close_ms, breaks, horizon, steps)[:, None] & np.isfinite(inside)
        terms = summed(chosen, inside, 1.0)
        figure = measured.blocks(horizon).figure(chosen, terms, ratio, terms)
        self._breaks.append((measured.spec.name, horizon_text(horizon), figure, len(judged), min(judged, default=None)))
        passed = None if figure.value is None else figure.value >= _LEAST_AFTER
        why = "no break has a past and a cone" if passed is None else f"{len(judged)} breaks"
        what = f"80 % band over {steps} steps after breaks at {horizon_text(horizon)}"
        self._gates.append(
            Gate(name=what, set=measured.spec.name, wanted="≥ 0.7", measured=figure, passed=passed, why=why)
        )

    def _at_once(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats, claims: Floats) -> None:
        """How often at least k symbols are outside a band at once, what was claimed, what independence would say."""
        n = outcome.shape[1]
        for place, band in enumerate(BANDS):
            beyond = outside(quantiles, outcome, band)
            count, share = beyond.sum(axis=1), 1 - (TAILS[-1 - band] - TAILS[band])
            for k in sorted({2, max(2, n // 4), max(2, n // 2)} & set(range(claims.shape[2]))):
                claimed = claims[place, :, k]
                used = np.isfinite(count + claimed)
                if not used.any():
                    continue
                came = (count >= k).astype(np.float64)
                rate = np.stack([np.where(used, came, 0.0), used], axis=1)
                apart = np.stack([np.where(used, came - claimed, 0.0), used], axis=1)
                blocks = measured.blocks(horizon)
                figures = blocks.figure(used, rate, ratio, rate), blocks.figure(used, apart, ratio, rate)
                what, at = f"{k} of {n} beyond {100 * (1 - share):.0f} %", horizon_text(horizon)
                independent = float(binom.sf(k - 1, n, share))
                name = measured.spec.name
                self._together.append((name, at, what, *figures, float(claimed[used].mean()), independent))
                if horizon in _GATED:
                    gate = f"at once, {what} at {at}: came less claimed"
                    self._gates.append(near(gate, name, figures[1], 0.0, 0.0, or_holds=True))

    def _compared(self, measured: Measured, horizon: int, rival: str, loss: Floats, quantiles: Floats) -> None:
        """Our own `loss` [t, n] in basis points beside that of a rival's quantiles [6, t, n]."""
        outcome = measured.followed.close[horizon].astype(np.float64)
        theirs = 1e4 * pinball(quantiles, outcome, TAILS)
        paired = compare(loss, theirs, measured.blocks(horizon))
        name, at = measured.spec.name, horizon_text(horizon)
        own = float(np.nanmean(loss)) if np.isfinite(loss).any() else None
        self._against.append((name, at, rival, paired.difference, paired.p, own))
        self._differences.append((f"{name} {at} {rival}", paired.difference))
        used = np.isfinite(loss + theirs)
        pool = self._pools.setdefault((rival, horizon), Pool())
        pool.add(measured.blocks(horizon), used, summed(used, loss - theirs, 1.0))
        if horizon in _GATED:
            passed = None if paired.difference.value is None else not paired.worse
            why = "nothing to judge" if passed is None else "" if paired.p is None else f"p = {paired.p:.4f}"
            what = f"pinball loss not above {rival}'s at {at}"
            gate = Gate(
                name=what, set=name, wanted="not > 0, p < .05", measured=paired.difference, passed=passed, why=why
            )
            self._gates.append(gate)

    def _pooled(self) -> list[tuple[str, int, Figure]]:
        """The difference of the loss to each rival over all sets, by horizon."""
        return [(rival, horizon, pool.figure(ratio)) for (rival, horizon), pool in self._pools.items()]


def _market_breaks(measured: Measured) -> Ints:
    """The breaks of the set, from returns of 15 minutes."""
    at = np.flatnonzero(measured.close_ms % (15 * 60_000) == 0)
    returns = measured.followed.past[15][at].astype(np.float64)
    return largest_breaks(measured.close_ms[at], returns, 1_440)


def _mean(values: Floats, chosen: NDArray[np.bool_]) -> float | None:
    inside = values[chosen]
    inside = inside[np.isfinite(inside)]
    return float(inside.mean()) if inside.size else None


def _less(figure: Figure, claimed: float) -> Figure:
    """The figure less what was claimed, in points."""

    def apart(value: float | None) -> float | None:
        return None if value is None else 100 * (value - claimed)

    return Figure(value=apart(figure.value), lower=apart(figure.lower), upper=apart(figure.upper), n=figure.n)


_TOGETHER = """\
How often at least so many symbols are outside their band at the same close, what was claimed (P(at least k outside),
learnt as it goes), and what independence would say: one market moves them."""
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
_AGAINST_COLUMNS = (
    Column("set"),
    Column("horizon"),
    Column("rival"),
    Column("difference, bp"),
    Column("p", 4),
    Column("own loss, bp", 2),
)
_BREAK_COLUMNS = (Column("set"), Column("horizon"), Column("inside"), Column("breaks"), Column("least of one"))
_AT_ONCE = (
    Column("set"),
    Column("horizon"),
    Column("at least"),
    Column("came", 4),
    Column("came less claimed", 4),
    Column("claimed", 4),
    Column("if independent", 6),
)
