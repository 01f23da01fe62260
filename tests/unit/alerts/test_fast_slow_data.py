"""Volume, funding and open interest: each against what is usual of its symbol."""

from math import exp, inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import MINUTE, PARAMETERS, START_MS, Desk, minutes, ns

from virtuoso.alerts.fast.baseline import LogBaseline
from virtuoso.alerts.fast.funding import FundingExtreme
from virtuoso.alerts.fast.interest import InterestSurge
from virtuoso.alerts.fast.volume import VolumeSpike

DAY = 1_440
NUMBERS = st.sampled_from([0.0, nan, inf, -inf, -1.0, 1e-9, 1.0, 1e18])


def volumes(desk: Desk, count: int = 240, factor: float = 1.0) -> VolumeSpike:
    found = VolumeSpike("X", PARAMETERS.volume_spike, desk.findings)
    for i, (*_, volume) in enumerate(minutes(count)):
        found.learn(START_MS + (i - count) * MINUTE, volume * factor)
    return found


def test_a_planted_spike_is_found_while_its_minute_runs() -> None:
    desk = Desk()
    found = volumes(desk)
    for so_far in (10.0, 1_000.0, 4_000.0):
        found.forming(START_MS, so_far, -1.0, ns(START_MS + 20_000))
    assert desk.all() == []
    for so_far in (9_000.0, 12_000.0):
        found.forming(START_MS, so_far, -1.0, ns(START_MS + 30_000))
    (spike,) = desk.all()
    assert (spike.kind, spike.details["direction"], spike.details["against"]) == (
        "volume_spike",
        "down",
        "recent minutes",
    )
    assert spike.fired_ms == START_MS + 30_050
    assert float(str(spike.details["times_usual"])) == pytest.approx(9.0, rel=0.3)
    found.closed(START_MS, 12_000.0, -1.0, ns(START_MS + MINUTE))
    assert len(desk.log.open()) == 1
    found.closed(START_MS + MINUTE, 1_000.0, 1.0, ns(START_MS + 2 * MINUTE))
    assert [i.resolved_ms for i in desk.all()] == [START_MS + 2 * MINUTE + 50]


def test_the_stream_without_a_spike_holds_none() -> None:
    desk = Desk()
    found = volumes(desk)
    for i, (*_, volume) in enumerate(minutes(2_000, seed=2)):
        found.closed(START_MS + i * MINUTE, volume, 1.0, ns(START_MS + (i + 1) * MINUTE))
    assert desk.all() == []


def test_busy_minutes_in_a_row_are_one_spike() -> None:
    desk = Desk()
    found = volumes(desk)
    for i in range(8):
        found.closed(START_MS + i * MINUTE, 20_000.0, 1.0, ns(START_MS + (i + 1) * MINUTE))
    assert len(desk.all()) == 1


def test_the_same_minute_of_earlier_days_decides_when_there_are_enough() -> None:
    """Every day at 00:00 ten times as much is traded: no spike, once that is known."""
    desk = Desk()
    found = VolumeSpike("X", PARAMETERS.volume_spike, desk.findings)
    told = []
    for day in range(7):
        for i, (*_, volume) in enumerate(minutes(DAY, seed=day)):
            at_ms = START_MS + (day * DAY + i) * MINUTE
            found.closed(at_ms, volume * (10 if i < 11 else 1), 1.0, ns(at_ms + MINUTE))
        told.append(len(desk.all()))
    assert told[0] == 0  # there was no hour before it
    assert told[3] > 0
    assert told[-1] == told[4]
    quiet_ms = START_MS + 7 * DAY * MINUTE
    found.closed(quiet_ms, 10_000.0, 1.0, ns(quiet_ms))
    assert len(desk.all()) == told[-1]
    for i in range(1, 720):
        found.closed(quiet_ms + i * MINUTE, 1_000.0, 1.0, ns(quiet_ms))
    found.forming(quiet_ms + 720 * MINUTE, 10_000.0, 1.0, ns(quiet_ms))
    assert desk.all()[-1].details["against"] == "same minute of earlier days"


def test_mirrored_bars_give_mirrored_spikes() -> None:
    up, down = Desk(), Desk()
    volumes(up).forming(START_MS, 50_000.0, 2.0, ns(START_MS))
    volumes(down).forming(START_MS, 50_000.0, -2.0, ns(START_MS))
    assert (up.told(), down.told()) == ([("volume_spike", "X", "up")], [("volume_spike", "X", "down")])


def test_a_volume_that_is_not_known_yet_is_not_judged() -> None:
    desk = Desk()
    volumes(desk, 59).forming(START_MS, 1e9, 1.0, ns(START_MS))
    other = volumes(desk)
    other.forming(START_MS + MINUTE, 1e9, 1.0, ns(START_MS))  # the minute before has not closed yet
    assert desk.all() == []


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_scaling_sizes_changes_no_spike(factor: float) -> None:
    plain, scaled = Desk(), Desk()
    one, other = volumes(plain), volumes(scaled, factor=factor)
    assert other._limit / factor == pytest.approx(one._limit, rel=1e-9)


