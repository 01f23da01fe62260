"""Learns how large a symbol's trades are, and how large one must be to come but once in a given time."""

from math import exp, log, sqrt

import numpy as np

_PER_OCTAVE = 8
_LEAST_OCTAVE, _MOST_OCTAVE = -30, 50
_BINS = (_MOST_OCTAVE - _LEAST_OCTAVE) * _PER_OCTAVE
_LEAST, _MOST = 2.0**_LEAST_OCTAVE, 2.0**_MOST_OCTAVE
_HELD = 1_024
_TAIL_COUNT, _WIDEST_TAIL = 20.0, 0.01
_FARTHEST = 36.0
_RESCALE = 2.0**60
_TOLERANCE_MS = 60_000
_LN2 = log(2.0)
_CENTERS = np.arange(_BINS) + 0.5


class Sizes:
    """Learns the distribution of a positive quantity with exponentially fading memory.

    A histogram with bins of equal logarithm (eight an octave, so quantiles are right to 9 %; Masson, Rim & Lee 2019,
    DDSketch), faded by giving later values more weight (forward decay; Cormode et al. 2009). Nothing is sorted or
    kept but 640 bins. Beyond what was seen, the tail is continued as a power law: its exponent is Hill's (1975)
    estimate from the twenty largest values, the extreme quantile Weissman's (1978).

    Attributes:
        pending: values that wait to be counted; whoever has many appends to it and calls `advance` when `is_full`.
        count: values counted so far.
    """

    __slots__ = ("_begun_ms", "_bins", "_half_life_ms", "_origin_ms", "_upto_ms", "_weight", "count", "pending")

    def __init__(self, half_life_s: float) -> None:
        self._half_life_ms = half_life_s * 1000.0
        self.pending: list[float] = []
        self._begin()

    def _begin(self) -> None:
        self._bins = np.zeros(_BINS)
        self._weight = 1.0
        self._begun_ms: int | None = None
        self._origin_ms = 0
        self._upto_ms = 0
        self.count = 0

    @property
    def is_full(self) -> bool:
        """Whether the values that wait must be counted now."""
        return len(self.pending) >= _HELD

    def add(self, value: float, at_ms: int) -> None:
        """Add one value, seen at `at_ms`, to the distribution."""
        self.pending.append(value)
        self.advance(at_ms)

    def advance(self, at_ms: int) -> None:
        """Let time pass up to `at_ms` (event time, epoch ms) and count what waits, as of then.

        A step back of more than a minute begins afresh: the time before was a wrong one, and so is the rate.
        """
        if self._begun_ms is not None and at_ms < self._upto_ms - _TOLERANCE_MS:
            self._begin()
        if self._begun_ms is None:
            self._begun_ms = self._origin_ms = self._upto_ms = at_ms
        if at_ms > self._upto_ms:
            self._upto_ms = at_ms
            self._weight = 2.0 ** min(1_000.0, (at_ms - self._origin_ms) / self._half_life_ms)
        if self._weight > _RESCALE:
            self._bins /= self._weight
            self._weight = 1.0
            self._origin_ms = self._upto_ms
        if self.pending:
            self._count_pending()

    def _count_pending(self) -> None:
        """Count the values that wait, but for what is no positive number of a plausible size."""
        values = np.array(self.pending)
        self.pending.clear()
        values = values[(values > _LEAST) & (values < _MOST)]
        bins = ((np.log2(values) - _LEAST_OCTAVE) * _PER_OCTAVE).astype(np.int64)
        np.add.at(self._bins, bins, self._weight)
        self.count += values.size

    def level(self, once_in_s: float) -> float | None:
        """Return the size that is reached once in `once_in_s` seconds on average.

        `None` while what is known spans less than a 36th of that: so far is no tail continued in earnest.
        While little is known Hill's estimate is raised by its own standard error, so the level begins high and comes
        down, never the other way round.
        """
        above = np.cumsum(self._bins[::-1])
        total = float(above[-1])
        if total == 0.0 or self._begun_ms is None:
            return None
        known = total / self._weight
        remembered_ms = self._half_life_ms / _LN2
        # The time that the fading memory amounts to: ∫ 2^(−age/half-life).
        span_ms = remembered_ms * (1.0 - exp((self._begun_ms - self._upto_ms) / remembered_ms))
        if span_ms * _FARTHEST < once_in_s * 1000.0:
            return None
        expected = known * once_in_s * 1000.0 / span_ms
        share = min(_WIDEST_TAIL, _TAIL_COUNT / known)
        edge = _BINS - 1 - int(np.searchsorted(above, share * total))
        weights = self._bins[edge:]
        tail = float(weights.sum())
        hill = float(weights @ (_CENTERS[edge:] - edge)) / tail * _LN2 / _PER_OCTAVE
        hill *= 1.0 + 1.0 / sqrt(max(1.0, tail / self._weight))
        return float(2.0 ** (edge / _PER_OCTAVE + _LEAST_OCTAVE) * max(1.0, tail / total * expected) ** hill)
