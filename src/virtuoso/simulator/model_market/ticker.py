"""The ticker of a symbol at its looks: prices, rolling 24 h, open interest, funding, best bid and ask."""

from functools import lru_cache

from virtuoso.simulator.model_market.book import BookModel
from virtuoso.simulator.model_market.market import MINUTE_MS, ModelMarket
from virtuoso.simulator.model_market.slow import SlowModel

_DAY_MS = 1_440 * MINUTE_MS

NAMES = (
    "tickDirection", "price24hPcnt", "lastPrice", "prevPrice24h", "highPrice24h", "lowPrice24h", "prevPrice1h",
    "markPrice", "indexPrice", "openInterest", "openInterestValue", "turnover24h", "volume24h", "fundingIntervalHour",
    "fundingCap", "singleOpenInterest", "singleOpenInterestValue", "nextFundingTime", "fundingRate", "bid1Price",
    "bid1Size", "ask1Price", "ask1Size", "preOpenPrice", "preQty", "curPreListingPhase",
)  # fmt: skip
Values = tuple[str, ...]


class TickerModel:
    """Ticker values with the wire's padding, in the order of `NAMES`. Ten looks a second, or two."""

    def __init__(self, market: ModelMarket, book: BookModel, slow: SlowModel) -> None:
        self._market, self._book, self._slow = market, book, slow
        self.look_ms = 100 if market.active else 500
        self._phase = market.key % self.look_ms
        listed = market.listed
        self._fixed = str(listed.funding_ms // 3_600_000), listed.facts.funding_cap
        self._day = lru_cache(2)(self._rolling_day)
        self.values = lru_cache(4)(self._values)
        self._held = lru_cache(2)(self._of_five_seconds)

    def look_at(self, at_ms: int) -> int:
        """Number of the latest look at or before `at_ms`; symbols are out of step with each other."""
        return (at_ms - self._phase) // self.look_ms

    def time_of(self, look: int) -> int:
        """When the ticker is pushed for the `look`th time, epoch ms."""
        return look * self.look_ms + self._phase

    def _rolling_day(self, minute_ms: int) -> tuple[int, int, int, int, int, int]:
        """Over the 24 h before a minute: first open, high, low, volume, turnover; and the open an hour before."""
        _, rows = self._market.history.minutes(minute_ms - _DAY_MS, minute_ms - 1)
        return (
            int(rows[0, 0]), int(rows[:, 1].max()), int(rows[:, 2].min()), int(rows[:, 4].sum()), int(rows[:, 5].sum()),
            int(rows[-60, 0]),
        )  # fmt: skip

    def _of_five_seconds(self, number: int) -> tuple[int, str, str, float, str, str]:
        """What is told anew only every five seconds: open interest and its texts, index ratio, funding."""
        at_ms = number * 5_000
        interest = self._slow.open_interest(at_ms)
        units = self._market.units
        rate, settles = self._slow.funding(at_ms)
        return (
            interest, units.size(interest), units.size(interest // 2), self._slow.index_ratio(at_ms), str(settles),
            rate,
        )  # fmt: skip

    def _values(self, look: int) -> Values:
        at_ms = self.time_of(look)
        market, units, texts = self._market, self._market.units, self._market.texts
        minute, tape, made = market.place(at_ms)
        opened, high, low, volume, turnover, hour = self._day(minute * MINUTE_MS)
        last = before = market.history.opening(minute * MINUTE_MS)
        if made:
            i = made - 1
            last = tape.ticks[i]
            before = tape.ticks[i - 1] if i else before
            high, low = max(high, tape.highs[i]), min(low, tape.lows[i])
            volume, turnover = volume + tape.volumes[i], turnover + tape.turnovers[i]
        block, index = self._book.at(self._book.look_at(at_ms, 1), 1)
        (bid, bid_lots), (ask, ask_lots) = block.touch(index)
        interest, both, single, ratio, settles, rate = self._held(at_ms // 5_000)
        decimals = units.price_decimals
        price = last * units.tick
        mark = price * (1 + 0.6 * (ratio - 1))
        value = interest * units.quantity * mark
        return (
            "ZeroPlusTick" if last == before else "PlusTick" if last > before else "MinusTick",
            f"{last / opened - 1:.6f}",
            texts[last],
            texts[opened],
            texts[high],
            texts[low],
            texts[hour],
            f"{mark:.{decimals}f}",
            f"{price * ratio:.{decimals}f}",
            both,
            f"{value:.2f}",
            f"{turnover * units.tick * units.quantity:.4f}",
            f"{volume * units.quantity:.4f}",
            *self._fixed,
            single,
            f"{value / 2:.2f}",
            settles,
            rate,
            texts[bid],
            units.size(bid_lots),
            texts[ask],
            units.size(ask_lots),
            "",
            "",
            "",
        )
