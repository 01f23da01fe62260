"""Figures of research against scipy, scikit-learn, statsmodels and arch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.lazily import Lazily

from virtuoso.analysis.quality.blocks import Blocks, effective, interval, ratio, summed
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.judging import base_rates, breaks, cones, paired, probabilities, ranks, trades, volatility
from virtuoso.research.judging.pooling import Pool

stats, metrics, calibration = Lazily("scipy.stats"), Lazily("sklearn.metrics"), Lazily("sklearn.calibration")
STEP_MS = 15 * 60_000
DAYS, SYMBOLS = 12, 3


@pytest.fixture(scope="module")
def close_ms() -> np.ndarray:
    return 1_750_032_000_000 + STEP_MS * np.arange(1, DAYS * 96)  # a midnight, and what follows


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def p(close_ms: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.05, 0.6, (close_ms.size, SYMBOLS))


@pytest.fixture(scope="module")
def y(p: np.ndarray) -> np.ndarray:
    return (np.random.default_rng(2).uniform(size=p.shape) < p).astype(float)


def test_an_interval_is_that_of_the_bootstrap_of_arch(close_ms: np.ndarray, y: np.ndarray) -> None:
    from arch.bootstrap import IIDBootstrap

    terms = summed(np.ones(y.shape, bool), y * np.arange(1, SYMBOLS + 1), 1.0)
    blocks = Blocks(close_ms, 60)
    sums = blocks.sums(terms)
    assert sums.shape == (DAYS, 2)
    value, lower, upper = interval(sums, ratio)
    theirs = IIDBootstrap(sums, seed=5).conf_int(lambda s: s[:, 0].sum() / s[:, 1].sum(), 4_000, method="percentile")
    width = float(theirs[1, 0] - theirs[0, 0])
    assert value == pytest.approx((y * np.arange(1, SYMBOLS + 1)).mean())
    assert lower == pytest.approx(theirs[0, 0], abs=0.05 * width)
    assert upper == pytest.approx(theirs[1, 0], abs=0.05 * width)


def test_effective_readings_are_all_where_they_are_independent_and_few_where_they_repeat() -> None:
    close_ms = DAY_MS * 20_000 + STEP_MS * np.arange(200 * 96)
    rng = np.random.default_rng(4)
    ones = np.ones((close_ms.size, 1))
    apart = (rng.uniform(size=(close_ms.size, 1)) < 0.3).astype(float)
    together = np.repeat(rng.uniform(size=200) < 0.3, 96).astype(float)[:, None]
    blocks = Blocks(close_ms, 15)
    assert effective(blocks.sums(np.hstack([apart, ones]))) == pytest.approx(close_ms.size, rel=0.3)
    assert effective(blocks.sums(np.hstack([together, ones]))) == pytest.approx(200, rel=0.3)


def test_blocks_are_a_day_or_twice_the_horizon_and_days_are_counted_apart() -> None:
    close_ms = DAY_MS * 20_000 + STEP_MS * np.arange(8 * 96)
    day, two = Blocks(close_ms, 240), Blocks(close_ms, 1440)
    used = np.zeros(close_ms.size, bool)
    used[:97] = True
    assert (day.count, two.count) == (8, 4)
    assert two.days(used) == 2
    assert day.daily(np.ones((close_ms.size, 1)))[:, 0].tolist() == [96.0] * 8


def test_days_without_a_reading_are_no_blocks(close_ms: np.ndarray, y: np.ndarray) -> None:
    used = np.ones(y.shape, bool)
    used[96:] = False
    figure = probabilities.rate(y, used, Blocks(close_ms, 15))
    assert figure.value == pytest.approx(y[:96].mean())
    assert (figure.days, figure.n) == (2, 96 * SYMBOLS)  # the close at midnight belongs to the day that begins
    nothing = probabilities.rate(y, np.zeros(y.shape, bool), Blocks(close_ms, 15))
    assert (nothing.value, nothing.lower, nothing.n) == (None, None, 0)


def test_skill_and_log_score_are_those_of_scikit_learn(close_ms: np.ndarray, p: np.ndarray, y: np.ndarray) -> None:
    base = np.full(p.shape, y.mean())
    holed = p.copy()
    holed[5, 1] = np.nan
    used = np.isfinite(holed)
    found = probabilities.quality(holed, y, base, base_rates.constants(y), Blocks(close_ms, 15))
    brier = [metrics.brier_score_loss(y[used], x[used]) for x in (p, base)]
    logs = [metrics.log_loss(y[used], x[used]) for x in (p, base)]
    assert found.skill.value == pytest.approx(1 - brier[0] / brier[1])
    assert found.log_skill.value == pytest.approx(1 - logs[0] / logs[1])
    assert found.skill.positive
    assert found.skill.n == used.sum()
    assert found.skill.days == DAYS
    assert found.dummy_skill.value == pytest.approx(0.0, abs=2e-3)


def test_calibration_error_is_that_of_bins_of_scikit_learn(close_ms: np.ndarray, p: np.ndarray, y: np.ndarray) -> None:
    used = np.ones(p.shape, bool)
    claimed = p**1.5
    came, said = calibration.calibration_curve(y.ravel(), claimed.ravel(), n_bins=10)
    count = np.histogram(claimed, np.linspace(0, 1, 11))[0]
    error = (np.abs(came - said) * count[count > 0]).sum() / count.sum()
    found = probabilities.calibration_error(claimed, y, used, Blocks(close_ms, 15))
    assert found.value == pytest.approx(error)
    assert error > 0.05


def test_reliability_is_what_came_of_what_was_claimed(close_ms: np.ndarray, p: np.ndarray, y: np.ndarray) -> None:
    bins = probabilities.reliability(p, y, np.ones(p.shape, bool), Blocks(close_ms, 15))
    assert len(bins) == 10
    assert sum(each.came.n for each in bins) == p.size
    assert [each.claimed for each in bins] == sorted(each.claimed for each in bins)
    assert sum(each.came.holds(each.claimed) for each in bins) >= 8


def test_a_base_is_known_at_the_time() -> None:
    values = np.array([[1.0], [0.0], [np.nan], [1.0], [1.0]])
    assert base_rates.past_mean(values, 2, 1)[:, 0] == pytest.approx([np.nan, np.nan, 1.0, 0.5, 0.5], nan_ok=True)
    assert np.isnan(base_rates.past_mean(values, 9, 1)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 40), st.integers(0, 1_000))
def test_a_base_does_not_change_with_what_comes_after(lag: int, cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(60, 2))
    changed = values.copy()
    changed[cut:] = rng.normal(size=(60 - cut, 2))
    until = cut + lag
    np.testing.assert_array_equal(
        base_rates.past_mean(values, lag, 3)[:until], base_rates.past_mean(changed, lag, 3)[:until]
    )


def test_rank_correlation_is_that_of_scipy(close_ms: np.ndarray, p: np.ndarray) -> None:
    x = np.random.default_rng(8).normal(size=p.shape)
    y = 0.3 * x + np.random.default_rng(9).normal(size=p.shape)
    y[3, 0] = np.nan
    y[:, 2] += 100  # a level is no merit
    each = [stats.spearmanr(a[np.isfinite(b)], b[np.isfinite(b)]).statistic for a, b in zip(x.T, y.T, strict=True)]
    found = ranks.rank_correlation(x, y, Blocks(close_ms, 15))
    assert found.value == pytest.approx(np.mean(each), abs=1e-5)
    assert found.positive
    assert ranks.rank_correlation(x, np.ones(x.shape), Blocks(close_ms, 15)).value is None


def test_the_paired_test_is_that_of_a_mean_with_correlated_days() -> None:
    daily = np.random.default_rng(10).normal(0.5, 1.0, 60)
    d = daily - daily.mean()
    lags = 3
    variance = (d @ d) / 60
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (d[lag:] @ d[:-lag]) / 60
    from scipy.stats import t

    statistic = daily.mean() / np.sqrt(variance / 60 * 60 / 59)
    assert paired.mean_differs(daily) == pytest.approx(2 * t.sf(abs(statistic), 59))
    assert paired.mean_differs(np.ones(60)) is None
    assert paired.mean_differs(daily[:4]) is None


def test_the_better_forecast_is_found_and_equal_ones_are_not_told_apart(close_ms: np.ndarray, y: np.ndarray) -> None:
    rng = np.random.default_rng(11)
    blocks = Blocks(close_ms, 15)
    good, bad, other = (1 + s * rng.normal(size=y.shape) + m for s, m in ((0.1, 0), (0.1, 0.2), (0.1, 0)))
    assert paired.compare(good, bad, blocks).better
    assert paired.compare(bad, good, blocks).worse
    same = paired.compare(good, other, blocks)
    assert not same.better
    assert not same.worse


def test_sets_are_pooled_by_the_days_that_they_share(close_ms: np.ndarray, y: np.ndarray) -> None:
    pool, whole = Pool(), Blocks(close_ms, 15)
    for column in range(SYMBOLS):
        own = y[:, [column]]
        used = np.ones(own.shape, bool)
        pool.add(Blocks(close_ms, 15), used, summed(used, own, 1.0))
    together = probabilities.rate(y, np.ones(y.shape, bool), whole)
    found = pool.figure(ratio)
    assert (found.value, found.lower, found.upper) == (together.value, together.lower, together.upper)
    assert (found.n, found.days) == (y.size, DAYS * SYMBOLS)
    assert Pool().figure(ratio).value is None


def test_volatility_is_judged_by_logs_and_qlike(close_ms: np.ndarray, y: np.ndarray) -> None:
    rng = np.random.default_rng(12)
    level = np.exp(rng.normal(-6, 0.5, y.shape))
    realised = level * np.exp(rng.normal(0, 0.2, y.shape))
    past = np.full(y.shape, -6.0)
    said = volatility.Foreseen(level, level**2 * np.exp(2 * 0.2**2))
    flat = volatility.Foreseen(np.full(y.shape, np.exp(-6.0)), np.full(y.shape, (level**2).mean()))
    found = volatility.quality(said, realised, past, {"flat": flat}, Blocks(close_ms, 15))
    assert found.r2.value == pytest.approx(1 - 0.2**2 / (0.2**2 + 0.5**2), abs=0.02)
    assert found.rival_r2["flat"].value == pytest.approx(0.0)
    assert found.squared["flat"].better
    assert found.qlike_against["flat"].better
    assert volatility.qlike(level**2, level) == pytest.approx(0.0)
    share = realised**2 / said.variance
    assert found.qlike.value == pytest.approx((share - np.log(share) - 1).mean())


def test_coverage_levels_and_pinball(close_ms: np.ndarray, y: np.ndarray) -> None:
    tails = (0.1, 0.25, 0.75, 0.9)
    outcome = np.random.default_rng(13).normal(size=y.shape)
    q = np.broadcast_to(np.array([-1.2816, -0.6745, 0.6745, 1.2816])[:, None, None], (4, *y.shape))
    blocks, used = Blocks(close_ms, 15), np.ones(y.shape, bool)
    wide, narrow = cones.bands(q, outcome, tails, used, blocks)
    assert (wide.claimed, narrow.claimed) == (pytest.approx(0.8), pytest.approx(0.5))
    for band in (wide, narrow):
        assert band.inside.holds(band.claimed)
        assert band.below.value + band.inside.value + band.above.value == pytest.approx(1.0)
    assert [f.value for f in cones.levels(q, outcome, used, blocks)] == pytest.approx(list(tails), abs=0.02)
    theirs = np.mean(
        [metrics.mean_pinball_loss(outcome.ravel(), x.ravel(), alpha=a) for x, a in zip(q, tails, strict=True)]
    )
    assert cones.pinball(q, outcome, tails).mean() == pytest.approx(theirs)
    assert cones.outside(q, outcome, 0).mean() == pytest.approx(1 - wide.inside.value)


def test_the_largest_break_is_the_one_that_was_planted_and_depends_on_nothing_later() -> None:
    rng = np.random.default_rng(14)
    step_ms = DAY_MS * 20_000 + STEP_MS * np.arange(20 * 96)
    returns = rng.normal(0, 0.001, (step_ms.size, 4))
    returns[900] += 0.02
    returns[:, 3] = np.nan
    found = breaks.largest_breaks(step_ms, returns, 1440)
    assert int(step_ms[900]) in found
    assert len(found) == 10
    assert (np.diff(found) >= DAY_MS).all()
    later = returns.copy()
    later[901:] *= 0.5
    assert int(step_ms[900]) in breaks.largest_breaks(step_ms, later, 1440)
    assert not breaks.largest_breaks(step_ms[:50], returns[:50], 1440).size, "no past, no break"
    after = breaks.steps_after(step_ms, step_ms[[900]], 60, 24)
    assert np.flatnonzero(after).tolist() == list(range(900, 900 + 96, 4))


def test_entries_are_judged_at_cost_and_twice_and_beside_the_naive(close_ms: np.ndarray) -> None:
    rng = np.random.default_rng(15)
    outcome = rng.normal(0, 0.002, (close_ms.size, 2))
    outcome[0, 0] = np.nan
    outcome[1, 0] = 0.0
    sides = np.where(outcome > 0, 1, -1).astype(np.int8)  # knows it all, but for the zero
    found = trades.judge(sides, outcome, 12.0, Blocks(close_ms, 15))
    gross = np.abs(outcome[np.isfinite(outcome)]).mean() * 1e4
    assert found.entries == outcome.size - 1
    assert found.hit.value == pytest.approx(1 - 1 / found.entries), "a return of exactly zero is no hit"
    assert found.gross_bp.value == pytest.approx(gross)
    assert found.net_bp.value == pytest.approx(gross - 12)
    assert found.net_twice_bp.value == pytest.approx(gross - 24)
    assert found.base_hit.value == pytest.approx(0.5, abs=0.02)
    naive = trades.naive_rivals(sides, outcome, outcome)
    assert trades.judge(naive["reversal"], outcome, 12.0, Blocks(close_ms, 15)).net_bp.value == pytest.approx(
        -gross - 12, rel=1e-3
    )
    assert (naive["random"] != 0).sum() == (sides[np.isfinite(outcome)] != 0).sum()
    assert (naive["always_long"] == 1).all()


def test_an_entry_is_held_before_the_next_is_made() -> None:
    wished = np.array([[1, 0], [1, 1], [0, 1], [1, 1], [1, 1]], bool)
    made = trades.not_overlapping(wished, 3)
    assert made.tolist() == [[True, False], [False, True], [False, False], [True, False], [False, True]]
