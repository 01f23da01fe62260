"""Whether a tier works: after a failure it is left alone and tried again at growing, capped intervals."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.tier import StoreFull
from virtuoso.storage.status import StoreStatus

_FIRST_S = 0.1
_LONGEST_S = 1.0
_ERROR_LENGTH = 300


class Breaker:
    """The state of one tier, as one user of it sees it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._state: str | None = None
        self._since_ms: int | None = None
        self._error: str | None = None
        self._in_a_row = 0
        self._failures = 0

    @property
    def up(self) -> bool:
        """Whether the last attempt was good."""
        return self._state == "up"

    @property
    def failed(self) -> bool:
        """Whether the last attempt was not."""
        return self._state not in {None, "up"}

    @property
    def wait_s(self) -> float:
        """How long to leave it alone after the last attempt, ≤ 1 s; 0 while it works."""
        return min(_FIRST_S * 2.0 ** min(self._in_a_row - 1, 10), _LONGEST_S) if self._in_a_row else 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One use of the tier: a `StoreUnavailable` within the block is noted here and goes no further."""
        try:
            yield
        except StoreUnavailable as error:
            self._failures += 1
            self._in_a_row += 1
            self._error = " ".join(str(error).split())[:_ERROR_LENGTH]
            self._turn("full" if isinstance(error, StoreFull) else "down")
        else:
            self._in_a_row = 0
            self._error = None
            self._turn("up")

    def status(self, counts: Mapping[str, int]) -> StoreStatus:
        """For the status page; `counts` are added to its own."""
        return StoreStatus(
            name=self._name, state=self._state or "down", since_ms=self._since_ms,
            error=self._error if self._state is not None else "not tried yet",
            counts={"failures": self._failures, **counts},
        )  # fmt: skip

    def _turn(self, state: str) -> None:
        if state != self._state:
            self._state, self._since_ms = state, self._clock.now_ns() // 1_000_000
