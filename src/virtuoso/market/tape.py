"""The tape: public trades with their taker side, and what each minute's trades add up to."""

from collections import deque
from collections.abc import Iterable, Sequence
from math import inf, nan
from operator import attrgetter

import numpy as np

from virtuoso.market.panel import Floats, Ints
from virtuoso.market.ring import MINUTE_MS, MinuteRing, known
from virtuoso.market.sizes import SizeDistribution
from virtuoso.model.market import Side, Trade

_Key = str | tuple[int, Side, float, float]
_event_ms = attrgetter("event_ms")
_BUY_SIDE = Side.BUY  # looked up once: trades are many
_MINUTES_KEPT = 1_500
_SIZES_HELD = 1_024
_SAME = 1e-9
_TAKEN = 6


class _Minute:
    """Trades of one minute so far; `large` is the size from which one counts as large, judged before the minute."""

    __slots__ = ("buy", "buys", "large", "large_buy", "large_sell", "open_ms", "sell", "sells")

    def __init__(self, open_ms: int, large: float | None) -> None:
        self.open_ms = open_ms
        self.buy = self.sell = 0.0
        self.buys = self.sells = 0
        self.large_buy = self.large_sell = nan if large is None else 0.0
        self.large = inf if large is None else large


class Tape:
    """The latest trades (bounded) and what each of the latest minutes adds up to.

    This is where trades enter: one that comes again, by the stream or fetched, is told to nobody and counted nowhere as
    long as it is among the latest. It is the same by its id, or without one by time, side, price and size. What a
    minute's takers did is known when its trades add up to its bar's volume, as they do exactly on Bybit: that alone
    proves that none was missed. A trade is large or not by the sizes counted before its minute was begun.
    """

    def __init__(self, capacity: int = 2_000) -> None:
        self.recent: deque[Trade] = deque(maxlen=capacity)
        self._held_ms = -1
        self._untold: set[_Key] = set()
        """Those of the latest that filled a gap: nobody was told of them, and the stream may be about to bring them."""
        self._minutes = MinuteRing(_MINUTES_KEPT, _TAKEN)
        self._minute = _Minute(-MINUTE_MS, None)
        self._newest_ms = -MINUTE_MS
        self._sizes: list[float] = []
        self._distribution = SizeDistribution()

    def add(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        """Take trades of the stream, oldest first; returns those that nobody was told of before."""
        if not trades:
            return trades
        first_ms, last_ms = trades[0].event_ms, trades[-1].event_ms
        if self._held_ms < first_ms <= last_ms and (len(trades) == 1 or not _repeats(trades)):
            self.recent.extend(trades)
            self._held_ms = last_ms
            self._count(trades)
            return trades
        new, told = self._unrepeated(trades)
        self._hold(new)
        self._count(new)
        return told

    def merge(self, trades: Iterable[Trade], *, told: bool = True) -> list[Trade]:
        """Take fetched trades, leaving out those already held; returns the new ones.

        Those that are not `told` to anybody else are returned by `add` when the stream brings them, too.
        """
        recent = self.recent
        held = {_key(trade) for trade in recent}
        # Older ones may have been held and dropped: counting them again would be worse than not knowing them.
        from_ms = recent[0].event_ms if len(recent) == recent.maxlen else -1
        new = [trade for trade in trades if trade.event_ms >= from_ms and _key(trade) not in held]
        self._hold(new)
        self._count(new)
        kept = {_key(trade) for trade in recent} if self._untold or not told else set()
        self._untold = (self._untold if told else self._untold | {_key(trade) for trade in new}) & kept
        return new

    def _hold(self, new: Sequence[Trade]) -> None:
        """Keep trades among the latest, which stand in order of time."""
        if any(trade.event_ms < self._held_ms for trade in new):
            merged = sorted([*self.recent, *new], key=_event_ms)
            self.recent.clear()
        else:
            merged = sorted(new, key=_event_ms)
        self.recent.extend(merged)  # a full deque drops the oldest
        if self.recent:
            self._held_ms = self.recent[-1].event_ms

    def _unrepeated(self, trades: Sequence[Trade]) -> tuple[list[Trade], list[Trade]]:
        """Those that are not held yet, and those that nobody was told of, each once."""
        from_ms, held, untold = min(map(_event_ms, trades)), set[_Key](), self._untold
        for trade in reversed(self.recent):
            if trade.event_ms < from_ms:
                break
            held.add(_key(trade))
        new, told = list[Trade](), list[Trade]()
        for trade in trades:
            key = _key(trade)
            if key not in held:
                held.add(key)
                new.append(trade)
                told.append(trade)
            elif key in untold:
                untold.discard(key)
                told.append(trade)
        return new, told

    def _count(self, trades: Iterable[Trade]) -> None:
        minute, sizes = self._minute, self._sizes
        for trade in trades:
            if not 0 <= trade.event_ms - minute.open_ms < MINUTE_MS:
                minute = self._turn(trade.event_ms - trade.event_ms % MINUTE_MS)
            size = trade.size
            sizes.append(size)
            if trade.side is _BUY_SIDE:
                minute.buy += size
                minute.buys += 1
                if size >= minute.large:
                    minute.large_buy += size
            else:
                minute.sell += size
                minute.sells += 1
                if size >= minute.large:
                    minute.large_sell += size
        if len(sizes) >= _SIZES_HELD:
            self._learn()

    @property
    def large_from(self) -> float | None:
        """Size from which a trade of this minute counts as large, base units; `None` while too few were seen."""
        return None if self._minute.large == inf else self._minute.large

    def taken(self, first: int, count: int) -> Floats:
        """`count` minutes from number `first` as counted [count, 7], for `proven`."""
        self._settle()
        return self._minutes.rows(first, count)

    def _learn(self) -> None:
        if self._sizes:
            self._distribution.add(self._sizes)
            self._sizes.clear()

    def _settle(self) -> None:
        m = self._minute
        if m.open_ms < 0:
            return  # no trade yet
        number = m.open_ms // MINUTE_MS
        self._minutes.put(number, (m.buy, m.buys, m.sells, m.large_buy, m.large_sell, m.sell))

    def _turn(self, open_ms: int) -> _Minute:
        """Put the minute aside and take up another, perhaps one that was put aside before."""
        self._settle()
        self._learn()
        if open_ms > self._newest_ms:
            self._distribution.forget((open_ms - self._newest_ms) // MINUTE_MS)
            self._newest_ms = open_ms
        minute = self._minute = _Minute(open_ms, self._distribution.large())
        if (kept := self._minutes.get(open_ms // MINUTE_MS)) is not None:
            minute.buy, buys, sells, large_buy, large_sell, minute.sell = kept
            minute.buys, minute.sells = int(buys), int(sells)
            minute.large_buy += large_buy  # unknown stays unknown
            minute.large_sell += large_sell
        return minute


def _key(trade: Trade) -> _Key:
    """Make what tells a trade from all others: its id, or all that is known of it."""
    return trade.id or (trade.event_ms, trade.side, trade.price, trade.size)


def _repeats(trades: Sequence[Trade]) -> bool:
    """Whether one message names a trade twice; those without an id may be as many as are alike."""
    ids = {trade.id for trade in trades}
    return len(ids) < len(trades) and "" not in ids


def proven(rows: Floats, numbers: Ints, volume: Floats) -> Floats:
    """What takers did in closed minutes [..., 5]: buy volume, buys, sells, large buy and large sell volume.

    `rows` [..., 7] are the counted minutes, `numbers` [...] those asked for, `volume` [...] their bars' (base units);
    `nan` where trades and bar disagree. A minute without volume needs no trade.
    """
    counted = np.where(known(rows, numbers)[..., None], rows[..., 1:], 0.0)
    total = counted[..., 0] + counted[..., 5]
    agrees = np.abs(total - volume) <= _SAME * np.maximum(total, volume)
    return np.where(agrees[..., None], counted[..., :5], np.nan)
