"""Order flow: each measure against a slow reference, on planted markets, and what holds for all of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import minute_properties as properties
from tests.support.banks import raw_of, stepped
from tests.support.lazily import Made
from tests.support.panels import part, random_bars

from virtuoso.analysis.bank import BarBank
from virtuoso.analysis.block import Memory
from virtuoso.analysis.component import AGREEMENT, Component, Feed
from virtuoso.analysis.factors.flow import FACTOR
from virtuoso.analysis.indicators.impact import Vpin, bucket_imbalance
from virtuoso.market.panel import MINUTE_FIELDS, BarBlock, MinuteBlock

T, N = 900, 4
BARS = random_bars(T, N, seed=5, minutes=True)
COMPONENTS = {component.name: component for component in FACTOR.components}
MEASURES = COMPONENTS | {modifier.name: modifier for modifier in FACTOR.modifiers}
WHOLE = Made(lambda name: raw_of(MEASURES[name], BARS))


def notes(block: BarBlock) -> MinuteBlock:
    assert block.minutes is not None
    return block.minutes


def with_notes(block: BarBlock, **changed: np.ndarray) -> BarBlock:
    return replace(block, minutes=replace(notes(block), **changed))


def _delta(block: BarBlock, i: int) -> list[float]:
    return [2 * b - v for b, v in zip(block.buy_volume[:, i].tolist(), block.volume[:, i].tolist(), strict=True)]


def _windows(length: int, bars: int) -> list[tuple[int, slice]]:
    return [(t, slice(t - bars + 1, t + 1)) for t in range(bars - 1, length)]


def _cvd(block, i):
    """The running sum inside each window, less its mean, in the spread of random walks with the same steps."""
    delta, out = _delta(block, i), np.full(len(block.close), np.nan)
    for t, window in _windows(out.size, 60):
        line = np.cumsum(delta[window])
        steps = [(j - 1) / 60 for j in range(1, 61)]  # how much of step j is in c_60 − mean(c)
        variance = math.fsum(s * s for s in steps) * math.fsum(d * d for d in delta[window]) / 60
        out[t] = (line[-1] - math.fsum(line) / 60) / math.sqrt(variance)
    return out


def _share(numerator, denominator, bars):
    out = np.full(len(numerator), np.nan)
    for t, window in _windows(out.size, bars):
        out[t] = math.fsum(numerator[window]) / math.fsum(denominator[window])
    return out


def _tfi(block, i):
    return _share(_delta(block, i), block.volume[:, i].tolist(), 10)


def _large(block, i):
    large = notes(block).large_buy[:, i] - notes(block).large_sell[:, i]
    return _share(large.tolist(), block.volume[:, i].tolist(), 20)


def _aggressors(block, i):
    buys, sells = notes(block).buy_orders[:, i], notes(block).sell_orders[:, i]
    return _share((buys - sells).tolist(), (buys + sells).tolist(), 10)


def _atr(block, i):
    high, low, close = block.high[:, i], block.low[:, i], block.close[:, i]
    out, value = np.full(close.size, np.nan), math.nan
    for t in range(1, close.size):
        true_range = max(high[t], close[t - 1]) - min(low[t], close[t - 1])
        value = true_range if t == 1 else value + max(1 / 14, 1 / t) * (true_range - value)
        out[t] = value
    return out


def _quadrant(block, i):
    close, interest, atr = block.close[:, i], notes(block).open_interest[:, i], _atr(block, i)
    out = np.full(close.size, np.nan)
    for t in range(60, close.size):
        steps = [interest[k] - interest[k - 1] for k in range(t - 59, t + 1)]
        usual = math.sqrt(math.fsum(s * s for s in steps) / 60)
        q = (interest[t] - interest[t - 15]) / (math.sqrt(15) * usual)
        out[t] = (close[t] - close[t - 15]) / (atr[t] * math.sqrt(15)) * 0.5 * (1 + math.tanh(q))
    return out


def _kyle(block, i):
    """λ by least squares through the origin, made dimensionless."""
    returns = np.diff(np.log(block.close[:, i]), prepend=np.nan)
    flow = np.array(_delta(block, i))
    out = np.full(returns.size, np.nan)
    for t, window in _windows(out.size, 60):
        if t >= 60:
            q, r = flow[window], returns[window]
            slope = np.linalg.lstsq(q[:, None], r, rcond=None)[0][0]
            out[t] = slope * np.sqrt(np.mean(q**2)) / np.sqrt(np.mean(r**2))
    return out


def _amihud(block, i):
    returns = np.abs(np.diff(np.log(block.close[:, i]), prepend=np.nan))
    volume = block.volume[:, i]
    out = np.full(returns.size, np.nan)
    for t in range(120, out.size):
        means = []
        for bars in (20, 120):
            days = [returns[k] / volume[k] for k in range(t - bars + 1, t + 1) if volume[k] > 0]
            means.append(math.fsum(days) / len(days))
        out[t] = means[0] / means[1]
    return out


def _fill(trades: list[tuple[float, float]], buckets: int) -> float:
    """VPIN by filling one bucket after the other with (volume, buy volume) slices."""
    size = math.fsum(volume for volume, _ in trades) / buckets
    imbalance, room, buy, sell = 0.0, size, 0.0, 0.0
    for volume, bought in trades:
        left = volume
        while left > 0:
            taken = min(left, room)
            buy += taken * bought / volume
            sell += taken * (volume - bought) / volume
            left, room = left - taken, room - taken
            if room <= size * 1e-12:
                imbalance, room, buy, sell = imbalance + abs(buy - sell), size, 0.0, 0.0
    return (imbalance + abs(buy - sell)) / (buckets * size)


def _vpin(block, i):
    out = np.full(len(block.close), np.nan)
    for t, window in _windows(out.size, 60):
        out[t] = _fill(list(zip(block.volume[window, i], block.buy_volume[window, i], strict=True)), 30)
    return out


ORACLES = {
    "cumulative_volume_delta": _cvd,
    "trade_flow_imbalance": _tfi,
    "open_interest_quadrant": _quadrant,
    "large_trade_flow": _large,
    "aggressor_pressure": _aggressors,
    "kyle_lambda": _kyle,
    "amihud": _amihud,
    "vpin": _vpin,
}


def test_every_measure_has_an_oracle() -> None:
    assert set(ORACLES) == set(MEASURES)


@pytest.mark.parametrize("name", ORACLES)
def test_agrees_with_its_slow_reference(name: str) -> None:
    measure = MEASURES[name]
    for i in range(2):
        theirs = ORACLES[name](BARS, i)[measure.exact :]
        np.testing.assert_allclose(WHOLE[name][measure.exact :, i], theirs, rtol=1e-9, atol=1e-9 * np.std(theirs))


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=6, deadline=None)
@given(splits=st.lists(st.integers(0, T), max_size=5))
def test_splitting_a_history_changes_nothing(name: str, splits: list[int]) -> None:
    np.testing.assert_array_equal(raw_of(MEASURES[name], BARS, *splits), WHOLE[name])


@pytest.mark.parametrize("name", MEASURES)
def test_bar_by_bar_is_the_same(name: str) -> None:
    np.testing.assert_array_equal(raw_of(MEASURES[name], part(BARS, 0, 200), *range(1, 200)), WHOLE[name][:200])


CHECKS = (
    properties.check_neighbours, properties.check_late_rows, properties.check_permutation,
    properties.check_saved_state, properties.check_start, properties.check_missing_bar, properties.check_mirror,
    properties.check_units,
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MEASURES)
def test_what_holds_for_every_measure(name: str, check) -> None:
    check(MEASURES[name], BARS, WHOLE[name])


@pytest.mark.parametrize("name", MEASURES)
def test_maps_are_bounded_monotone_and_without_a_jump(name: str) -> None:
    properties.check_map(MEASURES[name], WHOLE[name])


def test_the_factor_is_what_the_design_says() -> None:
    assert (FACTOR.name, FACTOR.weight, FACTOR.feed) == ("order_flow", 0.30, Feed.TAPE)
    assert {m.name: m.scales for m in FACTOR.modifiers} == {
        "kyle_lambda": "trade_flow_imbalance", "amihud": "trade_flow_imbalance", "vpin": AGREEMENT,
    }  # fmt: skip


@pytest.mark.parametrize("name", MEASURES)
def test_a_minute_whose_tape_was_not_seen_is_unknown_while_it_is_in_the_window(name: str) -> None:
    buy = BARS.buy_volume.copy()
    buy[400, 0] = np.nan
    unseen = {field: getattr(notes(BARS), field).copy() for field in MINUTE_FIELDS[:4]}
    for values in unseen.values():
        values[400, 0] = np.nan
    raw = raw_of(MEASURES[name], replace(with_notes(BARS, **unseen), buy_volume=buy))
    np.testing.assert_array_equal(raw[:, 1:], WHOLE[name][:, 1:])
    windows = {
        "cumulative_volume_delta": 60, "trade_flow_imbalance": 10, "large_trade_flow": 20, "aggressor_pressure": 10,
        "kyle_lambda": 60, "vpin": 60, "open_interest_quadrant": 0, "amihud": 0,
    }  # fmt: skip
    gone = np.isnan(raw[:, 0]) & np.isfinite(WHOLE[name][:, 0])
    assert np.flatnonzero(gone).tolist() == list(range(400, 400 + windows[name]))


def test_without_notes_only_what_bars_know_is_known() -> None:
    """As in a backtest over bars with taker volumes."""
    bars = replace(BARS, minutes=None)
    for name, measure in MEASURES.items():
        if name in {"open_interest_quadrant", "large_trade_flow", "aggressor_pressure"}:
            assert np.isnan(raw_of(measure, bars)).all()
        else:
            np.testing.assert_array_equal(raw_of(measure, bars), WHOLE[name])


def constant(**values: float) -> BarBlock:
    """420 equal bars of one symbol; unnamed notes stay as they are."""
    bars = part(BARS, 0, 420, np.array([0]))
    flat = {name: np.full((420, 1), 0.1) for name in ("open", "high", "low", "close", "turnover")}
    flat |= {name: np.full((420, 1), values[name]) for name in ("volume", "buy_volume")}
    noted = {name: np.full((420, 1), value) for name, value in values.items() if name in MINUTE_FIELDS}
    return replace(with_notes(bars, **noted), **flat)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cumulative_volume_delta", 60 * 0.5 * 59 / 60 / math.sqrt(sum((j / 60) ** 2 for j in range(60)))),
        ("trade_flow_imbalance", 0.5),
        ("open_interest_quadrant", math.nan),
        ("large_trade_flow", 0.25),
        ("aggressor_pressure", 0.6),
        ("kyle_lambda", math.nan),
        ("amihud", math.nan),
        ("vpin", 0.5),
    ],
)
def test_a_constant_price_invents_nothing(name: str, expected: float) -> None:
    bars = constant(
        volume=1.0, buy_volume=0.75, buy_orders=8.0, sell_orders=2.0, large_buy=0.25, large_sell=0.0, open_interest=9.0
    )
    assert raw_of(MEASURES[name], bars)[-1, 0] == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", MEASURES)
def test_without_volume_there_is_no_value(name: str) -> None:
    empty = constant(volume=0.0, buy_volume=0.0, buy_orders=0.0, sell_orders=0.0, large_buy=0.0, large_sell=0.0)
    assert np.isnan(raw_of(MEASURES[name], empty)).all()


@pytest.mark.parametrize("name", MEASURES)
def test_a_single_bar_is_not_enough_and_not_an_error(name: str) -> None:
    assert np.isnan(raw_of(MEASURES[name], part(BARS, 0, 1))).all()


def test_a_crash_of_sixty_percent_stays_within_bounds() -> None:
    """As APE had on 2025-10-10: one bar, all of it sold."""
    crashed = {name: getattr(BARS, name).copy() for name in ("open", "high", "low", "close", "volume", "buy_volume")}
    for name in ("open", "high", "low", "close"):
        crashed[name][501:] *= 0.4
    crashed["low"][500], crashed["close"][500] = crashed["open"][500] * 0.35, crashed["open"][500] * 0.4
    crashed["volume"][500] *= 80
    crashed["buy_volume"][500] = 0.0
    bars = replace(BARS, **crashed)
    for measure in MEASURES.values():
        value = properties.mapped(measure, raw_of(measure, bars))[500:]
        assert np.isfinite(value).all()
        assert np.abs(value).max() <= 1
        if (
            isinstance(measure, Component)
            and measure.name != "large_trade_flow"
            and measure.name != "aggressor_pressure"
        ):
            assert value[0].max() < 0


# The quadrants of price and open interest.


def quadrant(price_step: float, interest_step: float) -> float:
    """Value in a market that moves evenly by `price_step` and whose open interest by `interest_step` a bar."""
    bars = part(BARS, 0, 200, np.array([0]))
    noise = np.where(np.arange(200) % 2, 0.5, -0.5)[:, None]
    close = 1e3 + price_step * np.arange(200.0)[:, None] + math.copysign(1.0, price_step) * noise
    opened = np.vstack([close[:1], close[:-1]])
    high, low = np.maximum(opened, close) + 0.5, np.minimum(opened, close) - 0.5
    interest = 1e6 + interest_step * np.arange(200.0)[:, None] + 3.0 * noise
    bars = replace(with_notes(bars, open_interest=interest), open=opened, high=high, low=low, close=close)
    component = COMPONENTS["open_interest_quadrant"]
    return float(properties.mapped(component, raw_of(component, bars))[-1, 0])


def test_new_positions_count_more_than_closed_ones() -> None:
    new_longs, covering = quadrant(0.4, 5.0), quadrant(0.4, -5.0)
    new_shorts, liquidation = quadrant(-0.4, 5.0), quadrant(-0.4, -5.0)
    assert new_longs > 4 * covering > 0
    assert (new_shorts, liquidation) == (pytest.approx(-new_longs), pytest.approx(-covering))
    assert covering < quadrant(0.4, 0.0) < new_longs


# VPIN: equal buckets by hand, columns that must not mix, and the true sides.


def vpin(volume: list[float], buy: list[float], buckets: int) -> float:
    """Of one window, through the indicator."""
    bars = part(BARS, 0, len(volume), np.array([0]))
    bars = replace(bars, volume=np.array(volume)[:, None], buy_volume=np.array(buy)[:, None])
    bank = BarBank(bars.timeframe.ms, (), ())
    section = lane_section(bank, bars)
    return float(vpin_of(len(volume), buckets, section)[-1, 0])


def lane_section(bank: BarBank, bars: BarBlock):
    """The cross-section that a bank hands to its measures."""
    seen = []

    class Looker:
        def __init__(self, memory: Memory) -> None:
            del memory

        def step(self, x):
            seen.append(x)
            return np.zeros(x.close.shape)

    component = replace(COMPONENTS["trade_flow_imbalance"], build=Looker)
    BarBank(bars.timeframe.ms, (component,), ()).step(bars)
    return seen[0]


def vpin_of(bars: int, buckets: int, section) -> np.ndarray:
    memory = Memory()
    indicator = Vpin(memory, bars, buckets)
    memory.reserve(1)
    with np.errstate(all="ignore"):
        return indicator.step(section)


def test_vpin_of_equal_buckets_by_hand() -> None:
    """Four buckets of 10: imbalances 6, 2, 10 and 0 of 10 → 18/40."""
    assert vpin([10.0] * 4, [8.0, 4.0, 10.0, 5.0], 4) == pytest.approx(0.45, rel=1e-12)
    # the same buckets, some of them filled by two bars, or one bar filling two
    assert vpin([6.0, 4.0, 10.0, 20.0], [6.0, 2.0, 4.0, 15.0], 4) == pytest.approx((6 + 2 + 5 + 5) / 40, rel=1e-12)


def test_vpin_is_one_when_all_take_one_side_and_zero_when_every_bucket_is_even() -> None:
    volume = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    assert vpin(volume, volume, 5) == pytest.approx(1.0, rel=1e-12)
    assert vpin(volume, [0.0] * 8, 5) == pytest.approx(1.0, rel=1e-12)
    assert vpin(volume, [v / 2 for v in volume], 5) == pytest.approx(0.0, abs=1e-12)


def test_vpin_sees_what_the_window_as_a_whole_hides() -> None:
    """Bought first and sold then: balanced in sum, one-sided in every bucket."""
    assert vpin([1.0] * 12, [1.0] * 6 + [0.0] * 6, 6) == pytest.approx(1.0, rel=1e-12)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(2, 40), st.integers(1, 35))
def test_vpin_of_any_window_equals_filling_buckets(seed: int, columns: int, bars: int, buckets: int) -> None:
    """Also with bars without volume, with enormous ones, and with columns of very different size side by side."""
    rng = np.random.default_rng(seed)
    volume = rng.lognormal(0, 2, (bars, columns)) * (rng.random((bars, columns)) < 0.8) * 10.0 ** rng.integers(-9, 9)
    volume *= 10.0 ** rng.integers(-6, 6, columns)
    buy = volume * rng.beta(0.5, 0.5, (bars, columns))
    with np.errstate(all="ignore"):
        found = bucket_imbalance(volume, buy, buckets)
    for i in range(columns):
        if volume[:, i].sum() == 0:
            assert np.isnan(found[i])
        else:
            expected = _fill([(v, b) for v, b in zip(volume[:, i], buy[:, i], strict=True) if v > 0], buckets)
            assert found[i] == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_vpin_answers_what_is_wanted() -> None:
    """Of a long warm-up only the last bar is asked for; it is the same."""
    bank = BarBank(BARS.timeframe.ms, (), (MEASURES["vpin"],))
    raw = bank.step(BARS, wanted=1).raw[0]
    assert np.isnan(raw[:-1]).all()
    np.testing.assert_array_equal(raw[-1], WHOLE["vpin"][-1])
    following = random_bars(T + 5, N, seed=5, minutes=True)
    assert stepped(bank, part(following, T, T + 5)).shape == (5, N)


# Kyle and Amihud on planted markets.


def planted(response: float, depth: float = 1.0) -> BarBlock:
    """Returns that answer signed flow by `response` and noise; the last twenty bars `depth` times as deep."""
    rng = np.random.default_rng(3)
    bars = part(BARS, 0, 300, np.array([0]))
    volume = np.full((300, 1), 100.0)
    volume[-20:] *= depth
    buy = volume * rng.beta(4, 4, (300, 1))
    flow = (2 * buy - volume) / volume
    close = 50.0 * np.exp(np.cumsum(1e-3 * (response * flow + rng.normal(0, 0.1, (300, 1))), axis=0))
    return replace(bars, close=close, volume=volume, buy_volume=buy)


def test_kyle_grows_with_the_response_and_is_one_where_flow_explains_all() -> None:
    ignored, answered, contrary = (raw_of(MEASURES["kyle_lambda"], planted(r))[-1, 0] for r in (0.0, 1.0, -1.0))
    assert abs(ignored) < 0.25
    assert answered > 0.9
    assert contrary < -0.9


def test_a_thinner_market_is_amihuds() -> None:
    usual, thin = (raw_of(MEASURES["amihud"], planted(1.0, depth))[-1, 0] for depth in (1.0, 0.1))
    assert usual == pytest.approx(1.0, abs=0.35)
    assert thin > 3.0
    assert MEASURES["amihud"].map(np.array([thin]))[0] == pytest.approx(1 / thin)
