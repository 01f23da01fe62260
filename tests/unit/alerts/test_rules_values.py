"""The values of rules come from what is published: every name of the catalogue has one, and none has a wrong one."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from virtuoso.alerts.rules.values import CATALOGUE, FACTORS, REGIMES, Known, Scope, Type
from virtuoso.analysis.engine import FACTORS as ANALYSED
from virtuoso.analysis.regimes.regime import Regime
from virtuoso.model import documents as docs
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Band, Entry, EntryChances, Label, Slippage
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.alerting.rule_values import market_values, symbol_values, system_values

LIVE, DELAYED, STALE, PARTIAL, NONE = DataQuality

ROW = docs.SymbolItem(
    symbol="BTCUSDT", name="BTC/USDT:USDT", price=1.0, change=2.0, bid=3.0, ask=4.0, spread_bp=5.0, mark_price=6.0,
    index_price=7.0, turnover_24h=8.0, open_interest=9.0, funding_rate=10.0, funding_interval_h=10.5,
    tick_size=0.5, quote="USDT", next_funding=None,
    long_account_ratio=11.0, updated_at=None, evidence_class="detailed",
    data_quality=DELAYED, data_source=DataSource.REPLAY,
)  # fmt: skip
SIGNAL = docs.SignalItem(
    symbol="BTCUSDT", signal=Label.BUY, confidence=11.5, claim=None, lean=None, large_move=11.7,
    large_move_base=11.8, cone_1h=None, move_1h=11.9, move_1h_as_large=None, agreement=12.0, price=0.0,
    change=0.0, timestamp=None,
    data_quality=STALE, data_source=None, score=13.0, band=Band.UP, score_percentile=17.0, past_closes=300,
    past_from_bars=240,
    probability=None, coverage=14.0, attainable_coverage=1.0, evidence_class="detailed",
    consensus=15.0, disagreement=16.0, factors={name: 20.0 + i for i, name in enumerate(FACTORS)}, reasons=(),
)  # fmt: skip
REGIME = docs.RegimeItem(
    symbol="BTCUSDT", regime="VOLATILE", since=None, probabilities={name: 30.0 + i for i, name in enumerate(REGIMES)},
    trend_strength=34.0, momentum=35.0, volatility=36.0, avg_volatility=37.0, reason=None,
)  # fmt: skip
ENTRY = Entry(
    side="short", price=40.0, timeframe=Timeframe.M5, atr=41.0, stop=42.0, invalidation=43.0, targets=(), basis=None,
    reward_risk=44.0, slippage=Slippage(size=0, buy_bp=45.0, sell_bp=46.0),
    chances=EntryChances(horizon_min=60, stop_first=0.5, target_first=0.25, levels_bp=47.0, net_bp=48.0),
)  # fmt: skip
DETAIL = docs.SymbolDetail(
    ticker=ROW, signal=SIGNAL, regime=REGIME, why=(), factors=(), timeframes=(), alignment=47.0, counterfactual=None,
    entry=ENTRY, forecast=None, input_hash=None, liquidations=48, timestamp="",
)  # fmt: skip
OVERVIEW = docs.MarketOverview(
    status="active", timestamp="", regime="BEARISH", trend_strength=1.0, volatility=2.0, avg_volatility=3.0,
    btc_dominance=4.0, total_volume=5.0, market_sentiment="NEUTRAL", momentum_score=6.0, btc_price=7.0, eth_price=8.0,
    avg_market_change=9.0, above_ema50_pct=10.0, new_highs_24h=11, new_lows_24h=12, dispersion=13.0,
    dispersion_robust=14.0, avg_correlation_btc=15.0, forecast=None, passed=(),
    breadth=docs.Breadth(advancing=16, declining=17, neutral=18, total=19), data_quality=PARTIAL,
    data_source=DataSource.SYNTHETIC, reasons={},
)  # fmt: skip


def feed(quality: DataQuality, **more: Any) -> docs.FeedItem:
    fields: dict[str, Any] = {
        "kind": FeedKind.TICKER, "topic": "t", "symbol": "BTCUSDT", "connected": True, "acked": True,
        "age_ms": None, "lag_ms": None,
        "messages": 0, "rejected": 0, "resyncs": 0,
    }  # fmt: skip
    return docs.FeedItem(**fields | {"data_quality": quality} | more)


def status() -> Any:
    """What of the status is read; each value a different one."""
    return SimpleNamespace(
        cycle=SimpleNamespace(last_duration_ms=1_500.0, drift_ms=32.0, failures=30, overruns=31),
        rate_budget=SimpleNamespace(capacity=200, available=50.0),
        loop_lag_ms=docs.StageTimes(p50=0, p95=5.0, max=0, last=0),
        feeds=(
            feed(LIVE), feed(LIVE, mute=True), feed(STALE), feed(STALE), feed(NONE), feed(NONE, mute=True),
            feed(NONE, reason="not offered"), feed(DELAYED), feed(DELAYED), feed(DELAYED),
        ),
        stores={"cache_tiers": ["memory"], "memory": {"state": "up"}, "redis": {"state": "down"},
                "database": {"state": "full"}, "influx": {"state": "down"}, "uncommitted": {"signals": 0}},
        memory_mb=6.0, uptime_s=7.0, universe={"size": 15, "left_out": 9}, exchange={"clock_offset_ms": 16.0},
        alerts={"open": 17, "fired": 99}, data_quality=STALE,
    )  # fmt: skip


def of(scope: Scope) -> dict[str, Known]:
    if scope is Scope.SYMBOL:
        return symbol_values(DETAIL)
    if scope is Scope.MARKET:
        return market_values(OVERVIEW)
    return system_values(status(), {"cpu_pct": 20.0, "memory_pct": 21.0, "disk_pct": 22.0}, 23)


@pytest.mark.parametrize("scope", Scope)
def test_every_name_of_the_catalogue_has_a_value_of_its_own_and_of_its_type(scope: Scope) -> None:
    values = of(scope)
    assert set(values) == {value.name for value in CATALOGUE.values() if value.scope is scope}
    for name, known in values.items():
        assert isinstance(known, str if CATALOGUE[name].type is Type.TEXT else int | float), name
        assert not CATALOGUE[name].choices or known in CATALOGUE[name].choices, name
    assert len({(type(known), known) for known in values.values()}) == len(values)


def test_the_values_are_the_published_ones() -> None:
    symbol, market, system = (of(scope) for scope in Scope)
    assert (symbol["change_24h"], symbol["data_quality"], symbol["signal_quality"]) == (2.0, "delayed", "stale")
    assert (symbol["sentiment_score"], symbol["volatile_probability"]) == (25.0, 33.0)
    assert (symbol["entry_side"], symbol["slippage_sell_bp"], symbol["liquidations"]) == ("short", 46.0, 48)
    assert (market["market_change_24h"], market["market_symbols"]) == (9.0, 19)
    assert (system["system_cycle_s"], system["system_requests_left_pct"]) == (1.5, 25.0)
    assert (system["system_feeds"], system["system_feeds_stale"], system["system_feeds_mute"]) == (9, 4, 2)
    assert system["system_stores_down"] == 3


def test_what_is_not_known_is_unknown_never_a_number() -> None:
    bare = {
        "regime": None, "entry": None, "alignment": None,
        "signal": msgspec.structs.replace(
            SIGNAL, score=None, band=None, score_percentile=None, signal=None,
            confidence=None, agreement=None, coverage=None,
            consensus=None, disagreement=None,
            factors={},
        ),
    }  # fmt: skip
    values = symbol_values(msgspec.structs.replace(DETAIL, **bare))
    for name in (
        "signal",
        "score",
        "score_percentile",
        "order_flow_score",
        "regime",
        "bullish_probability",
        "atr",
        "alignment",
    ):
        assert values.get(name) is None, name
    assert values["price"] == 1.0
    nothing = status()
    nothing.loop_lag_ms, nothing.cycle.last_duration_ms, nothing.memory_mb = None, None, None
    system = system_values(nothing, {}, None)
    for name in ("loop_lag_ms", "cycle_s", "process_mb", "cpu_pct", "memory_pct", "disk_pct", "restarts_1h"):
        assert system[f"system_{name}"] is None, name


def test_words_that_the_pure_room_repeats_are_those_of_analysis() -> None:
    assert tuple(Regime) == REGIMES
    assert set(FACTORS) == set(ANALYSED)
