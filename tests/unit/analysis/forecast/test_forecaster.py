"""Forecasts are the same bits however a history comes, see nothing of what follows, and swap sides in a mirror."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.support.forecasts import FIRST_MS, bars

from virtuoso.analysis.forecast.features import Features, FeatureState
from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.forecaster import QUANTILES, Forecaster, refit_due
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, TAILS
from virtuoso.analysis.forecast.training import TrainingPool, TrainingSet
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.forecasting.walk import WalkForward

M5 = Timeframe.M5
DAY = 288
SYMBOLS = tuple(f"S{i}USDT" for i in range(6))
PIECE = 97
SEAM = 11 * PIECE
"""Bars up to the last place before all cuts where a walk's pieces meet: what cut walks have seen so far is the same."""
NAMES = ("volatility", "variance", "large_move", "large_move_threshold", "beyond_up", "beyond_down")


def forecaster(base: Timeframe = M5) -> Forecaster:
    made = Forecaster(base)
    for row, symbol in enumerate(SYMBOLS):
        made.add(symbol, row)
    return made


def costs(block: BarBlock) -> np.ndarray:
    return np.full(block.close.shape, 12.0)


def said(walk: WalkForward, parts: Iterator[BarBlock] | list[BarBlock]) -> dict[str, np.ndarray]:
    """All that was said, by name and horizon [t, n]."""
    found: dict[str, list[np.ndarray]] = {}
    for part in parts:
        for forecasts in walk.forecasts(part):
            for name in NAMES:
                for minutes, values in getattr(forecasts, name).items():
                    found.setdefault(f"{name} {minutes}", []).append(values)
            for name, minutes in product(QUANTILES, CHANCE_HORIZONS_MIN):  # four hours' need a week of outcomes
                for tail, values in enumerate(getattr(forecasts, name)[minutes]):
                    found.setdefault(f"{name}-{tail} {minutes}", []).append(values)
            assert forecasts.market is not None
            for tail, minutes in product(range(len(TAILS)), CHANCE_HORIZONS_MIN):
                of_market = np.repeat(forecasts.market.cone[minutes][tail][:, None], 2, axis=1)
                found.setdefault(f"market-{tail} {minutes}", []).append(of_market)
    return {name: np.concatenate(values) for name, values in found.items()}


def walked(
    block: BarBlock, lengths: Callable[[int], int] = lambda _: PIECE, walk: WalkForward | None = None
) -> dict[str, np.ndarray]:
    """Walk forward over the block in pieces of these lengths; on from a `walk` that has come to its first bar."""
    parts, at = [], 0
    while at < block.open_ms.size:
        parts.append(block.part(slice(at, at + lengths(at))))
        at += lengths(at)
    return said(walk or WalkForward(SYMBOLS, M5), parts)


@pytest.fixture(scope="module")
def history() -> BarBlock:
    return bars(5 * DAY + 40, len(SYMBOLS), seed=3, holes=3, timeframe=M5, bp=14.0)


def to_the_seam(history: BarBlock) -> tuple[WalkForward, dict[str, np.ndarray]]:
    """A walk that has come to the seam, to be copied, and what was said on the way."""
    walk = WalkForward(SYMBOLS, M5)
    return walk, walked(history.part(slice(0, SEAM)), walk=walk)


@pytest.fixture(scope="module")
def at_the_seam(history: BarBlock) -> tuple[WalkForward, dict[str, np.ndarray]]:
    return to_the_seam(history)


def beyond(block: BarBlock, walk: WalkForward) -> dict[str, np.ndarray]:
    """What is said from the seam on by a copy of a walk that has come to it."""
    return walked(block.part(slice(SEAM, None)), walk=deepcopy(walk))


