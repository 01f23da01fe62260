"""The instruments of the model market: where each starts, and how its integers become decimals."""

from dataclasses import dataclass
from decimal import Decimal

from virtuoso.simulator.history.dataset import Units, trimmed
from virtuoso.simulator.instruments import Facts, instrument_item, table
from virtuoso.simulator.source import Item

MOST = 700


@dataclass(frozen=True, slots=True)
class Steps(Units):
    """Units whose lot may be more than one unit of its last decimal: size = lots · `lot` / 10^`size_decimals`."""

    lot: int

    def size(self, lots: int) -> str:
        """A size padded to the lot's decimals; 0 is `0`."""
        return f"{lots * self.lot / 10**self.size_decimals:.{self.size_decimals}f}" if lots else "0"

    def trimmed_size(self, lots: int) -> str:
        """Write a size without trailing zeros."""
        return trimmed(lots * self.lot, self.size_decimals)

    def turnover(self, tick_lots: int) -> str:
        """Exact turnover from Σ ticks · lots."""
        return trimmed(tick_lots * self.step * self.lot, self.price_decimals + self.size_decimals)

    @property
    def tick(self) -> float:
        """The price of one tick, in quote currency."""
        return float(self.step / 10**self.price_decimals)

    @property
    def quantity(self) -> float:
        """The size of one lot, in base units."""
        return float(self.lot / 10**self.size_decimals)


@dataclass(frozen=True, slots=True)
class Listed:
    """One instrument: its facts, its place by turnover, price at the start and turnover of a day (quote currency)."""

    symbol: str
    rank: int
    price: float
    turnover: float
    units: Steps
    facts: Facts

    @property
    def instrument(self) -> Item:
        """Make the instrument's item as the exchange's REST gives it."""
        return instrument_item(self.facts)

    @property
    def kind(self) -> str:
        """Bybit's `symbolType`: empty, innovation, stock, commodity."""
        return self.facts.kind

    @property
    def funding_ms(self) -> int:
        """Time between two settlements of funding, ms."""
        return int(self.facts.funding_min) * 60_000


def load(universe: int) -> list[Listed]:
    """The first `universe` instruments by turnover.

    Raises:
        ValueError: not 1 to 700.
    """
    if not 1 <= universe <= MOST:
        raise ValueError(f"a universe of {universe} symbols: choose 1 to {MOST}")
    modelled = [facts for facts in table().values() if facts.price]
    return [_listed(rank, facts) for rank, facts in enumerate(modelled[:universe])]


def _listed(rank: int, facts: Facts) -> Listed:
    price_decimals, step = _scaled(facts.tick_size)
    size_decimals, lot = _scaled(facts.qty_step)
    units = Steps(price_decimals, size_decimals, step, lot)
    return Listed(facts.symbol, rank, float(facts.price), float(facts.turnover), units, facts)


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
