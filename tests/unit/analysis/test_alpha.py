"""Alpha, beta and correlation against slow references; what a single bar, a gap or a dead price does to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.analysis.alpha.estimates import WINDOWS, Estimate, estimate, history, newey_west_lag
from virtuoso.analysis.alpha.patterns import PATTERNS, TierScan, scan
from virtuoso.model.timeframe import Timeframe

M5 = Timeframe.M5
M1 = Timeframe.M1
FIELDS = tuple(Estimate.__dataclass_fields__)


def panel(bars: int, symbols: int, seed: int = 1, beta: float = 1.2) -> tuple[np.ndarray, np.ndarray]:
    """Heavy-tailed log returns of symbols [t, n] and benchmark [t]."""
    rng = np.random.default_rng(seed)
    benchmark = rng.standard_t(4, bars) * 7e-4
    return beta * benchmark[:, None] + rng.standard_t(4, (bars, symbols)) * 7e-4, benchmark


def prices(returns: np.ndarray, first: float = 10.0) -> np.ndarray:
    return first * np.exp(np.cumsum(np.concatenate([np.zeros((1, *returns.shape[1:])), returns]), axis=0))


def scanned(returns: np.ndarray, benchmark: np.ndarray, timeframe: Timeframe = M1) -> TierScan:
    names = [f"S{i}USDT" for i in range(returns.shape[1])]
    return scan(timeframe, names, prices(returns), prices(benchmark, 1e5))


def slow(y: np.ndarray, x: np.ndarray, timeframe: Timeframe) -> dict[str, float]:
    """One symbol by least squares, refitted without each bar in turn; lags are of bars, whether held or not."""
    lag = newey_west_lag(len(x))
    held = [i for i in range(len(x)) if np.isfinite(x[i]) and np.isfinite(y[i])]

    def fit(bars: list[int]) -> np.ndarray:
        design = np.array([[1.0, x[i]] for i in bars])
        alpha, beta = np.linalg.lstsq(design, np.array([y[i] for i in bars]), rcond=None)[0]
        return np.array([alpha, beta, np.arctanh(np.corrcoef([x[i] for i in bars], [y[i] for i in bars])[0, 1])])

    whole = fit(held)
    influence = {i: whole - fit([j for j in held if j != i]) for i in held}
    variance, long_run = np.zeros(3), np.zeros(3)
    for i, one in influence.items():
        variance += one**2
        long_run += one**2
        for k in range(1, lag + 1):
            if i - k in influence:
                long_run += 2 * (1 - k / (lag + 1)) * one * influence[i - k]
    errors = np.sqrt(np.maximum(variance, long_run))
    per_day = 100 * 86_400_000 / timeframe.ms
    deviations = np.array([x[i] for i in held]) - np.mean([x[i] for i in held])
    return {
        "count": len(held),
        "alpha": whole[0] * per_day,
        "alpha_se": errors[0] * per_day,
        "beta": whole[1],
        "beta_se": errors[1],
        "beta_df": min(sum(deviations**2) ** 2 / sum(deviations**4), len(held) - 2),
        "correlation": np.tanh(whole[2]),
        "z": whole[2],
        "z_se": max(errors[2], 1 / np.sqrt(len(held) - 3)),
    }


def check(returns: np.ndarray, benchmark: np.ndarray, timeframe: Timeframe) -> None:
    found = estimate(returns, benchmark, timeframe)
    for i in range(returns.shape[1]):
        for name, expected in slow(returns[:, i], benchmark, timeframe).items():
            assert getattr(found, name)[i] == pytest.approx(expected, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(("bars", "timeframe"), [(60, M1), (240, M5), (30, Timeframe.H4)])
def test_estimates_are_those_of_refits_without_each_bar(bars: int, timeframe: Timeframe) -> None:
    check(*panel(bars, 4, seed=bars), timeframe)


def test_a_bar_missing_on_either_side_is_left_out_of_that_symbol_alone() -> None:
    returns, benchmark = panel(80, 5, seed=3)
    returns[7, 0] = returns[40:44, 1] = returns[-1, 2] = np.nan
    benchmark[20] = np.nan
    check(returns, benchmark, M5)
    assert estimate(returns, benchmark, M5).count.tolist() == [78, 75, 78, 79, 79]


def test_autocorrelated_residuals_widen_the_error_of_alpha() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1e-3, 241)
    benchmark = rng.normal(0, 1e-3, 240)
    returns = np.stack([benchmark + noise[1:] + noise[:-1], benchmark + noise[1:] - noise[:-1]], axis=1)
    check(returns, benchmark, M1)
    found, iid = estimate(returns, benchmark, M1), 1e-3 * np.sqrt(2 / 240) * 1440 * 100
    assert found.alpha_se[0] > 1.15 * iid  # runs
    assert found.alpha_se[1] == pytest.approx(iid, rel=0.15)  # bounces: the error is not narrowed


def test_many_symbols_are_each_what_they_are_alone() -> None:
    returns, benchmark = panel(60, 230, seed=6)
    together = estimate(returns, benchmark, M1)
    for i in (0, 99, 100, 199, 229):
        alone = estimate(returns[:, i : i + 1], benchmark, M1)
        for name in FIELDS:
            assert getattr(together, name)[i] == pytest.approx(getattr(alone, name)[0], rel=1e-12), name
    assert estimate(returns[:, :0], benchmark, M1).beta.shape == (0,)


def test_the_interval_of_the_correlation_is_fishers_where_returns_are_normal() -> None:
    rng = np.random.default_rng(8)
    benchmark = rng.normal(0, 1e-3, 240)
    found = estimate(benchmark[:, None] + rng.normal(0, 1e-3, (240, 200)), benchmark, M1)
    low, high = found.correlation_interval()
    assert np.median(found.z_se) == pytest.approx(1 / np.sqrt(237), rel=0.1)
    assert 0.92 <= np.mean((low < np.sqrt(0.5)) & (np.sqrt(0.5) < high)) <= 0.99


@given(st.permutations(range(7)))
def test_permuting_symbols_permutes_results(order: list[int]) -> None:
    returns, benchmark = panel(history(M1) - 1, 7, seed=11)
    returns[5:100, 2] = np.nan
    returns[:, 3] = 0.0
    here, there = scanned(returns, benchmark), scanned(returns[:, order], benchmark)
    assert np.array_equal(there.p, here.p[:, order], equal_nan=True)
    assert np.array_equal(there.effect, here.effect[:, order], equal_nan=True)
    assert there.reasons == tuple(here.reasons[i] for i in order)
    for name in FIELDS:
        assert np.array_equal(getattr(there.long, name), getattr(here.long, name)[order], equal_nan=True), name


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_the_unit_of_a_price_does_not_matter(own: float, reference: float) -> None:
    returns, benchmark = panel(history(M1) - 1, 3, seed=12)
    closes, other, names = prices(returns), prices(benchmark), ["A", "B", "C"]
    here, there = scan(M1, names, closes, other), scan(M1, names, closes * own, other * reference)
    np.testing.assert_allclose(there.p, here.p, rtol=1e-6)
    np.testing.assert_allclose(there.effect, here.effect, rtol=1e-6, atol=1e-9)


def test_the_windows_share_no_bar_and_read_all_of_the_history() -> None:
    for timeframe, windows in WINDOWS.items():
        bars = windows.long + windows.recent
        assert bars == history(timeframe) - 1
        returns, benchmark = panel(bars, 2, seed=bars)
        made = scanned(returns, benchmark, timeframe)
        changed = returns.copy()
        changed[: windows.long] *= 2
        again = scanned(changed, benchmark, timeframe)
        np.testing.assert_allclose(again.recent.beta, made.recent.beta, rtol=1e-9)
        np.testing.assert_allclose(again.long.beta, 2 * made.long.beta, rtol=1e-9)
        changed[: windows.long] = returns[: windows.long]
        changed[windows.long :] *= 2
        np.testing.assert_allclose(scanned(changed, benchmark, timeframe).long.beta, made.long.beta, rtol=1e-9)
    assert history(Timeframe.D1) == 0


def test_another_number_of_closes_or_an_unknown_timeframe_is_refused() -> None:
    with pytest.raises(ValueError, match="a scan reads 301"):
        scan(M1, ["A"], np.ones((300, 1)), np.ones(300))
    with pytest.raises(ValueError, match="1d"):
        scan(Timeframe.D1, ["A"], np.ones((0, 1)), np.ones(0))


def test_what_cannot_be_told_has_a_reason_and_no_number() -> None:
    returns, benchmark = panel(history(M1) - 1, 8, seed=13)
    closes, reference = prices(returns), prices(benchmark)
    closes[:200, 0] = np.nan  # listed lately
    closes[:, 1] = 5.0
    closes[241:, 2] = closes[240, 2]  # dead since
    closes[:, 3] = reference * 2
    closes[:, 4] = np.nan
    closes[100, 5] = 0.0
    closes[:, 6] = np.where(np.arange(301) < 270, 5.0, 4.0)  # one move
    made = scan(M1, [f"S{i}" for i in range(8)], closes, reference)
    reasons = [reason or "" for reason in made.reasons]
    assert "has 40 of 240 returns before the last 60 and 60 of those; 75% of each are needed" in reasons[0]
    assert reasons[1] == "the price hardly moved in the long window"
    assert reasons[2] == "the price hardly moved in the recent window"
    assert "exactly with the benchmark" in reasons[3]
    assert "has 0 of 240" in reasons[4]
    assert made.reasons[5] is made.reasons[7] is None
    assert made.long.count[5] == 238
    assert "hardly moved" in reasons[6]
    tested = [reason is None for reason in made.reasons]
    assert np.array_equal(np.isfinite(made.p), np.tile(tested, (3, 1)))
    assert np.array_equal(np.isfinite(made.effect), np.tile(tested, (3, 1)))
    assert made.long.beta[3] == pytest.approx(1.0)
    assert np.isnan(made.long.beta_se[3])
    assert np.isnan(made.long.correlation[1])


def test_without_a_moving_benchmark_nothing_is_tested() -> None:
    returns, _ = panel(history(M1) - 1, 3, seed=14)
    flat = scan(M1, ["A", "B", "C"], prices(returns), np.full(301, 1e5))
    assert np.isnan(flat.p).all()
    assert set(flat.reasons) == {"the benchmark's price hardly moved in the long window"}
    assert np.isnan(flat.long.beta).all()
    absent = scan(M1, ["A", "B", "C"], prices(returns), np.full(301, np.nan))
    assert np.isnan(absent.p).all()
    assert all(reason is not None and "has 0 of 240" in reason for reason in absent.reasons)
    steady = scan(M1, ["A", "B", "C"], prices(returns), 1e5 * np.exp(1e-4 * np.arange(301)))
    assert np.isnan(steady.p).all()


def test_one_bar_of_minus_sixty_percent_is_no_pattern() -> None:
    """As of APE on 2025-10-10. Errors that take all bars alike would see all three patterns in it."""
    returns, benchmark = panel(history(M1) - 1, 20, seed=15)
    calm = scanned(returns, benchmark)
    benchmark[270] = -0.05
    returns[270] = -0.05
    returns[270, :10] = np.log(0.4)
    made = scanned(returns, benchmark)
    assert made.p[:, :10].min() > 0.01
    assert (made.recent.beta[:10] - calm.long.beta[:10] > 8).all()
    assert (made.recent.beta_se[:10] > 5 * calm.recent.beta_se[:10]).all()
    recent = benchmark[240:] - benchmark[240:].mean()
    for i in range(10):
        y = returns[240:, i]
        beta = recent @ y / (recent @ recent)
        plain = np.std(y - y.mean() - beta * recent, ddof=2) / np.sqrt(recent @ recent)
        assert (beta - calm.long.beta[i]) / plain > 8
    alone = returns.copy()
    alone[270, :10] = np.log(0.4)
    benchmark[270] = 1e-4
    assert scanned(alone, benchmark).p[:, :10].min() > 0.005  # the symbol's own crash breaks no correlation by itself


def test_a_market_that_is_only_wilder_is_no_pattern() -> None:
    smallest = []
    for seed in range(30):
        returns, benchmark = panel(history(M1) - 1, 20, seed=seed)
        returns[240:] *= 5
        benchmark[240:] *= 5
        smallest.append(scanned(returns, benchmark).p.min(axis=1))
    assert (np.array(smallest) > 1e-5).all()
    assert len(PATTERNS) == np.array(smallest).shape[1]


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(WINDOWS)),
    st.sampled_from(["calm", "nan", "constant", "zero", "crash", "steps"]),
)
def test_no_input_raises_or_invents(seed: int, timeframe: Timeframe, what: str) -> None:
    rng = np.random.default_rng(seed)
    returns, benchmark = panel(history(timeframe) - 1, 3, seed=seed)
    closes, reference = prices(returns), prices(benchmark)
    at = rng.integers(0, len(closes), 4)
    match what:
        case "nan":
            closes[at[0] :, 1] = np.nan
            reference[at[1]] = np.nan
        case "constant":
            closes[at[0] :, 1] = closes[at[0], 1]
        case "zero":
            closes[at, 1] = 0.0
        case "crash":
            closes[at[0] :] *= 0.4
            reference[at[0] :] *= 0.9
        case "steps":
            closes[:, 1] = np.round(closes[:, 1], 1)
    made = scan(timeframe, ["A", "B", "C"], closes, reference)
    known = np.isfinite(made.p)
    assert ((made.p[known] >= 0) & (made.p[known] <= 1)).all()
    assert [bool(column.all()) for column in known.T] == [reason is None for reason in made.reasons]
    assert not np.isinf(np.concatenate([getattr(w, f) for w in (made.long, made.recent) for f in FIELDS])).any()
