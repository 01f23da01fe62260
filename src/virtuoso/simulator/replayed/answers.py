"""The answers that were recorded, item by item, each known from the time on at which it came."""

from typing import Any

import msgspec

from virtuoso.simulator.parameters import Refused
from virtuoso.simulator.replayed.told import Answered
from virtuoso.simulator.source import Item

_PREFIX = "/v5/market/"
_PRICES = {"trade": "kline", "mark": "mark-price-kline", "index": "index-price-kline",
           "premium": "premium-index-price-kline"}  # fmt: skip
_BARS = frozenset(_PRICES.values())
_PERIOD_NAMES = ("period", "intervalTime", "interval")
_ITEM_KEYS = ("symbol", "timestamp", "fundingRateTimestamp", "execId")
_INSTRUMENTS, _TICKERS = "instruments-info", "tickers"

Key = tuple[str, str, str]
"""What was asked, about which symbol, by which period."""


class _Result(msgspec.Struct):
    items: list[Any] = msgspec.field(default_factory=list, name="list")


class _Body(msgspec.Struct):
    result: _Result


_decoder = msgspec.json.Decoder(_Body)


def not_recorded(what: str) -> Refused:
    """The answer to a question that nobody asked while it was recorded."""
    return Refused(f"not in the recording: {what}", {"category": "", "list": []})


class Answers:
    """Rows by what was asked and their own key; a later answer takes the place of an earlier one."""

    def __init__(self) -> None:
        self._items: dict[Key, dict[str, tuple[int, Any]]] = {}

    def take(self, told: Answered) -> None:
        """Keep the items of an answer; one without any, or that is no answer, is passed over."""
        kind = told.path.removeprefix(_PREFIX)
        try:
            items = _decoder.decode(told.body).result.items
        except msgspec.MsgspecError:
            return
        about = "" if kind in {_INSTRUMENTS, _TICKERS} else told.query.get("symbol", "")
        period = next((told.query[name] for name in _PERIOD_NAMES if name in told.query), "")
        kept = self._items.setdefault((kind, about, period), {})
        for item in items:
            key = item[0] if kind in _BARS else _key(kind, item)
            kept[key] = (told.at_ms, item)

    def items(self, kind: str, symbol: str, period: str = "") -> list[Any]:
        """Return the items that an answer gave by now.

        Raises:
            Refused: nobody asked that.
        """
        kept = self._items.get((kind, symbol, period))
        if kept is None:
            raise not_recorded(" ".join(filter(None, (kind, symbol, period))))
        return [item for _, item in kept.values()]

    def bars(self, price: str, symbol: str, interval: str) -> list[list[str]]:
        """Bars as they were answered, oldest first.

        Raises:
            Refused: nobody asked for those.
        """
        return sorted(self.items(_PRICES[price], symbol, interval), key=lambda item: int(item[0]))

    def forget_after(self, at_ms: int) -> None:
        """What came later is not known any more."""
        for kept in self._items.values():
            for key in [key for key, (came_ms, _) in kept.items() if came_ms > at_ms]:
                del kept[key]
        self._items = {key: kept for key, kept in self._items.items() if kept}

    def instruments(self) -> list[Item]:
        """The instruments of the latest recorded listing."""
        return self.items(_INSTRUMENTS, "") if (_INSTRUMENTS, "", "") in self._items else []

    def tickers(self) -> list[Item]:
        """The tickers as they were answered last."""
        return self.items(_TICKERS, "") if (_TICKERS, "", "") in self._items else []


def _key(kind: str, item: Item) -> str:
    if kind in {_INSTRUMENTS, _TICKERS}:
        return str(item["symbol"])
    return next((str(item[name]) for name in reversed(_ITEM_KEYS) if name in item), "")
