"""Planted patterns are found, their matched nulls are not, and false discoveries stay within the stated rate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.analysis.alpha.estimates import WINDOWS, estimate, history
from virtuoso.analysis.alpha.multiple_testing import benjamini_hochberg, student_tail
from virtuoso.analysis.alpha.patterns import PATTERNS, Pattern, TierScan, q_values, scan
from virtuoso.model.timeframe import Timeframe

FRAMES = (Timeframe.M1, Timeframe.M5, Timeframe.M30, Timeframe.H4)
SYMBOLS = 15
RATE = 0.005
P_VALUES = st.lists(st.floats(0, 1) | st.just(float("nan")) | st.sampled_from([0.01, 0.02, 0.5]), max_size=30)


def returns_of(
    timeframe: Timeframe, rng: np.random.Generator, planted: Pattern | None = None, count: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Heavy-tailed market with volatility that wanders; the first `count` symbols carry a pattern."""
    windows = WINDOWS[timeframe]
    bars = windows.returns
    level = np.exp(0.4 * np.cumsum(rng.normal(0, 0.1, bars)))
    benchmark = rng.standard_t(5, bars) * level * 1e-3
    own = rng.standard_t(5, (bars, SYMBOLS)) * level[:, None] * 7e-4
    returns = 1.3 * benchmark[:, None] + own
    recent, chosen = slice(windows.long, None), slice(0, count)
    match planted:
        case Pattern.CORRELATION_BREAKDOWN:
            returns[recent, chosen] -= 1.3 * benchmark[recent, None]
        case Pattern.BETA_EXPANSION:
            returns[recent, chosen] += 1.7 * benchmark[recent, None]
        case Pattern.ALPHA_BREAKOUT:
            drift = 1.6 * np.abs(own[recent, chosen]).mean(axis=0)
            returns[recent, chosen] += drift * np.where(np.arange(count) % 2, -1, 1)
        case _:
            pass
    return returns, benchmark


def scanned(timeframe: Timeframe, returns: np.ndarray, benchmark: np.ndarray) -> TierScan:
    closes = np.exp(np.cumsum(np.vstack([np.zeros(returns.shape[1]), returns]), axis=0))
    reference = np.exp(np.cumsum(np.concatenate([[0.0], benchmark])))
    return scan(timeframe, [f"S{i}" for i in range(returns.shape[1])], closes, reference)


@pytest.mark.parametrize("planted", PATTERNS)
@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M5, Timeframe.M30])
def test_a_planted_pattern_is_found_and_its_matched_null_is_not(planted: Pattern, timeframe: Timeframe) -> None:
    row, power, false, null = PATTERNS.index(planted), 0, 0, 0
    for seed in range(20):
        with_it = scanned(timeframe, *returns_of(timeframe, np.random.default_rng(seed), planted, 3))
        without = scanned(timeframe, *returns_of(timeframe, np.random.default_rng(seed)))
        found = q_values([with_it])[0] <= RATE
        power += int(found[row, :3].sum())
        false += int(found[:, 3:].sum())
        null += int((q_values([without])[0][row, :3] <= RATE).sum())
        effect = with_it.effect[row, :3]
        if planted is Pattern.ALPHA_BREAKOUT:
            assert np.sign(effect).tolist() == [1, -1, 1]
        else:
            assert (effect < 0).all() if planted is Pattern.CORRELATION_BREAKDOWN else (effect > 0).all()
    assert power >= 40, f"{power} of 60"
    assert null == 0
    assert false <= 2  # of 720 tests of symbols without it; how often is measured below


def test_a_beta_that_shrinks_or_a_correlation_that_grows_is_not_the_pattern() -> None:
    rng = np.random.default_rng(1)
    returns, benchmark = returns_of(Timeframe.M1, rng)
    returns[240:, 0] = 0.2 * returns[240:, 0]
    returns[240:, 1] = 1.3 * benchmark[240:] + 0.1 * (returns[240:, 1] - 1.3 * benchmark[240:])
    made = scanned(Timeframe.M1, returns, benchmark)
    assert made.effect[1, 0] < -0.8
    assert made.p[1, 0] > 0.99
    assert made.effect[0, 1] > 0.05
    assert made.p[0, 1] > 0.99
    down = scanned(Timeframe.M1, -returns, benchmark)  # a beta below zero expands downwards
    np.testing.assert_allclose(down.p[1], made.p[1], rtol=1e-9)
    np.testing.assert_allclose(down.effect[1], -made.effect[1], rtol=1e-9)


