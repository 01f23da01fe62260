"""The same bars, and the same trades, in each layout in which people have them."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.bar_files import MINUTE_MS, Columns, made
from tests.support.lazily import Lazily

pandas = Lazily("pandas")

Row = dict[str, Any]
"""A bar: `ts` (ms), open, high, low, close, volume, turnover, bought; or a trade: `ts`, price, size, buy."""

BINANCE_NAMES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def bars(minutes: int = 60) -> Columns:
    """Bars of BTCUSDT of which turnover and taker sides are known."""
    columns = made(["BTCUSDT"], minutes)
    columns["turnover"] = np.round(columns["volume"] * columns["close"], 4)
    columns["taker_buy_volume"] = np.round(columns["volume"] / 3, 3)
    return columns


def rows(columns: Columns) -> list[Row]:
    """The same, one by one."""
    names = {"ts": "ts", "taker_buy_volume": "bought"}
    keys = ("ts", "open", "high", "low", "close", "volume", "turnover", "taker_buy_volume")
    return [
        {names.get(key, key): value for key, value in zip(keys, values, strict=True)}
        for values in zip(*(columns[key].tolist() for key in keys), strict=True)
    ]


def lines(of: Iterable[Sequence[Any]], *before: str, separator: str = ",", comma: bool = False) -> bytes:
    """Rows as text, below some lines."""
    texts = [
        separator.join(repr(x).replace(".", ",") if comma and isinstance(x, float) else str(x) for x in row)
        for row in of
    ]
    return ("\n".join([*before, *texts]) + "\n").encode()


def stamp(row: Row, form: str, hours: int = 0) -> str:
    """The time of a row as text, on a clock that is `hours` ahead of UTC."""
    return f"{datetime.fromtimestamp(row['ts'] / 1_000 + 3_600 * hours, UTC):{form}}"


def ohlc(row: Row) -> tuple[float, ...]:
    return row["open"], row["high"], row["low"], row["close"]


def binance(of: list[Row], *before: str, factor: Callable[[int], int] = lambda _: 1) -> bytes:
    """Klines; `factor` says by the row's number how many units a millisecond has."""

    def row(i: int, r: Row) -> tuple[Any, ...]:
        f = factor(i)
        end = (r["ts"] + MINUTE_MS) * f - 1
        return (r["ts"] * f, *ohlc(r), r["volume"], end, r["turnover"], 12, r["bought"], r["turnover"] / 3, 0)

    return lines((row(i, r) for i, r in enumerate(of)), *before)


def coin_margined(of: list[Row]) -> bytes:
    """Klines whose volume counts contracts and whose quote volume counts coins."""
    return lines(
        ((r["ts"], *ohlc(r), 7, r["ts"] + 59_999, r["volume"], 12, 3, r["bought"], 0) for r in of), BINANCE_NAMES
    )


def zipped(name: str, data: bytes) -> bytes:
    """A zip with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def frame(of: list[Row]) -> Any:
    """As freqtrade keeps candles."""
    table = pandas.DataFrame(
        [(r["ts"], *ohlc(r), r["volume"]) for r in of], columns=["date", "open", "high", "low", "close", "volume"]
    )
    table["date"] = pandas.to_datetime(table["date"], unit="ms", utc=True)
    return table


def _buffer(write: Callable[[io.BytesIO], Any]) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


@dataclass(frozen=True)
class Written:
    """One layout: a file's name, how it is written, what it is recognised as, and which optional columns it has."""

    name: str
    write: Callable[[list[Row]], bytes]
    title: str
    has: tuple[str, ...] = ()
    hints: dict[str, Any] = field(default_factory=dict)
    symbol: str = "BTCUSDT"

    def __str__(self) -> str:
        return f"{self.name}: {self.title}"


BOTH = ("turnover", "taker_buy_volume")
CDD = "https://www.CryptoDataDownload.com"
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"

