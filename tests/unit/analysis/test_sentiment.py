"""Sentiment: each measure against a slow reference, on planted markets, and what holds for all of them."""

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
from virtuoso.analysis.component import Feed
from virtuoso.analysis.factors.sentiment import FACTOR
from virtuoso.market.panel import MINUTE_FIELDS, BarBlock, MinuteBlock

N = 4
BARS = random_bars(900, N, seed=9, minutes=True)
LONG = random_bars(8_400, N, seed=9, minutes=True)
COMPONENTS = {component.name: component for component in FACTOR.components}
MEASURES = COMPONENTS | {modifier.name: modifier for modifier in FACTOR.modifiers}
MARKETS = {name: LONG if name == "liquidations" else BARS for name in MEASURES}
"""Liquidations are remembered for days."""
WHOLE = Made(lambda name: raw_of(MEASURES[name], MARKETS[name]))
READY = COMPONENTS["liquidations"].ready


def notes(block: BarBlock) -> MinuteBlock:
    assert block.minutes is not None
    return block.minutes


def with_notes(block: BarBlock, **changed: np.ndarray) -> BarBlock:
    return replace(block, minutes=replace(notes(block), **changed))


def _standing(name):
    def oracle(block, i):
        values, means, deviations = (
            getattr(notes(block), field)[:, i].tolist() for field in (name, f"{name}_mean", f"{name}_deviation")
        )
        return np.array([(v - m) / d for v, m, d in zip(values, means, deviations, strict=True)])

    return oracle


def _basis(block, i):
    return np.array([10_000.0 * value for value in notes(block).basis[:, i].tolist()])


def _liquidations(block, i):
    """Every minute's weight written out."""
    close, volume = block.close[:, i], block.volume[:, i]
    shorts, longs = notes(block).short_liquidated[:, i] / close, notes(block).long_liquidated[:, i] / close
    out = np.full(close.size, np.nan)
    for t in range(READY, close.size, 97):
        weight = 0.5 ** ((t - np.arange(t + 1)) / 210)
        s, w, v = (math.fsum(weight * x[: t + 1]) for x in (shorts, longs, volume))
        out[t] = (s - w) / (s + w + 0.002 * v)
    return out


def _volatility(block, i):
    """Parkinson's estimator of variance over an hour and over four."""
    ranges = np.log(block.high[:, i]) - np.log(block.low[:, i])
    out = np.full(ranges.size, np.nan)
    for t in range(239, out.size):
        fast, slow = (math.fsum(ranges[t - bars + 1 : t + 1] ** 2) / (4 * math.log(2) * bars) for bars in (60, 240))
        out[t] = math.sqrt(fast) / math.sqrt(slow)
    return out


ORACLES = {
    "funding": _standing("funding"),
    "account_ratio": _standing("long_ratio"),
    "liquidations": _liquidations,
    "basis": _basis,
    "realised_volatility": _volatility,
}


def test_every_measure_has_an_oracle() -> None:
    assert set(ORACLES) == set(MEASURES)


