"""The ticker of a symbol: prices, rolling 24 h, open interest and funding at a tick of its book."""

from bisect import bisect_right
from functools import lru_cache

import numpy as np

from virtuoso.simulator.history.book import BookModel
from virtuoso.simulator.history.dataset import HIGH, LOW, OPEN, VOLUME
from virtuoso.simulator.history.market import TURNOVER, SymbolMarket
from virtuoso.simulator.history.noise import smooth, uniform
from virtuoso.simulator.history.timeline import MINUTE_MS, Timeline

_DAY_MS = 1_440 * MINUTE_MS
_HOUR_MS = 60 * MINUTE_MS
_BASIS_MS, _INTEREST_MS, _INTEREST_STEP_MS = 900_000, 3_600_000, 5_000


class TickerModel:
    """Ticker fields with the wire's names and padding."""

    def __init__(self, market: SymbolMarket, book: BookModel, timeline: Timeline) -> None:
        self._market = market
        self._book = book
        self._timeline = timeline
        self._day = lru_cache(2)(self._rolling_day)
        self._interest = lru_cache(2)(self.open_interest)
        self._settled = lru_cache(2)(self.settled)
        self.fields = lru_cache(4)(self._fields)
        self._price = lru_cache(256)(market.units.price)
        self._funded_ms = [ms for ms, _ in market.recorded.funding]
        fine = market.recorded.fine
        # A day's volume is of the order of the open interest; the average turns over in about half a day.
        self._typical_interest = float(fine[:, VOLUME].mean()) * 1_440 * (0.4 + 0.4 * uniform(market.key, 3))

    def index_ratio(self, at_ms: int) -> float:
        """Index over last price: a basis that wanders within ±5 basis points."""
        return 1 + 5e-4 * smooth(self._market.key + 4, at_ms / _BASIS_MS)

    def mark_ratio(self, at_ms: int) -> float:
        """Mark over last price: between the two."""
        return _mark_ratio(self.index_ratio(at_ms))

    def open_interest(self, at_ms: int) -> int:
        """Open interest of both sides, in lots; it grows when the hour trends and shrinks when it reverts."""
        wander = smooth(self._market.key + 5, at_ms / _INTEREST_MS) + 0.4 * smooth(self._market.key + 6, at_ms / 60_000)
        move = abs(np.log(self._market.ticks_at(at_ms) / self._market.ticks_at(at_ms - _HOUR_MS)))
        return max(2, int(self._typical_interest * (1 + 0.05 * wander + min(0.1, 2.0 * float(move)))) // 2 * 2)

    def long_share(self, at_ms: int) -> float:
        """Share of accounts that are long: higher after a fall, as crowds buy dips."""
        then_ms = max(at_ms - 4 * _HOUR_MS, self._timeline.minutes_ms + _HOUR_MS)
        move = float(np.log(self._market.ticks_at(at_ms) / self._market.ticks_at(then_ms)))
        share = 0.58 + 0.08 * smooth(self._market.key + 7, at_ms / (4 * _HOUR_MS)) - 1.5 * max(-0.1, min(0.1, move))
        return min(0.9, max(0.1, share))

    def funding(self, at_ms: int) -> tuple[str, int]:
        """The recorded rate that settles next (decimal text), and when it does (epoch ms)."""
        interval_ms = int(self._market.recorded.facts.funding_min) * MINUTE_MS
        settles = at_ms // interval_ms * interval_ms + interval_ms
        return self._settled(settles), settles

    def settled(self, settles_ms: int) -> str:
        """The recorded rate that settles at `settles_ms`."""
        recorded_ms = settles_ms - self._timeline.shift_ms
        if settles_ms >= self._timeline.minutes_ms:
            index, _ = self._timeline.minute(settles_ms)
            recorded_ms = self._timeline.minutes_ms - self._timeline.shift_ms + index * MINUTE_MS
        return self._market.recorded.funding[max(0, bisect_right(self._funded_ms, recorded_ms) - 1)][1]

    def settles(self, at_ms: int) -> bool:
        """Whether funding settles at a multiple of the interval; history may have settled less often than the loop."""
        return at_ms >= self._timeline.minutes_ms or at_ms - self._timeline.shift_ms in self._funded_ms

    def _rolling_day(self, minute: int) -> tuple[int, int, int, int, int, int]:
        """Over the 24 h before a minute: first open, high, low, volume, turnover; and the open an hour before."""
        _, rows = self._market.minutes(minute - _DAY_MS, minute - 1)
        return (
            int(rows[0, OPEN]),
            int(rows[:, HIGH].max()),
            int(rows[:, LOW].min()),
            int(rows[:, VOLUME].sum()),
            int(rows[:, TURNOVER].sum()),
            int(rows[-60, OPEN]),
        )

    def _fields(self, tick: int) -> dict[str, str]:
        """All fields at a tick of the book."""
        at_ms = self._book.time_of(tick)
        market, units = self._market, self._market.units
        minute = at_ms // MINUTE_MS * MINUTE_MS
        opened, high, low, volume, turnover, hour = self._day(minute)
        before, last = market.lately(at_ms)
        part = market.forming(minute, at_ms)
        if part is not None:
            high, low = max(high, part[1]), min(low, part[2])
            volume, turnover = volume + part[4], turnover + part[TURNOVER]
        (bid, bid_lots), (ask, ask_lots) = self._book.best(tick)
        price = last * units.step / 10**units.price_decimals
        ratio = self.index_ratio(at_ms)
        mark, index = price * _mark_ratio(ratio), price * ratio
        interest = self._interest(at_ms - at_ms % _INTEREST_STEP_MS)
        value = interest / 10**units.size_decimals * mark
        rate, settles = self.funding(at_ms)
        return {
            "tickDirection": _direction(before, last),
            "price24hPcnt": f"{last / opened - 1:.6f}",
            "lastPrice": self._price(last),
            "prevPrice24h": self._price(opened),
            "highPrice24h": self._price(high),
            "lowPrice24h": self._price(low),
            "prevPrice1h": self._price(hour),
            "markPrice": f"{mark:.{units.price_decimals}f}",
            "indexPrice": f"{index:.{units.price_decimals}f}",
            "openInterest": units.size(interest),
            "openInterestValue": f"{value:.2f}",
            "turnover24h": f"{turnover * units.step / 10 ** (units.price_decimals + units.size_decimals):.4f}",
            "volume24h": f"{volume / 10**units.size_decimals:.4f}",
            "fundingIntervalHour": str(int(market.recorded.facts.funding_min) // 60),
            "fundingCap": market.recorded.facts.funding_cap,
            "singleOpenInterest": units.size(interest // 2),
            "singleOpenInterestValue": f"{value / 2:.2f}",
            "nextFundingTime": str(settles),
            "fundingRate": rate,
            "bid1Price": self._price(bid),
            "bid1Size": units.size(bid_lots),
            "ask1Price": self._price(ask),
            "ask1Size": units.size(ask_lots),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }


def _mark_ratio(index: float) -> float:
    return 1 + 0.6 * (index - 1)


def _direction(before: int, now: int) -> str:
    if now == before:
        return "ZeroPlusTick"
    return "PlusTick" if now > before else "MinusTick"
