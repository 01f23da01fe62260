"""What is kept: signals, regime transitions, and what a restart continues from."""

from dataclasses import dataclass
from hashlib import blake2s
from typing import NamedTuple

import msgspec

from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.model.alerts.incident import Incident, Notified, Severity, Silence, Step
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Label

_LATEST_MS = 10**15


def record_id(exchange: str, symbol: str | None, at_ms: int, what: str) -> str:
    """The same for the same event whoever writes it, however often: 16 bytes in hex."""
    text = "|".join((exchange, "" if symbol is None else symbol, str(at_ms), what))
    return blake2s(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """A change of label at a base close that begins or ends a BUY or SELL; `None` is no label, unknown.

    Attributes:
        close_ms: close of the bar, epoch ms.
        score: 0–100.
        agreement: in [0, 1].
        confidence: of a BUY or SELL that begins, the probability that it pays, in [0, 1]; else `None`.
        expires_ms: when that ends at the latest, epoch ms; else `None`.
        price: of the last trade at the close, in quote units.
        why: the tree of reasons as JSON, as it was published.
        build: of the program that said it, known once it is kept; `None` of older programs.
    """

    exchange: str
    symbol: str
    close_ms: int
    label: Label | None
    before: Label | None
    score: float | None
    agreement: float | None
    price: float | None
    data_quality: DataQuality
    data_source: DataSource | None
    why: str | None = None
    confidence: float | None = None
    expires_ms: int | None = None
    build: str | None = None

    @property
    def id(self) -> str:
        """Deterministic: exchange, symbol, close and label."""
        return record_id(self.exchange, self.symbol, self.close_ms, self.label or "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRecord:
    """A change of regime at a base close, of a symbol or (`None`) of the market."""

    exchange: str
    symbol: str | None
    before: str
    after: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRecord:
    """What a restart continues from, under a name: a JSON text, and the base close it belongs to (epoch ms)."""

    key: str
    close_ms: int
    body: str


class Life(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Holds what is stored of an incident in one column, because nobody searches by it."""

    value: float | None = None
    pending_ms: int | None = None
    escalated_ms: int | None = None
    acknowledged_by: str | None = None
    notified: Notified | None = msgspec.field(default=None, name="told")
    path: tuple[Step, ...] = ()


class LivedKey(NamedTuple):
    """Which statements, and over which horizon what came of them; horizon 0 is what was said."""

    close_ms: int
    kind: str
    part: int
    horizon_min: int


class LivedRow(NamedTuple):
    """Statements, or what came of them, as `monitor.lived.codec` packs them."""

    key: LivedKey
    body: bytes


class LivedSums(NamedTuple):
    """The sums of a day (since 1970, UTC), as `monitor.lived.codec` packs them."""

    day: int
    kind: str
    horizon_min: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Lived:
    """What was lived and is to be kept; a row that is kept already stays as it is.

    Attributes:
        exchange: of which it is.
        rows: what was said, and what came of it.
        sums: of days that are over.
        before_ms: what was said before (epoch ms) is let go of; 0 lets go of nothing.
    """

    exchange: str
    rows: tuple[LivedRow, ...] = ()
    sums: tuple[LivedSums, ...] = ()
    before_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one cycle keeps, in one transaction. It may be repeated: nothing is kept twice."""

    signals: tuple[SignalRecord, ...] = ()
    transitions: tuple[TransitionRecord, ...] = ()
    incidents: tuple[Incident, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    state: tuple[StateRecord, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    lived: Lived | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since_ms` on and before `until_ms` (epoch ms, up to 10^15).

    Raises `ValueError` for a time that no calendar has.
    """

    since_ms: int | None = None
    until_ms: int | None = None

    def __post_init__(self) -> None:
        for name in ("since_ms", "until_ms"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= _LATEST_MS:
                raise ValueError(f"{name} is a time in ms since 1970, not {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFilter(Span):
    """Which signals are wanted, by their close."""

    exchange: str | None = None
    symbol: str | None = None
    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter(Span):
    """Which incidents are wanted, by when they fired.

    Attributes:
        severity: the least.
        state: `firing`, `resolved` or `expired`.
        monitor: identity of the monitor that keeps them.
    """

    kind: str | None = None
    symbol: str | None = None
    severity: Severity | None = None
    state: str | None = None
    monitor: str | None = None


@dataclass(frozen=True, slots=True)
class SignalPage:
    """Signals, newest first, the cursor of the next page (`None` = that was all), and what is wrong with other rows."""

    signals: tuple[SignalRecord, ...]
    cursor: str | None
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Incidents, newest first, the cursor of the next page (`None` = that was all), and what is wrong with others."""

    incidents: tuple[Incident, ...]
    cursor: str | None
    damaged: tuple[str, ...] = ()


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """Who took note of an incident, when (epoch ms), and what he says about it."""

    by: str
    at_ms: int
    comment: str = ""


class WrongTokens(msgspec.Struct, frozen=True):
    """How many wrong tokens came one after the other, from which address the last, and when (epoch ms)."""

    count: int = 0
    client: str = ""
    last_ms: int = 0


NO_WRONG_TOKENS = WrongTokens()


@dataclass(frozen=True, slots=True)
class AlertInputs:
    """What people said that a monitor must know: silences in force or to come, acknowledged open incidents by id.

    `wrong_tokens`: what strangers said to its webs in the last ten minutes; `rules`: those that were added, the oldest
    first; `damaged`: rows that cannot be read.
    """

    silences: tuple[Silence, ...]
    acknowledged: dict[str, Acknowledgement]
    wrong_tokens: WrongTokens = NO_WRONG_TOKENS
    rules: tuple[AddedRule, ...] = ()
    damaged: tuple[str, ...] = ()
