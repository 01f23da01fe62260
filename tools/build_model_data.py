"""Build the model market's instruments: `python tools/build_model_data.py DATA_FOLDER OUT_FOLDER`.

Bybit's own rows of its USDT perpetuals (and the first USDC ones, up to 700 in all) with a start price and a daily turnover:
those of the ticker list of 2024-01-14 where the symbol is listed there and its steps suit it, else a plausible value drawn
from the symbol's name.
"""

import gzip
import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path

import zstandard

MOST = 700
FIRST = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


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


def main(data: Path, out: Path) -> None:
    listed = json.load(gzip.open(data / "bybit_v5_rest_instruments_linear_20260809.json.gz"))["result"]["list"]
    known = json.loads((data / "bybit_v5_rest_tickers_linear_20240114.json").read_text())["result"]["list"]
    tickers = {row["symbol"]: row for row in known}
    perpetual = [row for row in listed if row["contractType"] == "LinearPerpetual" and row["status"] == "Trading"]
    entries = []
    for row in perpetual:
        price, turnover = start_of(row, tickers)
        entries.append({"price": price, "turnover": turnover, "instrument": row})

    def order(entry: dict) -> tuple:
        symbol = entry["instrument"]["symbol"]
        first = FIRST.index(symbol) if symbol in FIRST else len(FIRST)
        return entry["instrument"]["quoteCoin"] != "USDT", first, -entry["turnover"], symbol

    entries.sort(key=order)
    text = json.dumps(entries[:MOST], separators=(",", ":")).encode()
    path = out / "model_instruments.json.zst"
    path.write_bytes(zstandard.ZstdCompressor(level=19).compress(text))
    print(f"{path.name}: {len(entries[:MOST])} symbols, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
