"""The answers that were recorded, row by row, each known from the time on at which it came."""

from typing import Any

import msgspec

from virtuoso.simulator.parameters import Refused
from virtuoso.simulator.replayed.told import Answered
from virtuoso.simulator.source import Row

_PREFIX = "/v5/market/"
_PRICES = {"trade": "kline", "mark": "mark-price-kline", "index": "index-price-kline",
           "premium": "premium-index-price-kline"}  # fmt: skip
_BARS = frozenset(_PRICES.values())
_PERIOD_NAMES = ("period", "intervalTime", "interval")
_ROW_KEYS = ("symbol", "timestamp", "fundingRateTimestamp", "execId")
_INSTRUMENTS, _TICKERS = "instruments-info", "tickers"

Key = tuple[str, str, str]
"""What was asked, about which symbol, by which period."""


class _Result(msgspec.Struct):
    rows: list[Any] = msgspec.field(default_factory=list, name="list")


class _Body(msgspec.Struct):
    result: _Result


_decoder = msgspec.json.Decoder(_Body)


def not_recorded(what: str) -> Refused:
    """The answer to a question that nobody asked while it was recorded."""
    return Refused(f"not in the recording: {what}", {"category": "", "list": []})


class Answers:
    """Rows by what was asked and their own key; a later answer takes the place of an earlier one."""

    def __init__(self) -> None:
        self._rows: dict[Key, dict[str, tuple[int, Any]]] = {}

    def take(self, told: Answered) -> None:
        """Keep the rows of an answer; one without rows, or that is no answer, is passed over."""
        kind = told.path.removeprefix(_PREFIX)
        try:
            rows = _decoder.decode(told.body).result.rows
        except msgspec.MsgspecError:
            return
        about = "" if kind in {_INSTRUMENTS, _TICKERS} else told.query.get("symbol", "")
        period = next((told.query[name] for name in _PERIOD_NAMES if name in told.query), "")
        kept = self._rows.setdefault((kind, about, period), {})
        for row in rows:
            key = row[0] if kind in _BARS else _key(kind, row)
            kept[key] = (told.at_ms, row)

    def rows(self, kind: str, symbol: str, period: str = "") -> list[Any]:
        """The rows that an answer gave by now.

        Raises:
            Refused: nobody asked that.
        """
        kept = self._rows.get((kind, symbol, period))
        if kept is None:
            raise not_recorded(" ".join(filter(None, (kind, symbol, period))))
        return [row for _, row in kept.values()]

    def bars(self, price: str, symbol: str, interval: str) -> list[list[str]]:
        """Bars as they were answered, oldest first.

        Raises:
            Refused: nobody asked for those.
        """
        return sorted(self.rows(_PRICES[price], symbol, interval), key=lambda row: int(row[0]))

    def forget_after(self, at_ms: int) -> None:
        """What came later is not known any more."""
        for kept in self._rows.values():
            for key in [key for key, (came_ms, _) in kept.items() if came_ms > at_ms]:
                del kept[key]
        self._rows = {key: kept for key, kept in self._rows.items() if kept}

    def instruments(self) -> list[Row]:
        """What was listed."""
        return self.rows(_INSTRUMENTS, "") if (_INSTRUMENTS, "", "") in self._rows else []

    def tickers(self) -> list[Row]:
        """The tickers as they were answered last."""
        return self.rows(_TICKERS, "") if (_TICKERS, "", "") in self._rows else []


def _key(kind: str, row: Row) -> str:
    if kind in {_INSTRUMENTS, _TICKERS}:
        return str(row["symbol"])
    return next((str(row[name]) for name in reversed(_ROW_KEYS) if name in row), "")
