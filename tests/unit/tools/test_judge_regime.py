"""The judge of regimes: its measures, its statistics and its hidden Markov model against slow references."""

import itertools
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.lazily import Lazily
from tests.support.panels import random_bars
from tools import judge_regime
from tools.judge_regime import (
    Sample,
    correlations,
    daily,
    former,
    judged,
    least_squares,
    logistic,
    ranks,
    rules,
    sample,
)
from tools.regime_data import Bars, Minutes, adx, drift, load, yang_zhang
from tools.regime_hmm import Hmm, initial, walk_forward

from virtuoso.analysis.bank import BarBank
from virtuoso.analysis.regimes.regime import LONG_BARS, MEASURES, short_measure
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

pandas = Lazily("pandas")

M5, M30 = Timeframe.M5, Timeframe.M30


def _bars(block: BarBlock) -> Bars:
    fields = (block.open, block.high, block.low, block.close, block.volume)
    names = tuple(f"S{row}" for row in block.rows)
    return Bars(names, int(block.open_ms[0]), block.timeframe.minutes, *fields)


@pytest.fixture(scope="module")
def data() -> Sample:
    """Thirteen days of two random walks."""
    return sample(_bars(random_bars(13 * 1440, 2, seed=6)))


def test_the_independent_measures_are_those_of_the_engine() -> None:
    block = random_bars(700, 3, seed=12, timeframe=M30)
    bars = _bars(block)
    bank = BarBank(M30.ms, (), MEASURES)
    raw = bank.step(block).raw
    mine = np.stack([adx(bars), drift(bars, 48), yang_zhang(bars, 48), yang_zhang(bars, LONG_BARS)])
    for i, measure in enumerate(MEASURES):
        np.testing.assert_allclose(mine[i, 400:], raw[i, 400:], rtol=1e-9, err_msg=measure.name)
    five = random_bars(80, 3, seed=12, timeframe=M5)
    bank = BarBank(M5.ms, (), (short_measure(M5),))
    np.testing.assert_allclose(yang_zhang(_bars(five), 12)[12:], bank.step(five).raw[0, 12:], rtol=1e-9)


def test_bars_are_aggregated_from_their_boundary() -> None:
    minutes = _bars(random_bars(100, 1))
    five = replace(minutes, first_ms=minutes.first_ms + 60_000 * 3).aggregated(5)
    assert five.first_ms == minutes.first_ms + 60_000 * 5
    assert len(five.close) == 19
    assert five.open[0, 0] == minutes.open[2, 0]
    assert five.high[0, 0] == minutes.high[2:7].max()
    assert five.low[0, 0] == minutes.low[2:7].min()
    assert five.close[0, 0] == minutes.close[6, 0]
    assert five.close_ms[0] == five.first_ms + 300_000


def test_realised_volatility_and_moves_are_those_of_the_minutes() -> None:
    bars = _bars(random_bars(200, 1))
    path = np.log(np.concatenate([bars.open[:1, 0], bars.close[:, 0]]))
    minutes = Minutes(bars)
    begin, end = np.array([0, 50, -1, 150]), np.array([10, 110, 20, 201])
    expected = [math.sqrt(np.mean(np.diff(path[a : b + 1]) ** 2)) for a, b in ((0, 10), (50, 110))]
    np.testing.assert_allclose(minutes.volatility(begin, end)[:, 0], [*expected, np.nan, np.nan], rtol=1e-9)
    np.testing.assert_allclose(
        minutes.move(begin, end)[:, 0], [path[10] - path[0], path[110] - path[50], np.nan, np.nan], rtol=1e-9
    )


def test_targets_lie_after_the_close_and_measures_before_it(data: Sample) -> None:
    minutes = _bars(random_bars(13 * 1440, 2, seed=6))
    cut = 400 * 30  # the close of bar 399
    later = [np.where(np.arange(cut + 10_000)[: len(f)][:, None] < cut, f, 2 * f) for f in (
        minutes.open, minutes.high, minutes.low, minutes.close, minutes.volume)]  # fmt: skip
    other = sample(replace(minutes, open=later[0], high=later[1], low=later[2], close=later[3], volume=later[4]))
    np.testing.assert_array_equal(other.measures[:, :400], data.measures[:, :400])
    np.testing.assert_array_equal(other.short[:400], data.short[:400])
    np.testing.assert_array_equal(other.last_hour[:400], data.last_hour[:400])
    assert (np.abs(other.next_volatility[398:400] - data.next_volatility[398:400]) > 1).all()
    np.testing.assert_array_equal(other.next_volatility[:398], data.next_volatility[:398])


