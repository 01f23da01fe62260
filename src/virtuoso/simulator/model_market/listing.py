"""The instruments of the model market: Bybit's own rows, where each starts, and how its integers become decimals."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec
import zstandard

from virtuoso.simulator.recording.dataset import Units, trimmed

MOST = 700


@dataclass(frozen=True, slots=True)
class Steps(Units):
    """Units whose lot may be more than one unit of its last decimal: size = lots · `lot` / 10^`size_decimals`."""

    lot: int

    def size(self, lots: int) -> str:
        """A size padded to the lot's decimals; 0 is `0`."""
        return f"{lots * self.lot / 10**self.size_decimals:.{self.size_decimals}f}" if lots else "0"

    def trimmed_size(self, lots: int) -> str:
        """A size without trailing zeros."""
        return trimmed(lots * self.lot, self.size_decimals)

    def turnover(self, tick_lots: int) -> str:
        """Exact turnover from Σ ticks · lots."""
        return trimmed(tick_lots * self.step * self.lot, self.price_decimals + self.size_decimals)

    @property
    def tick(self) -> float:
        """Price of one tick."""
        return float(self.step / 10**self.price_decimals)

    @property
    def quantity(self) -> float:
        """Size of one lot."""
        return float(self.lot / 10**self.size_decimals)


@dataclass(frozen=True, slots=True)
class Listed:
    """One instrument: its row, its place by turnover, price at the start and turnover of a day (quote currency)."""

    symbol: str
    rank: int
    price: float
    turnover: float
    units: Steps
    instrument: dict[str, Any]

    @property
    def kind(self) -> str:
        """Bybit's `symbolType`: empty, innovation, stock, commodity."""
        return str(self.instrument.get("symbolType", ""))

    @property
    def funding_ms(self) -> int:
        """How often funding settles."""
        return int(self.instrument["fundingInterval"]) * 60_000


def load(universe: int) -> list[Listed]:
    """The first `universe` instruments by turnover.

    Raises:
        ValueError: not 1 to 700.
    """
    if not 1 <= universe <= MOST:
        raise ValueError(f"a universe of {universe} symbols: choose 1 to {MOST}")
    return [_listed(rank, entry) for rank, entry in enumerate(_entries()[:universe])]


@lru_cache(1)
def _entries() -> list[dict[str, Any]]:
    packed = (files("virtuoso.simulator") / "data" / "model_instruments.json.zst").read_bytes()
    entries: list[dict[str, Any]] = msgspec.json.decode(zstandard.ZstdDecompressor().decompress(packed))
    return entries


def _listed(rank: int, entry: dict[str, Any]) -> Listed:
    row = entry["instrument"]
    price_decimals, step = _scaled(row["priceFilter"]["tickSize"])
    size_decimals, lot = _scaled(row["lotSizeFilter"]["qtyStep"])
    units = Steps(price_decimals, size_decimals, step, lot)
    return Listed(row["symbol"], rank, float(entry["price"]), float(entry["turnover"]), units, row)


def _scaled(text: str) -> tuple[int, int]:
    """Decimals as written, and the number without its point: `0.0500` is 4 and 500."""
    decimals = max(0, -int(Decimal(text).as_tuple().exponent))
    return decimals, int(Decimal(text).scaleb(decimals))


class PriceTexts(dict[int, str]):
    """Prices of a symbol as the wire writes them, remembered within a bound."""

    def __init__(self, units: Units, most: int) -> None:
        super().__init__()
        self._units = units
        self._most = most

    def __missing__(self, ticks: int) -> str:
        if len(self) >= self._most:
            self.clear()
        text = self[ticks] = self._units.price(ticks)
        return text
