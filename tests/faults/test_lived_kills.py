"""A monitor that is killed twenty times over a day keeps each outcome once, with the exchange's own numbers."""

from pathlib import Path

import numpy as np
import pytest
from tests.support.lived_day import IDENTITY, LivedDay

from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN
from virtuoso.analysis.lived.statements import EVERY_MS
from virtuoso.analysis.lived.sums import ALL, GroupSums
from virtuoso.model.catalogue.lived import READING
from virtuoso.model.timeframe import DAY_MS
from virtuoso.monitor.lived.codec import came_from, statements_from, sums_from
from virtuoso.storage.database.records import LivedKey, LivedRow

pytestmark = pytest.mark.slow

KILLS = 20
MINUTES = 1_440
MINUTE = 60_000


async def rows(day: LivedDay) -> list[LivedRow]:
    found: list[LivedRow] = []
    after: LivedKey | None = None
    while page := await day.database.lived(IDENTITY, day.exchange.name, 0, after=after):
        found += page
        after = page[-1].key
    return found


@pytest.mark.timeout(600)
async def test_each_outcome_is_kept_once_and_is_the_exchanges(tmp_path: Path) -> None:
    rng, day = np.random.default_rng(17), LivedDay(tmp_path, symbols=2)
    await day.database.start()
    await day.start()
    kills = sorted(rng.choice(np.arange(20, MINUTES), KILLS, replace=False).tolist())
    began_ms, spoken = day.small.now_ms // MINUTE * MINUTE, set[int]()
    while day.small.now_ms < began_ms + (MINUTES + 90) * MINUTE:
        quarter_ms = (day.small.now_ms // EVERY_MS + 1) * EVERY_MS
        kill_ms = began_ms + kills[0] * MINUTE if kills else quarter_ms + 1
        close_ms = max(min(quarter_ms, kill_ms), day.small.now_ms // MINUTE * MINUTE + MINUTE)
        killed = close_ms >= kill_ms
        await day.until(close_ms)
        step = rng.integers(3) if killed else 2  # the kill comes before, between or after these
        if step > 0:
            day.settle()
        if step > 1:
            await day.keep()
            spoken |= {close_ms} if close_ms % EVERY_MS == 0 else set()
        if killed:
            kills.pop(0)
            day.kill()
            day.down(int(rng.choice([0, 0, 1, 7, 40])))
            await day.start()
    day.settle()
    await day.keep()
    kept = await rows(day)
    assert len({row.key for row in kept}) == len(kept)
    said = {row.key[:3]: statements_from(row.body, *row.key[:3]) for row in kept if row.key.horizon_min == 0}
    readings = [each for each in said.values() if each.kind == READING]
    closes = sorted(each.close_ms for each in readings)
    assert kills == []
    assert spoken <= set(closes)
    assert len(spoken) > 80
    assert len({(each.close_ms, symbol) for each in readings for symbol in each.symbols}) == 2 * len(closes)
    for version in {each.version for each in readings} - {None}:
        kept_fit = await day.database.state(IDENTITY, f"fit {version} {day.exchange.name}")
        assert kept_fit is not None, "the fit that was said by can be looked up"
    settled = 0
    for row in kept:
        if row.key.horizon_min:
            of, came = said[row.key[:3]], came_from(row.body, *row.key)
            assert came["reason"].tolist() == [0.0] * len(of.symbols), row.key
            for i, symbol in enumerate(of.symbols):
                truth = day.way(symbol, row.key.close_ms, row.key.horizon_min)
                assert came.values[:4, i].tolist() == pytest.approx(truth, rel=1e-12)
                settled += 1
    due = {
        (close, minutes)
        for close in closes
        for minutes in OUTCOME_HORIZONS_MIN
        if close + minutes * MINUTE <= day.small.now_ms
    }
    assert {(row.key.close_ms, row.key.horizon_min) for row in kept if row.key.horizon_min} == due
    assert settled == 2 * len(due)
    print(f"{len(closes)} closes, {settled} outcomes, {(day.small.now_ms - began_ms) / 3.6e6:.0f} hours")
    await sums_are_those_of_what_was_kept(day, kept)
    day.kill()
    await day.database.close()


async def sums_are_those_of_what_was_kept(day: LivedDay, kept: list[LivedRow]) -> None:
    """A day that is over has been summed up once, to the last bit, whatever restarts lay between."""
    summed = await day.database.lived_sums(IDENTITY, day.exchange.name, 0)
    assert {(each.kind, each.horizon_min) for each in summed} >= {(READING, 15)}
    said = {row.key[:3]: statements_from(row.body, *row.key[:3]) for row in kept if row.key.horizon_min == 0}
    for each in summed:
        anew = GroupSums()
        for row in kept:
            if (row.key.close_ms // DAY_MS, row.key.kind, row.key.horizon_min) == each[:3]:
                anew.add(said[row.key[:3]], came_from(row.body, *row.key))
        groups, table = sums_from(each.body).table()
        assert groups == anew.table()[0]
        np.testing.assert_array_equal(table, anew.table()[1])
        assert sums_from(each.body)[ALL][1] > 0
