"""What a stream does not deliver is asked for, and what is refused is asked for ever less often."""

from typing import Any

from virtuoso.exchange.polling import Polling
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeRejected, ExchangeUnavailable
from virtuoso.model.feed import FeedStatus
from virtuoso.model.market import TickerUpdate

S = 1_000_000_000
KINDS = ("orderbook", "publicTrade", "tickers", "kline")


class Silent:
    """A sink that takes everything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Asked:
    """An exchange that counts what it is asked, and answers as it is told."""

    clock_offset_ms = 0.0

    def __init__(self) -> None:
        self.count = {"kline": 0, "orderbook": 0, "publicTrade": 0, "tickers": 0}
        self.error: Exception | None = None

    def _answer(self, kind: str, found: Any) -> Any:
        self.count[kind] += 1
        if self.error is not None:
            raise self.error
        return found

    async def tickers(self) -> Any:
        return self._answer("tickers", {"AUSDT": TickerUpdate(last=1.0)})

    async def bars(self, *_: Any) -> Any:
        return self._answer("kline", [])

    async def trades(self, *_: Any) -> Any:
        return self._answer("publicTrade", [])

    async def book(self, *_: Any) -> Any:
        class Book:
            update_id, event_ms, bids, asks = 1, 1, (), ()

        return self._answer("orderbook", Book)


class Streamed:
    """The streamed half: what its topics are is set by the test."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def watch(self, *_: Any) -> None:
        pass

    def feeds(self) -> list[FeedStatus]:
        return [FeedStatus(topic=f"{kind}.AUSDT", symbol="AUSDT", **self.fields) for kind in KINDS]


def polling(exchange: Asked, clock: ManualClock, stream: Any = None) -> Polling:
    made = Polling(exchange, clock, interval_s=5.0, depth=50, on_event=lambda event: None, stream=stream)  # type: ignore[arg-type]
    made.watch({"AUSDT": Silent()})
    return made


async def test_topics_whose_connection_lives_but_which_nothing_vouches_for_are_asked_for() -> None:
    """Acknowledged, not mute, and silent from the start, as trades and bars of a symbol without ticker and book."""
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock, Streamed(connected=True, acked=True, alive_ns=None))
    assert fed._wanted() == {}
    clock.advance(6 * S)
    wanted = fed._wanted()
    assert set(wanted["AUSDT"]) == set(KINDS)
    await fed.poll(wanted)
    assert {feed.polled_s for feed in fed.feeds()} == {5.0}


async def test_a_refused_topic_that_is_polled_still_says_that_it_is_refused() -> None:
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock, Streamed(connected=True, acked=False, alive_ns=None, denied="no", denied_ns=7))
    fed._wanted()
    clock.advance(6 * S)
    await fed.poll(fed._wanted())
    assert {(feed.polled_s, feed.denied, feed.denied_ns) for feed in fed.feeds()} == {(5.0, "no", 7)}


async def test_what_is_rejected_is_asked_for_ever_less_often() -> None:
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock)
    exchange.error = ExchangeRejected("symbol invalid", 10001)
    for _ in range(720):  # an hour
        await fed.poll(fed._wanted())
        clock.advance(5 * S)
    assert 240 <= exchange.count["kline"] <= 250
    exchange.error = None
    clock.advance(60 * S)
    await fed.poll(fed._wanted())
    before = exchange.count["kline"]
    for _ in range(10):
        clock.advance(5 * S)
        await fed.poll(fed._wanted())
    assert exchange.count["kline"] == before + 10


async def test_what_is_not_answered_is_asked_for_at_every_round() -> None:
    """The transport holds requests back while nothing is answered; the first round after that brings everything."""
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock)
    exchange.error = ExchangeUnavailable("connection refused")
    for _ in range(10):
        await fed.poll(fed._wanted())
        clock.advance(5 * S)
    assert exchange.count["kline"] == 10
