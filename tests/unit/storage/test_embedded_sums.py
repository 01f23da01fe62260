"""Hours from minutes and days from hours: as numpy sums them, only whole ones, and never over a bar that was given."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.embedded import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, bars, kept, running_store

from virtuoso.model.clock import ManualClock
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import BARS, Row

SYMBOLS = ["AUSDT", "BUSDT"]


def _oracle(rows: list[Row], symbol: str, length_ms: int) -> dict[int, np.ndarray[Any, Any]]:
    values = np.array([[row[0], *row[3:]] for row in rows if row[1] == symbol], float)
    values = values[values[:, 0].argsort()]
    found = {}
    for opened in np.unique(values[:, 0] // length_ms):
        _, o, h, low, c, *sums = values[values[:, 0] // length_ms == opened].T
        found[int(opened) * length_ms] = np.array([o[0], h.max(), low.min(), c[-1], *(s.sum() for s in sums)])
    return found


async def _sums(store: EmbeddedStore, timeframe: str) -> dict[str, dict[int, tuple[Any, ...]]]:
    found = await store.read(BARS, 0, START_MS + 99 * DAY_MS, tags={"timeframe": [timeframe]})
    return {tags[0]: {row[0]: row[1:] for row in rows} for tags, rows in found.items()}


async def _until_summed(store: EmbeddedStore, timeframe: str, count: int) -> dict[str, dict[int, tuple[Any, ...]]]:
    for _ in range(600):
        found = await _sums(store, timeframe)
        if sum(map(len, found.values())) == count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{timeframe}: {found}")


def _same(found: dict[str, dict[int, tuple[Any, ...]]], rows: list[Row], length_ms: int) -> None:
    for symbol in SYMBOLS:
        expected = _oracle(rows, symbol, length_ms)
        assert found[symbol].keys() == expected.keys()
        for opened, values in expected.items():
            np.testing.assert_allclose(np.array(found[symbol][opened], float), values, rtol=1e-12)


async def test_hours_and_days_equal_numpys_whatever_the_order_and_a_restart_in_between(tmp_path: Path) -> None:
    rows = bars(SYMBOLS, [START_MS + minute * MINUTE_MS for minute in range(2 * 1440)])
    order = np.random.default_rng(3).permutation(len(rows))
    shuffled = [rows[i] for i in order]
    clock = ManualClock((START_MS + DAY_MS) * 10**6)
    async with running_store(tmp_path, clock) as store:
        await kept(store, BARS, shuffled[: len(rows) // 2])
    clock.advance(3 * DAY_MS * 10**6)
    async with running_store(tmp_path, clock) as store:
        await kept(store, BARS, shuffled[len(rows) // 2 :])
        _same(await _until_summed(store, "1h", 2 * 48), rows, HOUR_MS)
        _same(await _until_summed(store, "1d", 2 * 2), rows, DAY_MS)
    async with running_store(tmp_path, clock) as store:
        _same(await _sums(store, "1h"), rows, HOUR_MS)


async def test_an_hour_that_lacks_a_minute_or_is_not_over_is_not_summed_up(tmp_path: Path) -> None:
    clock = ManualClock((START_MS + HOUR_MS) * 10**6 - 1)
    hour = bars(["A", "B"], [START_MS + minute * MINUTE_MS for minute in range(60)])
    late = hour[50]
    async with running_store(tmp_path, clock) as store:
        await kept(store, BARS, [row for row in hour if row is not late])
        assert await store.settle(30)
        assert await _sums(store, "1h") == {}
        clock.advance(1)
        found = await _until_summed(store, "1h", 1)
        assert list(found) == ["B"], "of A a minute is missing"
        await kept(store, BARS, [late])
        assert set(await _until_summed(store, "1h", 2)) == {"A", "B"}
        corrected = (*late[:4], 1e6, *late[5:])
        await kept(store, BARS, [corrected])  # type: ignore[list-item]
        for _ in range(600):
            high = (await _sums(store, "1h"))["A"][START_MS][1]
            if high == 1e6:
                break
            await asyncio.sleep(0.05)
        assert high == 1e6, "a minute that is corrected corrects its hour"


async def test_what_is_not_known_of_a_minute_is_not_known_of_the_hour(tmp_path: Path) -> None:
    hour = [(*row[:-1], None if i == 7 else row[-1]) for i, row in enumerate(
        bars(["A"], [START_MS + minute * MINUTE_MS for minute in range(60)]))]  # fmt: skip
    async with running_store(tmp_path) as store:
        await kept(store, BARS, hour)
        (values,) = (await _until_summed(store, "1h", 1))["A"].values()
        assert values[-1] is None
        assert None not in values[:-1]


async def test_a_bar_that_was_given_stays(tmp_path: Path) -> None:
    clock = ManualClock((START_MS + DAY_MS) * 10**6)
    given = (START_MS, "A", "1h", 1.0, 2.0, 0.5, 1.5, 10.0, 15.0, None)
    minutes = bars(["A"], [START_MS + minute * MINUTE_MS for minute in range(180)])
    async with running_store(tmp_path, clock) as store:
        await kept(store, BARS, [given])
        await kept(store, BARS, minutes)
        found = await _until_summed(store, "1h", 3)
        assert found["A"][START_MS] == given[3:]
        after = (START_MS + HOUR_MS, *given[1:])
        await kept(store, BARS, [after])
        await kept(store, BARS, [*minutes, *((row[0], "B", *row[2:]) for row in minutes)])
        found = await _until_summed(store, "1h", 6)
        assert found["A"][START_MS] == given[3:]
        assert found["A"][START_MS + HOUR_MS] == given[3:], "given replaces summed up, and stays"
