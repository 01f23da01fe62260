"""A broken topic is asked for anew: soon, but not in a storm, and before its silence makes it stale."""

import numpy as np

from virtuoso.exchange.bybit.resync import Resyncs

STALE_S = 10.0


def test_one_more_request_comes_before_the_topic_is_stale_however_often_it_was_asked_for() -> None:
    resyncs, now_s, waits = Resyncs(np.random.default_rng(3)), 0.0, []
    for _ in range(40):
        resyncs.plan("tickers.BTCUSDT", now_s)
        began_s = now_s
        while not resyncs.due(now_s):
            now_s += 0.01
        waits.append(now_s - began_s)
    assert max(waits) < STALE_S - 3.0, "its snapshot takes a while, too"
    assert sum(waits[-20:]) > 20.0, "and it is no storm"


def test_a_topic_that_was_calm_for_a_minute_begins_anew() -> None:
    resyncs = Resyncs(np.random.default_rng(3))
    for second in range(20):
        resyncs.plan("tickers.BTCUSDT", float(second))
    resyncs.due(60.0)
    resyncs.plan("tickers.BTCUSDT", 90.0)
    assert resyncs.due(90.2) == ["tickers.BTCUSDT"]
