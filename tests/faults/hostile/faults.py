"""Faults of one symbol's topic for random sequences: small, and each says whether a frame it touched is still true."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.faults.hostile.edits import as_text, each_row, nothing, renamed, with_data, with_fields
from tests.faults.hostile.odd import FrameEdit, Json

KINDS = ("tickers", "orderbook.50", "publicTrade", "kline.1", "allLiquidation")
_ROWS = frozenset({"publicTrade", "kline.1", "allLiquidation"})
_NUMBERS = ("1e17", "1e-30", "-3.1", "0", "NaN", "1e400", "", "x", None, [], 10**30)
_TIMES = (0, -1, 1, 10**18, 2**53, "now", None, 1e30)
_FIELDS = {
    "tickers": ("lastPrice", "markPrice", "bid1Price", "openInterest", "fundingRate", "nextFundingTime", "turnover24h"),
    "orderbook.50": ("u", "b", "s"), "publicTrade": ("p", "v", "S", "T", "i"), "allLiquidation": ("p", "v", "S", "T"),
    "kline.1": ("open", "high", "low", "close", "volume", "turnover", "start"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the frames of one kind of topic. `true`: a frame that it touched still tells the truth."""

    name: str
    kind: str
    edit: Callable[[], FrameEdit]
    true: bool = False


def _field(kind: str, name: str, value: Any) -> FrameEdit:
    if kind in _ROWS:
        return each_row(lambda row: row | {name: value})

    def edit(message: Json) -> Any:
        return with_data(**{name: value})(message) if name in message["data"] else None

    return edit


def _shuffled() -> FrameEdit:
    held: list[Json] = []

    def edit(message: Json) -> Any:
        held.append(message)
        return [] if len(held) < 3 else [held.pop(), held.pop(), held.pop()]

    return edit


def _every() -> tuple[Fault, ...]:
    found = []
    for kind in KINDS:
        found += [
            Fault("lost", kind, lambda: nothing),
            Fault("garbled", kind, lambda: as_text(lambda text: text[:-7] + "}{")),
            Fault("cut short", kind, lambda: as_text(lambda text: text[: len(text) // 2])),
            Fault("data renamed", kind, lambda: renamed("data", "payload")),
            Fault("out of order", kind, _shuffled, true=kind != "orderbook.50"),
            Fault("doubled", kind, lambda: lambda message: [message, message], true=True),
            Fault("escaped", kind, lambda: as_text(lambda text: text.replace("USDT", "\\u0055SDT")), true=True),
        ]
        found += [Fault(f"ts {time!r}", kind, lambda time=time: with_fields(ts=time)) for time in _TIMES]
        found += [
            Fault(f"{name} {value!r}", kind, partial(_field, kind, name, value), true=True)
            for name in _FIELDS[kind] for value in _NUMBERS
        ]  # fmt: skip
    return tuple(found)


FAULTS = _every()
