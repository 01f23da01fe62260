"""Recordings of the bundled market data, made as fast as it goes: what the wire would have carried from a time on."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from virtuoso.exchange.bybit import paths
from virtuoso.exchange.bybit.feeds import feeds_for
from virtuoso.market.symbol import SymbolState
from virtuoso.model.timeframe import Timeframe
from virtuoso.recording.records import VERSION, Answer, ClockRead, Closed, Frame, Header, Record
from virtuoso.recording.writer import RecordingWriter
from virtuoso.simulator.history import open_history
from virtuoso.simulator.rest import answer
from virtuoso.simulator.source import Source

MINUTE_MS = 60_000
_OTHER = 2
_INTERVALS = ("1", "5", "30", "240")
_ASKED = {
    paths.TRADES: {"limit": "1000"},
    paths.ACCOUNT_RATIO: {"period": "5min", "limit": "500"},
    paths.FUNDING: {"limit": "200"},
    paths.OPEN_INTEREST: {"intervalTime": "5min", "limit": "200"},
}
"""What is asked about each symbol besides its bars."""


def record_bundled(
    path: Path, start_ms: int, seconds: int, detailed: Sequence[str], lost: tuple[int, int] = (0, 0),
    beacons: Sequence[str] = (),
) -> Path:  # fmt: skip
    """Record all symbols for so many seconds, with book and trades of those that are `detailed`.

    Tickers and bars come by one connection, the rest by another, which is down in the seconds `lost`. The best prices
    of `beacons` come too.
    """
    header = Header(VERSION, "bybit", "linear", start_ms * 1_000_000, {})
    writer = RecordingWriter(path, header, rotate_bytes=1 << 30, rotate_s=1e9, on_failure=print, buffer_bytes=1 << 30)
    for record in _records(start_ms, seconds, detailed, lost, beacons):
        writer.put(record)
    writer.close(60.0)
    assert writer.dropped == 0
    return path


def _records(
    start_ms: int, seconds: int, detailed: Sequence[str], lost: tuple[int, int], beacons: Sequence[str]
) -> Iterator[Record]:
    source = open_history(1, start_ms)
    source.advance(start_ms, ())
    yield ClockRead(start_ms * 1_000_000, 0.0)
    yield from _answers(source, start_ms)
    symbols = [row["symbol"] for row in source.instruments("linear")]
    topics = [("linear", topic) for symbol in symbols for topic in _topics(symbol, detailed=symbol in detailed)]
    topics += [("linear", f"orderbook.1.{symbol}") for symbol in beacons]
    others = [(category, topic) for category, topic in topics if _connection(topic) == _OTHER]
    down = range(*lost)
    yield from _snapshots(source, topics, start_ms)
    for second in range(1, seconds + 1):
        now_ms = start_ms + second * 1_000
        for push in source.advance(now_ms, topics):
            connection = _connection(push.topic)
            if connection != _OTHER or second not in down:
                yield Frame(push.at_ms * 1_000_000, connection, push.payload)
        if second == down.start:
            yield Closed(now_ms * 1_000_000, _OTHER, "lost")
        elif second == down.stop - 1:
            yield from _snapshots(source, others, now_ms)


def _snapshots(source: Source, topics: Sequence[tuple[str, str]], now_ms: int) -> Iterator[Frame]:
    for category, topic in topics:
        if (payload := source.snapshot(category, topic)) is not None:
            yield Frame(now_ms * 1_000_000, _connection(topic), payload)


def _connection(topic: str) -> int:
    return 1 if topic.startswith(("tickers.", "kline.")) else _OTHER


def _topics(symbol: str, *, detailed: bool) -> list[str]:
    sink = SymbolState(symbol, [Timeframe.M1], 10, 50)
    return [feed.topic for feed in feeds_for(symbol, sink, "linear", 50, lambda _: None, detailed=detailed)]


def _answers(source: Source, now_ms: int) -> Iterator[Answer]:
    def asked(path: str, **query: str) -> Answer:
        query = {"category": "linear", **query}
        body = json.dumps(answer(source, path, query, now_ms)).encode()
        return Answer(now_ms * 1_000_000, now_ms * 1_000_000, path, query, 200, body)

    yield asked(paths.INSTRUMENTS, limit="1000")
    yield asked(paths.TICKERS)
    for row in source.instruments("linear"):
        symbol = row["symbol"]
        for interval in _INTERVALS:
            yield asked(paths.BARS, symbol=symbol, interval=interval, limit="1000")
        for path, query in _ASKED.items():
            yield asked(path, symbol=symbol, **query)
