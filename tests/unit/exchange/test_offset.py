"""The measured clock: a large jump is believed when the streams tell it too and it lasts, and never before."""

import msgspec
import pytest

from virtuoso.exchange.bybit.feeds import feeds_for
from virtuoso.exchange.offset import ClockOffset

HOUR = 3_600_000.0
NS = 1_786_310_820_000_000_000


def measured(offset: ClockOffset, ms: float, streams_ms: float | None, seconds: range) -> list[float | None]:
    """What is believed after each measurement, one every 5 s."""
    found = []
    for second in seconds:
        offset.offer(ms + second % 3, 20.0, at_s=float(second), streams_ms=streams_ms)
        found.append(offset.ms)
    return found


@pytest.mark.parametrize("streams_ms", [0.0, HOUR, None])
def test_a_clock_an_hour_wrong_for_45_s_is_never_believed(streams_ms: float | None) -> None:
    offset = ClockOffset()
    offset.offer(100.0)
    assert set(measured(offset, HOUR, streams_ms, range(0, 45, 5))) == {100.0}
    assert offset.doubt is not None
    assert offset.doubt.startswith("the exchange's clock moved by +3599.")
    assert ("by its streams it is -0.1 s" in offset.doubt) is (streams_ms == 0.0)
    offset.offer(130.0, at_s=45.0, streams_ms=0.0)
    assert (offset.ms, offset.doubt) == (130.0, None)


@pytest.mark.parametrize(
    ("jump_ms", "streams_ms", "believed_s"),
    [
        (HOUR, HOUR, 60),
        (-HOUR, -HOUR - 3_000, 60),
        (HOUR, 0.0, None),  # one clock says so, the frames do not
        (HOUR, None, 300),  # nothing streams
        (59_000.0, 0.0, 5),  # within a minute two measurements are enough
    ],
)
def test_a_jump_is_believed(jump_ms: float, streams_ms: float | None, believed_s: int | None) -> None:
    offset = ClockOffset()
    offset.offer(0.0)
    seconds = range(0, 400, 5)
    found = measured(offset, jump_ms, streams_ms, seconds)
    moved = [second for second, ms in zip(seconds, found, strict=True) if ms != 0.0]
    assert (moved[0] if moved else None) == believed_s


def test_a_measurement_that_travelled_long_is_doubted_by_what_its_trip_does_not_explain_and_never_believed() -> None:
    offset = ClockOffset()
    offset.offer(0.0)
    for measured_ms in (1_900.0, -1_900.0):
        offset.offer(measured_ms, 3_000.0)
        assert (offset.ms, offset.doubt) == (0.0, None), "one way may have taken all of it"
    for _ in range(3):
        offset.offer(5_000.0, 3_000.0)
        assert (offset.ms, offset.doubt) == (0.0, "the exchange's clock moved by +5.0 s against ours")
    offset.offer(5_000.0, 20.0)
    assert offset.ms == 0.0
    offset.offer(5_010.0, 20.0)
    assert (offset.ms, offset.doubt) == (5_010.0, None)


def test_the_time_of_a_refused_frame_is_evidence_of_the_clock() -> None:
    class Refusing:
        def __getattr__(self, name: str) -> object:
            return lambda *_: "ts: more than 1 h ahead"

    ticker = next(f for f in feeds_for("BTCUSDT", Refusing(), "linear", 50, lambda _: None) if "tickers" in f.topic)  # type: ignore[arg-type]
    assert ticker.told_offset_ms(0) is None
    ahead_ms = NS // 1_000_000 + 3_600_000
    body = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": ahead_ms, "data": {"lastPrice": "1"}}
    ticker.take(msgspec.json.encode(body), NS)
    assert ticker.told_offset_ms(NS - 1) == pytest.approx(3_600_000, abs=1)
    assert ticker.told_offset_ms(NS + 1) is None, "what was told long ago says nothing of now"
