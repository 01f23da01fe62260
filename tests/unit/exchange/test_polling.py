"""What a stream does not deliver is asked for, and what is refused is asked for ever less often."""

from typing import Any

import pytest
from tests.support.sinks import Silent

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.refusals import RefusedFrames
from virtuoso.exchange.polling import Polling
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeError, ExchangeRejected, ExchangeUnavailable, MalformedMessage, NotOffered
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import POLLED, FeedKind
from virtuoso.model.market import Bar, Side, TickerUpdate, Trade

S = 1_000_000_000


class Asked:
    """An exchange that counts what it is asked, and answers as it is told."""

    clock_offset_ms = 0.0

    def __init__(self) -> None:
        self.count = {"bar": 0, "book": 0, "trade": 0, "ticker": 0}
        self.error: Exception | None = None
        self.last: float | None = 1.0
        self.found = [Bar(0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)]
        self.traded = [Trade(1, 1.0, 1.0, Side.BUY, "1")]

    def _answer(self, kind: str, found: Any) -> Any:
        self.count[kind] += 1
        if self.error is not None:
            raise self.error
        return found

    async def tickers(self) -> Any:
        return self._answer("ticker", {"AUSDT": TickerUpdate(last=self.last)})

    async def bars(self, *_: Any) -> Any:
        return self._answer("bar", self.found)

    async def trades(self, *_: Any) -> Any:
        return self._answer("trade", self.traded)

    async def book(self, *_: Any) -> Any:
        class Book:
            update_id, event_ms, bids, asks = 1, 1, (), ()

        return self._answer("book", Book)