def test_what_is_fitted_daily_knows_nothing_of_later_days(data: Sample) -> None:
    x = np.stack([np.ones(data.short.shape), data.last_hour], axis=-1)
    whole = daily(data, x, 11, least_squares)
    first = np.flatnonzero(data.day == 12)[0]
    changed = data.next_volatility.copy()
    changed[first - 2 :] *= -7  # targets that are not known yet when day 12 begins
    np.testing.assert_array_equal(daily(replace(data, next_volatility=changed), x, 11, least_squares), whole)
    changed[first - 3] += 1
    assert not np.array_equal(
        daily(replace(data, next_volatility=changed), x, 11, least_squares)[first:], whole[first:]
    )


def test_rules_and_former_rules_differ_in_high_volatility_alone(data: Sample) -> None:
    now, then = rules(data.measures, data.short).probabilities, former(data.measures)
    known = np.isfinite(now).all(axis=0) & np.isfinite(then).all(axis=0)
    assert known.sum() > 500
    trends = [p[:3, known] / p[:3, known].sum(axis=0) for p in (now, then)]
    np.testing.assert_allclose(*trends, rtol=1e-9)


def test_ranks_are_those_of_pandas_but_one() -> None:
    x = np.random.default_rng(1).integers(0, 20, 100).astype(float)
    np.testing.assert_array_equal(ranks(x), pandas.Series(x).rank().to_numpy() - 1)


def test_resampled_correlations_are_those_of_the_repeated_days() -> None:
    rng = np.random.default_rng(2)
    x, day = rng.normal(size=60), np.repeat([7, 8, 9], 20)
    y = x + rng.normal(size=60)
    draws = np.array([[1, 1, 1], [0, 2, 1], [3, 0, 0]])
    expected = []
    for draw in draws:
        picked = np.concatenate([np.flatnonzero(day == 7 + d) for d, times in enumerate(draw) for _ in range(times)])
        expected.append(np.corrcoef(x[picked], y[picked])[0, 1])
    np.testing.assert_allclose(correlations(x, y, day, draws), expected, rtol=1e-9)


def test_a_score_that_knows_the_target_is_perfect_and_its_mirror_the_opposite() -> None:
    rng = np.random.default_rng(3)
    target, day = rng.normal(size=(90, 4)), np.repeat([0, 1, 2], 30)
    target[5, 2] = np.nan
    once = np.ones((1, 3))
    mean, pooled, n = judged(np.exp(target), target, day, once)
    assert (float(mean[0]), float(pooled[0]), n) == (pytest.approx(1), pytest.approx(1), 359)
    assert judged(-target, target, day, once)[0][0] == pytest.approx(-1)
    assert abs(judged(rng.normal(size=(90, 4)), target, day, once)[1][0]) < 0.2


def test_the_logistic_regression_finds_what_was_planted() -> None:
    rng = np.random.default_rng(4)
    x = np.stack([np.ones(40_000), rng.normal(size=40_000)], axis=1)
    y = rng.uniform(size=40_000) < 1 / (1 + np.exp(-(x @ [-1.0, 2.0])))
    np.testing.assert_allclose(logistic(x, y), [-1.0, 2.0], atol=0.06)


MODEL = Hmm(
    np.array([0.6, 0.4]), np.array([[0.95, 0.05], [0.1, 0.9]]), np.array([[-1.0, 0.0], [1.5, 0.2]]),
    np.array([[0.3, 1.0], [0.5, 2.0]]),
)  # fmt: skip


