"""Freshness: by the liveness of the feed, never by the last trade."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from virtuoso.market.quality import feed_quality, joined_quality, polled_quality
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality

LIVE, DELAYED, STALE = DataQuality.LIVE, DataQuality.DELAYED, DataQuality.STALE
PARTIAL, UNAVAILABLE = DataQuality.PARTIAL, DataQuality.UNAVAILABLE
S = 1_000_000_000
NOW = 1_000_000 * S
FEED = FeedStatus(
    kind=FeedKind.BAR, topic="kline.1.BTCUSDT", symbol="BTCUSDT", connected=True, acked=True,
    alive_ns=NOW - S, received_ns=NOW - S,
    lag_ms=100.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "quality"),
    [
        ({}, LIVE),
        ({"lag_ms": 2_000.0}, LIVE),
        ({"lag_ms": 2_000.1}, DELAYED),
        ({"lag_ms": 10_000.0}, DELAYED),
        ({"lag_ms": 10_000.1}, STALE),
        ({"lag_ms": -10_000.1}, STALE),
        ({"lag_ms": None}, LIVE),
        ({"lag_ms": -500.0}, LIVE),
        ({"connected": False, "alive_ns": None}, DELAYED),
        ({"alive_ns": NOW - 10 * S, "received_ns": NOW - 60 * S}, LIVE),
        ({"alive_ns": NOW - 10 * S - 1, "received_ns": NOW - 60 * S}, STALE),
        ({"alive_ns": None, "connected": False, "received_ns": NOW - 11 * S}, STALE),
        ({"alive_ns": NOW - 11 * S, "received_ns": NOW - 11 * S, "lag_ms": 9_000.0}, STALE),
        ({"alive_ns": None, "received_ns": None}, UNAVAILABLE),
        ({"received_ns": None, "acked": False}, UNAVAILABLE),
        ({"refused_in_row": 3, "received_ns": NOW - 10 * S}, LIVE),
        ({"refused_in_row": 3, "received_ns": NOW - 10 * S - 1}, STALE),  # it speaks, and is not understood
        ({"refused_in_row": 1, "received_ns": NOW - 60 * S}, STALE),  # what it said last is not known
        ({"refused_in_row": 3, "received_ns": None}, UNAVAILABLE),
        ({"received_ns": None, "lag_ms": None}, LIVE),  # acknowledged on a connection that is alive: merely quiet
    ],
)
def test_quality_of_a_feed(changes: dict[str, object], quality: DataQuality) -> None:
    assert feed_quality(replace(FEED, **changes), NOW) is quality


@given(st.integers(0, 86_400))
def test_a_quiet_symbol_is_never_stale(quiet_s: int) -> None:
    feed = replace(FEED, received_ns=NOW - quiet_s * S, alive_ns=NOW - 3 * S)
    assert feed_quality(feed, NOW) is LIVE


@given(st.integers(0, 3_600))
def test_quality_only_falls_while_nothing_comes(waited_s: int) -> None:
    quality = feed_quality(FEED, NOW + waited_s * S)
    assert quality is (LIVE if waited_s <= 9 else STALE)


def test_the_limit_is_the_callers() -> None:
    assert feed_quality(FEED, NOW + 20 * S, stale_after_s=22.0) is LIVE


@pytest.mark.parametrize(("age_s", "quality"), [(None, UNAVAILABLE), (0, LIVE), (22, LIVE), (23, STALE)])
def test_quality_of_what_was_asked_for(age_s: int | None, quality: DataQuality) -> None:
    assert polled_quality(None if age_s is None else NOW - age_s * S, NOW, stale_after_s=22.0) is quality


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        ((), UNAVAILABLE),
        ((LIVE, LIVE), LIVE),
        ((LIVE, DELAYED), DELAYED),
        ((LIVE, UNAVAILABLE), PARTIAL),
        ((DELAYED, UNAVAILABLE), PARTIAL),
        ((STALE, UNAVAILABLE), STALE),
        ((UNAVAILABLE, UNAVAILABLE), UNAVAILABLE),
    ],
)
def test_the_worst_of_what_is_needed(parts: tuple[DataQuality, ...], joined: DataQuality) -> None:
    assert joined_quality(parts) is joined
