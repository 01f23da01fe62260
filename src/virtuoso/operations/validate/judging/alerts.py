"""The alert system: incidents of the window, the stages' accounts, the channels, and a test message."""

from typing import Any, Final

from virtuoso.model.alerts.kind import About
from virtuoso.model.catalogue.kinds import KINDS
from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.states import risen, rises_by_name, states
from virtuoso.operations.validate.judging.words import Judge, naming
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import ALERTS, PIPELINE, Samples, moment

_WAITS: Final = "limited"
"""State of a channel that sends nothing for a moment, because whoever takes its messages asked for it."""


def incidents(samples: Samples) -> list[dict[str, Any]]:
    """What fired in the window, or had before and still held in it."""
    return [item for item in samples.incidents.values() if _held(samples, item)]


def _held(samples: Samples, item: dict[str, Any]) -> bool:
    fired, ended = moment(item.get("timestamp")), moment(item.get("resolved_at"))
    if fired is None or fired > samples.ended_ms:
        return False
    over = item.get("resolved", True) if ended is None else ended < samples.began_ms
    return fired >= samples.began_ms or not over


def alerts(samples: Samples) -> Section:
    """Judge the alert system: its stages, its channels, and what it found."""
    judge, fired = Judge("Alert system"), incidents(samples)
    pipelines = samples.good(PIPELINE)
    _system(judge, fired, asked=bool(samples.good(ALERTS)))
    channels = pipelines[-1].body.get("channels") or [] if pipelines else []
    if pipelines:
        _accounts(judge, pipelines[-1].body)
        _channels(judge, [one.body.get("channels") or [] for one in pipelines])
    else:
        judge.unknown("every channel is up", f"{PIPELINE} gave no document")
    _test(judge, samples)
    kinds: dict[str, int] = {}
    for item in fired:
        kinds[str(item.get("alert_type"))] = kinds.get(str(item.get("alert_type")), 0) + 1
    rows = tuple(
        (kind, str(count), "system" if _of_system(kind) else "market") for kind, count in sorted(kinds.items())
    )
    channel_rows = tuple(
        (str(each.get("name")), str(each.get("state")), str(each.get("waiting", UNKNOWN)),
         str(each.get("dead", UNKNOWN)), str((each.get("counters") or {}).get("sent", UNKNOWN)))
        for each in channels
    )  # fmt: skip
    rose = risen(states(samples), "alerts", "fired")
    note = f"{number_text(rose)} fired by the status's own count; older ones than a page shows are not listed"
    return Section(
        title="Alert system",
        tables=(
            Table(title="Incidents of the window", columns=("kind", "how many", "about"), rows=rows, note=note),
            Table(title="Channels", columns=("channel", "state", "waiting", "dead", "sent"), rows=channel_rows),
        ),
        checks=tuple(judge.checks),
    )  # fmt: skip


def _of_system(kind: str) -> bool:
    known = KINDS.get(kind)
    return known is not None and known.about is About.SYSTEM


def _channels(judge: Judge, seen: list[list[dict[str, Any]]]) -> None:
    """Whether each channel took what it was given, whenever it was looked at."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for channel in (each for channels in seen for each in channels):
        by_name.setdefault(str(channel.get("name")), []).append(channel)
    down = [
        f"{name} was {state}: {error}" for name, told in by_name.items()
        for state, error in dict.fromkeys((str(one.get("state")), str(one.get("error"))) for one in told)
        if state not in {"up", _WAITS}
    ]  # fmt: skip
    waits = [
        f"{name} in {count} of {counted(len(told), 'sample')}" for name, told in by_name.items()
        if (count := sum(one.get("state") == _WAITS for one in told))
    ]  # fmt: skip
    judge.holds(
        "every channel is up", not down if by_name else None,
        naming(down) or naming(by_name) or "no channel is configured",
        "`virtuoso alerts test` says what a channel answers",
    )  # fmt: skip
    if waits:
        judge.observed("every channel sends at once", f"held back by its limit: {naming(waits)}")
    dead = {
        name: rose for name, told in by_name.items()
        if (rose := rises_by_name([one.get("counters") or {} for one in told]).get("dead"))
    }  # fmt: skip
    judge.holds(
        "no message is given up", not dead if by_name else None,
        naming(f"{name} will never take {number_text(rose)}" for name, rose in dead.items())
        or ("none was" if by_name else "no channel is configured"),
        "`virtuoso alerts deliveries` says which, and why",
    )  # fmt: skip


def _system(judge: Judge, fired: list[dict[str, Any]], *, asked: bool) -> None:
    """Incidents about the program itself: each is something wrong."""
    bad = [item for item in fired if _of_system(str(item.get("alert_type")))]
    grave = [item for item in bad if item.get("level") != "info"]
    if not asked:
        judge.unknown("it reports nothing wrong with itself", "no list of alerts came")
        return
    judge.holds(
        "it reports nothing wrong with itself", not grave,
        naming(map(_told, _each_kind_first(grave)))
        or f"{counted(len(fired), 'incident')} in the window, none about the program",
        "; ".join(dict.fromkeys(KINDS[str(item.get("alert_type"))].check for item in grave)),
    )  # fmt: skip
    if len(bad) > len(grave):
        judge.observed("it notes nothing of itself", naming(str(one.get("message")) for one in bad if one not in grave))


def _accounts(judge: Judge, body: dict[str, Any]) -> None:
    """Every incident that fires is judged: none is lost on the way to the first stage."""
    stages = [stage for stage in body.get("stages") or () if isinstance(stage, dict)]
    judged = (stages[0].get("passed") or 0) + (stages[0].get("withheld") or 0) if stages else 0
    judge.holds(
        "every incident is judged by the stages", judged >= (body.get("fired") or 0) if stages else None,
        f"{body.get('fired')} fired since the start, the first stage judged {judged}" if stages else "none is told of",
        "what fired and was not judged is lost: see the log",
    )  # fmt: skip


def _each_kind_first(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put one of each kind before the others: where there are many of one, those of another are named too."""
    first = {str(item.get("alert_type")): item for item in reversed(items)}
    return [*reversed(first.values()), *items]


def _told(item: dict[str, Any]) -> str:
    return f"{item.get('alert_type')} at {str(item.get('timestamp'))[11:19]}: {item.get('message')}"


def _test(judge: Judge, samples: Samples) -> None:
    sent = samples.run.test_alert
    if sent is None:
        judge.unknown("a test message arrives", "none was sent: --send-test-alert")
        return
    failed = [f"{name}: {why}" for name, why in sent.items() if why is not None]
    judge.holds(
        "a test message arrives", not failed if sent else None,
        naming(failed) or (f"accepted by {naming(sent)}" if sent else "no channel is configured"),
        "check address and token of the channel",
    )  # fmt: skip
