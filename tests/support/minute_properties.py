"""What holds for every measure of base bars and their notes, whatever it computes; each check takes one measure."""

from dataclasses import replace

import numpy as np

from tests.support.banks import bank_of, mirror_bars, raw_of, scale_bars, stepped, value_of
from tests.support.panels import ARRAYS, part
from virtuoso.analysis.component import Component, Mirror, Modifier
from virtuoso.market.panel import MINUTE_FIELDS, BarBlock, MinuteBlock

Measure = Component | Modifier


def mapped(measure: Measure, raw: np.ndarray) -> np.ndarray:
    """The measure's map of raw values."""
    return value_of(measure, raw) if isinstance(measure, Component) else measure.map(raw)


def check_neighbours(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Row 1 of four leaves and is taken anew; the others are stepped apart and together."""
    t, leaves = len(whole), len(whole) - 370
    others = np.array([0, 2, 3])
    bank = bank_of(measure, bars.timeframe.ms)
    pieces = [stepped(bank, part(bars, 0, leaves))[:, others]]
    bank.memory.reset(slice(1, 2))
    pieces.append(stepped(bank, part(bars, leaves, leaves + 50, others)))
    tail = stepped(bank, part(bars, leaves + 50, t))
    pieces.append(tail[:, others])
    np.testing.assert_allclose(np.concatenate(pieces), whole[:, others], rtol=1e-11, atol=1e-12)
    fresh = raw_of(measure, part(bars, leaves + 50, t))[:, 1]
    np.testing.assert_allclose(tail[:, 1], fresh, rtol=1e-11, atol=1e-12)


def check_late_rows(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Rows 1 and 3 step four bars late and alone."""
    t = len(whole) - 20
    bank = bank_of(measure, bars.timeframe.ms)
    on_time, late = np.array([0, 2]), np.array([1, 3])
    bank.step(part(bars, 0, t))
    early = [stepped(bank, part(bars, k, k + 1, on_time)) for k in range(t, t + 4)]
    after = stepped(bank, part(bars, t, t + 4, late))
    np.testing.assert_allclose(np.concatenate(early), whole[t : t + 4, on_time], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(after, whole[t : t + 4, late], rtol=1e-11, atol=1e-12)
    both = stepped(bank, part(bars, t + 4, t + 20))
    np.testing.assert_allclose(both, whole[t + 4 :], rtol=1e-11, atol=1e-12)


def check_permutation(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Other rows for the same symbols."""
    order = np.array([2, 0, 3, 1])
    block = replace(part(bars, 0, len(whole), order), rows=np.arange(4))
    np.testing.assert_array_equal(raw_of(measure, block), whole[:, order])


def check_saved_state(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Another bank goes on from what was saved, whatever the first does meanwhile."""
    bank, restored = (bank_of(measure, bars.timeframe.ms) for _ in range(2))
    bank.step(part(bars, 0, 137))
    restored.memory.load(bank.memory.state())
    bank.step(part(bars, 137, 200))
    np.testing.assert_array_equal(stepped(restored, part(bars, 137, len(whole))), whole[137:])


def check_start(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Null before ready, within a thousandth from then on, and exact after the exact memory."""
    for start in (100, 137, 211):
        raw = raw_of(measure, part(bars, start, len(whole)))
        assert np.isnan(raw[: measure.ready - 1]).all()
        from_ready = slice(measure.ready - 1, None)
        difference = np.abs(mapped(measure, raw) - mapped(measure, whole[start:]))[from_ready]
        assert difference.size
        assert difference.max() < 1e-3
        exact = slice(measure.exact, None)
        assert raw[exact].size
        spread = np.nanstd(whole)
        np.testing.assert_allclose(raw[exact], whole[start:][exact], rtol=1e-9, atol=1e-9 * spread)


def check_missing_bar(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Row 2 misses bar 60 altogether: null until ready again, then as if nothing had been."""
    holes = {name: getattr(bars, name).copy() for name in ARRAYS}
    assert bars.minutes is not None
    notes = {name: getattr(bars.minutes, name).copy() for name in MINUTE_FIELDS}
    for values in (*holes.values(), *notes.values()):
        values[60, 2] = np.nan
    raw = raw_of(measure, replace(bars, minutes=MinuteBlock(**notes), **holes))
    np.testing.assert_array_equal(raw[:, [0, 1, 3]], whole[:, [0, 1, 3]])
    assert np.isnan(raw[60 : 60 + measure.ready, 2]).all()
    healed = slice(60 + measure.ready + 1, None)
    assert np.abs(mapped(measure, raw[healed, 2]) - mapped(measure, whole[healed, 2])).max() < 1e-3


def check_mirror(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """The market upside down negates a component's value and leaves a modifier's raw value alone."""
    if isinstance(measure, Component):
        mirrored = value_of(measure, raw_of(measure, mirror_bars(bars, measure.mirror)))
        np.testing.assert_allclose(mirrored, -value_of(measure, whole), rtol=0, atol=1e-9)
    else:
        mirrored = raw_of(measure, mirror_bars(bars, Mirror.RATIO))
        np.testing.assert_allclose(mirrored, whole, rtol=1e-9, atol=1e-9)


def check_units(measure: Measure, bars: BarBlock, whole: np.ndarray) -> None:
    """Another currency, another contract size."""
    for price, size in ((1e-6, 1.0), (1e5, 1.0), (1.0, 1e-7), (3.0, 1e6)):
        np.testing.assert_allclose(raw_of(measure, scale_bars(bars, price, size)), whole, rtol=1e-6, atol=1e-9)


def check_map(measure: Measure, whole: np.ndarray) -> None:
    """Bounded, monotone and moving; a component's map is odd about its centre, a modifier's in [0, 1]."""
    value = mapped(measure, whole)
    known = value[np.isfinite(value)]
    assert known.size > 800
    grid = np.linspace(np.nanmin(whole) - 1.0, np.nanmax(whole) + 1.0, 2_001)
    steps = np.diff(mapped(measure, grid))
    assert (steps >= 0).all() or (steps <= 0).all()
    assert np.abs(steps).max() < 0.05  # no jump
    if isinstance(measure, Component):
        assert np.abs(known).max() <= 1
        assert known.std() > 0.1
        np.testing.assert_allclose(measure.value(grid), value_of(measure, grid), rtol=1e-12)
        odd = mapped(measure, measure.center + grid) + mapped(measure, measure.center - grid)
        np.testing.assert_allclose(odd, 0.0, atol=1e-12)
    else:
        assert known.min() >= 0
        assert known.max() <= 1
