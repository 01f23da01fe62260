"""One signal as it may be shared: what was claimed, by what, and what came of it."""

from hashlib import sha256

import msgspec

from virtuoso.model.documents.signals import SignalChange


class SignalOutcomeItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of a claim over one horizon, from the open of the minute after its close."""

    horizon_min: int
    """How far ahead, minutes."""
    due: str
    """When it falls due, ISO 8601 in UTC."""
    entry: float | None
    """Open of the minute after the close, quote units; `null` with a `reason`."""
    closed: float | None
    """Return at the end, percent; `null` with a `reason`."""
    highest: float | None
    """Return at the highest high, percent; `null` with a `reason`."""
    lowest: float | None
    """Return at the lowest low, percent; `null` with a `reason`."""
    first: str | None
    """What was touched first: `stop`, `target`, or `neither`; `null` beyond 4h, without such levels, and with a
    `reason`."""
    net_bp: float | None
    """Log return on the claim's side after costs and the funding foreseen within the horizon, bp; `null` with a
    `reason`, or where the cost was not known."""
    reason: str | None = None
    """Why nothing is known of it: it is not due, not written yet, or its bars are missing; `null` otherwise."""


class SignalAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of a signal."""

    id: str
    """Identity of the incident: 16 hex digits."""
    alert_type: str
    """Its kind, such as `signal_change` or `pressure`."""
    message: str
    """What happened, in one sentence for people."""
    timestamp: str
    """When it fired, ISO 8601 in UTC."""
    link: str
    """Path of its page."""


class SignalDetail(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/signals/{id}`: a signal that is never edited, with what came of it."""

    said: SignalChange
    """What was said, as it is listed in `/api/signals`."""
    horizon_min: int | None
    """How long the claim is for, minutes; `null` of what is no claim."""
    build: str | None
    """Version of the program that said it, and a hash of its source files; `null` of signals kept by older programs."""
    hash: str
    """SHA-256 of what was said, 64 hex digits: of the JSON list without spaces of `id`, `exchange`, `symbol`,
    `timestamp`, `signal`, `before`, `price`, `score`, `agreement`, `confidence`, `expires_at`, `data_quality`,
    `data_source`, `why` and `build`."""
    link: str
    """Path of its page."""
    outcomes: tuple[SignalOutcomeItem, ...]
    """What came of a claim over each horizon, the nearest first; empty with a `reason`, as of what is no claim."""
    alerts: tuple[SignalAlert, ...] = ()
    """Incidents that name it, the newest first: that it began, and pressure while it stood; 20 at most."""
    reason: str | None = None
    """Why there are no outcomes: nothing is claimed, or what came is kept no longer, or was never settled here; or what
    of them is damaged; `null` otherwise."""


def hash_of(said: SignalChange, build: str | None) -> str:
    """The hash of what was said and of the build that said it: whatever is edited afterwards gives another one."""
    values = (
        said.id, said.exchange, said.symbol, said.timestamp, said.signal, said.before, said.price, said.score,
        said.agreement, said.confidence, said.expires_at, said.data_quality, said.data_source, said.why, build,
    )  # fmt: skip
    return sha256(msgspec.json.encode(values)).hexdigest()
