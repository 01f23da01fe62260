"""The facts that health is judged by, from the feeds as they are: streamed, or polled (poll mode, ccxt)."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from virtuoso.market.universe.choice import Universe
from virtuoso.model.clock import ManualClock
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import FeedKind
from virtuoso.monitor.status import feed_items
from virtuoso.monitor.supervision import Supervision
from virtuoso.operations.health import HealthState

S = 1_000_000_000
NOW_NS = 1_800_000_000 * S
NOW_MS = NOW_NS // 1_000_000


def streamed(symbol: str, **changes: object) -> FeedStatus:
    given: dict[str, Any] = {
        "kind": FeedKind.TICKER, "topic": f"tickers.{symbol}", "symbol": symbol, "connected": True, "acked": True,
        "alive_ns": NOW_NS - S,
        "received_ns": NOW_NS - S, "lag_ms": 1.0, **changes,
    }  # fmt: skip
    return FeedStatus(**given)


def polled(symbol: str, age_s: float, interval_s: float = 60.0) -> FeedStatus:
    fetched_ns = NOW_NS - int(age_s * S)
    return streamed(symbol, alive_ns=fetched_ns, received_ns=fetched_ns, polled_s=interval_s)


def judged(feeds: list[FeedStatus], analysed_ms: int = NOW_MS - 30_000, empty: str | None = None) -> tuple[str, ...]:
    """The reasons of a monitor of two symbols with these feeds."""
    clock = ManualClock(NOW_NS)
    watch = SimpleNamespace(universe=Universe(("A", "B"), {}), exchange_ms=lambda: NOW_MS, empty=empty)
    kernel = SimpleNamespace(watch=watch, cycle=SimpleNamespace(analysed_ms=analysed_ms), clock=clock)
    supervision = Supervision(cast("Any", kernel), cast("Any", None))
    board = HealthState(clock, 60.0, "embedded")
    board.succeeded()
    board.observed(supervision._observed(feed_items(feeds, NOW_NS, 10.0)))
    return board.document().reasons


@pytest.mark.parametrize(
    "feeds",
    [
        [streamed("A"), streamed("B", mute=True)],
        [polled("A", 100.0), streamed("B", connected=False)],
        [polled("A", 121.9), polled("B", 500.0)],
    ],
)
def test_one_live_feed_is_enough(feeds: list[FeedStatus]) -> None:
    assert judged(feeds) == ()


@pytest.mark.parametrize(
    "feeds",
    [
        [streamed("A", mute=True), streamed("B", alive_ns=NOW_NS - 11 * S, received_ns=NOW_NS - 11 * S)],
        [streamed("A", lag_ms=2_500.0), streamed("B", acked=False, received_ns=None)],
        [polled("A", 122.1), polled("B", 500.0)],
        [streamed("C")],  # it is watched no longer
        [  # the liquidations of a silent symbol are judged by their acknowledgement: that is nothing to be healthy by
            streamed("A", mute=True),
            streamed("A", kind=FeedKind.LIQUIDATION, topic="allLiquidation.A", received_ns=None),
            streamed("B", kind=FeedKind.LIQUIDATION, topic="allLiquidation.B"),
        ],
    ],
)
def test_feeds_that_are_connected_and_not_live(feeds: list[FeedStatus]) -> None:
    assert judged(feeds) == ("none of the 2 watched symbols is live",)


def test_no_topic_is_connected() -> None:
    both = ("no topic is connected", "none of the 2 watched symbols is live")
    assert judged([streamed("A", connected=False), streamed("B", connected=False)]) == both
    assert judged([]) == both


def test_no_close_was_analysed() -> None:
    assert judged([streamed("A")], analysed_ms=NOW_MS - 121_000) == ("no close was analysed for 121 s",)
    assert judged([streamed("A")], analysed_ms=0) == ("no close has been analysed yet",)


def test_an_empty_universe() -> None:
    assert judged([], empty="the universe is empty: …") == ("the universe is empty: …",)
