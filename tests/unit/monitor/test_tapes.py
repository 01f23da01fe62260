"""The published tape: the last trades and liquidations, newest first, with the size from which one is large."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.support.market import START_MS, trade

from virtuoso.market.tape import Tape
from virtuoso.model.clock import iso
from virtuoso.model.documents.tapes import TAPE_LIQUIDATIONS, TAPE_TRADES
from virtuoso.model.market import Liquidation, Side
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.monitor.cycle.tapes import tape_of


@dataclass
class State:
    tape: Tape = field(default_factory=Tape)
    forced: list[Liquidation] = field(default_factory=list)


def published(state: State, quality: DataQuality | None = DataQuality.LIVE) -> Any:
    qualities = {} if quality is None else {"BTCUSDT": SimpleNamespace(tape=quality)}
    cycle: Any = SimpleNamespace(qualities=qualities, source=DataSource.REPLAY)
    market: Any = {"BTCUSDT": state}
    return tape_of(market, cycle, "BTCUSDT")


def test_what_was_traded_last_comes_first_and_is_bounded() -> None:
    state = State()
    for i in range(TAPE_TRADES + 5):
        side = Side.SELL if i % 2 else Side.BUY
        state.tape.add([trade(START_MS + i, size=1.0 + i, side=side, price=10.0 + i, name=str(i))])
    state.forced += [Liquidation(START_MS + i, 9.0, float(i), Side.BUY) for i in range(TAPE_LIQUIDATIONS + 2)]
    tape = published(state)
    assert len(tape.trades) == TAPE_TRADES
    assert len(tape.liquidations) == TAPE_LIQUIDATIONS
    last = TAPE_TRADES + 4
    first = tape.trades[0]
    assert (first.time, first.price, first.size, first.bought) == (iso(START_MS + last), 10.0 + last, 1.0 + last, True)
    assert not tape.trades[1].bought
    assert (tape.liquidations[0].size, tape.liquidations[0].long) == (float(TAPE_LIQUIDATIONS + 1), True)
    assert (tape.data_quality, tape.data_source) == (DataQuality.LIVE, DataSource.REPLAY)


def test_a_size_is_large_once_enough_trades_were_seen() -> None:
    state = State()
    assert published(state).large_from is None
    for minute in range(3):
        at = START_MS + 60_000 * minute
        state.tape.add([trade(at + i, size=10.0 if i == 0 else 0.01, name=f"{minute}/{i}") for i in range(150)])
    large = published(state).large_from
    assert large is not None
    assert 0.01 < large <= 10.0


def test_without_a_judgement_of_its_feed_a_tape_is_unavailable() -> None:
    assert published(State(), None).data_quality is DataQuality.UNAVAILABLE