@pytest.mark.parametrize("name", ORACLES)
def test_agrees_with_its_slow_reference(name: str) -> None:
    measure = MEASURES[name]
    for i in range(2):
        theirs = ORACLES[name](MARKETS[name], i)
        known = np.flatnonzero(np.isfinite(theirs))
        known = known[known >= measure.ready]
        assert known.size > 60
        np.testing.assert_allclose(WHOLE[name][known, i], theirs[known], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_splitting_a_history_changes_nothing(name: str, data: st.DataObject) -> None:
    bars = MARKETS[name]
    splits = data.draw(st.lists(st.integers(0, bars.open_ms.size), max_size=5))
    np.testing.assert_array_equal(raw_of(MEASURES[name], bars, *splits), WHOLE[name])


CHECKS = (
    properties.check_neighbours, properties.check_late_rows, properties.check_permutation,
    properties.check_saved_state, properties.check_start, properties.check_missing_bar, properties.check_mirror,
    properties.check_units,
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MEASURES)
def test_what_holds_for_every_measure(name: str, check) -> None:
    check(MEASURES[name], MARKETS[name], WHOLE[name])


@pytest.mark.parametrize("name", MEASURES)
def test_maps_are_bounded_monotone_and_without_a_jump(name: str) -> None:
    properties.check_map(MEASURES[name], WHOLE[name])


def test_the_factor_is_what_the_design_says() -> None:
    assert (FACTOR.name, FACTOR.weight, FACTOR.feed) == ("sentiment", 0.07, Feed.TICKER)
    assert {m.name: m.scales for m in FACTOR.modifiers} == {"realised_volatility": ""}


@pytest.mark.parametrize("name", COMPONENTS)
def test_without_notes_nothing_is_known(name: str) -> None:
    assert np.isnan(raw_of(COMPONENTS[name], replace(MARKETS[name], minutes=None))).all()


@pytest.mark.parametrize("name", MEASURES)
def test_a_single_bar_is_not_an_error(name: str) -> None:
    raw = raw_of(MEASURES[name], part(MARKETS[name], 0, 1))
    assert np.isfinite(raw).all() == (MEASURES[name].ready == 1)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("funding", "funding"), ("funding", "funding_mean"), ("funding", "funding_deviation"),
        ("account_ratio", "long_ratio"), ("account_ratio", "long_ratio_mean"),
        ("account_ratio", "long_ratio_deviation"), ("basis", "basis"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_null_and_only_there(name: str, field: str) -> None:
    values = getattr(notes(BARS), field).copy()
    values[300, 1] = np.nan
    raw = raw_of(COMPONENTS[name], with_notes(BARS, **{field: values}))
    assert np.argwhere(np.isnan(raw)).tolist() == [[300, 1]]


@pytest.mark.parametrize("name", ["funding", "account_ratio"])
def test_without_a_deviation_nothing_stands_out(name: str) -> None:
    field = {"funding": "funding_deviation", "account_ratio": "long_ratio_deviation"}[name]
    assert np.isnan(raw_of(COMPONENTS[name], with_notes(BARS, **{field: np.zeros_like(BARS.close)}))).all()


def valued(name: str, raw: float) -> float:
    """The value of a raw reading."""
    return float(COMPONENTS[name].value(np.array([raw]))[0])


def test_funding_follows_and_the_crowd_is_opposed_each_beyond_its_usual() -> None:
    assert valued("funding", 0.99) == valued("funding", -0.99) == valued("account_ratio", 0.99) == 0.0
    assert valued("funding", 2.0) == pytest.approx(math.tanh(1.0))
    assert valued("account_ratio", 2.0) == pytest.approx(-math.tanh(1.0))
    assert valued("account_ratio", -2.0) == pytest.approx(math.tanh(1.0))


def test_a_premium_leans_up() -> None:
    basis = np.full_like(BARS.close, 1e-3)
    assert raw_of(COMPONENTS["basis"], with_notes(BARS, basis=basis))[-1, 0] == pytest.approx(10.0)
    assert valued("basis", 10.0) == pytest.approx(math.tanh(1.0))


def test_a_constant_price_has_no_relative_volatility() -> None:
    flat = np.full((300, 1), 0.1)
    bars = replace(part(BARS, 0, 300, np.array([0])), open=flat, high=flat, low=flat, close=flat)
    assert np.isnan(raw_of(MEASURES["realised_volatility"], bars)).all()


def test_extremes_make_sentiment_tell_less() -> None:
    tell = MEASURES["realised_volatility"].map
    assert tell(np.array([0.2, 1.0, 2.0, 5.0])).tolist() == [1.0, 1.0, 0.5, 0.2]


# Liquidations: the position's side, the half-life, and minutes that were not watched.


def quiet(bars: int = 3_000, columns: int = 1) -> BarBlock:
    """A watched market with even trade in which nobody is liquidated."""
    block = part(LONG, 0, bars, np.arange(columns))
    nothing = np.zeros((bars, columns))
    flat = np.full((bars, columns), 50.0)
    prices = dict.fromkeys(("open", "high", "low", "close"), flat)
    volume = np.full((bars, columns), 1_000.0)
    block = with_notes(block, long_liquidated=nothing, short_liquidated=nothing)
    return replace(block, volume=volume, turnover=50.0 * volume, **prices)


def liquidated(block: BarBlock, side: str, at: int, quote: float) -> BarBlock:
    values = getattr(notes(block), f"{side}_liquidated").copy()
    values[at] += quote
    return with_notes(block, **{f"{side}_liquidated": values})


def test_nobody_liquidated_is_no_evidence_either_way() -> None:
    raw = raw_of(COMPONENTS["liquidations"], quiet())
    assert (raw[READY - 1 :] == 0.0).all()


def test_liquidated_shorts_lean_up_and_halve_in_three_and_a_half_hours() -> None:
    """100 contracts of shorts are bought back: against 0.2 % of a decayed volume of 1000·Σ2^(−k/210)."""
    raw = raw_of(COMPONENTS["liquidations"], liquidated(quiet(), "short", 2_300, 5_000.0))[:, 0]
    usual = 0.002 * 1_000.0 / (1 - 0.5 ** (1 / 210))
    assert raw[2_299] == 0.0
    assert raw[2_300] == pytest.approx(100 / (100 + usual), rel=1e-3)
    assert raw[2_510] == pytest.approx(50 / (50 + usual), rel=1e-3)
    longs = raw_of(COMPONENTS["liquidations"], liquidated(quiet(), "long", 2_300, 5_000.0))[:, 0]
    np.testing.assert_allclose(longs[READY:], -raw[READY:], rtol=1e-12)


def test_liquidations_of_both_sides_cancel_and_without_trade_there_is_no_value() -> None:
    both = liquidated(liquidated(quiet(), "short", 2_300, 5_000.0), "long", 2_300, 5_000.0)
    assert np.abs(raw_of(COMPONENTS["liquidations"], both)[READY:]).max() == 0.0
    still = np.zeros_like(both.volume)
    empty = replace(quiet(), volume=still, turnover=still, buy_volume=still)
    assert np.isnan(raw_of(COMPONENTS["liquidations"], empty)).all()


def unwatched(block: BarBlock, minutes: slice) -> BarBlock:
    changed = {name: getattr(notes(block), name).copy() for name in MINUTE_FIELDS[-2:]}
    for values in changed.values():
        values[minutes] = np.nan
    return with_notes(block, **changed)


def test_a_minute_that_was_not_watched_is_passed_over() -> None:
    block = liquidated(quiet(), "short", 2_300, 5_000.0)
    whole = raw_of(COMPONENTS["liquidations"], block)
    holed = raw_of(COMPONENTS["liquidations"], unwatched(block, slice(2_400, 2_402)))
    np.testing.assert_array_equal(holed[READY:2_400], whole[READY:2_400])
    np.testing.assert_allclose(holed[2_400:], whole[2_400:], rtol=0.02)  # the sums go on from what was seen


def test_long_unwatched_times_are_unknown_until_little_weight_is_left_to_them() -> None:
    """A day of history without liquidations, as warm-up has it, then a watched market."""
    block = unwatched(quiet(5_000), slice(0, 3_000))
    raw = raw_of(COMPONENTS["liquidations"], block)[:, 0]
    first = int(np.flatnonzero(np.isfinite(raw))[0])
    assert first == 3_000 + math.ceil(210 * math.log2(20)) - 1
    assert np.isfinite(raw[first:]).all()
    gone = raw_of(COMPONENTS["liquidations"], unwatched(quiet(3_000), slice(2_500, 2_560)))[:, 0]
    assert np.isnan(gone[2_520:2_560]).all()
    assert np.isfinite(gone[2_999])


def test_one_lane_steps_all_measures_as_each_alone() -> None:
    bank = BarBank(BARS.timeframe.ms, FACTOR.components, FACTOR.modifiers)
    values = bank.step(BARS)
    for i, measure in enumerate(MEASURES.values()):
        np.testing.assert_array_equal(values.raw[i], raw_of(measure, BARS))
        np.testing.assert_allclose(values.value[i], properties.mapped(measure, values.raw[i]), rtol=1e-12)
    after = random_bars(905, N, seed=9, minutes=True)
    assert stepped(bank, part(after, 900, 905)).shape == (5, N)
