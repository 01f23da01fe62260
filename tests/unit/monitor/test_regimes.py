"""Regimes of the market as the cycle keeps them."""

from tests.support.market import MINUTE, START_MS, minute_bar

from virtuoso.analysis.breadth import EMA_WINDOW
from virtuoso.analysis.overview import MarketItem
from virtuoso.analysis.regimes.dwell import DwellRule, Held, Transition
from virtuoso.analysis.regimes.regime import REGIMES, Regime, SymbolRegime
from virtuoso.market.state import MarketState
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.regimes import RegimeState, RegimeTracker

RULE = DwellRule(dwell=2, lead=2, margin=0.2)


def _row(symbol: str, turnover: float) -> MarketItem:
    return MarketItem(symbol=symbol, base=symbol, price=1.0, change_24h_pct=1.0, turnover_24h=turnover)


def _regime(symbol: str, regime: Regime, since: int) -> SymbolRegime:
    return SymbolRegime(
        symbol=symbol,
        regime=regime,
        probabilities={r: 0.7 if r is regime else 0.1 for r in REGIMES},
        trend_strength=None,
        momentum=None,
        volatility=None,
        avg_volatility=None,
        since_ms=START_MS + since * MINUTE,
    )


def _market(*symbols: str) -> MarketState:
    market = MarketState([Timeframe.M5])
    for symbol in symbols:
        market.add(symbol)
        market[symbol].history.load(Timeframe.M1, [minute_bar(k) for k in range(30)])
    return market


def _at(k: int) -> int:
    return START_MS + k * MINUTE


def test_a_close_moves_the_market_by_turnover_and_logs_who_changed() -> None:
    board, market = RegimeTracker(Timeframe.M1, Timeframe.M5, RULE), _market("A", "B")
    rows = [_row("A", 900.0), _row("B", 100.0)]
    assert board.step(0, [], [], market) == RegimeState()
    first = board.step(_at(1), rows, [_regime("A", Regime.BULLISH, 0), _regime("B", Regime.BEARISH, 0)], market)
    assert (first.held, first.transitions) == (Held(regime=Regime.BULLISH, since_ms=_at(1)), ())
    assert first.history is not None
    assert first.history.symbols == ("A", "B")
    assert first.history.closes.shape == (EMA_WINDOW, 2)
    down = [_regime("A", Regime.BEARISH, 2), _regime("B", Regime.BEARISH, 0)]
    second = board.step(_at(2), rows, down, market)
    a = Transition(symbol="A", before=Regime.BULLISH, after=Regime.BEARISH, at_ms=_at(2))
    assert (second.held.regime, second.transitions) == (Regime.BULLISH, (a,))  # the market's dwell is not over
    third = board.step(_at(3), rows, down, market)
    whole = Transition(symbol=None, before=Regime.BULLISH, after=Regime.BEARISH, at_ms=_at(3))
    assert (third.held, third.transitions) == (Held(regime=Regime.BEARISH, since_ms=_at(3)), (whole, a))


def test_a_cycle_without_a_new_close_changes_nothing() -> None:
    board, market = RegimeTracker(Timeframe.M1, Timeframe.M5, RULE), _market("A")
    rows = [_row("A", 1.0)]
    state = board.step(_at(5), rows, [_regime("A", Regime.BULLISH, 0)], market)
    assert board.step(_at(5), rows, [_regime("A", Regime.BEARISH, 5)], market) is state
    assert board.step(_at(4), rows, [_regime("A", Regime.BEARISH, 4)], market) is state
    assert len(board.step(_at(6), rows, [_regime("A", Regime.BEARISH, 5)], market).transitions) == 1


def test_a_symbol_that_left_begins_anew_when_it_comes_back() -> None:
    board, market = RegimeTracker(Timeframe.M1, Timeframe.M5, RULE), _market("A", "B")
    both = [_row("A", 1.0), _row("B", 1.0)]
    board.step(_at(1), both, [_regime("A", Regime.BULLISH, 0), _regime("B", Regime.BULLISH, 0)], market)
    market.remove("B")
    board.step(_at(2), both, [_regime("A", Regime.BULLISH, 0)], market)
    market.add("B")
    state = board.step(_at(3), both, [_regime("A", Regime.BULLISH, 0), _regime("B", Regime.BEARISH, 3)], market)
    assert state.transitions == ()
