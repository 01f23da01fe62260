"""Timeframes are aligned as the exchange aligns them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.timeframe import Timeframe


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("timeframe", "expected"),
    [
        (Timeframe.M1, "2025-05-29T21:26:00"),
        (Timeframe.M3, "2025-05-29T21:24:00"),
        (Timeframe.M30, "2025-05-29T21:00:00"),
        (Timeframe.H4, "2025-05-29T20:00:00"),
        (Timeframe.H12, "2025-05-29T12:00:00"),
        (Timeframe.D1, "2025-05-29T00:00:00"),
        (Timeframe.W1, "2025-05-26T00:00:00"),  # a Monday
    ],
)
def test_floor_is_the_open_of_the_bar(timeframe: Timeframe, expected: str) -> None:
    assert timeframe.floor(ms("2025-05-29T21:26:57")) == ms(expected)


@given(st.sampled_from(list(Timeframe)), st.integers(min_value=0, max_value=4_102_444_800_000))
def test_every_instant_lies_in_its_bar(timeframe: Timeframe, instant: int) -> None:
    opened = timeframe.floor(instant)
    assert opened <= instant < opened + timeframe.ms
    assert timeframe.closes_at(opened)
    assert timeframe.floor(opened + timeframe.ms) == opened + timeframe.ms


def test_minutes_and_milliseconds_agree() -> None:
    assert [tf.minutes for tf in Timeframe] == [1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 10080]
