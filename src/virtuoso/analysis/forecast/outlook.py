"""The outlook: forecasts, claims and signals of all symbols, stepped together at every base close.

It is what live, replay and backtest compose. It never fits by itself: `training_set` hands out what is known at 00:00
UTC, and what is made of it holds from a close that whoever makes it says beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, as_rows
from virtuoso.analysis.forecast.bars import Behind, joined
from virtuoso.analysis.forecast.claims.cells import DOWN, UP, ClaimRule, Odds
from virtuoso.analysis.forecast.claims.claims import Claims
from virtuoso.analysis.forecast.claims.signals import ENTER_MARGIN, Signals, SignalState
from virtuoso.analysis.forecast.claims.tally import Standing
from virtuoso.analysis.forecast.cones.cone import under
from virtuoso.analysis.forecast.costs import TAKER_FEE_BP, CloseCosts, funding_bp
from virtuoso.analysis.forecast.drift.calibration import Calibration, Withdrawal
from virtuoso.analysis.forecast.features import LONG
from virtuoso.analysis.forecast.fits.daily import DailyFits
from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.followed import LEAST_DAYS, Followed, FollowedTable, cells_of
from virtuoso.analysis.forecast.forecaster import Forecaster
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, OUTCOME_HORIZONS_MIN
from virtuoso.analysis.forecast.shipped_followed import FOLLOWED
from virtuoso.analysis.forecast.training import TrainingSet, key_of
from virtuoso.market.panel import BarBlock, BookBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe

COST_SIZE = 10_000.0
"""Quote units for which walking the book is counted as a cost."""
WARM_BARS = 960
"""Bars of 5m that a warm-up asks for: three days and a third, which one request brings; the week comes after it."""
Kept: TypeAlias = Mapping[str, NDArray[Any]]
"""Arrays that a restart goes on from, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRule:
    """How signals are made: the horizon (minutes), the margin for entering, the size and taker fee of a round trip."""

    horizon_min: int = 60
    enter_margin: float = ENTER_MARGIN
    cost_size: float = COST_SIZE
    taker_fee_bp: float = TAKER_FEE_BP


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said at one close of n symbols; the arrays of `forecasts` are [1, n], those of `signals` [n].

    `standings` are those of all claim cells, by the days that are over. `fit` is the one that the forecasts come from.
    """

    forecasts: Forecasts
    signals: Signals
    standings: tuple[Standing, ...]
    fit: Fit | None
    horizon_min: int
    funding_bp: Mapping[int, Floats]
    """What a long pays and a short receives within each horizon of outcomes [n], at settlements known to lie inside."""
    followed: FollowedTable | None = None
    """What followed past readings: of one's own once twenty days are counted, until then the shipped table."""
    cells: Floats | None = None
    """The cell of each symbol's reading in that table [n], `nan` where the reading has none."""
    as_large: Floats | None = None
    """The share of the symbol's own moves of the last week over 15 and 60 minutes that were as large as that which ends
    at this close [2, n]."""
    withdrawn: tuple[Withdrawal, ...] = ()
    """What of the forecasts does not hold by what came: while there is any, no lean and no claim stands."""

    @property
    def close_ms(self) -> int:
        """Tell of which close this is said, epoch ms."""
        return int(self.forecasts.close_ms[-1])


