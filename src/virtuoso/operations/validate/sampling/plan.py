"""What one validation is to watch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which deployment is watched, for how long, and how.

    Attributes:
        url: the deployment's address; `shown` is the same for people, without a password.
        seconds: length of the window.
        log: the deployment's log file, if there is one to read.
        configured: what its configuration says, by key, if that is known.
        secrets: texts that may be kept nowhere.
    """

    url: str
    shown: str
    token: str | None
    seconds: float
    log: Path | None = None
    configured: dict[str, Any] | None = None
    secrets: frozenset[str] = frozenset()

    @property
    def sweep_s(self) -> float:
        """Seconds from one sweep over all routes to the next."""
        return min(60.0, max(5.0, self.seconds / 80))
