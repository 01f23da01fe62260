"""Longer bars summed up from shorter ones: hours from minutes, days from hours.

Only whole hours and days are summed up: a bar made of 59 minutes would look like one of 60. Which spans are due is
written down in the transaction that brings their bars, and struck out after the sum is committed: whenever the process
is killed, the next start goes on, and summing up twice changes nothing. A bar that was given is never replaced by one
that was summed up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.timeseries.embedded import tables
from virtuoso.storage.timeseries.embedded.file import PartitionFile
from virtuoso.storage.timeseries.embedded.partitions import HOURS, MINUTES
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import BARS


@dataclass(frozen=True, slots=True)
class Sum:
    """One of the two roll-ups: bars, and the longer bars that they are summed up to.

    Attributes:
        source: bars that are summed up.
        target: what they make.
    """

    source: Timeframe
    target: Timeframe

    def spans(self, bars: Iterable[tuple[Any, ...]]) -> set[int]:
        """The open times of the bars that these are parts of, epoch ms; each is given by open time and timeframe."""
        length, source = self.target.ms, self.source.value
        return {opened - opened % length for opened, timeframe in bars if timeframe == source}


SUMS: Final = {MINUTES: Sum(Timeframe.M1, Timeframe.H1), HOURS: Sum(Timeframe.H1, Timeframe.D1)}
"""By the kind of file that has the source; the target is always in files of hours."""


def _whole(field: str, of: str) -> str:
    return f'CASE WHEN count("{field}") = :bars THEN {of} END'


_SELECT: Final = (
    "SELECT s.symbol, "  # noqa: S608 - names of the schema
    'max(CASE WHEN r.time = :first THEN r."open" END), max(r."high"), min(r."low"), '
    'max(CASE WHEN r.time = :last THEN r."close" END), '
    + ", ".join(_whole(field, f'sum(r."{field}")') for field in ("volume", "turnover", "buy_volume"))
    + " FROM bars AS r CROSS JOIN bars_series AS s ON s.id = r.series"
    " WHERE r.block BETWEEN :first_block AND :last_block AND r.time BETWEEN :first AND :last AND s.timeframe = :source"
    " GROUP BY r.series HAVING count(*) = :bars"
    + "".join(f' AND count("{field}") = :bars' for field in ("open", "high", "low", "close"))
)

_KEEP: Final = (
    f"INSERT INTO bars ({tables.names(('block', 'series', 'time', *BARS.fields, 'derived'))})"  # noqa: S608 - names of the schema
    f" VALUES ({', '.join('?' * (3 + len(BARS.fields)))}, 1) ON CONFLICT (block, series, time) DO UPDATE SET "
    + ", ".join(f'"{field}" = excluded."{field}"' for field in BARS.fields)
    + " WHERE derived"
)


def note(file: PartitionFile, spans: set[int]) -> None:
    """Write down that these are due, within the transaction that changes their parts."""
    file.connection.executemany("INSERT OR IGNORE INTO roll_up VALUES (?)", [(span,) for span in spans])


def noted(file: PartitionFile) -> set[int]:
    """Return the spans (start in epoch ms) that are due to be summed up."""
    return {span for (span,) in file.connection.execute("SELECT time FROM roll_up")}


def strike_out(file: PartitionFile, span: int) -> None:
    """Note that `span` (start in epoch ms) is no longer due."""
    file.connection.execute("DELETE FROM roll_up WHERE time = ?", (span,))


def summed_up(file: PartitionFile, span: int) -> list[tuple[Tags, tuple[Any, ...]]]:
    """The bars that open at `span`, of each symbol whose parts are all there: tags and fields."""
    of = SUMS[file.partition.kind]
    last = span + of.target.ms - of.source.ms
    arguments = {
        "first": span,
        "last": last,
        "first_block": file.partition.block(span),
        "last_block": file.partition.block(last),
        "source": of.source.value,
        "bars": of.target.ms // of.source.ms,
    }
    return [((row[0], of.target.value), row[1:]) for row in file.connection.execute(_SELECT, arguments)]


def keep(file: PartitionFile, span: int, bars: Sequence[tuple[Tags, tuple[Any, ...]]]) -> set[int]:
    """Put sums in, in a transaction of their own; what is due for it, which is written down."""
    block = file.partition.block(span)
    days = SUMS[HOURS].spans((span, timeframe) for (_, timeframe), _ in bars)
    with file.transaction():
        rows = [(block, file.number(BARS, tags), span, *fields) for tags, fields in bars]
        file.connection.executemany(_KEEP, rows)
        note(file, days)
    return days
