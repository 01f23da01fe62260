"""Learns the baseline of a quantity, one value at a time, with exponentially fading memory of constant size."""

from math import exp, inf, log, sqrt

_MINUTE_MS = 60_000


class LogBaseline:
    """Learns the mean and spread of the natural logarithm of a positive quantity.

    The update is Finch's (2009, "Incremental calculation of weighted mean and variance"): d = y − m, m += α·d,
    v = (1 − α)·(v + α·d²); it begins as the plain mean of what came. Scaling the quantity shifts the mean alone.
    """

    __slots__ = ("_alpha", "_variance", "count", "mean")

    def __init__(self, half_life: float) -> None:
        """Start empty. `half_life` is the number of values after which the weight of an old one has halved."""
        self._alpha = 1.0 - 0.5 ** (1.0 / half_life)
        self._variance = 0.0
        self.mean = 0.0
        self.count = 0

    def learn(self, value: float) -> None:
        """Take a value; zero, infinity and `nan` have no logarithm and are left out."""
        if not 0.0 < value < inf:
            return
        self.count += 1
        alpha = max(self._alpha, 1.0 / self.count)
        off = log(value) - self.mean
        self.mean += alpha * off
        self._variance = (1.0 - alpha) * (self._variance + alpha * off * off)

    @property
    def spread(self) -> float:
        """Standard deviation of the logarithm."""
        return sqrt(self._variance)

    @property
    def typical(self) -> float:
        """The geometric mean, in the unit of the quantity."""
        return exp(self.mean)

    def excess(self, sigmas: float, ratio: float) -> float:
        """Return how far above its mean the logarithm is unusual: by `sigmas` spreads and by `ratio` at least."""
        return max(sigmas * self.spread, log(ratio))


class Minutes:
    """Learns the volatility and turnover of a symbol's minutes, from its closed bars in order.

    σ² is an exponentially weighted mean of squared one-minute log returns (RiskMetrics, J.P. Morgan 1996), half-life
    an hour. The typical turnover is the geometric mean of the minutes with trades, in quote units.
    """

    __slots__ = ("_alpha", "_close", "_returns", "_square", "next_ms", "turnover")

    _HALF_LIFE = 60
    _READY = 60

    def __init__(self) -> None:
        self._alpha = 1.0 - 0.5 ** (1.0 / self._HALF_LIFE)
        self._square = 0.0
        self._returns = 0
        self._close: float | None = None
        self.next_ms = 0
        """Open time of the minute that follows the latest one learnt."""
        self.turnover = LogBaseline(self._HALF_LIFE)

    def learn(self, open_ms: int, close: float, volume: float) -> None:
        """Take a closed minute; the return over a gap is not one of a minute and is left out."""
        if self._close is not None and open_ms == self.next_ms and 0.0 < close < inf:
            self._returns += 1
            alpha = max(self._alpha, 1.0 / self._returns)
            moved = log(close / self._close)
            self._square += alpha * (moved * moved - self._square)
        self._close = close if 0.0 < close < inf else None
        self.next_ms = open_ms + _MINUTE_MS
        self.turnover.learn(volume * close)

    @property
    def sigma(self) -> float | None:
        """Standard deviation of a one-minute log return; `None` before an hour of minutes."""
        return sqrt(self._square) if self._returns >= self._READY else None

    @property
    def typical_turnover(self) -> float | None:
        """Quote value of a usual minute; `None` before an hour of minutes with trades."""
        return self.turnover.typical if self.turnover.count >= self._READY else None
