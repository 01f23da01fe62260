"""The market's regime, the transitions of all, and what breadth is computed from: brought up to date once a close."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from virtuoso.analysis.breadth import MarketHistory
from virtuoso.analysis.overview import MarketItem, market_probabilities
from virtuoso.analysis.regimes.dwell import DwellRule, Held, MarketRegime, Transition, TransitionLog
from virtuoso.analysis.regimes.regime import Regime, SymbolRegime
from virtuoso.market.state import MarketState
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.containment import Contained
from virtuoso.monitor.market_history import market_history

_UNKNOWN = Held(regime=None, since_ms=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeState:
    """As of the last base close: the market's regime, the latest transitions (newest first), closes and extremes."""

    held: Held = _UNKNOWN
    transitions: tuple[Transition, ...] = ()
    new: tuple[Transition, ...] = ()
    """Those of this close."""
    history: MarketHistory | None = None


class RegimesCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What of the regimes a restart continues from; `stood` by symbol, "" is the market."""

    market: tuple[float | None, ...]
    stood: dict[str, Regime]


class RegimeTracker:
    """Used on the event loop that owns the market."""

    def __init__(self, base: Timeframe, regime_timeframe: Timeframe, rule: DwellRule | None = None) -> None:
        self._timeframe = regime_timeframe
        self._market = MarketRegime(rule or DwellRule(), base.ms)
        self._log = TransitionLog()
        self._close_ms = 0
        self._state = RegimeState()

    def step(
        self,
        close_ms: int,
        items: Sequence[MarketItem],
        regimes: Sequence[SymbolRegime],
        market: MarketState,
        contained: Contained | None = None,
    ) -> RegimeState:
        """The state at `close_ms` (0 = nothing was analysed yet); a close already taken changes nothing."""
        if close_ms <= self._close_ms:
            return self._state
        self._close_ms = close_ms
        held = self._market.step(market_probabilities(items, regimes), close_ms)
        symbols = [item.symbol for item in items if item.symbol in market]
        self._log.retain(set(symbols))
        found = [self._log.observe(regime.symbol, regime.regime, regime.since_ms) for regime in regimes]
        found.append(self._log.observe(None, held.regime, held.since_ms))
        self._state = RegimeState(
            held=held,
            transitions=self._log.recent(),
            new=tuple(transition for transition in found if transition is not None),
            history=market_history(market, symbols, self._timeframe, close_ms, contained),
        )
        return self._state

    def checkpoint(self) -> RegimesCheckpoint:
        """Make what a restart continues from: regimes of the market and its symbols."""
        stood = {symbol or "": regime for symbol, regime in self._log.checkpoint().items()}
        return RegimesCheckpoint(market=self._market.checkpoint(), stood=stood)

    def resume(self, checkpoint: RegimesCheckpoint | None, transitions: Sequence[Transition]) -> None:
        """Go on from `checkpoint`, with the latest transitions of earlier runs (newest first)."""
        stood = {} if checkpoint is None else checkpoint.stood
        self._log.resume(transitions, {symbol or None: regime for symbol, regime in stood.items()})
        if checkpoint is not None:
            self._market.resume(checkpoint.market)
