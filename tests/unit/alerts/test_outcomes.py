"""What followed alerts: entry after the delivery, the band of before, missing bars, restarts; and the figures."""

from math import exp, log

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lazily import Lazily

from virtuoso.alerts.outcomes.equal import EqualMinutes, EqualState
from virtuoso.alerts.outcomes.pending import GRACE_MS, Floats, PendingOutcomes
from virtuoso.alerts.outcomes.performance import byar, performance, remained, student, worths
from virtuoso.model.alerts.incident import Details, Incident, Severity
from virtuoso.model.alerts.outcome import Edge, Outcome

stats = Lazily("scipy.stats")
T0 = 1_748_476_800_000
MINUTE, DAY = 60_000, 86_400_000
EDGE = Edge(close_ms=T0, version="f1", low=-0.01, high=0.02, volatility=0.005)


def incident(fired_ms: int = T0 + 30_000, symbol: str | None = "X", **details: float | str) -> Incident:
    given_: Details = {**details}
    return Incident(
        id="i1", kind="sudden_move", severity=Severity.WARNING, message="", fired_ms=fired_ms, symbol=symbol,
        details=given_,
    )  # fmt: skip


def begun(pending: PendingOutcomes, of: Incident, now_ms: int, edge: Edge | str = EDGE) -> list[Outcome]:
    return pending.begin(of, now_ms, interrupted=True, edges=lambda *_: edge, bases=lambda *_: 0.05)


class Market:
    """Minutes from `T0` on whose open is 100 and whose close is 100·e^r; asked for are noted."""

    def __init__(self, returns: dict[int, float], until: int = 10_000) -> None:
        self.returns, self.until = returns, until
        self.asked: list[tuple[str, int, int]] = []

    def __call__(self, symbol: str, open_ms: int, count: int) -> Floats | None:
        self.asked.append((symbol, open_ms, count))
        first = (open_ms - T0) // MINUTE
        if first + count > self.until:
            return None
        rows = []
        for minute in range(first, first + count):
            close = 100.0 * exp(self.returns.get(minute, 0.0))
            rows.append((100.0, max(100.0, close), min(100.0, close), close))
        return np.array(rows)


def test_the_way_begins_at_the_first_open_after_the_delivery_and_its_minute_counts() -> None:
    """The trigger's own minute (0) is left out, however far it went; minute 3 leaves the band, minute 15 ends in it."""
    pending = PendingOutcomes()
    assert len(begun(pending, incident(), T0 + 30_500)) == 2
    assert begun(pending, incident(), T0 + 40_000) == []  # it is begun once
    market = Market({0: 0.5, 3: 0.03, 15: -0.005})
    assert pending.settle(T0 + 16 * MINUTE - 1, market) == []
    (short,) = pending.settle(T0 + 16 * MINUTE, market)
    assert market.asked == [("X", T0 + MINUTE, 15)]
    assert (short.entry, short.hit, short.touched_min) == (100.0, False, 3)
    assert short.closed == pytest.approx(-0.005)
    assert (short.highest, short.lowest) == (pytest.approx(0.03), pytest.approx(-0.005))
    (hour,) = pending.settle(T0 + 61 * MINUTE, Market({60: -0.011}))
    assert (hour.horizon_min, hour.hit, hour.touched_min) == (60, True, 60)
    assert len(pending) == 0


def test_a_delivery_on_the_minute_enters_at_its_open() -> None:
    pending, market = PendingOutcomes(), Market({})
    begun(pending, incident(), T0 + 2 * MINUTE)
    pending.settle(T0 + 17 * MINUTE, market)
    assert market.asked == [("X", T0 + 2 * MINUTE, 15)]


def test_without_a_forecast_the_way_is_known_and_the_band_is_not() -> None:
    pending = PendingOutcomes()
    begun(pending, incident(), T0, "no forecast was made at the time")
    outcome = pending.settle(T0 + 15 * MINUTE, Market({14: 0.04}))[0]
    assert outcome.closed == pytest.approx(0.04)
    assert (outcome.edge, outcome.edge_reason, outcome.hit, outcome.base) == (
        None, "no forecast was made at the time", None, None,
    )  # fmt: skip


