"""How a store is, as the status page shows it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """How one store is now.

    Attributes:
        name: such as `redis` or `influx`.
        state: `up`; `down` (it does not answer, or answers garbage); `full` (no space: nothing is written);
            `refusing` (it answers, and takes hardly anything of some kind).
        since_ms: since when it is so, epoch ms; `None` before it was first tried.
        error: what was wrong last, in one line; `None` while it is up.
        counts: totals since the start, by name, such as `written`, `dropped`, `refused`.
    """

    name: str
    state: str
    since_ms: int | None
    error: str | None = None
    counts: dict[str, int | float | str | None] = field(default_factory=dict)
