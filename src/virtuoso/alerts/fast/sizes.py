"""How large a symbol's trades are, and how large one must be to come but once in a given time."""

from math import exp, log, log2, sqrt

_PER_OCTAVE = 8
_LEAST_OCTAVE, _MOST_OCTAVE = -30, 50
_BINS = (_MOST_OCTAVE - _LEAST_OCTAVE) * _PER_OCTAVE
_LEAST, _MOST = 2.0**_LEAST_OCTAVE, 2.0**_MOST_OCTAVE
_OFFSET = -_LEAST_OCTAVE * _PER_OCTAVE
_TAIL_COUNT, _WIDEST_TAIL, _NARROWEST_TAIL = 100.0, 0.05, 5e-4
_RESCALE = 2.0**60
_TOLERANCE_MS = 60_000
_LN2 = log(2.0)


class Sizes:
    """The distribution of a positive quantity with exponentially fading memory.

    A histogram with bins of equal logarithm (eight an octave, so quantiles are right to 9 %; Masson, Rim & Lee 2019,
    DDSketch), faded by giving later values more weight (forward decay; Cormode et al. 2009). Nothing is sorted or
    kept but 640 bins. Beyond what was seen, the tail is continued as a power law: its exponent is Hill's (1975)
    estimate from the largest values (about a hundred), the extreme quantile Weissman's (1978).
    """

    __slots__ = ("_begun_ms", "_bins", "_half_life_ms", "_origin_ms", "_upto_ms", "_weight", "count")

    def __init__(self, half_life_s: float) -> None:
        self._half_life_ms = half_life_s * 1000.0
        self._begin()

    def _begin(self) -> None:
        self._bins = [0.0] * _BINS
        self._weight = 1.0
        self._begun_ms: int | None = None
        self._origin_ms = 0
        self._upto_ms = 0
        self.count = 0
        """Values added so far."""

    def add(self, value: float) -> None:
        """Take a value; what is not a positive number of a plausible size is left out."""
        if _LEAST < value < _MOST:
            self._bins[int(log2(value) * _PER_OCTAVE) + _OFFSET] += self._weight
            self.count += 1

    def advance(self, at_ms: int) -> None:
        """Let time pass up to `at_ms` (event time, epoch ms); a step back of more than a minute begins afresh."""
        if self._begun_ms is not None and at_ms < self._upto_ms - _TOLERANCE_MS:
            self._begin()  # the time before was a wrong one, and so is the rate
        if self._begun_ms is None:
            self._begun_ms = self._origin_ms = self._upto_ms = at_ms
        if at_ms <= self._upto_ms:
            return
        self._upto_ms = at_ms
        self._weight = 2.0 ** min(1_000.0, (at_ms - self._origin_ms) / self._half_life_ms)
        if self._weight > _RESCALE:
            self._bins = [weight / self._weight for weight in self._bins]
            self._weight = 1.0
            self._origin_ms = at_ms

    def level(self, once_in_s: float) -> float | None:
        """The size that is reached once in `once_in_s` seconds on average; `None` before anything was seen.

        While little is known Hill's estimate is raised by its own standard error, so the level begins high and comes
        down, never the other way round.
        """
        total = sum(self._bins)
        if total == 0.0 or self._begun_ms is None or self._upto_ms == self._begun_ms:
            return None
        known = total / self._weight
        remembered_ms = self._half_life_ms / _LN2
        # The time that the fading memory amounts to: ∫ 2^(−age/half-life).
        span_ms = remembered_ms * (1.0 - exp((self._begun_ms - self._upto_ms) / remembered_ms))
        expected = known * once_in_s * 1000.0 / span_ms
        share = min(_WIDEST_TAIL, max(_NARROWEST_TAIL, _TAIL_COUNT / known))
        above, reach, edge = self._tail(share * total)
        hill = reach / above * _LN2 / _PER_OCTAVE
        hill *= 1.0 + 1.0 / sqrt(max(1.0, above / self._weight))
        return float(2.0 ** ((edge - _OFFSET) / _PER_OCTAVE) * max(1.0, above / total * expected) ** hill)

    def _tail(self, wanted: float) -> tuple[float, float, int]:
        """The highest bins that hold the weight `wanted`: their weight, Σ weight · bins above the edge, the edge."""
        above = first = 0.0
        for i in range(_BINS - 1, -1, -1):
            weight = self._bins[i]
            if weight:
                above += weight
                first += weight * (i + 0.5)
                if above >= wanted:
                    return above, first - above * i, i
        return above, first, 0
