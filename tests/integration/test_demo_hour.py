"""An hour of the demo: nothing is flat, nothing is broken, and what is null says why."""

from collections import defaultdict

import pytest
from tests.support.offline import Offline
from tests.support.soak import soak_only

from virtuoso.model.signal import Reading

pytestmark = [pytest.mark.slow, soak_only("an hour of the market takes a minute of a core")]

# A Monday, twenty minutes before a 4-hour close, so that every timeframe has a close within the hour.
START_MS = 1_795_463_400_000 - 1_795_463_400_000 % 14_400_000 - 20 * 60_000


@pytest.fixture(scope="module")
def hour() -> tuple[Offline, list[Reading]]:
    offline = Offline(["BTCUSDT", "LAYERUSDT"], START_MS)
    readings = [reading for evaluation in offline.minutes(60) for reading in evaluation.readings()]
    return offline, readings


def test_no_component_is_constant_unless_null_with_a_reason(hour: tuple[Offline, list[Reading]]) -> None:
    _, readings = hour
    values: dict[tuple[str, str, str, str], set[float | None]] = defaultdict(set)
    for reading in readings:
        for factor in reading.factors:
            for part in factor.components:
                assert (part.value is None) == (part.reason is not None)
                values[reading.symbol, factor.name, part.name, part.timeframe or ""].add(part.raw)
    assert len(values) == 2 * (5 + 4 + 4 + 4 * (6 + 6 + 7))
    flat = sorted(key for key, seen in values.items() if len(seen) == 1 and seen != {None})
    # A funding rate stands until the next settlement, the account ratio for five minutes.
    assert {key[2] for key in flat} <= {"funding"}
    never = {key[2:] for key, seen in values.items() if seen == {None}}
    # Taker sides are known from the start of watching on: 20 bars of 5 minutes and more take longer than an hour. So do
    # past liquidations, which nothing can be asked for. The recording's 4h bars end 180 bars before the start.
    unseen = {("volume_delta", timeframe) for timeframe in ("5m", "30m", "4h")}
    assert never == unseen | {("liquidations", ""), ("swing_structure", "4h"), ("support_resistance", "4h")}


def test_scores_move_and_contributions_add_up(hour: tuple[Offline, list[Reading]]) -> None:
    offline, readings = hour
    assert offline.resyncs == []
    for symbol in offline.market.rows:
        scores = [reading.score for reading in readings if reading.symbol == symbol]
        assert len(set(scores)) > 50
        assert all(score is not None and 0 < score < 100 for score in scores)
    for reading in readings:
        assert reading.score is not None
        assert sum(factor.contribution for factor in reading.factors) == pytest.approx(reading.score - 50, abs=1e-12)


def test_bars_from_the_stream_equal_the_exchanges_own(hour: tuple[Offline, list[Reading]]) -> None:
    offline, _ = hour
    for symbol in offline.market.rows:
        state = offline.market[symbol]
        for timeframe, interval in (("5m", "5"), ("30m", "30"), ("4h", "240")):
            series = next(s for tf, s in state.history.series.items() if tf == timeframe)
            rows = offline.source.klines("linear", symbol, interval, "trade", START_MS - 14_400_000, offline.now_ms)
            own = {int(row[0]): [float(value) for value in row[1:]] for row in rows}
            closed = [bar for bar in series.last(50) if bar.open_ms in own]
            assert closed
            for bar in closed:
                ours = [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover]
                assert ours == pytest.approx(own[bar.open_ms], rel=1e-12)
