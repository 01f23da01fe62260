"""The time that the streams tell: what most of them say, and no single one."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.sinks import Silent

from virtuoso.exchange.bybit.feeds import Feed, feeds_for
from virtuoso.exchange.bybit.told import ToldClock
from virtuoso.model.clock import ManualClock

S, NOW_NS = 1_000_000_000, 1_786_310_820_000_000_000
FAR_MS = 600_000


class Lab:
    """The topics of two symbols, of which nothing has been heard yet."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW_NS)
        self.feeds: list[Feed] = []
        for symbol in ("BTCUSDT", "ETHUSDT"):
            self.feeds += feeds_for(symbol, Silent(), "linear", 50, lambda feed: None)
        self.told = ToldClock(lambda: self.feeds, self.clock)

    def hear(self, number: int, offset_ms: float, *, refused: bool = False) -> None:
        feed, now_ns = self.feeds[number], self.clock.now_ns()
        if refused:
            feed.refused_ns, feed.refused_ms = now_ns, int(now_ns / 1e6 + offset_ms)
        else:
            feed.received_ns, feed.event_ms = now_ns, int(now_ns / 1e6 + offset_ms)


def test_one_topic_has_nobody_to_agree_with() -> None:
    lab = Lab()
    assert (lab.told.agreed_ms(), lab.told.offset_ms()) == (None, None)
    lab.hear(0, FAR_MS, refused=True)
    lab.clock.advance(S)
    assert (lab.told.agreed_ms(), lab.told.offset_ms()) == (None, FAR_MS)
    lab.hear(1, 0.0)
    lab.clock.advance(S)
    assert lab.told.agreed_ms() == 0.0


@given(st.lists(st.sampled_from([0.0, float(FAR_MS)]), min_size=2, max_size=10), st.booleans())
def test_more_than_half_must_tell_it(offsets: list[float], refused: bool) -> None:
    lab = Lab()
    for number, offset_ms in enumerate(offsets):
        lab.hear(number, offset_ms, refused=refused)
    ahead = sum(offset_ms > 0 for offset_ms in offsets)
    assert lab.told.agreed_ms() == (FAR_MS if 2 * ahead > len(offsets) else 0.0)


def test_who_was_silent_for_seconds_is_not_asked() -> None:
    lab = Lab()
    for number in range(6):
        lab.hear(number, 0.0)
    lab.clock.advance(5 * S)
    for number in range(6, 9):
        lab.hear(number, FAR_MS, refused=True)
    assert lab.told.agreed_ms() == FAR_MS
    assert lab.told.offset_ms() == 0.0, "the longer memory is what a jump of the clock is proved by"
