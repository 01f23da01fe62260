"""Makes the REST items of one symbol, from the same functions of time as its frames."""

from virtuoso.simulator.history.feeds import INTERVALS_MS, MONDAY_MS
from virtuoso.simulator.history.market import PlayedTrade
from virtuoso.simulator.model_market.market import MINUTE_MS
from virtuoso.simulator.model_market.symbol import DEPTHS, Symbol
from virtuoso.simulator.model_market.ticker import NAMES
from virtuoso.simulator.model_market.traded import trade_id
from virtuoso.simulator.source import Item

_PERIODS_MS = {
    "5min": 5 * MINUTE_MS, "15min": 15 * MINUTE_MS, "30min": 30 * MINUTE_MS, "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS, "1d": 1440 * MINUTE_MS,
}  # fmt: skip
_REST_ONLY = {
    "predictedDeliveryPrice": "", "basisRate": "", "deliveryFeeRate": "", "deliveryTime": "0", "basis": "",
}  # fmt: skip


def ticker_item(symbol: Symbol, now_ms: int) -> Item:
    """Make an item of `/v5/market/tickers`; REST names a few fields that the stream does not."""
    item: Item = dict(zip(NAMES, symbol.ticker.values(symbol.ticker.look_at(now_ms)), strict=True))
    del item["tickDirection"]
    return {"symbol": symbol.listed.symbol, **item, **_REST_ONLY}


def bar_rows(symbol: Symbol, interval: str, price: str, start_ms: int, end_ms: int, now_ms: int) -> list[list[str]]:
    """Bars of trades (with volume and turnover), mark, index or premium prices."""
    if interval not in INTERVALS_MS:
        return []
    length, units = INTERVALS_MS[interval], symbol.listed.units
    offset = MONDAY_MS if interval == "W" else 0
    times, rows = symbol.market.bars(length, offset, start_ms, end_ms, now_ms)
    if price == "trade":
        return [
            [str(at), *map(units.trimmed_price, (o, h, low, c)), units.trimmed_size(volume), units.turnover(turnover)]
            for at, (o, h, low, c, volume, turnover) in zip(times.tolist(), rows.tolist(), strict=True)
        ]
    ratio = symbol.slow.mark_ratio if price == "mark" else symbol.slow.index_ratio
    found = []
    for at, (o, h, low, c, _, _) in zip(times.tolist(), rows.tolist(), strict=True):
        first, last = ratio(at), ratio(min(at + length, now_ms))
        if price == "premium":
            first, last = 1 / first - 1, 1 / last - 1
            found.append([str(at), *(f"{r:.6f}" for r in (first, max(first, last), min(first, last), last))])
            continue
        prices = o * first, h * max(first, last), low * min(first, last), c * last
        found.append([str(at), *(f"{p * units.tick:.{units.price_decimals}f}" for p in prices)])
    return found


def book_item(symbol: Symbol, depth: int, now_ms: int) -> Item:
    """The best `depth` levels of the smallest streamed depth that has them, with that stream's update id."""
    streamed = next((d for d in DEPTHS[1:] if d >= depth), DEPTHS[-1])
    book, texts, size = symbol.book, symbol.market.texts, symbol.listed.units.size
    look = book.look_at(now_ms, streamed)
    at_ms = book.time_of(look, streamed)
    block, index = book.at(look, streamed)
    bids, asks = ([[texts[p], size(q)] for p, q in block.side(index, side)[:depth]] for side in (0, 1))
    return {
        "s": symbol.listed.symbol, "b": bids, "a": asks, "ts": at_ms + 1,
        "u": symbol.sequence.update_id(look, streamed), "seq": symbol.sequence.seq(at_ms), "cts": at_ms,
    }  # fmt: skip


def trade_items(symbol: Symbol, limit: int, now_ms: int) -> list[Item]:
    """Make the latest `limit` trades, as REST answers them."""
    market, after = symbol.market, now_ms
    found: list[PlayedTrade] = []
    while len(found) < limit and after > market.first_ms + MINUTE_MS:
        before, after = after, after - MINUTE_MS
        found = market.trades(after, before) + found
    units = market.units
    return [
        {
            "execId": trade_id(market, trade),
            "symbol": symbol.listed.symbol,
            "price": units.price(trade.ticks),
            "size": units.size(trade.lots),
            "side": "Buy" if trade.buy else "Sell",
            "time": str(trade.at_ms),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(symbol.sequence.seq(trade.at_ms) + 1),
        }
        for trade in found[-limit:]
    ]


def interest_items(symbol: Symbol, interval: str, start_ms: int, end_ms: int) -> list[Item]:
    """Open interest, both sides summed."""
    size, items = symbol.listed.units.size, []
    for at in _instants(symbol, interval, start_ms, end_ms):
        lots = symbol.slow.open_interest(at)
        items.append({"openInterest": size(lots), "timestamp": str(at), "singleOpenInterest": size(lots // 2)})
    return items


def ratio_items(symbol: Symbol, period: str, start_ms: int, end_ms: int) -> list[Item]:
    """Shares of accounts net long and net short."""
    items: list[Item] = []
    for at in _instants(symbol, period, start_ms, end_ms):
        share = f"{symbol.slow.long_share(at):.4f}"
        items.append(
            {
                "symbol": symbol.listed.symbol, "buyRatio": share, "sellRatio": f"{1 - float(share):.4f}",
                "timestamp": str(at),
            }
        )  # fmt: skip
    return items


def funding_items(symbol: Symbol, start_ms: int, end_ms: int) -> list[Item]:
    """Return the funding rates settled in [start_ms, end_ms], oldest first, as REST items."""
    every = symbol.listed.funding_ms
    first = -(-max(start_ms, symbol.slow.begins_ms) // every) * every
    return [
        {
            "symbol": symbol.listed.symbol, "fundingRate": symbol.slow.settled(at), "fundingRateTimestamp": str(at),
        }
        for at in range(first, end_ms + 1, every)
    ]  # fmt: skip


def _instants(symbol: Symbol, period: str, start_ms: int, end_ms: int) -> range:
    step = _PERIODS_MS.get(period)
    if step is None:
        return range(0)
    return range(-(-max(start_ms, symbol.slow.begins_ms) // step) * step, end_ms + 1, step)
