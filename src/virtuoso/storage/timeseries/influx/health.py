"""How the store is, and since when."""

import structlog

from virtuoso.model.clock import Clock

log = structlog.get_logger(__name__)

_QUIET_NS = 60_000_000_000
"""Between two lines in the log about lines that were refused."""


class Health:
    """State, its beginning and the last error. What is shown and logged is here alone.

    Attributes:
        state: `up`, `down` or `full`.
        since_ms: since when, epoch ms; `None` before the server was first tried.
        error: why it is not up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until_ns = 0
        self.state = "down"
        self.since_ms: int | None = None
        self.error: str | None = None

    def up(self) -> None:
        """The server took something."""
        self._turn("up", None)

    def down(self, error: str) -> None:
        """The server did not answer; a full disk stays the worse news."""
        self._turn("full" if self.state == "full" else "down", error)

    def full(self, error: str) -> None:
        """The server is away and the spool cannot take it either."""
        self._turn("full", error)

    def relieved(self) -> None:
        """The spool takes batches again."""
        if self.state == "full":
            self._turn("down", self.error)

    def refused(self, lines: int, example: bytes, reason: str) -> None:
        """The server refused lines; said once a minute at most."""
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._silent_until_ns:
            self._silent_until_ns = now_ns + _QUIET_NS
            log.warning(
                "influx refused lines", lines=lines, reason=reason, example=example[:200].decode(errors="replace")
            )

    def _turn(self, state: str, error: str | None) -> None:
        self.error = error
        if state != self.state or self.since_ms is None:
            self.state = state
            self.since_ms = self._clock.now_ns() // 1_000_000
            log.info("influx store", state=state, error=error)
