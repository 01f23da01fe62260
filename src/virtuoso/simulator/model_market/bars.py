"""One symbol's minute bars, a day at a time: functions of the seed, the first day and the day."""

from collections import OrderedDict
from functools import lru_cache
from math import log, sqrt

import numpy as np

from virtuoso.simulator.history.dataset import Floats, Ints
from virtuoso.simulator.history.noise import hash_of, uniform
from virtuoso.simulator.model_market.factors import DAY, HISTORY_DAYS, Factor, FactorDay, clustering, smooth
from virtuoso.simulator.model_market.listing import Listed

DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_DAYS_KEPT = 3
_LEAST_TICKS, _LEAST_LOTS = 20, 48
_BETA = {"stock": (0.35, 0.3), "commodity": (0.25, 0.2)}
"""Least and span of the sensitivity to the market; other kinds follow it more."""
_CRYPTO_BETA = (0.8, 0.6)


class SymbolBars:
    """Rows [t, 6] of open, high, low, close (ticks), volume (lots), turnover (ticks · lots).

    A minute's log return is β · market + sector + its own; its own part is a bridge between values fixed at the days'
    ends, so that any day can be had without the days before it. Bars open where the bar before closed.
    """

    def __init__(self, listed: Listed, key: int, first_day: int, market: Factor, sector: Factor) -> None:
        self._listed = listed
        self._key = key
        self.first_day = first_day - HISTORY_DAYS
        self._market, self._sector = market, sector
        least, span = _BETA.get(listed.kind, _CRYPTO_BETA)
        self._beta = 1.0 if listed.rank == 0 else least + span * uniform(key, 1)
        self._of_sector = 0.3 + 0.7 * uniform(key, 2)
        self._sigma = 1.5e-4 if listed.rank == 0 else (3 + 5 * uniform(key, 3) + min(4, listed.rank / 100)) * 1e-4
        self._own = lru_cache(8)(self._own_of)
        self._start = log(listed.price) - self._own(first_day)
        units = listed.units
        self.typical_lots = max(2.0 * _LEAST_LOTS, listed.turnover / DAY / (listed.price * units.quantity))
        self._blocks: OrderedDict[int, Ints] = OrderedDict()

    def _own_of(self, day: int) -> float:
        """The symbol's own log price at the beginning of a day, bounded, so that no run is too long for it."""
        daily = self._sigma * sqrt(DAY)
        spans = ((1.0, 0.8), (6.0, 2.0), (25.0, 3.5))
        return daily * sum(share * smooth(self._key + i, day / span) for i, (span, share) in enumerate(spans, 5))

    def level(self, day: int) -> float:
        """Log price at the beginning of a day."""
        common = self._beta * self._market.level(day) + self._of_sector * self._sector.level(day)
        return self._start + common + self._own(day)

    def trend(self, at_ms: int) -> float:
        """Log return of about the day before `at_ms`, from the days' ends alone."""
        day, rest = divmod(at_ms, DAY_MS)
        before, here, after = (self.level(day + i) for i in (-1, 0, 1))
        share = rest / DAY_MS
        return (1 - share) * (here - before) + share * (after - here)

    def block(self, day: int) -> Ints:
        """All minutes of a day, [1440, 6]."""
        if (known := self._blocks.get(day)) is not None:
            return known
        while len(self._blocks) >= _DAYS_KEPT:
            self._blocks.popitem(last=False)
        made = self._blocks[day] = self._made(day)
        return made

    def minutes(self, start_ms: int, end_ms: int) -> tuple[Ints, Ints]:
        """Whole bars opening in [start_ms, end_ms]: times [t], rows [t, 6]."""
        first = max(-(-start_ms // _MINUTE_MS), self.first_day * DAY)
        last = end_ms // _MINUTE_MS
        if first > last:
            return np.empty(0, dtype=np.int64), np.empty((0, 6), dtype=np.int64)
        days = [self.block(day) for day in range(first // DAY, last // DAY + 1)]
        offset = first % DAY
        rows = days[0] if len(days) == 1 else np.concatenate(days)
        return np.arange(first, last + 1, dtype=np.int64) * _MINUTE_MS, rows[offset : offset + last - first + 1]

    def minute(self, open_ms: int) -> list[int]:
        """Return the bar that opens at `open_ms`: open, high, low, close (ticks), volume (lots), turnover."""
        day, minute = divmod(open_ms // _MINUTE_MS, DAY)
        row: list[int] = self.block(day)[minute].tolist()
        return row

    def opening(self, open_ms: int) -> int:
        """The price at which a minute opens, in ticks."""
        day, minute = divmod(open_ms // _MINUTE_MS, DAY)
        return int(self.block(day)[minute, 0])

    def _made(self, day: int) -> Ints:
        rng = np.random.default_rng(hash_of(self._key, day, 17))
        market, sector = self._market.day(day), self._sector.day(day)
        path, sigma = self._path(day, market, sector, rng)
        price = np.exp(path) / self._listed.units.tick
        opened, closed = price[:-1], price[1:]
        # The extremes of a Brownian bridge between open and close have this distribution.
        spread = -2 * (sigma * opened) ** 2
        up, down = np.log(1 - rng.random((2, DAY)))
        move = closed - opened
        high = (opened + closed + np.sqrt(move * move + spread * up)) / 2
        low = (opened + closed - np.sqrt(move * move + spread * down)) / 2
        rows = np.empty((DAY, 6), dtype=np.int64)
        for column, values in enumerate((opened, high, low, closed)):
            rows[:, column] = np.maximum(_LEAST_TICKS, np.rint(values))
        first, last = rows[:, 0], rows[:, 3]
        rows[:, 1] = np.maximum(np.maximum(first, last), rows[:, 1])
        rows[:, 2] = np.minimum(np.minimum(first, last), rows[:, 2])
        usual = sqrt((self._beta * 4.5e-4) ** 2 + self._sigma**2)
        rows[:, 4] = self._volume(np.abs(np.diff(path)) / usual, sigma / usual, rng)
        span = rows[:, 1] - rows[:, 2]
        mean = ((first + last + rows[:, 1] + rows[:, 2]) / 4 - rows[:, 2]) / np.maximum(span, 1)
        # Trades of any minute must be able to add up to its turnover: see `tape.solved`.
        share = np.clip(mean + rng.normal(0, 0.05, DAY), 0.3, 0.7)
        rows[:, 5] = rows[:, 2] * rows[:, 4] + np.rint(share * span * rows[:, 4]).astype(np.int64)
        return rows

    def _path(self, day: int, market: FactorDay, sector: FactorDay, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Log prices at the minutes' ends [1441], and the standard deviation of each minute [1440]."""
        own_sigma = self._sigma * clustering(self._key, day)
        own = own_sigma * rng.standard_t(4, DAY) * 0.707
        own += (self._own(day + 1) - self._own(day) - own.sum()) / DAY
        returns = self._beta * market.returns + self._of_sector * sector.returns + own
        path = np.empty(DAY + 1)
        path[0] = self.level(day)
        np.cumsum(returns, out=path[1:])
        path[1:] += path[0]
        path[-1] = self.level(day + 1)
        shared = (self._beta * market.sigma) ** 2 + (self._of_sector * sector.sigma) ** 2
        return path, np.sqrt(shared + own_sigma**2)

    def _volume(self, move: Floats, volatility: Floats, rng: np.random.Generator) -> Ints:
        """Lots: more in a large move, in a volatile spell and in the afternoon (UTC), with noise."""
        season = 1 + 0.35 * np.cos(2 * np.pi * (np.arange(DAY) - 870) / DAY)
        noise = np.exp(rng.normal(-0.08, 0.4, DAY))
        lots = self.typical_lots * season * noise * (0.45 + 0.35 * move + 0.3 * volatility)
        return np.maximum(_LEAST_LOTS, lots).astype(np.int64)
