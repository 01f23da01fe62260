"""Clocks move forward only; quality and source take the worst."""

import time

import pytest

from virtuoso.model.clock import ManualClock, SystemClock, iso
from virtuoso.model.quality import DataQuality, DataSource, worst_quality, worst_source


def test_manual_clock_moves_both_times() -> None:
    clock = ManualClock(1_000)
    clock.advance(5)
    clock.advance_to(900)  # already passed
    clock.advance_to(1_010)
    assert (clock.now_ns(), clock.monotonic_ns()) == (1_010, 10)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_system_clock_is_monotonic_and_on_the_epoch() -> None:
    clock = SystemClock()
    first = clock.monotonic_ns()
    assert clock.monotonic_ns() >= first
    assert clock.now_ns() > 1_700_000_000_000_000_000


def test_iso_is_utc_with_z_and_keeps_the_unknown() -> None:
    assert iso(1_786_310_817_601) == "2026-08-09T21:26:57.601Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(None) is None
    assert iso(-1) == "1969-12-31T23:59:59.999Z"
    assert iso(42_368_593_343_798) == "3312-08-10T05:42:23.798Z", "no digit is lost, however late it is"
    assert (iso(1_000.0), iso(1_000.9), iso(1_000.999_999_9)) == (
        "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:01.001Z",
    )  # fmt: skip
    assert iso(-62_135_596_800_000) == "0001-01-01T00:00:00.000Z"
    assert iso(253_402_300_800_000) is None


def test_the_worst_is_shown() -> None:
    assert worst_quality([DataQuality.LIVE, DataQuality.STALE, DataQuality.PARTIAL]) is DataQuality.STALE
    assert worst_quality([]) is DataQuality.UNAVAILABLE
    assert worst_source([DataSource.LIVE, DataSource.REPLAY]) is DataSource.REPLAY
    assert worst_source([]) is None


@pytest.mark.parametrize("step_s", [3_600, -3_600])
def test_setting_the_machines_clock_moves_nothing(step_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No age jumps and no minute is lost or doubled when someone sets the clock under the running program."""
    clock = SystemClock()
    before_ns, real = clock.now_ns(), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + step_s * 1_000_000_000)
    assert 0 <= clock.now_ns() - before_ns < 1_000_000_000
    assert abs(SystemClock().now_ns() - before_ns - step_s * 1_000_000_000) < 1_000_000_000  # it was really set