@pytest.fixture(scope="module")
def whole(history: BarBlock, at_the_seam: tuple[WalkForward, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    walk, before = at_the_seam
    return {name: np.concatenate([before[name], values]) for name, values in beyond(history, walk).items()}


class Stepped:
    """Forecasters that stepped through the first bars of the history: each number of bars once, and copied."""

    def __init__(self, history: BarBlock) -> None:
        self._history = history
        self._made: dict[int, Forecaster] = {}

    def __call__(self, count: int) -> Forecaster:
        """One of the caller's own, after `count` bars."""
        if count not in self._made:
            before = max((n for n in self._made if n < count), default=0)
            made = deepcopy(self._made[before]) if before else forecaster()
            rest = self._history.part(slice(before, count))
            made.step(rest, costs(rest))
            self._made[count] = made
        return deepcopy(self._made[count])

    def adopting(self, days: int) -> Forecaster:
        """The same after whole days, with the fit to them."""
        made = self(days * DAY)
        fit = fitted(made.training_set(FIRST_MS + days * DAY * M5.ms))
        assert fit is not None
        made.adopt(fit)
        return made


@pytest.fixture(scope="module")
def stepped(history: BarBlock) -> Stepped:
    return Stepped(history)


def test_forecasts_come_once_two_days_of_samples_are_there_and_then_of_all(whole: dict[str, np.ndarray]) -> None:
    for name, values in whole.items():
        begun = np.flatnonzero(np.isfinite(values).any(axis=1))[0]
        assert begun <= (5 if "-" in name else 4) * DAY, name  # a tail needs 39 outcomes besides
        assert np.isfinite(values[-30:, 1:]).all(), name
    assert (whole["variance 15"] > whole["volatility 15"] ** 2)[-30:, 1:].all()
    up, down = whole["beyond_up 60"], whole["beyond_down 60"]
    assert ((up + down)[-30:, 1:] < 1.0).all()


def test_live_bar_by_bar_is_the_same_bits_as_long_blocks(history: BarBlock, whole: dict[str, np.ndarray]) -> None:
    for name, values in walked(history, lambda at: 1 if at >= 5 * DAY - 20 else 142).items():
        assert np.array_equal(values, whole[name], equal_nan=True), name  # with a refit and its adoption bar by bar


@pytest.mark.parametrize("seed", range(2))
def test_nothing_after_a_cut_changes_what_was_said_before_it(
    history: BarBlock,
    at_the_seam: tuple[WalkForward, dict[str, np.ndarray]],
    whole: dict[str, np.ndarray],
    seed: int,
) -> None:
    """Refits included: cuts lie after the first fit, and everything behind them is altered."""
    cut = 4 * DAY + int(np.random.default_rng(seed).integers(0, DAY))
    for name, values in beyond(altered(history, cut), at_the_seam[0]).items():
        assert np.array_equal(values[: cut - SEAM], whole[name][SEAM:cut], equal_nan=True), name
        assert not np.array_equal(values[cut - SEAM + 20 :], whole[name][cut + 20 :], equal_nan=True), name


def altered(block: BarBlock, cut: int) -> BarBlock:
    other = bars(block.open_ms.size, len(SYMBOLS), seed=99, timeframe=M5, bp=40.0)
    names = ("open", "high", "low", "close", "volume")
    changed: dict[str, Any] = {
        name: np.concatenate([getattr(block, name)[:cut], getattr(other, name)[cut:]]) for name in names
    }
    return replace(block, **changed)


class Foresees(FeatureState):
    """A planted leak: volatility of the bar that follows."""

    def step(self, number: int, rows: Any, block: BarBlock) -> Features:
        found = super().step(number, rows, block)
        ahead = np.concatenate([found.volatility[:, 1:], found.volatility[:, -1:]], axis=1)
        return replace(found, volatility=ahead)


def test_a_planted_leak_of_features_is_caught_by_the_cut(history: BarBlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtuoso.analysis.forecast.forecaster.FeatureState", Foresees)
    cut = 4 * DAY + 50
    walk, _ = to_the_seam(history)
    seen = slice(0, cut + PIECE)  # to the end of the piece in which the cut lies, at least
    leaking, before = (beyond(block.part(seen), walk) for block in (altered(history, cut), history))
    same = slice(0, cut - SEAM)
    assert any(not np.array_equal(leaking[name][same], before[name][same], equal_nan=True) for name in before)


def unpurged(training: TrainingSet, base_ms: int) -> int:
    """Outcomes in a training set that ended less than a bar before it was made."""
    count = 0
    for outcomes, horizons in ((training.realised, HORIZONS_MIN), (training.returns, CHANCE_HORIZONS_MIN)):
        for known, minutes in zip(outcomes, horizons, strict=True):
            late = training.close_ms + minutes * Timeframe.M1.ms + base_ms > training.until_ms
            count += int((late & np.isfinite(known)).sum())
    return count


def test_no_sample_has_an_outcome_within_a_horizon_and_a_bar(history: BarBlock, stepped: Stepped) -> None:
    made = stepped(history.open_ms.size)
    close_ms = FIRST_MS + 4 * DAY * M5.ms
    training = made.training_set(close_ms)
    assert unpurged(training, M5.ms) == 0
    assert np.isfinite(training.returns[0]).sum() > 1_000
    with pytest.raises(ValueError, match="read-only"):
        training.returns[0, 0] = 1.0


def test_a_planted_leak_of_outcomes_is_caught_by_the_purge(history: BarBlock, stepped: Stepped) -> None:
    class Leaky(TrainingPool):
        def known(self, until_ms: int) -> TrainingSet:
            return replace(super().known(until_ms + Timeframe.D1.ms), until_ms=until_ms)

    made = stepped(history.open_ms.size)
    samples, made._pool = made.samples(), Leaky(M5.ms)
    made._pool.load(samples)
    assert unpurged(made.training_set(FIRST_MS + 4 * DAY * M5.ms), M5.ms) > 0


def test_a_mirrored_market_swaps_up_and_down_and_nothing_else(history: BarBlock, whole: dict[str, np.ndarray]) -> None:
    """Nothing is fitted with a sign: the weights of direction are of columns that change sign, without a constant.

    Bins of moves are 4 % wide and a mirrored tick is another, hence the tolerance.
    """
    mirror = replace(
        history, open=1e4 / history.open, high=1e4 / history.low, low=1e4 / history.high, close=1e4 / history.close
    )
    swapped = {"beyond_up": "beyond_down", "beyond_down": "beyond_up", "high": "low", "low": "high"}
    for name, values in walked(mirror).items():
        kind, minutes = name.split()
        if "-" in kind:
            series, tail = kind.split("-")
            kind = f"{swapped.get(series, series)}-{len(TAILS) - 1 - int(tail)}"
            expected = whole[f"{kind} {minutes}"]
            assert np.nanmean(np.abs(values + expected)) < 0.005 * np.nanmean(np.abs(expected)), name
            continue
        expected = whole[f"{swapped.get(kind, kind)} {minutes}"]
        assert values == pytest.approx(expected, rel=1e-2, abs=1e-5, nan_ok=True), name


def test_rows_that_come_late_are_forecast_as_if_they_had_been_on_time(history: BarBlock, stepped: Stepped) -> None:
    made, late = stepped.adopting(4), stepped.adopting(4)
    start = 4 * DAY
    on_time, behind = np.array([0, 1, 3, 4, 5]), np.array([2])
    for k in range(start, start + 20):
        one = history.part(slice(k, k + 1))
        expected = made.step(one, costs(one))
        found = late.step(history.part(slice(k, k + 1), on_time), np.full((1, 5), 12.0))
        after = late.step(history.part(slice(k, k + 1), behind), np.full((1, 1), 12.0))
        again = late.step(history.part(slice(k, k + 1), behind), np.full((1, 1), 12.0))
        # the median over five may be another than over six, so only what is not of the market is compared
        for name in ("large_move_threshold",):
            for minutes, values in getattr(expected, name).items():
                assert np.array_equal(getattr(found, name)[minutes], values[:, on_time])
                assert np.array_equal(getattr(after, name)[minutes], values[:, behind])
                assert np.isnan(getattr(again, name)[minutes]).all()
        assert np.array_equal(after.realised, expected.realised[:, :, behind], equal_nan=True)
        assert np.isfinite(after.volatility[15]).all()


def test_a_gap_counts_as_missing_bars(history: BarBlock, stepped: Stepped) -> None:
    gap = slice(4 * DAY, 4 * DAY + 30)
    holes = replace(history, **{n: getattr(history, n).copy() for n in ("open", "high", "low", "close", "volume")})
    for name in ("open", "high", "low", "close", "volume"):
        getattr(holes, name)[gap] = np.nan
    with_holes, without = stepped(gap.start), stepped(gap.start)
    holed, rest = holes.part(slice(gap.start, None)), history.part(slice(gap.stop, None))
    expected, found = with_holes.step(holed, costs(holed)), without.step(rest, costs(rest))
    missing = gap.stop - gap.start
    for minutes, values in expected.large_move_threshold.items():
        assert np.array_equal(found.large_move_threshold[minutes], values[missing:], equal_nan=True)
    assert np.array_equal(found.realised, expected.realised[:, missing:], equal_nan=True)


def test_after_a_gap_cones_are_what_they_are_after_missing_bars(history: BarBlock, stepped: Stepped) -> None:
    gap, begin = slice(4 * DAY + 200, 4 * DAY + 230), 3 * DAY
    holes = replace(history, **{n: getattr(history, n).copy() for n in ("open", "high", "low", "close", "volume")})
    for name in ("open", "high", "low", "close", "volume"):
        getattr(holes, name)[gap] = np.nan

    with_holes = stepped.adopting(3)
    before, within, rest = (holes.part(part) for part in (slice(begin, gap.start), gap, slice(gap.stop, None)))
    with_holes.step(before, costs(before))
    without = deepcopy(with_holes)
    with_holes.step(within, costs(within))
    expected, found = with_holes.step(rest, costs(rest)), without.step(rest, costs(rest))
    assert np.isfinite(found.cone[15][:, -1, 1:]).all()
    for name in QUANTILES:
        assert np.array_equal(getattr(found, name)[15], getattr(expected, name)[15], equal_nan=True), name
    assert found.market is not None
    assert expected.market is not None
    assert np.array_equal(found.market.cone[15], expected.market.cone[15], equal_nan=True)
    assert np.array_equal(found.market.at_least[15], expected.market.at_least[15], equal_nan=True)


def test_a_symbol_that_leaves_takes_its_state_with_it(history: BarBlock) -> None:
    made = forecaster()
    made.step(history.part(slice(0, 400)), costs(history)[:400])
    made.remove(2)
    made.add("NEWUSDT", 2)
    rest = history.part(slice(400, 500))
    found = made.step(rest, costs(rest))
    assert np.isnan(found.large_move_threshold[15][:, 2]).all()
    assert np.isfinite(found.large_move_threshold[15][:, 1]).all()


def test_a_fit_is_named_by_what_is_in_it_and_comes_back_from_its_arrays(history: BarBlock, stepped: Stepped) -> None:
    made = stepped(history.open_ms.size)
    fit, later = (fitted(made.training_set(FIRST_MS + days * DAY * M5.ms)) for days in (4, 5))
    assert fit is not None
    assert later is not None
    assert fit.last_ms == FIRST_MS + 4 * DAY * M5.ms
    again = Fit.of(fit.arrays())
    assert again.version == fit.version != later.version
    assert all(np.array_equal(array, again.arrays()[name], equal_nan=True) for name, array in fit.arrays().items())
    with pytest.raises(ValueError, match="another version"):
        Fit.of({**fit.arrays(), "spread": np.zeros(2)})


def test_too_little_is_not_fitted() -> None:
    made = forecaster()
    block = bars(2 * DAY, len(SYMBOLS), timeframe=M5)
    made.step(block, costs(block))
    assert fitted(made.training_set(FIRST_MS + DAY * M5.ms)) is None


def test_where_hardly_a_move_goes_beyond_costs_neither_side_is_likelier_and_all_is_known(history: BarBlock) -> None:
    made = forecaster()
    made.step(history, np.full(history.close.shape, 2_000.0))
    fit = fitted(made.training_set(FIRST_MS + 5 * DAY * M5.ms))
    assert fit is not None
    assert fit.whole
    assert not fit.direction.any()


def test_a_fit_that_lacks_a_part_does_not_take_the_place_of_a_whole_one(stepped: Stepped) -> None:
    made, fit = forecaster(), stepped.adopting(4).fit
    assert fit is not None
    lacking = replace(fit, large=np.full((2, 2), np.nan), days=fit.days + 1)
    made.adopt(lacking)
    assert made.fit is lacking, "something is known by it"
    made.adopt(fit := replace(fit, days=lacking.days))
    made.adopt(lacking)
    assert made.fit is fit


def test_funding_moves_the_cost_of_one_side_up_and_of_the_other_down(history: BarBlock, stepped: Stepped) -> None:
    def last(funding: float) -> Forecasts:
        made = stepped.adopting(4)
        one = history.part(slice(4 * DAY, 4 * DAY + 1))
        return made.step(one, costs(one), {15: np.full(one.close.shape, funding)})

    without, paid = last(0.0), last(5.0)
    assert (paid.beyond_up[15] < without.beyond_up[15])[:, 1:].all()
    assert (paid.beyond_down[15] > without.beyond_down[15])[:, 1:].all()
    assert np.array_equal(paid.beyond_up[60], without.beyond_up[60], equal_nan=True)


def test_samples_and_cones_survive_a_restart(history: BarBlock, stepped: Stepped) -> None:
    made, restarted = stepped(4 * DAY), forecaster()
    fit = fitted(made.training_set(FIRST_MS + 3 * DAY * M5.ms))
    assert fit is not None
    made.adopt(fit)
    made.step(history.part(slice(4 * DAY, None)), costs(history)[4 * DAY :])
    samples, recent = made.samples(), made.recent(0)
    restarted.load(samples, recent)
    for row in range(len(SYMBOLS)):
        restarted.recall(row, samples, recent)
    close_ms = FIRST_MS + 5 * DAY * M5.ms
    before, after = fitted(made.training_set(close_ms)), fitted(restarted.training_set(close_ms))
    assert before is not None
    assert after is not None
    assert after.version == before.version
    again = restarted.recent(0)
    assert all(np.array_equal(array, again[name], equal_nan=True) for name, array in recent.items() if name != "number")
    new = Forecaster(M5)
    new.load(samples, recent)
    new.add(SYMBOLS[4], 0)
    new.recall(0, samples, recent)
    learnt = [name for name in recent if name.startswith("learning.")]
    assert all(np.array_equal(new.recent(0)[name][:, 0], recent[name][:, 4], equal_nan=True) for name in learnt)
    with pytest.raises(ValueError, match="another"):
        restarted.load(samples, {**recent, learnt[0]: np.zeros((3, len(SYMBOLS)))})


def test_samples_of_another_make_are_refused() -> None:
    state = forecaster().samples()
    for altered in ({"values": np.zeros((3, 4))}, {"close_min": np.zeros(7)}):
        with pytest.raises(ValueError, match="another version"):
            TrainingPool(M5.ms).load({**state, **altered})
    with pytest.raises(ValueError, match="missing"):
        TrainingPool(M5.ms).load({"values": state["values"]})
    with pytest.raises(ValueError, match="missing before"):
        TrainingPool(M5.ms).load({**state, "taken": np.array(7.0)})


def test_the_pool_is_bounded_and_forgets_the_oldest(history: BarBlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtuoso.analysis.forecast.training.CAPACITY", 1_000)
    made = forecaster()
    made.step(history, costs(history))
    training = made.training_set(int(history.open_ms[-1]) + M5.ms)
    assert training.close_ms.size == 1_000
    assert (np.diff(training.close_ms) >= 0).all()
    assert training.close_ms[0] > FIRST_MS + 2 * DAY * M5.ms


def test_refits_are_due_at_midnight_and_other_timeframes_are_refused() -> None:
    assert refit_due(FIRST_MS)
    assert not refit_due(FIRST_MS + M5.ms)
    with pytest.raises(ValueError, match="need bars of 1m or 5m, not of 1h"):
        Forecaster(Timeframe.H1)
