"""cryptofeed: frame to state and callback through its Bybit handler, without a socket, on uvloop as it does itself.

    python cryptofeed_driver.py FOLDER

It keeps books and tickers itself; the callbacks keep the trades and the latest ticker, as a user's would. Tickers feed
the channels for what our state keeps of them: touch, open interest, funding, index.
"""

import asyncio
import gc
import sys
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import gauge
import uvloop
from cryptofeed.defines import FUNDING, INDEX, L2_BOOK, OPEN_INTEREST, TICKER, TRADES
from cryptofeed.exchanges import Bybit
from cryptofeed.symbols import Symbols


def make(folder: Path, callbacks: dict) -> tuple[Bybit, SimpleNamespace]:
    """The feed as its FeedHandler would make it, and a stand-in for its connection."""
    symbols, info = Bybit._parse_symbol_data([gauge.instruments(folder)])
    Symbols.set(Bybit.id, symbols, info)
    feed = Bybit(symbols=list(symbols), channels=list(callbacks), callbacks=callbacks)
    connection = SimpleNamespace(
        address="wss://stream.bybit.com/v5/public/linear", subscription=feed.subscription, uuid="benchmark"
    )
    return feed, connection


async def main(folder: Path) -> None:
    expected = gauge.expected(folder)
    frames = gauge.frames(folder)
    trades: dict[str, deque] = {}
    count: dict[str, int] = {}
    tickers = {}

    async def keep_trade(trade: object, _received: float) -> None:
        trades.setdefault(trade.symbol, deque(maxlen=2_000)).append(trade)
        count[trade.symbol] = count.get(trade.symbol, 0) + 1

    async def keep_ticker(ticker: object, _received: float) -> None:
        tickers[ticker.symbol] = ticker

    async def keep(_event: object, _received: float) -> None:
        pass

    channels = {TRADES: keep_trade, TICKER: keep_ticker}
    channels |= dict.fromkeys((L2_BOOK, OPEN_INTEREST, FUNDING, INDEX), keep)
    feed, connection = make(folder, channels)
    gc.collect()
    begin = time.process_time()
    for frame in frames:
        await feed.message_handler(frame.decode(), connection, time.time())
    cpu_s = time.process_time() - begin

    states = {}
    for symbol in expected["symbols"]:
        name = feed.exchange_symbol_to_std_symbol(symbol)
        book = feed._l2_book[name].book
        sides = [
            [(float(price), float(side[price])) for price in side.keys()]  # noqa: SIM118 - not a mapping
            for side in (book.bids, book.asks)
        ]
        states[symbol] = {
            "bid": max(sides[0]),
            "ask": min(sides[1]),
            "levels": [len(side) for side in sides],
            "size": [round(sum(size for _, size in side), 3) for side in sides],
            "trades": count[name],
            "last_trade": trades[name][-1].id,
            "last": float(tickers[name].raw["lastPrice"]),
        }
    gauge.report(cpu_s=cpu_s, symbols=states, packages=("cryptofeed", "yapic-json", "order-book", "uvloop"))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1])))
