"""Percentiles to 1 % without keeping the values, and stamps that come back as ages."""

import json
import time

import pytest
from benchmarks.drivers.stamps import Ages, Spread, age_us, stamped
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=300))
def test_percentiles_are_those_of_the_values(values: list[float]) -> None:
    spread, ordered = Spread(), sorted(values)
    for value in values:
        spread.add(value)
    found = spread.summary()
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        exact = next(value for n, value in enumerate(ordered, 1) if n >= share * len(ordered))
        assert found[name] == pytest.approx(exact, rel=0.0101)
    assert (found["max"], found["n"]) == (ordered[-1], len(values))
    spread.clear()
    assert spread.summary()["n"] == 0


def test_a_stamp_comes_back_as_an_age_and_the_frame_stays_json() -> None:
    before_ns = time.monotonic_ns()
    frame = stamped(b'{"topic":"t","data":{"a":1}}')
    assert json.loads(frame)["data"] == {"a": 1}
    age = age_us(frame, before_ns + 5_000_000)
    assert age is not None
    assert age <= 5_000
    assert age_us(b'{"op":"pong"}', before_ns) is None
    ages = Ages()
    ages.take(frame)
    ages.take(b'{"op":"pong"}')
    assert ages.summary()["n"] == 1
