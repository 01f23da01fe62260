"""How much a flow moves the price, and how one-sided it is: unsigned measures of taker flow."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, ratio, side_by_side, total
from virtuoso.market.panel import Floats

_COLUMNS = 4_096
"""Windows that are divided into buckets at once: more would only need more memory."""


class KyleLambda:
    """Kyle's λ (1985), the price response to signed flow, in units of the RMS of both: −1…1.

    λ = Σrq/Σq² by least squares through the origin; times rms(q)/rms(r) it is Σrq/√(Σr²·Σq²), r the log return of a
    bar and q its taker-buy less taker-sell volume. Base units stand for money: inside a window the price level cancels.
    """

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._response = memory.ring(bars)
        self._returns = memory.ring(bars)
        self._flow = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute Σrq/√(Σr²·Σq²) over the window [t, n], between −1 and 1."""
        t, w = x.close.shape[0], self._bars
        r, q = np.log(x.close / x.previous), 2.0 * x.buy_volume - x.volume
        returns = total(self._returns.extend(x.number, x.rows, r * r), w, t)
        flow = total(self._flow.extend(x.number, x.rows, q * q), w, t)
        response = total(self._response.extend(x.number, x.rows, r * q), w, t)
        return ratio(response, np.sqrt(returns) * np.sqrt(flow))


class Amihud:
    """Amihud's illiquidity (2002) of late relative to its usual: 1 is usual, more is thinner.

    The mean of |r|/V over bars with volume; V in base units stands for money, as the price level cancels.
    """

    def __init__(self, memory: Memory, fast: int, slow: int) -> None:
        self._fast = fast
        self._slow = slow
        self._response = memory.ring(slow)
        self._traded = memory.ring(slow)

    def step(self, x: CrossSection) -> Floats:
        """(mean of |r|/V over fast)/(mean over slow)."""
        t = x.close.shape[0]
        response = np.abs(np.log(x.close / x.previous)) / x.volume
        response = np.where(x.volume == 0, 0.0, response)
        responses = self._response.extend(x.number, x.rows, response)
        traded = self._traded.extend(x.number, x.rows, (x.volume > 0).astype(np.float64))
        late, usual = (ratio(total(responses, bars, t), total(traded, bars, t)) for bars in (self._fast, self._slow))
        return ratio(late, usual)


class Vpin:
    """Volume-synchronised probability of informed trading (Easley, López de Prado & O'Hara, 2012), 0…1.

    The volume of the last `bars` bars is divided into `buckets` of equal volume; the taker sides are true ones, and
    inside a bar buying is spread evenly over its volume.
    """

    def __init__(self, memory: Memory, bars: int, buckets: int) -> None:
        self._bars = bars
        self._buckets = buckets
        self._buy = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Σ|V_buy − V_sell|/ΣV over the buckets."""
        t, n = x.close.shape
        buy = self._buy.extend(x.number, x.rows, x.buy_volume)
        volume = self._volume.extend(x.number, x.rows, x.volume)
        out = np.full((t, n), np.nan)
        at_once = max(1, _COLUMNS // max(1, n))
        for k in range(t - min(t, x.wanted), t, at_once):
            stop = min(k + at_once, t)
            some = slice(k, stop - 1 + self._bars)
            volumes, bought = (side_by_side(each[some], self._bars) for each in (volume, buy))
            mean = bucket_imbalance(volumes, bought, self._buckets)
            out[k:stop] = mean.reshape(stop - k, n)
        return out


def bucket_imbalance(volume: Floats, buy: Floats, buckets: int) -> Floats:
    """Mean |2·buy − size|/size over `buckets` of equal size of each column [bars, m] → [m]."""
    bars, m = volume.shape
    ends, bought = np.zeros((bars + 1, m)), np.zeros((bars + 1, m))
    np.cumsum(volume, axis=0, out=ends[1:])
    np.cumsum(buy, axis=0, out=bought[1:])
    known = np.isfinite(bought[-1]) & np.isfinite(ends[-1]) & (ends[-1] > 0)
    size = np.where(known, ends[-1], np.nan) / buckets
    # A border g lies in the first bar whose end is at g buckets or beyond: count by column the ends short of it.
    place = ends[1:] / size
    if not known.all():
        place[:, ~known] = 0.0
    columns = np.arange(m)
    keys = place.astype(np.int64) * m + columns
    counts = np.bincount(keys.ravel(), minlength=(buckets + 2) * m)
    short = np.cumsum(counts[: (buckets - 1) * m].reshape(-1, m), axis=0)
    at = np.minimum(short, bars - 1) * m + columns
    borders = np.arange(1, buckets)[:, None] * size
    part = ratio(borders - ends.take(at), volume.take(at))
    cumulated = np.empty((buckets + 1, m))
    cumulated[0], cumulated[-1] = 0.0, bought[-1]
    cumulated[1:-1] = bought.take(at) + part * buy.take(at)
    imbalance = np.abs(2.0 * np.diff(cumulated, axis=0) - size)
    out = np.zeros(m)
    for bucket in imbalance:  # one after the other: a sum over an axis may be taken in another order for another width
        out += bucket
    return np.where(known, out / (size * buckets), np.nan)
