"""The budget: what interrupts, what waits for the digest, storms, restarts, and that nothing is lost."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.alert_desk import CRITICAL, INFO, T0, WARNING, Desk, S, roles

from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.budget import BudgetSettings
from virtuoso.alerts.stages.choice import choose, demoted
from virtuoso.alerts.stages.digests import digest_after
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Role
from virtuoso.model.alerts.worth import Worth

DAY = 86_400
EIGHT = 8 * 3_600
PHONE = (Route(channel="phone"),)
FOREVER = {kind: Policy(cooldown_ms=0) for kind in ("sudden_move", "whale_trade", "spread_blowout")}
"""T0 is midnight (UTC)."""


def desk(**given: Any) -> Desk:
    return Desk(policies=FOREVER, routes=PHONE, budget=BudgetSettings(**given))


def moved(on: Desk, at_s: float, symbol: str, **more: Any) -> str:
    return on.fire("sudden_move", at_s, WARNING, symbol, side="up", **more)


def test_an_info_waits_for_the_digest_and_is_told_there() -> None:
    on = desk()
    whale = on.fire("whale_trade", 0, symbol="A", side="Buy")
    assert on.step(0) == []
    assert on.why(whale) == ("budget", "digest: an info, and fewer than 7 days were watched", "budget")
    on.log.resolve("whale_trade", T0 + 60 * S, symbol="A", side="Buy")
    assert on.step(60) == []
    assert on.pipeline.next_ms == T0 + EIGHT * S
    (told,) = on.step(EIGHT)
    assert (told.notice.role, told.notice.incidents, told.notice.text) == (
        Role.DIGEST, (whale,), "1 × whale trade (info)",
    )  # fmt: skip
    assert told.notice.lines[0].resolved_ms == T0 + 60 * S
    row = on.row(whale)
    assert row.notified is not None
    assert (row.suppressed_by, row.notified.digest, row.path[-1].reason) == (
        None,
        True,
        f"digested: notice {told.notice.id} to phone",
    )
    assert on.step(2 * EIGHT) == []


def test_what_a_digest_told_ends_without_a_message_unless_it_became_critical() -> None:
    on = desk()
    for symbol in "AB":
        on.fire("whale_trade", 0, symbol=symbol, side="Buy")
    on.step(0)
    assert roles(on.step(EIGHT)) == [(Role.DIGEST, 2)]
    on.log.resolve("whale_trade", T0 + (EIGHT + 9) * S, symbol="A", side="Buy")
    assert on.step(EIGHT + 9) == []
    on.fire("whale_trade", EIGHT + 10, CRITICAL, symbol="B", side="Buy")
    (worse,) = on.step(EIGHT + 10)
    assert worse.notice.role is Role.UPDATE
    on.log.resolve("whale_trade", T0 + (EIGHT + 20) * S, symbol="B", side="Buy")
    (ended,) = on.step(EIGHT + 20)
    assert (ended.notice.role, ended.notice.amends) == (Role.RESOLVED, worse.notice.id)


def test_critical_ones_rules_the_system_and_a_channel_of_ones_own_choice_always_interrupt() -> None:
    on = desk(typical=1, most=1)
    on.policies = FOREVER | {"book_wall": Policy(channels=("phone",))}
    moved(on, 0, "A")
    assert len(on.step(0)) == 1
    held = on.fire("spread_blowout", 1, WARNING, "A")
    assert on.step(1) == []
    assert on.why(held)[1] == "digest: 1 interruptions today, of 1 that are allowed"
    for i, (kind, severity) in enumerate(
        [("spread_blowout", CRITICAL), ("my-rule", INFO), ("cpu", WARNING), ("book_wall", INFO)]
    ):
        on.fire(kind, 2 + i, severity, symbol=None if kind == "cpu" else "B")
        assert len(on.step(2 + i)) == 1, kind


def test_a_storm_is_one_message_kept_current_that_interrupts_at_each_further_width() -> None:
    on = desk()
    first = moved(on, 0, "A", details={"widths": 1.2})
    (alert,) = on.step(0)
    for i, symbol in enumerate("BCD"):
        moved(on, 1 + i, symbol, details={"widths": 1.5})
    on.step(3)
    (edit,) = on.step(9)
    assert (edit.notice.role, edit.notice.amends, edit.notice.quiet) == (Role.GROUP, alert.notice.id, True)
    assert len(edit.notice.incidents) == 4
    wider = moved(on, 20, "E", details={"widths": 2.1})
    (again,) = on.step(20)
    assert (again.notice.role, again.notice.incidents, again.notice.quiet) == (Role.ALERT, (wider,), False)
    moved(on, 30, "F", details={"widths": 2.9})
    on.step(30)
    (edit,) = on.step(90)
    assert (edit.notice.amends, len(edit.notice.incidents)) == (again.notice.id, 6)
    assert first in edit.notice.incidents
    on.log.resolve("sudden_move", T0 + 100 * S, symbol="A", side="up")
    for symbol in "BCD":
        assert on.step(100) == []
        on.log.resolve("sudden_move", T0 + 100 * S, symbol=symbol, side="up")
    (ended,) = on.step(101)
    assert (ended.notice.role, ended.notice.amends) == (Role.RESOLVED, alert.notice.id)
    moved(on, 2_000, "G")  # a quarter of an hour of calm
    assert roles(on.step(2_000)) == [(Role.ALERT, 1)]
    assert on.pipeline.budget is not None
    assert on.pipeline.budget.left == 1  # of four: an alert, a width, and the next storm


def test_a_storm_may_end_as_its_message_is_edited() -> None:
    on = desk()
    moved(on, 0, "A")
    (alert,) = on.step(0)
    moved(on, 1, "B")
    on.step(1)
    on.log.resolve("sudden_move", T0 + 2 * S, symbol="B", side="up")
    on.step(2)
    on.log.resolve("sudden_move", T0 + 6 * S, symbol="A", side="up")
    edit, ended = on.step(6)
    assert (edit.notice.amends, edit.notice.quiet) == (alert.notice.id, True)
    assert (ended.notice.role, ended.notice.amends) == (Role.RESOLVED, alert.notice.id)
    assert all(row.suppressed_by is None and row.notified and row.notified.resolved for row in map(on.row, on.rows))


def test_a_storm_goes_on_after_a_restart() -> None:
    on = desk()
    moved(on, 0, "A")
    (alert,) = on.step(0)
    moved(on, 1, "B")
    on.step(1)
    on.restart(3)
    found = on.step(4)
    moved(on, 20, "C")
    found += [each for at in range(20, 100) for each in on.step(at)]
    assert [(each.notice.amends, each.notice.quiet) for each in found] == [(alert.notice.id, True)] * 2
    assert [len(each.notice.incidents) for each in found] == [2, 3]


def test_a_digest_that_was_due_while_nobody_watched_comes_at_the_start() -> None:
    on = desk()
    of = on.fire("whale_trade", 10, symbol="A")
    on.step(10)
    on.restart(EIGHT + 60)
    (told,) = on.step(EIGHT + 60)
    assert (told.notice.role, told.notice.incidents) == (Role.DIGEST, (of,))
    on.restart(EIGHT + 120)
    assert on.step(EIGHT + 120) == []


def test_each_channel_hears_in_the_digest_of_what_it_takes() -> None:
    on = Desk(policies=FOREVER, routes=(Route(channel="all"), Route(channel="some", least=WARNING)),
              budget=BudgetSettings(typical=1, most=1))  # fmt: skip
    moved(on, 0, "A")
    on.step(0)
    info, warning = on.fire("whale_trade", 1), on.fire("spread_blowout", 2, WARNING)
    on.step(2)
    found = {each.channel: each.notice.incidents for each in on.step(EIGHT)}
    assert found == {"all": (warning, info), "some": (warning,)}


def lift(low: float | None, high: float | None = None, incidents: int = 60, days: int = 40) -> Worth:
    return Worth(low=low, high=high, incidents=incidents, days=days)


def test_kinds_are_chosen_by_worth_within_the_budget() -> None:
    a, b, c = ("sudden_move", WARNING), ("spread_blowout", WARNING), ("whale_trade", INFO)
    days = [{a: 3, b: 2, c: 1}] * 10
    chosen = choose(days, {"spread_blowout": lift(2.0), "whale_trade": lift(1.4)}, typical=4, most=10)
    assert chosen.interrupts == {b, c}  # a would make it six
    assert chosen.refused["sudden_move warning"].startswith("digest: with it the median day had 6 interruptions, of 4")
    assert choose(days, {}, typical=4, most=10).interrupts == {b}  # unmeasured: the rarer of the severe, no info
    busy = [{a: 0, b: 2}] * 18 + [{a: 30, b: 2}] * 2
    refused = choose(busy, {"sudden_move": lift(3.0)}, typical=4, most=10).refused
    assert refused["sudden_move warning"].startswith("digest: with it one day in twenty had 30")
    assert choose(days[:6], {}, typical=4, most=10).most_a_day == 4


@pytest.mark.parametrize(
    ("kind", "worth", "is_demoted"),
    [
        ("sudden_move", lift(0.9, 1.29, 50, 30), True),
        ("sudden_move", lift(0.9, 1.31, 50, 30), False),
        ("sudden_move", lift(0.9, 1.2, 49, 30), False),
        ("sudden_move", lift(0.9, 1.2, 50, 29), False),
        ("sudden_move", lift(None, None, 90, 90), False),
        ("liquidation", lift(0.1, 0.2, 900, 90), False),
        ("liquidation_cascade", lift(0.1, 0.2, 900, 90), False),
    ],
)
def test_a_kind_demotes_itself_only_where_it_is_known_to_be_worth_little(
    kind: str, worth: Worth, is_demoted: bool
) -> None:
    assert (demoted(kind, worth) is not None) == is_demoted
    on = desk()
    assert on.pipeline.budget is not None
    on.pipeline.budget.worths = {kind: worth}
    on.fire(kind, 0, WARNING)
    assert (on.step(0) == []) == is_demoted


@given(st.integers(0, 10 * DAY * S), st.lists(st.integers(0, 1_439), min_size=1, unique=True))
def test_a_digest_comes_at_the_first_of_its_times(at_ms: int, minutes: list[int]) -> None:
    due_ms = digest_after(at_ms, minutes)
    assert due_ms > at_ms
    assert due_ms // 60_000 % 1_440 in minutes
    assert not any((at_ms // 60_000 + 1 + i) % 1_440 in minutes for i in range((due_ms - at_ms - 1) // 60_000))


EVENT = st.tuples(
    st.integers(1, 4 * 3_600),
    st.sampled_from(["sudden_move", "whale_trade", "spread_blowout"]),
    st.sampled_from("ABCDE"),
    st.sampled_from([INFO, WARNING, WARNING, CRITICAL]),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 2.5, 3.5]),
)


def played(events: list[tuple[int, str, str, Severity, bool, float]], restarts: frozenset[int]) -> Desk:
    """Steps as the pipeline asks for them; a restart before each event of these numbers."""
    on = Desk(policies=FOREVER, routes=PHONE, budget=BudgetSettings(typical=2, most=3))
    on.told, at_s = [], 0.0

    def upto(end_s: float) -> None:
        nonlocal at_s
        while (next_ms := on.pipeline.next_ms) is not None and (next_ms - T0) / S <= end_s:
            at_s = max(at_s, (next_ms - T0) / S)
            on.told += on.step(at_s)
        at_s = end_s

    for number, (gap_s, kind, symbol, severity, ends, widths) in enumerate(events):
        upto(at_s + gap_s)
        if number in restarts:
            on.restart(at_s)
        on.fire(kind, at_s, severity, symbol, side="up", details={"widths": widths})
        on.told += on.step(at_s)
        if ends:
            on.log.resolve(kind, T0 + int((at_s + 0.5) * S), symbol=symbol, side="up")
            on.told += on.step(at_s + 0.5)
    upto(at_s + 2 * DAY)
    return on


@settings(max_examples=40)
@given(st.lists(EVENT, max_size=25), st.frozensets(st.integers(0, 24), max_size=3))
def test_nothing_is_lost_nothing_exceeds_the_budget_and_a_restart_tells_as_much(
    events: list[tuple[int, str, str, Severity, bool, float]], restarts: frozenset[int]
) -> None:
    on = played(events, restarts)
    said = {of for delivery in on.told for of in delivery.notice.incidents}
    digested = {of for delivery in on.told if delivery.notice.role is Role.DIGEST for of in delivery.notice.incidents}
    loud = Counter[int]()
    for delivery in on.told:
        notice = delivery.notice
        if notice.role in {Role.ALERT, Role.GROUP, Role.UPDATE} and not notice.quiet:
            loud[notice.at_ms // (DAY * S)] += notice.severity is not CRITICAL
    assert max(loud.values(), default=0) <= 2
    for row in map(on.row, on.rows):
        withheld = any(step.stage == "budget" and not step.passed for step in row.path)
        assert row.id in said
        assert not withheld or row.id in digested or row.severity is CRITICAL
        assert row.suppressed_by is None or (row.suppressed_by == "group" and row.notified is not None)
    ids = [delivery.id for delivery in on.told]
    assert len(ids) == len(set(ids)), "no message twice"
    assert played(events, frozenset()).rows.keys() == on.rows.keys()


@settings(max_examples=20)
@given(st.lists(EVENT, max_size=25))
def test_the_same_events_are_told_the_same(events: list[tuple[int, str, str, Severity, bool, float]]) -> None:
    first, second = played(events, frozenset()), played(events, frozenset())
    assert first.told == second.told
    assert first.rows == second.rows
