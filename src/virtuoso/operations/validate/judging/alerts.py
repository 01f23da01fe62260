"""The alert system: incidents of the window, the stages' accounts, the channels, and a test message."""

from typing import Any, Final

from virtuoso.model.alerts.kind import About
from virtuoso.model.catalogue.kinds import KINDS
from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.states import risen, states
from virtuoso.operations.validate.judging.words import Judge, naming
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import ALERTS, PIPELINE, Samples, moment

_RECENT: Final = "/api/alerts/recent"


def incidents(samples: Samples) -> dict[str, dict[str, Any]]:
    """What fired in the window, by id, as it was said last."""
    found: dict[str, dict[str, Any]] = {}
    for path in (ALERTS, _RECENT):
        for one in samples.good(path):
            items = one.body.get("alerts") if isinstance(one.body, dict) else one.body
            for item in items if isinstance(items, list) else ():
                fired = moment(item.get("timestamp"))
                if fired is not None and samples.began_ms <= fired <= samples.ended_ms:
                    found[str(item.get("id"))] = item
    return found


def alerts(samples: Samples) -> Section:
    """Judge the alert system: its stages, its channels, and what it found."""
    judge, fired = Judge("Alert system"), incidents(samples)
    pipelines = samples.good(PIPELINE)
    _system(judge, fired, asked=bool(samples.good(ALERTS)))
    channels = pipelines[-1].body.get("channels") or [] if pipelines else []
    if pipelines:
        _accounts(judge, pipelines[-1].body)
        down = [f"{each.get('name')} is {each.get('state')}: {each.get('error')}" for each in channels
                if each.get("state") != "up"]  # fmt: skip
        judge.holds(
            "every channel is up", not down if channels else None,
            naming(down) or naming(str(each.get("name")) for each in channels) or "no channel is configured",
            "`virtuoso alerts test` says what a channel answers",
        )  # fmt: skip
    else:
        judge.unknown("every channel is up", f"{PIPELINE} gave no document")
    _test(judge, samples)
    kinds: dict[str, int] = {}
    for item in fired.values():
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


def _system(judge: Judge, fired: dict[str, dict[str, Any]], *, asked: bool) -> None:
    """Incidents about the program itself: each is something wrong."""
    bad = [item for item in fired.values() if _of_system(str(item.get("alert_type")))]
    grave = [item for item in bad if item.get("level") != "info"]
    if not asked:
        judge.unknown("it reports nothing wrong with itself", "no list of alerts came")
        return
    judge.holds(
        "it reports nothing wrong with itself", not grave,
        naming(map(_told, grave)) or f"{counted(len(fired), 'incident')} in the window, none about the program",
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
