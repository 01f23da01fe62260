"""The life of an incident, and its five settings: a test named after each."""

from collections.abc import Callable

import msgspec

from virtuoso.alerts.incidents import MOST_CHANGED, IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.alerts.notice import Delivery, Role

S = 1_000
T0 = 1_748_476_800_000
INFO, WARNING, CRITICAL = Severity


class Desk:
    """A log and a pipeline of one kind's policy, stepped by hand."""

    def __init__(self, policy: Policy, on_change: Callable[[], None] | None = None) -> None:
        self.log = IncidentLog(1_000, exchange="bybit", policies=lambda kind: policy, on_change=on_change)
        self.pipeline = Pipeline(PipelineSettings(), [Route(channel="c")], policies=lambda kind: policy)

    def fire(self, at_s: float, severity: Severity = INFO, value: float | None = None, symbol: str = "X") -> None:
        self.log.fire("k", severity, "m", T0 + int(at_s * S), symbol=symbol, value=value)

    def over(self, at_s: float, symbol: str = "X") -> None:
        self.log.resolve("k", T0 + int(at_s * S), symbol=symbol)

    def step(self, at_s: float) -> list[tuple[Role, Severity]]:
        found: tuple[Delivery, ...] = self.pipeline.step(self.log, T0 + int(at_s * S), ())
        return [(each.notice.role, each.notice.severity) for each in found]

    def due_s(self) -> float | None:
        return None if self.pipeline.next_ms is None else (self.pipeline.next_ms - T0) / S

    def all(self) -> list[Incident]:
        return list(self.log.recent(1_000))[::-1]


ALERT = (Role.ALERT, INFO)
ENDED = (Role.RESOLVED, INFO)


def test_for() -> None:
    desk = Desk(Policy(hold_ms=60 * S))
    desk.fire(0)
    assert desk.step(0) == []
    assert desk.due_s() == 60
    desk.over(59)
    assert (desk.step(300), desk.all(), desk.log.take_changed()) == ([], [], [])  # nothing is left of it
    desk.fire(300, value=1.0)
    desk.fire(330, WARNING, value=2.0)
    assert desk.step(359.9) == []
    assert desk.step(360) == [(Role.ALERT, WARNING)]
    (incident,) = desk.all()
    assert (incident.pending_ms, incident.fired_ms, incident.value) == (T0 + 300 * S, T0 + 360 * S, 2.0)
    without = Desk(Policy())
    without.fire(0)
    assert without.step(0) == [ALERT]


def test_a_condition_that_held_long_enough_fired_even_if_nobody_looked_in_time() -> None:
    desk = Desk(Policy(hold_ms=60 * S))
    desk.fire(0)
    desk.over(61)
    (incident,) = desk.all()
    assert (incident.fired_ms, incident.resolved_ms) == (T0 + 60 * S, T0 + 61 * S)
    assert desk.step(61) == [ALERT]


def test_cooldown() -> None:
    desk = Desk(Policy(cooldown_ms=600 * S))
    desk.fire(0)
    assert desk.step(0) == [ALERT]
    desk.over(10)
    assert desk.step(10) == [ENDED]
    desk.fire(20)
    assert desk.step(20) == []
    assert (len(desk.all()), desk.all()[1].suppressed_by) == (2, "cooldown")  # recorded, and nobody was told
    assert desk.due_s() == 600
    desk.over(30)
    assert desk.step(30) == []  # of an untold one nothing is said
    assert desk.all()[1].suppressed_by is None
    desk.fire(40)
    assert desk.step(599) == []
    assert desk.step(600) == [ALERT]  # it still holds, and nobody was told of it
    desk.over(700)
    desk.step(700)
    desk.fire(701, WARNING)
    assert desk.step(701) == [(Role.ALERT, WARNING)]  # broken by a higher severity
    without = Desk(Policy(cooldown_ms=0))
    for at in (0, 100):
        without.fire(at)
        assert without.step(at) == [ALERT]
        without.over(at + 1)
        without.step(at + 1)


def test_the_default_cooldown_is_twelve_hours() -> None:
    desk = Desk(Policy())
    desk.fire(0)
    desk.step(0)
    desk.over(1)
    desk.step(1)
    desk.fire(2)
    assert desk.step(43_199.9) == []
    assert desk.step(43_200) == [ALERT]


