"""One incident while what comes in is refused, with the share and a sample; none for accidents."""

from msgspec.structs import replace

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.refusals import KIND, RefusedFrames
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import FeedKind

WHY = "ts: more than 1 h ahead of the measured clock"


class Feeds:
    """Two topics, looked at once a second."""

    def __init__(self) -> None:
        self.log, self.judge, self.now_ms = IncidentLog(10), RefusedFrames(), 1_000_000
        self.feeds = [
            FeedStatus(kind=FeedKind.TICKER, topic=f"tickers.{name}", symbol=name) for name in ("BTCUSDT", "ETHUSDT")
        ]
        self.pass_seconds(20, [(10, 0), (10, 0)])

    def pass_seconds(self, seconds: int, come: list[tuple[int, int]]) -> None:
        """Let accepted and refused frames of each topic come, a second each."""
        for _ in range(seconds):
            self.now_ms += 1_000
            for i, (accepted, refused) in enumerate(come):
                feed = self.feeds[i]
                self.feeds[i] = replace(
                    feed, messages=feed.messages + accepted, rejected=feed.rejected + refused,
                    refused_in_row=feed.refused_in_row + refused if not accepted else 0,
                    refusal=WHY if refused else feed.refusal, refused_ns=self.now_ms * 1_000_000,
                )  # fmt: skip
            self.judge.observe(self.log, self.feeds, self.now_ms)

    @property
    def open(self) -> list[str]:
        return [incident.kind for incident in self.log.open()]


def test_a_topic_that_is_not_understood_for_more_than_five_seconds() -> None:
    feeds = Feeds()
    feeds.pass_seconds(5, [(0, 10), (10, 0)])
    assert feeds.open == []
    feeds.pass_seconds(2, [(0, 10), (10, 0)])
    assert feeds.open == [KIND]
    (incident,) = feeds.log.open()
    assert f"tickers.BTCUSDT {WHY}" in incident.message
    assert incident.details["reason"] == WHY
    assert incident.details["share"] == 0.3
    assert incident.details["topics"] == 1
    feeds.pass_seconds(4, [(10, 0), (10, 0)])
    assert feeds.open == [KIND], "the window is not over"
    feeds.pass_seconds(12, [(10, 0), (10, 0)])
    assert feeds.open == []


def test_everything_garbled() -> None:
    feeds = Feeds()
    feeds.pass_seconds(12, [(0, 10), (0, 10)])
    (incident,) = feeds.log.open()
    assert (incident.details["share"], incident.details["topics"]) == (0.6, 2), "of the last ten seconds, when it fired"
    assert feeds.log.fired == 1


def test_many_of_the_frames_of_a_topic_that_is_understood_now_and_then() -> None:
    feeds = Feeds()
    feeds.pass_seconds(15, [(5, 5), (10, 0)])
    assert feeds.open == [KIND]


def test_accidents_are_none() -> None:
    feeds = Feeds()
    for _ in range(20):
        feeds.pass_seconds(1, [(0, 3), (10, 0)])
        feeds.pass_seconds(14, [(10, 0), (10, 0)])
        assert feeds.open == []


def test_one_topic_that_is_refused_again_and_again_between_what_is_understood() -> None:
    """Another symbol's frames under its topic: none of its many neighbours makes that good."""
    feeds = Feeds()
    for _ in range(60):
        feeds.feeds.append(
            FeedStatus(kind=FeedKind.TICKER, topic=f"tickers.{len(feeds.feeds)}", symbol="X", messages=9_000)
        )
    feeds.pass_seconds(25, [(4, 2), (10, 0), *[(10, 0)] * 60])
    assert feeds.open == [KIND]
    assert feeds.log.open()[0].details["topics"] == 1


def test_a_topic_that_falls_silent_after_what_was_not_understood_is_one_incident() -> None:
    """It speaks seldom: between its refused frames the window holds none, and that makes nothing good."""
    feeds = Feeds()
    feeds.pass_seconds(8, [(0, 1), (10, 0)])
    assert feeds.open == [KIND]
    for _ in range(3):
        feeds.pass_seconds(25, [(0, 0), (10, 0)])
        assert feeds.open == [KIND]
        feeds.pass_seconds(1, [(0, 1), (10, 0)])
    assert feeds.log.fired == 1
    feeds.pass_seconds(17, [(1, 0), (10, 0)])
    assert feeds.open == []
