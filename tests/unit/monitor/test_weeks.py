"""The rest of a symbol's week of 5m bars comes after the start, a page at a time, and once."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from virtuoso.analysis.forecast.features import WEEK_BARS
from virtuoso.market.panel import BarBlock
from virtuoso.market.state import MarketState
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.weeks import Weeks

M1, M5 = Timeframe.M1, Timeframe.M5
NOW, HELD = 1_748_476_800_000, 990
LISTED = NOW - 3 * WEEK_BARS * M5.ms


def bar(open_ms: int, confirmed: bool = True) -> Bar:
    price = 100.0 + open_ms // M5.ms % 7
    return Bar(open_ms, price, price + 1, price - 1, price, 5.0, 5.0 * price, confirmed=confirmed)


class Answers:
    """An exchange that has bars from `since_ms` on; `fails` of its answers do not come."""

    def __init__(self) -> None:
        self.since_ms, self.fails = LISTED, 0
        self.asked: list[int] = []

    async def bars(self, _: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        assert timeframe is M5
        if self.fails:
            self.fails -= 1
            raise ExchangeUnavailable("busy")
        self.asked.append((end_ms - start_ms) // M5.ms + 1)
        return [bar(at) for at in range(max(start_ms, self.since_ms), end_ms + 1, M5.ms)]


class Week:
    """An outlook, as far as weeks go there."""

    def __init__(self) -> None:
        self.known, self.taken = 960, list[BarBlock]()

    def week_known(self, _: int) -> int:
        return self.known

    def take_week(self, block: BarBlock) -> None:
        self.taken.append(block)


@pytest.fixture
async def parts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Weeks, Answers, Week, MarketState]]:
    monkeypatch.setattr("virtuoso.monitor.watching.weeks._PACE_S", 0.0)
    market, answers, outlook = MarketState([M1, M5]), Answers(), Week()
    market.add("AUSDT")
    history = market["AUSDT"].history
    history.load(
        M1, [Bar(NOW + i * M1.ms, 100.0, 101.0, 99.0, 100.0, 1.0, 100.0, confirmed=True) for i in range(-30, 0)]
    )
    history.load(M5, [bar(NOW - i * M5.ms) for i in range(HELD, 0, -1)])
    with ThreadPoolExecutor(1) as worker:
        stubs: dict[str, Any] = {
            "exchange": answers, "watch": SimpleNamespace(ready={"AUSDT", "BUSDT"}),
            "engine": SimpleNamespace(outlook=outlook),
        }  # fmt: skip
        yield Weeks(market=market, worker=worker, **stubs), answers, outlook, market


async def test_the_week_is_handed_on_whole_after_two_pages(parts: Any) -> None:
    weeks, answers, outlook, _ = parts
    await weeks._complete("AUSDT")
    assert answers.asked == [1_000, WEEK_BARS - HELD - 1_000]
    assert outlook.taken == [], "it waits for the next close"
    await weeks.hand_on()
    (block,) = outlook.taken
    assert block.open_ms.tolist() == list(range(NOW - WEEK_BARS * M5.ms, NOW, M5.ms))
    assert block.close[:, 0].tolist() == [bar(at).close for at in block.open_ms.tolist()]
    assert (block.rows.tolist(), np.isfinite(block.turnover).all()) == ([0], True)
    await weeks._complete("AUSDT")
    assert (len(answers.asked), weeks.wanted("AUSDT")) == (2, None)


async def test_weeks_that_come_between_two_closes_are_handed_on_in_one_block(parts: Any) -> None:
    weeks, _, outlook, market = parts
    market.add("BUSDT")
    for timeframe in (M1, M5):
        series = market["AUSDT"].history.series[timeframe]
        market["BUSDT"].history.load(timeframe, series.last(len(series)))
    for symbol in ("AUSDT", "BUSDT"):
        await weeks._complete(symbol)
    await weeks.hand_on()
    (block,) = outlook.taken
    assert (block.rows.tolist(), block.close.shape) == ([0, 1], (WEEK_BARS, 2))
    assert block.close[:, 0].tolist() == block.close[:, 1].tolist()


async def test_what_is_not_older_than_a_listing_is_taken_as_it_is(parts: Any) -> None:
    weeks, answers, outlook, _ = parts
    answers.since_ms = NOW - (HELD + 10) * M5.ms
    await weeks._complete("AUSDT")
    await weeks.hand_on()
    assert [block.open_ms.size for block in outlook.taken] == [HELD + 10]


async def test_a_page_that_the_exchange_is_too_busy_for_is_asked_for_again_later(parts: Any) -> None:
    weeks, answers, _, _ = parts
    answers.fails = 1
    wanted = weeks.wanted("AUSDT")
    assert not await weeks.fetch("AUSDT"), "as a replay asks, which goes on"
    assert weeks.wanted("AUSDT") == wanted
    assert await weeks.fetch("AUSDT")
    assert weeks.wanted("AUSDT") != wanted


async def test_a_week_that_a_restart_went_on_from_is_not_asked_for(parts: Any) -> None:
    weeks, answers, outlook, _ = parts
    outlook.known = 2_000
    await weeks._complete("AUSDT")
    assert (answers.asked, outlook.taken) == ([], [])


async def test_a_request_that_fails_is_made_again_at_the_next_look(parts: Any) -> None:
    weeks, answers, outlook, _ = parts
    answers.fails = 1
    await weeks._complete("AUSDT")
    await weeks.hand_on()
    assert outlook.taken == []
    await weeks._complete("AUSDT")
    await weeks.hand_on()
    await weeks.hand_on()
    assert len(outlook.taken) == 1


async def test_nothing_is_asked_of_what_began_anew_or_is_watched_no_longer(parts: Any) -> None:
    weeks, answers, _, market = parts
    assert weeks.wanted("BUSDT") is None
    market["AUSDT"].history.restart(NOW - 40 * M5.ms, 3)
    await weeks._complete("AUSDT")
    assert answers.asked == []


async def test_what_came_of_a_symbol_that_left_is_not_joined_to_what_comes_of_it_later(parts: Any) -> None:
    weeks, _, _, _ = parts
    asked_first = weeks.wanted("AUSDT")
    await weeks.fetch("AUSDT")
    assert weeks.wanted("AUSDT") != asked_first
    weeks._watch.ready.clear()
    looks = asyncio.create_task(weeks.run())
    await asyncio.sleep(0)
    looks.cancel()
    weeks._watch.ready.add("AUSDT")
    assert weeks.wanted("AUSDT") == asked_first
