"""What is measured: fixed tags and fields; a row is unique by its tags and time."""

from dataclasses import dataclass
from typing import Final

from virtuoso.model.catalogue import factors

Value = float | int | str | bool | bytes | None
Row = tuple[int, *tuple[Value, ...]]
"""Time (epoch ms), the tags, the fields, in the order of the measurement; `None` is a field that is not known."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One kind of row, with its tags and fields.

    Attributes:
        name: of the table, or of the measurement in line protocol.
        tags: names of the text columns that tell series apart; never `None` in a row.
        fields: name → `float`, `int`, `str` or `bool`, in the embedded store alone `bytes`; a row has at least one that
            is known.
    """

    name: str
    tags: tuple[str, ...]
    fields: dict[str, type]

    @property
    def columns(self) -> tuple[str, ...]:
        """`time`, tags, fields: what a row holds."""
        return ("time", *self.tags, *self.fields)


def _floats(*names: str) -> dict[str, type]:
    return dict.fromkeys(names, float)


BARS: Final = Measurement(
    "bars", ("symbol", "timeframe"), _floats("open", "high", "low", "close", "volume", "turnover", "buy_volume")
)
"""Closed bars by their open time; prices and turnover in quote units, volumes in base units."""

TICKERS: Final = Measurement(
    "tickers",
    ("symbol",),
    _floats(
        "last", "bid", "ask", "mark", "index", "turnover_24h", "change_24h",
        "buy_orders", "sell_orders", "large_buy", "large_sell", "open_interest", "funding", "funding_mean",
        "funding_deviation", "long_ratio", "long_ratio_mean", "long_ratio_deviation", "basis", "long_liquidated",
        "short_liquidated",
    ),
)  # fmt: skip
"""What is known of a minute besides its bar, by the open time of the minute (see `market.panel.MinuteBlock`)."""

FACTORS: Final = Measurement(
    "factors",
    ("symbol",),
    {"band": str}
    | _floats("score", "score_percentile", "agreement", "coverage", "consensus", "disagreement", *factors.FACTORS),
)
"""Scores of a reading, by the close it belongs to; scores and percentile 0–100, the rest in [0, 1]."""

SIGNALS: Final = Measurement(
    "signals", ("symbol",), {"label": str, "before": str, "id": str} | _floats("score", "agreement", "price")
)
"""Changes of label, by the close at which they were made."""

MARKET: Final = Measurement(
    "market",
    (),
    {"regime": str, "advancing": int, "declining": int, "neutral": int}
    | _floats(
        "trend_strength", "volatility", "avg_volatility", "btc_dominance", "total_volume", "momentum_score",
        "btc_price", "eth_price", "avg_market_change",
    ),
)  # fmt: skip
"""The market as a whole, by close."""

CYCLES: Final = Measurement(
    "cycles",
    (),
    {"ok": bool, "symbols": int} | _floats("total_ms", "refresh_ms", "analyse_ms", "decide_ms", "publish_ms"),
)
"""Every pass, by the time it ended."""

FEEDS: Final = Measurement(
    "feeds",
    ("topic",),
    {"count": int, "connected": int, "stale": int, "mute": int, "messages": int, "resyncs": int}
    | _floats("max_age_ms", "median_lag_ms"),
)  # fmt: skip
"""The feeds of one kind together, each minute; `topic` is the kind."""

DEPTH: Final = Measurement("depth", ("symbol",), {"packed": bytes})
"""Ten seconds of the depth of a book, by the first of them, packed (`depth_rows`); in the embedded store alone."""

MEASUREMENTS: Final = {m.name: m for m in (BARS, TICKERS, FACTORS, SIGNALS, MARKET, CYCLES, FEEDS)}
"""Those that every store keeps, and that are archived and exported."""
