"""All symbols' states and the rows they hold.

How a monitor drives it: `add` the universe's symbols, `load` their history, hand `sinks()` to the adapter, and
`warm_up` the analysis once. Then at each base close: wait until `confirmed(close)` holds every symbol (or 2 s
passed), fetch what `missing()` and `lacking()` name, and pass `cut(close)` to the analysis. A symbol whose minute came
late is in a later cut, alone and in order, because each bar is handed out exactly once.

A symbol whose history could not be loaded is never `confirmed`: the stream's minutes wait for it. Load it again, and
`warm_up` that symbol before the next cut, so that a long history is not scored close by close.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from virtuoso.market.cut import book_block, new_bars
from virtuoso.market.gate import ClockOffset, no_stream
from virtuoso.market.panel import BarBlock, Cut
from virtuoso.market.quality import joined_quality
from virtuoso.market.symbol import SymbolState
from virtuoso.model.evidence import ALL, Evidence
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

_BASE = Timeframe.M1


@dataclass(frozen=True, slots=True)
class Qualities:
    """Freshness of one symbol's kinds of input."""

    bars: DataQuality
    book: DataQuality
    tape: DataQuality
    ticker: DataQuality
    detailed: bool = True
    """Whether book and tape are watched at all."""
    evidence: Evidence = ALL
    """What the symbol can have at all."""

    @property
    def joined(self) -> DataQuality:
        """Quality of what needs all that is watched."""
        if not self.detailed:
            return joined_quality((self.bars, self.ticker))
        return joined_quality((self.bars, self.book, self.tape, self.ticker))


class MarketState:
    """The watched symbols. A freed row is taken again, lowest first."""

    def __init__(
        self,
        timeframes: Sequence[Timeframe],
        capacity: int = 1_500,
        depth: int = 50,
        clock_offset_ms: ClockOffset | None = None,
        streams_offset_ms: ClockOffset = no_stream,
    ) -> None:
        """`clock_offset_ms` is the measured clock by which times are judged; without it none is.

        `streams_offset_ms` is the same as most topics of the stream tell it.
        """
        self.timeframes = tuple(sorted({_BASE, *timeframes}, key=lambda tf: tf.ms))
        self._capacity = capacity
        self._depth = depth
        self._clock_offset_ms, self._streams_offset_ms = clock_offset_ms, streams_offset_ms
        self._states: dict[str, SymbolState] = {}
        self._rows: dict[str, int] = {}
        self._free: list[int] = []

    def add(self, symbol: str) -> int:
        """Watch a symbol; returns its row. One already watched keeps it."""
        if symbol not in self._rows:
            self._rows[symbol] = heapq.heappop(self._free) if self._free else len(self._states)
            self._states[symbol] = SymbolState(
                symbol, self.timeframes, self._capacity, self._depth, self._clock_offset_ms, self._streams_offset_ms
            )
        return self._rows[symbol]

    def remove(self, symbol: str) -> int:
        """Forget a symbol; returns the row that is free again.

        Raises:
            KeyError: it is not watched.
        """
        row = self._rows.pop(symbol)
        del self._states[symbol]
        heapq.heappush(self._free, row)
        return row

    @property
    def rows(self) -> Mapping[str, int]:
        """By symbol, its row in the arrays; of watched symbols alone."""
        return self._rows

    def __getitem__(self, symbol: str) -> SymbolState:
        return self._states[symbol]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._states

    def take_doubted_instruments(self) -> list[str]:
        """Symbols whose prices do not fit their price step any longer: their instruments should be asked for again."""
        found = [symbol for symbol, state in self._states.items() if state.gate.instrument_doubt]
        for symbol in found:
            self._states[symbol].gate.instrument_doubt = False
        return found

    def doubted_values(self) -> Counter[str]:
        """How often a field of a ticker had a value that cannot be, and was taken as unknown."""
        return sum((state.stats.doubted for state in self._states.values() if state.stats.doubted), Counter[str]())

    def sinks(self) -> Mapping[str, SymbolState]:
        """The sink of each symbol, for the adapter."""
        return dict(self._states)

    def confirmed(self, close_ms: int) -> set[str]:
        """Symbols whose base bar closing at `close_ms` is held, with no minute missing before it."""
        return {s for s, state in self._states.items() if (state.history.base.next_ms or 0) >= close_ms}

    def rewind(self, symbols: Sequence[str]) -> None:
        """Count none of the bars of these symbols as handed out: they are wanted anew."""
        for symbol in symbols:
            self._states[symbol].history.rewind()

    def warm_up(self, symbols: Sequence[str], upto_ms: int) -> list[BarBlock]:
        """All history that closes by `upto_ms`, shortest timeframe first; it counts as handed out."""
        states = [(self._rows[symbol], self._states[symbol]) for symbol in symbols]
        return [block for timeframe in self.timeframes for block in new_bars(timeframe, states, upto_ms)]

    def cut(self, close_ms: int, qualities: Mapping[str, Qualities]) -> Cut:
        """Everything new for the base close at `close_ms`, for the symbols that `qualities` names."""
        symbols = tuple(symbol for symbol in qualities if symbol in self._states)
        states = [(self._rows[symbol], self._states[symbol]) for symbol in symbols]
        bars = {timeframe: new_bars(timeframe, states, close_ms) for timeframe in self.timeframes}
        rows = [row for row, _ in states]
        return Cut(
            close_ms=close_ms,
            symbols=symbols,
            rows=np.array(rows, dtype=np.int64),
            bars={timeframe: blocks for timeframe, blocks in bars.items() if blocks},
            book=book_block(rows, [state.cut(close_ms) for _, state in states]) if states else None,
            bar_quality=tuple(qualities[symbol].bars for symbol in symbols),
            book_quality=tuple(qualities[symbol].book for symbol in symbols),
            tape_quality=tuple(qualities[symbol].tape for symbol in symbols),
            ticker_quality=tuple(qualities[symbol].ticker for symbol in symbols),
            evidence=tuple(qualities[symbol].evidence for symbol in symbols),
            detailed=tuple(qualities[symbol].detailed for symbol in symbols),
            told_from_ms=np.array([_or_never(state.history.told_from_ms) for _, state in states]),
        )


def _or_never(time_ms: int | None) -> float:
    return float("inf") if time_ms is None else float(time_ms)
