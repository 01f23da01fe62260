"""Where a symbol stands that no bar can tell: its band and regime, and since when. A restart continues from it."""

import msgspec


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """`band` −1 stretched down, 0 balanced, 1 stretched up, `None` unknown, for `held` bars; known last at `known_ms`.

    `regime` and `leader` are places in `REGIMES`, held and likeliest since those closes (epoch ms); `None` = unknown.
    States of before there were unknown bands have no `known_ms`: their band was known when they were kept.
    `claim` is a claim that stands: its side (−1, 1), the close at which it was made, its price and confidence.
    """

    band: float | None
    held: float
    regime: float | None = None
    regime_since_ms: float | None = None
    leader: float | None = None
    leads_since_ms: float | None = None
    known_ms: float | None = None
    claim: tuple[float, float, float, float] | None = None

    @property
    def regimes(self) -> tuple[float | None, ...]:
        """Regime and leader with their times, in the order in which `Dwell` resumes from them."""
        return self.regime, self.regime_since_ms, self.leader, self.leads_since_ms
