"""Watches whether forecasts still hold, by what came of them, and withdraws what does not.

Every horizon, at closes that are whole multiples of it so that outcomes do not overlap, all symbols together make one
value. Watched are the share outside the 80 % band of the cone, the loss of P(large move) against its base, and whether
the side that was said to be likelier, or likely, came as often as was claimed. What is withdrawn is named with its
reason until it is earned again; a cone that is withdrawn is widened, further with every step that is outside it too
often, and never narrowed meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.claims.cells import FAVOURED_BY, LIKELY_ABOVE
from virtuoso.analysis.forecast.drift.detector import STATE, DriftDetector
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, TAILS
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

CONE_BAND: Final = (0.12, 0.28)
"""Between these the mean share of returns outside the 80 % band may lie."""
LOSS_BAND: Final = 0.01
"""By so much the squared error of P(large move) may exceed that of its base on average."""
SIDE_BAND: Final = 0.05
"""By so much a side may come less often than was claimed on average."""
FALSE_ALARM_DAYS: Final = 365.0
"""Each watch raises a false alarm once in so many days on average, or less often."""
_LARGEST_LOSS: Final = 0.25
_WIDENED_BY, _MARGIN, _PATIENCE = 1.25, 0.05, 2.0
"""A withdrawn cone is widened by so much each time that the share outside it, above what it claims and a margin, has
added up to so much."""
_OUTSIDE: Final = TAILS[1] + 1.0 - TAILS[-2]
_MINUTE_MS: Final = Timeframe.M1.ms
_LOW, _HIGH = 1, len(TAILS) - 2
_KEPT: Final = 9
_WATCHES: Final = ("cone", "large move", "likely side", "favoured side")


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What is withdrawn: `what` at `horizon_min`, since the close `since_ms` (epoch ms), and why."""

    what: str
    horizon_min: int
    since_ms: int

    @property
    def reason(self) -> str:
        """What does not hold, at which horizon, and in what way, for people: `cone at 15 min: returns lie …`."""
        why = {
            "cone": "returns lie outside its 80 % band more or less often than one in five",
            "large move": "its probability errs more than the symbol's own rate does",
        }.get(self.what, "it came less often than was claimed")
        return f"{self.what} at {self.horizon_min} min: {why}"


