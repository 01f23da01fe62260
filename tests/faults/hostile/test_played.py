"""What worlds are played is the history: the same pushes and answers, whoever got there first."""

from tests.faults.hostile.played import Played
from tests.faults.hostile.world import WATCHED
from tests.support.virtual import EPOCH_MS

from virtuoso.simulator.history import open_history
from virtuoso.simulator.source import Push, Source

KINDS = ("orderbook.1", "orderbook.50", "tickers", "publicTrade", "kline.1", "allLiquidation")
WANTED = [("linear", f"{kind}.{symbol}") for kind in KINDS for symbol in WATCHED]


def pushed(source: Source, step_ms: int, until_ms: int) -> list[Push]:
    found: list[Push] = []
    for at_ms in range(EPOCH_MS, until_ms, step_ms):
        found += source.advance(at_ms, WANTED if at_ms > EPOCH_MS + 2_000 else WANTED[:5])
    return found


def test_the_same_is_pushed_and_answered_whoever_got_there_first() -> None:
    until_ms = EPOCH_MS + 24_000  # a minute ends within
    first, second, own = Played(), Played(), open_history(1, EPOCH_MS)
    expected = pushed(own, 100, until_ms)
    assert pushed(first, 100, until_ms) == pushed(second, 100, until_ms) == expected
    assert len(expected) > 1_000
    assert first.tickers("linear") == own.tickers("linear")
    assert first.snapshot("linear", "orderbook.50.SOLUSDT") == own.snapshot("linear", "orderbook.50.SOLUSDT")
