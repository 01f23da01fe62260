"""ccxt.pro: `watch_order_book`, `watch_trades` and `watch_ticker` in a loop each, as its manual shows, on uvloop.

    python ccxt_driver.py FOLDER PORT CONTROL

The markets are parsed by ccxt from the recorded answer of Bybit, since there is no REST to ask. A loop wakes once for
what came meanwhile, so a saturating sender costs ccxt fewer wake-ups than a quiet one.
"""

import asyncio
import sys
from pathlib import Path

import ccxt.pro
import gauge
import uvloop

DEPTH = 200


class Receiver:
    """The user's side: keeps what each loop was given."""

    def __init__(self, exchange: ccxt.pro.bybit) -> None:
        self.exchange = exchange
        self.trades: dict[str, list] = {}

    async def watch_book(self, symbol: str) -> None:
        """Keep the book."""
        while True:
            await self.exchange.watch_order_book(symbol, DEPTH)

    async def watch_trades(self, symbol: str) -> None:
        """Keep the trades."""
        while True:
            self.trades[symbol] = await self.exchange.watch_trades(symbol)

    async def watch_ticker(self, symbol: str) -> None:
        """Keep the ticker."""
        while True:
            await self.exchange.watch_ticker(symbol)

    def state(self, symbol: str) -> gauge.Message:
        """What is known of a symbol."""
        book = self.exchange.orderbooks[symbol]
        return {
            "end_ms": book["timestamp"],
            "bid": book["bids"][0][:2],
            "ask": book["asks"][0][:2],
            "levels": [len(book["bids"]), len(book["asks"])],
            "size": [round(sum(level[1] for level in book[side]), 3) for side in ("bids", "asks")],
            "last_trade": self.exchange.trades[symbol][-1]["id"],
            "last": self.exchange.tickers[symbol]["last"],
        }


async def main(folder: Path, port: int, control: int) -> None:
    exchange = ccxt.pro.bybit({"enableRateLimit": False})

    async def recorded(_params: gauge.Message) -> gauge.Message:
        return gauge.instruments(folder)

    exchange.publicGetV5MarketInstrumentsInfo = recorded
    exchange.set_markets(await exchange.fetch_future_markets({"category": "linear"}))
    exchange.urls["api"]["ws"]["public"]["linear"] = f"ws://127.0.0.1:{port}/v5/public/linear"
    receiver = Receiver(exchange)
    symbols = {market["id"]: market["symbol"] for market in exchange.markets.values()}
    tasks = [
        asyncio.create_task(watch(symbol))
        for watch in (receiver.watch_book, receiver.watch_trades, receiver.watch_ticker)
        for symbol in symbols.values()
    ]
    expected = gauge.expected(folder)

    def done() -> bool:
        return any(book["timestamp"] == expected["end_ms"] for book in exchange.orderbooks.values())

    cpu_s = await gauge.measure_stream(control, done)
    states = {native: receiver.state(symbol) for native, symbol in symbols.items()}
    gauge.report(cpu_s=cpu_s, symbols=states, packages=("ccxt", "aiohttp", "orjson", "uvloop"))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await exchange.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
