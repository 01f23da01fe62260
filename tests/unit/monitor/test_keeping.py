"""What must outlive the process: signals found, committed when the database is there, bars kept and recalled."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.support import panels

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.outlook import Outlook
from virtuoso.analysis.regimes.dwell import Transition
from virtuoso.analysis.regimes.regime import Regime
from virtuoso.market.panel import MINUTE_FIELDS
from virtuoso.market.series import BUY_VOLUME, CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Band, Label
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.persistence.recalled import Recalled, RestartState
from virtuoso.monitor.persistence.signal_log import SignalLog
from virtuoso.monitor.regimes import RegimesCheckpoint
from virtuoso.storage.database.queries import LastLabel
from virtuoso.storage.database.records import Changes, SignalRecord, StateRecord, TransitionRecord
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.storage.timeseries.schema import BARS, TICKERS

M1, M5 = Timeframe.M1, Timeframe.M5


class Shelf:
    """A database that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.commits: list[Changes] = []

    async def commit(self, changes: Changes) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.commits.append(changes)

    async def state(self, key: str) -> StateRecord | None:
        if self.away:
            raise StoreUnavailable("away")
        kept = [record for changes in self.commits for record in changes.state if record.key == key]
        return kept[-1] if kept else None

    async def incidents(self, limit: int, notified_since_ms: int) -> tuple[Incident, ...]:
        return tuple(i for changes in reversed(self.commits) for i in reversed(changes.incidents))

    async def outcomes(self, now_ms: int) -> tuple[Outcome, ...]:
        found = {outcome.id: outcome for changes in self.commits for outcome in changes.outcomes}
        return tuple(reversed(found.values()))

    async def added_rules(self) -> tuple[AddedRule, ...]:
        return ()

    async def last_labels(self) -> dict[str, LastLabel]:
        return {s.symbol: LastLabel(s.label, s.close_ms) for changes in self.commits for s in changes.signals}

    async def transitions(self, limit: int) -> tuple[TransitionRecord, ...]:
        return tuple(t for changes in reversed(self.commits) for t in reversed(changes.transitions))


def signal(close_ms: int) -> SignalRecord:
    return SignalRecord(
        exchange="bybit", symbol="BTCUSDT", close_ms=close_ms, label=Label.BUY, before=Label.HOLD, score=71.0,
        agreement=0.5, price=1.0, data_quality=DataQuality.LIVE, data_source=None,
    )  # fmt: skip


def kept(close_ms: int) -> RestartState:
    return RestartState(
        close_ms=close_ms,
        checkpoints={"BTCUSDT": Checkpoint(1.0, 4.0, 0.0, 5.0, 0.0, 5.0)},
        recorded={"BTCUSDT": Label.BUY},
        regimes=RegimesCheckpoint(market=(1.0, 2.0, None, None), stood={"": Regime.NEUTRAL, "BTCUSDT": Regime.BULLISH}),
    )


async def test_what_is_committed_is_what_a_restart_goes_on_from() -> None:
    shelf, incidents = Shelf(), IncidentLog(10)
    committer = Committer(shelf, "bybit", incidents)
    change = Transition(symbol=None, before=Regime.NEUTRAL, after=Regime.BULLISH, at_ms=60_000)
    incidents.fire("stale_feed", Severity.CRITICAL, "no data", 1_000, part="0")
    committer.close(kept(60_000), (signal(60_000),), (change,))
    await committer.commit()
    assert committer.committed_close_ms == 60_000
    assert set(committer.waiting.values()) == {0}
    recalled = await Committer(shelf, "bybit", IncidentLog(10)).recall(0)
    assert recalled.state == kept(60_000)
    assert recalled.transitions == (change,)
    assert recalled.labels == {"BTCUSDT": (Label.BUY, 60_000)}
    found = recalled.incidents
    assert [(i.kind, i.part) for i in found] == [("stale_feed", "0")]
    again = IncidentLog(10)
    again.resume(found)
    assert again.fire("stale_feed", Severity.CRITICAL, "no data", 9_000, part="0") is None  # it is open already
    assert again.resolve("stale_feed", 9_000, part="0") is not None


