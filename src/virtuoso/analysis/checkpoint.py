"""Where a symbol stands that no bar can tell: its label and regime, and since when. A restart continues from it."""

import msgspec


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """`label` −1 SELL, 0 HOLD, 1 BUY, `None` unknown, for `held` base bars; it was known last at `known_ms`.

    `regime` and `leader` are places in `REGIMES`, held and likeliest since those closes (epoch ms); `None` = unknown.
    States of before there were unknown labels have no `known_ms`: their label was known when they were kept.
    """

    label: float | None
    held: float
    regime: float | None = None
    regime_since_ms: float | None = None
    leader: float | None = None
    leads_since_ms: float | None = None
    known_ms: float | None = None

    @property
    def regimes(self) -> tuple[float | None, ...]:
        """What `Dwell` goes on from."""
        return self.regime, self.regime_since_ms, self.leader, self.leads_since_ms
