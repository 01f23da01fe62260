"""Many deliveries as one: what is said of a backlog. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2s
from itertools import takewhile

from msgspec.structs import replace

from virtuoso.model.alerts.notice import Delivery, Line, Notice, Role, delivery_id

MOST_LINES = 20
_MOST_KINDS = 15
KIND = "digest"


def foldable(backlog: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """The first of a backlog, up to one that goes by itself: a digest, or what may have been sent before.

    What may have been sent must be marked as a repeat, and only it; and nothing overtakes it.
    """
    return tuple(takewhile(lambda each: not each.repeat and each.notice.role is not Role.DIGEST, backlog))


def digest_of(members: Sequence[Delivery], now_ms: int) -> Delivery:
    """One delivery in place of these (at least one), which are of one channel and in order."""
    notices = [member.notice for member in members]
    lines = _lines(notices)
    incidents = tuple(dict.fromkeys(incident for notice in notices for incident in notice.incidents))
    identity = blake2s("|".join(["digest", *(member.id for member in members)]).encode(), digest_size=8).hexdigest()
    notice = Notice(
        id=identity,
        role=Role.DIGEST,
        severity=max((notice.severity for notice in notices), key=lambda severity: severity.rank),
        title=f"{len(members)} messages that could not be sent one by one",
        text=_text(notices),
        at_ms=now_ms,
        lines=tuple(lines),
        incidents=incidents,
        system=all(notice.system for notice in notices),
        kind=KIND,
    )
    channel = members[0].channel
    return Delivery(
        id=delivery_id(identity, channel),
        channel=channel,
        notice=notice,
        created_ms=members[0].created_ms,
        expires_ms=max(member.expires_ms for member in members),
    )


def _lines(notices: Sequence[Notice]) -> list[Line]:
    """The most severe, of these the oldest first. What was over in a later notice is over."""
    latest: dict[str, Line] = {}
    for notice in notices:
        for line in notice.lines:
            known = latest.get(line.id)
            if known is not None and known.resolved_ms is not None and line.resolved_ms is None:
                line = replace(line, resolved_ms=known.resolved_ms)
            latest[line.id] = line
    ordered = sorted(latest.values(), key=lambda line: (-line.severity.rank, line.fired_ms))
    return ordered[:MOST_LINES]


def _text(notices: Sequence[Notice]) -> str:
    """How many messages of which kind and severity, the most severe first, then the most frequent."""
    counts = Counter((notice.severity, notice.kind, notice.role is Role.RESOLVED) for notice in notices)
    ordered = sorted(counts.items(), key=lambda item: (-item[0][0].rank, -item[1], item[0][1], item[0][2]))
    lines = [
        f"{many} × {kind.replace('_', ' ')} ({'resolved, ' if over else ''}{severity})"
        for (severity, kind, over), many in ordered[:_MOST_KINDS]
    ]
    if len(ordered) > _MOST_KINDS:
        lines.append(f"{sum(many for _, many in ordered[_MOST_KINDS:])} more of other kinds")
    return "\n".join(lines)
