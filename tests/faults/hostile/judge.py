"""Live through a case with a subject and hold it to what must be: no statement served is untrue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.faults.hostile.case import Case, Subject
from tests.faults.hostile.odd import Edit
from tests.faults.hostile.oracle import Doubts, epoch_s
from tests.faults.hostile.seen import Seen
from tests.faults.hostile.told import REFUSED

_LOOK_S = 0.5
_MOST_REQUESTS_A_S = 12.0
_MOST_GROWN = 2.0
_WITHIN_S = 13.0
"""After the first frame that the fault touches (a price and trades may stand still for a while), or the cut."""


_MOVED_WITHIN_S, _ASIDE = 120.0, 0.0005
_TOLD_S, _MOST_QUIET_S = 9.0, 120.0
_STAYS_S = 4.0
"""How long a fault goes on after all that was awaited was told: nothing else may be told, and nobody else be hit."""
_MINUTE_S, _SPOILT_S, _CLOSED_S = 60.0, 12.0, 10.0
"""Of the minute that closes while a fault lasts: how much of it is spoilt at least, and when its close is over."""


@dataclass
class Story:
    """What was seen before, during and after a fault."""

    case: Case
    subject: Subject
    before: Seen
    during: list[Seen] = field(default_factory=list)
    after: Seen | None = None
    true: set[str] = field(default_factory=set)
    """What was told of the victims' markets and is so, by id."""
    told_s: float | None = None
    """How long the fault had lasted when all incidents of the case had been told."""

    def __post_init__(self) -> None:
        """What was told before is not of the fault."""
        for victim in self.case.victims:
            self.true |= self.before.of_the_market(victim).keys()

    def fired(self, seen: Seen | None = None) -> dict[str, list[Any]]:
        """Incidents since it began, by kind."""
        found: dict[str, list[Any]] = {}
        for key, alert in (seen or self.after or self.during[-1]).incidents().items():
            if key not in self.before.incidents():
                found.setdefault(alert["alert_type"], []).append(alert)
        return found

    def bars(self, symbol: str) -> tuple[dict[int, Any], dict[int, Any]]:
        """Closed minutes since it began, by their open: as held, and as the exchange has them."""
        return self.subject.bars(symbol, self.before.at_s)


def calm(subject: Subject, seconds: float = 60.0) -> Seen:
    """Wait for good weather."""
    until = subject.now_s() + seconds
    while True:
        seen = subject.seen()
        spoilt = [topic for topic in subject.proxy.truth.spoilt_s if not topic.startswith("allLiquidation")]
        if not seen.not_live and not seen.open() and seen.healthy and seen.symbols and not spoilt:
            return seen
        assert subject.now_s() < until, f"no good weather: {_why(seen)}"
        subject.wait(_LOOK_S)


def live_through(case: Case, subject: Subject) -> Story:
    """The fault from its beginning to good weather; every look is held against the truth."""
    story, doubts = Story(case, subject, calm(subject)), Doubts(subject, blind=case.blind)
    requests, peak, idle = subject.proxy.requests_made, 0, subject.memory()
    began_s = subject.now_s()
    subject.proxy.truth.struck()
    subject.edit(case.edit())
    if case.cut:
        subject.cut()
    while _goes_on(story, began_s):
        subject.wait(_LOOK_S)
        story.during.append(seen := subject.seen())
        peak = max(peak, subject.memory())
        doubts.hold_true(seen)
        _hold_apart(seen, story, began_s)
    _judge_fault(story)
    asked = subject.proxy.requests_made - requests
    lasted_s = subject.now_s() - began_s
    assert asked <= _MOST_REQUESTS_A_S * lasted_s, f"{asked} REST requests in {lasted_s:.0f} s"
    if not case.lasting:
        subject.edit(Edit())
    story.after = _recovered(story, doubts)
    if case.check is not None:
        case.check(story)
    assert peak < _MOST_GROWN * idle, f"{peak >> 20} MiB were held, {idle >> 20} before"
    return story


def _goes_on(story: Story, began_s: float) -> bool:
    """Whether all that the case is about has not happened yet."""
    case, lasted_s = story.case, story.subject.now_s() - began_s
    if case.minute:
        first_s = epoch_s(story.before.status["timestamp"]) + _SPOILT_S
        closes_s = -first_s % _MINUTE_S + _SPOILT_S
        if lasted_s < closes_s + _CLOSED_S:
            return True
    if story.told_s is None and story.during and story.fired().keys() >= case.incidents.keys():
        story.told_s = lasted_s
    awaited_s = case.awaited if story.told_s is None else min(case.awaited, story.told_s + _STAYS_S)
    return lasted_s < max(case.seconds, awaited_s) or not _was_seen(story, began_s)


