"""What changes slowly: basis, open interest, funding, share of longs. All follow the price, as functions of time."""

from functools import lru_cache
from math import log

from virtuoso.simulator.history.noise import uniform
from virtuoso.simulator.model_market.factors import smooth
from virtuoso.simulator.model_market.market import MINUTE_MS, ModelMarket

_HOUR_MS = 60 * MINUTE_MS
_BASIS_MS, _INTEREST_MS = 900_000, 3 * _HOUR_MS
_USUAL_RATE = 0.0001
"""Bybit's interest component for eight hours."""


class SlowModel:
    """Of one symbol; times in epoch ms."""

    def __init__(self, market: ModelMarket) -> None:
        self._market = market
        self._cap = float(market.listed.facts.funding_cap or 0.02)
        # A day's volume is of the order of the open interest.
        self._typical_interest = market.typical_lots * 1_440 * (0.4 + 0.4 * uniform(market.key, 3))
        self.open_interest = lru_cache(8)(self._open_interest)
        self.index_ratio = lru_cache(8)(self._index_ratio)
        self.settled = lru_cache(16)(self._settled)

    def _index_ratio(self, at_ms: int) -> float:
        """Index over last price: a basis that wanders within ±5 basis points."""
        return 1 + 5e-4 * smooth(self._market.key + 4, at_ms / _BASIS_MS)

    def mark_ratio(self, at_ms: int) -> float:
        """Mark over last price: between the two."""
        return 1 + 0.6 * (self.index_ratio(at_ms) - 1)

    def _move(self, at_ms: int, span_ms: int) -> float:
        """Log return of the whole minutes in the span before `at_ms`."""
        history, first = self._market.history, self._market.first_ms
        here, then = history.opening(max(first, at_ms)), history.opening(max(first, at_ms - span_ms))
        return log(here / then)

    def _open_interest(self, at_ms: int) -> int:
        """Open interest of both sides, in lots: it grows in an hour that trends and falls where a move liquidates."""
        key = self._market.key
        wander = smooth(key + 5, at_ms / _INTEREST_MS) + 0.1 * smooth(key + 6, at_ms / 60_000)
        move, rush = self._move(at_ms, _HOUR_MS), self._move(at_ms, 5 * MINUTE_MS)
        share = 1 + 0.06 * wander + min(0.1, 2.0 * abs(move)) - min(0.06, 3.0 * max(0.0, abs(rush) - 0.004))
        return max(2, int(self._typical_interest * share) // 2 * 2)

    def long_share(self, at_ms: int) -> float:
        """Share of accounts that are long: higher after a fall, as crowds buy dips."""
        move = self._move(at_ms, 4 * _HOUR_MS)
        share = 0.58 + 0.08 * smooth(self._market.key + 7, at_ms / (4 * _HOUR_MS)) - 1.5 * max(-0.1, min(0.1, move))
        return min(0.9, max(0.1, share))

    def funding(self, at_ms: int) -> tuple[str, int]:
        """The rate that settles next (decimal text), and when it does."""
        settles = at_ms // self._market.listed.funding_ms * self._market.listed.funding_ms
        settles += self._market.listed.funding_ms
        return self.settled(settles), settles

    def _settled(self, settles_ms: int) -> str:
        """The rate that settles at a time: what longs pay rises when the day has risen."""
        trend = self._market.history.trend(settles_ms)
        rate = _USUAL_RATE + 0.004 * trend + 8e-5 * smooth(self._market.key + 8, settles_ms / (12 * _HOUR_MS))
        rate *= self._market.listed.funding_ms / (8 * _HOUR_MS)
        rate = min(self._cap, max(-self._cap, rate))
        return f"{rate:.8f}".rstrip("0").rstrip(".") or "0"

    @property
    def begins_ms(self) -> int:
        """When the slow series begin: a day after the bars."""
        return self._market.first_ms + 24 * _HOUR_MS
