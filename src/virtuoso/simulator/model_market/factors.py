"""What moves many symbols at once: regimes, the market's and the sectors' minute returns, day by day."""

from dataclasses import dataclass
from math import cos, pi

import numpy as np

from virtuoso.simulator.history.dataset import Floats
from virtuoso.simulator.history.noise import hash_of, mixed, uniform, uniforms

DAY = 1_440
"""Minutes."""
HISTORY_DAYS = 70
"""How far before the first day the market reaches: a whole number of weeks."""
CALM, UP, DOWN, VOLATILE = range(4)
_VOLATILITY = np.array([0.6, 1.0, 1.25, 2.3])
_DRIFT = np.array([0.0, 7e-5, -8e-5, 0.0])
"""Log return a minute: a trend makes about half a percent an hour."""
_CHANGE = 0.2
"""Chance an hour that the regime ends: it dwells for five hours on average."""
_NEXT = ((UP, DOWN, VOLATILE, UP), (CALM, CALM, DOWN, VOLATILE), (CALM, VOLATILE, UP, CALM), (CALM, DOWN, UP, CALM))
_MASK = (1 << 64) - 1
_MARKET_SIGMA, _SECTOR_SIGMA = 4.5e-4, 2.5e-4


def wander(key: int, position: Floats) -> Floats:
    """Noise in [-1, 1], smooth in the ascending `position`: values drawn at the integers, joined by a cosine."""
    knot = np.floor(position).astype(np.int64)
    share = position - knot
    first = int(knot[0])
    knots = np.arange(first, int(knot[-1]) + 2, dtype=np.int64).astype(np.uint64)
    drawn = 2 * uniforms(mixed(mixed(knots) ^ np.uint64(key & _MASK))) - 1
    weight = 0.5 - 0.5 * np.cos(np.pi * share)
    at = knot - first
    return np.asarray(drawn[at] * (1 - weight) + drawn[at + 1] * weight)


def smooth(key: int, position: float) -> float:
    """The same kind of noise (not the same values) at one position: for single draws this is cheaper."""
    knot = int(position // 1)
    weight = 0.5 - 0.5 * cos(pi * (position - knot))
    here, there = 2 * uniform(key, knot) - 1, 2 * uniform(key, knot + 1) - 1
    return here + (there - here) * weight


def clustering(key: int, day: int) -> Floats:
    """Volatility of each minute of a day against the usual: quiet and busy spells of minutes to hours."""
    minute = np.arange(DAY) + float(day * DAY)
    slow, fast = wander(key + 1, minute / 190), wander(key + 2, minute / 17)
    return np.asarray(np.exp(0.55 * slow + 0.45 * fast - 0.1))


class Regimes:
    """A Markov chain that moves once an hour at most, from the first day of history on."""

    def __init__(self, key: int, first_day: int) -> None:
        self._key = key
        self._first_hour = first_day * 24
        self._states = [hash_of(key) % 4]

    def at_hour(self, hour: int) -> int:
        """The regime in an hour of the epoch; before the history it is the first."""
        number = max(0, hour - self._first_hour)
        while len(self._states) <= number:
            last, here = self._states[-1], self._first_hour + len(self._states)
            moves = uniform(self._key, here) < _CHANGE
            self._states.append(_NEXT[last][hash_of(self._key, here, 1) % 4] if moves else last)
        return self._states[number]

    def of_day(self, day: int) -> list[int]:
        """The regime of each of its 24 hours."""
        return [self.at_hour(day * 24 + hour) for hour in range(24)]


@dataclass(frozen=True, slots=True)
class FactorDay:
    """One day of a factor: log returns [1440] and their standard deviations [1440]."""

    returns: Floats
    sigma: Floats


class Factor:
    """A common cause: its returns are a function of the seed and the day, its level their sum from the first day."""

    def __init__(self, key: int, first_day: int, regimes: Regimes | None = None) -> None:
        self._key = key
        self._regimes = regimes
        self._sigma = _MARKET_SIGMA if regimes else _SECTOR_SIGMA
        self._first_day = first_day
        self._days: dict[int, FactorDay] = {}
        self._levels = {first_day: 0.0}

    def day(self, day: int) -> FactorDay:
        """Its day, kept: a factor's day is small and shared by hundreds of symbols."""
        if (known := self._days.get(day)) is not None:
            return known
        if len(self._days) > 2 * HISTORY_DAYS:
            self._days.pop(min(self._days))
        rng = np.random.default_rng(hash_of(self._key, day))
        sigma = self._sigma * clustering(self._key, day)
        drift: Floats = np.zeros(DAY)
        if self._regimes:
            states = np.repeat(self._regimes.of_day(day), 60)
            sigma, drift = sigma * _VOLATILITY[states], _DRIFT[states]
        made = FactorDay(drift + sigma * rng.standard_t(5, DAY) * 0.775, sigma)
        self._days[day] = made
        return made

    def level(self, day: int) -> float:
        """Cumulative log return at the beginning of a day; 0 at the first day's."""
        if day in self._levels:
            return self._levels[day]
        forward = day > self._first_day
        at = self._first_day
        while at != day:
            following = at + 1 if forward else at - 1
            if following not in self._levels:
                part = float(self.day(at if forward else following).returns.sum())
                self._levels[following] = self._levels[at] + (part if forward else -part)
            at = following
        return self._levels[day]
