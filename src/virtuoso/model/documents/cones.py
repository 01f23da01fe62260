"""The document of past cones: what was said of a symbol, and where the price came out."""

import msgspec


class ConeItem(msgspec.Struct, frozen=True, kw_only=True):
    """What was said at one close, and what came of it."""

    close: str
    """Close at which it was said, ISO 8601 in UTC."""
    price: float
    """Price at that close, quote units, to the seven digits in which it is kept."""
    cone: tuple[float, ...]
    """Quantiles of the closing return over the horizon as they were said, percent, at the tails .025, .1, .25, .75,
    .9, .975."""
    due: str
    """When its horizon ends, ISO 8601 in UTC."""
    closed: float | None
    """Closing return over the horizon from the open that followed, percent; `null` until it is due, and with a
    `reason`."""
    highest: float | None
    """Return to the highest high within the horizon, percent; `null` until it is due, and with a `reason`."""
    lowest: float | None
    """Return to the lowest low within the horizon, percent; `null` until it is due, and with a `reason`."""
    within: int | None
    """The narrowest band that holds the closing return: 50, 80 or 95 percent, and 100 where none does; `null` until it
    is due, and with a `reason`."""
    reason: str | None = None
    """Why it was due and is not known; `null` otherwise."""


class ConesHeld(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the cones that are due held."""

    due: int
    """How many have come out, of those listed."""
    within_50: int
    """How many closed within their 50 % band."""
    within_80: int
    """How many closed within their 80 % band."""
    within_95: int
    """How many closed within their 95 % band."""


class Cones(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/cones`: what was said while this monitor ran, each cone beginning where the last ended."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    horizon_min: int
    """How far ahead, minutes."""
    cones: tuple[ConeItem, ...]
    """The newest first."""
    held: ConesHeld
    """Those of them that came out, counted: too few to judge by; `/api/signals/performance` has intervals."""
    reason: str | None = None
    """Why there is nothing, or something is left out: no database is kept, it does not answer, or nothing was said
    yet; `null` otherwise."""
