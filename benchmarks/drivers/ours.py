"""The production receiver, made as the monitor makes it: Bybit's stream over the sinks of the market state."""

import numpy as np

from benchmarks.workload import DEPTH, SYMBOLS
from virtuoso.analysis.engine import TIMEFRAMES
from virtuoso.exchange.bybit.adapter import Bybit
from virtuoso.exchange.bybit.stream import BybitStream
from virtuoso.exchange.protocol import StreamEvent
from virtuoso.market.state import MarketState
from virtuoso.model.clock import SystemClock

KINDS = (f"orderbook.{DEPTH}.", "publicTrade.", "tickers.")


def market_state() -> MarketState:
    """The state of the workload's symbols."""
    market = MarketState(tuple(TIMEFRAMES), depth=DEPTH)
    for symbol in SYMBOLS:
        market.add(symbol)
    return market


def make(port: int) -> tuple[Bybit, BybitStream, MarketState]:
    """Adapter, stream and state, over a stream at `port` of this machine."""
    market = market_state()
    exchange = Bybit(
        rest_url="http://127.0.0.1:9", stream_url=f"ws://127.0.0.1:{port}/v5/public", depth=DEPTH,
        clock=SystemClock(), rng=np.random.default_rng(0),
    )  # fmt: skip
    stream = exchange.stream(_ignore)
    assert isinstance(stream, BybitStream)
    stream.watch(market.sinks())
    return exchange, stream, market


def _ignore(_event: StreamEvent) -> None:
    pass


def messages(stream: BybitStream) -> int:
    """Messages of the workload's topics taken so far."""
    return sum(feed.messages for feed in stream.feeds() if feed.topic.startswith(KINDS))


def states(market: MarketState) -> dict[str, dict[str, object]]:
    """The final state by symbol, as every driver reports it."""
    return {symbol: _state(market, symbol) for symbol in SYMBOLS}


def _state(market: MarketState, symbol: str) -> dict[str, object]:
    state = market[symbol]
    book = state.book
    return {
        "update_id": book.update_id,
        "bid": [book.bid_price, book.bid_size],
        "ask": [book.ask_price, book.ask_size],
        "levels": [len(book.bids), len(book.asks)],
        "size": [round(sum(side.values()), 3) for side in (book.bids, book.asks)],
        "last_trade": state.tape.recent[-1].id,
        "last": state.stats.values["last"],
    }
