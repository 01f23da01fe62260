"""Timers: what is due when, as large as the number of keys."""

from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.alerts.timers import Timers, earliest

steps = st.tuples(st.sampled_from(["set", "drop", "pop"]), st.sampled_from("abcde"), st.integers(0, 50))


@settings(max_examples=50)
@given(st.lists(steps, max_size=300))
def test_they_are_a_dictionary_of_times(history: list[tuple[str, str, int]]) -> None:
    timers, due = Timers(), dict[str, int]()
    for verb, key, at in history:
        if verb == "set":
            timers.set(key, at)
            due[key] = at
        elif verb == "drop":
            timers.drop(key)
            due.pop(key, None)
        else:
            found = timers.pop(at)
            assert found == [
                key for key, time in sorted(due.items(), key=lambda each: (each[1], each[0])) if time <= at
            ]
            due = {key: time for key, time in due.items() if time > at}
        assert timers.next_ms == min(due.values(), default=None)


def test_many_changes_of_one_key_take_no_space() -> None:
    timers = Timers()
    for at in range(100_000):
        timers.set("a", at)
    assert len(timers._heap) < 100
    assert timers.pop(10**9) == ["a"]


def test_the_earliest_of_those_known() -> None:
    assert earliest(None, 3, 2) == 2
    assert earliest(None) is None