@given(st.lists(st.tuples(st.integers(0, 2**40), NUMBERS, NUMBERS)))
def test_no_volume_raises(rows: list[tuple[int, float, float]]) -> None:
    found = volumes(Desk())
    for at_ms, volume, move in rows:
        found.forming(at_ms, volume, move, ns(at_ms))
        found.closed(at_ms, volume, move, ns(at_ms))
    assert len(found._levels) == len(found._days) == DAY


def test_the_usual_is_the_weighted_mean_and_spread_of_logarithms() -> None:
    """Oracle: the weights written out, one value after the other."""
    values = np.random.default_rng(5).lognormal(2.0, 0.7, 400)
    baseline = LogBaseline(60.0)
    weights = np.empty(0)
    for n, value in enumerate(values.tolist(), 1):
        baseline.learn(value)
        baseline.learn(nan)
        alpha = max(1 - 0.5 ** (1 / 60), 1 / n)
        weights = np.append(weights * (1 - alpha), alpha)
    logs = np.log(values)
    mean = float(weights @ logs)
    assert baseline.mean == pytest.approx(mean, rel=1e-9)
    assert baseline.spread == pytest.approx(float(np.sqrt(weights @ (logs - mean) ** 2)), rel=1e-9)
    assert baseline.typical == pytest.approx(exp(mean), rel=1e-9)
    assert baseline.excess(2.0, 1.5) == pytest.approx(max(2 * baseline.spread, log(1.5)))


LEVEL = PARAMETERS.funding.level_pct / 100


def funding(desk: Desk) -> FundingExtreme:
    return FundingExtreme("X", PARAMETERS.funding, desk.findings)


def test_a_rate_beyond_the_level_is_found_scaled_from_its_own_interval() -> None:
    eight, four, below = Desk(), Desk(), Desk()
    funding(eight).take(START_MS, 1.01 * LEVEL, 8.0, ns(START_MS))
    funding(four).take(START_MS, 0.51 * LEVEL, 4.0, ns(START_MS))
    funding(below).take(START_MS, 0.99 * LEVEL, 8.0, ns(START_MS))
    assert below.all() == []
    assert eight.all()[0].details["rate_8h_pct"] == pytest.approx(101 * LEVEL)
    assert four.all()[0].details["rate_8h_pct"] == pytest.approx(102 * LEVEL)
    assert eight.all()[0].details["against"] == "absolute level"


def test_it_holds_until_it_is_clearly_below() -> None:
    desk = Desk()
    found = funding(desk)
    for i, rate in enumerate((1.01, 0.95, 1.01, 0.85, 1.2)):
        found.take(START_MS + i * MINUTE, rate * LEVEL, 8.0, ns(START_MS + i * MINUTE))
    assert len(desk.all()) == 1
    found.take(START_MS + 9 * MINUTE, 0.79 * LEVEL, 8.0, ns(START_MS + 9 * MINUTE))
    assert desk.log.open() == ()


def rates(found: FundingExtreme, hours: int, mirror: int = 1) -> int:
    rng = np.random.default_rng(6)
    for i in range(hours * 60):
        rate = mirror * LEVEL * (0.1 + 0.02 * rng.normal())
        found.take(START_MS + i * MINUTE, float(rate), 8.0, ns(START_MS + i * MINUTE))
    return START_MS + hours * 60 * MINUTE


def test_a_rate_far_from_its_own_history_is_found_after_a_day_of_it() -> None:
    early, late = Desk(), Desk()
    one, other = funding(early), funding(late)
    one.take(rates(one, 23), 0.4 * LEVEL, 8.0, ns(START_MS))
    assert early.all() == []
    other.take(rates(other, 30), 0.4 * LEVEL, 8.0, ns(START_MS))
    (found,) = late.all()
    assert found.details["against"] == "own history"
    assert float(str(found.details["sigmas"])) == pytest.approx(15, rel=0.2)


def test_mirrored_rates_give_mirrored_findings() -> None:
    told = []
    for mirror in (1, -1):
        desk = Desk()
        found = funding(desk)
        at_ms = rates(found, 30, mirror)
        for i, rate in enumerate((0.4, 1.5, -0.5, -1.5)):
            found.take(at_ms + i * MINUTE, mirror * rate * LEVEL, 8.0, ns(at_ms + i * MINUTE))
        told.append([(i.fired_ms, str(i.details["side"]), i.details["sigmas"]) for i in desk.all()])
    exchanged = {"Buy": "Sell", "Sell": "Buy"}
    assert [side for _, side, _ in told[0]] == ["Buy", "Sell"]
    assert [(at, exchanged[side], -float(str(sigmas))) for at, side, sigmas in told[0]] == told[1]


