"""The machine's conditions: held, told once, over when clearly over; unknown changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.alerts.host import POINTS, HostLimits, HostState, observe_crashes, observe_host
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.model.alerts.incident import Severity

LIMITS = HostLimits(cpu_pct=90.0, memory_pct=80.0, disk_pct=95.0, loop_lag_ms=500.0)
CALM = {"cpu_pct": 10.0, "memory_pct": 10.0, "disk_pct": 10.0, "loop_lag_ms": 1.0}
BELOW = {"cpu": (90.0, 84.9), "memory": (80.0, 74.9), "disk": (95.0, 89.9), "loop_lag": (500.0, 450.0)}
FIELDS = {"cpu": "cpu_pct", "memory": "memory_pct", "disk": "disk_pct", "loop_lag": "loop_lag_ms"}


def held_for(seconds: float) -> IncidentLog:
    return IncidentLog(10, policies=lambda _: Policy(hold_ms=int(seconds * 1000)))


def see(log: IncidentLog, now_s: float, **values: float | None) -> None:
    observe_host(log, HostState(**{**CALM, **values}), LIMITS, int(now_s * 1000))


@pytest.mark.parametrize("kind", FIELDS)
def test_each_measure_fires_at_its_threshold_and_is_over_clearly_below_it(kind: str) -> None:
    log, field, (limit, over) = held_for(0), FIELDS[kind], BELOW[kind]
    see(log, 0, **{field: limit - 0.1})
    assert log.open() == ()
    see(log, 1, **{field: limit})
    (incident,) = log.open()
    assert (incident.kind, incident.severity, incident.value) == (kind, Severity.WARNING, limit)
    assert f"threshold {limit:g}" in incident.message
    see(log, 2, **{field: over + 0.5})
    assert [i.kind for i in log.open()] == [kind], "only a little below"
    see(log, 3, **{field: over})
    assert log.open() == ()
    assert [i.resolved_ms for i in log.recent(5)] == [3_000]


def test_it_must_hold_and_falling_below_the_threshold_ends_the_holding() -> None:
    log = held_for(60)
    for now_s in range(0, 59, 5):
        see(log, now_s, cpu_pct=95.0)
    see(log, 59, cpu_pct=88.0)  # within the points that matter only once it was told
    for now_s in range(60, 120, 5):
        see(log, now_s, cpu_pct=95.0)
        assert log.recent(5) == ()
    see(log, 120, cpu_pct=95.0)
    (incident,) = log.open()
    assert (incident.pending_ms, incident.fired_ms) == (60_000, 120_000)


def test_what_is_not_known_changes_nothing() -> None:
    log = held_for(0)
    see(log, 0, disk_pct=None, cpu_pct=99.0)
    see(log, 1, cpu_pct=None)
    assert [i.kind for i in log.open()] == ["cpu"]


@given(st.lists(st.floats(0, 100), max_size=30))
def test_it_is_open_from_the_threshold_until_five_points_below(values: list[float]) -> None:
    log, held = held_for(0), False
    for now_s, value in enumerate(values):
        see(log, now_s, cpu_pct=value)
        held = value >= LIMITS.cpu_pct or (held and value > LIMITS.cpu_pct - POINTS)
        assert bool(log.open()) == held


def test_many_crashes_are_an_incident_until_the_window_has_passed() -> None:
    log = held_for(0)
    observe_crashes(log, 4, 5, 3600.0, 1_000)
    assert log.open() == ()
    observe_crashes(log, 5, 5, 3600.0, 2_000)
    (incident,) = log.open()
    assert (incident.kind, incident.severity) == ("restarts", Severity.CRITICAL)
    assert incident.message == "the monitor crashed and was restarted 5 times within 60 min (threshold 5)"
    observe_crashes(log, 4, 5, 3600.0, 3_000)
    assert log.open() == ()
