"""What is traded: one instrument of one exchange."""

from enum import StrEnum

import msgspec

from virtuoso.model.text.numbers import Denomination


class Kind(StrEnum):
    """What sort of contract an instrument is."""

    LINEAR = "linear"
    SPOT = "spot"


class InstrumentId(msgspec.Struct, frozen=True, order=True):
    """Names one instrument: exchange + kind + native name, e.g. `bybit linear BTCUSDT`."""

    exchange: str
    kind: Kind
    symbol: str

    def __str__(self) -> str:
        return f"{self.exchange}:{self.kind}:{self.symbol}"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of one instrument, as the exchange lists it.

    `unified` is the ccxt name (`BTC/USDT:USDT`). `tick_size` and `lot_size` are the price and quantity
    steps in quote and base units. `funding_interval_min` is `None` for spot and dated contracts.
    """

    id: InstrumentId
    unified: str
    base: str
    quote: str
    settle: str
    status: str
    perpetual: bool
    tick_size: float
    lot_size: float
    launch_ms: int | None = None
    funding_interval_min: int | None = None

    @property
    def symbol(self) -> str:
        """The exchange's own name, e.g. `BTCUSDT`."""
        return self.id.symbol

    @property
    def denomination(self) -> Denomination:
        """What its numbers are counted in."""
        return Denomination(self.tick_size, self.lot_size, self.quote, self.base)

    @property
    def dated(self) -> bool:
        """Whether it ends on a day: a future, whose price and history are its own."""
        return not self.perpetual and self.id.kind is Kind.LINEAR


def seniority(launch_ms: int | None, turnover_24h: float | None, symbol: str) -> tuple[bool, int, float, str]:
    """Sorts those that may stand for a coin: the longest listed first, then the most traded; no dated one may."""
    return launch_ms is None, launch_ms or 0, -(turnover_24h or 0.0), symbol
