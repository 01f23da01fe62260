"""Price structure on small charts that can be worked out by hand; the ATR is 1 throughout."""

import math
from functools import partial

import numpy as np
import pytest

from virtuoso.analysis.block import CrossSection, Memory
from virtuoso.analysis.component import Build
from virtuoso.analysis.indicators.blocks import OrderBlocks
from virtuoso.analysis.indicators.gaps import FairValueGaps
from virtuoso.analysis.indicators.levels import SupportResistance
from virtuoso.analysis.indicators.position import RangePosition, TrendPosition
from virtuoso.analysis.indicators.swings import SwingHigh, SwingLow, SwingStructure

Bar = tuple[float, float, float, float]
"""Open, high, low, close."""


def chart(bars: list[Bar], number: int = 1000) -> CrossSection:
    """One symbol's bars."""
    opened, high, low, close = (np.array(values, dtype=np.float64)[:, None] for values in zip(*bars, strict=True))
    ones = np.ones(close.shape)
    previous = np.vstack([close[:1], close[:-1]])
    return CrossSection(
        rows=slice(0, 1),
        number=number,
        wanted=len(bars),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=ones,
        turnover=ones,
        buy_volume=ones,
        whole=np.isfinite(close),
        previous=previous,
        change=close - previous,
        true_range=high - low,
        atr=ones,
        minutes=None,
    )


def run(build: Build, bars: list[Bar]) -> list[float]:
    """The indicator's values."""
    memory = Memory()
    indicator = build(memory)
    memory.reserve(1)
    with np.errstate(all="ignore"):
        values: list[float] = indicator.step(chart(bars))[:, 0].tolist()
    return values


def quiet(price: float, count: int) -> list[Bar]:
    """Bars of one price."""
    return [(price, price, price, price)] * count


def swing_high(top: float, base: float = 100.0) -> list[Bar]:
    """Eleven bars with a pivot high in their middle, and no pivot low."""
    return [*quiet(base, 5), (base, top, base, base), *quiet(base, 5)]


def swing_low(bottom: float, base: float = 100.0) -> list[Bar]:
    """Eleven bars with a pivot low in their middle, and no pivot high."""
    return [*quiet(base, 5), (base, base, bottom, base), *quiet(base, 5)]


def test_a_swing_is_known_five_bars_after_it() -> None:
    highs = run(SwingHigh, swing_high(103.0))
    assert [math.isnan(value) for value in highs] == [True] * 10 + [False]
    assert highs[-1] == 103.0
    assert run(SwingLow, swing_low(96.0))[-1] == 96.0
    assert math.isnan(run(SwingLow, swing_high(103.0))[-1])


def test_of_equal_highs_the_last_is_the_swing() -> None:
    bars = [*quiet(100.0, 5), *[(100.0, 102.0, 100.0, 100.0)] * 3, *quiet(100.0, 5)]
    highs = run(SwingHigh, bars)
    assert [k for k, value in enumerate(highs) if value == 102.0] == [12]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_break_starts_from_nothing_at_the_level_grows_with_distance_and_decays(sign: int) -> None:
    level = 100.0 + 2.0 * sign
    formation = swing_high(level) if sign > 0 else swing_low(level)

    def broken(beyond: float, after: int = 0) -> float:
        price = level + sign * beyond
        return sign * run(SwingStructure, [*formation, *quiet(price, 1), *quiet(100.0, after)])[-1]

    assert broken(-0.5) == 0.0
    assert broken(0.0) == 0.0
    assert broken(1e-6) == pytest.approx(0.5e-6 * 0.94, rel=1e-3)  # the swing is six bars old
    distance = 3.0 * 0.94
    assert broken(3.0) == pytest.approx(0.5 * distance / (1.0 + distance), rel=1e-12)
    assert broken(3.0, after=4) == pytest.approx(broken(3.0) * 0.5**0.4, rel=1e-12)
    assert broken(1.0) < broken(2.0) < broken(4.0) < 0.5


def test_higher_highs_and_higher_lows_lean_up_and_a_break_against_them_is_damped() -> None:
    rising = [
        *swing_high(102.0), *swing_low(98.0), *swing_high(104.0)[1:], *swing_low(99.0)[1:],
    ]  # fmt: skip
    sequence = run(SwingStructure, rising)[-1]
    tops, bottoms = 2.0 * (1 - (41 - 5) / 100), 1.0 * (1 - (41 - 16) / 100)
    q = (tops + bottoms) / 2
    assert sequence == pytest.approx(0.5 * q / (1 + q), rel=1e-12)
    change_of_character = run(SwingStructure, [*rising, *quiet(97.0, 1)])[-1]
    against_nothing = run(SwingStructure, [*swing_low(99.0), *quiet(97.0, 1)])[-1]
    assert against_nothing < change_of_character < sequence


def test_support_just_below_leans_up_resistance_just_above_leans_down_and_the_level_is_neutral() -> None:
    def at(close: float) -> float:
        return run(SupportResistance, [*swing_high(103.0), *quiet(close, 1)])[-1]

    assert at(103.0) == 0.0
    assert at(102.0) < 0.0 < at(104.0)
    assert at(102.0) == pytest.approx(-at(104.0), rel=1e-12)
    assert abs(at(103.0 + 1e-7)) < 1e-6
    assert at(104.0) > at(106.0) > at(112.0) > 0.0
    assert at(103.9) > at(103.1)


