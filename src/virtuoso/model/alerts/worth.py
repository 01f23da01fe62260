"""What alerts of a kind were worth: how much more often than usual a large move followed."""

import msgspec


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """The measured lift of a kind, at the horizon by which kinds are compared.

    Attributes:
        low: lower bound of its 95 % interval; `None` = too little was measured.
        high: upper bound.
        incidents: that were measured.
        days: on which there were any.
    """

    low: float | None
    high: float | None
    incidents: int
    days: int
