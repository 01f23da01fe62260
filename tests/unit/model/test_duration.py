"""Durations are read as people write them, and written so that they are read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.text.duration import WORDS, Unit, read, written


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("90", "s", 90), ("90", "h", 90), ("10s", "s", 10), ("5m", "s", 300), ("1h30m", "s", 5400),
        ("2d", "s", 172_800),
        ("250ms", "s", 0.25), ("1m", "ms", 60_000), ("1.5h", "m", 90), ("48h", "d", 2), ("0s", "s", 0),
    ],
)  # fmt: skip
def test_what_is_read(text: str, unit: Unit, value: float) -> None:
    assert read(text, unit) == value


@pytest.mark.parametrize("text", ["", "s", "5 m", "5min", "-1", "1:30", "30m1h", "1e3", ".5", "5m5m", "५s", "1" * 13])
def test_what_is_no_duration(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (10, "s", "10s"), (90.0, "s", "1m30s"), (43_200, "s", "12h"), (0.25, "s", "0.25s"), (1.5, "d", "1.5d"),
        (0, "m", "0m"),
        (500, "ms", "500ms"), (60_000, "ms", "1m"), (0.00005, "s", "0.00005s"),
    ],
)  # fmt: skip
def test_what_is_written(value: float, unit: Unit, text: str) -> None:
    assert written(value, unit) == text


@given(st.floats(1e-9, 1e11) | st.integers(0, 10**11), st.sampled_from(sorted(WORDS)))
def test_what_is_written_is_read_back(value: float, unit: Unit) -> None:
    assert read(written(value, unit), unit) == value
