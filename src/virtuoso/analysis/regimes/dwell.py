"""Minimum dwell: a regime is left only for one that clearly leads it, and not soon after it was entered."""

from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.regimes.regime import REGIMES, Regime, RegimeArrays, leading
from virtuoso.market.panel import Floats

_KEPT = 200
_MARKET = slice(0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellRule:
    """When a regime changes: see `Dwell`. `dwell` and `lead` in base closes, `margin` in probability."""

    dwell: int = 60
    lead: int = 60
    margin: float = 0.2

    def __post_init__(self) -> None:
        if self.dwell < 0 or self.lead < 0 or not 0 <= self.margin <= 1:
            raise ValueError("dwell and lead must be ≥ 0 and margin in [0, 1]")


class Dwell:
    """The regime of each row and the close since which it holds.

    It changes to the likeliest regime when that leads it by `margin` or has been the likeliest for `lead` base closes,
    and not before `dwell` base closes since it last changed. Closes are counted by their times, so that a step of
    thirty minutes and thirty of one come to the same, and a missing minute does not make it last longer. While the
    probabilities are unknown so is the regime, but what was held is kept: it cannot be left sooner by being away.
    """

    def __init__(self, rule: DwellRule, base_ms: int) -> None:
        self.rule = rule
        self.memory = Memory()
        self._dwell_ms = rule.dwell * base_ms
        self._lead_ms = rule.lead * base_ms
        self._code = self.memory.vector()
        self._since = self.memory.vector()
        self._leader = self.memory.vector()
        self._leads_since = self.memory.vector()

    def step(
        self, rows: Rows, close_ms: int, regimes: RegimeArrays, lasting: NDArray[np.bool_] | None = None
    ) -> RegimeArrays:
        """`regimes` of `rows` at the base close `close_ms`, with the `code` that is held and `since_ms`.

        Where the close is not `lasting` [n], nothing of it is remembered.
        """
        code, since = self.hold(rows, close_ms, regimes.probabilities, lasting)
        return replace(regimes, code=code, since_ms=since)

    def hold(
        self, rows: Rows, close_ms: int, probabilities: Floats, lasting: NDArray[np.bool_] | None = None
    ) -> tuple[Floats, Floats]:
        """Take the `probabilities` [4, n] of a close: place in `REGIMES` [n], and since when (ms) [n]."""
        code, since = self._code.get(rows).copy(), self._since.get(rows).copy()
        leader = leading(probabilities)
        known = np.isfinite(leader)
        goes_on = leader == self._leader.get(rows)
        leads_since = np.where(goes_on, self._leads_since.get(rows), np.where(known, float(close_ms), np.nan))
        ahead = _pick(probabilities, leader) - _pick(probabilities, code)
        clear = (ahead >= self.rule.margin) | (close_ms - leads_since >= self._lead_ms)
        due = (close_ms - since >= self._dwell_ms) & clear & (leader != code)
        changes = known & (np.isnan(code) | due)
        code = np.where(changes, leader, code)
        since = np.where(changes, float(close_ms), since)
        for cell, values in (
            (self._code, code), (self._since, since), (self._leader, leader), (self._leads_since, leads_since),
        ):  # fmt: skip
            cell.put(rows, values if lasting is None else np.where(lasting, values, cell.get(rows)))
        return np.where(known, code, np.nan), np.where(known, since, np.nan)

    def checkpoint(self, rows: Rows) -> Floats:
        """Regime and likeliest of `rows` as places in `REGIMES`, each with the close (ms) of its begin [4, n]."""
        return np.stack([cell.get(rows) for cell in (self._code, self._since, self._leader, self._leads_since)])

    def resume(self, row: int, checkpoint: Sequence[float | None]) -> None:
        """Take over what `checkpoint` said."""
        at = slice(row, row + 1)
        cells = (self._code, self._since, self._leader, self._leads_since)
        for cell, value in zip(cells, checkpoint, strict=True):
            cell.put(at, np.array([np.nan if value is None else value]))


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The market's regime and the time (ms) since which it holds; `None` while unknown."""

    regime: Regime | None
    since_ms: int | None


class MarketRegime:
    """The regime of the market as a whole, held like a symbol's."""

    def __init__(self, rule: DwellRule, base_ms: int) -> None:
        self._dwell = Dwell(rule, base_ms)
        self._dwell.memory.reserve(1)

    def checkpoint(self) -> tuple[float | None, ...]:
        """What a restart continues from, for `resume`."""
        values = self._dwell.checkpoint(_MARKET)[:, 0].tolist()
        return tuple(None if np.isnan(value) else value for value in values)

    def resume(self, checkpoint: Sequence[float | None]) -> None:
        """Take over what `checkpoint` said."""
        self._dwell.resume(0, checkpoint)

    def step(self, probabilities: Mapping[Regime, float] | None, close_ms: int) -> Held:
        """Take the market's probabilities at a base close (`None` = unknown)."""
        values = [[np.nan if probabilities is None else probabilities[regime]] for regime in REGIMES]
        code, since = self._dwell.hold(_MARKET, close_ms, np.array(values))
        if np.isnan(code[0]):
            return Held(regime=None, since_ms=None)
        return Held(regime=REGIMES[int(code[0])], since_ms=int(since[0]))


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A change of regime, of a symbol or (`None`) of the market, at a base close."""

    symbol: str | None
    before: Regime
    after: Regime
    at_ms: int


class TransitionLog:
    """The latest transitions, oldest dropped beyond `keep`."""

    def __init__(self, keep: int = _KEPT) -> None:
        self._last: dict[str | None, Regime] = {}
        self._transitions: deque[Transition] = deque(maxlen=keep)

    def observe(self, symbol: str | None, regime: Regime | None, since_ms: int | None) -> Transition | None:
        """Note where a symbol (`None` = the market) stands; answers the transition if it is a new one.

        The first regime seen is none, and one that is unknown ends nothing.
        """
        if regime is None or since_ms is None:
            return None
        before = self._last.get(symbol)
        self._last[symbol] = regime
        if before is None or before is regime:
            return None
        transition = Transition(symbol=symbol, before=before, after=regime, at_ms=since_ms)
        self._transitions.append(transition)
        return transition

    def resume(self, transitions: Sequence[Transition], last: Mapping[str | None, Regime]) -> None:
        """Take over the latest transitions (newest first) and where everybody stood."""
        self._transitions.extend(reversed(transitions))
        self._last.update(last)

    def checkpoint(self) -> dict[str | None, Regime]:
        """Return the latest known regime of each symbol; the key `None` is the market."""
        return dict(self._last)

    def retain(self, symbols: Container[str]) -> None:
        """Forget where symbols stand that are no longer watched; their transitions stay in the log."""
        self._last = {name: regime for name, regime in self._last.items() if name is None or name in symbols}

    def recent(self) -> tuple[Transition, ...]:
        """Return the transitions that are kept, newest first."""
        return tuple(reversed(self._transitions))


def _pick(probabilities: Floats, code: Floats) -> Floats:
    """The probability of the regime `code` [n] of each column, `nan` where there is none."""
    place = np.where(np.isfinite(code), code, 0).astype(np.int64)
    return np.where(np.isfinite(code), np.take_along_axis(probabilities, place[None], axis=0)[0], np.nan)
