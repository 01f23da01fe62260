"""One symbol as it is played: its trades and bars at any exchange time, all a function of that time."""

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from virtuoso.simulator.history.dataset import CLOSE, HIGH, LOW, OPEN, VOLUME, Ints, Recorded
from virtuoso.simulator.history.noise import hash_of
from virtuoso.simulator.history.timeline import MINUTE_MS, Timeline
from virtuoso.simulator.history.trades import MinuteTrades, tape_of

COARSE_MS = 5 * MINUTE_MS
TURNOVER = 5
_MINUTES_CACHED = 128


class PlayedTrade(NamedTuple):
    """A trade at an exchange time, in ticks and lots; `number` counts from the minute's first."""

    at_ms: int
    ticks: int
    lots: int
    buy: bool
    number: int


class SymbolMarket:
    """Prices in ticks, sizes in lots, turnover in ticks · lots, times in epoch ms of the exchange."""

    def __init__(self, recorded: Recorded, timeline: Timeline, seed: int) -> None:
        self.recorded = recorded
        self.units = recorded.units
        self.key = hash_of(seed, *recorded.symbol.encode())
        self._timeline = timeline
        self._tape = tape_of(recorded, self.key)
        self.typical_lots = max(1, int(np.median(recorded.fine[:, VOLUME])) // 20)
        self.trades_of = lru_cache(_MINUTES_CACHED)(self._trades_of)

    def _trades_of(self, open_ms: int) -> MinuteTrades:
        """Trades of the minute that opens at `open_ms` (times in the minute)."""
        return self._tape.minute(*self._timeline.minute(open_ms))

    def trades(self, after_ms: int, upto_ms: int) -> list[PlayedTrade]:
        """Trades with after_ms < time ≤ upto_ms, oldest first."""
        found = []
        minute = (after_ms + 1) // MINUTE_MS * MINUTE_MS
        while minute <= upto_ms:
            trades = self.trades_of(minute)
            begin = bisect_right(trades.at_ms, after_ms - minute)
            end = bisect_right(trades.at_ms, upto_ms - minute)
            found += [
                PlayedTrade(minute + trades.at_ms[i], trades.ticks[i], trades.lots[i], trades.buys[i], i)
                for i in range(begin, end)
            ]
            minute += MINUTE_MS
        return found

    def around(self, at_ms: int) -> tuple[PlayedTrade, PlayedTrade]:
        """The last trade at or before `at_ms` and the first after it."""
        minute = at_ms // MINUTE_MS * MINUTE_MS
        trades = self.trades_of(minute)
        i = bisect_right(trades.at_ms, at_ms - minute)
        return self._trade(minute, i - 1), self._trade(minute, i)

    def lately(self, at_ms: int) -> tuple[int, int]:
        """Prices of the last two trades at or before `at_ms`, older first, in ticks."""
        minute = at_ms // MINUTE_MS * MINUTE_MS
        trades = self.trades_of(minute)
        i = bisect_right(trades.at_ms, at_ms - minute)
        if i >= 2:
            return trades.ticks[i - 2], trades.ticks[i - 1]
        return self._trade(minute, i - 2).ticks, self._trade(minute, i - 1).ticks

    def before(self, trade: PlayedTrade) -> PlayedTrade:
        """The trade before one, which may have the same time."""
        return self._trade(trade.at_ms // MINUTE_MS * MINUTE_MS, trade.number - 1)

    def ticks_at(self, at_ms: int) -> int:
        """Price of the last trade at or before `at_ms`, in ticks: `around` without making the minute's trades.

        Before the first trade of all it is the open of that.
        """
        minute = at_ms // MINUTE_MS * MINUTE_MS
        while (found := self._tape.ticks_at(*self._timeline.minute(minute), at_ms - minute)) is None:
            if minute <= self._timeline.minutes_ms:
                return int(self.recorded.fine[0, OPEN])
            minute -= MINUTE_MS
        return found

    def _trade(self, minute: int, number: int) -> PlayedTrade:
        """A trade by its number, which may reach into the minutes before or after."""
        trades = self.trades_of(minute)
        while number < 0:
            minute -= MINUTE_MS
            trades = self.trades_of(minute)
            number += len(trades)
        while number >= len(trades):
            number -= len(trades)
            minute += MINUTE_MS
            trades = self.trades_of(minute)
        return PlayedTrade(
            minute + trades.at_ms[number], trades.ticks[number], trades.lots[number], trades.buys[number], number
        )

    def minutes(self, start_ms: int, end_ms: int) -> tuple[Ints, Ints]:
        """Whole 1-minute bars opening in [start_ms, end_ms]: times [t], rows [t, 6] of o, h, l, c, v, turnover."""
        start = max(-(-start_ms // MINUTE_MS) * MINUTE_MS, self._timeline.minutes_ms)
        times = np.arange(start, end_ms + 1, MINUTE_MS, dtype=np.int64)
        index, back = self._timeline.minutes(times)
        rows = np.empty((len(times), 6), dtype=np.int64)
        rows[:, :TURNOVER] = self.recorded.fine[index]
        rows[:, TURNOVER] = self._tape.turnover[index]
        rows[back, OPEN], rows[back, CLOSE] = rows[back, CLOSE], rows[back, OPEN].copy()
        return times, rows

    def forming(self, open_ms: int, now_ms: int) -> list[int] | None:
        """The minute's bar from its trades up to `now_ms`: o, h, l, c, v, turnover; `None` before its first trade."""
        trades = self.trades_of(open_ms)
        last = bisect_right(trades.at_ms, now_ms - open_ms) - 1
        if last < 0:
            return None
        prices = [trades.ticks[0], trades.high[last], trades.low[last], trades.ticks[last]]
        return [*prices, trades.volume[last], trades.turnover[last]]

    def coarse(self, start_ms: int, end_ms: int) -> tuple[Ints, Ints]:
        """5-minute bars from before the minutes, opening in [start_ms, end_ms]; turnover at the typical price."""
        first = self._timeline.coarse_ms
        begin = max(0, -(-(start_ms - first) // COARSE_MS))
        end = min(len(self.recorded.coarse), (end_ms - first) // COARSE_MS + 1)
        rows = np.empty((max(0, end - begin), 6), dtype=np.int64)
        rows[:, :TURNOVER] = self.recorded.coarse[begin : max(begin, end)]
        rows[:, TURNOVER] = (rows[:, HIGH] + rows[:, LOW] + rows[:, CLOSE]) // 3 * rows[:, VOLUME]
        return first + COARSE_MS * np.arange(begin, max(begin, end), dtype=np.int64), rows

    def bars(self, length_ms: int, offset_ms: int, start_ms: int, end_ms: int, now_ms: int) -> tuple[Ints, Ints]:
        """Bars of any length opening in [start_ms, end_ms] as known at `now_ms`, the forming one last.

        `offset_ms` shifts the alignment (weeks). Shorter bars than 5 minutes exist only where minutes are kept, and
        a bar whose beginning lies before everything recorded is left out.
        """
        last_ms = min(end_ms, now_ms)
        until = min(last_ms + length_ms, now_ms)
        this_minute = now_ms // MINUTE_MS * MINUTE_MS
        times, rows = self.minutes(start_ms, min(until, this_minute) - 1)
        if until > this_minute and (part := self.forming(this_minute, now_ms)) is not None:
            times, rows = np.append(times, this_minute), np.vstack([rows, [part]])
        first_kept = self._timeline.minutes_ms
        if length_ms >= COARSE_MS and start_ms < first_kept:
            older_times, older = self.coarse(start_ms, first_kept - 1)
            times, rows = np.concatenate([older_times, times]), np.concatenate([older, rows])
            first_kept = self._timeline.coarse_ms
        opens = times - (times - offset_ms) % length_ms
        keep = (opens >= max(start_ms, first_kept)) & (opens <= last_ms)
        return aggregated(opens[keep], rows[keep])

    def bar(self, length_ms: int, offset_ms: int, open_ms: int, now_ms: int) -> list[int]:
        """The bar that opens at a time, as known at `now_ms`: o, h, l, c, v, turnover. A minute's is its trades'."""
        if length_ms == MINUTE_MS and (formed := self.forming(open_ms, now_ms)) is not None:
            return formed
        found: list[int] = self.bars(length_ms, offset_ms, open_ms, open_ms, now_ms)[1][0].tolist()
        return found


def aggregated(opens: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Rows joined by equal, ascending open times."""
    if not len(opens):
        return opens, rows
    begin = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    end = np.append(begin[1:], len(opens)) - 1
    joined = np.column_stack(
        [
            rows[begin, OPEN],
            np.maximum.reduceat(rows[:, HIGH], begin),
            np.minimum.reduceat(rows[:, LOW], begin),
            rows[end, CLOSE],
            np.add.reduceat(rows[:, VOLUME], begin),
            np.add.reduceat(rows[:, TURNOVER], begin),
        ]
    )
    return opens[begin], joined
