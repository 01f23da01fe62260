"""The history of signals: whatever happens, each end has its beginning, and short gaps of the data leave no trace."""

from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.analysis.bands import BRIDGE_BARS, UNKNOWN, BandRule, Bands, band_of
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Band, Label
from virtuoso.monitor.persistence.signal_log import SignalLog
from virtuoso.storage.database.queries import LastLabel
from virtuoso.storage.database.records import SignalRecord

MINUTE = 60_000
SYMBOLS = ("AUSDT", "BUSDT")
SIDES = (Label.BUY, Label.SELL)
SIGNAL_OF = {None: None, Band.UP: Label.BUY, Band.BALANCED: Label.HOLD, Band.DOWN: Label.SELL}
"""Labels that move as bands do, so that what they do at gaps and restarts is theirs."""


@pytest.fixture(autouse=True, scope="module")
def _any_reading() -> Iterator[None]:
    """The reasons are not looked at here: a made-up reading has none to be encoded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(msgspec.json, "encode", lambda _reading: b"{}")
        yield


class Evaluated:
    """An evaluation as the log reads it."""

    def __init__(self, close_ms: int, bridged: dict[str, Label | None]) -> None:
        self.close_ms = close_ms
        self._bridged = bridged

    def signal(self, symbol: str) -> Label | None:
        return self._bridged[symbol]

    def claimed_ms(self, symbol: str) -> int | None:
        return None

    def reading(self, symbol: str) -> object:
        return _Reading(symbol, self.close_ms)


class _Reading(SimpleNamespace):
    def __init__(self, symbol: str, close_ms: int) -> None:
        super().__init__(
            symbol=symbol, close_ms=close_ms, score=70.0, agreement=0.5, quality=DataQuality.LIVE,
            entry=SimpleNamespace(price=1.0), claim=None,
        )  # fmt: skip


class World:
    """Bands and log of one monitor, its history, and what a restart finds of it."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.history: list[SignalRecord] = []
        self.watched: set[str] = set()
        self.state: tuple[int, dict[str, Label | None], dict[str, tuple[float, ...]]] = (0, {}, {})
        self._start()

    def _start(self) -> None:
        self.labels, self.log = Bands(BandRule(hold_bars=1)), SignalLog("bybit")
        self.labels.memory.reserve(len(SYMBOLS))

    def restart(self, minutes: int, *, forgotten: bool) -> None:
        """Nobody watches for `minutes`; the last state may be lost, the history never is."""
        close_ms, recorded, checkpoints = (0, {}, {}) if forgotten else self.state
        self.now_ms += minutes * MINUTE
        self._start()
        last: dict[str, LastLabel] = {}
        for each in self.history:
            last[each.symbol] = LastLabel(each.label, each.close_ms)
        self.log.resume(recorded, close_ms, last)
        for row, symbol in enumerate(SYMBOLS):
            label, held, known_ms = checkpoints.get(symbol, (UNKNOWN, 0.0, 0.0))
            if label != UNKNOWN and symbol in self.watched:
                missed_ms = self.now_ms - close_ms
                self.labels.resume(row, label, held + missed_ms // MINUTE, known_ms + missed_ms, self.now_ms)

    def minute(self, scores: dict[str, float | None], late: set[str], kept: bool) -> None:
        """A close: scores of the watched symbols (`None` = unknown), but for those that come `late`."""
        self.now_ms += MINUTE
        self.history += self.log.lapsed(self.now_ms - MINUTE, None)
        here = sorted(self.watched - late)
        bridged = {}
        for symbol in here:
            row = SYMBOLS.index(symbol)
            score = scores[symbol]
            banded = self.labels.step(
                slice(row, row + 1), np.array([np.nan if score is None else score]), np.array([True]), self.now_ms
            )
            bridged[symbol] = SIGNAL_OF[band_of(int(banded.bridged[0]))]
        if here:
            found = Evaluated(self.now_ms, bridged)
            self.history += self.log.observe(found, here, None)  # type: ignore[arg-type]
        self.history += self.log.retain(self.watched, None)
        if kept:
            checkpoints = {s: tuple(self.labels.checkpoint(slice(i, i + 1))[:, 0]) for i, s in enumerate(SYMBOLS)}
            self.state = (self.now_ms, self.log.recorded(), {s: checkpoints[s] for s in self.watched})

    def join(self, symbol: str) -> None:
        if symbol not in self.watched:
            row = SYMBOLS.index(symbol)
            self.labels.memory.reset(slice(row, row + 1))
        self.watched.add(symbol)


SCORES = st.sampled_from([None, 20.0, 34.0, 50.0, 66.0, 80.0])
STEPS = st.one_of(
    st.tuples(
        st.just("minute"), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, SCORES)), st.sets(st.sampled_from(SYMBOLS))
    ),
    st.tuples(st.just("quiet"), SCORES, st.integers(1, 2 * BRIDGE_BARS)),
    st.tuples(st.just("restart"), st.sampled_from([0, 1, 3, 30]), st.booleans()),
    st.tuples(st.just("join"), st.sampled_from(SYMBOLS), st.none()),
    st.tuples(st.just("leave"), st.sampled_from(SYMBOLS), st.none()),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_every_end_has_its_beginning_and_every_beginning_one_end(steps: list[tuple]) -> None:
    world = World()
    world.watched = set(SYMBOLS)
    for what, one, two in steps:
        if what == "minute":
            world.minute(one, two, kept=True)
        elif what == "quiet":
            for _ in range(two):
                world.minute(dict.fromkeys(SYMBOLS, one), set(), kept=True)
        elif what == "restart":
            world.restart(one, forgotten=two)
        elif what == "join":
            world.join(one)
        else:
            world.watched.discard(one)
    _whole(world.history)


