"""Depth, second by second: published and kept are the same, gaps are told as what they are, little waits to be kept."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.support.embedded import running_store
from tests.support.market import START_MS, ladder, trade

from virtuoso.market.state import MarketState
from virtuoso.model.clock import ManualClock, iso
from virtuoso.model.documents import Depth, DepthBlock
from virtuoso.model.documents.depth import DEPTH_BINS, DEPTH_BLOCK_S
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.beats import fresh_books
from virtuoso.monitor.containment import Contained
from virtuoso.monitor.depth.recorder import DepthRecorder
from virtuoso.monitor.documents.publication import Publication
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.storage.depth_history import DepthHistory
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore

SYMBOL = "BTCUSDT"
UNKEPT_S = 12
"""Seconds at most that wait to be handed to the store."""


class Watched:
    """A market of one symbol that is looked at, second after second of the exchange's clock."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.clock = ManualClock(START_MS * 1_000_000)
        self.cache = MemoryCache(self.clock)
        self.cache.put(f"symbol:{SYMBOL}", b"{}", Version(1, 1), 1e9)
        self.market = MarketState([Timeframe.M1])
        self.market.add(SYMBOL)
        self.state = self.market[SYMBOL]
        self.second = 0
        self.qualities = {SYMBOL: DataQuality.LIVE}
        self.store = store
        self.recorder = self.started()

    def started(self) -> DepthRecorder:
        """A recorder that has seen nothing yet, as after a start."""
        watch: Any = SimpleNamespace(
            detailed=frozenset(self.qualities), exchange_ms=lambda: START_MS + 1_000 * self.second,
            contained=Contained(self.clock),
        )  # fmt: skip
        cycle: Any = SimpleNamespace(source=DataSource.REPLAY)
        publication = Publication(self.cache, 1, 10.0)
        return DepthRecorder(self.market, watch, lambda: self.qualities, cycle, publication, self.store)

    def quote(self, middle: float) -> None:
        """A book of ten levels a side around a price."""
        bids, asks = ladder(middle - 0.5, -1), ladder(middle + 0.5, 1)
        assert self.state.book_snapshot(1, START_MS + 1_000 * self.second, 0, bids, asks) is None

    def look(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.recorder.look()
            self.second += 1

    def published(self) -> Depth:
        document = self.cache.get(f"depth:{SYMBOL}")
        assert document is not None
        return msgspec.json.decode(document.body, type=Depth)

    async def kept(self) -> tuple[DepthBlock, ...]:
        """What another process reads of the last hour, once all that was written is committed."""
        assert await self.store.settle(5.0)
        self.clock.advance((START_MS + 1_000 * self.second) * 1_000_000 - self.clock.now_ns())
        reader = EmbeddedReader(self.store._folder)
        found = await DepthHistory(self.cache, reader, self.clock).depth(SYMBOL, 3_600)
        await reader.close()
        assert found is not None
        return found.blocks


def known(blocks: tuple[DepthBlock, ...]) -> dict[str, str]:
    """By the time of a second, what is known of it."""
    return {
        at: letter
        for block in blocks
        for at, letter in zip(times(block), block.seconds, strict=True)
    }  # fmt: skip


def times(block: DepthBlock) -> list[str]:
    first = next(s for s in range(100_000) if iso(START_MS + 1_000 * s) == block.begins)
    return [iso(START_MS + 1_000 * (first + i)) or "" for i in range(len(block.seconds))]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with running_store(tmp_path, ManualClock(START_MS * 1_000_000)) as store:
        yield Watched(store)


async def test_what_is_kept_is_what_was_published(watched: Watched) -> None:
    published: dict[str, DepthBlock] = {}
    for second in range(45):
        watched.quote(1_000.0 + second)
        watched.look()
        published |= {block.begins: block for block in watched.published().blocks}
    watched.recorder.finish()
    kept = await watched.kept()
    assert [block.begins for block in kept] == [iso(START_MS + 10_000 * i) for i in range(5)]
    assert kept == tuple(published.values())
    assert [len(block.seconds) for block in kept] == [10, 10, 10, 10, 5]
    assert [len(block.sizes) for block in kept] == [DEPTH_BINS * len(block.seconds) for block in kept]
    assert kept[3].bids == tuple(1_000.0 + second - 0.5 for second in range(30, 40))
    assert kept[0].data_source is DataSource.REPLAY


async def test_a_gap_is_told_as_what_it_is(watched: Watched) -> None:
    watched.quote(1_000.0)
    watched.look(3)
    watched.state.book_invalid()
    watched.look(2)
    watched.quote(1_000.0)
    watched.look(2)
    watched.qualities[SYMBOL] = DataQuality.STALE
    watched.look(2)
    watched.qualities[SYMBOL] = DataQuality.LIVE
    watched.second += 4  # the loop stood still
    watched.look(2)
    watched.recorder.finish()
    seen = known(await watched.kept())
    told = "".join(seen.get(iso(START_MS + 1_000 * s) or "", ".") for s in range(15))
    assert told == "bbbiibbss....bb"
    for block in await watched.kept():
        for letter, low, bid in zip(block.seconds, block.lows, block.bids, strict=True):
            assert (low is None, bid is None) == (letter != "b",) * 2


def test_how_fresh_a_book_is_is_judged_at_the_look_and_not_by_the_last_pass() -> None:
    clock = ManualClock(START_MS * 1_000_000)
    feeds = [
        FeedStatus(
            kind=kind, topic=f"{kind}.{SYMBOL}", symbol=SYMBOL, connected=True, acked=True,
            alive_ns=clock.now_ns(), received_ns=clock.now_ns(),
        )
        for kind in FeedKind
    ]  # fmt: skip
    kernel: Any = SimpleNamespace(
        stream=SimpleNamespace(feeds=lambda kind: [feed for feed in feeds if feed.kind is kind]),
        watch=SimpleNamespace(now_ns=clock.now_ns, contained=Contained(clock)),
        parts=SimpleNamespace(stale_after_s=10.0),
    )
    assert fresh_books(kernel) == {SYMBOL: DataQuality.LIVE}
    clock.advance(10_500_000_000)
    assert fresh_books(kernel) == {SYMBOL: DataQuality.STALE}


async def test_a_monitor_that_is_killed_loses_seconds_and_one_that_ends_none(watched: Watched) -> None:
    watched.quote(1_000.0)
    for _ in range(37):
        watched.look()
        newest = max(known(await watched.kept()), default=iso(START_MS - 1_000) or "")
        waiting = next(n for n in range(-1, 40) if iso(START_MS + 1_000 * n) == newest)
        assert watched.second - 1 - waiting <= UNKEPT_S
    watched.recorder = watched.started()  # as after SIGKILL, at once
    watched.look(5)
    watched.recorder.finish()
    seen = known(await watched.kept())
    lost = [s for s in range(42) if (iso(START_MS + 1_000 * s) or "") not in seen]
    assert lost == list(range(30, 37))
    watched.recorder = watched.started()
    watched.look(3)
    watched.recorder.finish()
    assert set(seen) < set(known(await watched.kept())), "a block that was begun anew replaces none"


async def test_every_second_has_its_column_however_a_look_is_late(watched: Watched) -> None:
    watched.quote(1_000.0)
    begin, late = START_MS, [0.0, 0.9, 0.1, 0.95, 0.4, 0.0, 1.2, 0.1]
    moments = iter([begin + 1_000 * i + round(1_000 * each) for i, each in enumerate(late)])
    watched.recorder._watch = SimpleNamespace(  # type: ignore[assignment]
        detailed=frozenset({SYMBOL}), exchange_ms=lambda: next(moments), contained=Contained(watched.clock)
    )
    for _ in late:
        watched.recorder.look()
    (block,) = watched.published().blocks
    assert block.seconds == "b" * len(late)


async def test_large_trades_are_kept_with_their_block_late_ones_too(watched: Watched) -> None:
    watched.quote(1_000.0)
    for minute in range(-3, 0):
        at = START_MS + 60_000 * minute
        small = [trade(at + i, size=10.0 if i == 0 else 0.01, price=1_000.0, name=f"{minute}/{i}") for i in range(150)]
        watched.state.tape.add(small)
    watched.look(DEPTH_BLOCK_S)
    watched.state.tape.add([trade(START_MS + 9_990, size=50.0, price=1_000.5)])
    watched.look(3)
    watched.recorder.finish()
    first, *_ = await watched.kept()
    assert [(t.price, t.size, t.bought) for t in first.trades] == [(1_000.5, 50.0, True)]


async def test_without_a_store_nothing_is_kept_and_the_history_says_why(watched: Watched) -> None:
    watched.recorder = DepthRecorder(
        watched.market, watched.recorder._watch, lambda: watched.qualities, watched.recorder._cycle,
        watched.recorder._publication, None,
    )  # fmt: skip
    watched.quote(1_000.0)
    watched.look(30)
    assert len(watched.published().blocks) == 2
    assert await watched.kept() == ()
    found = await DepthHistory(watched.cache, None, watched.clock, "why").depth(SYMBOL, 60)
    assert found is not None
    assert (found.blocks, found.reason) == ((), "why")
    assert await DepthHistory(watched.cache, None, watched.clock, "why").depth("NONESUCH", 60) is None


async def test_of_a_few_seconds_the_block_that_holds_them_is_read(watched: Watched) -> None:
    watched.quote(1_000.0)
    watched.look(20)
    watched.recorder.finish()
    assert len(await watched.kept()) == 2
    reader = EmbeddedReader(watched.store._folder)
    history = DepthHistory(watched.cache, reader, watched.clock)
    for seconds, until, begins in ((3, 16, [10]), (3, 11, [0, 10]), (10, 20, [10]), (11, 20, [0, 10])):
        found = await history.depth(SYMBOL, seconds, START_MS + 1_000 * until)
        assert found is not None
        assert [block.begins for block in found.blocks] == [iso(START_MS + 1_000 * each) for each in begins]
    await reader.close()


async def test_after_a_clock_is_set_back_no_second_is_told_twice_and_none_before_another(watched: Watched) -> None:
    watched.quote(1_000.0)
    watched.look(128)
    for second in (47, 33):  # within a block, each time
        watched.second = second
        while watched.second < 80:
            watched.look()
            begins = [block.begins for block in watched.published().blocks]
            assert begins == sorted(begins)
        watched.recorder.finish()
        watched.recorder = watched.started()
    watched.second = 128
    told = [at for block in await watched.kept() for at in times(block)]
    assert told == sorted(set(told))
    assert len(told) == 128


async def test_what_one_symbol_raises_costs_that_symbol(watched: Watched) -> None:
    watched.market.add("BADUSDT")
    watched.qualities["BADUSDT"] = DataQuality.LIVE
    watched.recorder = watched.started()
    bad = watched.market["BADUSDT"]
    assert bad.book_snapshot(1, START_MS, 0, ladder(999.5, -1), ladder(1_000.5, 1)) is None
    watched.quote(1_000.0)
    watched.look(2)
    bad.book.bids = dict.fromkeys(bad.book.bids, "much")  # type: ignore[arg-type] - what no decoder lets through
    watched.look(2)
    bad.book.bids = None  # type: ignore[assignment]
    watched.look(2)
    assert set(watched.recorder._watch.contained.reasons) == {"BADUSDT"}
    assert bad.book_snapshot(1, START_MS, 0, ladder(999.5, -1), ladder(1_000.5, 1)) is None
    watched.look(2)
    assert watched.recorder._watch.contained.reasons == {}
    assert watched.published().blocks[-1].seconds == "b" * 8
    document = watched.cache.get("depth:BADUSDT")
    assert document is not None
    assert msgspec.json.decode(document.body, type=Depth).blocks[-1].seconds == "bb----bb"


async def test_a_block_that_does_not_change_any_more_is_encoded_once(watched: Watched) -> None:
    encoder, made = watched.recorder._encoder, list[Any]()

    class Counting:
        def encode(self, given: Any) -> bytes:
            made.append(given)
            return encoder.encode(given)

    watched.recorder._encoder = Counting()  # type: ignore[assignment]
    watched.quote(1_000.0)
    watched.look(18)
    assert sum(isinstance(given, DepthBlock) for given in made) == 2, "when it is over, and with its last trades"
    assert [block.seconds for block in watched.published().blocks] == ["b" * 10, "b" * 8]
