"""What is noted of a pass: readings every quarter of an hour, claims at the close at which they are made, once."""

from dataclasses import replace

import numpy as np
from structlog.testing import capture_logs
from tests.support.small_monitor import SmallMonitor

from virtuoso.analysis.forecast.claims.cells import UP
from virtuoso.analysis.forecast.claims.tally import MEASURES
from virtuoso.analysis.lived.came import Way
from virtuoso.analysis.lived.statements import EVERY_MS
from virtuoso.model.catalogue.lived import READING, SIGNAL
from virtuoso.model.errors import StoreUnavailable
from virtuoso.monitor.lived.codec import statements_from
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.storage.database.records import LivedKey, LivedRow, LivedSums


class Nothing:
    """A database that has kept nothing yet."""

    def __init__(self) -> None:
        self.rows: tuple[LivedRow, ...] = ()
        self.down = 0

    async def lived(
        self, since_ms: int, *, after: LivedKey | None = None, horizon_min: int | None = None
    ) -> tuple[LivedRow, ...]:
        if self.down:
            self.down -= 1
            raise StoreUnavailable("away")
        wanted = [r for r in self.rows if r.key.close_ms >= since_ms and horizon_min in (None, r.key.horizon_min)]
        return tuple(row for row in wanted if after is None or row.key > after)[:2]

    async def lived_sums(self, since_day: int) -> tuple[LivedSums, ...]:
        return ()


def claiming(small: SmallMonitor) -> None:
    """Long is earned, and whatever moves is likely."""
    outlook = small.kernel._engine.outlook
    assert outlook is not None
    outlook.decide_by(-0.5)
    tally, rng = outlook._claims.tally, np.random.default_rng(4)
    for day in range(30):
        sums = np.zeros((len(tally.cells), MEASURES))
        for i, cell in enumerate(tally.cells):
            if (cell.side, cell.horizon_min) == (UP, 60):
                sums[i] = (20, 20 * rng.normal(30, 10), 240, 12, 6, 11.5)
        tally.add(day, sums)


async def kept(small: SmallMonitor) -> list[LivedRow]:
    found: list[LivedRow] = []
    while (lived := small.lived.take()) is not None:
        found += lived.rows
        small.lived.kept(lived)
    return found


async def test_a_claim_is_kept_when_it_is_made_and_not_while_it_stands() -> None:
    small = SmallMonitor(2)
    small.lived._store = Nothing()
    claiming(small)
    await small.start()
    made: dict[int, set[str]] = {}
    for minute in range(18):
        if minute:
            await small.minute()
        for symbol, evaluation in small.cycle.evaluations.items():
            if (claimed_ms := evaluation.claimed_ms(symbol)) is not None:
                made.setdefault(claimed_ms, set()).add(symbol)
    rows = await kept(small)
    said = {row.key: statements_from(row.body, *row.key[:3]) for row in rows}
    claims = {key.close_ms: each for key, each in said.items() if key.kind == SIGNAL}
    assert made
    assert {close: set(each.symbols) for close, each in claims.items()} == made
    for each in claims.values():
        assert each["label"].tolist() == [1.0] * len(each.symbols)
        assert np.isfinite(each["confidence"]).all()
        assert (each["stop"] < 0).all()
    readings = [key.close_ms for key in said if key.kind == READING]
    assert len(readings) in (1, 2)
    assert all(close % EVERY_MS == 0 for close in readings)
    small.close()


async def test_a_quarter_of_an_hour_whose_first_close_was_missed_is_kept_at_the_next() -> None:
    small = SmallMonitor(2)
    await small.start()
    found = next(iter(small.cycle.evaluations.values()))
    quarter_ms = found.close_ms - found.close_ms % EVERY_MS
    lived = LivedRecord(Nothing(), "made-up")
    for minute, rows in {0: 1, 1: 0, 4: 0, 17: 1, 18: 0, 36: 0, 44: 0, 50: 1}.items():
        later = replace(found, close_ms=quarter_ms + minute * 60_000)
        lived.observe(later, found.symbols)
        lived.evaluated()
        taken = lived.take()
        assert (0 if taken is None else len(taken.rows)) == rows, minute
        if taken is not None:
            lived.kept(taken)
    small.close()


async def test_what_an_earlier_run_said_is_not_said_again_and_waits_for_its_outcomes() -> None:
    first = SmallMonitor(2)
    first.lived._store = Nothing()
    await first.start()
    while first.now_ms % EVERY_MS > 60_000 or not len(first.lived.pending):
        await first.minute()
    evaluation = next(iter(first.cycle.evaluations.values()))
    store = Nothing()
    store.rows = tuple(await kept(first))
    store.down = 1
    again = LivedRecord(store, "made-up")
    try:
        await again.resume(first.now_ms)
    except StoreUnavailable:
        await again.resume(first.now_ms)
    again.observe(evaluation, evaluation.symbols)
    again.evaluated()
    assert again.take() is None
    assert not again.caught_up
    await again.catch_up(first.now_ms)
    assert len(again.pending) == 4

    def ways(symbol: str, open_ms: int, minutes: int, near: Way | None) -> Way | int | None:
        return Way(1.0, 0.0, 0.0, 0.0, None) if symbol == "BTCUSDT" else None

    again.settle(evaluation.close_ms + 15 * 60_000, ways)
    assert again.take() is None, "the other's bars may still come"
    again.settle(evaluation.close_ms + 46 * 60_000, ways)
    lived = again.take()
    assert lived is not None
    assert [row.key[1:] for row in lived.rows] == [(READING, 0, 15)]
    assert again.take() == lived, "until it is kept"
    again.kept(lived)
    assert again.take() is None
    first.close()


async def test_rows_that_no_database_took_in_time_are_told_of_once() -> None:
    lived = LivedRecord(Nothing(), "made-up")
    with capture_logs() as logs:
        for k in range(603):
            lived._put(LivedRow(LivedKey(k, "reading", 0, 0), b""))
        lived.evaluated()
        lived.evaluated()
    told = [(each["rows_not_kept"], each["never_settled"]) for each in logs if each["log_level"] == "warning"]
    assert told == [(3, 0)]
    assert lived.waiting == 600


async def test_a_row_that_cannot_be_read_keeps_no_monitor_from_starting() -> None:
    store = Nothing()
    store.rows = (LivedRow(LivedKey(EVERY_MS, "reading", 0, 0), b"no"),)
    lived = LivedRecord(store, "made-up")
    with capture_logs() as logs:
        await lived.resume(EVERY_MS)
        await lived.catch_up(EVERY_MS)
    assert [each["log_level"] for each in logs].count("warning") == 2
    assert lived.caught_up