def test_rearm() -> None:
    desk = Desk(Policy(rearm_ms=60 * S, cooldown_ms=0))
    desk.fire(0)
    assert desk.step(0) == [ALERT]
    desk.over(10)
    assert (desk.step(10), desk.due_s()) == ([], 70)
    desk.over(20)  # still false: since 10
    desk.fire(69)
    assert desk.step(100) == []
    desk.over(100)
    assert desk.step(159) == []
    assert desk.step(160) == [ENDED]
    (incident,) = desk.all()  # the same all along
    assert incident.resolved_ms == T0 + 100 * S
    desk.fire(161)
    assert desk.step(161) == [ALERT]  # another one
    without = Desk(Policy())
    without.fire(0)
    without.over(10)
    without.fire(11)
    assert len(without.all()) == 2


def test_material_change() -> None:
    desk = Desk(Policy(change=0.5))
    desk.fire(0, value=-100.0)
    assert desk.step(0) == [ALERT]
    desk.fire(100, value=-149.0)
    assert desk.step(100) == []
    desk.fire(101, value=150.0)
    assert desk.step(101) == [(Role.UPDATE, INFO)]  # by size, whatever the sign
    desk.fire(300, value=224.0)
    desk.fire(301, value=90.0)
    assert desk.step(301) == []
    desk.fire(302, value=225.0)
    assert desk.step(302) == [(Role.UPDATE, INFO)]
    (incident,) = desk.all()
    assert incident.notified is not None
    assert (incident.value, incident.notified.value) == (225.0, 225.0)
    without = Desk(Policy())
    without.fire(0, value=1.0)
    without.step(0)
    without.fire(100, value=1e9)
    assert without.step(100) == []


def test_severity_escalation() -> None:
    desk = Desk(Policy())
    desk.fire(0)
    assert desk.step(0) == [ALERT]
    desk.fire(1, CRITICAL)
    assert desk.step(1) == [(Role.UPDATE, CRITICAL)]  # more severe than the group has told: at once
    desk.fire(2, WARNING)
    assert desk.step(300) == []  # never less severe
    assert desk.all()[0].escalated_ms == T0 + S
    timed = Desk(Policy(escalate_after_ms=3_600 * S))
    timed.fire(0)
    assert (timed.step(0), timed.due_s()) == ([ALERT], 3_600)
    assert timed.step(3_600) == [(Role.UPDATE, WARNING)]
    assert timed.step(7_200) == [(Role.UPDATE, CRITICAL)]
    assert timed.step(99_999) == []


def test_who_acknowledges_hears_of_it_only_once_it_is_over() -> None:
    calls: list[int] = []
    desk = Desk(Policy(escalate_after_ms=60 * S, change=0.1), lambda: calls.append(1))
    desk.fire(0, value=1.0)
    desk.step(0)
    (incident,) = desk.log.open()
    calls.clear()
    known = desk.log.acknowledge(incident.id, "ann", T0 + S)
    assert known is not None
    assert (known.acknowledged, known.acknowledged_by, len(calls)) == (True, "ann", 1)
    desk.fire(100, CRITICAL, value=5.0)
    assert desk.step(1_000) == []
    assert desk.all()[0].severity is CRITICAL  # recorded all the same
    desk.over(1_001)
    assert desk.step(1_001) == [(Role.RESOLVED, CRITICAL)]
    assert desk.log.acknowledge("nothing", "ann", T0) is None


def test_expiry_is_at_once_and_says_so() -> None:
    desk = Desk(Policy(rearm_ms=60 * S))
    desk.fire(0)
    desk.step(0)
    gone = desk.log.expire("k", T0 + S, symbol="X")
    assert gone is not None
    assert (gone.state, gone.resolved_ms, desk.log.open()) == ("expired", T0 + S, ())
    (delivery,) = desk.pipeline.step(desk.log, T0 + S, ())
    assert delivery.notice.title == "No longer watched: X: k"
    pending = Desk(Policy(hold_ms=S))
    pending.fire(0)
    assert pending.log.expire("k", T0, symbol="X") is None
    assert pending.step(10) == []


def test_a_disabled_kind_does_not_fire_and_a_severity_can_be_given() -> None:
    off = Desk(Policy(enabled=False))
    off.fire(0)
    assert off.all() == []
    given = Desk(Policy(severity=CRITICAL))
    given.fire(0, INFO)
    assert given.step(0) == [(Role.ALERT, CRITICAL)]


