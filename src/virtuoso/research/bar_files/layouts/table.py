"""Lists the layouts that are known: how each is recognised, and which of its columns is what."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PRICE, SIZE, SIDE, MAKER, CLOCK = "price", "size", "side", "maker", "clock"
"""Keys beside those of bars: of trades (`maker`: whether the buyer was it), and of the time of day beside a date."""

Named = Mapping[str, tuple[str, ...]]
"""Key → names that its column may have, as `plain` writes them; the first that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to write bars or trades.

    Attributes:
        title: what it is called.
        named: the columns of a file with names.
        marks: names all of which tell this layout; a layout without marks takes any names.
        begins: names with which the line of names begins.
        row: pattern of the kinds of cells (`cells.kind`) in a row without names above; none: it always has names.
        order: the keys of those cells in their order; "" is not read.
        symbols: pattern of the symbols in names of files that it is for.
        files: pattern of the names of its files; none: any.
        formats: those in which it is written; none: in any.
        trades: whether its rows are trades.
        pairs: whether its symbols are pairs (`BTC/USDT`), of which `BTCUSDT` is made.
        zone: the zone of times that name none.
        note: what one should know of its times.
        lacking: what to take instead when it has no volume.
    """

    title: str
    named: Named = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    begins: tuple[str, ...] = ()
    row: str = ""
    order: tuple[str, ...] = ()
    symbols: str = ""
    files: str = ""
    formats: frozenset[str] = frozenset()
    trades: bool = False
    pairs: bool = False
    zone: str | None = None
    note: str = ""
    lacking: str = "take a file with volumes, or name the column with --columns volume=…"


def _bars(**other: tuple[str, ...]) -> Named:
    return {
        "time": ("open_time",), "symbol": ("symbol",), "open": ("open",), "high": ("high",), "low": ("low",),
        "close": ("close",), "volume": ("volume",), **other,
    }  # fmt: skip


_OHLCV = ("time", "open", "high", "low", "close", "volume")
_BINANCE = "open_time close_time open quote_volume taker_buy_volume taker_buy_quote_volume"
_BINANCE_ROW = r"t[nt]{5}t[nt]{4,5}"
_METATRADER = "a broker's clock may be another, Bybit's is said to be +03:00"
_KLINES_INSTEAD = "a bar without its volume is not scored: take the klines or trades of the symbol"

OWN = Layout(
    title="bars by the names of their columns",
    named={
        "time": (
            "ts", "open_time", "start_at", "start_time", "start", "opentime", "timestamp", "unix", "unix_timestamp",
            "time", "datetime", "date_time", "date", "t",
        ),
        "symbol": ("symbol", "ticker", "pair", "instrument", "market", "s"),
        "open": ("open", "open_price", "o"),
        "high": ("high", "high_price", "h"),
        "low": ("low", "low_price", "l"),
        "close": ("close", "close_price", "c"),
        "volume": ("volume", "base_volume", "volume_base", "vol", "v"),
        "taker_buy_volume": (
            "taker_buy_volume", "taker_buy_base_volume", "taker_buy_base_asset_volume", "taker_buy_base",
        ),
        "turnover": ("turnover", "quote_volume", "quote_asset_volume", "volume_quote"),
    },
)  # fmt: skip
"""What a file is taken for that is of no other layout."""

_TRADES = (
    Layout(
        title="public.bybit.com trades",
        marks=frozenset({"timestamp", "side", "price", "homenotional", "foreignnotional"}),
        named={
            "time": ("timestamp",), "symbol": ("symbol",), PRICE: ("price",), SIZE: ("homenotional",), SIDE: ("side",),
        },
        trades=True,
    ),
    Layout(
        title="public.bybit.com spot trades",
        marks=frozenset({"id", "timestamp", "price", "volume", "side"}),
        named={"time": ("timestamp",), PRICE: ("price",), SIZE: ("volume",), SIDE: ("side",)},
        trades=True,
    ),
    Layout(
        title="freqtrade trades",
        marks=frozenset({"timestamp", "id", "side", "price", "amount", "cost"}),
        named={"time": ("timestamp",), PRICE: ("price",), SIZE: ("amount",), SIDE: ("side",)},
        trades=True,
    ),
    Layout(
        title="Binance Vision coin-M trades",
        marks=frozenset({"id", "price", "base_qty", "time", "is_buyer_maker"}),
        named={"time": ("time",), PRICE: ("price",), SIZE: ("base_qty",), MAKER: ("is_buyer_maker",)},
        trades=True,
    ),
    Layout(
        title="Binance Vision trades",
        marks=frozenset({"id", "price", "qty", "quote_qty", "time", "is_buyer_maker"}),
        named={"time": ("time",), PRICE: ("price",), SIZE: ("qty",), MAKER: ("is_buyer_maker",)},
        row=r"[nt]{4}tbb?",
        order=("", PRICE, SIZE, "", "time", MAKER),
        trades=True,
    ),
    Layout(
        title="Binance Vision aggTrades",
        marks=frozenset({"agg_trade_id", "price", "quantity", "transact_time", "is_buyer_maker"}),
        named={"time": ("transact_time",), PRICE: ("price",), SIZE: ("quantity",), MAKER: ("is_buyer_maker",)},
        row=r"[nt]{5}tbb?",
        order=("", PRICE, SIZE, "", "", "time", MAKER),
        trades=True,
    ),
)  # fmt: skip

_KLINES = (
    Layout(
        title="Binance Vision coin-M klines",  # volume counts contracts, quote_volume coins
        marks=frozenset(_BINANCE.split()),
        named=_bars(volume=("quote_volume",), taker_buy_volume=("taker_buy_quote_volume",)),
        symbols=r".+USD_(PERP|\d{6})",
        row=_BINANCE_ROW,
        order=("time", "open", "high", "low", "close", "", "", "volume", "", "", "taker_buy_volume"),
    ),
    Layout(
        title="Binance Vision klines",
        marks=frozenset(_BINANCE.split()),
        named=_bars(taker_buy_volume=("taker_buy_volume",), turnover=("quote_volume",)),
        row=_BINANCE_ROW,
        order=(*_OHLCV, "", "turnover", "", "taker_buy_volume"),
    ),
    Layout(
        title="public.bybit.com index prices",
        marks=frozenset({"start_at", "symbol", "period"}),
        named=_bars(time=("start_at",), turnover=("turnover",)),
        lacking=_KLINES_INSTEAD,
    ),
    Layout(
        title="public.bybit.com klines",
        marks=frozenset({"start_at", "open"}),
        named=_bars(time=("start_at",), turnover=("turnover",)),
    ),
    Layout(
        title="CryptoDataDownload",
        marks=frozenset({"unix", "date", "symbol", "open"}),
        named=_bars(time=("unix",)),
        pairs=True,
    ),
    Layout(
        title="CryptoDataDownload",
        marks=frozenset({"unix_timestamp", "date", "symbol", "open"}),
        named=_bars(time=("unix_timestamp",)),
        pairs=True,
    ),
    Layout(
        title="MetaTrader 5 export",
        marks=frozenset({"date", "time", "open", "tickvol", "vol"}),
        named=_bars(**{"time": ("date",), CLOCK: ("time",), "volume": ("vol",)}),
        zone="UTC",
        note=_METATRADER,
    ),
    Layout(
        title="MetaTrader 4 export",
        row=r"m[nt]{5}",
        order=_OHLCV,
        zone="UTC",
        note=_METATRADER,
    ),
    Layout(
        title="MetaTrader 4 export",
        row=r"dc[nt]{5}",
        order=("time", CLOCK, *_OHLCV[1:]),
        zone="UTC",
        note=_METATRADER,
    ),
    Layout(
        title="freqtrade candles",
        marks=frozenset({"date", "open", "high", "low", "close", "volume"}),
        named=_bars(time=("date",)),
        row=r"t[nt]{5}",
        order=_OHLCV,
        formats=frozenset({"JSON", "feather", "Parquet"}),
    ),
    Layout(
        title="TradingView export",
        begins=("time", "open", "high", "low", "close"),
        marks=frozenset({"time"}),
        named=_bars(time=("time",)),
        files=r"[A-Z0-9]+_[^,]+, \d*[SHDWM]?\b.*",  # exchange, symbol, interval; other programs write such columns too
        formats=frozenset({"CSV"}),
        lacking="add the indicator Volume to the chart and export it again",
    ),
    Layout(title="time, open, high, low, close, volume", row=r"[it][nt]{5,6}", order=_OHLCV),
)  # fmt: skip

LAYOUTS = (*_TRADES, *_KLINES, OWN)
"""The first that fits is the one."""
