"""One symbol of the model: its trades and bars at any exchange time, all a function of that time."""

from bisect import bisect_right
from functools import lru_cache

import numpy as np

from virtuoso.simulator.history.dataset import Ints
from virtuoso.simulator.history.market import PlayedTrade, aggregated
from virtuoso.simulator.history.noise import hash_of
from virtuoso.simulator.model_market.bars import SymbolBars
from virtuoso.simulator.model_market.factors import DAY
from virtuoso.simulator.model_market.listing import Listed, PriceTexts
from virtuoso.simulator.model_market.tape import Tape, taped

MINUTE_MS = 60_000
ACTIVE = 50
"""So many symbols, by turnover, have fast books and tickers."""
_TAPES_KEPT = 3


class ModelMarket:
    """Prices in ticks, sizes in lots, turnover in ticks · lots, times in epoch ms of the exchange."""

    def __init__(self, listed: Listed, key: int, bars: SymbolBars) -> None:
        self.listed = listed
        self.units = listed.units
        self.key = key
        self.history = bars
        self.first_ms = bars.first_day * DAY * MINUTE_MS
        self.active = listed.rank < ACTIVE
        self.texts = PriceTexts(listed.units, 4_000 if self.active else 400)
        self._count = max(44.0, 6_500 / (1 + listed.rank) ** 0.65)
        self.tape = lru_cache(_TAPES_KEPT)(self._tape)

    @property
    def typical_lots(self) -> float:
        """Lots that trade in a typical minute."""
        return self.history.typical_lots

    def _tape(self, minute: int) -> Tape:
        """Trades of a minute of the epoch."""
        bar = self.history.minute(minute * MINUTE_MS)
        return taped(
            bar,
            self._count,
            self.history.typical_lots,
            hash_of(self.key, minute, 23),
            first_buys=self._first_buys(minute),
        )

    def _first_buys(self, minute: int) -> bool:
        """Whether the first trade of a minute is a taker's buy: known without the minute's trades."""
        return hash_of(self.key, minute, 24) % 2 == 1

    def place(self, at_ms: int) -> tuple[int, Tape, int]:
        """The minute of `at_ms`, its trades, and how many of them have been made by then."""
        minute = at_ms // MINUTE_MS
        tape = self.tape(minute)
        return minute, tape, bisect_right(tape.at_ms, at_ms - minute * MINUTE_MS)

    def last_price(self, at_ms: int) -> int:
        """Price of the last trade at or before `at_ms`, in ticks."""
        minute, tape, made = self.place(at_ms)
        # A minute opens where the one before closed.
        return tape.ticks[made - 1] if made else self.history.opening(minute * MINUTE_MS)

    def trades(self, after_ms: int, upto_ms: int) -> list[PlayedTrade]:
        """Trades with after_ms < time ≤ upto_ms, oldest first."""
        found = []
        for minute in range((after_ms + 1) // MINUTE_MS, upto_ms // MINUTE_MS + 1):
            opened, tape = minute * MINUTE_MS, self.tape(minute)
            begin = bisect_right(tape.at_ms, after_ms - opened)
            end = bisect_right(tape.at_ms, upto_ms - opened)
            found += [
                PlayedTrade(opened + tape.at_ms[i], tape.ticks[i], tape.lots[i], bool(tape.buys[i]), i)
                for i in range(begin, end)
            ]
        return found

    def path(self, times: Ints) -> tuple[Ints, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        """For ascending times: where the price is on its way from trade to trade (ticks), and whether a buy is next."""
        first, last = int(times[0]) // MINUTE_MS, int(times[-1]) // MINUTE_MS
        tapes = [(minute * MINUTE_MS, self.tape(minute)) for minute in range(first, last + 1)]
        # A minute opens where the one before closed, so the trades before and after are not needed for the price.
        at = np.concatenate(
            [[first * MINUTE_MS - 1], *(opened + tape.times for opened, tape in tapes), [(last + 2) * MINUTE_MS]]
        )
        opens, ends = tapes[0][1].prices[:1], tapes[-1][1].prices[-1:]
        price = np.concatenate([opens, *(tape.prices for _, tape in tapes), ends])
        buys = np.concatenate([[True], *(tape.takers for _, tape in tapes), [self._first_buys(last + 1)]])
        following = np.searchsorted(at, times, side="right")
        here = following - 1
        share = (times - at[here]) / (at[following] - at[here])
        towards = np.rint(price[here] + share * (price[following] - price[here])).astype(np.int64)
        return towards, buys[following]

    def forming(self, at_ms: int) -> list[int] | None:
        """The running minute's bar so far: o, h, l, c, volume, turnover; `None` before its first trade."""
        _, tape, made = self.place(at_ms)
        if not made:
            return None
        i = made - 1
        return [tape.ticks[0], tape.highs[i], tape.lows[i], tape.ticks[i], tape.volumes[i], tape.turnovers[i]]

    def bars(self, length_ms: int, offset_ms: int, start_ms: int, end_ms: int, now_ms: int) -> tuple[Ints, Ints]:
        """Bars opening in [start_ms, end_ms] as known at `now_ms`, the forming one last: times [t], rows [t, 6].

        `offset_ms` shifts the alignment (weeks). A bar that begins before the history is left out.
        """
        last_ms = min(end_ms, now_ms)
        until = min(last_ms + length_ms, now_ms)
        this_minute = now_ms // MINUTE_MS * MINUTE_MS
        begin = max(start_ms, self.first_ms)
        begin -= (begin - offset_ms) % -length_ms  # to the first bar that opens then or later
        times, rows = self.history.minutes(begin, min(until, this_minute) - 1)
        if until > this_minute >= begin and (part := self.forming(now_ms)) is not None:
            times, rows = np.append(times, this_minute), np.vstack([rows, [part]])
        opens = times - (times - offset_ms) % length_ms
        keep = (opens >= begin) & (opens <= last_ms)
        return aggregated(opens[keep], rows[keep])
