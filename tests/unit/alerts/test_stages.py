"""The stages: each names why it withheld; storms are folded, outages inhibit, restarts tell nothing twice."""

import msgspec
import pytest
from tests.support.alert_desk import CRITICAL, INFO, T0, WARNING, Desk, S, roles, silence

from virtuoso.alerts.labels import is_system
from virtuoso.alerts.path import MOST, first_notice
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.pipeline import PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Context, Delivery, Role, delivery_id


def test_each_stage_names_why_it_withheld() -> None:
    desk = Desk()
    outage = desk.fire("stale_feed", 0, CRITICAL, symbol=None)
    desk.step(0)
    inhibited = desk.fire("sudden_move", 1)
    desk.step(1)
    assert desk.why(inhibited) == ("inhibit", f"inhibited: stale_feed {outage} on bybit", "inhibit")
    desk.log.resolve("stale_feed", T0 + 2 * S)
    desk.step(2)
    silenced = desk.fire("whale_trade", 3)
    desk.step(3, [silence({"symbol": "X"})])
    assert desk.why(silenced) == ("silence", "silenced: s1 by ann", "silence")
    known = desk.fire("book_wall", 4)
    desk.step(4)
    desk.log.acknowledge(known, "bob", T0 + 5 * S)
    desk.step(5)
    assert desk.why(known) == ("dedup", "acknowledged: by bob", None)
    desk.log.resolve("book_wall", T0 + 6 * S, symbol="X")
    desk.step(6)
    again = desk.fire("book_wall", 7)
    desk.step(7)
    until = "2025-05-29T12:00:04.000Z"
    assert desk.why(again) == (
        "cooldown",
        f"cooldown: people were notified of {known} as info; not again before {until}",
        "cooldown",
    )
    follower = desk.fire("book_wall", 8, symbol="Y")
    desk.step(8)
    assert desk.why(follower) == ("group", f"grouped: follows {known}", "group")
    unheard = desk.fire("slow_cycle", 9, symbol=None)
    assert desk.step(9) == []
    assert desk.why(unheard) == ("route", "unrouted: no channel takes info", None)
    assert {stage: counts["withheld"] for stage, counts in desk.pipeline.counters.items()} == {
        "inhibit": 1, "silence": 1, "dedup": 1, "cooldown": 1, "budget": 0, "group": 1, "route": 1,
    }  # fmt: skip


def test_the_path_tells_every_decision_once_and_is_bounded() -> None:
    desk = Desk()
    of = desk.fire("whale_trade", 0)
    (delivery,) = desk.step(0)
    path = desk.row(of).path
    assert [(step.stage, step.passed) for step in path] == [
        (stage, True) for stage in ("inhibit", "silence", "dedup", "cooldown", "budget", "group", "route")
    ]
    assert first_notice(path) == delivery.notice.id
    earlier = msgspec.structs.replace(path[-1], reason=path[-1].reason.replace("notified:", "told:"))  # from before
    assert first_notice((*path[:-1], earlier)) == delivery.notice.id
    assert path[-1].reason == f"notified: notice {delivery.notice.id} to general"
    held = desk.fire("book_wall", 1)
    for at in range(1, 10):
        desk.step(at, [silence({"symbol": "X"}), silence({"kind": f"k{at}"})])  # looked at again each time
    assert [step.reason for step in desk.row(held).path] == ["passed", "silenced: s1 by ann"]
    for at in range(100):  # told, silenced, ended …: its first notice is never forgotten
        desk.log.fire("whale_trade", INFO, "m", T0 + at * 100 * S, symbol="X", labels={"n": str(at)})
        desk.log.acknowledge(of, "ann", T0 + at * 100 * S)
    kept = desk.row(of).path
    for at in range(MOST):
        desk.policies["whale_trade"] = Policy(change=0.001)
        desk.log.fire("whale_trade", INFO, "m", T0 + at * 1_000 * S, symbol="Z", value=1.0 + at)
        desk.step(at * 1_000)
    (other,) = [row for each in desk.rows if (row := desk.row(each)).symbol == "Z"]
    assert len(kept) < len(other.path) == MOST
    assert first_notice(other.path) == other.path[0].reason.split()[2]