def _whole(history: list[SignalRecord]) -> None:
    """Of each symbol: closes rise, each begins where the one before ended, and no end is without a beginning."""
    now: dict[str, Label | None] = defaultdict(lambda: None)
    at: dict[str, int] = defaultdict(int)
    for each in history:
        assert each.label in SIDES or each.before in SIDES, each
        assert each.close_ms > at[each.symbol], each
        if now[each.symbol] in SIDES or each.before in SIDES:
            assert each.before is now[each.symbol], each
        now[each.symbol], at[each.symbol] = each.label, each.close_ms


def _run(scores: list[float | None]) -> list[tuple[Label | None, Label | None]]:
    world = World()
    world.watched = {"AUSDT"}
    for score in scores:
        world.minute({"AUSDT": score}, set(), kept=True)
    return [(each.before, each.label) for each in world.history]


def test_the_first_label_that_takes_a_side_is_an_opening() -> None:
    assert _run([80.0]) == [(None, Label.BUY)]
    assert _run([None, None, 20.0]) == [(None, Label.SELL)]
    assert _run([50.0, 50.0]) == []
    assert _run([50.0, 80.0, 50.0, 50.0]) == [(Label.HOLD, Label.BUY), (Label.BUY, Label.HOLD)]


def test_a_flickering_feed_is_no_storm() -> None:
    assert _run([80.0, None, 80.0, None, None, 80.0] * 10) == [(None, Label.BUY)]


def test_a_long_gap_ends_a_label_as_unknown_and_what_comes_after_is_an_opening() -> None:
    assert _run([80.0, *[None] * (BRIDGE_BARS + 1), 80.0]) == [
        (None, Label.BUY), (Label.BUY, None), (None, Label.BUY),
    ]  # fmt: skip


def test_a_symbol_that_is_not_scored_any_more_ends_as_unknown() -> None:
    world = World()
    world.watched = set(SYMBOLS)
    world.minute(dict.fromkeys(SYMBOLS, 80.0), set(), kept=True)
    for _ in range(BRIDGE_BARS + 2):
        world.minute(dict.fromkeys(SYMBOLS, 80.0), {"BUSDT"}, kept=True)
    last = world.history[-1]
    assert (last.symbol, last.before, last.label, last.close_ms) == ("BUSDT", Label.BUY, None, 2 * MINUTE)
    assert last.data_quality is DataQuality.UNAVAILABLE


def test_a_symbol_that_leaves_the_universe_ends_and_begins_anew_when_it_is_back() -> None:
    world = World()
    world.watched = {"AUSDT"}
    world.minute({"AUSDT": 80.0}, set(), kept=True)
    world.watched.clear()
    world.minute({}, set(), kept=True)
    world.join("AUSDT")
    world.minute({"AUSDT": 80.0}, set(), kept=True)
    assert [(each.before, each.label) for each in world.history] == [
        (None, Label.BUY), (Label.BUY, None), (None, Label.BUY),
    ]  # fmt: skip


def test_a_restart_of_half_an_hour_neither_ends_nor_begins_what_still_holds() -> None:
    world = World()
    world.watched = {"AUSDT"}
    world.minute({"AUSDT": 80.0}, set(), kept=True)
    world.restart(30, forgotten=False)
    for _ in range(3):
        world.minute({"AUSDT": 66.0}, set(), kept=True)
    assert [(each.before, each.label) for each in world.history] == [(None, Label.BUY)]


def test_a_side_of_which_the_history_has_no_beginning_begins_at_the_restart() -> None:
    """States of before first labels were recorded have such."""
    world = World()
    world.watched = {"AUSDT"}
    world.minute({"AUSDT": 80.0}, set(), kept=True)
    world.history.clear()
    world.restart(1, forgotten=False)
    world.minute({"AUSDT": 80.0}, set(), kept=True)
    world.minute({"AUSDT": 50.0}, set(), kept=True)
    assert [(each.before, each.label) for each in world.history] == [(None, Label.BUY), (Label.BUY, Label.HOLD)]
