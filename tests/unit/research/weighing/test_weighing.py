"""Weightings: a planted edge is found, the null is not, and nothing later is seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.weighing.choice import choose
from virtuoso.research.weighing.samples import Samples
from virtuoso.research.weighing.trials import Trial, TrialLog, attempt, entries
from virtuoso.research.weighing.weightings import all_signals, judged, ridge, walked_forward

DAYS, SYMBOLS, STEP = 16, 3, 15


def samples(edge: float, seed: int = 1) -> Samples:
    """Three components, of which the second foretells with a negative sign by `edge` (in units of the scale)."""
    rng = np.random.default_rng(seed)
    t = DAYS * 96
    components = rng.uniform(-1, 1, (3, t, SYMBOLS)).astype(np.float32)
    components[0, :50] = np.nan
    returns = 0.004 * (rng.normal(size=(t, SYMBOLS)) - edge * components[1])
    returns[-1] = np.nan
    past = np.concatenate([np.full((1, SYMBOLS), np.nan), returns[:-1]])
    return Samples(
        name="planted", symbols=("A", "B", "C"), step_min=STEP,
        close_ms=20_000 * DAY_MS + STEP * 60_000 * np.arange(t, dtype=np.int64),
        component_names=("one", "two", "three"), components=components,
        configured=np.nanmean(components, axis=0).astype(float),
        returns={15: returns}, past={15: past}, scale={15: np.full(returns.shape, 0.004)},
        cost_bp=np.full(returns.shape, 11.5),
    )  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> Samples:
    return samples(1.0)


@pytest.mark.parametrize("name", ["ridge", "logistic", "information"])
def test_free_signs_find_what_points_the_other_way(planted: Samples, name: str) -> None:
    said = all_signals(planted, 15)[name]
    assert said.weights["two"] < 0
    assert abs(said.weights["two"]) > 5 * max(abs(said.weights["one"]), abs(said.weights["three"]))
    tried = attempt(planted, name, 15, said.signal, judged(planted), 12.0)
    assert tried.information.value > 0.3
    assert tried.trades.net_bp.positive
    assert tried.trades_at_proxy.net_bp.value == pytest.approx(tried.trades.net_bp.value + 0.5)


def test_nothing_is_said_before_the_first_fit_and_all_are_judged_from_the_same_day(planted: Samples) -> None:
    when = judged(planted)
    assert planted.close_ms[when][0] == (20_000 + 8) * DAY_MS
    found = {
        name: attempt(planted, name, 15, said.signal, when, 12.0).trial
        for name, said in all_signals(planted, 15).items()
    }
    assert len(found) == 8
    assert {trial.days for trial in found.values()} == {tuple(range(20_008, 20_016))}
    assert np.isnan(walked_forward(planted, 15, ridge).signal[: 7 * 96]).all()


@pytest.mark.parametrize("cut", [7 * 96, 9 * 96 + 40])
def test_what_comes_after_a_cut_changes_nothing_before_it(planted: Samples, cut: int) -> None:
    rng = np.random.default_rng(5)
    returns, components = planted.returns[15].copy(), planted.components.copy()
    returns[cut:] = rng.normal(size=returns[cut:].shape)
    components[:, cut + 1 :] = rng.uniform(-1, 1, components[:, cut + 1 :].shape)
    changed = replace(planted, returns={15: returns}, components=components)
    for name in ("ridge", "logistic", "information", "equal"):
        before, after = (all_signals(s, 15)[name].signal for s in (planted, changed))
        np.testing.assert_array_equal(before[: cut + 1], after[: cut + 1])
        sides = [entries(s, 15, signal, judged(s)) for s, signal in ((planted, before), (changed, after))]
        np.testing.assert_array_equal(sides[0][: cut + 1], sides[1][: cut + 1])


def test_an_outcome_that_is_not_known_yet_would_be_caught(planted: Samples) -> None:
    """A return of the last hour before midnight reaches over it: with the embargo it is in no fit of that day."""
    at = 8 * 96
    hourly = replace(
        planted, returns={60: planted.returns[15]}, past={60: planted.past[15]}, scale={60: planted.scale[15]}
    )
    leaked = planted.returns[15].copy()
    leaked[at - 4 : at] = 1.0
    changed = replace(hourly, returns={60: leaked})
    before, after = (walked_forward(s, 60, ridge).signal for s in (hourly, changed))
    np.testing.assert_array_equal(before[at : at + 96], after[at : at + 96])
    assert (before[at + 96 :] != after[at + 96 :]).any()


def trial(name: str, net: np.ndarray, of: str = "a", first: int = 20_000) -> Trial:
    return Trial(set=of, name=name, days=tuple(range(first, first + len(net))), net_bp=tuple(net.tolist()))


def test_a_real_edge_is_chosen_and_the_best_of_many_by_chance_is_not() -> None:
    rng = np.random.default_rng(7)
    null = [trial(f"n{k} 60m", rng.normal(0, 10, 40)) for k in range(20)]
    configured = trial("configured 60m", rng.normal(-5, 10, 40))
    lucky = choose([configured, *null])
    assert lucky.winner is None
    assert lucky.trials == 21
    assert lucky.p_paid > 0.05
    good = trial("good 60m", rng.normal(8, 10, 40))
    found = choose([configured, good, *null])
    assert found.winner == "good 60m"
    assert found.p_paid < 0.05
    assert found.p_configured < 0.05


def test_what_loses_on_one_set_is_not_chosen() -> None:
    rng = np.random.default_rng(8)
    both = []
    for of, mean, first in (("a", 30, 20_000), ("b", -20, 21_000)):
        both += [
            trial("configured 60m", rng.normal(0, 3, 40), of, first),
            trial("other 60m", rng.normal(mean, 3, 40), of, first),
        ]
    found = choose(both)
    (other,) = [each for each in found.pooled if each.name == "other 60m"]
    assert other.loses_on == ("b",)
    assert other.net_bp.value == pytest.approx(5, abs=2)
    assert found.winner is None
    assert choose([]).reason == "there is nothing to judge"


def test_a_trial_is_logged_once_and_a_broken_log_is_named(tmp_path: Path) -> None:
    log = TrialLog(tmp_path / "trials.jsonl")
    assert log.read() == []
    one = trial("x 60m", np.array([1.0, -2.0]))
    log.append([one])
    log.append([one, trial("y 60m", np.array([0.0, 1.5]))])
    assert [each.name for each in log.read()] == ["x 60m", "y 60m"]
    assert log.read()[0] == one
    (tmp_path / "trials.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match=r"trials\.jsonl:1: is no line"):
        log.read()
