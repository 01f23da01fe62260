"""Whether requests are answered at all: while none is, few go out, and it is known for how long."""

import numpy as np

from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeUnavailable

_PATIENCE_S = 5.0
"""For so long each caller may find out for itself."""
_FIRST_S, _CAP_S = 0.5, 4.0
_TRY_S = 15.0
"""How long one try may take before the next goes out."""
_TOLD_AFTER_S = 30.0
_SAID_CHARS = 200


class Reach:
    """Shared by all who ask: after some seconds without an answer one request at a time finds out, with back-off."""

    def __init__(self, clock: Clock, rng: np.random.Generator, told_after_s: float = _TOLD_AFTER_S) -> None:
        self._clock = clock
        self._backoff = Backoff(rng, _FIRST_S, _CAP_S)
        self._told_after_s = told_after_s
        self._failing_s: float | None = None
        self._next_s = 0.0
        self._error = ""

    @property
    def failing(self) -> bool:
        """Whether nothing has been answered for some seconds."""
        return self._failing_s is not None and self._now_s() - self._failing_s >= _PATIENCE_S

    @property
    def down(self) -> str | None:
        """Why, and for how long, there was no good answer, once that is worth telling."""
        if self._failing_s is None or (silent_s := self._now_s() - self._failing_s) < self._told_after_s:
            return None
        return f"no good answer to any request for {silent_s:.0f} s: {self._error}"

    def admit(self, what: str) -> None:
        """Let a request out, unless the exchange is failing and it is too early to try again.

        Raises:
            ExchangeUnavailable: nothing is answered at present, and it is not time to try again.
        """
        if not self.failing:
            return
        now_s = self._now_s()
        if now_s < self._next_s:
            raise ExchangeUnavailable(f"{what}: not asked, the exchange answers nothing: {self._error}")
        self._next_s = now_s + _TRY_S

    def answered(self) -> None:
        """End the doubt whether the exchange can be reached: it gave a good answer."""
        if self._failing_s is not None:
            self._failing_s = None
            self._backoff.reset()

    def failed(self, error: Exception) -> None:
        """Note that a request was not answered, or not by the exchange."""
        said = str(error)
        self._error = said if len(said) <= _SAID_CHARS else f"{said[: _SAID_CHARS - 1]}…"
        if self._failing_s is None:
            self._failing_s = self._now_s()
        elif self.failing:
            self._next_s = self._now_s() + self._backoff.next_s()

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
