"""The bundled history: bars in integer ticks and lots, and funding; its instruments are those of the table."""

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from virtuoso.model.installed.zstd import decompress
from virtuoso.simulator.instruments import Facts, instrument_item, table
from virtuoso.simulator.source import Item

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)


@dataclass(frozen=True, slots=True)
class Units:
    """How integers become the wire's decimals.

    Price = ticks · `step` / 10^`price_decimals`, size = lots / 10^`size_decimals`.
    """

    price_decimals: int
    size_decimals: int
    step: int

    def price(self, ticks: int) -> str:
        """A price padded to the tick's decimals: `65114.20`."""
        return f"{ticks * self.step / 10**self.price_decimals:.{self.price_decimals}f}"

    def size(self, lots: int) -> str:
        """A size padded to the lot's decimals; 0 is `0`."""
        return f"{lots / 10**self.size_decimals:.{self.size_decimals}f}" if lots else "0"

    def trimmed_price(self, ticks: int) -> str:
        """A price without trailing zeros, as klines have it: `65114.2`."""
        return trimmed(ticks * self.step, self.price_decimals)

    def trimmed_size(self, lots: int) -> str:
        """A size without trailing zeros, as klines have it."""
        return trimmed(lots, self.size_decimals)

    def turnover(self, tick_lots: int) -> str:
        """Exact turnover from Σ ticks · lots."""
        return trimmed(tick_lots * self.step, self.price_decimals + self.size_decimals)


def trimmed(value: int, decimals: int) -> str:
    """`value` / 10^`decimals`, exactly, without trailing zeros. A start asks for a third of a million of them."""
    digits = str(abs(value)).zfill(decimals + 1)
    part = digits[-decimals:].rstrip("0") if decimals else ""
    text = f"{digits[:-decimals]}.{part}" if part else digits[:-decimals] if decimals else digits
    return f"-{text}" if value < 0 else text


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One symbol: [t, 5] open, high, low, close (ticks), volume (lots); `coarse` is 5 minutes, then `fine` 1."""

    symbol: str
    units: Units
    coarse: Ints
    fine: Ints
    funding: tuple[tuple[int, str], ...]
    facts: Facts

    @property
    def instrument(self) -> Item:
        """Make the instrument's item as the exchange's REST gives it."""
        return instrument_item(self.facts)


@dataclass(frozen=True, slots=True)
class History:
    """All symbols, and when (recorded, epoch ms) coarse bars, fine bars and the loop begin and end."""

    symbols: dict[str, Recorded]
    coarse_from: int
    minutes_from: int
    loop_from: int
    until: int


@lru_cache(1)
def load() -> History:
    """The bundle, read once; nobody may write to its arrays."""
    folder = files("virtuoso.simulator") / "data"
    meta = msgspec.json.decode((folder / "history.json").read_bytes())
    blob = decompress((folder / "history.bin.zst").read_bytes())
    symbols = {}
    offset = 0
    for symbol, about in meta["symbols"].items():
        arrays = []
        for count in (about["coarse"], about["fine"]):
            size = 5 * 8 * count
            arrays.append(_unpacked(blob[offset : offset + size], count))
            offset += size
        # Binance recorded these minutes: their steps and settlements are not always those of Bybit.
        own = {name: about[name] for name in ("tick_size", "qty_step", "funding_min")}
        facts = replace(table()[symbol], **own)
        step = round(float(facts.tick_size) * 10 ** about["price_decimals"])
        for bars in arrays:
            bars[:, :VOLUME] //= step
            bars.flags.writeable = False
        symbols[symbol] = Recorded(
            symbol=symbol,
            units=Units(about["price_decimals"], about["size_decimals"], step),
            coarse=arrays[0],
            fine=arrays[1],
            funding=tuple((int(ms), rate) for ms, rate in about["funding"]),
            facts=facts,
        )
    return History(symbols, meta["coarse_from"], meta["minutes_from"], meta["loop_from"], meta["until"])


def _unpacked(blob: bytes, count: int) -> Ints:
    """Undo the byte shuffle and the delta coding."""
    planes = np.frombuffer(blob, np.uint8).reshape(5, 8, count).transpose(0, 2, 1)
    gap, up, down, body, volume = np.ascontiguousarray(planes).view("<i8").reshape(5, count)
    # open[i] = close[i-1] + gap[i] and close[i] = open[i] + body[i]
    close = np.cumsum(gap + body)
    opened = close - body
    return np.column_stack([opened, np.maximum(opened, close) + up, np.minimum(opened, close) - down, close, volume])