def test_500_symbols_in_a_second_are_two_messages() -> None:
    desk = Desk()
    found: list[list[Delivery]] = []
    for i in range(500):
        desk.fire("sudden_move", i / 500, symbol=f"S{i}", side="up")
        if i % 50 == 0:
            found.append(desk.step(i / 500))
    assert roles(found[0]) == [(Role.ALERT, 1)]  # at once
    assert found[1:] == [[]] * 9
    desk.step(1)
    assert desk.pipeline.next_ms is not None
    due_s = (desk.pipeline.next_ms - T0) / S
    assert 5 <= due_s <= 6
    (folded,) = desk.step(due_s)
    assert roles([folded]) == [(Role.GROUP, 499)]
    assert folded.notice.title == "Market move up: led by S0, 499 follow"
    assert (len(folded.notice.lines), folded.notice.more) == (20, 479)
    first = found[0][0].notice
    assert {*first.incidents, *folded.notice.incidents} == set(desk.rows)
    assert len(desk.rows) == 500
    told = [desk.row(each).notified for each in desk.rows]
    assert all(told)
    assert [desk.step(due_s + i) for i in range(1, 10)] == [[]] * 9


def test_one_batch_of_500_leads_with_the_most_severe() -> None:
    desk = Desk()
    for i in range(500):
        desk.fire("whale_trade", 0, WARNING if i == 300 else INFO, symbol=f"S{i}", side="Sell")
    (first,) = desk.step(0)
    assert (first.notice.title, first.notice.severity) == ("S300: whale trade", WARNING)
    (folded,) = desk.step(5)
    assert folded.notice.title == "Whale trade (Sell): led by S300, 499 follow"
    assert (folded.notice.amends, folded.notice.severity) == (None, INFO)


def test_later_ones_fold_every_interval_and_a_quiet_group_begins_anew() -> None:
    desk = Desk()
    told: list[tuple[int, Role, int]] = []
    for at in range(200):
        if at <= 130:
            desk.fire("whale_trade", at, symbol=f"S{at}")
        told += [(at, role, count) for role, count in roles(desk.step(at))]
    assert told == [(0, Role.ALERT, 1), (6, Role.GROUP, 6), (66, Role.GROUP, 60), (126, Role.GROUP, 60),
                    (186, Role.GROUP, 4)]  # fmt: skip
    desk.fire("whale_trade", 245, symbol="A")
    assert desk.step(245) == []
    assert roles(desk.step(250)) == [(Role.ALERT, 1)]
    desk.fire("whale_trade", 310, symbol="B")
    assert roles(desk.step(310)) == [(Role.ALERT, 1)]  # at once: it was quiet for an interval


def test_who_waits_in_a_group_is_told_though_it_is_over() -> None:
    desk = Desk()
    desk.fire("whale_trade", 0, symbol="A")
    desk.step(0)
    of = desk.fire("whale_trade", 1, symbol="B")
    desk.step(1)
    desk.log.resolve("whale_trade", T0 + 2 * S, symbol="B")
    desk.step(2)
    (told,) = desk.step(6)
    assert (told.notice.role, told.notice.incidents) == (Role.ALERT, (of,))
    assert told.notice.resolved_ms == T0 + 2 * S
    assert desk.step(1_000) == []  # and nothing more is said of it


def test_a_group_is_resolved_when_all_of_it_is_over() -> None:
    desk = Desk()
    for i, symbol in enumerate("ABC"):
        desk.fire("whale_trade", i / S, symbol=symbol)
    (alone,) = desk.step(0.002)
    (folded,) = desk.step(6)
    desk.log.resolve("whale_trade", T0 + 10 * S, symbol="A")
    (ended,) = desk.step(10)
    assert (ended.notice.role, ended.notice.amends) == (Role.RESOLVED, alone.notice.id)
    assert ended.notice.title == "Resolved: A: whale trade"
    assert ended.notice.text == "whale_trade (it lasted 10 s)"
    assert ended.notice.resolved_ms == T0 + 10 * S
    desk.log.resolve("whale_trade", T0 + 11 * S, symbol="B")
    assert desk.step(11) == []
    (b,) = [row for each in desk.rows if (row := desk.row(each)).symbol == "B"]
    assert (b.suppressed_by, b.path[-1].reason) == ("group", f"grouped: 1 of notice {folded.notice.id} still hold")
    desk.restart(12)
    desk.log.resolve("whale_trade", T0 + 50_000 * S, symbol="C")
    (ended,) = desk.step(50_000)
    assert (ended.notice.amends, len(ended.notice.incidents)) == (folded.notice.id, 2)
    assert ended.notice.title == "Resolved: whale trade, all 2"
    assert all(row.notified and row.notified.resolved and row.suppressed_by is None for row in map(desk.row, desk.rows))


