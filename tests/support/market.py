"""Made-up and recorded market events for tests of the market room."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import zstandard

from tests.support.capture import CAPTURE
from virtuoso.market.state import Qualities
from virtuoso.market.tape import Tape, proven
from virtuoso.model.market import Bar, Levels, Side, Trade
from virtuoso.model.quality import DataQuality
from virtuoso.simulator.history.dataset import CLOSE, HIGH, LOW, OPEN, VOLUME, Recorded

MINUTE = 60_000
START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC, a Thursday: every timeframe but 1w begins a bar
LIVE = Qualities(*[DataQuality.LIVE] * 4)


def minute_bar(k: int, volume: float = 1.0, price: float = 10.0, start_ms: int = START_MS) -> Bar:
    """The closed minute `k` after `start_ms`; each has prices of its own."""
    price += k
    return Bar(start_ms + k * MINUTE, price, price + 2, price - 1, price + 1, volume, volume * price)


def trade(event_ms: int, size: float = 1.0, side: Side = Side.BUY, price: float = 10.0, name: str = "") -> Trade:
    """A trade, named by its time unless said otherwise."""
    return Trade(event_ms, price, size, side, name or f"t{event_ms}")


def takers(tape: Tape, open_ms: int, volume: float) -> list[float]:
    """What the takers of a closed minute did, as `proven` says it: buy volume first."""
    number = open_ms // MINUTE
    found: list[float] = proven(tape.taken(number, 1), np.array([number]), np.array([volume]))[0].tolist()
    return found


def ladder(best: float, step: float, sizes: list[float] | None = None) -> Levels:
    """Ten levels from `best` outwards (`step` < 0 for bids), of size 1 unless said otherwise."""
    return [(best + i * step, size) for i, size in enumerate(sizes or [1.0] * 10)]


def recorded_minutes(recorded: Recorded) -> list[tuple[Decimal, ...]]:
    """Real minutes exactly: open, high, low, close, volume, turnover (at the close's price, as no trades exist)."""
    units = recorded.units
    price = Decimal(units.step).scaleb(-units.price_decimals)
    size = Decimal(1).scaleb(-units.size_decimals)
    rows = []
    for row in recorded.fine.tolist():
        prices = [row[i] * price for i in (OPEN, HIGH, LOW, CLOSE)]
        volume = row[VOLUME] * size
        rows.append((*prices, volume, volume * prices[3]))
    return rows


def exact_bar(open_ms: int, minutes: list[tuple[Decimal, ...]]) -> Bar:
    """What an exchange publishes for these minutes: exact sums, rounded once."""
    return Bar(
        open_ms,
        float(minutes[0][0]),
        float(max(row[1] for row in minutes)),
        float(min(row[2] for row in minutes)),
        float(minutes[-1][3]),
        float(sum(row[4] for row in minutes)),
        float(sum(row[5] for row in minutes)),
    )


def captured_books() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every book message of the real Bybit capture with its market, in the order received."""
    packed = CAPTURE.read_bytes()
    for line in zstandard.ZstdDecompressor().stream_reader(packed).read().splitlines():
        entry = msgspec.json.decode(line)
        if entry["t"] != "recv":
            continue
        message = msgspec.json.decode(entry["data"])
        if str(message.get("topic", "")).startswith("orderbook."):
            yield entry["conn"] + " " + message["topic"], message
