"""Bybit v5's public REST questions, answered from a source: one function an endpoint.

Items come from the source oldest first; here they are put newest first, paged and limited as documented.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from virtuoso.simulator.parameters import Parameters, Refused, cursor_at, time_cursor
from virtuoso.simulator.source import Item, Source

Answer = Callable[[Source, Parameters, int], Item]

INTERVALS = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
_MINUTE_MS = 60_000
_PERIODS = {
    "5min": 5 * _MINUTE_MS, "15min": 15 * _MINUTE_MS, "30min": 30 * _MINUTE_MS, "1h": 60 * _MINUTE_MS,
    "4h": 240 * _MINUTE_MS, "1d": 1440 * _MINUTE_MS,
}  # fmt: skip
_LENGTH_MS = {i: int(i) * _MINUTE_MS for i in INTERVALS if i.isdigit()} | {
    "D": 1440 * _MINUTE_MS, "W": 10080 * _MINUTE_MS, "M": 31 * 1440 * _MINUTE_MS,
}  # fmt: skip


def _listed(source: Source, category: str) -> set[str]:
    return {item["symbol"] for item in source.instruments(category)}


def server_time(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """Answer `/v5/market/time`: exchange time in seconds and in nanoseconds."""
    return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}


def instruments(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/instruments-info`: default 500, at most 1000 a page, by cursor."""
    category = parameters.category()
    limit, offset = parameters.limit(500, 1000), parameters.offset()
    items = source.instruments(category)
    for name, field in (("symbol", "symbol"), ("status", "status"), ("baseCoin", "baseCoin")):
        if (wanted := parameters.text(name)) is not None:
            items = [item for item in items if item.get(field) == wanted]
    if parameters.text("symbol") and not items:
        raise Refused("params error: symbol invalid", {"category": "", "list": [], "nextPageCursor": ""})
    page = items[offset : offset + limit]
    return {"category": category, "list": page, "nextPageCursor": cursor_at(offset + limit, len(items))}


def tickers(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/tickers`: all, or one."""
    category = parameters.category()
    items = source.tickers(category)
    if parameters.text("symbol") is not None:
        symbol = parameters.symbol({item["symbol"] for item in items})
        items = [item for item in items if item["symbol"] == symbol]
    return {"category": category, "list": items}


def _klines(price: str) -> Answer:
    def answer(source: Source, parameters: Parameters, now_ms: int) -> Item:
        category = parameters.category()
        symbol = parameters.symbol(_listed(source, category))
        interval = parameters.one_of("interval", INTERVALS)
        limit = parameters.limit(200, 1000)
        start, end = parameters.integer("start"), parameters.integer("end")
        length = _LENGTH_MS[interval]
        if start is not None and end is None:  # forward from the start
            items = source.klines(category, symbol, interval, price, start, start + limit * length)[:limit]
        else:  # the latest up to the end
            last = min(now_ms, now_ms if end is None else end)
            first = max(last - (limit + 1) * length, 0 if start is None else start)
            items = source.klines(category, symbol, interval, price, first, last)[-limit:]
        return {"symbol": symbol, "category": category, "list": items[::-1]}

    return answer


def orderbook(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/orderbook`: linear 1 to 1000 levels (25), spot 1 to 200 (1)."""
    category = parameters.category()
    symbol = parameters.symbol(_listed(source, category))
    limit = parameters.limit(1, 200) if category == "spot" else parameters.limit(25, 1000)
    book = source.orderbook(category, symbol, limit)
    return book or {"s": symbol, "b": [], "a": [], "ts": now_ms, "u": 0, "seq": 0, "cts": now_ms}


def recent_trades(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/recent-trade`: linear at most 1000 (500), spot 60; newest first."""
    category = parameters.category()
    symbol = parameters.symbol(_listed(source, category))
    limit = parameters.limit(60, 60) if category == "spot" else parameters.limit(500, 1000)
    return {"category": category, "list": source.trades(category, symbol, limit)[::-1]}


def _span(parameters: Parameters, now_ms: int) -> tuple[int, int]:
    start, end = parameters.integer("startTime"), parameters.integer("endTime")
    return start or 0, now_ms if end is None else end


_Series = Callable[[int, int], list[Item]]


def _page(
    series: _Series, parameters: Parameters, now_ms: int, period_ms: int, limits: tuple[int, int]
) -> tuple[list[Item], str]:
    """One page of a time series, newest first, and the cursor of the next.

    The cursor is the time of the last item, so items that come in meanwhile shift nothing. Only those of the page
    and one beyond it are made.
    """
    start, end = _span(parameters, now_ms)
    limit, before = parameters.limit(*limits), parameters.last_time()
    end = min(end, now_ms, end if before is None else before - 1)
    items = series(max(start, end - (limit + 1) * period_ms), end)[::-1]
    return items[:limit], time_cursor(int(items[limit - 1]["timestamp"])) if len(items) > limit else ""


def open_interest(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/open-interest`: at most 200 (50) a page, by cursor."""
    category = parameters.category()
    symbol = parameters.symbol(_listed(source, category))
    interval = parameters.one_of("intervalTime", _PERIODS)
    series = partial(source.open_interest, category, symbol, interval)
    items, cursor = _page(series, parameters, now_ms, _PERIODS[interval], (50, 200))
    return {"symbol": symbol, "category": category, "list": items, "nextPageCursor": cursor}


def funding_history(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/funding/history`: at most 200; a start without an end is refused."""
    category = parameters.category()
    symbol = parameters.symbol(_listed(source, category))
    limit = parameters.limit(200, 200)
    if parameters.integer("startTime") is not None and parameters.integer("endTime") is None:
        raise Refused("params error: endTime invalid", {"category": "", "list": []})
    items = source.funding(category, symbol, *_span(parameters, now_ms))
    return {"category": category, "list": items[-limit:][::-1]}


def account_ratio(source: Source, parameters: Parameters, now_ms: int) -> Item:
    """`/v5/market/account-ratio`: at most 500 (50) a page, by cursor."""
    category = parameters.category()
    symbol = parameters.symbol(_listed(source, category))
    period = parameters.one_of("period", _PERIODS)
    series = partial(source.account_ratio, category, symbol, period)
    items, cursor = _page(series, parameters, now_ms, _PERIODS[period], (50, 500))
    return {"list": items, "nextPageCursor": cursor}


ENDPOINTS: dict[str, Answer] = {
    "/v5/market/time": server_time,
    "/v5/market/instruments-info": instruments,
    "/v5/market/tickers": tickers,
    "/v5/market/kline": _klines("trade"),
    "/v5/market/mark-price-kline": _klines("mark"),
    "/v5/market/index-price-kline": _klines("index"),
    "/v5/market/premium-index-price-kline": _klines("premium"),
    "/v5/market/orderbook": orderbook,
    "/v5/market/recent-trade": recent_trades,
    "/v5/market/open-interest": open_interest,
    "/v5/market/funding/history": funding_history,
    "/v5/market/account-ratio": account_ratio,
}


def answer(source: Source, path: str, query: Any, now_ms: int) -> Item:
    """The whole body for a request, refusals included."""
    envelope: Item = {"retCode": 0, "retMsg": "OK", "result": {}, "retExtInfo": {}, "time": now_ms}
    try:
        envelope["result"] = ENDPOINTS[path](source, Parameters(query), now_ms)
    except Refused as refused:
        envelope |= {"retCode": refused.code, "retMsg": refused.message, "result": refused.result}
    return envelope