def test_an_outage_inhibits_its_symbols() -> None:
    desk = Desk()
    outage = desk.fire("stale_feed", 0, CRITICAL, symbol=None)
    kept = desk.fire("sudden_move", 0, symbol="A")
    brief = desk.fire("sudden_move", 0, symbol="B")
    market = desk.fire("liquidation_cascade", 0, symbol=None)
    elsewhere = desk.fire("sudden_move", 0, symbol="A", labels={"exchange": "okx"})
    found = desk.step(0)
    assert {each.notice.incidents for each in found} == {(outage,), (market,), (elsewhere,)}
    desk.log.resolve("sudden_move", T0 + 5 * S, symbol="B")
    assert desk.step(5) == []
    assert desk.why(brief)[2] is None  # over before it counted: never told
    desk.log.resolve("stale_feed", T0 + 9 * S)
    found = desk.step(9)
    assert {(each.notice.role, each.notice.incidents) for each in found} == {
        (Role.RESOLVED, (outage,)), (Role.ALERT, (kept,)),
    }  # fmt: skip


def test_a_silence_holds_until_it_ends_or_is_taken_back() -> None:
    patterns = [{"symbol": "B?C*"}, {"kind": "whale_trade", "severity": "info"}, {"severity": "inf*"}]
    for matcher in patterns:
        desk = Desk()
        desk.fire("whale_trade", 0, symbol="BTCUSDT")
        assert desk.step(0, [silence(matcher, 0, 60)]) == []
        assert desk.pipeline.next_ms == T0 + 60 * S
        assert desk.step(59, [silence(matcher, 0, 60)]) == []
        assert roles(desk.step(60, [silence(matcher, 0, 60)])) == [(Role.ALERT, 1)]
        other = Desk()
        other.fire("whale_trade", 0, symbol="BTCUSDT")
        other.step(0, [silence(matcher)])
        assert roles(other.step(1)) == [(Role.ALERT, 1)]
    for matcher in ({"symbol": "B?"}, {"symbol": "[B]TCUSDT"}, {"team": "*"}, {"severity": "warning"}):
        desk = Desk()
        desk.fire("whale_trade", 0, symbol="BTCUSDT")
        assert len(desk.step(0, [silence(matcher)])) == 1
        assert len(desk.step(1, [silence({"symbol": "*"}, 2)])) == 0


def test_a_restart_with_conditions_still_true_tells_nothing_again_and_new_ones_once() -> None:
    desk = Desk()
    true = [("whale_trade", "A"), ("whale_trade", "B"), ("sudden_move", "A"), ("book_wall", "C")]
    for kind, symbol in true:
        desk.fire(kind, 0, symbol=symbol)
    told = [desk.step(0), desk.step(5)]
    assert sum(map(len, told)) == 4
    desk.log.resolve("book_wall", T0 + 6 * S, symbol="C")
    desk.step(6)
    desk.restart(100)
    for kind, symbol in [*true, ("whale_trade", "D")]:  # the wall is back, and D is new
        desk.fire(kind, 101, symbol=symbol)
    found = [each for at in range(101, 400) for each in desk.step(at)]
    assert [(each.notice.role, each.notice.symbol) for each in found] == [(Role.ALERT, "D")]
    wall = desk.log.open()[-2]
    assert (wall.kind, wall.suppressed_by) == ("book_wall", "cooldown")
    assert roles(desk.step(43_200)) == [(Role.ALERT, 1)]  # the cooldown outlived the restart


def test_who_waited_at_a_restart_is_told_after_it() -> None:
    desk = Desk()
    desk.fire("whale_trade", 0, symbol="A")
    desk.step(0)
    desk.fire("whale_trade", 1, symbol="B")
    desk.step(1)
    desk.fire("book_wall", 1, symbol="Q")
    desk.step(1, [silence({"symbol": "Q"})])
    desk.restart(2)
    found = desk.step(2, [silence({"symbol": "Q"})])
    assert [each.notice.symbol for each in found] == ["B"]
    desk.restart(3)
    assert [each.notice.symbol for each in desk.step(3)] == ["Q"]


def test_what_was_committed_undecided_is_decided_after_a_restart() -> None:
    desk = Desk({"rises": Policy(change=0.5)})
    desk.fire("rises", 0, value=1.0)
    desk.fire("book_wall", 0, symbol="Q")
    desk.step(0)
    desk.fire("rises", 1, value=9.0)
    desk.log.resolve("book_wall", T0 + 1 * S, symbol="Q")
    desk.fire("whale_trade", 1)
    for incident in desk.log.take_changed():  # committed without a step
        desk.rows[incident.id] = msgspec.json.encode(incident)
    desk.restart(100)
    assert {each.notice.role for each in desk.step(100)} == {Role.UPDATE, Role.RESOLVED, Role.ALERT}
    desk.restart(200)
    assert desk.step(200) == []


def test_what_no_channel_takes_begins_no_cooldown() -> None:
    desk = Desk()
    for at in (0, 100):
        unheard = desk.fire("slow_task", at, symbol=None)
        assert desk.step(at) == []
        assert desk.why(unheard) == ("route", "unrouted: no channel takes info", None)
        desk.log.resolve("slow_task", T0 + (at + 1) * S)
        desk.step(at + 1)


