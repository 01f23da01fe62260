"""A freeze of the process or a sleep of the machine is a gap in the watch, with its beginning and its end."""

import pytest

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.monitor.alerting.alerting import without_notifications
from virtuoso.monitor.wakes import Wakes

S = 1_000_000_000
START_MS = 1_800_000_000_000


class SleepingClock(ManualClock):
    """A clock that stands still while the machine sleeps."""

    slept_ns = 0

    def awake_ns(self) -> int:
        return self.monotonic_ns() + self.slept_ns


class Machine:
    """A clock, and who looks at it each second."""

    def __init__(self) -> None:
        self.clock = SleepingClock(START_MS * 1_000_000)
        self.log = IncidentLog(10)
        self.wakes = Wakes(self.clock, without_notifications(self.log, self.clock).frozen)

    def passes(self, seconds: float, *, asleep: bool = False) -> None:
        """So much time until the next look; while the machine sleeps the monotonic clock may stand still."""
        if asleep:
            self.clock.slept_ns += round(seconds * S)
        else:
            self.clock.advance(round(seconds * S))
        self.wakes.check()


@pytest.mark.parametrize("asleep", [False, True])
def test_forty_seconds_of_freeze_are_a_gap_with_its_times(asleep: bool) -> None:
    machine = Machine()
    for _ in range(10):
        machine.passes(1.0)
    machine.passes(40.0, asleep=asleep)
    machine.passes(1.0)
    (gap,) = machine.log.recent(10)
    assert (gap.kind, gap.severity) == ("watch_gap", Severity.WARNING)
    assert (gap.details["since_ms"], gap.details["until_ms"]) == (START_MS + 10_000, START_MS + 50_000)
    assert "nobody watched from 2027-01-15T08:00:10.000Z to 2027-01-15T08:00:50.000Z (40 s)" in gap.message


def test_a_loop_that_is_busy_for_some_seconds_is_none() -> None:
    machine = Machine()
    for seconds in (1.0, 3.0, 15.0, 1.0):
        machine.passes(seconds)
    assert machine.log.recent(10) == ()


def test_the_time_that_is_looked_at_goes_on() -> None:
    clock = SystemClock()
    assert clock.awake_ns() <= clock.awake_ns()


@pytest.mark.parametrize(
    ("away_s", "was_stopped", "told"),
    [(4, False, False), (6, False, True), (6, True, False), (59, True, False), (61, True, True)],
)
def test_a_restart_on_purpose_of_some_seconds_is_no_warning(away_s: int, was_stopped: bool, told: bool) -> None:
    machine = Machine()
    alerting = without_notifications(machine.log, machine.clock)
    alerting.resume((), START_MS - 1_000 * away_s, was_stopped=was_stopped)
    assert bool(machine.log.recent(10)) is told
