"""Recorded minutes, and the measures of a regime from them in plain numpy, independent of the engine's block steps."""

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

MINUTE_MS, DAY_MS = 60_000, 86_400_000
FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Bars:
    """Bars of `minutes` length, the first opening at `first_ms`; arrays [t, n]."""

    symbols: tuple[str, ...]
    first_ms: int
    minutes: int
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray

    @property
    def close_ms(self) -> np.ndarray:
        """Close of each bar [t]."""
        return self.first_ms + self.minutes * MINUTE_MS * np.arange(1, len(self.close) + 1)

    def aggregated(self, minutes: int) -> "Bars":
        """Longer bars, from the first boundary on; an unfinished last one is left out."""
        skip = -self.first_ms // MINUTE_MS % minutes
        t = (len(self.close) - skip) // minutes
        fold = {name: getattr(self, name)[skip : skip + t * minutes].reshape(t, minutes, -1) for name in FIELDS}
        return Bars(
            self.symbols, self.first_ms + skip * MINUTE_MS, minutes, fold["open"][:, 0], fold["high"].max(axis=1),
            fold["low"].min(axis=1), fold["close"][:, -1], fold["volume"].sum(axis=1),
        )  # fmt: skip


def load(path: str) -> Bars:
    """The minutes of all symbols that have every minute of the file, which holds `ts` (ms), `symbol` and `FIELDS`."""
    table = pq.read_table(path, columns=["ts", "symbol", *FIELDS])
    ts, names = table["ts"].to_numpy(), table["symbol"].to_numpy(zero_copy_only=False)
    times = np.unique(ts)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in FIELDS}
    symbols = []
    for symbol in np.unique(names):
        mine = np.flatnonzero(names == symbol)
        if mine.size != times.size:
            continue
        mine = mine[np.argsort(ts[mine])]
        symbols.append(str(symbol))
        for name in FIELDS:
            columns[name].append(table[name].to_numpy()[mine])
    arrays = [np.stack(columns[name], axis=1) for name in FIELDS]
    skip = int(-times[0] // MINUTE_MS % 240)
    return Bars(tuple(symbols), int(times[skip]), 1, *(values[skip:] for values in arrays))


def before(x: np.ndarray, bars: int = 1) -> np.ndarray:
    """`x` [t, n] that many bars earlier, `nan` at the start."""
    return np.concatenate([np.full((bars, x.shape[1]), np.nan), x[:-bars]])


def windows(x: np.ndarray, bars: int) -> np.ndarray:
    """The last `bars` values of `x` [t, n] at each bar [t, n, bars]; `nan` until there are as many."""
    padded = np.concatenate([np.full((bars - 1, x.shape[1]), np.nan), x])
    return np.lib.stride_tricks.sliding_window_view(padded, bars, axis=0)


def wilder(x: np.ndarray, bars: int = 14) -> np.ndarray:
    """Wilder's smoothing of `x` [t, n], begun as a plain mean of the first finite values; the first row is left out."""
    out = np.full(x.shape, np.nan)
    value, count = np.full(x.shape[1], np.nan), np.zeros(x.shape[1])
    for t in range(1, len(x)):
        begun = np.isfinite(value)
        count = np.where(begun, count + 1, 1)
        value = np.where(begun, value + np.maximum(1 / bars, 1 / count) * (x[t] - value), x[t])
        out[t] = value
    return out


def adx(bars: Bars, length: int = 14) -> np.ndarray:
    """Wilder's (1978) average directional index [t, n]."""
    up, down = bars.high - before(bars.high), before(bars.low) - bars.low
    plus = np.where((up > down) & (up > 0), up, 0.0)
    minus = np.where((down > up) & (down > 0), down, 0.0)
    true_range = np.maximum(bars.high, before(bars.close)) - np.minimum(bars.low, before(bars.close))
    rise, fall, span = (wilder(x, length) for x in (plus, minus, true_range))
    rise, fall = rise / span, fall / span
    with np.errstate(invalid="ignore"):  # where neither has been seen yet
        index = 100 * np.abs(rise - fall) / (rise + fall)
    return wilder(index, length)


def yang_zhang(bars: Bars, window: int, least: int | None = None) -> np.ndarray:
    """Yang & Zhang's (2000) volatility per bar [t, n]; from `least` bars on over what there is."""
    gap, body = np.log(bars.open / before(bars.close)), np.log(bars.close / bars.open)
    up, down = np.log(bars.high / bars.open), np.log(bars.low / bars.open)
    inner = up * (up - body) + down * (down - body)

    def of(gap: np.ndarray, body: np.ndarray, inner: np.ndarray, axis: int) -> np.ndarray:
        w = gap.shape[axis]
        k = 0.34 / (1.34 + (w + 1) / (w - 1))
        variance = gap.var(axis=axis, ddof=1) + k * body.var(axis=axis, ddof=1) + (1 - k) * inner.mean(axis=axis)
        return np.sqrt(variance)

    out = of(windows(gap, window), windows(body, window), windows(inner, window), -1)
    for t in range(least or window, min(window, len(out))):
        part = slice(1, t + 1)
        out[t] = of(gap[part], body[part], inner[part], 0)
    return out


def drift(bars: Bars, window: int) -> np.ndarray:
    """ln(C/C[−window])/√window [t, n]."""
    return np.log(bars.close / before(bars.close, window)) / np.sqrt(window)


class Minutes:
    """Realised volatility and moves, from squared log returns of minutes."""

    def __init__(self, minutes: Bars) -> None:
        n = len(minutes.symbols)
        self._log = np.log(np.vstack([minutes.open[:1], minutes.close]))
        self._sum = np.vstack([np.zeros((1, n)), np.cumsum(np.diff(self._log, axis=0) ** 2, axis=0)])

    def volatility(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Root mean square of the minute returns from minute `begin` to `end` [t] → [t, n]; `nan` outside the data."""
        known = (begin >= 0) & (end < len(self._sum)) & (begin < end)
        out = np.full((begin.size, self._sum.shape[1]), np.nan)
        b, e = begin[known], end[known]
        out[known] = np.sqrt((self._sum[e] - self._sum[b]) / (e - b)[:, None])
        return out

    def move(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Log return from minute `begin` to `end` [t] → [t, n]; `nan` outside the data."""
        known = (begin >= 0) & (end < len(self._sum))
        out = np.full((begin.size, self._sum.shape[1]), np.nan)
        out[known] = self._log[end[known]] - self._log[begin[known]]
        return out
