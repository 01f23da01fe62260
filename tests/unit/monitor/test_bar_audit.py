"""Bars confirmed early, twice or wrongly are replaced by the exchange's own; what is of another unit begins anew."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.long_day_market import MINUTE, MadeUpExchange
from tests.support.small_monitor import SmallMonitor

from virtuoso.market.series import VOLUME
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.market import Bar, TickerUpdate
from virtuoso.model.text.numbers import price_text
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.bar_audit import BarAudit

BAD, SOUND = "N00002USDT", "N00003USDT"


class OddExchange(MadeUpExchange):
    """Answers what the test plants in place of the truth; `asked` are the questions for bars."""

    def __init__(self) -> None:
        super().__init__(ManualClock(), 4)
        self.said: dict[tuple[str, int], list[Bar]] = {}
        self.asked: list[tuple[str, Timeframe, int, int]] = []
        self.unit_from: dict[str, tuple[int, float]] = {}
        self.silent: set[str] = set()
        self.lacking: set[Timeframe] = set()

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        self.asked.append((symbol, timeframe, start_ms, end_ms))
        if symbol in self.silent or timeframe in self.lacking:
            raise ExchangeUnavailable("planted: no bars")
        whole_ms = timeframe.floor(end_ms) + timeframe.ms - 1  # so that the last close does not depend on the question
        found = [self._unit(symbol, bar) for bar in await super().bars(symbol, timeframe, start_ms, whole_ms)]
        closed = self._clock.now_ns() // 1_000_000
        found = [
            bar
            if bar.confirmed is (ends := bar.open_ms + timeframe.ms <= closed)
            else msgspec.structs.replace(bar, confirmed=ends)
            for bar in found
            if bar.open_ms <= closed
        ]
        if timeframe is Timeframe.M1:
            for i, bar in enumerate(found):
                if planted := self.said.get((symbol, bar.open_ms)):
                    found[i] = planted.pop(0) if len(planted) > 1 else planted[0]
        return found

    def _unit(self, symbol: str, bar: Bar) -> Bar:
        since_ms, times = self.unit_from.get(symbol, (0, 1.0))
        return times_of(bar, times) if times != 1.0 and bar.open_ms >= since_ms else bar


def times_of(bar: Bar, times: float) -> Bar:
    prices = {name: getattr(bar, name) * times for name in ("open", "high", "low", "close")}
    return msgspec.structs.replace(bar, **prices, volume=bar.volume / times)


@pytest.fixture
async def small() -> AsyncIterator[SmallMonitor]:
    monitor = SmallMonitor(exchange=OddExchange())
    await monitor.start()
    yield monitor
    monitor.close()


def odd(monitor: SmallMonitor) -> OddExchange:
    assert isinstance(monitor.exchange, OddExchange)
    return monitor.exchange


def audit_of(monitor: SmallMonitor, *, routine: bool = False) -> BarAudit:
    return BarAudit(monitor.exchange, monitor.market, monitor.watch, monitor.archive, routine=routine)


async def looks(monitor: SmallMonitor, audit: BarAudit, seconds: int) -> None:
    for _ in range(seconds):
        monitor.clock.advance(1_000_000_000)
        await audit.compare_due()


def scores(monitor: SmallMonitor) -> dict[str, Any]:
    return {
        name: (body["signal"]["score"], [factor["score"] for factor in body["factors"]])
        for name, body in monitor.documents().items()
        if name.startswith("symbol:")
    }


def held(monitor: SmallMonitor, open_ms: int) -> Bar:
    base = monitor.market[BAD].history.base
    return next(bar for bar in base.last(len(base)) if bar.open_ms == open_ms)


def off(bar: Bar) -> Bar:
    return msgspec.structs.replace(
        bar, close=bar.close * 1.01, high=bar.high * 1.02, volume=bar.volume * 1.5, turnover=bar.turnover * 1.5
    )


@pytest.mark.parametrize("how", ["twice", "wrong", "wrong then doubted"])
async def test_the_true_bar_wins_and_the_row_is_stepped_anew(small: SmallMonitor, how: str) -> None:
    audit, open_ms = audit_of(small, routine=how == "wrong"), Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    await audit.compare_due()
    if how == "twice":
        await small.minute()
        small.sinks[BAD].bars(small.clock.now_ns(), [off(true)])
    else:
        await small.minute({BAD: off(true)})
        if how == "wrong then doubted":
            small.sinks[BAD].bars(small.clock.now_ns(), [true])
    await looks(small, audit, 130)
    await small.cycle.run()
    sound = SmallMonitor(exchange=OddExchange())
    await sound.start()
    await sound.minute()
    sound.clock.advance_to(small.clock.now_ns())
    await sound.cycle.run()
    assert held(small, open_ms) == true
    assert small.market[BAD].history.doubted == {}
    assert scores(small) == {name: (pytest.approx(s), pytest.approx(f)) for name, (s, f) in scores(sound).items()}
    assert audit.corrections == (0 if how == "twice" else 1)
    assert small.cycle.failures == 0
    sound.close()


async def test_a_correction_is_told_for_a_while(small: SmallMonitor) -> None:
    audit, open_ms = audit_of(small), Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    await small.minute({BAD: off(true)})
    small.sinks[BAD].bars(small.clock.now_ns(), [true])
    await looks(small, audit, 20)
    audit.observe(small.incidents)
    (told,) = (incident for incident in small.incidents.open() if incident.kind == "bars_corrected")
    assert (told.kind, told.symbol, told.severity) == ("bars_corrected", BAD, Severity.INFO)
    assert f"close {price_text(off(true).close)} → {price_text(true.close)}" in told.message
    small.clock.advance(700_000_000_000)
    audit.observe(small.incidents)
    assert tuple(small.incidents.open_parts("bars_corrected")) == ()


@pytest.mark.parametrize("answer", ["none", "impossible", "not closed"])
async def test_what_answers_nothing_settles_nothing(small: SmallMonitor, answer: str) -> None:
    """An empty answer about a minute, or one that cannot be, is no comparison: it is asked for again."""
    audit, open_ms = audit_of(small, routine=True), Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    await small.minute({BAD: off(true)})
    small.sinks[BAD].bars(small.clock.now_ns(), [true])
    odd(small).said[BAD, open_ms] = [
        {
            "none": msgspec.structs.replace(true, open_ms=0),
            "impossible": msgspec.structs.replace(true, low=2 * true.high),
            "not closed": msgspec.structs.replace(true, confirmed=False),
        }[answer]
    ]
    await looks(small, audit, 20)
    assert list(small.market[BAD].history.doubted) == [open_ms]
    odd(small).said.clear()
    await looks(small, audit, 60)
    assert (audit.corrections, held(small, open_ms)) == (1, true)


async def test_a_correction_is_whole_or_not_at_all(small: SmallMonitor) -> None:
    """A higher bar of which not every minute is held is asked for: without it the correction waits."""
    await small.minute()
    audit, open_ms = audit_of(small), Timeframe.M1.floor(small.now_ms)
    true, base = await small.true_bar(BAD, open_ms), small.market[BAD].history.base
    await small.minute({BAD: off(true)})
    for _ in range(4):
        await small.minute()
    begin_ms, rows = base.since(open_ms)
    base.restore(begin_ms, rows.copy())
    small.sinks[BAD].bars(small.clock.now_ns(), [true])
    odd(small).lacking = {Timeframe.M5}
    await looks(small, audit, 20)
    assert (audit.corrections, audit.corrected, held(small, open_ms)) == (0, {}, off(true))
    assert small.watch.contained.reasons == {}
    odd(small).lacking = set()
    await looks(small, audit, 100)
    assert (audit.corrections, held(small, open_ms)) == (1, true)
    assert small.watch.corrected == {BAD}
    five = small.market[BAD].history.series[Timeframe.M5].last(1)[0]
    assert five.high < off(true).high


async def test_an_answer_that_is_not_repeated_replaces_nothing(small: SmallMonitor) -> None:
    audit, open_ms = audit_of(small), Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    odd(small).said[BAD, open_ms] = [off(true), true]
    await small.minute({BAD: true})
    small.sinks[BAD].bars(small.clock.now_ns(), [off(true)])
    await looks(small, audit, 20)
    assert (audit.corrections, small.market[BAD].history.base.last(1)) == (0, [true])
    assert small.market[BAD].history.doubted == {}


async def test_answers_that_never_agree_are_given_up(small: SmallMonitor) -> None:
    audit, open_ms = audit_of(small), Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    odd(small).said[BAD, open_ms] = [
        msgspec.structs.replace(true, volume=50.0 + k, turnover=(50.0 + k) * true.close) for k in range(40)
    ]
    await small.minute({BAD: true})
    small.sinks[BAD].bars(small.clock.now_ns(), [off(true)])
    odd(small).asked.clear()
    await looks(small, audit, 300)
    assert (audit.corrections, audit.unsettled) == (0, 1)
    questions = [ask for ask in odd(small).asked if ask[2] == open_ms]
    assert len(questions) <= 8


async def test_an_impossible_bar_is_fetched_and_one_that_stays_costs_its_row_alone(small: SmallMonitor) -> None:
    open_ms = Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    impossible = msgspec.structs.replace(true, high=0.1 * true.low)
    await small.minute({BAD: impossible})
    assert small.market[BAD].history.base.last(1) == [true]
    odd(small).said[BAD, open_ms + MINUTE] = [impossible]
    await small.minute({BAD: impossible})
    assert small.watch.loader.failed == {
        BAD: "the exchange's minute of 2025-05-29T00:01:00.000Z is impossible (high: below open or close)"
    }
    row = small.documents()[f"symbol:{BAD}"]["ticker"]
    assert "is impossible" in row["reason"]
    assert row["data_quality"] == "stale"
    assert small.cycle.evaluations[SOUND].close_ms == open_ms + 2 * MINUTE
    assert small.cycle.failures == 0


async def test_repairs_wait_longer_each_time_never_ask_beyond_now_and_hold_up_no_other(small: SmallMonitor) -> None:
    odd(small).silent.add(BAD)
    await small.minute({BAD: None})
    odd(small).asked.clear()
    for _ in range(300):
        small.clock.advance(1_000_000_000)
        if small.refresh.incomplete(small.cycle.analysed_ms):
            await small.refresh.complete(small.cycle.analysed_ms)
    assert 8 <= len(odd(small).asked) <= 24
    assert all(end_ms < small.now_ms for _, _, _, end_ms in odd(small).asked)
    assert small.cycle.evaluations[SOUND].close_ms == small.cycle.analysed_ms
    odd(small).silent.clear()
    small.clock.advance(120_000_000_000)
    await small.refresh.complete(small.cycle.analysed_ms + 60 * MINUTE)
    assert odd(small).asked[-1][3] < small.now_ms
    assert small.watch.loader.failed == {}


def failing(small: SmallMonitor) -> list[Incident]:
    return [each for each in small.incidents.open() if each.kind == "symbol_failed"]


async def seconds_pass(small: SmallMonitor, seconds: int) -> None:
    """As the cycle repairs, and as the fault is watched."""
    for _ in range(seconds):
        small.clock.advance(1_000_000_000)
        if small.refresh.incomplete(small.cycle.analysed_ms):
            await small.refresh.complete(small.cycle.analysed_ms)
        small.watch.contained.observe(small.incidents, small.market.rows)


async def test_a_minute_that_stays_impossible_is_told_asked_for_seldom_and_over_when_it_is_true(
    small: SmallMonitor,
) -> None:
    open_ms = Timeframe.M1.floor(small.now_ms)
    impossible = msgspec.structs.replace(await small.true_bar(BAD, open_ms), high=1e-3)
    odd(small).said[BAD, open_ms] = [impossible]
    await small.minute({BAD: None})
    await seconds_pass(small, 14)
    assert failing(small) == []
    odd(small).asked.clear()
    await seconds_pass(small, 300)
    assert 12 <= len(odd(small).asked) <= 22
    (told,) = failing(small)
    assert told.symbol == BAD
    assert "minute of 2025-05-29T00:00:00.000Z is impossible (high: below open or close)" in told.message
    odd(small).said.clear()
    await seconds_pass(small, 25)
    assert failing(small) == []
    assert held(small, open_ms).high > 1e-3


async def test_a_repair_that_failed_is_forgotten_when_the_stream_brings_the_minute(small: SmallMonitor) -> None:
    late = await small.true_bar(BAD, Timeframe.M1.floor(small.now_ms))
    odd(small).silent.add(BAD)
    await small.minute({BAD: None})
    assert small.watch.loader.failed == {BAD: "planted: no bars"}
    small.sinks[BAD].bars(small.clock.now_ns(), [late])
    odd(small).silent.clear()
    await small.minute()
    assert small.watch.loader.failed == {}


async def test_a_minute_that_is_not_served_is_no_fault_of_its_symbol(small: SmallMonitor) -> None:
    odd(small).silent.add(BAD)
    await small.minute({BAD: None})
    await seconds_pass(small, 120)
    assert failing(small) == []
    assert small.watch.loader.failed == {BAD: "planted: no bars"}


async def test_a_history_of_which_nothing_can_be_is_told_and_asked_for_seldom() -> None:
    class NeverTrue(OddExchange):
        async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
            found = await super().bars(symbol, timeframe, start_ms, end_ms)
            return [msgspec.structs.replace(bar, low=-1.0) for bar in found] if symbol == BAD and self.lies else found

        lies = True

    exchange = NeverTrue()
    small = SmallMonitor(exchange=exchange)
    await small.start()
    exchange.asked.clear()
    await seconds_pass(small, 300)
    asked = [each for each in exchange.asked if each[0] == BAD and each[1] is Timeframe.M1]
    assert 12 <= len(asked) <= 24
    assert small.watch.loader.failed == {BAD: "the exchange's last minute is impossible (low: not a positive number)"}
    assert [each.symbol for each in failing(small)] == [BAD]
    exchange.lies = False
    await seconds_pass(small, 25)
    assert (failing(small), small.watch.loader.failed) == ([], {})
    assert small.market[BAD].history.base.next_ms is not None
    small.close()


async def redenominate(small: SmallMonitor, minutes: int) -> int:
    """The contract becomes a thousand times itself with the next minute; the time (epoch ms) of that."""
    seam_ms = Timeframe.M1.floor(small.now_ms)
    odd(small).unit_from[BAD] = seam_ms, 1000.0
    row = small.exchange.listed[BAD].tickers[0]
    in_thousands = msgspec.structs.replace(row, last=row.last * 1000, mark=row.mark * 1000, change_24h=998.81)
    small.exchange.listed[BAD].tickers[0] = in_thousands
    for _ in range(minutes):
        open_ms = Timeframe.M1.floor(small.now_ms)
        true = await small.true_bar(BAD, open_ms)
        small.sinks[BAD].ticker(small.now_ms, small.clock.now_ns(), TickerUpdate(last=true.open, change_24h=998.81))
        forming = msgspec.structs.replace(true, confirmed=False)
        small.sinks[BAD].bars(small.clock.now_ns(), [forming])
        await small.minute({BAD: true})
    return seam_ms


async def test_a_contract_that_was_multiplied_begins_anew(small: SmallMonitor) -> None:
    for _ in range(3):
        await small.minute()
    before = small.market[BAD]
    seam_ms = await redenominate(small, 3)
    state = small.market[BAD]
    assert state is not before
    assert state.history.base.first_ms == seam_ms
    for timeframe, series in state.history.series.items():
        assert series.first_ms is None or series.first_ms >= timeframe.floor(seam_ms)
    reason = "history begins at 2025-05-29T00:03:00.000Z: the contract was multiplied by 1,000"
    detail = small.documents()[f"symbol:{BAD}"]
    assert detail["ticker"]["reason"] == reason
    assert detail["ticker"]["change"] is None
    levels = [detail["entry"][name] for name in ("price", "stop", "invalidation", "atr")]
    assert all(level is None or level > 1_000 for level in levels), "none is in the old unit"
    assert small.watch.restarts.restarted[BAD][1] == reason
    audit = audit_of(small)
    audit.observe(small.incidents)
    found = [incident for incident in small.incidents.recent(100) if incident.symbol == BAD]
    assert "history_restarted" in {incident.kind for incident in found}
    moves = [float(incident.details["move_pct"] or 0) for incident in found if incident.kind == "sudden_move"]
    assert all(abs(move) < 10 for move in moves), "no move of 99,900 %"
    assert small.cycle.failures == 0
    assert small.cycle.evaluations[SOUND].close_ms == small.cycle.analysed_ms


async def test_a_price_that_the_stream_alone_multiplies_is_not_believed(small: SmallMonitor) -> None:
    await small.minute()
    before, open_ms = small.market[BAD], Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    await small.minute({BAD: times_of(true, 1000.0)})
    assert small.market[BAD] is before
    assert before.history.base.last(1) == [true]
    assert small.watch.restarts.restarted == {}


async def test_a_price_that_rest_alone_multiplies_waits_for_another_to_say_so(small: SmallMonitor) -> None:
    await small.minute()
    before, open_ms = small.market[BAD], Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    odd(small).said[BAD, open_ms] = [times_of(true, 1000.0)]
    await small.minute({BAD: None})
    assert small.market[BAD] is before
    assert "multiplied by 1,000, which nothing else says" in small.watch.loader.failed[BAD]
    odd(small).said.clear()
    small.clock.advance(10_000_000_000)
    await small.cycle.run()
    assert small.market[BAD].history.base.last(1) == [true]


async def relaunched(small: SmallMonitor, monkeypatch: pytest.MonkeyPatch, looks: int) -> int:
    """For so many looks the exchange says that the contract was launched half an hour ago (epoch ms, returned)."""
    launch_ms, real, left = small.now_ms - 30 * MINUTE, MadeUpExchange.instruments, [looks]

    async def instruments(self: Any) -> Sequence[Any]:
        left[0] -= 1
        return [
            msgspec.structs.replace(each, launch_ms=launch_ms) if each.symbol == BAD and left[0] >= 0 else each
            for each in await real(self)
        ]

    monkeypatch.setattr(MadeUpExchange, "instruments", instruments)
    for _ in range(3):
        await small.watch.adopt(await small.watch.choose())
    return launch_ms


def halt(small: SmallMonitor, minutes: int) -> None:
    """Nothing was traded in the last so many minutes."""
    base = small.market[BAD].history.base
    assert base.next_ms is not None
    base.since(base.next_ms - minutes * MINUTE)[1][:, VOLUME] = 0.0


async def test_an_instrument_that_was_listed_anew_begins_with_its_launch(
    small: SmallMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small.minute()
    halt(small, 7 * 60)
    launch_ms = await relaunched(small, monkeypatch, 2)
    first_ms = small.market[BAD].history.base.first_ms
    assert first_ms is not None
    assert launch_ms <= first_ms < launch_ms + MINUTE
    assert "listed anew" in small.watch.restarts.restarted[BAD][1]
    await small.minute()
    assert small.cycle.failures == 0


@pytest.mark.parametrize(("looks", "halted"), [(1, 7 * 60), (3, 0), (3, 60)])
async def test_a_launch_that_one_look_tells_or_trades_contradict_restarts_nothing(
    small: SmallMonitor, monkeypatch: pytest.MonkeyPatch, looks: int, halted: int
) -> None:
    await small.minute()
    halt(small, halted)
    before, bars = small.market[BAD], len(small.market[BAD].history.base)
    await relaunched(small, monkeypatch, looks)
    assert small.market[BAD] is before
    assert len(before.history.base) == bars
    assert small.watch.restarts.restarted == {}


class Written:
    """A time series that remembers what it was given, the last value of each time standing."""

    def __init__(self) -> None:
        self.bars: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def write(self, table: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        if table.name == "bars":
            self.bars.update({(row[1], row[2], row[0]): row[3:] for row in rows})

    async def read(self, *_: Any, **__: Any) -> dict[Any, Any]:
        return {}


async def test_what_was_stored_of_a_wrong_bar_is_corrected_on_every_timeframe() -> None:
    small = SmallMonitor(exchange=OddExchange())
    store = Written()
    small.archive._store = store  # type: ignore[assignment]
    await small.start()
    audit, open_ms = audit_of(small), Timeframe.M1.floor(small.now_ms)
    true = await small.true_bar(BAD, open_ms)
    await small.minute({BAD: off(true)})
    assert store.bars[BAD, "1m", open_ms][3] == off(true).close
    for _ in range(4):
        await small.minute()
    small.sinks[BAD].bars(small.clock.now_ns(), [true])
    await looks(small, audit, 20)
    assert audit.corrections == 1
    assert store.bars[BAD, "1m", open_ms][:6] == (
        true.open, true.high, true.low, true.close, true.volume, true.turnover,
    )  # fmt: skip
    five = small.market[BAD].history.series[Timeframe.M5].last(1)[0]
    assert store.bars[BAD, "5m", open_ms][:4] == (five.open, five.high, five.low, five.close)
    assert five.high < off(true).high
    small.close()
