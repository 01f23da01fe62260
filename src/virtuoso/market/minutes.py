"""What was last known of a symbol's slow data at the close of each minute, and whom the minute liquidated."""

from array import array
from collections import deque
from collections.abc import Sequence
from math import isnan, log, nan

import numpy as np

from virtuoso.market.panel import Floats
from virtuoso.market.ring import MINUTE_MS, MinuteRing
from virtuoso.market.ticker import Ticker
from virtuoso.model.market import AccountRatio, FundingRate, Liquidation, OpenInterest, Side

COLUMNS = (
    "open_interest", "funding", "funding_mean", "funding_deviation", "funding_settles_ms", "funding_interval_h",
    "long_ratio", "long_ratio_mean", "long_ratio_deviation", "basis", "long_liquidated", "short_liquidated",
)  # fmt: skip
"""The fields of `MinuteBlock` that are noted here, in this order."""
_MINUTES_KEPT = 360
_HOLDS_MS = 300_000
"""How long after it was last heard a ticker, or an open interest that was asked for, stands for a minute."""
_RATIO_HOLDS_MS = 900_000
"""Three of the periods in which account ratios come."""
_CATCH_UP_MS = 300_000
_RATES, _RATIOS = 200, 500
_RECENT_RATIOS = 12
"""More than are asked for at a time; of the older ones only the logarithms matter."""
_FEWEST = 10
_HOUR_MS = 3_600_000
_ROUNDING = 1e-9
_UNKNOWN = (nan, nan)


class Minutes:
    """One symbol's notes: a row of `COLUMNS` for each of the latest minutes, `nan` for what is not known.

    A minute is closed by the first event past it, or when it is asked for. What a stream brings late counts in the
    minute in which it comes.
    """

    def __init__(self, ticker: Ticker) -> None:
        self.close_ms = 0
        """End of the minute that is open, 0 before the first event; the first event past it closes the minute."""
        self.watched_ms: int | None = None
        """Since when liquidations cannot have been missed, `None` while they can."""
        self.ratios: deque[AccountRatio] = deque(maxlen=_RECENT_RATIOS)
        self.hourly_rates = array("d")
        """Settled funding rates per hour, oldest first."""
        self._settled: FundingRate | None = None
        self._ticker = ticker
        self._rows = MinuteRing(_MINUTES_KEPT, len(COLUMNS))
        self._hourly = _UNKNOWN
        self._interval_h = nan
        self._ratio = _UNKNOWN
        self._log_ratios = array("d")
        self._long = self._short = 0.0

    def turn(self, event_ms: int) -> None:
        """Close the minutes before `event_ms`, with what is known until then."""
        close_ms, heard_ms = self.close_ms, self._ticker.event_ms
        for _ in range(_MINUTES_KEPT):  # more would only take each other's place
            if not 0 < close_ms < event_ms or heard_ms is None or close_ms - heard_ms > _HOLDS_MS:
                break
            self._rows.put(close_ms // MINUTE_MS - 1, self._values(close_ms))
            self._long = self._short = 0.0
            close_ms += MINUTE_MS
        self.close_ms = -(-event_ms // MINUTE_MS) * MINUTE_MS

    def settle(self, upto_ms: int) -> None:
        """Close what ends by `upto_ms`: it is wanted now."""
        if self.close_ms - upto_ms > _CATCH_UP_MS:
            self.close_ms = upto_ms  # an event claimed to come from far ahead
        if 0 < self.close_ms <= upto_ms:
            self.turn(upto_ms + 1)

    def noted(self, first: int, count: int) -> Floats:
        """`count` minutes from number `first` as they stand [count, 1 + columns], for `ring.known`."""
        return self._rows.rows(first, count)

    def liquidations(self, liquidations: Sequence[Liquidation]) -> None:
        """Take liquidations, oldest first; `Side.BUY` is a long position that was liquidated."""
        for liquidation in liquidations:
            if liquidation.event_ms > self.close_ms:
                self.turn(liquidation.event_ms)
            if liquidation.side is Side.BUY:
                self._long += liquidation.price * liquidation.size
            else:
                self._short += liquidation.price * liquidation.size

    def take_ratios(self, ratios: Sequence[AccountRatio]) -> None:
        """Take account ratios that were asked for, oldest first; those already held are left out."""
        newest_ms = self.ratios[-1].event_ms if self.ratios else -1
        new = [ratio for ratio in ratios if ratio.event_ms > newest_ms]
        self.ratios.extend(new)
        self._log_ratios.extend(log(r.long / r.short) for r in new if r.long > 0 and r.short > 0)
        del self._log_ratios[:-_RATIOS]
        self._ratio = _moments(self._log_ratios)

    def take_rates(self, rates: Sequence[FundingRate]) -> None:
        """Take settled funding rates, oldest first; those already held are left out.

        They are compared per hour, each over the interval that it settled: exchanges change a symbol's interval.
        """
        for rate in rates:
            before = self._settled
            if before is not None and rate.event_ms <= before.event_ms:
                continue
            if before is not None:
                self._interval_h = max(1, round((rate.event_ms - before.event_ms) / _HOUR_MS))
                self.hourly_rates.append(rate.rate / self._interval_h)
            self._settled = rate
        del self.hourly_rates[: -(_RATES - 1)]
        self._hourly = _moments(self.hourly_rates)

    def take_interest(self, interests: Sequence[OpenInterest]) -> None:
        """Take open interest of the past; it stands for the minutes that close within five minutes from it.

        A minute that was noted when it closed stays as it is.
        """
        for interest in interests:
            first = -(-interest.event_ms // MINUTE_MS)
            for number in range(first - 1, first - 1 + _HOLDS_MS // MINUTE_MS):
                if self._rows.get(number) is None:
                    self._rows.put(number, (interest.open_interest, *[nan] * (len(COLUMNS) - 1)))

    def _values(self, close_ms: int) -> tuple[float, ...]:
        values = self._ticker.values
        mark, index = values["mark"], values["index"]
        interest, interval_h = _or_nan(values["open_interest"]), values["funding_interval_h"] or self._interval_h
        mean, deviation = self._hourly
        # Without open interest (spot) there is nobody to liquidate, and no stream that would tell.
        watched = self.watched_ms is not None and self.watched_ms <= close_ms - MINUTE_MS and not isnan(interest)
        return (
            interest,
            _or_nan(values["funding_rate"]),
            mean * interval_h,
            deviation * interval_h,
            _or_nan(values["next_funding_ms"]),
            interval_h,
            self._log_ratio(close_ms),
            *self._ratio,
            (mark - index) / index if mark is not None and index else nan,
            self._long if watched else nan,
            self._short if watched else nan,
        )

    def _log_ratio(self, close_ms: int) -> float:
        for ratio in reversed(self.ratios):
            if ratio.event_ms <= close_ms:
                known = close_ms - ratio.event_ms <= _RATIO_HOLDS_MS and ratio.long > 0 and ratio.short > 0
                return log(ratio.long / ratio.short) if known else nan
        return nan


def _or_nan(value: float | None) -> float:
    return nan if value is None else value


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation, which is 0 where the values differ by rounding alone; of a few, nothing is known."""
    if len(values) < _FEWEST:
        return _UNKNOWN
    array = np.array(values)
    deviation = float(array.std(ddof=1))
    return float(array.mean()), deviation if deviation > _ROUNDING * float(np.abs(array).max()) else 0.0
