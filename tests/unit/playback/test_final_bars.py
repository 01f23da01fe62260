"""Bars of a recording as the exchange told them last, and why something was said otherwise before."""

from typing import Any

import msgspec

from virtuoso.exchange.bybit import paths
from virtuoso.model.signal import Statement
from virtuoso.playback.causes import Causes
from virtuoso.playback.comparison import Aspect, Judged, Live, Verdict
from virtuoso.playback.final_bars import FinalBars, streamed
from virtuoso.recording.records import Answer, Closed, Dropped, Frame, Header, Record

OPEN_MS = 1_795_000_020_000
CLOSE_MS = OPEN_MS + 60_000
HERE = {"program": "1", "configuration": "c"}
SAID = Statement("BTCUSDT", 61.5, "balanced", "HOLD", 0.62, "a1", "f1", (0.2, 0.26, 0.28), "in")


def frame(
    close: str, open_ms: int = OPEN_MS, confirm: bool = True, after_ms: int = 300, symbol: str = "BTCUSDT"
) -> Frame:
    bar = {
        "start": open_ms, "end": open_ms + 59_999, "interval": "1", "open": "10.0", "close": close, "high": "12",
        "low": "9", "volume": "3", "turnover": "31", "confirm": confirm,
    }  # fmt: skip
    body = {"topic": f"kline.1.{symbol}", "data": [bar], "ts": open_ms + 60_000 + after_ms, "type": "snapshot"}
    return Frame((open_ms + 60_000 + after_ms) * 1_000_000, 0, msgspec.json.encode(body))


def answer(close: str, at_ms: int = CLOSE_MS + 10_000, symbol: str = "BTCUSDT") -> Answer:
    rows = [[str(OPEN_MS), "10", "12", "9", close, "3", "31"]]
    body = {"retCode": 0, "result": {"list": rows}, "time": at_ms}
    query = {"symbol": symbol, "interval": "1"}
    return Answer(at_ms * 1_000_000, at_ms * 1_000_000, paths.BARS, query, 200, msgspec.json.encode(body))


def learnt(*records: Record) -> FinalBars:
    bars = FinalBars()
    for record in records:
        bars.learn(record)
    return bars


def close_of(record: Any) -> float:
    body = msgspec.json.decode(record.payload if isinstance(record, Frame) else record.body)
    return float(body["data"][0]["close"] if isinstance(record, Frame) else body["result"]["list"][0][4])


def test_what_was_said_last_stands_everywhere_and_the_rest_is_untouched() -> None:
    records = [frame("11.0"), answer("11.0"), answer("11.5", CLOSE_MS + 20_000), frame("13", OPEN_MS + 60_000)]
    bars = learnt(*records)
    final = list(bars.final(records))
    assert [close_of(record) for record in final] == [11.5, 11.5, 11.5, 13.0]
    assert final[3] is records[3] or final[3] == records[3]
    assert bars.corrected == {("BTCUSDT", "1", OPEN_MS): ("10", "12", "9", "11.5", "3", "31")}


def test_the_same_number_otherwise_written_corrects_nothing() -> None:
    records = [frame("11.0"), answer("11")]
    bars = learnt(*records)
    assert not bars.corrected
    assert list(bars.final(records)) == records


def test_a_bar_that_is_not_over_and_an_answer_that_came_at_once_say_nothing_final() -> None:
    assert not learnt(frame("11"), frame("10.5", confirm=False), answer("10.7", CLOSE_MS + 1_000)).corrected
    assert not learnt(frame("11"), Answer(1, 1, paths.BARS, {"symbol": "BTCUSDT"}, 200, b'{"retCode":1}')).corrected
    assert streamed(frame("10.5", confirm=False)) is None
    assert streamed(frame("10.5")) == ("BTCUSDT", OPEN_MS)


def test_what_the_adapter_refuses_is_no_bar_and_is_played_as_it_came() -> None:
    good = [frame("11.0"), answer("11.5")]
    torn = Frame(1, 0, good[0].payload[:-4])
    shapeless = Frame(1, 0, good[0].payload.replace(b'"start"', b'"begin"'))
    busy = msgspec.structs.replace(answer("9"), body=b'{"retCode":10006,"result":{},"time":1795000100000}')
    wordy = answer("much", CLOSE_MS + 60_000)
    bars = learnt(*good, torn, shapeless, busy, wordy)
    assert bars.corrected == learnt(*good).corrected != {}
    refused = [torn, shapeless, busy, wordy]
    assert list(bars.final(refused)) == refused
    assert streamed(torn) is streamed(shapeless) is None


def cause(verdict: Verdict, *records: Record, final: Statement | None = SAID, after_ms: int = 900) -> str:
    causes = Causes(learnt(*records), HERE)
    for record in records:
        causes.follow(record)
    return causes.of(
        Judged(verdict, Aspect.READING, "BTCUSDT", CLOSE_MS, Live(CLOSE_MS + after_ms, SAID), final)
    )  # fmt: skip


def header(started_ms: int, **settings: str) -> Header:
    return Header(2, "bybit", "linear", started_ms * 1_000_000, HERE | settings)


def test_each_cause_of_a_change_is_named() -> None:
    begun = header(CLOSE_MS - 3_600_000)
    other = msgspec.structs.replace(SAID, fit="b2")
    inputs = msgspec.structs.replace(SAID, input_hash="other")
    changed = Verdict.CHANGED
    assert cause(changed, begun, frame("11"), answer("12")).startswith("corrected bar")
    assert cause(changed, header(CLOSE_MS - 3_600_000, configuration="d")).startswith("other configuration")
    assert cause(changed, begun, final=other).startswith("refit adopted at another close")
    assert cause(changed, begun, header(CLOSE_MS - 120_000)).startswith("restart at")
    assert cause(changed, begun, Dropped((CLOSE_MS - 9_000) * 1_000_000, 5, "")).startswith("records are missing")
    assert cause(changed, begun, Closed((CLOSE_MS - 9_000) * 1_000_000, 0, "")).startswith("book gap")
    assert cause(changed, begun).startswith("none: the input is the same")
    moved = [frame("11", symbol="ETHUSDT"), answer("12", symbol="ETHUSDT")]
    assert cause(changed, begun, *moved, final=inputs).startswith("corrected bar of the market")
    assert cause(changed, begun, final=inputs) == "none: nothing in the recording explains it"


def test_each_cause_of_lateness_is_named() -> None:
    begun, late = header(CLOSE_MS - 3_600_000), Verdict.LATE
    assert cause(late, header(CLOSE_MS - 1_000), after_ms=6_000).startswith("the start")
    assert cause(late, begun, frame("11", after_ms=7_500), after_ms=8_000) == "late bar: it came 7.5 s after its close"
    assert cause(late, begun, answer("11"), after_ms=11_000).startswith("repaired gap")
    assert cause(late, begun, frame("11"), after_ms=8_000).startswith("a late pass")
