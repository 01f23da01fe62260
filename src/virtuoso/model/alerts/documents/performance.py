"""Document of what alerts were worth."""

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with its 95 % interval."""

    value: float | None
    """The figure, in the unit of what it is of; `null` while it is of fewer than 20 incidents, or of fewer than 5
    days."""
    low: float | None
    """Lower bound of its 95 % interval, in the unit of the figure; `null` with the figure."""
    high: float | None
    """Upper bound of its 95 % interval, in the unit of the figure; `null` with the figure."""
    n: int
    """How many incidents it is of."""


class HorizonPerformance(msgspec.Struct, frozen=True, kw_only=True):
    """What followed the incidents of a kind within one horizon from their delivery on; what raised them is excluded."""

    horizon_min: int
    """How far it was looked ahead, minutes."""
    days: int
    """How many days (UTC) the incidents behind `lift` came on."""
    lift: Figure
    """How often the price left the 95 % band that was issued just before, over how often it did after minutes of equal
    forecast volatility and hour; 1 is no better than any minute."""
    precision: Figure
    """Share of the incidents after which the price had left that band at the horizon, 0–1."""
    base: float | None
    """Mean rate of the equal minutes, 0–1; `null` while fewer than 20 incidents have one."""
    lead_s: Figure
    """Time from the delivery to when the band was first left, seconds; the median of those where it was."""
    remained: Figure
    """Share of the whole move, from where it began to its extreme within the horizon, that came after the delivery,
    0–1; the median of incidents that are moves."""
    reason: str | None
    """Why figures are missing; `null` where they are not."""


class KindPerformance(msgspec.Struct, frozen=True, kw_only=True):
    """What the alerts of one kind were worth."""

    kind: str
    """A built-in kind, or the name of the user's rule."""
    incidents: int
    """How many were delivered and have been looked at since."""
    interruptions: int
    """How many of these came as a message of their own; the others in a digest, or in a message kept current."""
    horizons: tuple[HorizonPerformance, ...]
    """By how far it was looked ahead."""


class InterruptingItem(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a kind of the market interrupts people now."""

    kind: str
    """A built-in kind of the market."""
    level: str
    """The level of its incidents: `info` or `warning`; what is critical always interrupts."""
    interrupts: bool
    """Whether it does today, while interruptions are left."""
    reason: str | None
    """Why it does not; `null` where it does."""


class AlertPerformance(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/performance`: what alerts were worth in the last year, and what interrupts people because of it."""

    timestamp: str
    """When it was published, ISO 8601 in UTC; 1970 before the first publication."""
    kinds: tuple[KindPerformance, ...]
    """The kinds of which something was delivered and looked at since, in alphabetical order."""
    pending: int
    """How many incidents and horizons are still to be looked at."""
    interruptions_today: int | None
    """How many times people were interrupted by the market since 00:00 UTC; `null` where everything may interrupt."""
    interruptions_allowed: int | None
    """How many times a day they may be; `null` where everything may interrupt."""
    interrupting: tuple[InterruptingItem, ...]
    """The kinds and levels that came in the last 28 days, and whether they interrupt today."""
    reason: str | None = None
    """Why there is nothing: the monitor has not published yet; `null` once it has."""
