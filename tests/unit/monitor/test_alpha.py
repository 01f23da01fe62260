"""The scanner with a real market: each timeframe on its interval, closed bars aligned by time, incidents that end."""

from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.analysis.alpha.estimates import history
from virtuoso.analysis.alpha.patterns import scan
from virtuoso.analysis.engine import Engine
from virtuoso.exchange.bybit import Bybit
from virtuoso.market.state import MarketState
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.alpha_documents import AlphaDocument
from virtuoso.model.clock import ManualClock, iso
from virtuoso.model.instrument import Instrument, InstrumentId, Kind
from virtuoso.model.market import Bar, TickerUpdate
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.cycle.alpha_scanner import AlphaScanner
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.watching.watch import Watch
from virtuoso.storage.cache.memory import MemoryCache

M1, M5, H4 = Timeframe.M1, Timeframe.M5, Timeframe.H4
INTERVALS = {M1: 1, M5: 5, H4: 30}
MINUTE = 60_000
START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC
OTHERS = [f"S{i}USDT" for i in range(8)]


def instrument(symbol: str, base: str) -> Instrument:
    return Instrument(
        id=InstrumentId("bybit", Kind.LINEAR, symbol), unified=symbol, base=base, quote="USDT", settle="USDT",
        status="Trading", perpetual=True, tick_size=0.1, lot_size=0.1,
    )  # fmt: skip


@dataclass
class Desk:
    """A market at START_MS, whose prices a seeded walk makes."""

    clock: ManualClock
    market: MarketState
    watch: Watch
    cache: MemoryCache
    incidents: IncidentLog
    scanner: AlphaScanner
    rng: np.random.Generator
    log_price: dict[str, float]

    def watched(self, symbol: str, base: str, turnover: float) -> None:
        self.market.add(symbol)
        self.market[symbol].ticker(START_MS, 0, TickerUpdate(turnover_24h=turnover))
        self.watch.instruments = {**self.watch.instruments, symbol: instrument(symbol, base)}
        self.log_price[symbol] = 0.0

    def closed(self, timeframe: Timeframe, first_ms: int, returns: dict[str, np.ndarray]) -> None:
        """Closed bars of each symbol from `first_ms` on, by their log returns."""
        for symbol, steps in returns.items():
            closes = np.exp(self.log_price[symbol] + np.cumsum(steps))
            self.log_price[symbol] += float(steps.sum())
            bars = [
                Bar(first_ms + k * timeframe.ms, close, close, close, close, 1.0, 1.0, confirmed=True)
                for k, close in enumerate(closes.tolist())
            ]
            self.market[symbol].history.load(timeframe, bars)

    def returns(self, bars: int, broken: Iterable[str] = ()) -> dict[str, np.ndarray]:
        """Returns that follow BTC's, but for those of `broken`."""
        benchmark = self.rng.normal(0, 1e-3, bars)
        others = {
            symbol: (0.0 if symbol in broken else 1.2) * benchmark + self.rng.normal(0, 5e-4, bars) for symbol in OTHERS
        }
        return {"BTCUSDT": benchmark} | others

    def document(self) -> AlphaDocument:
        published = self.cache.get("alpha")
        assert published is not None
        return msgspec.json.decode(published.body, type=AlphaDocument)

    def to(self, now_ms: int) -> None:
        self.clock.advance_to(now_ms * 1_000_000)


@pytest.fixture
async def empty() -> AsyncIterator[Desk]:
    clock = ManualClock(START_MS * 1_000_000)
    rng = np.random.default_rng(5)
    exchange = Bybit(rest_url="http://127.0.0.1:9", stream_url="ws://127.0.0.1:9", clock=clock, rng=rng)
    market = MarketState(list(INTERVALS))
    cache, incidents = MemoryCache(clock), IncidentLog(100)
    with ThreadPoolExecutor(1) as worker:
        watch = Watch(
            exchange=exchange, market=market, engine=Engine(), worker=worker, rules=UniverseRules(size=9), clock=clock,
            archive=BarArchive(None, market),
        )  # fmt: skip
        scanner = AlphaScanner(
            exchange=exchange, market=market, watch=watch, worker=worker, publication=Publication(cache, 7, 1.0),
            incidents=incidents, intervals=INTERVALS, false_discovery_rate=0.005,
        )  # fmt: skip
        yield Desk(clock, market, watch, cache, incidents, scanner, rng, {})
        await exchange.close()


@pytest.fixture
def desk(empty: Desk) -> Desk:
    """BTC and eight others with 300 minutes up to START_MS + 301 minutes, and no bars of 4h."""
    empty.watched("BTCUSDT", "BTC", 1e9)
    for symbol in OTHERS:
        empty.watched(symbol, symbol, 1e6)
    empty.closed(M1, START_MS, empty.returns(241))
    empty.closed(M1, START_MS + 241 * MINUTE, empty.returns(60, broken=OTHERS[:2]))
    empty.to(START_MS + 301 * MINUTE + 6_000)
    return empty


