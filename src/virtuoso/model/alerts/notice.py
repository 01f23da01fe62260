"""Notices: what is said about incidents, whatever the channel; and their deliveries, one for each channel."""

from enum import StrEnum
from hashlib import blake2s

import msgspec

from virtuoso.model.alerts.incident import Severity
from virtuoso.model.text.numbers import PLAIN, Denomination


class Role(StrEnum):
    """The reason why a notice is sent."""

    ALERT = "alert"  # one incident fired
    UPDATE = "update"  # it escalated, or changed materially
    GROUP = "group"  # several that fired, folded
    RESOLVED = "resolved"  # all incidents of an earlier notice are over: it is edited, or this is sent
    DIGEST = "digest"  # what was not worth a message of its own, or could not be sent one by one
    TEST = "test"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in the list of a notice."""

    id: str
    kind: str
    severity: Severity
    message: str
    fired_ms: int
    symbol: str | None = None
    resolved_ms: int | None = None


class FactorScore(msgspec.Struct, frozen=True):
    """One factor's part: score 0–100 (`None` = no data), weight in [0, 1]."""

    name: str
    score: float | None
    weight: float


class PriceLevel(msgspec.Struct, frozen=True):
    """A price that matters, and what it is: support, resistance, entry and so on."""

    name: str
    price: float


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a symbol at the time: for people who must decide. `None` is unknown.

    Units: prices in the quote coin, `spread_bp` and `slippage_bp` (of an entry of the configured size) in basis
    points, `score` 0–100, `agreement` in [0, 1].
    """

    symbol: str
    price: float | None = None
    signal: str | None = None
    score: float | None = None
    agreement: float | None = None
    regime: str | None = None
    factors: tuple[FactorScore, ...] = ()
    why: tuple[str, ...] = ()
    spread_bp: float | None = None
    slippage_bp: float | None = None
    levels: tuple[PriceLevel, ...] = ()
    data_quality: str | None = None
    data_source: str | None = None
    denomination: Denomination = PLAIN


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is said. Texts are plain, with nothing escaped: each channel makes them inert in its own way.

    Attributes:
        id: deterministic from what it is about.
        lines: the incidents it names, the leader first; at most 20.
        incidents: ids of all incidents it is about, those not named included.
        amends: id of the notice that this one replaces or completes where a channel can edit.
        system: about the program and its surroundings, not the market.
        charted: the symbol whose chart goes with it: its own, or the one that leads where it is about the market.
        link: address of the page of its incident; `None` where there is no `public_url`.
        signal_link: address of the page of the signal that its leader is of; `None` where it is of none.
        quiet: it only brings up to date what it amends: where that cannot be edited, it is left out.
    """

    id: str
    role: Role
    severity: Severity
    title: str
    text: str
    at_ms: int
    lines: tuple[Line, ...]
    incidents: tuple[str, ...]
    system: bool
    kind: str
    symbol: str | None = None
    charted: str | None = None
    labels: dict[str, str] = {}
    context: Context | None = None
    amends: str | None = None
    resolved_ms: int | None = None
    link: str | None = None
    signal_link: str | None = None
    quiet: bool = False

    @property
    def more(self) -> int:
        """How many incidents it is about but does not name."""
        return len(self.incidents) - len(self.lines)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One notice for one channel, as it stands in the outbox.

    Attributes:
        id: `delivery_id`: the same for the same notice and channel.
        state: waiting → sending → sent; or folded (into the digest `folded_into`), dead (`error` says why), expired.
        expires_ms: after which it is not worth sending (epoch ms).
        ref: what the channel knows the sent message by.
        repeat: it may have been sent before: a process ended while it was in flight.
        sequence: the order within the outbox; `None` until it is kept.
    """

    id: str
    channel: str
    notice: Notice
    created_ms: int
    expires_ms: int
    state: str = "waiting"
    attempts: int = 0
    ref: str | None = None
    error: str | None = None
    repeat: bool = False
    folded_into: str | None = None
    sequence: int | None = None


def delivery_id(notice: str, channel: str) -> str:
    """Return the id of the delivery of a notice on a channel: 16 bytes in hex, always the same for the two."""
    return blake2s(f"{notice}|{channel}".encode(), digest_size=16).hexdigest()


class Candles(msgspec.Struct, frozen=True):
    """Closed bars, oldest first: open times (epoch ms), prices, and volume in the base coin, empty if it is unknown."""

    timeframe: str
    open_ms: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...] = ()