class Outlook:
    """Says at every base close how far, how likely, and which way where that was earned.

    Args:
        base: the timeframe of the bars.
        rule: how signals are made.
        start: a fit to begin with, left aside where it has seen anything at or after the first close; without one
            nothing is forecast before the first refit.

    Raises:
        ValueError: forecasts cannot be made from bars of `base`.
    """

    def __init__(self, base: Timeframe, rule: ForecastRule | None = None, start: Fit | None = None) -> None:
        self.rule = rule or ForecastRule()
        self._base = base
        self._forecaster = Forecaster(base)
        self._claims = Claims(base.ms)
        self._calibration = Calibration()
        self._signals = SignalState(self.rule.horizon_min * Timeframe.M1.ms, self.rule.enter_margin)
        self._costs = CloseCosts(base, self.rule.cost_size, self.rule.taker_fee_bp)
        self._followed_memory = Memory()
        self._followed = Followed(self._followed_memory, HORIZONS_MIN)
        self._table: tuple[int, FollowedTable | None] = (-1, None)
        """The table of a day (UTC)."""
        self._fits = DailyFits(self._forecaster, start)
        self._kept: tuple[Kept, Kept] | None = None
        self._behind = Behind(base)

    def decide_by(self, margin: float) -> None:
        """Ask for another margin from the next close on."""
        self._signals.margin = margin

    def add(self, symbol: str, row: int) -> None:
        """Watch `symbol` in `row`, as if the row had never been used."""
        self._forecaster.add(symbol, row)
        for memory in self._memories():
            memory.reserve(row + 1)
        if self._kept is not None:
            self._recall(row, key_of(symbol), *self._kept)

    def remove(self, row: int) -> None:
        """Forget everything about `row`; what was learnt and counted from it stays."""
        self._forecaster.remove(row)
        for memory in self._memories():
            if row < memory.capacity:
                memory.reset(slice(row, row + 1))
        self._behind.rows.discard(row)

    def _memories(self) -> tuple[Memory, ...]:
        return *self._kept_memories().values(), self._signals.memory

    def _kept_memories(self) -> dict[str, Memory]:
        """The memories that stand in `recent`, by name."""
        known = {"claims": self._claims.memory, "costs": self._costs.memory, "followed": self._followed_memory}
        return known | self._calibration.memories()

    def warm_up(self, blocks: Sequence[BarBlock]) -> None:
        """Take long blocks of closed bars without saying anything: of 5m, then of the base.

        Rows that an earlier run kept take what closed by then; what followed is left for `catch_up`.
        """
        base = [block for block in blocks if block.timeframe is self._base]
        for block in base:
            if lost := self._behind.lost(block):  # what hangs on their bars begins anew
                self._forecaster.forget(np.array(lost))
        for block in blocks:
            if block.timeframe is LONG and self._base is not LONG:
                for part in self._behind.parted(block):
                    self._forecaster.warm_up(part)
        for block in base:
            for part in self._behind.parted(block):
                self._forecaster.warm_up(part)
                self._costs.step(part)

    def week_known(self, row: int) -> int:
        """How many 5m bars of the last week are known of a row."""
        return self._forecaster.week_known(row)

    def take_week(self, block: BarBlock) -> None:
        """Take a week of 5m bars of some rows in the place of what is known of them, up to the last that is."""
        self._forecaster.take_week(block)

    def catch_up(self) -> int:
        """Learn from the closes since an earlier run kept what it knew, as it would have; how many they were.

        All of its symbols are warmed up before. Costs are those of bars, and no reading is known of these closes, so
        that what follows on them is not counted; no signal comes from them.
        """
        self._kept, closes = None, self._behind.hand_out()
        for blocks in closes:
            block, forecasts, _ = self._advance(blocks, None, None)
            unread = np.full(block.close.shape, np.nan)
            volatility = np.stack([forecasts.volatility[minutes] for minutes in HORIZONS_MIN])
            self._followed.step(
                forecasts.close_ms, block.rows, unread, unread, volatility, forecasts.outcomes.close
            )  # fmt: skip
        return len(closes)

    def step(
        self, blocks: Sequence[BarBlock], book: BookBlock | None, book_seen: NDArray[np.bool_] | None,
        fresh: Mapping[int, bool], may_claim: Mapping[int, bool] | None = None,
    ) -> Said:  # fmt: skip
        """Take the base bars of one close, one a symbol, and say what follows from them.

        Args:
            blocks: base bars [1, n] of one close; no symbol is in two of them.
            book: the books at that close, in the order of their own rows; `None` where none is known.
            book_seen: where a book is to be believed, in that order.
            fresh: by row, whether what is served of it rests on fresh inputs; rows that are not there do not.
            may_claim: by row, whether a claim may begin; where not given, it may wherever inputs are fresh.
        """
        block, forecasts, funding = self._advance(blocks, book, book_seen)
        rows, close_ms = as_rows(block.rows), int(forecasts.close_ms[0])
        standings = self._claims.standings()
        horizon = self.rule.horizon_min
        signals = self._signals.step(
            rows, close_ms, block.close[0], forecasts.beyond_up[horizon][0], forecasts.beyond_down[horizon][0],
            self._pays(standings), _where(fresh, block.rows),
            None if may_claim is None else _where(may_claim, block.rows),
            withdrawn=bool(self._calibration.withdrawn),
        )  # fmt: skip
        return Said(
            forecasts=forecasts, signals=signals, standings=standings, fit=self._forecaster.fit, horizon_min=horizon,
            funding_bp=funding, withdrawn=self._calibration.withdrawn,
        )  # fmt: skip

    def _advance(
        self, blocks: Sequence[BarBlock], book: BookBlock | None, book_seen: NDArray[np.bool_] | None
    ) -> tuple[BarBlock, Forecasts, Mapping[int, Floats]]:
        """Forecast and count claims at one close: its bars side by side, the forecasts, funding within each horizon."""
        block = joined(blocks)
        close_ms = int(block.open_ms[0]) + self._base.ms
        self._fits.begin(close_ms)
        cost_bp = self._costs.step(block, book, book_seen)
        funding = _funding(block, close_ms)
        forecasts = self._forecaster.step(block, cost_bp, {h: x[None] for h, x in funding.items() if x.any()})
        forecasts = self._calibration.step(as_rows(block.rows), forecasts)
        up, down = ({h: x[0] for h, x in of.items()} for of in (forecasts.beyond_up, forecasts.beyond_down))
        self._claims.step(
            as_rows(block.rows), close_ms, block.open[0], block.close[0], cost_bp[0], Odds(up, down), funding
        )  # fmt: skip
        self._fits.ask(close_ms)
        return block, forecasts, funding

    def with_followed(self, said: Said, rows: Ints, percentile: Floats, regime: Floats) -> Said:
        """The same with what followed readings like these, which are among the past ones from now on.

        Args:
            said: what was said at the close of the readings.
            rows: the symbols of the readings [n].
            percentile: of their scores in their own pasts [n], 0–100.
            regime: the places of their regimes in `REGIMES` [n].
        """
        forecasts = said.forecasts
        ours, at = _places(forecasts.rows, rows)
        volatility = np.array([forecasts.volatility[minutes][:, at] for minutes in HORIZONS_MIN])
        self._followed.step(
            forecasts.close_ms, as_rows(rows[ours]), percentile[None, ours], regime[None, ours], volatility,
            forecasts.outcomes.close[..., at],
        )  # fmt: skip
        cells = np.full(forecasts.rows.size, np.nan)
        cells[at] = cells_of(percentile[ours], regime[ours])
        moves = np.abs(forecasts.outcomes.close[: len(CHANCE_HORIZONS_MIN), 0])
        as_large = self._forecaster.as_large(forecasts.rows, moves)
        return replace(said, followed=self._table_at(said.close_ms), cells=cells, as_large=as_large)

    def _table_at(self, close_ms: int) -> FollowedTable | None:
        """What is known of past readings, by the days that are over."""
        day = close_ms // Timeframe.D1.ms
        if self._table[0] != day:
            own = self._followed.table()
            shipped = FOLLOWED if close_ms > FOLLOWED.until_ms else None
            self._table = (day, own if own.days.max() >= LEAST_DAYS else shipped)
        return self._table[1]

    def _pays(self, standings: Sequence[Standing]) -> tuple[bool, bool]:
        """Whether a likely long and a likely short of the horizon are earned."""
        cell = {each.cell.side: each.pays for each in standings if self._is_ours(each)}
        return cell.get(UP, False), cell.get(DOWN, False)

    def _is_ours(self, standing: Standing) -> bool:
        cell = standing.cell
        return cell.rule is ClaimRule.LIKELY and cell.horizon_min == self.rule.horizon_min

    def claims_of(self, rows: NDArray[np.int64]) -> list[tuple[float, float, float, float] | None]:
        """The claim that stands in each row: side, the close at which it was made, price, confidence."""
        found = self._signals.checkpoint(rows).T.tolist()
        return [None if side == 0 else (side, began, price, claimed) for side, began, price, claimed in found]

    def resume_claim(self, row: int, claim: tuple[float, float, float, float]) -> None:
        """Let a claim that an earlier run made stand in `row`, until the next close decides."""
        self._signals.resume(row, *claim)

    def take_training(self) -> TrainingSet | None:
        """What a fit is due to, once: what was known at the last 00:00 UTC, read-only; else `None`."""
        return self._fits.take_training()

    def adopt(self, fit: Fit, from_ms: int) -> None:
        """Forecast by `fit` from the close `from_ms` on."""
        self._fits.adopt(fit, from_ms)

    @property
    def fit(self) -> Fit | None:
        """The fit that forecasts are made with; `None` while there is none."""
        return self._forecaster.fit

    @property
    def settled(self) -> int:
        """How many samples nothing will come to any more."""
        return self._forecaster.settled

    def samples(self) -> Kept:
        """What a restart goes on from: what is large and changes little within a day."""
        return self._forecaster.samples()

    def recent(self, since: int) -> Kept:
        """What else a restart goes on from, after `samples` that were said when `since` of them were `settled`."""
        rows = self._forecaster.rows
        shared = {
            "tally": self._claims.state(), "outcomes": self._followed.state(), "drift": self._calibration.state(),
        }  # fmt: skip
        shared |= {name: memory.columns(rows) for name, memory in self._kept_memories().items()}
        return self._forecaster.recent(since) | {
            f"{name}.{part}": array for name, arrays in shared.items() for part, array in arrays.items()
        }

    def resume(self, fit: Fit | None, samples: Kept | None, recent: Kept | None) -> None:
        """Go on from what an earlier run kept, before anything is watched; `catch_up` once all of it is.

        Raises:
            ValueError: it is of another make; `KeyError` where a part is missing. Some of it may be loaded by then.
        """
        if samples is not None and recent is not None:
            for name, memory in self._kept_memories().items():
                memory.check(under(recent, name), recent["keys"].size)
            self._forecaster.load(samples, recent)
            self._claims.load(under(recent, "tally"))
            self._followed.load(under(recent, "outcomes"))
            self._calibration.load(under(recent, "drift"))
            number = recent["number"]
            known = np.isfinite(number).any()
            self._behind.kept_ms = (int(np.nanmax(number)) + 1) * self._base.ms if known else 0
            self._kept = samples, recent
        if fit is not None:
            self._forecaster.adopt(fit)

    def _recall(self, row: int, key: int, samples: Kept, recent: Kept) -> None:
        """Go on from what was kept of a symbol."""
        self._forecaster.recall(row, samples, recent)
        for place in np.flatnonzero(recent["keys"] == key).tolist():
            for name, memory in self._kept_memories().items():
                memory.fill(row, under(recent, name), place)
            if (recent["number"][place] + 1) * self._base.ms == self._behind.kept_ms:
                self._behind.rows.add(row)
            else:
                self._forecaster.forget(np.array([row]))


def _places(rows: Ints, wanted: Ints) -> tuple[slice | NDArray[np.bool_], slice | Ints]:
    """Which of the `wanted` rows are among `rows`, and where they are there."""
    if np.array_equal(rows, wanted):
        return slice(None), slice(None)
    places = {row: place for place, row in enumerate(rows.tolist())}
    ours = np.array([row in places for row in wanted.tolist()], dtype=bool)
    return ours, np.array([places[row] for row in wanted[ours].tolist()], dtype=np.int64)


def _where(of: Mapping[int, bool], rows: Ints) -> NDArray[np.bool_]:
    return np.array(list(map(of.get, rows.tolist())), dtype=bool)  # what is not there is `None`, which is false


def _funding(block: BarBlock, close_ms: int) -> dict[int, Floats]:
    """What a long pays and a short receives within each horizon [n], as the ticker said at the close."""
    known = block.minutes
    if known is None:
        return {minutes: np.zeros(block.rows.size) for minutes in OUTCOME_HORIZONS_MIN}
    rate, settles, interval_h = known.funding[0], known.funding_settles_ms[0], known.funding_interval_h[0]
    return {minutes: funding_bp(rate, settles, interval_h, close_ms, minutes) for minutes in OUTCOME_HORIZONS_MIN}