def _was_seen(story: Story, began_s: float) -> bool:
    """Whether the fault touched enough to be told of, in time: a symbol may not trade for a minute."""
    enough_s, now_s = story.subject.proxy.truth.enough_s, story.subject.now_s()
    if REFUSED not in story.case.incidents or REFUSED in story.fired() or now_s - began_s > _MOST_QUIET_S:
        return True
    return enough_s is not None and now_s - enough_s > _TOLD_S


def _judge_fault(story: Story) -> None:
    case, last = story.case, story.during[-1]
    missed = {name for name, row in last.topics.items() if case.is_hit(name) and row["data_quality"] == "live"}
    missed = {name for name in missed if last.topics[name]["polled_s"] is None}
    assert not missed, f"still called live: {sorted(missed)}"
    fired = {kind: len(found) for kind, found in story.fired().items() if case.counts(kind)}
    assert fired == dict(case.incidents), f"incidents {fired}: {_texts(story)}"
    assert case.healthy in (None, last.healthy), f"health: {last.health}"
    assert set(last.symbols) == case.universe(set(story.before.symbols)), f"watched: {sorted(last.symbols)}"


def _recovered(story: Story, doubts: Doubts) -> Seen:
    case, subject = story.case, story.subject
    until = subject.now_s() + case.recover
    while True:
        subject.wait(_LOOK_S)
        seen = subject.seen()
        # What was spoilt is not made good by the end of the fault, but by the next true frame.
        doubts.hold_true(seen)
        if not seen.not_live and not seen.open() and seen.healthy:
            break
        assert subject.now_s() < until, f"not recovered within {case.recover} s: {_why(seen)}"
    fired = {kind: len(found) for kind, found in story.fired(seen).items() if case.counts(kind)}
    assert fired == dict(case.incidents), f"incidents after it: {fired}: {_texts(story)}"
    return seen


def _hold_apart(seen: Seen, story: Story, began_s: float) -> None:
    """Nothing else changes, and what is hit shows it in time."""
    case, after_s = story.case, seen.at_s - began_s
    others = {
        name: row for name, row in seen.topics.items()
        if row["data_quality"] not in story.subject.tolerated and not case.may_be_hit(name)
    }  # fmt: skip
    assert not others, f"after {after_s:.1f} s not live though not hit: {others}: {_why(seen)}"
    # One that is not subscribed to says nothing; else it is true until a frame comes that the fault touches.
    hit_s, begun_s = story.subject.proxy.truth.hit_s, began_s if case.cut else seen.at_s
    late = {
        name for name, row in seen.topics.items()
        if case.is_hit(name) and row["data_quality"] == "live" and row["polled_s"] is None
        and seen.at_s - hit_s.get(name, begun_s) > _WITHIN_S
    }  # fmt: skip
    assert not late, f"after {after_s:.1f} s live: {sorted(late)}"
    assert seen.status["cycle"]["failures"] == story.before.status["cycle"]["failures"], seen.status["cycle"]
    assert set(seen.status["tasks"].values()) <= {"running"}, seen.status["tasks"]
    for victim in case.victims:
        told = {key: alert for key, alert in seen.of_the_market(victim).items() if key not in story.true}
        untrue = [alert["message"] for alert in told.values() if not _is_so(alert, seen, story)]
        assert not untrue, f"told of the market: {untrue}"
        story.true |= told.keys()


def _is_so(alert: Mapping[str, Any], seen: Seen, story: Story) -> bool:
    """Whether the market itself did what is told of it: it may move while a fault lasts.

    A score may reach its band then, too, where nothing that the fault made streams of the symbol say was believed: one
    frame that is makes its topic live, which is held against those that must not be.
    """
    subject = story.subject
    if alert["alert_type"] == "pressure":
        untrue = {topic for topic in subject.proxy.truth.untrue if topic.endswith(f".{alert['symbol']}")}
        return all(story.case.is_hit(topic) for topic in untrue)
    if alert["alert_type"] != "sudden_move":
        return False
    told, truth = alert["details"], subject.proxy.truth
    least, most = truth.band(alert["symbol"], subject.now_s() - _MOVED_WITHIN_S) or (inf, -inf)
    prices = [told["to"], *([told["from"]] if told.get("seconds", inf) < _MOVED_WITHIN_S else [])]
    return all(least * (1 - _ASIDE) <= price <= most * (1 + _ASIDE) for price in prices)


def _texts(story: Story) -> list[str]:
    return [alert["message"] for found in story.fired().values() for alert in found]


def _why(seen: Seen) -> str:
    told = [(a["alert_type"], a["message"]) for a in seen.incidents().values() if not a["resolved"]]
    mute = {name: {k: v for k, v in row.items() if k != "refusals"} for name, row in seen.topics.items() if row["mute"]}
    health = seen.health["status"], seen.health["reasons"]
    return f"not live {sorted(seen.not_live)[:8]}, mute {mute}, open {told}, health {health}"