def test_labels_are_the_identity() -> None:
    log = IncidentLog(10, exchange="bybit")
    one = log.fire("k", INFO, "m", 0, symbol="X", side="Buy", labels={"team": "a"})
    assert one is not None
    assert one.labels == {"kind": "k", "exchange": "bybit", "symbol": "X", "side": "Buy", "team": "a"}
    assert log.fire("k", INFO, "other text", 1, symbol="X", side="Buy", labels={"team": "a"}) is None
    assert log.fire("k", INFO, "m", 1, symbol="X", side="Buy", labels={"team": "b"}) is not None
    assert log.fire("k", INFO, "m", 1, symbol="X", side="Sell") is not None
    assert log.resolve("k", 2, symbol="X", side="Buy", labels={"team": "a"}) is not None
    assert len(log.open()) == 2


def test_a_part_is_unique_in_its_kind_and_names_it() -> None:
    log = IncidentLog(10, policies=lambda kind: Policy(hold_ms=S if kind == "slow" else 0))
    log.fire("k", INFO, "m", 0, symbol="X", part="X 1h")
    assert log.open_parts("k") == ("X 1h",)
    assert log.resolve("k", 1, part="X 1h") is not None
    log.fire("slow", INFO, "m", 0, symbol="X", part="X 1h")
    assert log.open_parts("slow") == ("X 1h",)  # pending ones too: whoever watches it must end it
    log.resolve("slow", 1, part="X 1h")
    log.tick(10 * S)
    assert (log.open(), log.open_parts("slow")) == ((), ())


def test_ended_and_fired_again_within_the_millisecond_are_two() -> None:
    log = IncidentLog(10)
    for _ in range(3):
        log.fire("k", INFO, "m", 0)
        log.resolve("k", 0)
    assert len({incident.id for incident in log.recent(10)}) == 3
    assert all(i.resolved_ms is not None and i.resolved_ms >= i.fired_ms for i in log.recent(10))


def test_incidents_from_before_labels_get_those_they_would_have_now() -> None:
    def old(kind: str, symbol: str | None, part: str | None) -> Incident:
        return Incident(id=f"{kind}{part}", kind=kind, severity=INFO, message="m", fired_ms=0, symbol=symbol, part=part)

    rows = [
        old("whale_trade", "X", "X Buy"), old("spread_blowout", "X", "X"),
        old("liquidation_cascade", None, "market Sell"),
        old("alpha_breakout", "X", "X 1h"), old("store_down", None, "redis"), old("stale_feed", None, None),
    ]  # fmt: skip
    log = IncidentLog(10, exchange="bybit")
    resumed = log.resume(rows)
    assert [{k: v for k, v in i.labels.items() if k not in {"kind", "exchange"}} for i in resumed] == [
        {"symbol": "X", "side": "Buy"}, {"symbol": "X"}, {"side": "Sell"},
        {"symbol": "X", "part": "X 1h"}, {"part": "redis"}, {},
    ]  # fmt: skip
    assert log.fire("whale_trade", INFO, "m", 9, symbol="X", side="Buy") is None
    assert log.fire("store_down", INFO, "m", 9, part="redis") is None
    assert log.resolve("alpha_breakout", 9, part="X 1h") is not None


def test_a_restart_goes_on_with_timers_and_keeps_ids() -> None:
    policy = Policy(escalate_after_ms=60 * S)
    desk, again = Desk(policy), Desk(policy)
    desk.fire(0)
    desk.step(0)
    rows = msgspec.json.decode(msgspec.json.encode(desk.all()), type=list[Incident])
    again.pipeline.resume(again.log.resume(rows), T0 + 30 * S)
    again.fire(31)  # still true
    assert again.step(31) == []
    assert again.step(60) == [(Role.UPDATE, WARNING)]
    assert [i.id for i in again.all()] == [i.id for i in desk.all()]


def test_changes_nobody_takes_are_counted_when_they_are_lost() -> None:
    log = IncidentLog(10)
    for i in range(MOST_CHANGED + 3):
        log.fire("k", INFO, "m", 0, part=str(i))
    assert log.dropped == 6  # three to be kept, three to be told
    assert len(log.take_changed()) == MOST_CHANGED


def test_on_change_is_called_for_all_that_must_be_committed_or_timed() -> None:
    calls: list[str] = []
    log = IncidentLog(10, policies=lambda kind: Policy(hold_ms=S, rearm_ms=S), on_change=lambda: calls.append("x"))
    log.fire("k", INFO, "m", 0)
    assert (len(calls), log.next_ms) == (1, S)  # a time to be woken at
    log.tick(S)
    assert (len(calls), log.next_ms) == (2, None)
    log.resolve("k", 2 * S)
    assert (len(calls), log.next_ms) == (3, 3 * S)
    log.replace(*log.unsettled())
    assert len(calls) == 3  # the stages' own decisions are committed by whoever asked for them
    log.tick(3 * S)
    assert (len(calls), log.open()) == (4, ())
