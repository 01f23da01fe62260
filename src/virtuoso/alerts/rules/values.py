"""The values that rules may name: what the documents publish of a symbol, of the market and of the system."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final

from virtuoso.model.catalogue.factors import FACTORS
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Band, Label

Known = float | int | str | None
"""A value at one time; `None` is unknown."""


class Type(StrEnum):
    """The types that an expression of a rule can have."""

    NUMBER = "number"
    TEXT = "text"
    CONDITION = "condition"


class Form(StrEnum):
    """How a number is written in a message that says nothing about it."""

    NUMBER = "number"
    PRICE = "price"  # by the symbol's tick
    AMOUNT = "amount"  # with the currency


class Scope(StrEnum):
    """Whose value it is. Names of the market begin with `market_`, those of the system with `system_`."""

    SYMBOL = "symbol"
    MARKET = "market"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Value:
    """One name. `choices` are all the texts that it can be; none: any text, or a number, which is written in `form`.

    A number is never below `low` nor above `high`. A text of `capitals` has no small letters.
    """

    name: str
    type: Type
    unit: str
    meaning: str
    choices: tuple[str, ...] = ()
    form: Form = Form.NUMBER
    low: float = -inf
    high: float = inf
    capitals: bool = False

    @property
    def scope(self) -> Scope:
        """What the value describes, by its prefix: the market, the system, or else a symbol."""
        prefix = self.name.partition("_")[0]
        return Scope(prefix) if prefix in (Scope.MARKET, Scope.SYSTEM) else Scope.SYMBOL


REGIMES: Final = ("BULLISH", "BEARISH", "NEUTRAL", "VOLATILE")
_QUALITIES: Final = tuple(str(quality) for quality in DataQuality)
_SOURCES: Final = tuple(str(source) for source in DataSource)


def _number(name: str, unit: str, meaning: str, low: float = -inf, high: float = inf) -> Value:
    return Value(name, Type.NUMBER, unit, meaning, low=low, high=high)


def _scale(name: str, low: int, high: int, meaning: str) -> Value:
    return _number(name, f"{low}–{high}".replace("-", "−"), meaning, low, high)


def _positive(name: str, unit: str, meaning: str) -> Value:
    return _number(name, unit, meaning, 0.0)


def _price(name: str, meaning: str) -> Value:
    return Value(name, Type.NUMBER, "quote coin", meaning, form=Form.PRICE, low=0.0)


def _amount(name: str, meaning: str) -> Value:
    return Value(name, Type.NUMBER, "quote coin", meaning, form=Form.AMOUNT, low=0.0)


def _text(name: str, meaning: str, choices: tuple[str, ...] = (), *, capitals: bool = False) -> Value:
    return Value(name, Type.TEXT, "", meaning, choices, capitals=capitals)


_LABELS = tuple(str(label) for label in Label)
_OF_SYMBOL = (
    _text("symbol", "the exchange's name of it", capitals=True),
    _price("price", "last price"),
    _number("change_24h", "%", "change of the price over 24 h", -100.0),
    _price("bid", "best bid"),
    _price("ask", "best ask"),
    _positive("spread_bp", "bp", "ask less bid, in basis points of their middle"),
    _price("mark_price", "mark price"),
    _price("index_price", "index price"),
    _amount("turnover_24h", "turnover of 24 h"),
    _price("tick_size", "least step of the price"),
    _text("quote", "currency of its prices", capitals=True),
    _positive("open_interest", "base coin", "open interest"),
    _number("funding_rate", "% per interval", "funding rate"),
    _positive("funding_interval_h", "h", "hours from one funding to the next"),
    _scale("long_account_ratio", 0, 1, "share of accounts that are net long"),
    _positive("liquidations", "count", "liquidations held in memory, the latest"),
    _text("data_quality", "how fresh the ticker is", _QUALITIES),
    _text("data_source", "what the exchange is", _SOURCES),
    _text("signal", "BUY or SELL while an earned claim stands, else HOLD; unknown without a fresh reading", _LABELS),
    _scale("score", 0, 100, "pressure: confluence of all factors; 50 is neutral"),
    _text("band", "how stretched the score is", tuple(str(band) for band in Band)),
    _scale("score_percentile", 0, 100, "share of the symbol's own past that lies below the score"),
    _scale(
        "confidence", 0, 1, "probability that the signal turns out right: that BUY or SELL pays, that HOLD would not"
    ),
    _scale("large_move", 0, 1, "probability of a large move within the next hour"),
    _scale("large_move_base", 0, 1, "how often that was so of the symbol in the last seven days"),
    _scale("agreement", 0, 1, "how far the factors agree, × coverage × data quality"),
    _scale("coverage", 0, 1, "share of the factor weight that had data"),
    _scale("consensus", 0, 1, "how far the factors agree"),
    _scale("disagreement", 0, 1, "how far they contradict each other"),
    _scale("alignment", 0, 1, "how far the timeframes agree"),
    _text("signal_quality", "worst of what the reading was computed from and of what comes in", _QUALITIES),
    *(_scale(f"{factor}_score", 0, 100, f"score of the factor {factor}; 50 is neutral") for factor in FACTORS),
    _text("regime", "the regime that is held", REGIMES),
    *(
        _scale(f"{regime.lower()}_probability", 0, 1, f"probability of the regime {regime}")
        for regime in REGIMES
    ),
    _scale("trend_strength", 0, 100, "ADX"),
    _scale("momentum", 0, 100, "drift over its volatility; 50 is none"),
    _positive("volatility", "% a day", "volatility now"),
    _positive("avg_volatility", "% a day", "its long average"),
    _text("entry_side", "side that the score leans to", ("long", "short")),
    _price("entry_price", "price of an entry at the last reading"),
    _price("entry_stop", "where its stop would lie"),
    _price("entry_invalidation", "price at which the idea is wrong"),
    _number("entry_reward_risk", "ratio", "way to the first target over the way to the stop"),
    _price("atr", "average true range of the entry's timeframe"),
    _number("slippage_buy_bp", "bp", "cost of buying the configured size from the book"),
    _number("slippage_sell_bp", "bp", "cost of selling it"),
)  # fmt: skip

_OF_MARKET = (
    _text("market_regime", "regime of the market", REGIMES),
    _scale("market_trend_strength", 0, 100, "ADX, weighted by turnover"),
    _positive("market_volatility", "% a day", "volatility, weighted by turnover"),
    _positive("market_avg_volatility", "% a day", "its long average"),
    _scale("market_momentum_score", 0, 100, "momentum, weighted by turnover; 50 is none"),
    _text("market_sentiment", "breadth and momentum in one word", ("BULLISH", "BEARISH", "NEUTRAL")),
    _number("market_btc_dominance", "%", "BTC's share of the turnover", 0.0, 100.0),
    _amount("market_total_volume", "turnover of 24 h of all symbols"),
    _price("market_btc_price", "price of BTC"),
    _price("market_eth_price", "price of ETH"),
    _number("market_change_24h", "%", "mean change over 24 h", -100.0),
    _number("market_above_ema50_pct", "%", "share of symbols above their EMA-50", 0.0, 100.0),
    _positive("market_new_highs_24h", "count", "symbols that made their 24 h high within the last hour"),
    _positive("market_new_lows_24h", "count", "symbols that made their 24 h low within the last hour"),
    _positive("market_dispersion", "%", "standard deviation of the 24 h changes"),
    _positive("market_dispersion_robust", "%", "the same from their median deviation"),
    _scale("market_avg_correlation_btc", -1, 1, "mean correlation with BTC"),
    _positive("market_advancing", "count", "symbols that rose over 24 h"),
    _positive("market_declining", "count", "symbols that fell over 24 h"),
    _positive("market_neutral", "count", "symbols that did neither (within ±0.1 %)"),
    _positive("market_symbols", "count", "symbols whose change is known"),
    _text("market_data_quality", "worst freshness of all symbols", _QUALITIES),
    _text("market_data_source", "what the exchange is", _SOURCES),
)

_OF_SYSTEM = (
    _number("system_cpu_pct", "%", "use of all processors", 0.0, 100.0),
    _number("system_memory_pct", "%", "memory in use", 0.0, 100.0),
    _number("system_disk_pct", "%", "space in use where the data lies", 0.0, 100.0),
    _positive("system_process_mb", "MB", "memory of this process"),
    _positive("system_uptime_s", "s", "since this process started"),
    _positive("system_loop_lag_ms", "ms", "delay of the event loop, 95th percentile of the last two minutes"),
    _positive("system_cycle_s", "s", "duration of the last cycle"),
    _number("system_cycle_drift_ms", "ms", "how late the last cycle began"),
    _positive("system_cycle_failures", "count", "cycles that failed since the start"),
    _positive("system_cycle_overruns", "count", "ticks of the grid that were skipped since the start"),
    _positive("system_universe", "count", "symbols watched"),
    _positive("system_feeds", "count", "topics that the exchange offers"),
    _positive("system_feeds_stale", "count", "of these: stale, or without any data yet"),
    _positive("system_feeds_mute", "count", "of these: silent where others prove that they should speak"),
    _number("system_requests_left_pct", "%", "what is left of the exchange's REST budget", 0.0, 100.0),
    _number("system_clock_offset_ms", "ms", "exchange time less local time"),
    _positive("system_stores_down", "count", "stores that do not answer, are full, or refuse most lines"),
    _positive("system_alerts_open", "count", "incidents that are open"),
    _positive(
        "system_restarts_1h", "count", "runs of the monitor that ended within the last hour without having been stopped"
    ),
    _text("system_data_quality", "worst freshness of all symbols", _QUALITIES),
)

CATALOGUE: Final[Mapping[str, Value]] = {value.name: value for value in (*_OF_SYMBOL, *_OF_MARKET, *_OF_SYSTEM)}
"""All values by name, those of a symbol first."""