@pytest.mark.parametrize("timeframe", FRAMES)
def test_p_values_are_those_of_welchs_test_written_out(timeframe: Timeframe) -> None:
    returns, benchmark = returns_of(timeframe, np.random.default_rng(4), Pattern.BETA_EXPANSION, 2)
    made, windows = scanned(timeframe, returns, benchmark), WINDOWS[timeframe]
    long = estimate(returns[: windows.long], benchmark[: windows.long], timeframe)
    recent = estimate(returns[windows.long :], benchmark[windows.long :], timeframe)

    def welch(difference: float, a: float, a_df: float, b: float, b_df: float) -> float:
        df = (a**2 + b**2) ** 2 / (a**4 / a_df + b**4 / b_df)
        return float(student_tail(np.array([difference / math.hypot(a, b)]), np.array([df]))[0])

    for i in range(SYMBOLS):
        correlation = welch(long.z[i] - recent.z[i], long.z_se[i], windows.long - 2, recent.z_se[i], windows.recent - 2)
        beta = welch(
            abs(recent.beta[i]) - abs(long.beta[i]), long.beta_se[i], long.beta_df[i], recent.beta_se[i],
            recent.beta_df[i],
        )  # fmt: skip
        t = abs(recent.alpha[i]) / recent.alpha_se[i]
        alpha = 2 * float(student_tail(np.array([t]), np.array([windows.recent - 2.0]))[0])
        assert made.p[:, i] == pytest.approx([correlation, beta, alpha], rel=1e-6)
        assert made.effect[:, i] == pytest.approx(
            [recent.correlation[i] - long.correlation[i], recent.beta[i] - long.beta[i], recent.alpha[i]], rel=1e-9
        )
        assert made.long.alpha[i] == pytest.approx(long.alpha[i], rel=1e-9)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_without_a_pattern_no_more_panels_than_the_rate_show_one(rate: float) -> None:
    """With nothing to find every discovery is false: the expected proportion is the share of panels with any."""
    shown, kinds, panels = 0, np.zeros(3), 200
    for seed in range(panels):
        rng = np.random.default_rng(1000 + seed)
        q = q_values([scanned(timeframe, *returns_of(timeframe, rng)) for timeframe in FRAMES])
        hits = sum((each <= rate).sum(axis=1) for each in q)
        shown += bool(np.any(hits))
        kinds += hits
    assert shown <= rate * panels
    if rate > 0.1:
        assert shown > 0  # else nothing was measured


def test_among_what_is_found_the_false_proportion_is_within_the_rate() -> None:
    rate, proportions, true = 0.1, [], 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        scans = []
        for k, timeframe in enumerate(FRAMES):
            scans.append(scanned(timeframe, *returns_of(timeframe, rng, PATTERNS[k % 3], 4)))
        false = total = 0
        for k, q in enumerate(q_values(scans)):
            found = q <= rate
            total += int(found.sum())
            true += int(found[k % 3, :4].sum())
            false += int(found[:, 4:].sum())  # of a symbol with a planted pattern every test may be true
        proportions.append(false / max(1, total))
    assert np.mean(proportions) <= rate
    assert true > 120 * 6


def test_independent_random_walks_show_next_to_nothing() -> None:
    found = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scans = [
            scanned(tf, rng.normal(0, 1e-3, (history(tf) - 1, SYMBOLS)), rng.normal(0, 1e-3, history(tf) - 1))
            for tf in FRAMES
        ]
        found += sum(int((q <= RATE).sum()) for q in q_values(scans))
    assert found <= 1  # of 27,000 tests


def test_tests_of_all_timeframes_are_one_family() -> None:
    scans = [scanned(tf, *returns_of(tf, np.random.default_rng(3), Pattern.BETA_EXPANSION, 2)) for tf in FRAMES]
    together = q_values(scans)
    flat = benjamini_hochberg(np.concatenate([each.p.ravel() for each in scans]))
    assert np.array_equal(np.concatenate([q.ravel() for q in together]), flat)
    assert [q.shape for q in together] == [(3, SYMBOLS)] * 4
    assert q_values([]) == []


def test_the_example_of_benjamini_and_hochberg() -> None:
    """Their section 3.2: at 0.05 the four smallest of fifteen are rejected, where Bonferroni's rule rejects three."""
    p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ]  # fmt: skip
    assert (benjamini_hochberg(np.array(p)) <= 0.05).tolist() == [True] * 4 + [False] * 11


@given(P_VALUES, st.floats(0.001, 0.999))
def test_q_values_reject_what_the_step_up_procedure_rejects(p: list[float], rate: float) -> None:
    q = benjamini_hochberg(np.array(p, dtype=float))
    tested = sorted(value for value in p if value == value)
    passing = [value for j, value in enumerate(tested, 1) if value * (len(tested) / j) <= rate]
    bound = max(passing, default=-1.0)
    for value, found in zip(p, q.tolist(), strict=True):
        if value != value:
            assert found != found
        else:
            assert (found <= rate) == (value <= bound)
            assert value <= found <= 1


@pytest.mark.parametrize(
    ("t", "df", "p"),
    [(1.812461, 10, 0.05), (2.763769, 10, 0.01), (2.085963, 20, 0.025), (3.551808, 20, 0.001), (2.000298, 60, 0.025),
     (1.645, 1e6, 0.049985), (2.570582, 5, 0.025), (0.0, 7, 0.5)],
)  # fmt: skip
def test_tails_of_students_t_are_those_of_the_tables(t: float, df: float, p: float) -> None:
    assert student_tail(np.array([t]), np.array([df]))[0] == pytest.approx(p, rel=2e-5)
    assert student_tail(np.array([-t]), np.array([df]))[0] == pytest.approx(1 - p, rel=2e-5)


@pytest.mark.parametrize(("df", "tolerance"), [(2.0, 0.05), (4.0, 5e-3), (6.0, 1e-3), (11.5, 2e-4), (58.0, 1e-5)])
def test_tails_are_the_integral_of_the_density(df: float, tolerance: float) -> None:
    for t in (0.5, 2.0, 5.0, 9.0):
        angle = np.linspace(np.arctan(t / np.sqrt(df)), np.pi / 2, 200_001)
        whole = np.linspace(-np.pi / 2, np.pi / 2, 400_001)
        share = np.trapezoid(np.cos(angle) ** (df - 1), angle) / np.trapezoid(np.cos(whole) ** (df - 1), whole)
        if share > 1e-9:
            assert student_tail(np.array([t]), np.array([df]))[0] == pytest.approx(share, rel=tolerance)
    assert np.isnan(student_tail(np.array([np.nan]), np.array([df]))[0])
