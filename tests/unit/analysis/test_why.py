"""Why: counterfactuals that hold when recomputed, entries, sentences, the hash of what went in."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.panels import random_book

from virtuoso.analysis.bands import BALANCED, DOWN, UP, Banded, BandRule
from virtuoso.analysis.confluence import combine_factor
from virtuoso.analysis.factors import orderbook, technical, volume
from virtuoso.analysis.readings.counterfactual import REACH, counterfactuals
from virtuoso.analysis.readings.entry import Context, walked
from virtuoso.analysis.scoring import FactorArrays, combine, total_of
from virtuoso.model.signal import Entry, EntryChances
from virtuoso.model.timeframe import Timeframe

FRAMES = (Timeframe.M1, Timeframe.M5)
RULE = BandRule()
FACTORS = (orderbook.FACTOR, volume.FACTOR, technical.FACTOR)


def _factor(factor, rng: np.random.Generator, n: int, lean: np.ndarray) -> FactorArrays:
    """A factor with random raw values that lean as told, its modifiers halving nothing."""
    timeframes = (None,) if factor is orderbook.FACTOR else FRAMES
    t, c, m = len(timeframes), len(factor.components), len(factor.modifiers)
    z = lean + 0.5 * rng.normal(size=(t, c, n))
    scale = np.array([component.scale for component in factor.components])[:, None]
    center = np.array([component.center for component in factor.components])[:, None]
    raw = center + scale * z
    raw[rng.random(raw.shape) < 0.1] = np.nan
    scaling = np.where(rng.random((t, c, n)) < 0.3, 0.7, 1.0)
    value = np.stack([component.value(raw[:, i]) for i, component in enumerate(factor.components)], axis=1) * scaling
    weights = np.array([0.6, 0.4])[:t]
    result = combine_factor(value, weights, factor)
    return FactorArrays(
        factor=factor, timeframes=timeframes, frame_weights=weights, raw=raw, value=value, scaling=scaling,
        modifier_raw=np.ones((t, m, n)), modifier_value=np.ones((t, m, n)), age=np.full((t, n), 500.0),
        current=np.ones((t, n), dtype=bool), quality=np.zeros(n, dtype=np.int64), result=result.whole,
        frames=result.frames, available=result.available,
    )  # fmt: skip


def _market(seed: int, n: int = 200) -> tuple[tuple[FactorArrays, ...], Banded]:
    rng = np.random.default_rng(seed)
    lean = rng.normal(0, 0.9, n)
    factors = tuple(_factor(factor, rng, n, lean) for factor in FACTORS)
    score = 50 * (1 + combine(factors).confluence.x)
    before = rng.choice([DOWN, BALANCED, UP], n).astype(float)
    held = rng.integers(1, 8, n).astype(float)
    allowed = rng.random(n) < 0.9
    band = RULE.decide(before, held, score, allowed)
    return factors, Banded(band, before, held, allowed, band)


def _score_with(factors: tuple[FactorArrays, ...], f: int, t: int, c: int, i: int, raw: float) -> float:
    """The score of column `i` with one raw value changed: by hand, from the raw values up."""
    x = []
    for g, arrays in enumerate(factors):
        values = arrays.value[:, :, i : i + 1].copy()
        if g == f:
            component = arrays.factor.components[c]
            z = (raw - component.center) / component.scale
            values[t, c, 0] = np.tanh(z) * arrays.scaling[t, c, i]
        x.append(combine_factor(values, arrays.frame_weights, arrays.factor).whole.x)
    return float(50 * (1 + total_of(np.stack(x), [arrays.factor for arrays in factors]).x[0]))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_counterfactual_changes_the_band_when_recomputed_and_none_nearer_does(seed: int) -> None:
    factors, banded = _market(seed)
    found = counterfactuals(factors, combine(factors).confluence, banded, RULE)
    assert (found.factor >= 0).sum() > 5
    for i in np.flatnonzero(found.factor >= 0):
        f, t, c = int(found.factor[i]), int(found.timeframe[i]), int(found.component[i])
        component = factors[f].factor.components[c]
        score = _score_with(factors, f, t, c, i, found.raw[i])
        assert score == pytest.approx(found.score[i], abs=1e-9)
        band = _decide(banded, i, score)
        assert band == found.band[i] != banded.band[i]
        assert component.limits[0] <= found.raw[i] <= component.limits[1]
        distance = abs(found.raw[i] - factors[f].raw[t, c, i]) / abs(component.scale)
        short = factors[f].raw[t, c, i] + 0.99 * (found.raw[i] - factors[f].raw[t, c, i])
        assert _decide(banded, i, _score_with(factors, f, t, c, i, short)) == banded.band[i]
        for g, s, d in _others(factors, i):
            other = factors[g].factor.components[d]
            for sign in (-1, 1):
                raw = factors[g].raw[s, d, i] + sign * 0.99 * distance * abs(other.scale)
                inside = other.limits[0] <= raw <= other.limits[1]
                if inside and abs(raw - other.center) <= REACH * abs(other.scale):
                    assert _decide(banded, i, _score_with(factors, g, s, d, i, raw)) == banded.band[i]
        if i > 60:
            break


def _decide(banded: Banded, i: int, score: float) -> int:
    one = slice(i, i + 1)
    return int(RULE.decide(banded.before[one], banded.held[one], np.array([score]), banded.allowed[one])[0])


def _others(factors: tuple[FactorArrays, ...], i: int) -> Iterator[tuple[int, int, int]]:
    for f, arrays in enumerate(factors):
        for t, c in np.argwhere(np.isfinite(arrays.raw[:, :, i])):
            yield f, int(t), int(c)


def test_no_counterfactual_where_nothing_may_be_said_or_a_band_is_held() -> None:
    factors, banded = _market(3)
    confluence = combine(factors).confluence
    n = banded.before.size
    found = counterfactuals(factors, confluence, replace(banded, allowed=np.zeros(n, dtype=bool)), RULE)
    assert (found.factor == -1).all()
    held = replace(banded, before=np.full(n, float(UP)), held=np.ones(n), band=np.full(n, UP, dtype=np.int8))
    assert (counterfactuals(factors, confluence, held, RULE).factor == -1).all()


def _context(**changes) -> Context:
    book = random_book(np.array([100.0]))
    named = {"swing_low": 97.0, "swing_high": 103.5}
    values = {"close": 100.0, "atr": 2.0, **named} | changes
    prices = np.array([[values[name]] for name in named])
    return Context(
        timeframe=Timeframe.M30, close=np.array([values["close"]]), atr=np.array([values["atr"]]), prices=prices,
        book=book, book_seen=np.array([True]), size=100.0,
    )  # fmt: skip


def _entry(context: Context, *, long: bool) -> Entry:
    unknown = EntryChances(horizon_min=None, stop_first=None, target_first=None, levels_bp=None, net_bp=None)
    return context.entries(np.array([long])).entry(0, unknown)


def test_an_entry_stands_behind_the_swing_and_aims_at_the_next() -> None:
    entry = _entry(_context(), long=True)
    assert (entry.side, entry.basis, entry.invalidation, entry.stop) == ("long", "swing low", 97.0, 96.5)
    assert entry.targets == (103.5, 107.0)
    assert entry.reward_risk == pytest.approx(3.5 / 3.5)
    too_near = _entry(_context(swing_high=100.5), long=True)
    assert too_near.targets == (107.0,)


def test_without_a_near_swing_the_stop_is_in_atr() -> None:
    for swing in (99.5, 90.0, np.nan):
        entry = _entry(_context(swing_low=swing), long=True)
        assert (entry.basis, entry.stop, entry.invalidation) == ("1.5 ATR", 97.0, 97.0)
    assert _entry(_context(swing_high=np.nan), long=True).reward_risk == pytest.approx(2.0)


def test_a_mirrored_market_gives_the_mirrored_entry() -> None:
    up = _entry(_context(), long=True)
    down = _entry(_context(swing_low=96.5, swing_high=103.0), long=False)
    assert down.side == "short"
    assert [200 - price for price in (down.stop or 0, down.invalidation or 0, *down.targets)] == pytest.approx(
        [up.stop, up.invalidation, *up.targets]
    )
    assert down.reward_risk == pytest.approx(up.reward_risk)


def test_what_is_unknown_is_said() -> None:
    entry = _entry(_context(atr=np.nan), long=True)
    assert (entry.stop, entry.reward_risk, entry.reason) == (None, None, "no ATR of 30m yet")
    blind = _entry(replace(_context(), book=None), long=True)
    assert blind.slippage.buy_bp is None
    assert blind.slippage.reason == "no book was seen at the cut"
    deep = _entry(replace(_context(), size=1e9), long=True)
    assert deep.slippage.reason == "the ten best levels hold less than that"


def test_slippage_is_the_mean_price_of_walking_the_book() -> None:
    assert walked([100.0, 101.0], [1.0, 1.0], 100.0) == 100.0
    assert walked([100.0, 101.0], [1.0, 1.0], 201.0) == pytest.approx(100.5)
    assert walked([100.0, 101.0], [1.0, 1.0], 202.0) is None
    assert walked([100.0, np.nan], [1.0, np.nan], 150.0) is None
    context = _context()
    slippage = context.slippage(0)
    assert slippage.buy_bp is not None
    assert slippage.sell_bp is not None
    assert slippage.buy_bp > 0.499  # half the spread of 1 bp at least
    assert slippage.sell_bp > 0.499