class Calibration:
    """Watches forecasts at every horizon, and withdraws those that do not hold."""

    def __init__(self) -> None:
        self._horizons = tuple(_Horizon(minutes, k) for k, minutes in enumerate(HORIZONS_MIN))

    def memories(self) -> dict[str, Memory]:
        """Where the state of the rows is kept, each under a name."""
        return {f"drift{horizon.minutes}": horizon.memory for horizon in self._horizons}

    @property
    def withdrawn(self) -> tuple[Withdrawal, ...]:
        """All that is withdrawn now, with its horizon, time and reason."""
        return tuple(each for horizon in self._horizons for each in horizon.withdrawals())

    def step(self, rows: Rows, forecasts: Forecasts) -> Forecasts:
        """Learn from what came by the close of `forecasts` [1, n], and give them back, widened where need be.

        Only the first symbols of a close are learnt from: those that are late are widened alike.
        """
        close_ms = int(forecasts.close_ms[-1])
        for horizon in self._horizons:
            if close_ms % (horizon.minutes * _MINUTE_MS) == 0 and close_ms > horizon.last_ms:
                horizon.learn(rows, close_ms, forecasts)
        wide = {horizon.minutes: horizon.wider for horizon in self._horizons if horizon.wider > 1.0}
        return _widened(forecasts, wide) if wide else forecasts

    def state(self) -> dict[str, Floats]:
        """Export the state of all watches, by horizon, so that a restart can go on from it."""
        return {str(horizon.minutes): horizon.state() for horizon in self._horizons}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from `state`; raises `ValueError` or `KeyError` where it is of another make."""
        for horizon in self._horizons:
            horizon.load(state[str(horizon.minutes)])


class _Horizon:
    """One horizon: what was said at the last close that counts, and the watches."""

    def __init__(self, minutes: int, k: int) -> None:
        self.minutes, self._k = minutes, k
        self.memory = Memory()
        self._said = self.memory.table(_KEPT)
        self.last_ms = 0
        self.wider, self._excess = 1.0, 0.0
        steps = FALSE_ALARM_DAYS * 1_440 / minutes
        loss = 0.5 + LOSS_BAND / (2.0 * _LARGEST_LOSS)
        side = 0.5 - SIDE_BAND / 2.0
        self._watches = {
            "cone": DriftDetector(*CONE_BAND, steps), "large move": DriftDetector(0.0, loss, steps),
            "likely side": DriftDetector(side, 1.0, steps), "favoured side": DriftDetector(side, 1.0, steps),
        }  # fmt: skip
        self._since = dict.fromkeys(_WATCHES, 0)

    def learn(self, rows: Rows, close_ms: int, forecasts: Forecasts) -> None:
        """Judge what was said a horizon ago by what came, and note what is said now."""
        said = self._said.read(rows).copy()
        came = forecasts.outcomes.close[self._k, 0]
        if self.last_ms == close_ms - self.minutes * _MINUTE_MS:
            for name, x in self._values(said, came).items():
                watch = self._watches[name]
                before = watch.withdrawn
                if watch.step(x) and not before:
                    self._since[name] = close_ms
            self._widen(said, came)
        self.last_ms = close_ms
        self.memory.reset(slice(0, self.memory.capacity))  # a row that is late is not judged by older words
        self._said.write(rows, self._now(forecasts))

    def _values(self, said: Floats, came: Floats) -> dict[str, float]:
        """One value in [0, 1] of each watch of which anything is known."""
        low, high, large, base, threshold, up, down, cost_up, cost_down = said
        with np.errstate(invalid="ignore"):
            beyond_up, beyond_down = 1e4 * came > cost_up, -1e4 * came > cost_down
            y = (np.abs(came) > threshold).astype(np.float64)
            loss = np.clip((large - y) ** 2 - (base - y) ** 2, -_LARGEST_LOSS, _LARGEST_LOSS)
            rising = up >= down
            claimed, paid = np.where(rising, up, down), np.where(rising, beyond_up, beyond_down)
            likely = np.where(claimed > LIKELY_ABOVE, paid - claimed, np.nan)
            clear = (np.abs(up - down) >= FAVOURED_BY) & (beyond_up | beyond_down)
            favoured = np.where(clear, paid - claimed / (up + down), np.nan)
            outside = np.where(np.isfinite(low + high + came), (came < low) | (came > high), np.nan)
        found = {
            "cone": _mean(outside),
            "large move": 0.5 + _mean(np.where(np.isfinite(came), loss, np.nan)) / (2.0 * _LARGEST_LOSS),
            "likely side": 0.5 + 0.5 * _mean(np.where(np.isfinite(came + cost_up), likely, np.nan)),
            "favoured side": 0.5 + 0.5 * _mean(np.where(np.isfinite(came + cost_up), favoured, np.nan)),
        }
        return {name: x for name, x in found.items() if np.isfinite(x)}

    def _widen(self, said: Floats, came: Floats) -> None:
        """Wider where it was withdrawn and the widened band was left too often; as it was once that is earned again."""
        if not self._watches["cone"].withdrawn:
            self.wider, self._excess = 1.0, 0.0
            return
        low, high = (_scaled(edge, self.wider, sign) for edge, sign in zip(said[:2], (-1.0, 1.0), strict=True))
        with np.errstate(invalid="ignore"):
            outside = _mean(np.where(np.isfinite(low + high + came), (came < low) | (came > high), np.nan))
        if np.isfinite(outside):
            self._excess = max(0.0, self._excess + outside - _OUTSIDE - _MARGIN)
        if self._excess >= _PATIENCE:
            self.wider, self._excess = self.wider * _WIDENED_BY, 0.0

    def _now(self, forecasts: Forecasts) -> Floats:
        """What is said at this close [9, n]; the cone as it is without being widened."""
        n, minutes = forecasts.rows.size, self.minutes
        unknown = np.full(n, np.nan)
        cone = forecasts.cone[minutes][:, 0]
        if minutes not in CHANCE_HORIZONS_MIN:
            return np.stack([cone[_LOW], cone[_HIGH], *[unknown] * (_KEPT - 2)])
        chances = (
            forecasts.large_move, forecasts.large_move_base, forecasts.large_move_threshold, forecasts.beyond_up,
            forecasts.beyond_down,
        )  # fmt: skip
        cost = forecasts.cost_bp[0]
        return np.stack([cone[_LOW], cone[_HIGH], *(of[minutes][0] for of in chances), cost, cost])

    def withdrawals(self) -> list[Withdrawal]:
        """What does not hold at this horizon."""
        return [
            Withdrawal(what=name, horizon_min=self.minutes, since_ms=self._since[name])
            for name, watch in self._watches.items()
            if watch.withdrawn
        ]

    def state(self) -> Floats:
        """The watches in their order, since when each is withdrawn, how wide the cone is, and the last close."""
        return np.concatenate([
            *(watch.state for watch in self._watches.values()),
            np.array([float(since) for since in self._since.values()]), [self.wider, self._excess, float(self.last_ms)],
        ])  # fmt: skip

    def load(self, state: Floats) -> None:
        """Go on from what `state` gave [27]; raises `ValueError` where its shape is another."""
        if state.shape != (len(_WATCHES) * (STATE + 1) + 3,):
            raise ValueError("the watches of calibration are of another make")
        for i, (name, watch) in enumerate(self._watches.items()):
            watch.load(state[i * STATE : (i + 1) * STATE])
            self._since[name] = int(state[len(_WATCHES) * STATE + i])
        self.wider, self._excess, self.last_ms = max(1.0, float(state[-3])), float(state[-2]), int(state[-1])


def _mean(values: Floats) -> float:
    known = np.isfinite(values)
    return float(values[known].mean()) if known.any() else float("nan")


def _scaled(edge: Floats, times: float, sign: float) -> Floats:
    """A quantile moved outwards: to `times` its distance from 0, on its side of the cone (−1 below, 1 above)."""
    return edge + sign * (times - 1.0) * np.abs(edge)


def _widened(forecasts: Forecasts, wide: Mapping[int, float]) -> Forecasts:
    """The forecasts with wider quantiles at some horizons."""
    signs = np.where(np.array(TAILS) < 0.5, -1.0, 1.0)[:, None, None]

    def scaled(of: Mapping[int, Floats]) -> dict[int, Floats]:
        return {h: x + signs * (wide[h] - 1.0) * np.abs(x) if h in wide else x for h, x in of.items()}

    return replace(forecasts, cone=scaled(forecasts.cone), high=scaled(forecasts.high), low=scaled(forecasts.low))
