"""A less real origin is believed at once, and ends only when all that ever announced one has long said otherwise."""

from typing import Any

import numpy as np
import pytest
from tests.support.sinks import Silent

from virtuoso.exchange.bybit.stream import BybitStream
from virtuoso.exchange.origin import ANSWERS, LASTS_S, Origin
from virtuoso.model.clock import ManualClock
from virtuoso.model.quality import DataSource

LIVE, REPLAY, SYNTHETIC = DataSource.LIVE, DataSource.REPLAY, DataSource.SYNTHETIC
S = 1_000_000_000
_EVERY_S = 30.0


class Lab:
    """An exchange whose REST and streams announce something every half minute."""

    def __init__(self, *places: str) -> None:
        self.clock = ManualClock(S)
        self.origin = Origin(self.clock)
        self.says: dict[str, str | None] = dict.fromkeys(places or ("REST", "streams"))
        self.run(_EVERY_S)

    def run(self, seconds: float) -> None:
        for _ in range(int(seconds / _EVERY_S)):
            for place, name in self.says.items():
                self.origin.announced(place, name)
            self.clock.advance(int(_EVERY_S * S))


@pytest.mark.parametrize("place", ["REST", "streams"])
def test_one_odd_answer_is_told_and_over_after_ten_minutes_of_right_ones(place: str) -> None:
    lab = Lab()
    assert (lab.origin.source, lab.origin.change) == (LIVE, None)
    lab.origin.announced(place, "replay")
    assert lab.origin.source is REPLAY
    lab.run(LASTS_S)
    assert lab.origin.source is REPLAY
    assert "streams say live" in str(lab.origin.change)
    lab.run(2 * _EVERY_S)
    assert (lab.origin.source, lab.origin.change) == (LIVE, None)


def test_another_odd_answer_begins_the_ten_minutes_anew() -> None:
    lab = Lab()
    lab.origin.announced("REST", "replay")
    for _ in range(5):
        lab.run(LASTS_S)
        lab.origin.announced("streams", "replay")
        assert lab.origin.source is REPLAY
    lab.run(LASTS_S + 2 * _EVERY_S)
    assert lab.origin.source is LIVE


@pytest.mark.parametrize("place", ["REST", "streams"])
def test_it_stands_while_one_place_says_nothing(place: str) -> None:
    lab = Lab()
    lab.origin.announced("REST", "replay")
    del lab.says[place]
    lab.run(20 * LASTS_S)
    assert lab.origin.source is REPLAY
    assert lab.origin.change is not None


def test_a_few_answers_prove_nothing_however_long_they_take() -> None:
    lab = Lab("REST")
    lab.origin.announced("REST", "replay")
    for _ in range(ANSWERS - 1):
        lab.origin.announced("REST", None)
        lab.clock.advance(int(LASTS_S * S))
    assert lab.origin.source is REPLAY
    lab.origin.announced("REST", None)
    assert lab.origin.source is LIVE, "where only REST is asked, only REST is waited for"


def test_what_is_no_exchange_ends_as_what_was_said_least_really_since() -> None:
    lab = Lab()
    lab.origin.announced("REST", "no such thing")
    assert lab.origin.source is SYNTHETIC
    lab.says["streams"] = "replay"
    lab.run(LASTS_S + 2 * _EVERY_S)
    assert lab.origin.source is REPLAY
    lab.origin.announced("REST", "synthetic")
    assert lab.origin.source is SYNTHETIC, "a less real one at once"


def test_a_stream_in_doubt_is_asked_each_minute_what_it_is() -> None:
    clock, doubt = ManualClock(100 * S), [False]
    stream = BybitStream(
        url="ws://nowhere", category="linear", depth=50, ping_interval_s=20.0, clock=clock,
        rng=np.random.default_rng(1), clock_offset_ms=lambda: 0.0, on_event=lambda event: None,
        on_origin=lambda name: None, is_doubted=lambda: doubt[0],
    )  # fmt: skip
    stream.watch({"BTCUSDT": Silent()})
    (connection,) = stream._connections
    sent: list[dict[str, Any]] = []
    connection.connected = True
    connection._send = connection._subscriptions._send = sent.append  # type: ignore[method-assign]
    for second in range(300):
        doubt[0] = 100 <= second < 250
        stream._supervise()
        clock.advance(S)
    assert [each["op"] for each in sent] == ["unsubscribe", "subscribe"] * 3
    assert {tuple(each["args"]) for each in sent} == {("orderbook.1.BTCUSDT",)}