def _planted(t: int, s: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations [t, s, 2] of `MODEL`, and the states behind them."""
    rng = np.random.default_rng(5)
    state = np.empty((t, s), dtype=int)
    state[0] = rng.uniform(size=s) > MODEL.start[0]
    for k in range(1, t):
        state[k] = rng.uniform(size=s) > MODEL.transition[state[k - 1], 0]
    return MODEL.mean[state] + rng.normal(size=(t, s, 2)) * np.sqrt(MODEL.variance[state]), state


def _density(x: np.ndarray, k: int) -> float:
    terms = zip(x, MODEL.mean[k], MODEL.variance[k], strict=True)
    return math.prod(math.exp(-((v - m) ** 2) / (2 * s)) / math.sqrt(2 * math.pi * s) for v, m, s in terms)


def test_the_filter_is_the_sum_over_all_paths() -> None:
    x, _ = _planted(6, 1)
    weights = np.zeros((6, 2))
    for last in range(6):
        for path in itertools.product(range(2), repeat=last + 1):
            p = MODEL.start[path[0]] * _density(x[0, 0], path[0])
            for k in range(1, last + 1):
                p *= MODEL.transition[path[k - 1], path[k]] * _density(x[k, 0], path[k])
            weights[last, path[-1]] += p
    probability, scale = MODEL.filtered(x)
    np.testing.assert_allclose(probability[:, 0], weights / weights.sum(axis=1, keepdims=True), rtol=1e-9)
    assert math.log(weights[-1].sum()) == pytest.approx(float(np.log(scale).sum()), rel=1e-9)


def test_baum_welch_never_loses_likelihood_and_finds_what_was_planted() -> None:
    x, state = _planted(600, 5)
    model, likelihoods = initial(x, 2), []
    for _ in range(25):
        model, likelihood = model.improved(x)
        likelihoods.append(likelihood)
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(likelihoods))
    np.testing.assert_allclose(model.mean, MODEL.mean, atol=0.15)
    np.testing.assert_allclose(model.transition, MODEL.transition, atol=0.03)
    np.testing.assert_allclose(model.variance, MODEL.variance, rtol=0.15)
    assert (model.filtered(x)[0].argmax(axis=-1) == state).mean() > 0.93


def test_walking_forward_uses_nothing_from_later_bars() -> None:
    x, _ = _planted(120, 2)
    probabilities, models = walk_forward(x, [60, 90], 2, steps=5)
    assert np.isnan(probabilities[:60]).all()
    np.testing.assert_allclose(probabilities[60:].sum(axis=-1), 1, rtol=1e-9)
    assert len(models) == 2
    torn = x.copy()
    torn[100:] += 5
    np.testing.assert_array_equal(walk_forward(torn, [60, 90], 2, steps=5)[0][:100], probabilities[:100])
    assert not np.array_equal(walk_forward(torn, [60, 90], 2, steps=5)[0][100:], probabilities[100:])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve days of three symbols as a file; the third misses a minute."""
    block = random_bars(12 * 1440, 3, seed=9)
    rows = {name: [] for name in ("ts", "symbol", "open", "high", "low", "close", "volume")}
    for j in range(3):
        kept = np.delete(np.arange(12 * 1440), 5) if j == 2 else np.arange(12 * 1440)
        rows["ts"].append(block.open_ms[kept])
        rows["symbol"].append(np.full(kept.size, f"S{j}"))
        for name in ("open", "high", "low", "close", "volume"):
            rows[name].append(getattr(block, name)[kept, j])
    path = tmp_path_factory.mktemp("judge") / "bars.parquet"
    pq.write_table(pa.table({name: np.concatenate(values) for name, values in rows.items()}), path)
    return path


def test_a_file_is_read_symbol_by_symbol_and_incomplete_ones_are_left_out(recording: Path) -> None:
    block, read = random_bars(12 * 1440, 3, seed=9), load(str(recording))
    assert read.symbols == ("S0", "S1")
    assert read.first_ms == block.open_ms[0]
    np.testing.assert_array_equal(read.high, block.high[:, :2])


def test_random_walks_are_judged_to_be_unpredictable(
    recording: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["judge_regime", str(recording), "--days", "9", "--json"])
    judge_regime.main()
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["symbols"] == ["S0", "S1"]
    for row in verdict["volatility"]:
        assert abs(row["mean_ic"]) < 0.3, row
        low, high = row["mean_ic_95"]
        assert low <= high
        assert row["n"] == 2 * (144 - 2)  # three days, less the last hour
    assert verdict["volatility"][0]["less_rules"] == 0.0
    monkeypatch.setattr(sys, "argv", ["judge_regime", str(recording), "--days", "9"])
    judge_regime.main()
    assert "rules: P(high volatility)" in capsys.readouterr().out
