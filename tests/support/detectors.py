"""Fast detectors under test: the default parameters, an incident log, and made-up streams that hold nothing unusual."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.liquidation import MarketCascade
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.fast.symbol import SymbolDetectors
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.catalogue.detectors import FastParameters
from virtuoso.model.market import Side, Trade
from virtuoso.wiring.detectors import fast_parameters

MINUTE = 60_000
START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC
PARAMETERS: FastParameters = fast_parameters(Settings().monitoring.alerts)
Minute = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""
OTHER = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


def ns(event_ms: float) -> int:
    """Received 50 ms after the event."""
    return int((event_ms + 50) * 1_000_000)


@dataclass
class Desk:
    """A log and what writes to it."""

    log: IncidentLog = field(default_factory=lambda: IncidentLog(10_000))

    def __post_init__(self) -> None:
        self.findings = Findings(self.log)
        self.market = MarketCascade(PARAMETERS.cascade.symbols, self.findings)
        self.moves = MarketMove(PARAMETERS.market_move, self.findings)

    def symbol(self, name: str = "X") -> SymbolDetectors:
        """All detectors of a symbol."""
        return SymbolDetectors(name, PARAMETERS, self.findings, self.market, self.moves)

    def all(self, kind: str | None = None) -> list[Incident]:
        """Incidents so far, oldest first."""
        return [incident for incident in self.log.recent(10_000)[::-1] if kind in (None, incident.kind)]

    def told(self, kind: str | None = None) -> list[tuple[str, str | None, object]]:
        """Kind, symbol and direction of each."""
        return [(i.kind, i.symbol, i.details.get("direction")) for i in self.all(kind)]


def orders(count: int, *, seed: int = 1, gap_ms: int = 100, start_ms: int = START_MS, price: float = 100.0,
           tail: float = 1.5, scale: float = 1.0, mirror: bool = False) -> list[Trade]:  # fmt: skip
    """Trades of Pareto-distributed sizes, one every `gap_ms`; mirrored, with the sides exchanged."""
    rng = np.random.default_rng(seed)
    sizes, buys = scale * (0.05 + rng.pareto(tail, count)), rng.random(count) < 0.5
    return [
        Trade(start_ms + i * gap_ms, price, float(size), Side.BUY if bool(buy) != mirror else Side.SELL, f"t{i}")
        for i, (size, buy) in enumerate(zip(sizes, buys, strict=True))
    ]


def minutes(count: int, *, seed: int = 1, price: float = 100.0, sigma: float = 5e-4, volume: float = 1_000.0,
            mirror: bool = False) -> list[Minute]:  # fmt: skip
    """Closed minutes: a random walk straight from open to close, log-normal volumes; mirrored, p → price²/p."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, sigma, count) * (-1 if mirror else 1)
    closes = price * np.exp(np.cumsum(moves))
    opens = np.concatenate([[price], closes[:-1]])
    return [minute(float(o), float(c), float(v)) for o, c, v in
            zip(opens, closes, volume * np.exp(rng.normal(0, 0.4, count)), strict=True)]  # fmt: skip


def minute(opened: float, close: float, volume: float) -> Minute:
    """A minute that goes straight from its open to its close."""
    return opened, max(opened, close), min(opened, close), close, volume


def warmed(desk: Desk, name: str = "X", **kind: float) -> SymbolDetectors:
    """A symbol with four hours of quiet minutes behind it, up to `START_MS`."""
    detectors = desk.symbol(name)
    detectors.minutes(START_MS - 240 * MINUTE, minutes(240, **kind), ns(START_MS))  # type: ignore[arg-type]
    return detectors


def seconds(start_ms: int, prices: Sequence[float]) -> Iterator[tuple[int, float]]:
    """A price a second."""
    return ((start_ms + 1_000 * i, price) for i, price in enumerate(prices))
