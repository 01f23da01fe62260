"""Where the demo opens: what the history's bars say is eventful, in the week before now."""

from hypothesis import given
from hypothesis import strategies as st
from tools.find_eventful_hour import eventful_ms

from virtuoso.simulator.history import EVENTFUL_MS, OPENING_MS
from virtuoso.simulator.history.dataset import load
from virtuoso.simulator.history.timeline import WEEK_MS, Timeline
from virtuoso.simulator.sources import demo_start_ms, moment, open_source

NOW = st.integers(1_750_000_000_000, 3_000_000_000_000)


def test_the_opening_is_what_the_criterion_finds() -> None:
    assert eventful_ms() == EVENTFUL_MS


@given(now_ms=NOW)
def test_the_demo_opens_there_in_the_week_before_now(now_ms: int) -> None:
    start_ms, history = demo_start_ms(now_ms), load()
    assert now_ms - WEEK_MS < start_ms <= now_ms
    timeline = Timeline.starting(history, start_ms)
    index, back = timeline.minute(start_ms)
    assert not back
    assert history.minutes_from + index * 60_000 == OPENING_MS // 60_000 * 60_000
    assert (start_ms - OPENING_MS) % 60_000 == 0


@given(at_ms=st.integers(0, 4_000_000_000_000), later_ms=st.integers(0, 30_000_000))
def test_the_recorded_moment_goes_forth_and_back_within_the_history(at_ms: int, later_ms: int) -> None:
    history = load()
    timeline = Timeline.starting(history, at_ms)
    (first, backwards), (then, _) = timeline.recorded(at_ms), timeline.recorded(at_ms + later_ms)
    assert all(history.loop_from <= each <= history.until for each in (first, then))
    length_ms = history.until - history.loop_from
    phase = (at_ms - history.loop_from) % (7 * 86_400_000) % (2 * length_ms)
    assert backwards == (phase >= length_ms)
    assert first - history.loop_from == min(phase, 2 * length_ms - phase)


def test_a_moment_of_the_history_is_itself() -> None:
    assert Timeline.starting(load(), OPENING_MS).recorded(OPENING_MS) == (OPENING_MS, False)
    start_ms = demo_start_ms(1_796_000_000_000)
    assert moment(open_source("history", 1, start_ms)) == "playing 2025-05-30T23:17:30.000Z of the history"
    assert moment(open_source("model", 1, start_ms, 1)) is None


@given(now_ms=NOW, wanted_ms=st.integers(0, 4_000_000_000_000))
def test_a_start_that_is_wanted_keeps_weekday_and_time(now_ms: int, wanted_ms: int) -> None:
    start_ms = demo_start_ms(now_ms, wanted_ms)
    assert now_ms - WEEK_MS < start_ms <= now_ms
    assert (start_ms - wanted_ms) % WEEK_MS == 0
