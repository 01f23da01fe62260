"""What the exchange lists, as far as its answers are believed: an empty or shrunken list is doubted, not followed."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from virtuoso.market.bounds.ranges import MOST_VALUE
from virtuoso.model.instrument import Instrument
from virtuoso.model.market import TickerUpdate

LOOKS: Final = 3
"""A symbol that neither list names in so many polls in a row is gone; first lists that contradict each other in so
many are taken as they are."""
COLLAPSE: Final = 0.5
"""A list with less than this share of what was known is doubted."""
_OFF: Final = 10.0
"""Turnover over volume is a price: one further off the day's extremes than this factor is no turnover."""
_TRADING, _UNKNOWN = "Trading", "Unknown"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A list (`instruments` or `tickers`) that is not believed: it has `listed` usable items, `known` are expected.

    `other` is the list by which they are expected, where nothing earlier is known to stand in its place.
    """

    name: str
    listed: int
    known: int
    other: str | None = None

    @property
    def text(self) -> str:
        """What is doubted, and what stands instead."""
        if self.other is not None:
            return (
                f"the exchange's list of {self.name} has {self.listed} of the {self.known} that its list of "
                f"{self.other} names; nothing else is known yet"
            )
        what = "in trading" if self.name == "instruments" else "with a turnover"
        if not self.known:
            return f"the exchange's list of {self.name} has none {what}; it is asked again"
        return (
            f"the exchange's list of {self.name} has {self.listed} {what}, {self.known} are known; "
            "the last known list stands"
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """What the exchange is believed to list.

    Attributes:
        instruments: in the order of the exchange; none while the very first lists are not believed.
        turnovers: 24 h turnover by symbol, quote units; of a watched symbol the last one believed, where it has none.
        doubts: about the lists of this poll.
        missing: watched symbols that neither list named in the last poll or two.
    """

    instruments: tuple[Instrument, ...] = ()
    turnovers: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    missing: frozenset[str] = frozenset()


class Listings:
    """Remembers what was listed from poll to poll.

    Attributes:
        copies: items dropped so far because their symbol had one already.
    """

    def __init__(self) -> None:
        self._known: dict[str, Instrument] = {}
        self._turnovers: dict[str, float] = {}
        self._missed: dict[str, int] = {}
        self._refused: set[str] = set()
        self._launches: dict[str, int] = {}
        """Launch times that the last poll told and that are not what was known."""
        self._begun = False
        self._first = 0
        self.copies = 0

    def judge(
        self,
        instruments: Sequence[Instrument],
        tickers: Mapping[str, TickerUpdate],
        watched: Collection[str] = (),
        refused: Collection[str] = (),
    ) -> Listed:
        """Judge one poll of both lists, and say what is believed to be listed.

        The very first are compared with each other, as there is nothing else: where one has less than half of what the
        other names, nothing is listed until it has been so for some polls. From then on that is a doubt while it lasts.

        `watched` symbols keep the last turnover that was believed; `refused` ones, whose topics the exchange refused,
        are gone as soon as neither list names them.
        """
        items = self._distinct(instruments)
        worth = {s: t for s, ticker in tickers.items() if (t := turnover_of(ticker)) is not None}
        if tickers and any(item.status == _TRADING for item in items.values()):  # an empty list says nothing of anyone
            self._miss(items, tickers, refused)
        doubts = [doubt for doubt in (self._of_instruments(items), self._of_tickers(tickers, worth)) if doubt]
        doubted = {doubt.name for doubt in doubts}
        unlike = [] if doubts else _unlike(items, tickers)
        if not self._begun:
            self._first = 0 if doubts else self._first + 1
            if doubts or (unlike and self._first < LOOKS):
                return Listed(doubts=(*doubts, *unlike))
            self._begun = True
        if "instruments" not in doubted:
            self._take(items)
        if "tickers" not in doubted:
            self._turnovers.update({s: t for s, t in worth.items() if s in self._known})
        lasting = self._known if "tickers" in doubted else watched
        believed = {s: t for s, t in self._turnovers.items() if s in worth or s in lasting}
        return Listed(tuple(self._known.values()), believed, (*doubts, *unlike), frozenset(self._missed) & set(watched))

    def _distinct(self, instruments: Sequence[Instrument]) -> dict[str, Instrument]:
        """Keep one item a symbol: of copies that differ the one known already, else the first."""
        items: dict[str, Instrument] = {}
        for item in instruments:
            if item.symbol not in items:
                items[item.symbol] = item
                continue
            self.copies += 1
            if item == self._known.get(item.symbol):
                items[item.symbol] = item
        return items

    def _miss(
        self, items: Mapping[str, Instrument], tickers: Mapping[str, TickerUpdate], refused: Collection[str]
    ) -> None:
        """Count the polls in which neither list has a symbol, and forget what is gone: both lists must agree."""
        self._refused |= set(refused) & self._known.keys()
        for symbol in list(self._known):
            item = items.get(symbol)
            if symbol in tickers or (item is not None and item.status == _TRADING):
                self._missed.pop(symbol, None)
                self._refused.discard(symbol)
                continue
            missed = self._missed[symbol] = self._missed.get(symbol, 0) + 1
            if missed >= LOOKS or symbol in self._refused:
                del self._known[symbol], self._missed[symbol]
                self._turnovers.pop(symbol, None)
                self._refused.discard(symbol)

    def _take(self, items: Mapping[str, Instrument]) -> None:
        """Believe the items; another launch than the known one only when two polls in a row say so."""
        before, self._launches = self._launches, {}
        for symbol, item in items.items():
            known, told = self._known.get(symbol), item.launch_ms
            merged = self._known[symbol] = _merged(known, item)
            if known is not None and told is not None and told not in (known.launch_ms, before.get(symbol)):
                self._launches[symbol] = told
                self._known[symbol] = replace(merged, launch_ms=known.launch_ms)

    def _of_instruments(self, items: Mapping[str, Instrument]) -> Doubt | None:
        listed = sum(item.status == _TRADING for item in items.values())
        known = sum(item.status == _TRADING for item in self._known.values())
        return Doubt("instruments", listed, known) if not listed or listed < COLLAPSE * known else None

    def _of_tickers(self, tickers: Mapping[str, TickerUpdate], worth: Mapping[str, float]) -> Doubt | None:
        listed, known = len(worth), len(self._turnovers)
        return Doubt("tickers", listed, known) if not tickers or listed < COLLAPSE * known else None


def _unlike(items: Mapping[str, Instrument], tickers: Mapping[str, TickerUpdate]) -> list[Doubt]:
    """Lists of one moment of which one has less than half of what the other names."""
    trading = {symbol for symbol, item in items.items() if item.status == _TRADING}
    known, quoted = len(items.keys() & tickers.keys()), len(trading & tickers.keys())
    found = []
    if known < COLLAPSE * len(tickers):
        found.append(Doubt("instruments", known, len(tickers), "tickers"))
    if quoted < COLLAPSE * len(trading):
        found.append(Doubt("tickers", quoted, len(trading), "instruments"))
    return found


def turnover_of(ticker: TickerUpdate) -> float | None:
    """24 h turnover in quote units, if it can be: 1e15 at most, and worth its volume at about the day's prices."""
    turnover, volume = _number(ticker.turnover_24h), _number(ticker.volume_24h)
    low, high = _number(ticker.low_24h), _number(ticker.high_24h)
    if turnover is not None and turnover > MOST_VALUE:
        return None
    if turnover is None or volume is None or low is None or high is None:
        return turnover
    return turnover if low / _OFF <= turnover / volume <= high * _OFF else None


def _number(value: object) -> float | None:
    """Return the value if it is a finite number above 0, else `None`."""
    return float(value) if isinstance(value, int | float) and 0 < value < math.inf else None


def _merged(known: Instrument | None, item: Instrument) -> Instrument:
    """Keep of an item what a contract never changes as it was known: a field that went missing is no change."""
    if known is None:
        return item
    return replace(
        item, unified=known.unified, base=known.base, quote=known.quote, settle=known.settle, perpetual=known.perpetual,
        status=known.status if item.status == _UNKNOWN else item.status,
        launch_ms=known.launch_ms if item.launch_ms is None else item.launch_ms,
    )  # fmt: skip
