"""Finds the length of the bars of a run: one of the timeframes, the same in all files."""

from pathlib import Path

from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.distances import Length, written
from virtuoso.research.bar_files.problems import DataError
from virtuoso.research.bar_files.rows import Symbols

_LONGEST = Timeframe.H4
_BY_SECONDS = {frame.ms // 1_000: frame for frame in Timeframe if frame.ms <= _LONGEST.ms}
_TAKEN = f"bars of {', '.join(_BY_SECONDS.values())} are taken, of which longer ones are made"
_ONE_LENGTH = "all files must have bars of one length: leave one out, or give what came before with --warm-up"


def interval_of(known: Symbols, lengths: tuple[Length, ...]) -> Timeframe:
    """Return the one length of all bars; of a single bar it is a minute."""
    if not lengths:
        return Timeframe.M1
    refuse_others(None, known, lengths)
    return _BY_SECONDS[lengths[0].seconds]


def refuse_others(path: Path | None, known: Symbols, lengths: tuple[Length, ...]) -> None:
    """Raise `DataError` for bars of a length that is not taken, or of two; of the symbol's first file if of no one."""
    last = lengths[-1]
    place, bars = path or known.files[last.symbol], f"{known.names[last.symbol]} has bars of {written(last.seconds)}"
    if last.seconds not in _BY_SECONDS:
        raise DataError(place, f"{bars}; {_TAKEN}")
    if last.past:
        raise DataError(
            place, f"{bars} that begin {written(last.past)} past its multiples; if its times are of a zone, say --zone"
        )
    if len(lengths) > 1:
        other = lengths[0]
        raise DataError(place, f"{bars}, {known.names[other.symbol]} of {written(other.seconds)}; {_ONE_LENGTH}")
