"""The stream of a replay: a connection may close after what hung on it was forgotten."""

import msgspec

from virtuoso.exchange.offset import ClockOffset
from virtuoso.market.state import MarketState
from virtuoso.model.clock import ManualClock
from virtuoso.model.timeframe import Timeframe
from virtuoso.playback.recorded import RecordedStream
from virtuoso.recording.records import Frame

NOW_MS = 1_795_000_020_000


def test_a_connection_closes_after_its_symbol_was_forgotten() -> None:
    clock = ManualClock(NOW_MS * 1_000_000)
    market = MarketState([Timeframe.M1])
    market.add("BTCUSDT")
    stream = RecordedStream("linear", 50, ClockOffset(), clock)
    stream.watch({"BTCUSDT": market["BTCUSDT"]})
    body = {"topic": "orderbook.50.BTCUSDT", "type": "snapshot", "ts": NOW_MS, "data": {}}
    stream.take(Frame(clock.now_ns(), 0, msgspec.json.encode(body)))
    assert stream.frames == 1
    stream.forget(["BTCUSDT"])
    stream.closed(0)
    assert stream.feeds() == []