LAYOUTS = (
    Written("BTCUSDT-1m-2025-05.csv", lambda of: binance(of, BINANCE_NAMES), "Binance Vision klines, ms →", BOTH),
    Written(
        "BTCUSDT-1m-2025-05.csv",
        lambda of: binance(of, factor=lambda _: 1_000),
        "Binance Vision klines, µs, no header →",
        BOTH,
    ),
    Written(
        "BTCUSDT-1m-2025-05.csv",
        lambda of: binance(of, factor=lambda i: 1 if i < 20 else 1_000),
        "Binance Vision klines, ms and µs, no header →",
        BOTH,
    ),
    Written(
        "BTCUSDT-1m-2025-05.zip",
        lambda of: zipped("BTCUSDT-1m-2025-05.csv", binance(of, BINANCE_NAMES)),
        "Binance Vision klines, ms →",
        BOTH,
    ),
    Written(
        "BTCUSDT-1m-2025-05.csv.gz",
        lambda of: gzip.compress(binance(of)),
        "Binance Vision klines, ms, no header →",
        BOTH,
    ),
    Written(
        "BTCUSD_PERP-1m-2025-05.csv",
        coin_margined,
        "Binance Vision coin-M klines, ms →",
        ("taker_buy_volume",),
        symbol="BTCUSD_PERP",
    ),
    Written(
        "btc.csv",
        lambda of: binance(
            of,
            "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,Number of trades,"
            "Taker buy base asset volume,Taker buy quote asset volume,Ignore",
        ),
        "bars by the names of their columns, ms →",
        BOTH,
        {"symbol": "BTCUSDT"},
    ),
    Written(
        "BTCUSDT_binance.json",
        lambda of: json.dumps(
            [
                [
                    r["ts"],
                    *map(str, (*ohlc(r), r["volume"])),
                    r["ts"] + 59_999,
                    str(r["turnover"]),
                    12,
                    str(r["bought"]),
                    "1.5",
                    "0",
                ]
                for r in of
            ],
            indent=1,
        ).encode(),
        "Binance Vision klines, ms, JSON →",
        BOTH,
    ),
    Written(
        "BTCUSDT.csv",
        lambda of: lines(
            ((r["ts"] // 1_000, *ohlc(r), r["volume"], r["turnover"]) for r in of),
            "start_at,open,high,low,close,volume,turnover",
        ),
        "public.bybit.com klines, s →",
        ("turnover",),
    ),
    Written(
        "BTCUSDT_1_2025-05-01_2025-05-31.csv",
        lambda of: lines((stamp(r, "%Y.%m.%d %H:%M"), *ohlc(r), r["volume"]) for r in of),
        "MetaTrader 4 export, dates, no header →",
    ),
    Written(
        "BTCUSDT_1_2025-05-01_2025-05-31.csv.gz",
        lambda of: gzip.compress(lines((stamp(r, "%Y.%m.%d %H:%M", 3), *ohlc(r), r["volume"]) for r in of)),
        "MetaTrader 4 export, dates, no header →",
        hints={"zone": "+03:00"},
    ),
    Written(
        "BTCUSDT1.csv",
        lambda of: lines((stamp(r, "%Y.%m.%d,%H:%M"), *ohlc(r), r["volume"]) for r in of),
        "MetaTrader 4 export, dates, no header →",
        hints={"symbol": "BTCUSDT"},
    ),
    Written(
        "BTCUSDT_M1_202505041537_202505041636.csv",
        lambda of: lines(
            ((stamp(r, "%Y.%m.%d\t%H:%M:%S", 2), *ohlc(r), 412, r["volume"], 28) for r in of), MT5, separator="\t"
        ),
        "MetaTrader 5 export, dates, tabs →",
        hints={"zone": "Europe/Berlin"},
    ),
    Written(
        "Binance_BTCUSDT_minute.csv",
        lambda of: lines(
            (
                (r["ts"], stamp(r, "%Y-%m-%d %H:%M:%S"), "BTCUSDT", *ohlc(r), r["volume"], r["turnover"], 12)
                for r in reversed(of)
            ),
            CDD,
            "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount",
        ),
        "CryptoDataDownload, ms →",
        ("turnover",),
    ),
    Written(
        "Bitstamp_BTCUSDT_2025_minute.csv",
        lambda of: lines(
            (
                (
                    r["ts"] // (1_000 if i % 2 else 1),
                    stamp(r, "%Y-%m-%d %H:%M:%S"),
                    "BTC/USDT",
                    *ohlc(r),
                    r["turnover"],
                    r["volume"],
                )
                for i, r in enumerate(reversed(of))
            ),
            f"Timestamps are UTC timezone,{CDD}",
            "Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume USDT,Volume BTC",
        ),
        "CryptoDataDownload, s and ms →",
        ("turnover",),
    ),
    Written(
        "BTCUSDT_dump.csv",
        lambda of: lines(((r["ts"] // 1_000, *ohlc(r), r["volume"]) for r in of), "time,open,high,low,close,volume"),
        "bars by the names of their columns, s →",
    ),
    Written(
        "BYBIT_BTCUSDT.P, 1.csv",
        lambda of: lines(((r["ts"] // 1_000, *ohlc(r), r["volume"]) for r in of), "time,open,high,low,close,Volume"),
        "TradingView export, s →",
    ),
    Written(
        "BINANCE_BTCUSDT, 1.csv",
        lambda of: lines(
            ((stamp(r, "%Y-%m-%dT%H:%M:%SZ"), *ohlc(r), "", "NaN", r["volume"], 5) for r in of),
            "time,open,high,low,close,Plot,Plot,Volume,Volume MA",
        ),
        "TradingView export, ISO 8601 →",
    ),
    Written(
        "BTCUSDT.csv",
        lambda of: lines(
            ((r["ts"] // 1_000, "BTCUSDT", *ohlc(r), r["volume"]) for r in of),
            "sep=;",
            "open_time;symbol;open;high;low;close;volume",
            separator=";",
            comma=True,
        ),
        "bars by the names of their columns, s, semicolons, decimal commas →",
    ),
    Written(
        "BTCUSDT.csv",
        lambda of: "\ufeff".encode() + lines(((r["ts"], *ohlc(r), r["volume"]) for r in of), separator=";", comma=True),
        "time, open, high, low, close, volume, ms, semicolons, decimal commas, no header →",
    ),
    Written(
        "BTC_USDT_USDT-1m-futures.json",
        lambda of: json.dumps([[r["ts"], *ohlc(r), r["volume"]] for r in of]).encode(),
        "freqtrade candles, ms, JSON →",
    ),
    Written(
        "BTC_USDT-1m.json.gz",
        lambda of: gzip.compress(
            json.dumps([[r["ts"], *ohlc(r), r["volume"]] for r in of], separators=(",", ":")).encode()
        ),
        "freqtrade candles, ms, JSON →",
    ),
    Written(
        "BTC_USDT_USDT-1m-futures.feather",
        lambda of: _buffer(frame(of).to_feather),
        "freqtrade candles, timestamps, feather →",
    ),
    Written(
        "BTC_USDT_USDT-1m-futures.parquet",
        lambda of: _buffer(lambda out: frame(of).to_parquet(out, index=False)),
        "freqtrade candles, timestamps, Parquet →",
    ),
    Written(
        "XBTUSDT_1.csv",
        lambda of: lines((r["ts"] // 1_000, *ohlc(r), r["volume"], 9) for r in of),
        "time, open, high, low, close, volume, s, no header →",
        symbol="XBTUSDT",
    ),
    Written(
        "BTC-USD.csv",
        lambda of: lines(
            ((stamp(r, "%Y-%m-%d %H:%M:%S", 9), *ohlc(r), r["volume"]) for r in of),
            "Datetime,Open,High,Low,Close,Volume",
        ),
        "bars by the names of their columns, dates →",
        hints={"zone": "Asia/Tokyo"},
        symbol="BTCUSD",
    ),
    Written(
        "prices.csv",
        lambda of: lines(
            ((r["volume"], r["close"], *ohlc(r)[:3], r["ts"] / 1_000, "x") for r in of),
            "amount,last,first,max,min,at,note",
        ),
        "bars by the names of their columns, s →",
        hints={
            "symbol": "BTCUSDT",
            "columns": {
                "time": "at",
                "open": "first",
                "high": "max",
                "low": "min",
                "close": "last",
                "volume": "amount",
            },
        },
    ),
    Written(
        "prices.csv",
        lambda of: lines((r["volume"], *ohlc(r), "BTCUSDT", r["ts"]) for r in of),
        "columns as given, ms, no header →",
        hints={
            "columns": {"time": "7", "symbol": "6", "open": "2", "high": "3", "low": "4", "close": "5", "volume": "1"}
        },
    ),
)


def trades(minutes: int = 40, seed: int = 4) -> list[Row]:
    """Trades of BTCUSDT in the order of time, up to nine in a minute and in some none, two of them at one time."""
    rng = np.random.default_rng(seed)
    start = made(["BTCUSDT"], 1)["ts"][0]
    times = sorted(
        int(start + MINUTE_MS * minute + ms)
        for minute in range(minutes)
        for ms in rng.integers(0, MINUTE_MS, rng.integers(0, 9) if minute % 7 else 0)
    )
    times[5] = times[4]
    price = np.round(50 + np.cumsum(rng.normal(0, 0.1, len(times))), 2).tolist()
    size = np.round(rng.gamma(1, 3, len(times)) + 0.001, 3).tolist()
    buys = (rng.random(len(times)) < 0.5).tolist()
    return [{"ts": t, "price": p, "size": s, "buy": b} for t, p, s, b in zip(times, price, size, buys, strict=True)]


def bars_of(of: list[Row], symbol: str) -> dict[tuple[str, int], tuple[float, ...]]:
    """The slow reference: the minutes of trades and the quiet ones between, in the order of `BAR_FIELDS`."""
    minutes: dict[int, list[Row]] = {}
    for trade in of:
        minutes.setdefault(trade["ts"] // MINUTE_MS * MINUTE_MS, []).append(trade)
    found: dict[tuple[str, int], tuple[float, ...]] = {}
    for minute in range(min(minutes), max(minutes) + MINUTE_MS, MINUTE_MS):
        prices = [t["price"] for t in minutes.get(minute, ())] or [found[symbol, minute - MINUTE_MS][3]]
        inside = minutes.get(minute, [])
        found[symbol, minute] = (
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(t["size"] for t in inside),
            sum(t["size"] * t["price"] for t in inside),
            sum(t["size"] for t in inside if t["buy"]),
        )
    return found


def _bybit(of: Iterable[Row]) -> bytes:
    return lines(
        (
            (
                f"{t['ts'] / 1_000:.3f}",
                "BTCUSDT",
                "Buy" if t["buy"] else "Sell",
                7,
                t["price"],
                "PlusTick",
                f"id-{i}",
                "1e+06",
                t["size"],
                1,
            )
            for i, t in enumerate(of)
        ),
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
    )


def _freqtrade(of: list[Row]) -> bytes:
    names = ["timestamp", "id", "type", "side", "price", "amount", "cost"]
    cells = [
        (t["ts"], str(i), None, "buy" if t["buy"] else "sell", t["price"], t["size"], t["price"] * t["size"])
        for i, t in enumerate(of)
    ]
    return _buffer(pandas.DataFrame(cells, columns=names).to_feather)


TRADES = (
    Written("BTC_USDT-trades.feather", _freqtrade, "freqtrade trades, ms, feather →"),
    Written("BTCUSDT2025-05-04.csv", _bybit, "public.bybit.com trades, s →"),
    Written("BTCUSDT2025-05-04.csv.gz", lambda of: gzip.compress(_bybit(reversed(of))), "public.bybit.com trades, s →"),
    Written(
        "BTCUSDT_2025-05-04.csv",
        lambda of: lines(
            ((i, t["ts"], t["price"], t["size"], "buy" if t["buy"] else "sell", 0) for i, t in enumerate(of)),
            "id,timestamp,price,volume,side,rpi",
        ),
        "public.bybit.com spot trades, ms →",
    ),
    Written(
        "BTCUSDT-trades-2025-05-04.zip",
        lambda of: zipped(
            "BTCUSDT-trades-2025-05-04.csv",
            lines(
                (i, t["price"], t["size"], t["price"] * t["size"], t["ts"] * 1_000, not t["buy"], True)
                for i, t in enumerate(of)
            ),
        ),
        "Binance Vision trades, µs, no header →",
    ),
    Written(
        "BTCUSDT-trades-2025-05-04.csv",
        lambda of: lines(
            ((i, t["price"], t["size"], 1, t["ts"], str(not t["buy"]).lower()) for i, t in enumerate(of)),
            "id,price,qty,quote_qty,time,is_buyer_maker",
        ),
        "Binance Vision trades, ms →",
    ),
    Written(
        "BTCUSD_PERP-trades-2025-05-04.csv",
        lambda of: lines(
            ((i, t["price"], 7, t["size"], t["ts"], str(not t["buy"]).lower()) for i, t in enumerate(of)),
            "id,price,qty,base_qty,time,is_buyer_maker",
        ),
        "Binance Vision coin-M trades, ms →",
        symbol="BTCUSD_PERP",
    ),
    Written(
        "BTCUSDT-aggTrades-2025-05-04.csv",
        lambda of: lines(
            ((i, t["price"], t["size"], i, i, t["ts"], str(not t["buy"]).lower()) for i, t in enumerate(of)),
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
        ),
        "Binance Vision aggTrades, ms →",
    ),
    Written(
        "BTCUSDT-aggTrades-2025-05-04.csv",
        lambda of: lines(
            (i, t["price"], t["size"], i, i, t["ts"] * 1_000, not t["buy"], True) for i, t in enumerate(of)
        ),
        "Binance Vision aggTrades, µs, no header →",
    ),
)


def file(folder: Path, layout: Written, of: list[Row]) -> Path:
    """A file of that layout."""
    path = folder / layout.name
    path.write_bytes(layout.write(of))
    return path