def test_bars_that_come_late_are_waited_for_and_those_gone_for_good_are_not() -> None:
    pending = PendingOutcomes()
    begun(pending, incident(), T0)
    market = Market({}, until=10)
    for minute in range(15, 30):
        assert pending.settle(T0 + minute * MINUTE, market) == []
    market.until = 100
    assert [each.reason for each in pending.settle(T0 + 30 * MINUTE, market)] == [None]
    market.until = 10
    late = T0 + 60 * MINUTE + GRACE_MS
    assert pending.settle(T0 + 60 * MINUTE, market) == []
    assert [each.reason for each in pending.settle(late, market)] == ["bars of these minutes are missing"]
    begun(pending, incident(), T0)
    gone = pending.settle(T0 + 15 * MINUTE, lambda *_: np.empty((0, 4)))
    assert [each.reason for each in gone] == ["bars of these minutes are missing"]


def test_of_a_move_of_the_market_the_leader_counts_and_what_has_no_symbol_is_left_out() -> None:
    pending = PendingOutcomes()
    assert begun(pending, incident(symbol=None, leader="L"), T0)[0].symbol == "L"
    assert begun(PendingOutcomes(), incident(symbol=None), T0) == []


@given(st.integers(0, 120), st.integers(0, 120))
def test_a_restart_in_between_changes_nothing(restart: int, late: int) -> None:
    """What is kept is what was begun; whenever it is looked at again, the same bars say the same."""
    market = Market({5: 0.03, 40: -0.02})
    steady, ended = PendingOutcomes(), PendingOutcomes()
    kept = {each.id: each for each in begun(steady, incident(), T0)}
    begun(ended, incident(), T0)
    expected = {each.id: each for minute in range(300) for each in steady.settle(T0 + minute * MINUTE, market)}
    found = {each.id: each for minute in range(restart) for each in ended.settle(T0 + minute * MINUTE, market)}
    again = PendingOutcomes()
    rows = [msgspec.json.decode(msgspec.json.encode(found.get(key, kept[key])), type=Outcome) for key in kept]
    again.resume(rows)
    for minute in range(restart + late, 400):
        found |= {each.id: each for each in again.settle(T0 + minute * MINUTE, market)}
    same = {key: msgspec.structs.replace(each, settled_ms=0) for key, each in found.items()}
    assert same == {key: msgspec.structs.replace(each, settled_ms=0) for key, each in expected.items()}


def outcome(number: int, day: int, *, hit: bool, base: float | None = 0.05, **more: object) -> Outcome:
    values: dict[str, object] = {
        "incident": f"i{number}", "horizon_min": 60, "kind": "k", "symbol": "X", "severity": Severity.WARNING,
        "side": None, "delivered_ms": T0 + day * DAY, "interrupted": number % 2 == 0, "before": None, "edge": EDGE,
        "edge_reason": None, "base": base, "due_ms": T0, "settled_ms": T0, "entry": 100.0,
        "closed": 0.03 if hit else 0.0, "highest": 0.03, "lowest": 0.0, "touched_min": 7 if hit else None,
    }  # fmt: skip
    return Outcome(**(values | more))  # type: ignore[arg-type]


def test_lift_and_precision_are_ratios_of_sums_with_an_interval_over_days() -> None:
    """Oracle: the estimator of Cochran written out, and Student's t of scipy."""
    hits = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1], [0, 1, 1]]
    outcomes = [outcome(10 * d + i, d, hit=bool(hit)) for d, day in enumerate(hits) for i, hit in enumerate(day)]
    (kind,) = performance(outcomes)
    of = kind.horizons[1]
    ratio = 12 / (24 * 0.05)
    assert of.lift.value == pytest.approx(ratio)
    assert (of.lift.n, of.days, of.base, kind.incidents, kind.interruptions) == (24, 8, pytest.approx(0.05), 24, 16)
    off = [sum(day) - ratio * 3 * 0.05 for day in hits]
    half = stats.t.ppf(0.975, 7) * np.sqrt(sum(x * x for x in off) * 8 / 7) / (24 * 0.05)
    assert of.lift.high == pytest.approx(max(ratio + half, byar(12)[1] / 1.2), rel=2e-3)
    assert of.lift.low == pytest.approx(min(ratio - half, byar(12)[0] / 1.2), rel=2e-3)
    assert of.precision.value == pytest.approx(0.5)
    assert of.lead_s.value is None  # of twelve only
    assert worths([kind])["k"].low == of.lift.low


