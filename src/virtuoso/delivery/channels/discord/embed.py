"""A notice as one Discord embed within all limits: title 256, description 4096, field value 1024, 6000 in total.

The parts have sizes of their own, which with a description cut to what is left add to less than 6000 UTF-16 units.
"""

from datetime import UTC, datetime
from typing import Any

from virtuoso.delivery.channels.discord.context import Field, fields_of
from virtuoso.delivery.channels.discord.text import fit, plain, units
from virtuoso.delivery.channels.plain import link_of, signal_link_of
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Line, Notice, Role

_TOTAL, _DESCRIPTION = 6000, 4096
_TITLE, _AUTHOR, _FOOTER, _TEXT, _LINE = 256, 160, 320, 1600, 200
_TAIL = 80
"""Kept for what follows the lines: how many more there are, and the words of the link."""
_LAST_SECOND = 253402300799
_LISTED = 20
_COLOURS = {Severity.INFO: 0x3498DB, Severity.WARNING: 0xF5A623, Severity.CRITICAL: 0xE5383B}
_RESOLVED, _DIGEST, _TEST = 0x2FB170, 0x8E6BD8, 0x95A5A6
_DOTS = {Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}
_REPEAT = "possible repeat"


def embed_of(notice: Notice, *, repeat: bool) -> dict[str, Any]:
    """The embed as Discord's API takes it. Pure."""
    title, cut = fit(notice.title, _TITLE - 25)
    cut_parts = [cut]
    embed: dict[str, Any] = {
        "author": {"name": _author(notice)},
        "title": (f"↻ {_REPEAT} · " if repeat else "") + (title or "Alert"),
        "color": _colour(notice),
        "timestamp": datetime.fromtimestamp(_second(notice.at_ms), UTC).isoformat(),
        "footer": {"text": _footer(notice, repeat=repeat)},
    }
    fields, cut = fields_of(notice.context) if notice.context is not None else ([], False)
    cut_parts.append(cut)
    fields.append(Field("State", _state(notice)))
    embed["fields"] = [field.document() for field in fields]
    left = _TOTAL - units(embed["author"]["name"]) - units(embed["title"]) - units(embed["footer"]["text"])
    left -= sum(units(field.name) + units(field.value) for field in fields)
    description = _description(notice, min(left, _DESCRIPTION), cut=any(cut_parts))
    if description:
        embed["description"] = description
    return embed


def _description(notice: Notice, limit: int, *, cut: bool) -> str:
    link, signal = link_of(notice), signal_link_of(notice)
    limit -= _TAIL + sum(len(each) + 15 for each in (link, signal) if each)
    text, text_cut = fit(notice.text, min(limit, _TEXT), lines=True)
    cut = cut or text_cut
    parts = [text] if text else []
    if len(notice.incidents) > 1 or len(notice.lines) > 1:
        listed, rest, lines_cut = _lines(notice, limit - units(text) - 2)
        parts.append("\n".join([*listed, *([f"**and {rest:,} more**"] if rest > 0 else [])]))
        cut = cut or lines_cut
    links = [f"[Cut to fit: read all of it]({link})" if cut else f"[Details]({link})"] if link else []
    links += [f"[The signal]({signal})"] if signal else []
    if links:
        parts.append(" · ".join(links))
    return "\n\n".join(part for part in parts if part)


def _lines(notice: Notice, limit: int) -> tuple[list[str], int, bool]:
    """The lines that fit, how many incidents they leave out, and whether anything was cut."""
    listed: list[str] = []
    cut = len(notice.lines) > _LISTED
    for line in notice.lines[:_LISTED]:
        text, line_cut = _line(line, over=notice.role is Role.RESOLVED)
        limit -= units(text) + 1
        if limit < 0:
            cut = True
            break
        listed.append(text)
        cut = cut or line_cut
    return listed, max(len(notice.incidents), len(notice.lines)) - len(listed), cut


def _line(line: Line, *, over: bool) -> tuple[str, bool]:
    message, cut = fit(line.message, _LINE)
    name, name_cut = fit(line.symbol or line.kind, 40)
    over = over or line.resolved_ms is not None
    named = message if name and message.startswith(name) else f"**{name}** {message}"
    return f"{'✅' if over else _DOTS[line.severity]} <t:{_second(line.fired_ms)}:T> {named}", cut or name_cut


def _author(notice: Notice) -> str:
    """What kind of thing it is, in words as well as in colour."""
    replay = notice.context.data_source if notice.context else notice.labels.get("data_source")
    parts = [
        f"{replay} data, not live".upper() if replay not in {None, "live"} else "",
        {Role.RESOLVED: "RESOLVED", Role.DIGEST: "DIGEST", Role.TEST: "TEST"}.get(notice.role, ""),
        notice.severity.upper(),
        "update" if notice.role is Role.UPDATE else "",
        notice.kind.replace("_", " "),
        notice.symbol or "",
        notice.labels.get("exchange", ""),
    ]
    shown = (fit(part, 44, plain)[0] for part in parts)
    return fit(" · ".join(part for part in shown if part), _AUTHOR, plain)[0]


def _footer(notice: Notice, *, repeat: bool) -> str:
    ids = [fit(one, 40, plain)[0] for one in notice.incidents[:3]]
    more = len(notice.incidents) - len(ids)
    incidents = f"incident{'s' if len(notice.incidents) > 1 else ''} {', '.join(ids)}" if ids else ""
    parts = [
        f"{_REPEAT}: it may have been sent before" if repeat else "",
        fit(notice.kind, 60, plain)[0],
        incidents + (f" and {more:,} more" if more > 0 else ""),
    ]
    return fit(" · ".join(part for part in parts if part), _FOOTER, plain)[0] or "virtuoso"


def _state(notice: Notice) -> str:
    fired_ms = min((line.fired_ms for line in notice.lines), default=notice.at_ms)
    since = f"<t:{_second(fired_ms)}:f>"
    if notice.role is Role.RESOLVED:
        over_ms = notice.resolved_ms if notice.resolved_ms is not None else notice.at_ms
        return f"Over <t:{_second(over_ms)}:R>, after {_duration(over_ms - fired_ms)} · fired {since}"
    if notice.role is Role.DIGEST:
        return f"{len(notice.incidents):,} alerts that could not be sent one by one, the first from {since}"
    if notice.role is Role.TEST:
        return f"Sent <t:{_second(notice.at_ms)}:R>"
    return f"Fired <t:{_second(fired_ms)}:R> · {since}"


def _colour(notice: Notice) -> int:
    by_role = {Role.RESOLVED: _RESOLVED, Role.DIGEST: _DIGEST, Role.TEST: _TEST}
    return by_role.get(notice.role, _COLOURS[notice.severity])


def _second(ms: int) -> int:
    return min(max(0, ms // 1000), _LAST_SECOND)


def _duration(ms: int) -> str:
    seconds = max(0, ms) // 1000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    hours, minutes = divmod(min(seconds, _LAST_SECOND) // 60, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24:,} days"
