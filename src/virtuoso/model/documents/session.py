"""Documents that say who is logged in, and what they may do."""

import msgspec


class LogIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `/api/session` is sent to begin a session."""

    token: str
    """`web.token`, or `web.read_token` to look only."""


class SessionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/session`: whether a token is required, and what the one who asks may do."""

    required: bool
    """Whether a token is required here."""
    role: str | None
    """`operate`: may change something; `read`: may look only; `null`: must log in first."""
    until: str | None
    """When the session is over, ISO 8601 in UTC; `null` where there is none."""