def test_every_touch_makes_a_level_stronger() -> None:
    once = run(SupportResistance, [*swing_low(98.0), *quiet(99.0, 1)])[-1]
    twice = run(SupportResistance, [*swing_low(98.0), *swing_low(98.0)[1:], *quiet(99.0, 1)])[-1]
    assert 0.0 < once < twice < 1.0


def test_a_gap_is_filled_as_far_as_the_price_came_back() -> None:
    def at(*after: Bar) -> float:
        gap = [(100.0, 100.5, 99.5, 100.0), (100.0, 102.0, 100.0, 102.0), (102.0, 103.0, 101.5, 101.5)]
        return run(FairValueGaps, [*gap, *after])[-1]

    def weight(age: int, distance: float) -> float:
        return 0.5 ** (age / 16) * (1 - age / 64) / (1 + (distance / 4) ** 2)

    assert at() == pytest.approx(1.0)  # 100.5 to 101.5, just below the close
    assert at((101.5, 102.0, 101.2, 102.0)) == pytest.approx(0.7 * weight(1, 0.8))
    touched = (101.5, 101.5, 100.9, 101.0)
    assert at(touched, (101.0, 101.5, 101.0, 101.2)) == pytest.approx(0.4 * weight(2, 0.3))
    assert at((101.5, 101.5, 100.5, 101.0)) == 0.0
    assert at((101.5, 101.5, 99.0, 101.0), (101.0, 101.5, 101.0, 101.2)) == 0.0
    assert at(*quiet(101.5, 63)) == pytest.approx(1 / 64 * 0.5 ** (63 / 16))
    assert at(*quiet(101.5, 64)) == 0.0


def test_a_missing_bar_closes_every_gap() -> None:
    gap = [(100.0, 100.5, 99.5, 100.0), (100.0, 102.0, 100.0, 102.0), (102.0, 103.0, 101.5, 101.5)]
    values = run(FairValueGaps, [*gap, *quiet(math.nan, 1), *quiet(101.5, 3)])
    assert values[2] == pytest.approx(1.0)
    assert math.isnan(values[3])
    assert values[-1] == 0.0


def test_a_falling_gap_above_leans_down() -> None:
    gap = [(100.0, 100.5, 99.5, 100.0), (100.0, 100.0, 98.0, 98.0), (98.0, 98.5, 97.0, 98.5)]
    assert run(FairValueGaps, gap)[-1] == pytest.approx(-1.0)
    assert run(FairValueGaps, quiet(100.0, 5))[-1] == 0.0


def block(*closes: float, first_open: float = 100.0) -> list[Bar]:
    """A falling candle from 100 to 99 (range 98.5 to 100.5, half of it body), and candles that close there."""
    bars = [(first_open, 100.5, 98.5, 99.0)]
    for close in closes:
        before = bars[-1][3]
        bars.append((before, max(before, close), min(before, close), close))
    return bars


def test_an_order_block_starts_from_nothing_at_the_threshold_and_is_used_up_by_closes_into_it() -> None:
    def at(*closes: float) -> float:
        return run(OrderBlocks, block(*closes))[-1]

    def near(distance: float) -> float:
        return 1 / (1 + (distance / 4) ** 2)

    assert at(99.5, 100.0, 101.5) == 0.0  # one ATR above the high of 100.5: no more than the threshold
    assert at(99.5, 100.5, 101.5 + 1e-6) == pytest.approx(0.5e-6 * 0.5 * near(2.0), rel=1e-3)
    strength, share = 2.0 / 3.0 * 0.5, (99.5 - 98.5) / 2.0  # 3 ATR above; the close at 99.5 took half of the zone
    assert at(99.5, 101.0, 103.5) == pytest.approx(strength * share * near(4.0), rel=1e-12)
    assert at(99.0, 101.0, 103.5) == pytest.approx(strength * 0.25 * near(4.5), rel=1e-12)  # a bar that stands still
    age = 0.5 ** (1 / 16) * (1 - 1 / 64)
    assert at(99.5, 101.0, 103.5, 99.0) == pytest.approx(strength * 0.25 * age, rel=1e-12)
    assert at(99.5, 101.0, 103.5, 98.5) == 0.0
    assert at(99.5, 101.0, 103.5, 98.0, 103.0) <= 0.0
    assert at(99.5, 100.0, 100.2, 103.5) == 0.0  # too late to be its impulse


def test_only_the_last_candle_against_the_move_is_a_block() -> None:
    """A candle after which the next one still falls with its whole range is not the last."""
    falling = [(102.0, 102.0, 100.0, 100.0), (100.0, 100.0, 99.0, 99.0), *block(101.0, 104.0, 106.0)[1:]]
    alone = [*quiet(100.0, 1), *falling[1:]]
    assert run(OrderBlocks, falling)[-1] == pytest.approx(run(OrderBlocks, alone)[-1], rel=1e-12)
    assert run(OrderBlocks, alone)[-1] > 0.0


def test_positions_on_a_straight_line() -> None:
    line = [(100.0 + k, 100.0 + k, 100.0 + k, 100.0 + k) for k in range(64)]
    assert run(partial(TrendPosition, bars=64), line)[-1] == pytest.approx(63 / 8)
    assert run(partial(RangePosition, bars=48), line)[-1] == 1.0
    assert run(partial(RangePosition, bars=48), line[::-1])[-1] == -1.0
