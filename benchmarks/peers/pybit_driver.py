"""pybit: text frame to state and callback through its own WebSocket manager, without a socket.

    python pybit_driver.py FOLDER

pybit keeps books and tickers itself; the callback keeps the trades, as a user's would.
"""

import sys
from collections import deque
from pathlib import Path

import gauge
from pybit._websocket_stream import _V5WebSocketManager

DEPTH = 200


def main(folder: Path) -> None:
    expected = gauge.expected(folder)
    frames = gauge.frames(folder)
    manager = _V5WebSocketManager("benchmark", testnet=False)
    latest: dict[str, gauge.Message] = {}
    trades: dict[str, deque] = {symbol: deque(maxlen=2_000) for symbol in expected["symbols"]}
    count = dict.fromkeys(expected["symbols"], 0)

    def keep(message: gauge.Message) -> None:
        latest[message["topic"]] = message["data"]

    def keep_trades(message: gauge.Message) -> None:
        symbol = message["data"][0]["s"]
        count[symbol] += len(message["data"])
        trades[symbol].extend(message["data"])

    for symbol in expected["symbols"]:
        manager._set_callback(f"orderbook.{DEPTH}.{symbol}", keep)
        manager._set_callback(f"tickers.{symbol}", keep)
        manager._set_callback(f"publicTrade.{symbol}", keep_trades)

    def feed() -> None:
        for frame in frames:
            manager._on_message(frame.decode())

    cpu_s = gauge.measure_parse(feed)
    states = {}
    for symbol in expected["symbols"]:
        book = latest[f"orderbook.{DEPTH}.{symbol}"]
        bids, asks = ([(float(price), float(size)) for price, size in book[side]] for side in ("b", "a"))
        states[symbol] = {
            "update_id": book["u"],
            "bid": max(bids),
            "ask": min(asks),
            "levels": [len(bids), len(asks)],
            "size": [round(sum(size for _, size in side), 3) for side in (bids, asks)],
            "trades": count[symbol],
            "last_trade": trades[symbol][-1]["i"],
            "last": float(latest[f"tickers.{symbol}"]["lastPrice"]),
        }
    gauge.report(cpu_s=cpu_s, symbols=states, packages=("pybit",))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
