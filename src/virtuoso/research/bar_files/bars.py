"""Reads bars of one length from files, as blocks in the order of time, in memory bounded by a block.

All rows are read once: checked, indexed and sorted into spans on the disk (`spill`); then the spans come back as
blocks. So files may be in any order, by symbol, by time or by chance, and every mistake is known before the first
block is given out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from virtuoso.market.panel import BarBlock, Floats, Ints
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.units import turnover_bounds
from virtuoso.research.bar_files.distances import Distances, Length
from virtuoso.research.bar_files.formats.files import open_all
from virtuoso.research.bar_files.hints import NUMBERS, OPTIONAL, Hints
from virtuoso.research.bar_files.index import Index
from virtuoso.research.bar_files.lengths import interval_of, refuse_others
from virtuoso.research.bar_files.part import Source
from virtuoso.research.bar_files.problems import Problems
from virtuoso.research.bar_files.repeated import drop_repeated
from virtuoso.research.bar_files.report import Report
from virtuoso.research.bar_files.rows import Symbols, checked
from virtuoso.research.bar_files.spill import Records, Spill
from virtuoso.research.seams import Seam, SeamFinder, seamed

BLOCK_BARS = 240
_MINUTE = Timeframe.M1
_NO_HINTS = Hints()


class Bars:
    """Bars that were read and found good, or freed of what was not.

    Attributes:
        interval: the length of every bar.
        symbols: in alphabetical order; the columns of every block.
        begins_ms: open time of the first bar of each symbol [n] (epoch ms).
        first_ms: open time of the first bar (epoch ms).
        last_ms: open time of the last bar (epoch ms).
        read: good bars.
        missing: bars that are not there between a symbol's own first and last one, of all symbols.
        taker_sides: whether the taker-buy volume of any bar is known.
        skipped: bad rows that were left out.
        problems: the first ten of them, with file and line.
        seams: where a contract became another one, in the blocks that were given out so far.
    """

    def __init__(
        self, interval: Timeframe, spill: Spill, known: Symbols, index: Index, repeated: int, problems: Problems
    ) -> None:
        spans = {name: index.span(code) for code, name in enumerate(known.names) if index.span(code).count}
        self.interval = interval
        self.symbols = tuple(sorted(spans))
        self.begins_ms = np.array([spans[name].first for name in self.symbols]) * _MINUTE.ms
        self.first_ms = int(self.begins_ms.min())
        self.last_ms = max(span.last for span in spans.values()) * _MINUTE.ms
        self.read = sum(span.count for span in spans.values()) - repeated
        possible = sum((span.last - span.first) // interval.minutes + 1 for span in spans.values())
        self.missing = possible - self.read
        self.taker_sides = index.taker_sides
        self.skipped = problems.count
        self.problems = problems.listed()
        self.seams: list[Seam] = []
        self._spill = spill
        self._names = known.names

    @property
    def minutes(self) -> int:
        """How many minutes lie between the open of the first bar and the close of the last."""
        return (self.last_ms - self.first_ms) // _MINUTE.ms + self.interval.minutes

    def blocks(self) -> Iterator[BarBlock]:
        """Yield all bars in order; one that is not there is `nan` in every array.

        Blocks begin at multiples of their length since the epoch; the first and the last are cut to the period. Their
        arrays are [t, n] and read-only, `rows` is 0 … n − 1. When a block comes, its seams are in `seams`.
        """
        self.seams.clear()
        for block, seams in seamed(self._all(), SeamFinder(self.symbols)):
            self.seams += seams
            yield block

    def _all(self) -> Iterator[BarBlock]:
        bar = self.interval.ms
        count = self._spill.minutes
        whole = count * bar
        for begin_ms in range(self.first_ms // whole * whole, self.last_ms + 1, whole):
            first = max(0, self.first_ms - begin_ms) // bar
            yield self.window(begin_ms, count).part(slice(first, (self.last_ms - begin_ms) // bar + 1))

    def window(self, begin_ms: int, count: int, symbols: Sequence[str] | None = None) -> BarBlock:
        """Return so many bars from `begin_ms` on, of these symbols (all when `None`), `nan` where there are none.

        The window must begin and end on a boundary of the spans on the disk (`BLOCK_BARS` minutes since the epoch).
        """
        symbols = self.symbols if symbols is None else symbols
        columns = {name: column for column, name in enumerate(symbols)}
        column = np.array([columns.get(name, -1) for name in self._names])
        first, minutes = begin_ms // _MINUTE.ms, self._spill.minutes
        spans = range(first // minutes, (first + count * self.interval.minutes) // minutes)
        shape = (count, len(symbols))
        arrays = {name: np.full(shape, np.nan) for name in NUMBERS}
        for span in spans:
            self._place(self._spill.read(span), span * minutes - first, column, arrays)
        arrays["turnover"] = _turnover(arrays)
        for array in arrays.values():
            array.flags.writeable = False
        return BarBlock(
            timeframe=self.interval,
            rows=np.arange(shape[1]),
            open_ms=begin_ms + np.arange(count) * self.interval.ms,
            open=arrays["open"],
            high=arrays["high"],
            low=arrays["low"],
            close=arrays["close"],
            volume=arrays["volume"],
            turnover=arrays["turnover"],
            buy_volume=arrays["taker_buy_volume"],
        )

    def _place(self, records: Records, after: int, column: Ints, arrays: dict[str, Floats]) -> None:
        """Put the rows of a span that begins so many minutes after the window into its arrays [t, n]."""
        at = column[records["symbol"]]
        records, at = records[at >= 0], at[at >= 0]
        place = (records["minute"].astype(np.int64) + after) // self.interval.minutes * arrays["open"].shape[1] + at
        for name in self._spill.fields:
            arrays[name].reshape(-1)[place] = records[name]


def _turnover(arrays: dict[str, Floats]) -> Floats:
    """Return the turnover where it is that of the volume at the bar's prices, else volume × (high + low + 2·close)/4.

    In quote units. A file may count it in another unit (coins, contracts), or write 0 for what it does not know.
    """
    typical, told = (arrays["high"] + arrays["low"] + 2 * arrays["close"]) / 4, arrays["turnover"]
    least, most = turnover_bounds(arrays["low"], arrays["high"], arrays["volume"])
    return np.where((least <= told) & (told <= most), told, arrays["volume"] * typical)


@contextmanager
def read_bars(
    data: Path | Sequence[Path],
    *,
    hints: Hints = _NO_HINTS,
    skip_bad: bool = False,
    minutes: int = BLOCK_BARS,
    scratch: Path | None = None,
    progress: Callable[[float], None] = lambda _: None,
    recognised: Callable[[str], None] = lambda _: None,
) -> Iterator[Bars]:
    """Read files of bars of one length, or of trades; the blocks are there while the context is open.

    Args:
        data: files, folders of files, or patterns that match files. Their layouts are told by `layouts.table`.
        hints: what the files do not say of themselves.
        skip_bad: leave bad rows out, so that they become missing minutes; of a minute that is there twice the first
            row stays.
        minutes: in a span on the disk, and bars in a block.
        scratch: where temporary files are put, up to 68 bytes a bar; the system's place for them when `None`.
        progress: told the share that was read, in [0, 1].
        recognised: told what the files were taken for, a line for each group of them.

    Raises:
        DataError: a file cannot be read, lacks a column, or holds bars of a length that is not taken, or of two.
        UsageError: rows are bad: the first ten with file and line, and how many there are.
    """
    sources = open_all([data] if isinstance(data, Path) else data, hints)
    fields = [key for key in NUMBERS if key not in OPTIONAL or any(key in source.names for source in sources)]
    known, index, problems = Symbols(), Index(), Problems()
    report = Report(known)
    with Spill(scratch, minutes, fields) as spill:
        distances = _read(sources, known, index, spill, problems, report, progress)
        interval = interval_of(known, distances.lengths(all_good=not problems.count))
        for line in report.lines(interval):
            recognised(line)
        repeated = 0 if index.ordered else drop_repeated(spill, known, problems)
        if problems.count and not skip_bad:
            raise problems.error()
        if not spill.spans():
            none = f"{sources[0].path}: none of the {problems.count:,} rows is good"
            raise UsageError("\n".join((*problems.listed(), none)))
        yield Bars(interval, spill, known, index, repeated, problems)


def _read(
    sources: list[Source],
    known: Symbols,
    index: Index,
    spill: Spill,
    problems: Problems,
    report: Report,
    progress: Callable[[float], None],
) -> Distances:
    """Check, index and spill all rows of all files; returns the distances of their times."""
    distances, first = Distances(), dict[int, Length]()
    done, total = 0, sum(source.bytes for source in sources)
    base = 0
    for source in sources:
        problems.open(source.path, source.unit, base)
        end, own = 0, Distances()
        for part in source.parts():
            rows, timed = checked(source, part, base, known, problems)
            distances.add(timed)
            own.add(timed)
            index.add(rows)
            spill.add(rows)
            report.add(rows.symbol)
            end = part.end
            progress((done + source.share() * source.bytes) / total)
        for length in own.lengths(all_good=False):
            first.setdefault(length.seconds, length)
            refuse_others(source.path, known, tuple(first.values()))
        report.close(source)
        base += end
        done += source.bytes
    return distances