@given(st.lists(st.tuples(st.integers(0, 2**53), NUMBERS, NUMBERS)))
def test_no_rate_raises(rows: list[tuple[int, float, float]]) -> None:
    found = funding(Desk())
    for at_ms, rate, interval_h in rows:
        found.take(at_ms, rate, interval_h, ns(at_ms))
        found.learn(at_ms, rate, interval_h)


def interest(desk: Desk, count: int = 200, factor: float = 1.0, sign: int = 1) -> InterestSurge:
    found = InterestSurge("X", PARAMETERS.open_interest, desk.findings)
    rng, level = np.random.default_rng(7), 1e6
    for i in range(count):
        level *= exp(sign * float(rng.normal(0, 2e-4)))
        at_ms = START_MS + (i - count) * MINUTE
        found.take(at_ms, level * factor, ns(at_ms))
    return found


def test_a_planted_surge_is_found_and_the_stream_without_it_holds_none() -> None:
    bare, desk = Desk(), Desk()
    interest(bare, 3_000)
    assert bare.all() == []
    found = interest(desk)
    level = found._last
    for i, share in enumerate((1.004, 1.008, 1.012, 1.016)):
        found.take(START_MS + i * 10_000, level * share, ns(START_MS + i * 10_000))
    (surge,) = desk.all()
    assert (surge.kind, surge.details["direction"]) == ("open_interest_surge", "up")
    assert float(str(surge.details["change_pct"])) == pytest.approx(1.2, abs=0.2)
    for i in range(1, 8):
        found.take(START_MS + i * MINUTE, level * 1.016, ns(START_MS + i * MINUTE))
    assert desk.log.open() == ()
    assert len(desk.all()) == 1


def test_what_is_usual_of_a_restless_symbol_is_no_surge() -> None:
    desk = Desk()
    found = InterestSurge("X", PARAMETERS.open_interest, desk.findings)
    rng = np.random.default_rng(8)
    for i in range(2_000):
        found.take(START_MS + i * MINUTE, 1e6 * exp(float(rng.uniform(-0.01, 0.01))), ns(START_MS + i * MINUTE))
    assert desk.all() == []


def test_mirrored_interest_gives_mirrored_surges() -> None:
    told = []
    for sign in (1, -1):
        desk = Desk()
        found = interest(desk, sign=sign)
        for i, share in enumerate((1.03, 1.0, 0.97)):
            found.take(START_MS + i * 9 * MINUTE, found._last * share**sign, ns(START_MS + i * 9 * MINUTE))
            for after in range(1, 9):
                at_ms = START_MS + (i * 9 + after) * MINUTE
                found.take(at_ms, found._last, ns(at_ms))
        told.append([(i.fired_ms, i.resolved_ms, i.details["direction"]) for i in desk.all()])
    exchanged = {"up": "down", "down": "up"}
    assert [way for *_, way in told[0]] == ["up", "down"]
    assert [(at, until, exchanged[str(way)]) for at, until, way in told[0]] == told[1]


def test_interest_that_is_not_known_yet_is_not_judged_and_a_gap_begins_anew() -> None:
    desk = Desk()
    found = interest(desk, 50)
    found.take(START_MS, found._last * 2, ns(START_MS))
    other = interest(desk, 200)
    later_ms = START_MS + 30 * MINUTE
    other.take(later_ms, other._last * 2, ns(later_ms))
    assert desk.all() == []


def test_history_of_interest_is_learnt_from() -> None:
    """As by REST: one every five minutes, for seven hours."""
    desk = Desk()
    found = InterestSurge("X", PARAMETERS.open_interest, desk.findings)
    rng = np.random.default_rng(9)
    for i in range(84):
        found.learn(START_MS + (i - 84) * 5 * MINUTE, 1e6 * exp(float(rng.normal(0, 1e-3))))
    found.take(START_MS, 1.0e6, ns(START_MS))
    found.take(START_MS + 1_000, 1.2e6, ns(START_MS))
    assert desk.told() == [("open_interest_surge", "X", "up")]


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_scaling_sizes_changes_no_surge(factor: float) -> None:
    desk = Desk()
    found = interest(desk, factor=factor)
    found.take(START_MS, found._last * 1.05, ns(START_MS))
    assert desk.told() == [("open_interest_surge", "X", "up")]


@given(st.lists(st.tuples(st.integers(0, 2**53), NUMBERS)))
def test_no_interest_raises_and_its_state_is_bounded(rows: list[tuple[int, float]]) -> None:
    found = interest(Desk(), 300)
    for at_ms, value in rows:
        found.take(at_ms, value, ns(at_ms))
        found.learn(at_ms, value)
    assert len(found._changes) <= 240
    assert len(found._ring) <= PARAMETERS.open_interest.window_minutes
