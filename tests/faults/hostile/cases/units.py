"""The exchange changes what it says, not how well: a contract in another unit, fields with other names."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.faults.hostile.case import VICTIM, Case
from tests.faults.hostile.edits import OF_VICTIM, renamed, renamed_result, scaled
from tests.faults.hostile.judge import Story
from tests.faults.hostile.odd import Edit, Json
from tests.faults.hostile.told import DOUBTED, REFUSED, REST_DOWN, RESTARTED

_MINUTE_MS = 60_000
_TIMES = 1_000
_PRICES = frozenset({
    "lastPrice", "markPrice", "indexPrice", "bid1Price", "ask1Price", "prevPrice24h", "prevPrice1h", "highPrice24h",
    "lowPrice24h", "open", "high", "low", "close", "p", "price", "minPrice", "maxPrice", "tickSize",
})  # fmt: skip
_SIZES = frozenset({
    "bid1Size", "ask1Size", "volume24h", "openInterest", "singleOpenInterest", "volume", "v", "size", "qtyStep",
    "minOrderQty", "maxOrderQty", "maxMktOrderQty", "postOnlyMaxOrderQty",
})  # fmt: skip


def _times(value: Any, name: str = "") -> Any:
    """Whatever is a price in it times so many, whatever is a size divided by it."""
    match value:
        case dict():
            return {key: _times(each, key) for key, each in value.items()}
        case [str(price), str(size)]:  # a level of a book
            return [scaled(price, _TIMES), scaled(size, 1 / _TIMES)]
        case list():
            return [_times(each) for each in value]
        case str() if name in _PRICES:
            return scaled(value, _TIMES)
        case str() if name in _SIZES:
            return scaled(value, 1 / _TIMES)
    return value


def _bar_times(row: list[str]) -> list[str]:
    at, *prices, volume, turnover = row
    return [at, *(scaled(price, _TIMES) for price in prices), scaled(volume, 1 / _TIMES), turnover]


def _redenominated() -> Edit:
    """From the minute in which the streams are cut on, one contract is a thousand of before."""
    seam: list[int] = []

    def since(at_ms: int) -> int:
        seam[:] = seam or [at_ms // _MINUTE_MS * _MINUTE_MS]
        return seam[0]

    def frame(message: Json) -> Iterable[Json]:
        data, since_ms = message["data"], since(message["ts"])
        if isinstance(data, list):
            times = [row.get("start", row.get("T")) for row in data]
            data = [_times(row) if at >= since_ms else row for at, row in zip(times, data, strict=True)]
            return [message | {"data": data}]
        return [message | {"data": _times(data)}]

    def rows(change: Callable[[Any, int], Any]) -> Callable[[Json, Mapping[str, str]], Json | None]:
        def edit(document: Json, query: Mapping[str, str]) -> Json | None:
            if query.get("symbol", VICTIM) != VICTIM:
                return None
            since_ms = since(document["time"])
            result = document["result"]
            return document | {"result": result | {"list": [change(row, since_ms) for row in result["list"]]}}

        return edit

    def of_victim(row: Json, _: int) -> Json:
        return _times(row) if row["symbol"] == VICTIM else row

    def book(document: Json, query: Mapping[str, str]) -> Json | None:
        return document | {"result": _times(document["result"])} if query["symbol"] == VICTIM else None

    return Edit(
        harmless=True,
        frames={OF_VICTIM: frame},
        bodies={
            "/market/tickers": rows(of_victim), "/market/instruments-info": rows(of_victim), "/market/orderbook": book,
            "/market/kline": rows(lambda row, since_ms: _bar_times(row) if int(row[0]) >= since_ms else row),
            "/market/recent-trade": rows(lambda row, since_ms: _times(row) if int(row["time"]) >= since_ms else row),
            "/market/open-interest": rows(
                lambda row, since_ms: _times(row) if int(row["timestamp"]) >= since_ms else row
            ),
        },
    )  # fmt: skip


def _history_begins_anew(story: Story) -> None:
    """The row says why it began anew, serves the new unit, and tells of no move a thousand times too large."""
    before, last = (seen.symbols[VICTIM] for seen in (story.before, story.during[-1]))
    assert last["price"] is not None
    assert 0.9 < last["price"] / before["price"] / _TIMES < 1.1, (before["price"], last["price"])
    assert "multiplied by 1,000" in story.during[-1].status["universe"]["restarted"][VICTIM]
    changes = [seen.symbols[VICTIM]["change"] for seen in story.during]
    assert all(change is None or abs(change) < 100 for change in changes), changes
    known = {alert["id"] for alert in story.before.alerts}
    told = [a for a in story.during[-1].alerts if a["symbol"] == VICTIM and a["id"] not in known]
    moves = [value for alert in told for name, value in alert["details"].items() if name.endswith("_pct")]
    assert all(move is None or abs(float(move)) < 100 for move in moves), told


CASES = (
    Case(
        name="field_renamed_in_mid_stream",
        sent="`data` renamed to `body` in the frames of a symbol, without a reconnect",
        not_live=tuple(f"{kind}.{VICTIM}" for kind in ("tickers", "orderbook.50", "publicTrade", "kline.1")),
        may=(OF_VICTIM,), incidents={REFUSED: 1}, seconds=30.0,
        edit=lambda: Edit({OF_VICTIM: renamed("data", "body")}),
    ),
    Case(
        name="fields_renamed_in_mid_stream",
        sent="`data` renamed to `body` in every frame and `result` in every answer, without a reconnect",
        not_live=("*",), healthy=False, incidents={REFUSED: 1},
        also=("mute_topic", "stale_feed", "exchange_clock", DOUBTED, REST_DOWN), seconds=30.0, recover=60.0,
        edit=lambda: Edit(
            {"reply": lambda _: None, "*": renamed("data", "body")}, {"*": lambda body, _: renamed_result(body)}
        ),
    ),
    Case(
        name="contract_multiplied", sent="a contract becomes a thousand of itself, with another tick size",
        edit=_redenominated, cut=True, blind=True, lasting=True, may=("*",), incidents={RESTARTED: 1},
        also=(REFUSED, "mute_topic"), seconds=100.0, recover=60.0, check=_history_begins_anew,
    ),
)  # fmt: skip