async def test_scores_are_ranked_in_the_past_of_earlier_runs_too() -> None:
    """A run that is ended at any close, and one that takes its place, rank as one that was never ended."""
    names, bars = panels.symbols(2), panels.random_bars(700, 2, seed=9)

    def begun(upto: int, recalled: Recalled | None = None) -> Engine:
        engine = an_engine()
        if recalled is not None:
            engine.recall(recalled.past)
        for row, symbol in enumerate(names):
            engine.add(symbol, row)
        engine.warm_up([panels.part(bars, 0, upto)])
        return engine

    shelf, whole = Shelf(), begun(580)
    committer = Committer(shelf, "bybit", IncidentLog(10))
    assert committer.keeps
    for k in range(580, 640):
        close_ms = whole.step(panels.cut(bars, {}, k)).close_ms
        committer.close(kept(close_ms), (), (), whole.changed_past())
        if k % 7 == 0:
            shelf.away = not shelf.away
        await committer.commit()
    shelf.away = False
    await committer.commit()
    again = begun(640, await Committer(shelf, "bybit", IncidentLog(10)).recall(0))
    anew = begun(640)
    for k in range(640, 700):
        one, other, new = (engine.step(panels.cut(bars, {}, k)).ranked for engine in (whole, again, anew))
        np.testing.assert_array_equal(one.percentile, other.percentile)
        np.testing.assert_array_equal((one.closes, one.from_bars), (other.closes, other.from_bars))
        assert np.isfinite(one.percentile).all()
        assert (new.closes < one.closes).all()
    shelf.commits.append(Changes(state=(StateRecord(key="scores bybit 3", close_ms=1, body='{"day":1}'),)))
    assert len((await Committer(shelf, "bybit", IncidentLog(10)).recall(0)).past) <= 1


async def test_a_database_that_is_away_costs_nothing_but_time() -> None:
    shelf, incidents = Shelf(), IncidentLog(10)
    committer = Committer(shelf, "bybit", incidents)
    shelf.away = True
    for minute in range(1, 4):
        committer.close(kept(minute * 60_000), (signal(minute * 60_000),), ())
        await committer.commit()
    assert committer.waiting["signals"] == 3
    assert committer.committed_close_ms == 0
    shelf.away = False
    running = asyncio.create_task(committer.run())
    async with asyncio.timeout(10):
        while committer.committed_close_ms != 180_000:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [s.close_ms for changes in shelf.commits for s in changes.signals] == [60_000, 120_000, 180_000]
    assert len(shelf.commits[0].state) == 1


async def test_state_goes_with_the_last_of_its_signals() -> None:
    shelf = Shelf()
    committer = Committer(shelf, "bybit", IncidentLog(10))
    committer.close(kept(60_000), tuple(signal(i) for i in range(2_500)), ())
    await committer.commit()
    assert [len(changes.signals) for changes in shelf.commits] == [1_000, 1_000, 500]
    assert [len(changes.state) for changes in shelf.commits] == [0, 0, 1]


async def test_a_state_of_another_version_begins_anew() -> None:
    shelf = Shelf()
    shelf.commits.append(Changes(state=(StateRecord(key="monitor bybit", close_ms=1, body='{"else":1}'),)))
    assert (await Committer(shelf, "bybit", IncidentLog(10)).recall(0)).state is None
    shelf.away = True
    assert await Committer(shelf, "bybit", IncidentLog(10), wait_s=0.01).recall(0) == Recalled()


