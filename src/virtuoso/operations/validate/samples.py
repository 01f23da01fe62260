"""What a validation has seen: the lines of its raw samples, and what was stated about the same time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

FORMAT: Final = 1

STATUS: Final = "/api/monitoring/status"
OVERVIEW: Final = "/api/market/overview"
DASHBOARD: Final = "/api/dashboard/data"
SIGNALS: Final = "/api/signals/top"
SYMBOLS: Final = "/api/symbols"
HEALTH: Final = "/health"
ALERTS: Final = "/api/alerts"
RECENT: Final = "/api/alerts/recent"
PIPELINE: Final = "/api/alerts/pipeline"
PERFORMANCE: Final = "/api/signals/performance"
STREAM: Final = "/api/stream"
BOOK: Final = "/api/symbols/{symbol}/book"


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer as it came, a line of a file of samples.

    Attributes:
        at: when the answer was complete by the clock of the one who asks, ISO 8601 in UTC.
        path: what was asked for, with its parameters.
        took_ms: how long the answer took; `None` is not known.
        status: the HTTP status; `None` where no answer came, and `error` says why.
        kind: the media type of the answer.
        source: what the answer announces to come from (`X-Virtuoso-Source`).
        size: bytes of the body.
        body: the body where it is JSON; of a stream its first event.
    """

    at: str
    path: str
    took_ms: float | None = None
    status: int | None = None
    error: str | None = None
    kind: str | None = None
    source: str | None = None
    size: int | None = None
    body: Any = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One documented operation: how it is asked, or why it is not."""

    method: str
    path: str
    asked: str | None = None
    """The request that stands for it; `None` where there is nothing to ask for, as `reason` says."""
    reason: str | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one validation was asked to do, and when it did it."""

    format: int = FORMAT
    url: str
    began: str
    ended: str
    window_s: float | None
    """Length of the window that was wanted, seconds; `None` where somebody else measured."""
    partial: bool = False
    """Whether it was ended before the window was over."""
    by: str = ""
    """The build that sampled."""
    here: bool = False
    """Whether the deployment runs on the machine that sampled: its processes are its own to see."""
    log: str | None = None
    """Why there is no log; `None` where `log.txt` holds it."""
    log_lines: int = 0
    """Lines that were written in the window, those beyond what is kept included."""
    log_gaps: tuple[str, ...] = ()
    """Why lines that were written in the window are not known."""
    exchange: str | None = None
    """Why the exchange was not asked; `None` where it was."""
    test_alert: dict[str, str | None] | None = None
    """By channel, why it did not take the test message; `None` where none was sent."""
    configured: dict[str, Any] | None = None
    """What the configuration says, by key; `None` where none was given."""


class ProcessItem(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the deployment, as it was seen at one moment."""

    pid: int
    name: str
    role: str
    """`monitor`, `web`, `exchange`, `helper`, or of a store's server what the status calls the store: `redis`, …"""
    uptime_s: float | None = None
    cpu_pct: float | None = None
    """Share of one processor since it was seen before."""
    memory_mb: float | None = None
    memory_pct: float | None = None
    unit: str | None = None
    """The systemd unit that it belongs to; `None` where it belongs to none."""
    listens: tuple[str, ...] | None = None
    """Addresses on which it takes connections, as host:port; `None` where that could not be seen."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that samples, which is the deployment's where `Run.here` is true."""

    processors: int
    load: float
    """Processes that ran or waited for a processor, the mean of a minute."""
    memory_pct: float
    """Memory that is not available to a new program."""


class Processes(msgspec.Struct, frozen=True, kw_only=True):
    """The processes of a deployment at one moment; a line of `processes.jsonl`."""

    at: str
    processes: tuple[ProcessItem, ...]
    machine: Machine | None = None


class Fetches(msgspec.Struct, frozen=True, kw_only=True):
    """One round of requests to the exchange, as somebody states it."""

    symbols: int
    total_s: float
    at: str | None = None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody states about the same time (`statements.json`): held against the samples and against itself.

    `None` is not stated. Nothing in it is believed.
    """

    source: str = "a statement"
    window_s: float | None = None
    began: str | None = None
    ended: str | None = None
    cycles: int | None = None
    cycle_intervals_s: tuple[float, ...] = ()
    interval_s: float | None = None
    """Mean time from one cycle to the next."""
    interval_wanted_s: float | None = None
    symbols: int | None = None
    fetches: tuple[Fetches, ...] = ()
    available_pct: float | None = None
    processes: int | None = None
    pids: tuple[int, ...] = ()
    role: str | None = None
    """The role that `processes` counts."""
    errors: int | None = None


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One file of raw samples, and what names its content."""

    name: str
    lines: int
    size: int
    sha256: str


@dataclass(slots=True)
class Samples:
    """Everything that was read of a folder of samples."""

    run: Run
    routes: tuple[Route, ...] = ()
    answers: dict[str, list[Sample]] = field(default_factory=dict)
    """By documented path, in the order in which they came."""
    status: list[Sample] = field(default_factory=list)
    exchange: list[Sample] = field(default_factory=list)
    prices: list[Sample] = field(default_factory=list)
    """`/api/symbols`, asked beside the exchange; reduced to price and mark price of those that it was asked for."""
    watched: list[tuple[str, ...]] = field(default_factory=list)
    """The symbols of `/api/symbols`, sorted, each time that they were others than before."""
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the lists of alerts told, by id, as they said it last."""
    books: list[Sample] = field(default_factory=list)
    changing: list[Sample] = field(default_factory=list)
    """What `OPTIONS` answers of the routes that change something; `path` has the method before it."""
    processes: list[Processes] = field(default_factory=list)
    log: tuple[str, ...] = ()
    statement: Statement | None = None
    files: tuple[SampleFile, ...] = ()

    @property
    def began_ms(self) -> float:
        """When the window began, epoch ms."""
        return moment(self.run.began) or 0.0

    @property
    def ended_ms(self) -> float:
        """When the sampling ended, epoch ms; 0 where that is unknown."""
        return moment(self.run.ended) or 0.0

    @property
    def seconds(self) -> float:
        """Length of the window as it was, seconds."""
        return max(0.0, (self.ended_ms - self.began_ms) / 1000)

    def good(self, path: str) -> list[Sample]:
        """The answers of a path that hold a document."""
        return [one for one in self.answers.get(path, ()) if one.status == 200 and one.body is not None]


def symbol_of(one: Sample) -> str:
    """The symbol that a request names among its parameters; `?` where it names none."""
    return parse_qs(urlsplit(one.path).query).get("symbol", ["?"])[0]


def moment(text: object) -> float | None:
    """Epoch ms of a time with a zone; `None` of anything else, a time without one too."""
    found = _parsed(text)
    return None if found is None or found.tzinfo is None else found.timestamp() * 1000


def naive(text: object) -> bool:
    """Whether a text is a time that does not say of which zone it is."""
    found = _parsed(text)
    return found is not None and found.tzinfo is None


def assumed_utc(text: object) -> float | None:
    """Epoch ms of a time, of UTC where it does not say of which zone it is; `None` of anything else."""
    found = _parsed(text)
    return None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000


def _parsed(text: object) -> datetime | None:
    if not isinstance(text, str) or len(text) < 19 or text[10:11] not in {"T", " "}:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
