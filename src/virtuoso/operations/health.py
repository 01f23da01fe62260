"""Two questions. *Live*: is a cycle completed now and then? *Healthy*: is anything watched, fresh and analysed too?

The facts are put in by who sees them; what they amount to is judged when it is asked for, here and in other processes
by the same rules, from the published facts and the time since.
"""

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from virtuoso.model.clock import Clock
from virtuoso.model.documents import Health

LATE: Final = 3.0
"""Intervals without a completed cycle."""
LIVE_S: Final = 30.0
"""However short the interval is, a supervisor waits so long for a cycle."""
_START_S: Final = 600.0
"""The start, with the history of a whole exchange, may take so long; so may each try to reach the exchange."""
_CLOSE_S: Final = 120.0
_SEEN_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen of the data at one instant.

    Attributes:
        watched: symbols.
        live: those of them with a feed that is live, other than one that is judged by its acknowledgement alone.
        connected: topics that are connected, or polled.
        close_age_s: exchange time since the last close that was analysed; `None` while none was.
        empty: why the universe is empty; `None` while it is not.
        untold: why nobody is notified of incidents; it is said, and does not make what is served worse.
    """

    watched: int
    live: int
    connected: int
    close_age_s: float | None
    empty: str | None
    untold: str | None = None


@dataclass(slots=True)
class HealthState:
    """Written by the cycle and the supervision, read by the web. `mode` is embedded (one process) or standalone."""

    clock: Clock
    interval_s: float
    mode: str
    started_ns: int = field(init=False)
    last_success_ns: int | None = None
    last_error: str | None = None
    _tried_ns: int = field(init=False)
    _observed: Observed | None = None
    _observed_ns: int = 0
    _was_healthy: bool = False

    def __post_init__(self) -> None:
        self.started_ns = self._tried_ns = self.clock.monotonic_ns()

    def succeeded(self) -> None:
        """Note that a cycle was completed just now, and forget the last error."""
        self.last_success_ns = self._tried_ns = self.clock.monotonic_ns()
        self.last_error = None

    def failed(self, error: str) -> None:
        """Note the error with which a cycle failed."""
        self.last_error = error

    def tried(self) -> None:
        """Note that the exchange was asked in vain, and will be again: there is no cycle yet, but no standstill."""
        self._tried_ns = self.clock.monotonic_ns()

    def observed(self, observed: Observed) -> None:
        """Note that the data was looked at just now."""
        self._observed, self._observed_ns = observed, self.clock.monotonic_ns()

    @property
    def live(self) -> bool:
        """Whether cycles are completed; nothing else."""
        return is_live(self._facts())

    @property
    def healthy(self) -> bool:
        """Whether cycles are completed, and what is watched is fresh and analysed."""
        return self.document().status == "healthy"

    def document(self) -> Health:
        """Judge the facts as of now and return the document of `/health`."""
        judged = judge(self._facts())
        self._was_healthy = self._was_healthy or judged.status == "healthy"
        return judged

    def _facts(self) -> Health:
        seen = self._observed
        return Health(
            status="unhealthy" if self._was_healthy else "starting",
            service="web_server",
            mode=self.mode,
            reasons=(),
            last_cycle_age_s=None if self.last_success_ns is None else self._age_s(self.last_success_ns),
            interval_s=self.interval_s,
            uptime_s=self._age_s(self.started_ns),
            tried_age_s=self._age_s(self._tried_ns),
            last_error=self.last_error,
            watched=None if seen is None else seen.watched,
            live=None if seen is None else seen.live,
            topics_connected=None if seen is None else seen.connected,
            empty=None if seen is None else seen.empty,
            untold=None if seen is None else seen.untold,
            observed_age_s=None if seen is None else self._age_s(self._observed_ns),
            last_close_age_s=None
            if seen is None or seen.close_age_s is None
            else round(seen.close_age_s + self._age_s(self._observed_ns), 3),
        )

    def _age_s(self, since_ns: int) -> float:
        return round((self.clock.monotonic_ns() - since_ns) / 1e9, 3)


def is_live(facts: Health) -> bool:
    """Whether a cycle was completed within three intervals (30 s at least), or the start goes on (ten minutes)."""
    if facts.last_cycle_age_s is None:
        return facts.tried_age_s <= _START_S
    return facts.last_cycle_age_s <= max(LATE * facts.interval_s, LIVE_S)


def judge(facts: Health, age_s: float = 0.0) -> Health:
    """What the facts of `age_s` seconds ago amount to: status and reasons, with every age as it is now."""
    now = replace(
        facts,
        last_cycle_age_s=_older(facts.last_cycle_age_s, age_s), uptime_s=round(facts.uptime_s + age_s, 3),
        tried_age_s=round(facts.tried_age_s + age_s, 3), observed_age_s=_older(facts.observed_age_s, age_s),
        last_close_age_s=_older(facts.last_close_age_s, age_s),
    )  # fmt: skip
    wrong = [*_wrong_with_cycles(now), *_wrong_with_data(now)]
    said = [now.untold, None if now.last_error is None else f"the last cycle failed: {now.last_error}"]
    reasons = (*wrong, *(text for text in said if text is not None))
    if not wrong:
        return replace(now, status="healthy", reasons=reasons)
    starting = facts.status == "starting" and now.uptime_s <= _START_S
    return replace(now, status="starting" if starting else "unhealthy", reasons=reasons)


def _wrong_with_cycles(now: Health) -> list[str]:
    age_s = now.last_cycle_age_s
    if age_s is None:
        return [f"no cycle has been completed in the {now.uptime_s:.0f} s since the start"]
    if age_s > LATE * now.interval_s:
        return [f"the last successful cycle is {age_s:.0f} s old; one is due every {now.interval_s:g} s"]
    return []


def _wrong_with_data(now: Health) -> list[str]:
    if now.observed_age_s is None:
        return ["the feeds have not been looked at yet"]
    if now.empty is not None:
        return [now.empty]
    wrong = []
    if now.observed_age_s > _SEEN_S:
        wrong.append(f"the feeds were looked at {now.observed_age_s:.0f} s ago for the last time")
    if not now.topics_connected:
        wrong.append("no topic is connected")
    if not now.live:
        wrong.append(f"none of the {now.watched} watched symbols is live")
    if now.last_close_age_s is None:
        wrong.append("no close has been analysed yet")
    elif now.last_close_age_s > _CLOSE_S:
        wrong.append(f"no close was analysed for {now.last_close_age_s:.0f} s")
    elif now.last_close_age_s < -_CLOSE_S:
        wrong.append(f"the last analysed close lies {-now.last_close_age_s:.0f} s ahead of the exchange's time")
    return wrong


def _older(known_s: float | None, age_s: float) -> float | None:
    return None if known_s is None else round(known_s + age_s, 3)