@pytest.mark.parametrize("count", [1, 2, 5, 12, 40, 300])
def test_the_interval_of_a_count_is_that_of_a_poisson_mean(count: int) -> None:
    """Oracle: the exact one by chi-squared quantiles (Garwood 1936)."""
    low, high = byar(count)
    assert low == pytest.approx(stats.chi2.ppf(0.025, 2 * count) / 2, rel=0.02, abs=0.02)
    assert high == pytest.approx(stats.chi2.ppf(0.975, 2 * count + 2) / 2, rel=0.02)


@pytest.mark.parametrize("freedom", [4, 5, 9, 30, 200])
def test_the_quantile_is_students(freedom: int) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=3e-3)


def test_no_hit_is_no_proof_of_no_lift() -> None:
    """Fifty incidents, of which 2.5 were expected to hit: the upper bound stays above 1.3."""
    (kind,) = performance([outcome(i, i % 40, hit=False) for i in range(50)])
    lift = kind.horizons[1].lift
    assert lift.value == 0.0
    assert lift.high is not None
    assert lift.high > 1.3


def test_the_interval_holds_a_planted_lift() -> None:
    """Days that share a shock, forty of them: at least nine in ten of sixty intervals hold the true lift of two."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        outcomes = []
        for day in range(40):
            rate = 0.1 * rng.choice([0.4, 1.6])
            outcomes += [outcome(10 * day + i, day, hit=bool(rng.random() < rate)) for i in range(5)]
        lift = performance(outcomes)[0].horizons[1].lift
        assert lift.low is not None
        assert lift.high is not None
        held += lift.low <= 2.0 <= lift.high
    assert held >= 54


def test_too_few_give_no_figure_and_say_so() -> None:
    (few,) = performance([outcome(i, i, hit=True) for i in range(19)])
    assert (few.horizons[1].lift.value, few.horizons[1].lift.n) == (None, 19)
    assert few.horizons[1].reason == "fewer than 20 incidents were measured"
    (unknown,) = performance([outcome(i, i, hit=True, edge=None, edge_reason="none yet") for i in range(30)])
    assert unknown.horizons[1].reason == "none yet"
    (one_day,) = performance([outcome(i, 0, hit=True) for i in range(30)])
    assert one_day.horizons[1].lift.value is None
    assert performance([outcome(1, 0, hit=True, settled_ms=None)]) == ()


def test_what_was_left_of_a_move() -> None:
    up = outcome(1, 0, hit=True, side="up", before=98.0, entry=100.0, highest=0.02)
    assert remained(up) == pytest.approx(0.02 / (0.02 + log(100 / 98)))
    down = outcome(1, 0, hit=True, side="down", before=102.0, entry=100.0, highest=0.01, lowest=0.0)
    assert remained(down) == 0.0
    assert remained(outcome(1, 0, hit=True, side="up")) is None


def test_equal_minutes_are_those_of_the_hour_and_volatility_and_fall_back_to_more() -> None:
    equal, rng = EqualMinutes(), np.random.default_rng(1)
    assert equal.rate(60, T0, 0.01) is None
    for minute in range(300):
        equal.learn(60, T0 + minute % 60 * MINUTE, np.full(4, 0.01), rng.random(4) < 0.2)
        equal.learn(60, T0 + minute % 60 * MINUTE, np.full(4, 0.04), rng.random(4) < 0.02)
        equal.learn(60, T0 + 12 * 3_600_000, np.full(4, 0.01), np.array([True, True, True, True]))
    equal.learn(60, T0, np.array([np.nan, 0.0]), np.array([True, True]))
    calm, wild, noon = (equal.rate(60, at_ms, v) for at_ms, v in ((T0, 0.01), (T0, 0.04), (T0 + 12 * 3_600_000, 0.01)))
    assert calm == pytest.approx(0.2, abs=0.04)
    assert wild == pytest.approx(0.02, abs=0.02)
    assert noon == 1.0
    assert equal.rate(60, T0 + 5 * 3_600_000, 0.01) == pytest.approx((0.2 + 1.0) / 2, abs=0.03)  # all hours of it
    assert equal.rate(60, T0, 2.0) == pytest.approx((0.2 + 0.02 + 1.0) / 3, abs=0.03)  # everything
    assert equal.rate(15, T0, 0.01) is None
    again = EqualMinutes()
    assert equal.state is not None
    again.resume(msgspec.json.decode(msgspec.json.encode(equal.state), type=EqualState))
    assert again.rate(60, T0, 0.01) == calm
