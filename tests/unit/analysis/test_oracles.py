"""Every indicator against TA-Lib, or against a slow reference of its own where TA-Lib has none."""

from functools import partial

import numpy as np
import pytest
from tests.support import structure_oracles
from tests.support.banks import BAR_MEASURES, raw_of, value_of
from tests.support.lazily import Lazily
from tests.support.panels import part, random_bars

from virtuoso.analysis.component import Component
from virtuoso.analysis.indicators.profile import BINS
from virtuoso.market.panel import BarBlock

talib = Lazily("talib")
BARS = 900
MEASURES = {measure.name: measure for measure in BAR_MEASURES}


def _column(block: BarBlock, i: int):
    names = ("open", "high", "low", "close", "volume")
    return (np.ascontiguousarray(getattr(block, name)[:, i]) for name in names)


def _rolling(values: np.ndarray, bars: int) -> np.ndarray:
    out = np.full(values.size, np.nan)
    for t in range(bars - 1, values.size):
        out[t] = sum(values[t - bars + 1 : t + 1])
    return out


def _rsi(block, i):
    *_, close, _ = _column(block, i)
    return talib.RSI(close, 14)


def _macd(block, i):
    _, high, low, close, _ = _column(block, i)
    return talib.MACD(close, 12, 26, 9)[2] / talib.ATR(high, low, close, 14)


def _ao(block, i):
    _, high, low, close, _ = _column(block, i)
    middle = (high + low) / 2
    return (talib.SMA(middle, 5) - talib.SMA(middle, 34)) / talib.ATR(high, low, close, 14)


def _di(block, i):
    _, high, low, close, _ = _column(block, i)
    return talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14)


def _cci(block, i):
    _, high, low, close, _ = _column(block, i)
    return talib.CCI(high, low, close, 20)


def _willr(block, i):
    _, high, low, close, _ = _column(block, i)
    return talib.WILLR(high, low, close, 14)


def _momentum(block, i):
    _, high, low, close, _ = _column(block, i)
    return talib.MOM(close, 20) / (talib.ATR(high, low, close, 14) * np.sqrt(20))


def _adx(block, i):
    _, high, low, close, _ = _column(block, i)
    return talib.ADX(high, low, close, 14)


def _money_flow(bars):
    def oracle(block, i):
        _, high, low, close, volume = _column(block, i)
        line = talib.AD(high, low, close, volume)
        flow = np.full(line.size, np.nan)
        flow[bars:] = line[bars:] - line[:-bars]
        return flow / _rolling(volume, bars)

    return oracle


def _obv(block, i):
    *_, close, volume = _column(block, i)
    line = talib.OBV(close, volume)
    out = np.full(line.size, np.nan)
    out[60:] = line[60:] - line[:-60]
    return out / _rolling(volume, 60)


def _volume_delta(block, i):
    buy, volume = block.buy_volume[:, i], block.volume[:, i]
    return _rolling(buy - (volume - buy), 20) / _rolling(volume, 20)


def _vwap(block, i):
    _, high, low, close, volume = _column(block, i)
    vwap = _rolling(block.turnover[:, i], 96) / _rolling(volume, 96)
    return (close - vwap) / talib.ATR(high, low, close, 14)


def _relative_volume(block, i):
    volume = block.volume[:, i]
    return (_rolling(volume, 20) / 20) / (_rolling(volume, 120) / 120)


def _profile(block, i):
    _, high, low, close, volume = _column(block, i)
    out = np.full(close.size, np.nan)
    for t in range(119, close.size):
        window = slice(t - 119, t + 1)
        bottom, top = low[window].min(), high[window].max()
        histogram = [0.0] * BINS
        for h, lo, c, v in zip(high[window], low[window], close[window], volume[window], strict=True):
            position = min(max(((h + lo + c) / 3 - bottom) / (top - bottom) * BINS - 0.5, 0.0), BINS - 1.0)
            k = min(int(position), BINS - 2)
            histogram[k] += v * (k + 1 - position)
            histogram[k + 1] += v * (position - k)
        cumulated = np.concatenate([[0.0], np.cumsum(histogram)])
        edges = bottom + (top - bottom) * np.arange(BINS + 1) / BINS
        val, vah = np.interp([0.15 * cumulated[-1], 0.85 * cumulated[-1]], cumulated, edges)
        poc = bottom + (top - bottom) * (int(np.argmax(histogram)) + 0.5) / BINS
        out[t] = (close[t] - poc) / ((vah - val) / 2)
    return out


def _drift(block, i):
    close = block.close[:, i]
    out = np.full(close.size, np.nan)
    out[48:] = np.log(close[48:] / close[:-48]) / np.sqrt(48)
    return out


def _yang_zhang(bars):
    def oracle(block, i):
        opened, high, low, close, _ = _column(block, i)
        out = np.full(close.size, np.nan)
        for t in range(bars, close.size):
            w = slice(t - bars + 1, t + 1)
            gap = np.var(np.log(opened[w] / close[t - bars : t]), ddof=1)
            body = np.var(np.log(close[w] / opened[w]), ddof=1)
            rs = np.mean(
                np.log(high[w] / close[w]) * np.log(high[w] / opened[w])
                + np.log(low[w] / close[w]) * np.log(low[w] / opened[w])
            )
            k = 0.34 / (1.34 + (bars + 1) / (bars - 1))
            out[t] = np.sqrt(gap + k * body + (1 - k) * rs)
        return out

    return oracle


ORACLES = {
    "rsi": _rsi,
    "macd": _macd,
    "awesome_oscillator": _ao,
    "di_difference": _di,
    "cci": _cci,
    "williams_r": _willr,
    "momentum": _momentum,
    "adx": _adx,
    "volume_delta": _volume_delta,
    "adl": _money_flow(120),
    "cmf": _money_flow(20),
    "obv": _obv,
    "vwap_distance": _vwap,
    "profile_position": _profile,
    "relative_volume": _relative_volume,
    "drift": _drift,
    "volatility": _yang_zhang(48),
    "avg_volatility": _yang_zhang(336),
    **structure_oracles.ORACLES,
}


@pytest.fixture(scope="module")
def bars() -> BarBlock:
    return random_bars(BARS, 3, seed=7)


def test_every_measure_has_an_oracle() -> None:
    assert set(ORACLES) == set(MEASURES)


@pytest.mark.parametrize("name", ORACLES)
def test_agrees_with_its_oracle_after_its_exact_memory(name: str, bars: BarBlock) -> None:
    measure = MEASURES[name]
    ours = raw_of(measure, bars)
    for i in range(3):
        theirs = ORACLES[name](bars, i)[measure.exact :]
        spread = np.std(theirs)
        np.testing.assert_allclose(ours[measure.exact :, i], theirs, rtol=1e-9, atol=1e-9 * spread)


@pytest.mark.parametrize("name", ORACLES)
def test_is_null_before_ready_and_within_a_thousandth_from_then_on(name: str, bars: BarBlock) -> None:
    measure = MEASURES[name]
    mapped = partial(value_of, measure) if isinstance(measure, Component) else measure.map
    whole = mapped(raw_of(measure, bars))
    for start in (200, 237, 311):
        late = mapped(raw_of(measure, part(bars, start, BARS)))
        assert np.isnan(late[: measure.ready - 1]).all()
        assert np.abs(late - whole[start:])[measure.ready - 1 :].max() < 1e-3
