"""Build the table of instruments: `python tools/build_model_data.py DATA_FOLDER OUT_FOLDER`.

Plain facts (names, steps, intervals, launch) of Bybit's USDT perpetuals and the first USDC ones, up to 700 in all, with
the price and daily turnover at which the model market begins: those of the ticker list of 2024-01-14 where the symbol is
listed there and its steps suit it, else a plausible value drawn from the symbol's name. Then what the history has and
Bybit does not list.
"""

import csv
import gzip
import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path

MOST = 700
FIRST = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
COLUMNS = (
    "symbol",
    "base",
    "quote",
    "kind",
    "launch_ms",
    "tick_size",
    "qty_step",
    "funding_min",
    "funding_cap",
    "price",
    "turnover",
)
UNLISTED = (("LAYERUSDT", "LAYER", "USDT", "", "1746316800000", "0.0001", "0.1", "60", "0.02", "", ""),)
"""Of the history, not of Bybit: steps and funding as Binance recorded them, launched when the history begins."""


def drawn(symbol: str, purpose: str) -> float:
    """A number in [0, 1) for a symbol."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {symbol}".encode()).digest()[:6], "big") / 2**48


def start_of(row: dict, tickers: dict[str, dict]) -> tuple[str, float]:
    """Price (a multiple of the tick) and turnover a day in the quote currency."""
    tick, symbol = Decimal(row["priceFilter"]["tickSize"]), row["symbol"]
    lot = Decimal(row["lotSizeFilter"]["qtyStep"])
    turnover = 10 ** (5.5 + 2.0 * drawn(symbol, "turnover"))
    price = tick * round(10 ** (3.2 + 1.3 * drawn(symbol, "price")))
    while price * lot > 50 and price / tick > 2_000:  # a lot would be worth too much
        price /= 10
    price = round(price / tick) * tick
    if (ticker := tickers.get(symbol)) is not None:
        turnover = float(ticker["turnover24h"])
        quoted = Decimal(ticker["lastPrice"])
        if quoted / tick >= 500 and quoted * lot <= 200:
            price = round(quoted / tick) * tick
    return f"{price:f}", round(max(turnover, 2e5))


def facts(row: dict, price: str, turnover: float) -> tuple:
    """One line of the table."""
    return (
        row["symbol"], row["baseCoin"], row["quoteCoin"], row.get("symbolType", ""), row["launchTime"],
        row["priceFilter"]["tickSize"], row["lotSizeFilter"]["qtyStep"], row["fundingInterval"],
        row.get("upperFundingRate", ""), price, turnover,
    )  # fmt: skip


def main(data: Path, out: Path) -> None:
    listed = json.load(gzip.open(data / "bybit_v5_rest_instruments_linear_20260809.json.gz"))["result"]["list"]
    known = json.loads((data / "bybit_v5_rest_tickers_linear_20240114.json").read_text())["result"]["list"]
    tickers = {row["symbol"]: row for row in known}
    perpetual = [row for row in listed if row["contractType"] == "LinearPerpetual" and row["status"] == "Trading"]
    lines = [facts(row, *start_of(row, tickers)) for row in perpetual]

    def order(line: tuple) -> tuple:
        symbol, quote, turnover = line[0], line[2], line[-1]
        first = FIRST.index(symbol) if symbol in FIRST else len(FIRST)
        return quote != "USDT", first, -turnover, symbol

    lines.sort(key=order)
    path = out / "instruments.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *lines[:MOST], *UNLISTED])
    print(f"{path.name}: {len(lines[:MOST])} symbols, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
