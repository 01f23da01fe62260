"""The tape: public trades with their taker side, and what each minute's trades add up to."""

from collections import deque
from collections.abc import Iterable, Sequence

from virtuoso.model.market import Side, Trade

_MINUTE_MS = 60_000
_MINUTES_KEPT = 1_500
_SAME = 1e-9


class _Minute:
    __slots__ = ("buy", "sell")

    def __init__(self) -> None:
        self.buy = self.sell = 0.0


class Tape:
    """The latest trades (bounded) and the taker volumes of each minute.

    Trades fetched after a gap are merged by id, whichever way the same trade comes first. A minute's taker-buy volume
    is known when its trades add up to its bar's volume, as they do exactly on Bybit: that alone proves that none was
    missed.
    """

    def __init__(self, capacity: int = 2_000) -> None:
        self.recent: deque[Trade] = deque(maxlen=capacity)
        self._fetched: set[str] = set()
        self._fetched_until_ms = -1
        self._minutes: dict[int, _Minute] = {}
        self._minute = _Minute()
        self._minute_ms = -1

    def add(self, trades: Sequence[Trade]) -> None:
        """Take trades of the stream, oldest first."""
        if self._fetched:
            trades = self._unfetched(trades)
        self.recent.extend(trades)
        self._count(trades)

    def merge(self, trades: Iterable[Trade]) -> list[Trade]:
        """Take fetched trades, leaving out those already held; returns the new ones."""
        recent = self.recent
        held = {trade.id for trade in recent}
        # Older ones may have been held and dropped: counting them again would be worse than not knowing them.
        from_ms = recent[0].event_ms if len(recent) == recent.maxlen else -1
        new = [trade for trade in trades if trade.event_ms >= from_ms and trade.id not in held]
        merged = sorted([*recent, *new], key=lambda trade: trade.event_ms)
        recent.clear()
        recent.extend(merged)  # a full deque drops the oldest
        self._count(new)
        self._fetched = {trade.id for trade in new}  # the stream may be about to bring the newest of them
        self._fetched_until_ms = max((trade.event_ms for trade in new), default=-1)
        return new

    def _unfetched(self, trades: Sequence[Trade]) -> list[Trade]:
        """Those of the stream that no fetch brought before; past the fetched times there is nothing to remember."""
        new = [trade for trade in trades if trade.id not in self._fetched]
        if any(trade.event_ms > self._fetched_until_ms for trade in new):
            self._fetched = set()
        return new

    def _count(self, trades: Iterable[Trade]) -> None:
        for trade in trades:
            if not 0 <= trade.event_ms - self._minute_ms < _MINUTE_MS:
                self._turn(trade.event_ms - trade.event_ms % _MINUTE_MS)
            if trade.side is Side.BUY:
                self._minute.buy += trade.size
            else:
                self._minute.sell += trade.size

    def buy_volume(self, open_ms: int, volume: float) -> float:
        """Taker-buy volume of the closed minute of `volume` (base units); `nan` unless its trades were all seen."""
        minute = self._minutes.get(open_ms)
        if minute is None:
            return 0.0 if volume == 0 else float("nan")
        total = minute.buy + minute.sell
        return minute.buy if abs(total - volume) <= _SAME * max(total, volume) else float("nan")

    def _turn(self, open_ms: int) -> None:
        minute = self._minutes.get(open_ms)
        if minute is None:
            minute = self._minutes[open_ms] = _Minute()
            if len(self._minutes) > _MINUTES_KEPT:
                del self._minutes[min(self._minutes)]
        self._minute_ms, self._minute = open_ms, minute
