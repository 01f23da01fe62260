"""Where the demo opens: what the recording's bars say is eventful, in the week before now."""

from hypothesis import given
from hypothesis import strategies as st
from tools.find_eventful_hour import eventful_ms

from virtuoso.simulator.recording import EVENTFUL_MS, OPENING_MS
from virtuoso.simulator.recording.dataset import load
from virtuoso.simulator.recording.timeline import WEEK_MS, Timeline
from virtuoso.simulator.sources import demo_start_ms

NOW = st.integers(1_750_000_000_000, 3_000_000_000_000)


def test_the_opening_is_what_the_criterion_finds() -> None:
    assert eventful_ms() == EVENTFUL_MS


@given(now_ms=NOW)
def test_the_demo_opens_there_in_the_week_before_now(now_ms: int) -> None:
    start_ms, recording = demo_start_ms(now_ms), load()
    assert now_ms - WEEK_MS < start_ms <= now_ms
    timeline = Timeline.starting(recording, start_ms)
    index, back = timeline.minute(start_ms)
    assert not back
    assert recording.minutes_from + index * 60_000 == OPENING_MS // 60_000 * 60_000
    assert (start_ms - OPENING_MS) % 60_000 == 0


@given(now_ms=NOW, wanted_ms=st.integers(0, 4_000_000_000_000))
def test_a_start_that_is_wanted_keeps_weekday_and_time(now_ms: int, wanted_ms: int) -> None:
    start_ms = demo_start_ms(now_ms, wanted_ms)
    assert now_ms - WEEK_MS < start_ms <= now_ms
    assert (start_ms - wanted_ms) % WEEK_MS == 0
