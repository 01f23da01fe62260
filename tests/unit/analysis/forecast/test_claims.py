"""What is earned: the bound against its definition, claims against a plain count, power and errors simulated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.lazily import Lazily

from virtuoso.analysis.forecast.claims.cells import CELLS, DOWN, UP, ClaimCell, ClaimRule, Odds
from virtuoso.analysis.forecast.claims.claims import Claims
from virtuoso.analysis.forecast.claims.evidence import ALPHA, holm, log_evidence, lower_bound
from virtuoso.analysis.forecast.claims.tally import MEASURES, Standing, Tally
from virtuoso.model.timeframe import DAY_MS

stats = Lazily("scipy.stats")
BAR_MS = 60_000
START_MS = 20_000 * DAY_MS


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array(float(x.size)), np.array(x.mean()), np.array(x.std())


@pytest.mark.parametrize("shift", [1.2, 2.0])
def test_evidence_is_the_likelihood_ratio_against_the_prior(shift: float) -> None:
    """By plain sums on a fine grid of effects (mean/sd) and scales, the scale integrated out over dσ/σ."""
    x = np.random.default_rng(3).normal(shift, 1.0, 12)
    scales = np.exp(np.linspace(-4, 5, 900))[:, None]
    effects = np.append(np.linspace(-8, 8, 1201), 0.0)
    square = (x**2).sum() - 2 * effects * scales * x.sum() + x.size * (effects * scales) ** 2
    likelihood = (scales ** -float(x.size) * np.exp(-square / (2 * scales**2))).sum(axis=0)
    mixed = (likelihood[:-1] * stats.norm.pdf(effects[:-1])).sum() * (effects[1] - effects[0])
    assert log_evidence(*_moments(x)) == pytest.approx(np.log(mixed / likelihood[-1]), abs=1e-4)


@given(st.integers(2, 400), st.floats(-3, 3), st.floats(0.05, 4), st.sampled_from([0.05, 0.01, 0.05 / 16]))
def test_the_bound_is_above_zero_where_the_evidence_is_enough(n: int, mean: float, sd: float, level: float) -> None:
    arrays = np.array(float(n)), np.array(mean), np.array(sd)
    evidence, bound = log_evidence(*arrays), lower_bound(*arrays, level)
    if abs(evidence + np.log(level)) > 1e-6:
        assert (bound > 0) == (evidence > -np.log(level))


def test_holm_is_the_reference() -> None:
    multiple = pytest.importorskip("statsmodels.stats.multitest")
    rng = np.random.default_rng(1)
    for _ in range(50):
        evidence = rng.exponential(3.0, 9)
        rejected, levels = holm(evidence)
        assert rejected.tolist() == multiple.multipletests(np.exp(-evidence), ALPHA, "holm")[0].tolist()
        assert (evidence > -np.log(levels)).tolist() == rejected.tolist()


# --- what is counted -------------------------------------------------------------------------------------------------


def _odds(up: np.ndarray, down: np.ndarray) -> Odds:
    return Odds(up={15: up, 60: up}, down={15: down, 60: down})


def _run(claims: Claims, opens: np.ndarray, closes: np.ndarray, up: np.ndarray, down: np.ndarray, cost: float) -> None:
    """Step through whole days of bars [t, n], all rows at each close."""
    n = opens.shape[1]
    claims.memory.reserve(n)
    for t in range(opens.shape[0]):
        close_ms = START_MS + (t + 1) * BAR_MS
        there = np.flatnonzero(np.isfinite(closes[t]))
        if there.size:
            odds = _odds(up[t, there], down[t, there])
            claims.step(there, close_ms, opens[t, there], closes[t, there], np.full(there.size, cost), odds)


def _standing(claims: Claims, cell: ClaimCell) -> Standing:
    return claims.standings()[claims.cells.index(cell)]


def test_entries_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(5)
    minutes, n, cost = 1440 + 120, 3, 12.0
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, (minutes, n)), axis=0))
    opens = closes * np.exp(rng.normal(0, 1e-4, (minutes, n)))
    closes[400:403, 1] = np.nan
    up, down = rng.uniform(0.4, 0.56, (minutes, n)), rng.uniform(0.1, 0.4, (minutes, n))
    cells = (ClaimCell(UP, 15, ClaimRule.LIKELY), ClaimCell(DOWN, 60, ClaimRule.FAVOURED))
    claims = Claims(cells=cells)
    _run(claims, opens, closes, up, down, cost)
    found = []
    for s in range(n):
        t = 0
        while t + 15 < minutes:
            if np.isfinite(closes[t, s]) and up[t, s] > 0.5:
                if np.isfinite(closes[t + 1 : t + 16, s]).all():
                    if t + 1 < 1440:  # the close of bar t is on the first day
                        found.append((1e4 * np.log(closes[t + 15, s] / opens[t + 1, s]), up[t, s]))
                    t += 15
                else:  # interrupted: free again at the first bar after the hole
                    t = t + 1 + int(np.flatnonzero(np.isnan(closes[t + 1 :, s]))[0])
                    while np.isnan(closes[t, s]):
                        t += 1
            else:
                t += 1
    standing = _standing(claims, cells[0])
    gross, claimed = np.array(found).T
    assert standing.entries == len(found) > 200
    assert (standing.days, standing.pays) == (1, False)
    assert standing.net == pytest.approx((gross - cost).mean())
    assert standing.net_twice_cost == pytest.approx((gross - 2 * cost).mean())
    assert standing.hit == pytest.approx((gross > cost).mean())
    assert standing.right == pytest.approx((gross > cost).sum() / (np.abs(gross) > cost).sum())
    assert standing.claimed == pytest.approx(claimed.mean())
    assert _standing(claims, cells[1]).entries == 0  # down was never favoured


def test_a_day_is_not_judged_before_its_last_entry_ended() -> None:
    cells = (ClaimCell(UP, 60, ClaimRule.LIKELY),)
    claims = Claims(cells=cells)
    claims.memory.reserve(1)
    ones, sure = np.ones(1), np.array([0.9])
    for t in range(1440 + 70):
        close_ms = START_MS + (t + 1) * BAR_MS
        claims.step(slice(0, 1), close_ms, ones, ones, ones, _odds(sure, ones - 0.9))
        over = close_ms >= START_MS + DAY_MS + 65 * BAR_MS
        assert claims.standings()[0].days == int(over)


def test_a_long_pays_the_funding_of_its_horizon_and_a_short_receives_it() -> None:
    cells = tuple(ClaimCell(side, h, ClaimRule.LIKELY) for side in (UP, DOWN) for h in (15, 60))
    claims = Claims(cells=cells)
    claims.memory.reserve(1)
    ones, sure = np.ones(1), np.array([0.9])
    funding = {15: np.zeros(1), 60: np.array([2.5])}
    for t in range(1440 + 70):
        claims.step(slice(0, 1), START_MS + (t + 1) * BAR_MS, ones, ones, ones, _odds(sure, sure), funding)
    assert [_standing(claims, cell).net for cell in cells] == pytest.approx([-1.0, -3.5, -1.0, 1.5])


def test_a_close_that_was_seen_changes_nothing_and_a_state_goes_on() -> None:
    rng = np.random.default_rng(8)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, (4000, 2)), axis=0))
    up, down = rng.uniform(0.3, 0.6, closes.shape), rng.uniform(0.3, 0.6, closes.shape)
    whole, twice = Claims(), Claims()
    _run(whole, closes, closes, up, down, 1.0)
    twice.memory.reserve(2)
    for t in range(4000):
        for _ in range(2):
            at = START_MS + (t + 1) * BAR_MS
            twice.step(slice(0, 2), at, closes[t], closes[t], np.ones(2), _odds(up[t], down[t]))
    assert twice.standings() == whole.standings()
    resumed = Claims()
    resumed.load(whole.state())
    assert resumed.standings() == whole.standings()
    assert {k: v.tobytes() for k, v in resumed.state().items()} == {k: v.tobytes() for k, v in whole.state().items()}
    with pytest.raises(ValueError, match="claim cells"):
        Claims(cells=CELLS[:2]).load(whole.state())


def test_unknown_costs_and_probabilities_claim_nothing() -> None:
    claims = Claims()
    claims.memory.reserve(1)
    ones, unknown = np.ones(1), np.array([np.nan])
    for t in range(1440 + 90):
        cost, odds = (unknown, _odds(ones, ones * 0)) if t % 2 else (ones, _odds(unknown, unknown))
        claims.step(slice(0, 1), START_MS + (t + 1) * BAR_MS, ones, ones, cost, odds)
    assert all(standing.entries == 0 for standing in claims.standings())


# --- what is earned --------------------------------------------------------------------------------------------------


def _first_earned(days: np.ndarray, entries: int = 20) -> np.ndarray:
    """The first day (1-based, 0 never) on which any cell is earned, by days' mean net results [seeds, days, cells]."""
    found = np.zeros(days.shape[0], dtype=int)
    cells = CELLS * (days.shape[2] // len(CELLS))
    for seed, results in enumerate(days):
        tally = Tally(cells)
        sums = np.zeros((days.shape[2], MEASURES))
        sums[:, 0] = entries
        for day, net in enumerate(results):
            sums[:, 1] = net * entries
            tally.add(day, sums)
            if day >= 19 and any(standing.pays for standing in tally.standings()):
                found[seed] = day + 1
                break
    return found


def _share(found: np.ndarray) -> float:
    return float((found > 0).mean())


@pytest.mark.parametrize("tails", [np.inf, 4.0])
def test_an_edge_is_earned_within_sixty_days_among_sixteen_cells(tails: float) -> None:
    rng = np.random.default_rng(11)
    shape = (150, 60, 16)
    noise = (
        rng.standard_normal(shape) if np.isinf(tails) else rng.standard_t(tails, shape) / np.sqrt(tails / (tails - 2))
    )
    noise[:, :, 1:] -= 0.3
    noise[:, :, 0] += 0.7
    assert _share(_first_earned(20.0 * noise)) >= 0.8


def test_nothing_is_earned_where_there_is_no_edge() -> None:
    """Net of exactly 0, the hardest of all: clustered volatility, days of the cells correlated by .7, 90 days."""
    rng = np.random.default_rng(12)
    seeds, days, cells = 150, 90, 16
    volatility = np.exp(np.cumsum(rng.normal(0, 0.25, (seeds, days, 1)), axis=1))
    common = rng.standard_normal((seeds, days, 1))
    results = volatility * (np.sqrt(0.7) * common + np.sqrt(0.3) * rng.standard_normal((seeds, days, cells)))
    assert _share(_first_earned(15.0 * results)) <= 0.05


def test_an_edge_that_does_not_pay_its_costs_is_never_earned() -> None:
    """54 of 100 hits and a basis point gross, against a cost of 12."""
    results = np.random.default_rng(13).normal(1.0 - 12.0, 25.0, (60, 120, 8))
    assert _share(_first_earned(results)) == 0.0


def test_what_stopped_paying_is_withdrawn() -> None:
    tally = Tally(CELLS[:1])
    sums = np.array([[20.0, 0, 0, 0, 0, 0]])
    rng = np.random.default_rng(2)
    paid = []
    for day in range(120):
        sums[0, 1] = 20 * rng.normal(20.0 if day < 80 else -5.0, 20.0)
        tally.add(day, sums)
        paid.append(tally.standings()[0].pays)
    assert paid[79]
    assert not any(paid[110:])
    assert tally.standings()[0].net_lower > 0  # all days together would still say so


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_too_few_days_or_entries_earn_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    few_days, few_entries = rng.normal(100, 1, (1, 19, 8)), rng.normal(100, 1, (1, 24, 8))
    assert _share(_first_earned(few_days)) == 0.0
    assert _share(_first_earned(few_entries, entries=4)) == 0.0


# --- from bars to what is earned -------------------------------------------------------------------------------------


def _ever_paid(seed: int, days: int, drift: float) -> bool:
    """Sixteen symbols, correlated by .7, with clustered volatility; a long is claimed every hour of all of them.

    `drift` is the mean of a day's mean net result over its standard deviation.
    """
    rng, n = np.random.default_rng(seed), 16
    hours = days * 24 + 26
    volatility = 0.004 * np.exp(0.5 * np.sin(np.cumsum(rng.normal(0, 0.05, hours))))[:, None]
    noise = np.sqrt(0.7) * rng.standard_normal((hours, 1)) + np.sqrt(0.3) * rng.standard_normal((hours, n))
    edge = drift * np.sqrt((0.7 + 0.3 / n) / 24)
    returns = volatility * (noise + edge)
    claims = Claims(3_600_000, CELLS)
    claims.memory.reserve(n)
    likely, other, cost = np.full(n, 0.56), np.full(n, 0.3), np.full(n, 1e-9)
    found = False
    for k in range(hours):
        close = np.exp(returns[k])
        odds = Odds(up={15: other, 60: likely}, down={15: other, 60: other})
        claims.step(slice(0, n), START_MS + (k + 1) * 3_600_000, np.ones(n), close, cost, odds)
        found = found or any(standing.pays for standing in claims.standings())
    return found


@pytest.mark.slow
def test_planted_in_bars_an_edge_is_earned_and_none_is_not() -> None:
    assert sum(_ever_paid(seed, 60, 0.7) for seed in range(10)) >= 8
    assert sum(_ever_paid(seed, 90, 0.0) for seed in range(20)) <= 1
