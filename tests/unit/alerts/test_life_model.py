"""Random histories through the slow model and through the real thing: what is open, and what is told when, is equal.

The model is stepped at every second there is; the real one only when it asked for it.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.life_model import Model, Said
from tests.support.soak import SOAK

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Incident, Severity, Silence, identity_of

S = 1_000
T0 = 1_748_476_800_000
WAIT, INTERVAL = 3 * S, 12 * S
POLICIES = {
    "plain": Policy(cooldown_ms=0),
    "cool": Policy(cooldown_ms=20 * S, change=0.5),
    "held": Policy(hold_ms=4 * S, cooldown_ms=9 * S),
    "rearm": Policy(rearm_ms=5 * S, cooldown_ms=15 * S, change=1.0),
    "rises": Policy(escalate_after_ms=7 * S, cooldown_ms=30 * S),
    "unheard": Policy(channels=(), cooldown_ms=20 * S),
    "stale_feed": Policy(cooldown_ms=6 * S),
}
EXAMPLES = 3_000 if SOAK else 60


def policy_of(kind: str) -> Policy:
    return POLICIES[kind]


class Real:
    """Log, pipeline, and the rows of a database between runs."""

    def __init__(self) -> None:
        self.rows: dict[str, Incident] = {}
        self.keys: dict[str, tuple[str, int]] = {}
        self.over_when_told: set[str] = set()
        self.notices: set[str] = set()
        self._build()

    def _build(self) -> None:
        self.dirty = True
        self.log = IncidentLog(10_000, exchange="x", policies=policy_of, on_change=self._change)
        self.pipeline = Pipeline(
            PipelineSettings(group_wait_ms=WAIT, group_interval_ms=INTERVAL), [Route(channel="c")], policies=policy_of
        )

    def _change(self) -> None:
        self.dirty = True

    def step(self, now: int, silences: list[Silence]) -> set[Said]:
        due = self.pipeline.next_ms
        if not self.dirty and (due is None or due > now):
            return set()
        self.dirty = False
        deliveries = self.pipeline.step(self.log, now, silences)
        for incident in self.log.take_changed():
            self.rows[incident.id] = incident
            self.keys[incident.id] = incident.identity, incident.fired_ms
        said = set()
        for delivery in deliveries:
            notice = delivery.notice
            assert notice.id not in self.notices  # none twice
            self.notices.add(notice.id)
            members = set(notice.incidents)
            if notice.role == "resolved":
                members -= self.over_when_told
            else:
                self.over_when_told |= {line.id for line in notice.lines if line.resolved_ms is not None}
            said.add((str(notice.role), frozenset(self.keys[each] for each in members)))
        return said

    def restart(self, now: int) -> None:
        longest = max(policy.cooldown_ms for policy in POLICIES.values())
        kept = [
            i for i in self.rows.values()
            if i.resolved_ms is None or i.suppressed_by is not None
            or (i.notified is not None and now - i.notified.at_ms <= longest)
        ]  # fmt: skip
        rows = msgspec.json.decode(msgspec.json.encode(kept), type=list[Incident])
        self._build()
        self.pipeline.resume(self.log.resume(sorted(rows, key=lambda i: (i.fired_ms, i.id))), now)


def labels(kind: str, symbol: str, side: str | None) -> dict[str, str]:
    if kind == "stale_feed":
        return {"kind": kind, "exchange": "x"}
    return {"kind": kind, "exchange": "x", "symbol": symbol} | ({"side": side} if side else {})


kinds = st.sampled_from(list(POLICIES))
of = st.tuples(kinds, st.sampled_from("ABC"), st.sampled_from([None, "up"]))
operations = st.one_of(
    st.tuples(st.just("fire"), of, st.sampled_from(list(Severity)), st.sampled_from([None, 1.0, -1.6, 2.0, 9.0])),
    st.tuples(st.just("resolve"), of),
    st.tuples(st.just("expire"), of),
    st.tuples(st.just("wait"), st.integers(0, 25)),
    st.tuples(st.just("wait"), st.integers(0, 3)),
    st.tuples(st.just("ack"), st.integers(0, 9)),
    st.tuples(st.just("silence"), st.sampled_from(["A", "?", "B*"]), st.integers(0, 5), st.integers(1, 15)),
    st.tuples(st.just("unsilence")),
    st.tuples(st.just("restart")),
)


def by_labels(call: Callable[..., Any], where: dict[str, str], *args: Any, **more: Any) -> None:
    call(where["kind"], *args, symbol=where.get("symbol"), side=where.get("side"), **more)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(operations, max_size=40))
def test_the_real_thing_is_the_model(history: list[tuple[Any, ...]]) -> None:
    model, real, now = Model(policy_of, WAIT, INTERVAL), Real(), T0
    silences: list[Silence] = []

    def compare() -> None:
        assert real.step(now, silences) == model.step(now, silences), (now - T0) / S

    for number, (operation, *args) in enumerate((*history, ("wait", 60))):
        if operation == "fire":
            where = labels(*args[0])
            by_labels(real.log.fire, where, args[1], "m", now, value=args[2])
            model.fire(where, args[1], args[2], now)
        elif operation in {"resolve", "expire"}:
            where = labels(*args[0])
            by_labels(getattr(real.log, operation), where, now)
            model.resolve(where, now, expire=operation == "expire")
        elif operation == "ack":
            for record in model.open()[args[0] : args[0] + 1]:
                (same,) = [i for i in real.log.open() if (i.identity, i.fired_ms) == record.key]
                real.log.acknowledge(same.id, "ann", now)
                model.acknowledge(record)
        elif operation == "silence":
            pattern, after, lasts = args
            silences.append(
                Silence(
                    id=str(number), matcher={"symbol": pattern}, created_ms=now, starts_ms=now + after * S,
                    ends_ms=now + (after + lasts) * S, author="ann",
                )
            )  # fmt: skip
            real.dirty = True
        elif operation == "unsilence":
            silences.clear()
            real.dirty = True
        elif operation == "restart":
            compare()  # what was not committed is no part of the history
            now += S
            real.restart(now)
            model.restart(now)
        for _ in range(args[0] if operation == "wait" else 0):
            compare()
            now += S
    compare()
    assert {(i.identity, i.fired_ms, i.severity, i.value, i.acknowledged) for i in real.log.open()} == {
        (identity_of(r.labels), r.fired, r.severity, r.value, r.acknowledged) for r in model.open()
    }
    told = {
        real.keys[i.id]: (i.notified.at_ms, i.notified.severity, i.notified.value)
        for i in real.rows.values()
        if i.notified
    }
    assert told == {r.key: r.told for r in model.records if r.told is not None}
