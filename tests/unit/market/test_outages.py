"""After an outage of any length and its repair, the bars held are the exchange's own."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.market.bars import SymbolBars
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe

MINUTE = 60_000
START_MS = 1_748_476_800_000  # midnight: every timeframe here begins a bar
FRAMES = (Timeframe.M1, Timeframe.M5, Timeframe.M30, Timeframe.H4)
HISTORY, LONGEST, AFTER = 500, 361, 40


def minute(k: int) -> Bar:
    """A minute of its own; all sums are exact."""
    price = 100.0 + (k * 7 % 31)
    volume = (k % 9) / 8
    return Bar(START_MS + k * MINUTE, price, price + 2, price - 1, price + 1, volume, volume * price)


MINUTES = [minute(k) for k in range(HISTORY + LONGEST + AFTER + 60)]


def published(timeframe: Timeframe, first_ms: int, last_ms: int, now_ms: int) -> list[Bar]:
    """What REST answers: bars opening from first to last, the one that is not over yet unconfirmed."""
    found = []
    for open_ms in range(timeframe.floor(first_ms), last_ms + 1, timeframe.ms):
        at = (open_ms - START_MS) // MINUTE
        rows = MINUTES[at : at + timeframe.minutes]
        found.append(
            Bar(
                open_ms, rows[0].open, max(r.high for r in rows), min(r.low for r in rows), rows[-1].close,
                math.fsum(r.volume for r in rows), math.fsum(r.turnover for r in rows),
                confirmed=open_ms + timeframe.ms <= now_ms,
            )
        )  # fmt: skip
    return found


def repair(bars: SymbolBars, close_ms: int, *, by_holes: bool) -> None:
    """As `monitor/watching/refresh.py` does it; or hole by hole first."""
    if by_holes:
        for first, last in bars.missing():
            bars.load(Timeframe.M1, published(Timeframe.M1, first, last, close_ms))
    assert bars.base.next_ms is not None
    if bars.base.next_ms < close_ms:
        bars.load(Timeframe.M1, published(Timeframe.M1, bars.base.next_ms, close_ms, close_ms))
    for timeframe in FRAMES[1:]:
        if hole := bars.lacking(timeframe, close_ms):
            bars.load(timeframe, published(timeframe, *hole, close_ms))


@settings(max_examples=60)
@given(
    start_ms=st.integers(0, 20 * MINUTE), span_ms=st.integers(1_000, 6 * 60 * MINUTE), offset=st.integers(0, 239),
    by_holes=st.booleans(), twice=st.booleans(), late=st.booleans(), whole=st.booleans(),
)  # fmt: skip
def test_bars_after_an_outage(
    start_ms: int, span_ms: int, offset: int, by_holes: bool, twice: bool, late: bool, whole: bool
) -> None:
    bars = SymbolBars(FRAMES, 1_500)
    begin = START_MS + (HISTORY - offset) * MINUTE
    for timeframe in reversed(FRAMES):
        first = START_MS if whole else begin - 3 * timeframe.ms
        bars.load(timeframe, published(timeframe, max(START_MS, first), begin, begin))
    firsts = {timeframe: bars.series[timeframe].first_ms for timeframe in FRAMES}
    lost_from, lost_to = begin + start_ms, begin + start_ms + span_ms
    end = (lost_to // MINUTE + 20) * MINUTE
    lost = []
    for close_ms in range(begin + MINUTE, end + 1, MINUTE):
        bar = MINUTES[(close_ms - START_MS) // MINUTE - 1]
        if lost_from <= close_ms < lost_to:
            lost.append(bar)
            continue
        bars.update([bar, bar] if twice else [bar])
        if close_ms >= lost_to + 2 * MINUTE:
            repair(bars, close_ms, by_holes=by_holes)
    if late:
        bars.update(lost)
    repair(bars, end, by_holes=by_holes)
    assert bars.changed == 0
    assert bars.missing() == []
    for timeframe in FRAMES:
        first, series = firsts[timeframe], bars.series[timeframe]
        if first is None:
            first = series.first_ms
        if first is None:
            continue
        expected = published(timeframe, first, timeframe.floor(end) - timeframe.ms, end)
        assert series.last(len(series)) == expected, timeframe
