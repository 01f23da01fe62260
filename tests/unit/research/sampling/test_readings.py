"""Sampled readings and what followed them, against the whole of both."""

import numpy as np
import pytest

from virtuoso.analysis.bands import BandRule, is_stretched
from virtuoso.analysis.engine import FACTORS, TIMEFRAMES
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest
from virtuoso.research.sampling.readings import FollowedSampler, ReadingsSampler

MINUTES, SYMBOLS = 480, 2
BEGIN_MS = 1_750_032_000_000  # a midnight


@pytest.fixture(scope="module")
def block() -> BarBlock:
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, (MINUTES, SYMBOLS)), axis=0)).round(4)
    opened = np.concatenate([[[100.0, 100.0]], close[:-1]])
    close[200, 1] = close[199, 1]
    high, low = np.maximum(opened, close) + 0.02, np.minimum(opened, close) - 0.03
    for array in (opened, high, low, close):
        array[300, 0] = np.nan
    volume = rng.uniform(1, 2, close.shape)
    return BarBlock(
        timeframe=Timeframe.M1, rows=np.arange(SYMBOLS), open_ms=BEGIN_MS + 60_000 * np.arange(MINUTES),
        open=opened, high=high, low=low, close=close, volume=volume, turnover=volume * close,
        buy_volume=np.full(close.shape, np.nan),
    )  # fmt: skip


def test_what_followed_is_what_the_bars_say(block: BarBlock) -> None:
    sampler = FollowedSampler(SYMBOLS)
    for part in (slice(0, 100), slice(100, 333), slice(333, MINUTES)):
        sampler.add(block.part(part))
    found = sampler.followed()
    assert found.close_ms.tolist() == [BEGIN_MS + 300_000 * k for k in range(1, MINUTES // 5 + 1)]
    for row, close_ms in enumerate(found.close_ms.tolist()):
        entry = (close_ms - BEGIN_MS) // 60_000
        for horizon in (15, 60):
            way = slice(entry, entry + horizon)
            for n in range(SYMBOLS):
                closes = np.log(block.close[max(0, entry - 1) : entry + horizon, n])
                squares = np.diff(closes) ** 2
                whole = entry + horizon <= MINUTES and np.isfinite(closes).all()
                got = [getattr(found, name)[horizon][row, n] for name in ("close", "high", "low")]
                expected = [np.nan] * 3
                if whole and np.isfinite(block.close[way, n]).all():
                    top, bottom = block.high[way, n].max(), block.low[way, n].min()
                    expected = np.log(np.array([block.close[way, n][-1], top, bottom]) / block.open[entry, n])
                assert got == pytest.approx(expected, rel=1e-4, abs=1e-7, nan_ok=True)
                realised = np.sqrt(squares.sum()) if whole else np.nan
                if (squares > 0).all() or not whole:
                    assert found.realised[horizon][row, n] == pytest.approx(realised, rel=1e-3, nan_ok=True)
                else:
                    assert found.realised[horizon][row, n] > realised, "a return of 0 counts half a tick"
                past = block.close[entry - 1 - horizon : entry, n] if entry > horizon else np.array([np.nan])
                assert found.past[horizon][row, n] == pytest.approx(
                    np.log(past[-1] / past[0]), rel=1e-3, abs=1e-7, nan_ok=True
                )


def test_readings_are_those_of_the_backtest_at_the_sampled_closes(block: BarBlock) -> None:
    weights = {name: FACTORS[name].weight for name in ("technical", "volume")}
    rule = BandRule(up=60, down=40, exit_margin=2, min_coverage=0.1)
    whole = list(Backtest("AB", TIMEFRAMES, weights, rule).histories(block))
    sampler = ReadingsSampler()
    for history in whole:
        sampler.add(history)
    found = sampler.readings()
    score = np.concatenate([history.score for history in whole])
    close_ms = np.concatenate([history.close_ms for history in whole])
    at = np.flatnonzero(close_ms % 300_000 == 0)
    np.testing.assert_array_equal(found.close_ms, close_ms[at])
    np.testing.assert_array_equal(found.score, score[at].astype(np.float32))
    band = np.concatenate([history.bridged for history in whole])
    begun = is_stretched(band[1:]) & (band[1:] != band[:-1])
    assert begun.any()
    for n in range(SYMBOLS):
        for k, last in enumerate(at):
            sides = band[1:][max(0, last - 5) : last, n][begun[max(0, last - 5) : last, n]]
            assert found.entered[k, n] == (sides[-1] if sides.size else 0)
    rsi = found.component_names.index("technical.rsi@1m")
    technical = next(arrays for arrays in whole[-1].columns if arrays.factor.name == "technical")
    names = [component.name for component in technical.factor.components]
    last = technical.value[0, names.index("rsi")].reshape(-1, SYMBOLS)[-1]
    np.testing.assert_array_equal(found.components[rsi, -1], last.astype(np.float32))
    assert len(found.component_names) == len(found.components) == len(set(found.component_names))
