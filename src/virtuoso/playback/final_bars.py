"""Final bars: what the exchange said last of each bar in a recording, put in the place of what it said first."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from virtuoso.exchange.bybit import paths
from virtuoso.exchange.bybit.answers import BarList
from virtuoso.exchange.bybit.feeds import BASE_BARS, topic_of
from virtuoso.exchange.bybit.wire import BarMessage
from virtuoso.model.timeframe import Timeframe
from virtuoso.recording.records import Answer, Frame, Record

BarKey = tuple[str, str, int]
"""Symbol, the exchange's word for the timeframe (`1`, `60`, `D`), and open (epoch ms)."""
Values = tuple[str, ...]
"""Open, high, low, close, volume and turnover, as the exchange writes them."""

_TOPIC: Final = BASE_BARS.encode()
_CONFIRMED: Final = b'"confirm":true'
_FIELDS: Final = ("open", "high", "low", "close", "volume", "turnover")
_GOOD: Final = 200
_SETTLED_MS: Final = 5_000
_BACK_MS: Final = 60 * Timeframe.M1.ms
"""Of bars from before the recording those of the last hour may still be corrected: the bar audit asks no further."""


class _Body(msgspec.Struct):
    result: BarList
    time: int


class FinalBars:
    """Learns what was said of each bar, record by record; then rewrites records by what was said last.

    Memory grows with the bars of the recording: about 200 bytes for each symbol and minute.

    Attributes:
        corrected: the bars of which more than one thing was said, with the last.
    """

    def __init__(self) -> None:
        self.corrected: dict[BarKey, Values] = {}
        self._first: dict[BarKey, int] = {}
        self._from_ms: int | None = None

    def learn(self, record: Record) -> None:
        """Take what a record says of bars that are over."""
        match record:
            case Frame() if _is_confirmed(record):
                self._begin(record.received_ns)
                symbol = _symbol_of(record)
                for bar in _confirmed(_whole(record.payload, BarMessage)):
                    self._said((symbol, "1", int(bar["start"])), tuple(str(bar[name]) for name in _FIELDS))
            case Answer() if record.path == paths.BARS and record.status == _GOOD:
                self._begin(record.received_ns)
                symbol, interval = record.query.get("symbol", ""), record.query.get("interval", "")
                for row in _settled(_whole(record.body, _Body), interval):
                    self._said((symbol, interval, int(row[0])), tuple(map(str, row[1:])))

    def final(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records, with the bars that were corrected as they were in the end."""
        symbols = {symbol for symbol, *_ in self.corrected}
        for record in records:
            match record:
                case Frame() if symbols and _is_confirmed(record) and _symbol_of(record) in symbols:
                    yield self._final_frame(record)
                case Answer() if symbols and record.path == paths.BARS and record.query.get("symbol") in symbols:
                    yield self._final_answer(record)
                case _:
                    yield record

    def _begin(self, now_ns: int) -> None:
        if self._from_ms is None:
            self._from_ms = now_ns // 1_000_000 - _BACK_MS

    def _said(self, key: BarKey, values: Values) -> None:
        if key[2] < (self._from_ms or 0):
            return
        what = hash(tuple(map(float, values)))
        if self._first.setdefault(key, what) != what or key in self.corrected:
            self.corrected[key] = values

    def _final_frame(self, frame: Frame) -> Frame:
        message, symbol = _whole(frame.payload, BarMessage), _symbol_of(frame)
        if message is None:
            return frame
        for bar in _confirmed(message):
            if (known := self.corrected.get((symbol, "1", int(bar["start"])))) is not None:
                bar.update(zip(_FIELDS, known, strict=True))
        return replace(frame, payload=msgspec.json.encode(message))

    def _final_answer(self, answer: Answer) -> Answer:
        body = _whole(answer.body, _Body) if answer.status == _GOOD else None
        if body is None:
            return answer
        symbol, interval = answer.query["symbol"], answer.query.get("interval", "")
        for row in _settled(body, interval):
            if (known := self.corrected.get((symbol, interval, int(row[0])))) is not None:
                row[1:] = known
        return replace(answer, body=msgspec.json.encode(body))


def streamed(frame: Frame) -> tuple[str, int] | None:
    """The symbol and open (epoch ms) of the minute that a frame confirms; `None` where it confirms none."""
    if not _is_confirmed(frame):
        return None
    opens = [int(bar["start"]) for bar in _confirmed(_whole(frame.payload, BarMessage))]
    return (_symbol_of(frame), opens[-1]) if opens else None


def _is_confirmed(frame: Frame) -> bool:
    return _CONFIRMED in frame.payload and (topic_of(frame.payload) or b"").startswith(_TOPIC)


def _symbol_of(frame: Frame) -> str:
    return (topic_of(frame.payload) or b"")[len(_TOPIC) :].decode()


def _whole(body: bytes, shape: type[BarMessage | _Body]) -> dict[str, Any] | None:
    """The JSON of a frame or an answer as it is; `None` where it has not the shape without which nobody believes it."""
    try:
        msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    found: dict[str, Any] = msgspec.json.decode(body)
    return found


def _confirmed(message: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [] if message is None else [bar for bar in message["data"] if bar["confirm"]]


def _settled(body: dict[str, Any] | None, interval: str) -> list[list[Any]]:
    """The bars of an answer that were over for so long that they are final."""
    rows = [] if body is None else body["result"]["list"]
    return [row for row in rows if body is not None and _is_over(int(row[0]), interval, int(body["time"]))]


def _is_over(open_ms: int, interval: str, now_ms: int) -> bool:
    """Whether a bar that was answered at `now_ms` (the exchange's) was over for so long that it is final."""
    return open_ms + _length_ms(interval) + _SETTLED_MS <= now_ms


def _length_ms(interval: str) -> int:
    named = {"D": Timeframe.D1.ms, "W": Timeframe.W1.ms}
    return named[interval] if interval in named else int(interval) * Timeframe.M1.ms
