"""The forecaster: state over symbols that says at every base close how far, how likely and which way.

Live a step is one close; warm-up, replay and backtest pass long blocks, and the same bits come out. It never fits by
itself: at 00:00 UTC it hands out what is known, whoever composes it fits, and the fit holds from 00:05 on, so that a
replay adopts it at the same close as live did.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, as_rows
from virtuoso.analysis.forecast.cones.cone import Cone, stacked, under
from virtuoso.analysis.forecast.cones.market import Market
from virtuoso.analysis.forecast.consecutive import Consecutive
from virtuoso.analysis.forecast.features import BASES, LONG, Features, FeatureState
from virtuoso.analysis.forecast.fits.design import market_volatility
from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, TAILS
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.analysis.forecast.training import TrainingPool, TrainingSet, key_of
from virtuoso.market.panel import BAR_FIELDS, BarBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe

ADOPTED_AFTER_MS = 5 * Timeframe.M1.ms
"""A fit to what was known at a close holds from the close so long after it."""
OWN_DAYS = 7
"""A fit of fewer days does not take the place of one of more: that which was shipped holds for a week."""
_FORGOTTEN_BARS = 8 * 1_440
"""After a gap so long nothing of before is of use."""
_LATE_BARS = 64
"""Rows that come late find what the market did at their close, if it was one of the last so many."""
_LEAST_COST = 1e-6


def refit_due(close_ms: int) -> bool:
    """Whether a fit is to be made of what is known at this close: at 00:00 UTC."""
    return close_ms % Timeframe.D1.ms == 0


class Forecaster:
    """Forecasts of the symbols of some rows.

    Args:
        base: the timeframe of the bars, one of `features.BASES`.

    Raises:
        ValueError: forecasts cannot be made from bars of `base`.
    """

    def __init__(self, base: Timeframe) -> None:
        if base not in BASES:
            raise ValueError(f"forecasts need bars of {' or '.join(BASES)}, not of {base}")
        self._base = base
        self._memory, self._week, self._learning = Memory(), Memory(), Memory()
        """Of the last bars, of a week of 5m, and of what comes of forecasts: the first is read anew at a start."""
        self._consecutive = Consecutive(self._memory, base, _FORGOTTEN_BARS, beside=(self._week, self._learning))
        self._features = FeatureState(self._memory, self._week, base)
        self._cone = Cone(self._learning, base, HORIZONS_MIN)
        self._whole = Market(self._learning, base, HORIZONS_MIN)
        self._pool = TrainingPool(base.ms)
        self._keys: dict[int, int] = {}
        self._key_of_row: Ints = np.zeros(0, np.int64)
        self._market_number: Ints = np.full(_LATE_BARS, -1)
        self._market: Floats = np.full(_LATE_BARS, np.nan)
        self._fit: Fit | None = None
        self._version: str | None = None

    def add(self, symbol: str, row: int) -> None:
        """Watch `symbol` in `row`, as if the row had never been used."""
        for memory in self._memories():
            memory.reserve(row + 1)
        if row in self._keys:
            self.remove(row)
        key = self._keys[row] = key_of(symbol)
        if row >= self._key_of_row.size:
            self._key_of_row = np.concatenate(
                [self._key_of_row, np.zeros(self._memory.capacity - self._key_of_row.size, np.int64)]
            )
        self._key_of_row[row] = key

    def remove(self, row: int) -> None:
        """Forget everything about `row`; what was learnt from it stays."""
        if self._keys.pop(row, None) is not None:
            for memory in self._memories():
                memory.reset(slice(row, row + 1))
            self._pool.forget(row)

    def _memories(self) -> tuple[Memory, ...]:
        return self._memory, self._week, self._learning

    def warm_up(self, block: BarBlock) -> None:
        """Take closed bars of one symbol or more without forecasting: a week of 5m in one block, then base bars."""
        if block.timeframe is LONG and self._base is not LONG:
            self._features.warm_up_long(block)
            return
        for part in self._consecutive.parts(block):
            self._features.step(part.number, as_rows(part.block.rows), part.block)

    def week_known(self, row: int) -> int:
        """How many 5m bars of the last week are known of a row."""
        return self._features.week_known(row)

    def as_large(self, rows: Ints, moves: Floats) -> Floats:
        """The share [2, n] of the own moves over 15 and 60 minutes of a week that are as large as `moves` [2, n]."""
        return self._features.as_large(as_rows(rows), moves)

    def take_week(self, block: BarBlock) -> None:
        """Take a week of 5m bars of some rows in the place of what is known of them, up to the last that is."""
        self._features.take_week(block)

    def step(self, block: BarBlock, cost_bp: Floats, funding_bp: Mapping[int, Floats] | None = None) -> Forecasts:
        """Take closed base bars and forecast at each of their closes, by the fit adopted before.

        Bars that were seen already are passed over; bars missing before the block count as missing.

        Args:
            block: bars [t, n] of the base timeframe.
            cost_bp: what a round trip costs at each close [t, n], basis points.
            funding_bp: what a long pays and a short receives besides, within each horizon [t, n].
        """
        parts = list(self._consecutive.parts(block))
        if len(parts) == 1 and parts[0].skip == 0 and parts[0].columns.size == block.rows.size:
            return self._with_market(self._advance(parts[0].number, block, cost_bp, funding_bp))
        out = self._unknown(block, cost_bp)
        for part in parts:
            if part.missed:
                self._features.step(part.number, as_rows(part.block.rows), part.block)
                self._cone.forget(as_rows(part.block.rows))
                continue
            skip, columns = part.skip, part.columns
            funding = {h: x[skip:, columns] for h, x in (funding_bp or {}).items()}
            _put(out, self._advance(part.number, part.block, cost_bp[skip:, columns], funding), skip, columns)
        return self._with_market(out)

    def training_set(self, close_ms: int) -> TrainingSet:
        """What is known at a close for a fit, read-only."""
        return self._pool.known(close_ms)

    def adopt(self, fit: Fit) -> None:
        """Forecast by `fit` from the next close on, unless it is young, or lacks a part, and the one that holds is not.

        A fit is young with fewer than `OWN_DAYS` days where the one that holds knows more.
        """
        held = self._fit
        if held is not None and (fit.days < min(OWN_DAYS, held.days) or (held.whole and not fit.whole)):
            return
        self._fit, self._version = fit, fit.version
        if np.isfinite(fit.multiples).all():
            self._cone.begin(fit.multiples[:, :-1])
            self._whole.begin(fit.multiples[:, -1:])

    def multiples(self) -> Floats:
        """What the cones' multiples were, as a fit hands it on (`Fit.multiples`)."""
        return np.concatenate([self._cone.multiples(), self._whole.multiples()], axis=1)

    @property
    def fit(self) -> Fit | None:
        """The fit that is forecast by from the next close on; `None` before one was adopted."""
        return self._fit

    def samples(self) -> dict[str, NDArray[Any]]:
        """Copies of what is large and changes little within a day: all samples, and each symbol's week of 5m."""
        return (
            self._pool.state() | _prefixed("week", self._week.columns(self.rows)) | {"keys": self._keys_of(self.rows)}
        )

    def recent(self, since: int) -> dict[str, NDArray[Any]]:
        """Copies of what has come to `samples` that were said when `since` of them were `settled`, and of all else.

        What is read from the bars of the last hours is not in it: a restart fetches them.
        """
        rows = self.rows
        return {
            **self._pool.state(since),
            "waiting": self._pool.waiting(self._key_of_row),
            **_prefixed("cone", self._cone.state()),
            **_prefixed("market", self._whole.state()),
            **_prefixed("learning", self._learning.columns(rows)),
            "keys": self._keys_of(rows), "number": self._consecutive.last(rows),
            "market_number": self._market_number.copy(), "market": self._market.copy(),
        }  # fmt: skip

    @property
    def settled(self) -> int:
        """How many samples nothing will come to any more."""
        return self._pool.settled

    @property
    def rows(self) -> Ints:
        """Rows of the symbols that are forecast [n]."""
        return np.array(list(self._keys), dtype=np.int64)

    def load(self, samples: Mapping[str, NDArray[Any]], recent: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what was kept, of symbols as they are recalled; raises `ValueError` if it is of another make."""
        for memory, kept, name in ((self._week, samples, "week"), (self._learning, recent, "learning")):
            memory.check(under(kept, name), kept["keys"].size)
        self._pool.load(samples)
        self._pool.load(recent)
        self._cone.load(under(recent, "cone"))
        self._whole.load(under(recent, "market"))
        for name, array in (("market_number", self._market_number), ("market", self._market)):
            if recent[name].shape != array.shape:
                raise ValueError("what was kept of the market is of another make")
            array[...] = recent[name]

    def recall(self, row: int, samples: Mapping[str, NDArray[Any]], recent: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what was kept, and could be loaded, of the symbol of `row`."""
        key = self._keys[row]
        for memory, kept, name in ((self._week, samples, "week"), (self._learning, recent, "learning")):
            places = np.flatnonzero(kept["keys"] == key)
            if places.size:
                memory.fill(row, under(kept, name), int(places[0]))
        waiting = recent["waiting"].astype(np.int64)
        waiting = waiting[:, waiting[1] == key]
        self._pool.await_again(waiting, np.full(waiting.shape[1], row))

    def forget(self, rows: Ints) -> None:
        """What came of the forecasts for `rows` will not be known: bars are missing since."""
        self._cone.forget(rows)

    def _keys_of(self, rows: Ints) -> Ints:
        return self._key_of_row[rows]

    def _advance(
        self, number: int, block: BarBlock, cost_bp: Floats, funding_bp: Mapping[int, Floats] | None
    ) -> Forecasts:
        rows = as_rows(block.rows)
        arrays: dict[str, Any] = {name: np.ascontiguousarray(getattr(block, name)) for name in BAR_FIELDS}
        block = replace(block, **arrays)
        found = self._features.step(number, rows, block)
        market = self._market_at(number, market_volatility(found.volatility))
        self._learn(number, block.rows, found, market, cost_bp)
        out = self._unknown(block, cost_bp, found)
        for i, minutes in enumerate(CHANCE_HORIZONS_MIN):
            out.large_move_threshold[minutes][:] = found.threshold[i]
            out.large_move_base[minutes][:] = found.beyond[i]
        if self._fit is not None:
            with np.errstate(all="ignore"):
                _forecast(self._fit, found, market, cost_bp, funding_bp or {}, out)
        quantiles = self._cone.step(number, rows, _by_horizon(out.volatility), stacked(found.outcomes))
        for name, series in zip(QUANTILES, quantiles.swapaxes(0, 1), strict=True):
            getattr(out, name).update(zip(HORIZONS_MIN, series, strict=True))
        return out

    def _with_market(self, out: Forecasts) -> Forecasts:
        """The forecasts of a block's symbols, and what they say of the market together."""
        number = int(out.close_ms[0]) // self._base.ms - 1
        cone = [out.cone[minutes] for minutes in HORIZONS_MIN]
        rows = as_rows(out.rows)
        return replace(
            out, market=self._whole.step(number, rows, _by_horizon(out.volatility), cone, out.outcomes.close)
        )

    def _market_at(self, number: int, own: Floats) -> Floats:
        """The market's volatility [t] at the closes of bars from `number` on, as those who came first saw it."""
        bars = number + np.arange(own.size)[-_LATE_BARS:]
        slots = bars % _LATE_BARS
        seen = self._market_number[slots] == bars
        own[-_LATE_BARS:] = np.where(seen, self._market[slots], own[-_LATE_BARS:])
        newer = self._market_number[slots] < bars
        self._market_number[slots[newer]] = bars[newer]
        self._market[slots[newer]] = own[-_LATE_BARS:][newer]
        return own

    def _learn(self, number: int, rows: Ints, found: Features, market: Floats, cost_bp: Floats) -> None:
        """Take what came by each close, and the samples of it."""
        closes = (number + 1 + np.arange(market.size)) * self._base.ms
        wanted = self._pool.wanted(closes, self._key_of_row[rows], len(self._keys)) & np.isfinite(found.volatility).all(
            axis=0
        )
        for k, close_ms in enumerate(closes.tolist()):
            self._pool.learn(close_ms, rows, found.realised[:, k], found.outcomes.close[:, k])
            chosen = np.flatnonzero(wanted[k])
            if not chosen.size:
                continue
            features = {
                "volatility": found.volatility[:, k, chosen], "market": market[k : k + 1],
                "trend": found.outcomes.close[:, k, chosen], "threshold": found.threshold[:, k, chosen],
                "cost_bp": cost_bp[k, chosen],
            }  # fmt: skip
            self._pool.add(close_ms, rows[chosen], features)

    def _unknown(self, block: BarBlock, cost_bp: Floats, found: Features | None = None) -> Forecasts:
        """Forecasts of which none is known, but for what came; with `found`, its quantiles are to be put in."""
        shape = block.close.shape
        values = iter(np.full((_VALUES, *shape), np.nan))
        mappings: dict[str, Any] = {
            name: {minutes: next(values) for minutes in horizons} for name, horizons in MAPPINGS.items()
        }
        quantiled = () if found is not None else HORIZONS_MIN
        for name in QUANTILES:
            mappings[name] = {minutes: np.full((len(TAILS), *shape), np.nan) for minutes in quantiled}
        if found is None:
            came = [np.full((len(HORIZONS_MIN), *shape), np.nan) for _ in range(4)]
            outcomes, realised = Outcomes(*came[:3]), came[3]
        else:
            outcomes, realised = found.outcomes, found.realised
        return Forecasts(
            version=self._version, close_ms=block.open_ms + self._base.ms, rows=block.rows, cost_bp=cost_bp,
            outcomes=outcomes, realised=realised, market=None, **mappings,
        )  # fmt: skip


MAPPINGS = {
    "volatility": HORIZONS_MIN, "variance": HORIZONS_MIN, "large_move": CHANCE_HORIZONS_MIN,
    "large_move_base": CHANCE_HORIZONS_MIN, "large_move_threshold": CHANCE_HORIZONS_MIN,
    "beyond_up": CHANCE_HORIZONS_MIN, "beyond_down": CHANCE_HORIZONS_MIN,
}  # fmt: skip
_VALUES = sum(map(len, MAPPINGS.values()))
QUANTILES = ("cone", "high", "low")
"""In the order of `cone.SERIES`."""


def _prefixed(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}.{key}": array for key, array in arrays.items()}


def _by_horizon(of: Mapping[int, Floats]) -> Floats:
    return np.array([of[minutes] for minutes in HORIZONS_MIN])


def _forecast(
    fit: Fit, found: Features, market: Floats, cost_bp: Floats, funding_bp: Mapping[int, Floats], out: Forecasts
) -> None:
    """Write what `fit` says of the features."""
    log = fit.log_volatility(found.volatility, market, out.close_ms)
    volatilities, variances = np.exp(log), np.exp(2.0 * (log + fit.spread[:, None, None]))
    for i, minutes in enumerate(HORIZONS_MIN):
        volatility = out.volatility[minutes][:] = volatilities[i]
        out.variance[minutes][:] = variances[i]
        if minutes not in CHANCE_HORIZONS_MIN:
            continue
        out.large_move[minutes][:] = fit.large_move(i, found.threshold[i], volatility)
        up = fit.upward(i, found.outcomes.close, volatility)
        either = fit.beyond_costs(i, cost_bp / 1e4, volatility)
        for beyond, sign, side in ((out.beyond_up, 1.0, up), (out.beyond_down, -1.0, 1.0 - up)):
            chance = either
            if minutes in funding_bp:
                cost = np.maximum((cost_bp + sign * funding_bp[minutes]) / 1e4, _LEAST_COST)
                chance = fit.beyond_costs(i, cost, volatility)
            beyond[minutes][:] = chance * side


def _put(out: Forecasts, part: Forecasts, skip: int, columns: Ints) -> None:
    """Write the forecasts of some columns, from bar `skip` on."""
    out.realised[:, skip:, columns] = part.realised
    for name in ("close", "high", "low"):
        getattr(out.outcomes, name)[:, skip:, columns] = getattr(part.outcomes, name)
    for field in fields(Forecasts):
        if field.name in MAPPINGS or field.name in QUANTILES:
            for minutes, values in getattr(part, field.name).items():
                getattr(out, field.name)[minutes][..., skip:, columns] = values