async def test_a_planted_breakdown_is_published_raised_and_resolved(desk: Desk) -> None:
    await desk.scanner.scan_due()
    document = desk.document()
    assert (document.benchmark, document.reason, document.false_discovery_rate) == ("BTCUSDT", None, 0.005)
    found = {(row.symbol, test.pattern) for row in document.rows for test in row.tests if test.found}
    assert found == {(symbol, "correlation_breakdown") for symbol in OTHERS[:2]}
    assert (document.found, document.tests) == (2, 3 * len(OTHERS))
    assert {row.symbol for row in document.rows[:2]} == set(OTHERS[:2])
    least = [min((test.q for test in row.tests if test.q is not None), default=9.0) for row in document.rows]
    assert least == sorted(least)
    incidents = desk.incidents.open()
    assert {(i.kind, i.symbol, i.severity) for i in incidents} == {
        ("alpha_correlation_breakdown", symbol, "info") for symbol in OTHERS[:2]
    }
    first = next(i for i in incidents if i.symbol == OTHERS[0])
    assert first.message.startswith(f"{OTHERS[0]}: correlation with BTCUSDT fell to ")
    assert "over the last 60 1m bars" in first.message
    assert first.details["timeframe"] == "1m"

    desk.to(desk.clock.now_ns() // 1_000_000 + MINUTE)
    desk.closed(M1, START_MS + 301 * MINUTE, desk.returns(1))
    await desk.scanner.scan_due()
    assert len(desk.incidents.open()) == 2
    assert desk.incidents.fired == 2  # it is still the same pattern

    desk.closed(M1, START_MS + 302 * MINUTE, desk.returns(320))
    desk.to(START_MS + 622 * MINUTE + 6_000)
    await desk.scanner.scan_due()
    assert desk.document().found == 0
    assert desk.incidents.open() == ()
    assert desk.incidents.resolved == 2


async def test_each_timeframe_is_scanned_on_its_own_interval(desk: Desk) -> None:
    await desk.scanner.scan_due()
    begun_ms = START_MS + 301 * MINUTE
    seen: dict[str, list[int]] = {tf: [] for tf in INTERVALS}
    published = 0
    last = {tier.timeframe: tier.scanned_at for tier in desk.document().tiers}
    for second in range(7, 60 * 60, 3):
        desk.to(begun_ms + second * 1_000)
        before = desk.cache.puts
        await desk.scanner.scan_due()
        if desk.cache.puts == before:
            continue
        published += 1
        for tier in desk.document().tiers:
            if tier.scanned_at != last[tier.timeframe]:
                last[tier.timeframe] = tier.scanned_at
                seen[tier.timeframe].append(second // 60)
    assert published == len(seen["1m"]) == 59
    assert seen["5m"] == list(range(4, 60, 5))  # 00:05:05, 00:10:05 …, and so 5 s after the close of its bar
    assert seen["4h"] == [29, 59]
    assert desk.cache.get("alpha") is not None
    assert str(desk.cache.get("alpha").version) == "7-60"  # type: ignore[union-attr]


async def test_only_closed_bars_aligned_by_time_are_read(desk: Desk) -> None:
    """One symbol is a minute ahead, one a minute late; both are read as if looked at when the bar closed."""
    one = desk.returns(1)
    ahead, late = OTHERS[2], OTHERS[3]
    kept = {s: desk.market[s].history.base.since(START_MS)[1][:, 3].copy() for s in ["BTCUSDT", *OTHERS]}
    desk.closed(M1, START_MS + 301 * MINUTE, {ahead: one[ahead]})
    bars = desk.market[late].history.base.last(300)
    desk.market[late].history.base.clear()
    desk.market[late].history.load(M1, bars[:-1])
    await desk.scanner.scan_due()
    document = desk.document()
    tier = next(tier for tier in document.tiers if tier.timeframe == "1m")
    assert tier.last_close == iso(START_MS + 301 * MINUTE)
    rows = {row.symbol: row for row in document.rows if row.timeframe == "1m"}
    assert (rows[ahead].recent.bars, rows[late].recent.bars, rows[late].long.bars) == (60, 59, 239)
    closes = np.stack([kept[symbol] for symbol in OTHERS], axis=1)
    expected = scan(M1, OTHERS, closes, kept["BTCUSDT"])
    i = OTHERS.index(ahead)
    assert rows[ahead].recent.beta == pytest.approx(expected.recent.beta[i], abs=1e-4)
    assert rows[ahead].tests[0].p == pytest.approx(expected.p[0, i], rel=1e-9)


async def test_what_is_too_short_says_so(desk: Desk) -> None:
    desk.watched("NEWUSDT", "NEW", 1e5)
    desk.closed(M1, START_MS + 291 * MINUTE, {"NEWUSDT": desk.rng.normal(0, 1e-3, 10)})
    await desk.scanner.scan_due()
    rows = {(row.symbol, row.timeframe): row for row in desk.document().rows}
    reason = rows["NEWUSDT", "1m"].reason
    assert reason is not None
    assert reason.startswith("has 0 of 240 returns before the last 60 and 9 of those")
    assert rows["NEWUSDT", "1m"].tests == ()
    assert rows["NEWUSDT", "1m"].long.beta is None
    assert all(row.reason for (_, timeframe), row in rows.items() if timeframe == "4h")
    with_reason = [row.reason is not None for row in desk.document().rows]
    assert with_reason == sorted(with_reason)  # what was not tested comes last
    tiers = {tier.timeframe: tier for tier in desk.document().tiers}
    assert (tiers["1m"].symbols, tiers["1m"].tested, tiers["4h"].tested) == (9, 8, 0)


async def test_the_benchmark_is_the_perpetual_of_btc_that_was_listed_first(desk: Desk) -> None:
    desk.watched("BTCPERP", "BTC", 5e8)
    desk.watched("BTCDOMUSDT", "BTCDOM", 9e9)
    desk.watched("BTC-26DEC25", "BTC", 9e10)
    listed = dict(desk.watch.instruments)
    listed["BTC-26DEC25"] = replace(listed["BTC-26DEC25"], perpetual=False, launch_ms=1)
    desk.watch.instruments = listed
    assert desk.scanner.benchmark() == "BTCUSDT", "of an unknown age: the most traded"
    listed["BTCPERP"] = replace(listed["BTCPERP"], launch_ms=START_MS)
    listed["BTCUSDT"] = replace(listed["BTCUSDT"], launch_ms=START_MS - 1)
    assert desk.scanner.benchmark() == "BTCUSDT"
    listed["BTCPERP"] = replace(listed["BTCPERP"], launch_ms=START_MS - 2)
    await desk.scanner.scan_due()
    document = desk.document()
    assert document.benchmark == "BTCPERP"
    assert "BTCUSDT" in {row.symbol for row in document.rows}
    assert "BTCPERP" not in {row.symbol for row in document.rows}
    assert all(row.reason for row in document.rows)  # it has no bars


async def test_without_btc_there_are_nulls_and_the_reason_and_open_incidents_end(desk: Desk) -> None:
    await desk.scanner.scan_due()
    assert len(desk.incidents.open()) == 2
    desk.market.remove("BTCUSDT")
    desk.to(START_MS + 302 * MINUTE + 6_000)
    await desk.scanner.scan_due()
    document = desk.document()
    assert (document.benchmark, document.rows, document.tests, document.found) == (None, (), 0, 0)
    assert "no BTC contract is watched" in (document.reason or "")
    assert [(tier.scanned_at, tier.reason) for tier in document.tiers] == [(None, document.reason)] * 3
    assert desk.incidents.open() == ()


async def test_a_symbol_that_left_is_gone_with_its_incident(desk: Desk) -> None:
    await desk.scanner.scan_due()
    assert OTHERS[0] in {row.symbol for row in desk.document().rows if row.timeframe == "4h"}
    desk.market.remove(OTHERS[0])
    desk.to(START_MS + 302 * MINUTE + 6_000)  # 4h is not scanned again yet
    await desk.scanner.scan_due()
    assert OTHERS[0] not in {row.symbol for row in desk.document().rows}
    assert {i.symbol for i in desk.incidents.open()} == {OTHERS[1]}


async def test_nothing_watched_is_a_document_too(empty: Desk) -> None:
    await empty.scanner.scan_due()
    assert empty.document().reason is not None
    assert empty.document().data_source is None


class Noting(Bybit):
    """Notes how many bars are asked for."""

    asked: dict[Timeframe, int]

    async def bars(self, symbol: str, timeframe: Timeframe, first_ms: int, last_ms: int) -> list[Bar]:
        self.asked[timeframe] = (last_ms - first_ms) // timeframe.ms
        return []


async def test_a_newcomers_history_is_loaded_as_far_back_as_a_scan_reads() -> None:
    clock, frames = ManualClock(START_MS * 1_000_000), (M1, M5, Timeframe.M30, H4)
    exchange = Noting(rest_url="http://127.0.0.1:9", stream_url="", clock=clock, rng=np.random.default_rng(1))
    exchange.asked = {}
    market = MarketState(frames)
    market.add("BTCUSDT")
    with ThreadPoolExecutor(1) as worker:
        watch = Watch(
            exchange=exchange, market=market, engine=Engine(), worker=worker, rules=UniverseRules(size=9), clock=clock,
            archive=BarArchive(None, market),
        )  # fmt: skip
        await watch.loader.load(["BTCUSDT"])
    await exchange.close()
    assert set(exchange.asked) == set(frames)
    assert all(exchange.asked[timeframe] > history(timeframe) for timeframe in frames)
