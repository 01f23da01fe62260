"""How the store is, and since when; and which measurements the server refuses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from virtuoso.model.clock import Clock

log = structlog.get_logger(__name__)

_SAMPLE: Final = 200
_QUIET_NS = 60_000_000_000
"""Between two lines in the log about lines that were refused."""


_MOST_REFUSED: Final = 0.5
_REFUSED_NS: Final = 600_000_000_000
"""A refusal is remembered for so long while no line of its measurement is sent at all."""

Refused = tuple[bytes, str]
"""A line that the server refused, and why."""


class Refusals:
    """Of each measurement, how the server took the last lines that were sent of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, tuple[int, int, int, Refused]] = {}

    def took(self, lines: Mapping[str, int], refused: Sequence[Refused]) -> None:
        """Note that the server took `lines` (how many of each measurement), all but those `refused`."""
        now_ns = self._clock.monotonic_ns()
        bad = Counter(measurement_of(line) for line, _ in refused)
        samples = {measurement_of(line): (line, reason) for line, reason in reversed(refused)}
        for name, count in bad.items():
            self._last[name] = (now_ns, count, max(count, lines.get(name, count)), samples[name])
        for name, count in lines.items():
            if count and name not in bad:
                self._last.pop(name, None)

    @property
    def reason(self) -> str | None:
        """Which measurements the server mostly refuses, the share and a sample; `None` while there is none."""
        now_ns = self._clock.monotonic_ns()
        mostly = {
            name: (count, of, sample)
            for name, (at_ns, count, of, sample) in self._last.items()
            if count >= _MOST_REFUSED * of and now_ns - at_ns < _REFUSED_NS
        }
        if not mostly:
            return None
        shares = ", ".join(f"{count} of {of} lines of {name}" for name, (count, of, _) in sorted(mostly.items()))
        line, reason = next(sample for _, (_, _, sample) in sorted(mostly.items()))
        return (
            f"the server refuses {shares} ({reason}; such as {line[:_SAMPLE].decode(errors='replace')}): "
            "they are lost; name another database, or drop what another program wrote under these names"
        )


def measurement_of(line: bytes) -> str:
    """The name a line begins with; ours have nothing that is escaped."""
    return line.replace(b" ", b",").partition(b",")[0].decode(errors="replace")


class Health:
    """State, its beginning and the last error. What is shown and logged is here alone.

    Attributes:
        state: `up`, `down`, `full`, or `refusing`: the server answers and takes hardly a line of some measurement.
        since_ms: since when, epoch ms; `None` before the server was first tried.
        error: why it is not up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals = Refusals(clock)
        self._silent_until_ns = 0
        self.state = "down"
        self.since_ms: int | None = None
        self.error: str | None = None

    def up(self) -> None:
        """Note that the server answers; whether it takes what it is sent, the last lines say."""
        reason = self._refusals.reason
        self._turn("up" if reason is None else "refusing", reason)

    def down(self, error: str) -> None:
        """Note that the server did not answer; a full disk stays the worse news."""
        self._turn("full" if self.state == "full" else "down", error)

    def full(self, error: str) -> None:
        """Note that the server is away and the spool cannot take it either."""
        self._turn("full", error)

    def relieved(self) -> None:
        """Note that the spool takes batches again."""
        if self.state == "full":
            self._turn("down", self.error)

    def took(self, lines: Mapping[str, int], refused: Sequence[Refused]) -> None:
        """Note that the server took `lines` (how many of each measurement), all but those `refused`."""
        self._refusals.took(lines, refused)
        self.up()
        if refused:
            self.refused(len(refused), *refused[0])

    def refused(self, lines: int, example: bytes, reason: str) -> None:
        """Say that the server refused lines, once a minute at most."""
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._silent_until_ns:
            self._silent_until_ns = now_ns + _QUIET_NS
            log.warning(
                "influx refused lines", lines=lines, reason=reason, example=example[:_SAMPLE].decode(errors="replace")
            )

    def _turn(self, state: str, error: str | None) -> None:
        self.error = error
        if state != self.state or self.since_ms is None:
            self.state = state
            self.since_ms = self._clock.now_ns() // 1_000_000
            log.info("influx store", state=state, error=error)