async def test_what_was_kept_is_asked_for_again_while_the_database_is_slow() -> None:
    shelf = Shelf()
    committer = Committer(shelf, "bybit", IncidentLog(10))
    committer.close(kept(60_000), (), ())
    await committer.commit()
    shelf.away = True
    recalling = asyncio.create_task(Committer(shelf, "bybit", IncidentLog(10), wait_s=0.05).recall(0))
    await asyncio.sleep(0.02)
    shelf.away = False
    assert (await recalling).state == kept(60_000)


def test_what_begins_or_ends_a_side_is_a_signal_the_first_one_too() -> None:
    names, bars = panels.symbols(3), panels.random_bars(400, 3, seed=4)
    engine, log = an_engine(), SignalLog("bybit")
    for row, symbol in enumerate(names):
        engine.add(symbol, row)
    engine.warm_up([panels.part(bars, 0, 300)])
    rng, held = np.random.default_rng(7), np.zeros(len(names))
    labels: dict[str, list[tuple[int, Label | None]]] = {symbol: [(0, None)] for symbol in names}
    found: list[SignalRecord] = []
    for k in range(300, 400):
        cut = panels.cut(bars, {}, k)
        evaluation = engine.step(cut)
        assert evaluation.said is not None
        held = np.where(rng.random(len(names)) < 0.2, rng.integers(-1, 2, len(names)), held)
        since = np.full(len(names), evaluation.close_ms - 2.0 * M1.ms)
        known = {"began_ms": since, "expires_ms": since + 60 * M1.ms, "price": held + 9, "confidence": held / 4 + 0.5}
        claims = replace(evaluation.said.signals, label=held.astype(np.int8), **known)
        evaluation = replace(evaluation, said=replace(evaluation.said, signals=claims))
        found += log.observe(evaluation, names, None)
        for symbol in names:
            labels[symbol].append((evaluation.close_ms, evaluation.signal(symbol)))
    expected = {
        (symbol, close_ms, before, after)
        for symbol, seen in labels.items()
        for (_, before), (close_ms, after) in pairwise(seen)
        if before is not after and {before, after} & {Label.BUY, Label.SELL}
    }
    assert {(s.symbol, s.close_ms, s.before, s.label) for s in found} == expected
    assert expected
    assert len({s.id for s in found}) == len(found)
    assert all(s.why and s.price is not None for s in found)


def an_engine() -> Engine:
    """One that changes its mind often."""
    rule = BandRule(up=54, down=46, exit_margin=1, min_coverage=0.0)
    return Engine({M1: 1.0}, rule=rule, outlook=Outlook(M1, start=SHIPPED))


async def stored(tmp_path: Path) -> TimeSeries:
    clock = ManualClock((panels.START_MS + 400 * M1.ms) * 1_000_000)
    store = EmbeddedStore(tmp_path / "series", clock=clock, min_free_bytes=0)
    await store.start()
    return store


@pytest.mark.parametrize("hole", [False, True])
async def test_kept_bars_are_recalled_as_they_were(tmp_path: Path, hole: bool) -> None:
    store = await stored(tmp_path)
    names = ("AUSDT", "BUSDT")
    bars = panels.random_bars(400, 2, seed=3, minutes=True)
    first, market = BarArchive(store, MarketState([M1, M5])), MarketState([M1, M5])
    rows = dict(enumerate(names))
    for k in range(400):
        if not (hole and k == 350):
            first.closed([panels.part(bars, k, k + 1)], rows)
    assert await store.settle(20)
    for symbol in names:
        market.add(symbol)
    archive = BarArchive(store, market)
    now_ms = int(bars.open_ms[-1]) + M1.ms + 5_000
    recalled = await archive.recall(names, {M1: 185, M5: 185}, 300, now_ms)
    assert recalled == (0 if hole else 2)
    if not hole:
        blocks = market.warm_up(names, now_ms)
        assert [block.timeframe for block in blocks] == [M1]
        block = archive.fill(blocks[0], names)
        count = len(block.open_ms)
        whole = panels.part(bars, 400 - count, 400)
        np.testing.assert_array_equal(block.open_ms, whole.open_ms)
        for name in ("open", "high", "low", "close", "volume", "turnover", "buy_volume"):
            np.testing.assert_array_equal(getattr(block, name), getattr(whole, name))
        assert block.minutes is not None
        assert whole.minutes is not None
        for name in MINUTE_FIELDS:
            seen, expected = getattr(block.minutes, name)[-200:], getattr(whole.minutes, name)[-200:]
            np.testing.assert_array_equal(seen, expected, err_msg=name)
        series = market["AUSDT"].history.base
        assert series.since(0)[1][-1, CLOSE] == bars.close[-1, 0]
        assert series.since(0)[1][-1, BUY_VOLUME] == bars.buy_volume[-1, 0]
    await store.close()


