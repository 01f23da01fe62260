"""Learns how far a symbol's price goes in units of its own volatility, and how far it goes but once in days."""

from collections import deque
from math import inf, log, sqrt

from virtuoso.alerts.fast.sizes import Sizes

_MINUTE_MS = 60_000
_HALF_LIFE_S = 7 * 86_400.0
_SETTLED_EVERY = 30
"""Minutes between two looks at the levels: each costs tens of microseconds, and the memory is of days."""


class MoveTails:
    """Learns a symbol's moves within a minute, and within `window_minutes`, by the volatility known before each.

    A minute's move is the farther of its high and low from the close before, a window's from the close that many
    closed minutes before; both over σ of one minute times the square root of the minutes. So the memory (half-life a
    week) is of shapes alone: a symbol that becomes livelier is not taken for one with a fatter tail.

    Attributes:
        minute: the move over a minute that comes once in `once_in_hours`, in σ of a minute; `None` = too little known.
        window: the same of the window, in σ of the window.
    """

    __slots__ = ("_closes", "_left", "_minute", "_once_in_s", "_root", "_window", "minute", "window")

    def __init__(self, window_minutes: int, once_in_hours: float) -> None:
        self._closes: deque[float] = deque(maxlen=window_minutes + 1)
        self._root = sqrt(window_minutes)
        self._once_in_s = once_in_hours * 3_600.0
        self._minute, self._window = Sizes(_HALF_LIFE_S), Sizes(_HALF_LIFE_S)
        self._left = 0
        self.minute: float | None = None
        self.window: float | None = None

    def gap(self) -> None:
        """Note that the next minute does not follow the last one."""
        self._closes.clear()

    def learn(self, open_ms: int, high: float, low: float, close: float, sigma: float | None) -> None:
        """Take a closed minute and the σ of a one-minute log return that was known before it (`None` = unknown)."""
        closes = self._closes
        if closes and sigma is not None and sigma > 0.0 and 0.0 < low <= high < inf:
            self._add(self._minute, high, low, closes[-1], sigma)
            if len(closes) == closes.maxlen:
                self._add(self._window, high, low, closes[0], sigma * self._root)
        if 0.0 < close < inf:
            closes.append(close)
        else:
            closes.clear()
        self._settle(open_ms + _MINUTE_MS)

    @staticmethod
    def _add(tail: Sizes, high: float, low: float, reference: float, sigma: float) -> None:
        tail.pending.append(max(log(high / reference), log(reference / low)) / sigma)

    def _settle(self, at_ms: int) -> None:
        self._left -= 1
        if self._left > 0:
            return
        self._left = _SETTLED_EVERY
        for tail in (self._minute, self._window):
            tail.advance(at_ms)
        self.minute, self.window = self._minute.level(self._once_in_s), self._window.level(self._once_in_s)
