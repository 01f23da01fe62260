"""The exchange's time in a process that does not talk to it: our clock, and what the status says it is off by."""

import msgspec

from virtuoso.model.clock import Clock
from virtuoso.storage.cache.memory import MemoryCache


class _Exchange(msgspec.Struct):
    clock_offset_ms: float | None = None


class _Status(msgspec.Struct):
    """The part of the status document that is read here."""

    exchange: _Exchange = msgspec.field(default_factory=_Exchange)


def exchange_ms(cache: MemoryCache, clock: Clock) -> int:
    """Exchange time now (epoch ms), by which rows are kept."""
    status = cache.get("status")
    told = None if status is None else msgspec.json.decode(status.body, type=_Status).exchange.clock_offset_ms
    return clock.now_ns() // 1_000_000 + int(told or 0.0)