async def test_a_symbol_without_a_stored_history_is_written_whole(tmp_path: Path) -> None:
    store = await stored(tmp_path)
    market = MarketState([M1])
    market.add("AUSDT")
    bars = panels.random_bars(50, 1, seed=3)
    table = np.stack([getattr(bars, n)[:, 0] for n in ("open", "high", "low", "close", "volume", "turnover")], axis=-1)
    market["AUSDT"].history.restore(M1, int(bars.open_ms[0]), np.column_stack([table, np.full(50, np.nan)]))
    archive = BarArchive(store, market)
    for block in market.warm_up(["AUSDT"], int(bars.open_ms[-1]) + M1.ms):
        archive.warmed(block, ["AUSDT"])
    while archive.write_backlog():
        pass
    assert await store.settle(20)
    read = await store.read(BARS, 0, 2**62, tags={"symbol": ["AUSDT"]})
    assert [row[0] for row in read["AUSDT", "1m"]] == bars.open_ms.tolist()
    assert await store.read(TICKERS, 0, 2**62, tags={"symbol": ["AUSDT"]}) == {}
    await store.close()


class Away:
    """A store that cannot be read."""

    async def read(self, *_: object, tags: Mapping[str, Sequence[str]], **__: object) -> dict[tuple[str, ...], list]:
        raise StoreUnavailable("away")


async def test_without_a_store_there_is_nothing_to_recall() -> None:
    market = MarketState([M1])
    market.add("AUSDT")
    assert await BarArchive(None, market).recall(["AUSDT"], {M1: 10}, 10, 10**12) == 0
    assert await BarArchive(Away(), market).recall(["AUSDT"], {M1: 10}, 10, 10**12) == 0  # type: ignore[arg-type]


def test_a_resumed_engine_keeps_bands_through_what_it_did_not_watch() -> None:
    names, bars = panels.symbols(4), panels.random_bars(420, 4, seed=4)
    engine = an_engine()
    for row, symbol in enumerate(names):
        engine.add(symbol, row)
    engine.warm_up([panels.part(bars, 0, 300)])
    last = [engine.step(panels.cut(bars, {}, k)) for k in range(300, 400)][-1]
    checkpoints = engine.checkpoints()
    assert {symbol: checkpoints[symbol].band for symbol in names} == {
        symbol: {Band.UP: 1.0, Band.BALANCED: 0.0, Band.DOWN: -1.0}[last.bridged_band(symbol)] for symbol in names
    }
    other = an_engine()
    for row, symbol in enumerate(names):
        other.add(symbol, row)
    other.warm_up([panels.part(bars, 0, 400)])
    for row, symbol in enumerate(names):
        other.resume(row, checkpoints[symbol], last.close_ms, last.close_ms)
    for k in range(400, 420):  # as if nothing had happened
        one, two = engine.step(panels.cut(bars, {}, k)), other.step(panels.cut(bars, {}, k))
        assert [one.signal(s) for s in names] == [two.signal(s) for s in names]
        assert [one.regime(s).since_ms for s in names] == [two.regime(s).since_ms for s in names]
