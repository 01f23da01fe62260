"""Incidents: one of an identity at a time, resolved once, bounded; conditions fire and recover as said."""

from hypothesis import given
from hypothesis import strategies as st

from virtuoso.alerts.conditions import FeedOutage, observe_cycle
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.alerts.incident import Severity


def test_identity_is_kind_and_symbol_never_the_text() -> None:
    log = IncidentLog(10)
    first = log.fire("sudden_move", Severity.WARNING, "up 3.1 %", 1_000, symbol="BTCUSDT")
    assert first is not None
    assert log.fire("sudden_move", Severity.WARNING, "up 3.2 %", 2_000, symbol="BTCUSDT") is None
    assert log.fire("sudden_move", Severity.WARNING, "up 3.1 %", 2_000, symbol="ETHUSDT") is not None
    closed = log.resolve("sudden_move", 3_000, symbol="BTCUSDT")
    assert closed is not None
    assert (closed.id, closed.resolved_ms) == (first.id, 3_000)
    assert log.resolve("sudden_move", 4_000, symbol="BTCUSDT") is None
    assert [incident.symbol for incident in log.open()] == ["ETHUSDT"]
    assert [incident.resolved_ms for incident in log.recent(5)] == [None, 3_000]


def test_ids_are_deterministic() -> None:
    def identity(now_ms: int) -> str:
        incident = IncidentLog(10).fire("stale_feed", Severity.CRITICAL, "x", now_ms)
        assert incident is not None
        return incident.id

    assert identity(5) == identity(5)
    assert identity(5) != identity(6)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c"])), max_size=200))
def test_the_log_is_bounded_and_counts_agree(steps: list[tuple[bool, str]]) -> None:
    log = IncidentLog(7)
    for now_ms, (fire, kind) in enumerate(steps):
        if fire:
            log.fire(kind, Severity.INFO, kind, now_ms)
        else:
            log.resolve(kind, now_ms)
    assert len(log.recent(1_000)) <= 7
    assert log.fired - log.resolved == len(log.open())


def test_an_outage_is_one_incident_until_every_connection_is_back() -> None:
    log, outage = IncidentLog(10), FeedOutage("bybit", grace_ms=3_000)
    outage.lost(0, "closed by the exchange", 0)
    outage.observe(log, 2_999)
    assert log.fired == 0
    outage.lost(1, "closed by the exchange", 1_000)
    outage.observe(log, 3_000)
    outage.observe(log, 60_000)
    assert log.fired == 1
    outage.back(log, 0, 61_000)
    assert log.resolved == 0
    outage.back(log, 1, 62_000)
    assert (log.fired, log.resolved) == (1, 1)


def test_a_short_break_is_no_incident_but_a_mute_feed_is_at_once() -> None:
    log, outage = IncidentLog(10), FeedOutage("bybit", grace_ms=3_000)
    outage.lost(0, "closed", 0)
    outage.back(log, 0, 500)
    assert log.fired == 0
    outage.mute(log, 0, "connected, but no data for 8.0 s", 10_000)
    assert log.fired == 1


def test_cycles_fail_are_slow_and_recover() -> None:
    log = IncidentLog(10)
    observe_cycle(log, 0.1, 5.0, None, 0, "analyse took 5.9 s", {})
    assert log.fired == 0
    observe_cycle(log, 6.0, 5.0, None, 1, "analyse took 5.9 s", {})
    assert [incident.kind for incident in log.open()] == ["slow_cycle"]
    observe_cycle(log, 0.1, 5.0, "ValueError: planted", 2, "analyse took 5.9 s", {})
    assert {incident.kind for incident in log.open()} == {"slow_cycle", "failed_cycle"}
    observe_cycle(log, 0.1, 5.0, None, 3, "analyse took 5.9 s", {})
    assert log.open() == ()
