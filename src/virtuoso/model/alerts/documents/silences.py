"""Documents of silences: the list, and making one."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from virtuoso.model.alerts.documents.texts import Matcher, Person, Reason
from virtuoso.model.alerts.incident import Silence
from virtuoso.model.clock import iso

_YEAR_S: Final = 31_536_000


class NewSilence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Withhold incidents that match, for a while; they are recorded all the same."""

    matcher: Matcher
    """Patterns by label (`kind`, `symbol` …) or `severity`, with `*` and `?` as in file names; all must match. 1–20 of
    them."""
    duration_s: Annotated[float, Meta(ge=1, le=_YEAR_S)]
    """How long it withholds, seconds, up to a year."""
    author: Person
    """Who makes it: a name, 100 characters at most."""
    comment: Reason
    """Why it is made, 1000 characters at most."""
    starts_in_s: Annotated[float, Meta(ge=0, le=_YEAR_S)] = 0.0
    """How long from now it begins, seconds, up to a year."""


class SilenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """One silence: what it withholds, from when to when."""

    id: str
    """Identity of the silence: 16 hex digits."""
    state: str
    """How far it is: `coming`, `active` or `over`."""
    matcher: dict[str, str]
    """Patterns by label or `severity`, with `*` and `?`; incidents that match all are withheld."""
    starts_at: str
    """From when it withholds, ISO 8601 in UTC."""
    ends_at: str
    """Until when it withholds, ISO 8601 in UTC."""
    created_at: str
    """When it was made, ISO 8601 in UTC."""
    author: str
    """Who made it, by name."""
    comment: str
    """Why it was made, in his words."""


class Silences(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/silences`: those in force or to come, and if asked for those that are over."""

    silences: tuple[SilenceItem, ...]
    """The silences, the last to end first."""
    reason: str | None = None
    """Why there is nothing: no database is kept, or it does not answer; `null` otherwise."""


def silence_of(silence: Silence, now_ms: int) -> SilenceItem:
    """A silence as the API lists it at `now_ms` (epoch ms)."""
    state = "over" if silence.ends_ms <= now_ms else "active" if silence.starts_ms <= now_ms else "coming"
    return SilenceItem(
        id=silence.id,
        state=state,
        matcher=silence.matcher,
        starts_at=iso(silence.starts_ms) or "",
        ends_at=iso(silence.ends_ms) or "",
        created_at=iso(silence.created_ms) or "",
        author=silence.author,
        comment=silence.comment,
    )
