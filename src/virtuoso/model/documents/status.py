"""Documents of the monitor itself: what it is doing, measured, and how healthy it is."""

from typing import Any

import msgspec

from virtuoso.model.documents.cycles import PassExplained
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality, DataSource


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Durations of one thing over its last 500 times."""

    p50: float
    """Half of them took no longer, ms."""
    p95: float
    """95 % of them took no longer, ms."""
    max: float
    """The longest of them, ms."""
    last: float
    """The latest of them, ms."""


class LatencyHistogram(msgspec.Struct, frozen=True, kw_only=True):
    """How often something took how long since the start."""

    bounds_s: tuple[float, ...]
    """Where one bucket ends and the next begins, ascending, seconds."""
    counts: tuple[int, ...]
    """How many durations fell into each bucket, from the one up to the first bound to the one beyond the last."""
    sum_s: float
    """The sum of all of them, seconds."""


class CycleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The cycle: one pass after the other, each of refresh, analyse, decide and publish."""

    interval_configured: float
    """Time from one pass to the next as configured, seconds."""
    interval_effective: float | None
    """The same as measured, the median of the last 500, seconds; `null` before the second pass."""
    count: int
    """How many passes were made since the start, failed ones included."""
    failures: int
    """How many of them failed."""
    overruns: int
    """How many passes were skipped because the one before took too long."""
    drift_ms: float | None
    """How late the last pass began, ms; `null` before the first."""
    last_success: str | None
    """When a pass succeeded last, ISO 8601 in UTC; `null` before the first."""
    last_duration_ms: float | None
    """How long the last pass took, ms; `null` before the first."""
    last_close: str | None
    """Close of the latest 1m bar that was analysed, ISO 8601 in UTC; `null` before the first."""
    last_error: str | None
    """Why the last pass failed; `null` where it did not."""
    stages: dict[str, StageTimes]
    """How long each stage takes, by name: `total`, `refresh`, `analyse`, `decide`, `publish`."""
    slowest_fetch_ms: float | None
    """The longest request of the last refresh, ms, 0 where none was needed; `null` before the first."""
    slowest: PassExplained | None = None
    """The slowest of the latest 500 passes, explained; `null` before the first."""
    slow: PassExplained | None = None
    """The latest pass that took longer than its budget, explained; `null` where none did."""


class FeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One feed: what it delivered, and how old that is."""

    kind: FeedKind
    """What its events are."""
    topic: str
    """What the exchange calls it."""
    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    connected: bool
    """Whether the connection that carries it is open, or it is polled."""
    acked: bool
    """Whether the exchange acknowledged the subscription."""
    data_quality: DataQuality
    """How fresh it is now."""
    age_ms: int | None
    """Time since the last accepted frame, ms; `null` before the first."""
    lag_ms: float | None
    """How long that frame was under way: receive time less event time by the measured clock, ms; `null` where it is not
    known, as of what is polled."""
    messages: int
    """How many frames were accepted since the start."""
    rejected: int
    """How many frames were refused since the start, because they cannot be true."""
    resyncs: int
    """How many times it was subscribed anew, because something was missing."""
    mute: bool = False
    """Whether other topics prove that this one should have spoken."""
    polled_s: float | None = None
    """Time between two requests, seconds, where it is asked for because no stream delivers it; else `null`."""
    reason: str | None = None
    """Why the exchange has no such data, or what it says against the subscription; else `null`."""
    refusal: str | None = None
    """Why the last frame that was refused was, as "field: reason"; `null` where none was."""
    refusals: dict[str, int] = msgspec.field(default_factory=dict)
    """How many frames were refused, by field and reason; `rejected` is their sum."""


class RateBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of REST requests of this machine's address."""

    capacity: int
    """How many requests may go out in `window_s`."""
    available: float
    """How many requests can go out at once now; fractions refill evenly."""
    window_s: float
    """Length of the window, seconds."""
    requests: int
    """How many requests were made since the start."""
    waits: int
    """How many of them had to wait for their turn."""
    banned_until: str | None
    """Until when the exchange refuses this address, ISO 8601 in UTC; `null` where it does not."""


class RecordingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitor writes of an exchange's wire to a recording."""

    name: str
    """The recording, as `virtuoso replay` takes it."""
    since: str | None
    """The first moment that its files still hold, ISO 8601 in UTC; earlier runs' are counted. `null` before it is
    known."""
    path: str
    """The file being written."""
    bytes: int
    """How many bytes this run wrote, files that are gone included."""
    frames: int
    """How many frames of streams it took."""
    dropped: int
    """How many records could not be kept."""
    removed: int
    """How many old files were removed to stay within the bounds."""
    failure: str | None
    """Why recording stopped; `null` while it goes on."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """Names the program that runs: its version, and since when."""

    version: str
    """Version of Virtuoso."""
    python: str
    """Version of Python."""
    started_at: str
    """When it was started, ISO 8601 in UTC."""


class MonitoringStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/monitoring/status`: what the monitor is doing, measured; published each second."""

    instance: str
    """The running process, as machine:process id."""
    build: Build
    """Version and start of the running program."""
    uptime_s: float
    """Time since the start, seconds."""
    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    state: str
    """What the process does: `starting`, `running`, or `waiting for the exchange:` with the reason."""
    exchange: dict[str, Any]
    """What the exchange is and how its data comes: name, category and address, `mode` (`stream` or `poll`), the offset
    of its clock (ms), and how many values of it were missing, doubted or refused, by name."""
    cycle: CycleStatus
    """The passes, with the time that each stage takes."""
    universe: dict[str, Any]
    """What is watched: how many symbols, as configured and left out; which failed and why, whose history began anew,
    and how many bars were refused or corrected."""
    feeds: tuple[FeedItem, ...]
    """One for each feed of each watched symbol."""
    rate_budget: RateBudget
    """The budget of REST requests."""
    stores: dict[str, Any]
    """Each store by name with its `state` (`up` or what else), since when, its error and counters; the lease, and how
    much waits to be committed."""
    alerts: dict[str, int]
    """How many incidents `fired` and were `resolved` since the start, and how many are `open` now."""
    loop_lag_ms: StageTimes | None
    """How late the event loop wakes, ms; `null` before it was measured."""
    memory_mb: float | None
    """Memory that the process holds (resident), MB; `null` before the first publication."""
    tasks: dict[str, str]
    """How each task is, by name: `running`, `stopped`, or `died:` with the reason, until it is started again."""
    data_quality: DataQuality
    """How fresh it is: the worst of all watched symbols."""
    data_source: DataSource | None
    """What the exchange behind it is; `null` until it has answered once."""
    health: str = "starting"
    """As `status` in `/health`: `healthy`, `starting` or `unhealthy`."""
    health_reasons: tuple[str, ...] = ()
    """As `reasons` in `/health`: what is wrong, in words."""
    needs_restart: tuple[str, ...] = ()
    """Keys of the configuration that were changed and reloaded, and that only a restart applies."""
    recording: RecordingStatus | None = None
    """The recording that is being written; `null` where there is none."""
    latency: dict[str, LatencyHistogram] = msgspec.field(default_factory=dict)
    """How long each stage of the way from the exchange to a channel takes, by name, where any was measured: `wire` (the
    exchange's time of a frame to its receipt, the newest of each topic once a second), `state` (its receipt until the
    book, tape or panel has it, of some frames), `refresh` (what of closed bars is waited for or fetched), `factors` and
    `forecast` (of a close), `publish` (of a pass), `alert` (from when a message is decided on until its channel has
    it)."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`/health`: whether signals that can be relied on are being served, and why not.

    Not healthy is: no cycle within three times `interval_s`, an empty universe (`empty` says why), no topic connected,
    no watched symbol live, no close analysed for two minutes of exchange time, feeds that nobody looked at for 15 s.
    """

    status: str
    """`healthy`, `unhealthy`, or `starting`: not healthy yet, for ten minutes at most, and only until it was once."""
    service: str
    """Always `web_server`, the service that answers."""
    mode: str
    """`embedded` where one process watches and serves, `standalone` where a monitor of its own watches."""
    reasons: tuple[str, ...]
    """What is wrong, in words; also what is worth knowing while it is healthy."""
    last_cycle_age_s: float | None
    """Time since a pass of the monitor succeeded last, seconds; `null` before the first."""
    interval_s: float
    """Time from one pass to the next as configured, seconds; 0 before a monitor has published."""
    uptime_s: float = 0.0
    """Time since the start of the monitor, seconds."""
    tried_age_s: float = 0.0
    """Time since the start last asked the exchange, or a pass succeeded, seconds."""
    last_error: str | None = None
    """Why the last pass failed; `null` where it did not."""
    watched: int | None = None
    """How many symbols are watched; `null` before the feeds were looked at."""
    live: int | None = None
    """How many of them have a feed that is live, other than one that is judged by its acknowledgement alone; `null`
    before the feeds were looked at."""
    topics_connected: int | None = None
    """How many topics are connected or polled; `null` before the feeds were looked at."""
    last_close_age_s: float | None = None
    """Time since the last close that was analysed, by the exchange's clock, seconds; `null` before the first."""
    observed_age_s: float | None = None
    """Time since the feeds were looked at, seconds; `null` before the first time."""
    empty: str | None = None
    """Why no symbol is watched; `null` where some are."""
    untold: str | None = None
    """Why nobody is notified of incidents; what is served is as healthy as it was. `null` where people are."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request, as problem details (RFC 9457)."""

    type: str
    """Always `about:blank`: the status says what kind of problem it is."""
    title: str
    """The status in words, such as `Not Found`."""
    status: int
    """HTTP status code of the answer, 400–599."""
    detail: str
    """What exactly is wrong, in one sentence, for people."""
    instance: str
    """Path of the request."""