def test_who_became_worse_at_the_end_of_a_silence_is_told_once() -> None:
    desk = Desk()
    desk.fire("whale_trade", 0)
    desk.step(0, [silence({"symbol": "X"}, 0, 60)])
    desk.fire("whale_trade", 60, WARNING)
    assert roles(desk.step(60)) == [(Role.ALERT, 1)]
    assert [desk.step(60 + at) for at in range(1, 100)] == [[]] * 99


def test_an_end_that_was_silenced_counts_once_the_silence_is_over_also_after_a_restart() -> None:
    desk = Desk()
    for i, symbol in enumerate("ABC"):
        desk.fire("whale_trade", i / S, symbol=symbol)
    desk.step(0.002)
    (folded,) = desk.step(6)
    desk.log.resolve("whale_trade", T0 + 10 * S, symbol="B")
    quiet = [silence({"symbol": "B"}, 0, 100)]
    desk.step(10, quiet)
    desk.restart(11)
    desk.log.resolve("whale_trade", T0 + 12 * S, symbol="C")
    assert [desk.step(at, quiet) for at in (12, 99)] == [[], []]
    (ended,) = desk.step(100, quiet)
    assert (ended.notice.amends, len(ended.notice.incidents)) == (folded.notice.id, 2)


def test_routes_by_scope_severity_and_policy() -> None:
    desk = Desk({"book_wall": Policy(channels=("ops",)), "mine": Policy(channels=("general", "other"))})
    for kind, severity, symbol, more in [
        ("whale_trade", INFO, "X", {}), ("slow_cycle", WARNING, None, {}), ("slow_task", INFO, None, {}),
        ("regime_change", INFO, None, {}), ("mute_topic", WARNING, "X", {"part": "t.X"}), ("book_wall", INFO, "X", {}),
        ("mine", INFO, None, {"labels": {"scope": "market"}}), ("mine2", WARNING, "X", {"labels": {"scope": "system"}}),
    ]:  # fmt: skip
        desk.fire(kind, 0, severity, symbol, **more)
    assert {each.notice.kind: each.channel for each in desk.step(0)} == {
        "whale_trade": "general", "slow_cycle": "ops", "regime_change": "general", "mute_topic": "ops",
        "book_wall": "ops",
        "mine": "general", "mine2": "ops",
    }  # fmt: skip
    assert [is_system(incident) for incident in desk.log.open()] == [False, True, True, False, True, False, False, True]


def test_deliveries_are_deterministic_expire_by_severity_and_bring_context() -> None:
    found = []
    for _ in range(2):
        desk = Desk(routes=[Route(channel="a"), Route(channel="b")])
        for severity, kind in ((INFO, "one"), (WARNING, "two"), (CRITICAL, "three")):
            desk.fire(kind, 0, severity)
        desk.fire("four", 0, symbol=None, part="redis")
        found.append(desk.step(0))
        assert desk.asked == ["X", "X", "X"]  # once a notice that has a symbol
    assert found[0] == found[1]
    assert [(each.expires_ms - each.created_ms) // 3_600_000 for each in found[0]] == [1, 1, 6, 6, 24, 24, 1, 1]
    for each in found[0]:
        assert each.id == delivery_id(each.notice.id, each.channel)
    assert [each.notice.title for each in found[0][::2]] == ["X: one", "X: two", "X: three", "Four: redis"]
    assert found[0][0].notice.context == Context(symbol="X", price=1.0)


def test_titles_are_short_whatever_the_symbol_is_called() -> None:
    desk = Desk()
    for name in ("@everyone" * 2_000, "B" * 10_000):
        desk.fire("whale_trade", 0, symbol=name)
    titles = [each.notice.title for at in (0, 5) for each in desk.step(at)]
    assert [len(title) for title in titles] == [200, 200]


def test_another_configuration_holds_from_now_on() -> None:
    desk = Desk()
    desk.pipeline.configure(PipelineSettings(ttl_ms=dict.fromkeys(Severity, 7)), [Route(channel="new")])
    desk.fire("whale_trade", 0)
    (delivery,) = desk.step(0)
    assert (delivery.channel, delivery.expires_ms - delivery.created_ms) == ("new", 7)


@pytest.mark.parametrize("count", [2, 3])
def test_two_symbols_are_no_move_of_the_market(count: int) -> None:
    desk = Desk()
    for i in range(count):
        desk.fire("sudden_move", i / S, symbol=f"S{i}", side="down")
    desk.step(0.002)
    (told,) = desk.step(6)
    assert told.notice.title == ("Market move down: led by S0, 2 follow" if count == 3 else "S1: sudden move")
