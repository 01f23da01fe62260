"""Writes notices in plain words. The incidents that one is about come the most severe first."""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2s

from msgspec.structs import replace

from virtuoso.alerts.incidents import ENDED_BY
from virtuoso.alerts.labels import is_system
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.notice import Context, Line, Notice, Role
from virtuoso.model.catalogue.kinds import KINDS

_MOST_TITLE = 200
_MOST_LINES = 20
_MOST_KINDS = 15
DIGEST = "digest"
"""What stands for the kind of a notice that is of many."""
_MARKET_LED = 3
"""Moves of so many symbols at once are a move of the market."""
Contexts = Callable[[Incident], Context | None]


def no_context(_incident: Incident) -> None:
    """Return no context (`None`): the default where nothing but the incident itself is known."""


def alert(incident: Incident, now_ms: int, context: Contexts) -> Notice:
    """Write of one incident that it fired, or, when people were notified of it before, what became worse."""
    title, role = _title(incident), Role.ALERT
    if incident.notified is not None:
        role = Role.UPDATE
        escalated = incident.severity.rank > incident.notified.severity.rank
        title = f"{title}, now {incident.severity}" if escalated else f"{title}, larger"
    return _notice(role, (incident,), title, _beside(title, incident), now_ms, context)


def folded(
    leader: Incident, members: Sequence[Incident], now_ms: int, context: Contexts, amends: str | None = None
) -> Notice:
    """Write of several that follow a leader, which is among them without a notification yet, or in its own message.

    With `amends` it takes the place of that message and interrupts nobody.
    """
    followers = len(members) - (leader.id in {member.id for member in members})
    led = leader.symbol or leader.part or "one before"
    side = leader.labels.get("side")
    if leader.kind == "sudden_move" and len({member.symbol for member in (leader, *members)}) >= _MARKET_LED:
        what = f"Market move {side}" if side else "Market move"
    else:
        what = f"{_words(leader)} ({side})" if side else _words(leader)
    title = f"{what}: led by {led}, {followers} follow"
    text = f"{followers} after {led}: {_beside(led, leader)}"
    return _notice(Role.GROUP, members, title, text, now_ms, context, amends, quiet=amends is not None)


def digest(members: Sequence[Incident], now_ms: int) -> Notice:
    """Write a digest of what was not worth a message of its own: how many of which kind, and the first of them."""
    counts = Counter((member.severity, member.kind) for member in members)
    ordered = sorted(counts.items(), key=lambda item: (-item[0][0].rank, -item[1], item[0][1]))
    lines = [f"{many} × {kind.replace('_', ' ')} ({severity})" for (severity, kind), many in ordered[:_MOST_KINDS]]
    if len(ordered) > _MOST_KINDS:
        lines.append(f"{sum(many for _, many in ordered[_MOST_KINDS:])} more of other kinds")
    title = f"Digest: {len(members)} that did not interrupt"
    made = _notice(Role.DIGEST, members, title, "\n".join(lines), now_ms, no_context)
    return replace(made, kind=DIGEST, symbol=None, charted=None, labels={})


def over(members: Sequence[Incident], amends: str | None, now_ms: int, context: Contexts) -> Notice:
    """Write that all incidents of an earlier notice are over."""
    expired = all(member.ending == "expired" for member in members)
    first = members[0]
    why = first.details.get(ENDED_BY) if expired else None
    said = "Resolved" if not expired else "No longer watched" if why is None else "No longer known"
    if len(members) == 1:
        title = f"{said}: {_title(first)}"
        seconds = ((first.resolved_ms or first.fired_ms) - first.fired_ms) // 1_000
        text = f"{_beside(title, first)} ({'watched' if expired else 'it lasted'} {seconds:,} s)"
        text += "" if why is None else f"; {why}"
    else:
        title = f"{said}: {_words(first).lower()}, all {len(members)}"
        text = f"{_beside(title, first)} (and {len(members) - 1} more)"
    return _notice(Role.RESOLVED, members, title, text, now_ms, context, amends)


def _notice(
    role: Role,
    members: Sequence[Incident],
    title: str,
    text: str,
    now_ms: int,
    context: Contexts,
    amends: str | None = None,
    *,
    quiet: bool = False,
) -> Notice:
    first = members[0]
    ended = [member.resolved_ms for member in members if member.resolved_ms is not None]
    alone = len(members) == 1
    return Notice(
        id=_id(role, members),
        role=role,
        severity=first.severity,
        title=title if len(title) <= _MOST_TITLE else title[: _MOST_TITLE - 1] + "…",
        text=text,
        at_ms=now_ms,
        lines=tuple(_line(member) for member in members[:_MOST_LINES]),
        incidents=tuple(member.id for member in members),
        system=is_system(first),
        kind=first.kind,
        symbol=first.symbol,
        charted=first.symbol or _leader(first),
        labels=first.labels if alone else _common(first),
        context=None if first.symbol is None else context(first),
        amends=amends,
        resolved_ms=max(ended) if len(ended) == len(members) else None,
        quiet=quiet,
    )


def _id(role: Role, members: Sequence[Incident]) -> str:
    """Make an id: the same for the same role and incidents, and what became of those with an earlier notification."""
    said = [each.id if each.notified is None else f"{each.id} {each.severity} {each.value}" for each in members]
    return blake2s("|".join([role.value, *said]).encode(), digest_size=8).hexdigest()


def _leader(incident: Incident) -> str | None:
    """Return the symbol that leads an incident of the market; `None` where none does."""
    leader = incident.details.get("leader")
    return leader if isinstance(leader, str) else None


def _common(incident: Incident) -> dict[str, str]:
    """Return the labels that all of a group have."""
    labels = incident.labels
    return {name: labels[name] for name in ("kind", "exchange", "side") if name in labels}


def _title(incident: Incident) -> str:
    if incident.symbol is not None:
        return f"{incident.symbol}: {_words(incident).lower()}"
    named = incident.part is None or incident.part in incident.message
    return _words(incident) if named else f"{_words(incident)}: {incident.part}"


def _beside(title: str, incident: Incident) -> str:
    """Cut from a message what it begins with where the title beside it says that: a symbol, the name of a rule.

    Of a sentence that the user wrote nothing is left out.
    """
    text, said = incident.message, title.lower().replace(_words(incident).lower(), incident.kind.lower())
    ends = {":", " "} if incident.kind in KINDS else {":"}
    for name in (incident.symbol, incident.part, incident.kind):
        if name and name.lower() in said:
            bare = text.removeprefix("the ")
            rest = bare.removeprefix(name)
            if rest != bare and rest[:1] in ends and rest[1:].strip():
                text = rest[1:].strip()
    return text


def _words(incident: Incident) -> str:
    return incident.kind.replace("_", " ").capitalize()


def _line(incident: Incident) -> Line:
    return Line(
        id=incident.id, kind=incident.kind, severity=incident.severity, message=incident.message,
        fired_ms=incident.fired_ms, symbol=incident.symbol, resolved_ms=incident.resolved_ms,
    )  # fmt: skip
