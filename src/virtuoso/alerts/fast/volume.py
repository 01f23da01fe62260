"""Finds volume spikes: minutes in which far more is traded than is usual at this time of day, or was of late."""

from array import array
from math import exp, inf, log, nan

from virtuoso.alerts.fast.baseline import LogBaseline
from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import VolumeSpikeParameters

KIND = "volume_spike"
_MINUTE_MS, _DAY = 60_000, 1_440
_READY = 60
_DAYS = 7
_AROUND = 1
_HALF_LIFE, _HALF_LIFE_DAYS = 60.0, 1_440.0


class VolumeSpike:
    """Judges the volumes of a symbol's minutes (base units).

    A spike is `ratio` times what is usual, and above it by `sigmas` of its spread (logarithms). Usual is the mean of
    the same minutes of `min_days` earlier days or more, else of the recent minutes. The recent usual has a half-life of
    an hour. The time of day's is the mean over the three minutes around it, each the mean of up to seven days (older
    ones fade), as a shift of the logarithm. It is found as soon as the running minute has the volume, and over with the
    first closed one below half of what it took, on a logarithmic scale.
    """

    __slots__ = ("_days", "_findings", "_levels", "_limit", "_limit_ms", "_off", "_open", "_parameters", "_recent",
                 "_symbol", "_told")  # fmt: skip

    def __init__(self, symbol: str, parameters: VolumeSpikeParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._parameters = parameters
        self._findings = findings
        self._recent = LogBaseline(_HALF_LIFE)
        self._off = LogBaseline(_HALF_LIFE_DAYS)
        self._levels = array("f", [nan]) * _DAY
        self._days = array("B", [0]) * _DAY
        self._limit, self._limit_ms = inf, -1
        self._told = (0.0, "")
        self._open = False

    def learn(self, open_ms: int, volume: float) -> None:
        """Learn from a closed minute; the threshold is then the next one's."""
        if 0.0 < volume < inf:
            at = open_ms // _MINUTE_MS % _DAY
            if (daily := self._of_day(at)) is not None:
                self._off.learn(volume * exp(-daily))
            self._recent.learn(volume)
            self._learn_daily(at, log(volume))
        self._settle(open_ms + _MINUTE_MS)

    def forming(self, open_ms: int, volume: float, move: float, now_ns: int) -> None:
        """Judge the running minute's volume so far; `move` is its close less its open."""
        if volume >= self._limit and open_ms == self._limit_ms and not self._open:
            self._found(open_ms, volume, move, now_ns)

    def closed(self, open_ms: int, volume: float, move: float, now_ns: int) -> None:
        """Judge a minute that has just closed, and learn from it."""
        self.forming(open_ms, volume, move, now_ns)
        if self._open and open_ms == self._limit_ms:
            baseline, _ = self._told
            if volume < (baseline * self._limit) ** 0.5:
                self.over(now_ns)
        self.learn(open_ms, volume)

    def over(self, now_ns: int) -> None:
        """End a spike that is over, or of which nothing is known any longer."""
        if self._open:
            self._open = False
            self._findings.over(KIND, now_ns, symbol=self._symbol)

    def _settle(self, open_ms: int) -> None:
        """Set the threshold of the minute that opens at `open_ms`."""
        self._limit, self._limit_ms = inf, open_ms
        daily = self._of_day(open_ms // _MINUTE_MS % _DAY)
        if daily is not None and self._off.count >= _READY:
            mean, baseline, against = daily + self._off.mean, self._off, "same minute of earlier days"
        elif self._recent.count >= _READY:
            mean, baseline, against = self._recent.mean, self._recent, "recent minutes"
        else:
            return
        self._told = (exp(mean), against)
        self._limit = exp(mean + baseline.excess(self._parameters.sigmas, self._parameters.ratio))

    def _of_day(self, at: int) -> float | None:
        """Average the log volume around a minute of the day; `None` unless every minute around has enough days."""
        total = 0.0
        for near in range(at - _AROUND, at + _AROUND + 1):
            if self._days[near % _DAY] < self._parameters.min_days:
                return None
            total += self._levels[near % _DAY]
        return total / (2 * _AROUND + 1)

    def _learn_daily(self, at: int, level: float) -> None:
        days = self._days[at] = min(_DAYS, self._days[at] + 1)
        before = self._levels[at] if days > 1 else level
        self._levels[at] = before + (level - before) / days

    def _found(self, open_ms: int, volume: float, move: float, now_ns: int) -> None:
        self._open = True
        baseline, against = self._told
        self._findings.found(
            KIND,
            Severity.INFO,
            f"{self._symbol}: {volume / baseline:.1f} times the usual volume of a minute ({against})",
            now_ns,
            symbol=self._symbol,
            value=volume / baseline,
            details={
                "direction": "up" if move > 0 else "down" if move < 0 else None, "volume": volume, "usual": baseline,
                "threshold": self._limit, "unit": "base", "times_usual": volume / baseline, "against": against,
                "minute_ms": open_ms,
            },
        )  # fmt: skip