class Streamed:
    """The streamed half: what its topics are is set by the test."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def watch(self, *_: Any) -> None:
        pass

    def feeds(self, kind: FeedKind | None = None) -> list[FeedStatus]:
        wanted = POLLED if kind is None else (kind,)
        return [FeedStatus(kind=kind, topic=f"{kind}.AUSDT", symbol="AUSDT", **self.fields) for kind in wanted]


def polling(exchange: Asked, clock: ManualClock, stream: Any = None) -> Polling:
    made = Polling(exchange, clock, interval_s=5.0, depth=50, on_event=lambda event: None, stream=stream)  # type: ignore[arg-type]
    made.watch({"AUSDT": Silent()})
    return made


async def rounds(fed: Polling, clock: ManualClock, n: int) -> None:
    """So many rounds, five seconds apart."""
    for _ in range(n):
        await fed.poll(fed._wanted())
        clock.advance(5 * S)


async def test_topics_whose_connection_lives_but_which_nothing_vouches_for_are_asked_for() -> None:
    """Acknowledged, not mute, and silent from the start, as trades and bars of a symbol without ticker and book."""
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock, Streamed(connected=True, acked=True, alive_ns=None))
    assert fed._wanted() == {}
    clock.advance(6 * S)
    wanted = fed._wanted()
    assert set(wanted["AUSDT"]) == set(POLLED)
    await fed.poll(wanted)
    assert {feed.polled_s for feed in fed.feeds()} == {5.0}


async def test_an_answer_that_holds_nothing_makes_nothing_fresh() -> None:
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock)
    exchange.last, exchange.found, exchange.traded = None, [], []
    await fed.poll(fed._wanted())
    told = {feed.topic.partition(".")[0]: (feed.received_ns, feed.refusal) for feed in fed.feeds()}
    assert told["ticker"] == (None, "last: not in the answer")
    assert told["bar"] == (None, "bars: none in the answer")
    assert told["trade"] == (None, None), "what was never traded is no fault"
    assert {feed.topic: feed.lacking for feed in fed.feeds() if feed.lacking} == {
        "trade.AUSDT": "no trades in the answer"
    }
    exchange.last, exchange.found, exchange.traded = 1.0, Asked().found, Asked().traded
    await fed.poll(fed._wanted())
    assert all(feed.received_ns == clock.now_ns() for feed in fed.feeds())


class Raising(Asked):
    """An exchange whose answers for one symbol raise what nobody foresaw."""

    bad: str | None = "AUSDT"

    async def tickers(self) -> Any:
        return {symbol: TickerUpdate(last=1.0) for symbol in ("AUSDT", "BUSDT")}

    async def bars(self, symbol: str, *_: Any) -> Any:
        if symbol == self.bad:
            raise KeyError("timestamp")
        return self.found


class RaisingSink(Silent):
    """A sink that does not keep its promise."""

    def ticker(self, *_: Any) -> None:
        raise ZeroDivisionError


async def test_whatever_one_symbol_raises_costs_that_topic_alone() -> None:
    clock, exchange, log, refused = ManualClock(1_000 * S), Raising(), IncidentLog(10), RefusedFrames()
    fed = polling(exchange, clock)
    fed.watch({"AUSDT": RaisingSink(), "BUSDT": Silent()})
    for _ in range(4):
        await fed.poll(fed._wanted())
        for _ in range(5):
            clock.advance(S)
            refused.observe(log, fed.feeds(), clock.now_ns() // 1_000_000)
    told = {feed.topic: feed.refusal for feed in fed.feeds() if feed.received_ns is None}
    assert told == {
        "ticker.AUSDT": "answer: could not be taken: ZeroDivisionError: ",
        "bar.AUSDT": "answer: could not be taken: KeyError: 'timestamp'",
    }
    assert (fed.rounds.rounds, fed.rounds.failed) == (4, 1)
    assert [incident.kind for incident in log.open()] == ["refused_frames"]
    exchange.bad = None
    await fed.poll(fed._wanted())
    assert [feed.topic for feed in fed.feeds() if feed.received_ns is None] == ["ticker.AUSDT"]


async def test_a_list_of_tickers_that_raises_ends_no_round() -> None:
    class Unforeseen(Asked):
        async def tickers(self) -> Any:
            raise TypeError("unforeseen")

    fed = polling(Unforeseen(), ManualClock(1_000 * S))
    await fed.poll(fed._wanted())
    told = {feed.topic.partition(".")[0]: feed.refusal for feed in fed.feeds() if feed.received_ns is None}
    assert told == {"ticker": "answer: could not be taken: TypeError: unforeseen"}


async def test_what_is_not_offered_is_asked_for_again_now_and_then() -> None:
    """One answer may say so of itself alone."""
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock)
    exchange.error = NotOffered("no such bars")
    await rounds(fed, clock, 20)
    assert exchange.count["bar"] == 1
    assert {feed.lacking for feed in fed.feeds() if not feed.topic.startswith("ticker")} == {"no such bars"}
    exchange.error = None
    clock.advance(600 * S)
    await fed.poll(fed._wanted())
    assert exchange.count["bar"] == 2
    assert {feed.lacking for feed in fed.feeds() if not feed.topic.startswith("ticker")} == {None}


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
    await rounds(fed, clock, 720)  # an hour
    assert 240 <= exchange.count["bar"] <= 250
    exchange.error = None
    clock.advance(60 * S)
    await fed.poll(fed._wanted())
    before = exchange.count["bar"]
    for _ in range(10):
        clock.advance(5 * S)
        await fed.poll(fed._wanted())
    assert exchange.count["bar"] == before + 10


async def test_what_is_not_answered_is_asked_for_at_every_round() -> None:
    """The transport holds requests back while nothing is answered; the first round after that brings everything."""
    clock, exchange = ManualClock(1_000 * S), Asked()
    fed = polling(exchange, clock)
    exchange.error = ExchangeUnavailable("connection refused")
    await rounds(fed, clock, 10)
    assert exchange.count["bar"] == 10


class Doubting(Silent):
    """A sink that believes no ticker for now."""

    refusal: str | None = None

    def ticker(self, *_: Any) -> str | None:
        return self.refusal


class Watched:
    """A symbol polled every five seconds beside others, and who looks each second whether too much is refused."""

    def __init__(self) -> None:
        self.clock, self.exchange, self.sink = ManualClock(1_000 * S), Asked(), Doubting()
        self.fed = polling(self.exchange, self.clock)
        self.fed.watch({"AUSDT": self.sink})
        self.log, self.refused = IncidentLog(10), RefusedFrames()

    async def rounds(self, count: int) -> list[str]:
        """The kinds of the incidents that are open after so many rounds."""
        for _ in range(count):
            await self.fed.poll(self.fed._wanted())
            for _ in range(5):
                self.clock.advance(S)
                self.refused.observe(self.log, self.fed.feeds(), self.clock.now_ns() // 1_000_000)
        return [incident.kind for incident in self.log.open()]

    def feed(self, kind: str) -> FeedStatus:
        return next(feed for feed in self.fed.feeds() if feed.topic == f"{kind}.AUSDT")


async def test_answers_that_are_refused_again_and_again_are_told_like_frames_of_a_stream() -> None:
    watched = Watched()
    assert await watched.rounds(3) == []
    watched.sink.refusal = "lastPrice: not a price"
    assert await watched.rounds(2) == [], "twice may be an accident"
    assert await watched.rounds(2) == ["refused_frames"]
    (told,) = watched.log.open()
    assert "ticker.AUSDT lastPrice: not a price" in told.message
    feed = watched.feed("ticker")
    assert (feed.messages, feed.rejected, feed.refused_in_row, feed.unreadable) == (3, 4, 4, True)
    watched.sink.refusal = None
    assert await watched.rounds(4) == []
    assert watched.feed("ticker").refused_in_row == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MalformedMessage("no row can be read"), ["refused_frames"]),
        (ExchangeUnavailable("refused"), []),
        (ExchangeRejected("symbol invalid", 10001), []),
    ],
)
async def test_what_cannot_be_read_is_refused_and_what_is_not_answered_is_not(
    error: ExchangeError, told: list[str]
) -> None:
    watched = Watched()
    await watched.rounds(3)
    watched.exchange.error = error
    assert await watched.rounds(6) == told
    assert {feed.rejected for feed in watched.fed.feeds()} == {6 if told else 0}
    assert {feed.refusals.get("answer: cannot be read", 0) for feed in watched.fed.feeds()} == {6 if told else 0}


async def test_a_topic_that_is_polled_for_now_says_that_its_answers_are_refused() -> None:
    clock, exchange = ManualClock(1_000 * S), Asked()
    streamed = Streamed(connected=True, acked=True, alive_ns=None)
    fed = polling(exchange, clock, streamed)
    sink = Doubting()
    fed.watch({"AUSDT": sink})
    fed._wanted()
    clock.advance(6 * S)
    await fed.poll(fed._wanted())
    sink.refusal = "lastPrice: not a price"
    for _ in range(3):
        await fed.poll(fed._wanted())
    (feed,) = [feed for feed in fed.feeds() if feed.topic == "ticker.AUSDT"]
    assert (feed.unreadable, feed.refusal, feed.polled_s) == (True, "lastPrice: not a price", 5.0)
    counted = feed.messages, feed.rejected, feed.refusals
    streamed.fields = {"connected": True, "acked": True, "alive_ns": clock.now_ns(), "received_ns": clock.now_ns()}
    assert fed._wanted() == {}
    (feed,) = [feed for feed in fed.feeds() if feed.topic == "ticker.AUSDT"]
    assert feed.polled_s is None, "it is streamed again"
    assert (feed.messages, feed.rejected, feed.refusals) == counted, "what was counted stays counted"
