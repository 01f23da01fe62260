"""Outcomes of alerts in a monitor: the band of the forecast just before, how often such bands are left, restarts."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from virtuoso.alerts.fast.cones.bands import Bands, bands_of
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.outcomes.edges import NONE_YET, ForecastEdges
from virtuoso.alerts.outcomes.equal import EqualMinutes
from virtuoso.alerts.outcomes.pending import Floats
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.budget import BudgetSettings
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.outcome import Edge, Outcome
from virtuoso.monitor.alerting.alerting import Alerting
from virtuoso.monitor.alerting.documents import performance_document

T0, MINUTE = 1_748_476_800_000, 60_000


def forecasts(close_ms: int, width: float, followed: tuple[float, ...] = (0.0, 0.0), version: str = "f1") -> Forecasts:
    """Of two symbols: bands of ± `width`, twice as wide for an hour; what followed the closes before."""
    sides = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])[:, None, None]
    one = np.ones((1, 2))
    values: dict[str, Any] = {name: {} for name in Forecasts.__dataclass_fields__}
    values |= {
        "version": version, "close_ms": np.array([close_ms]), "rows": np.arange(2), "cost_bp": one,
        "volatility": {15: width / 2 * one, 60: width * one},
        "cone": {15: sides * width * one, 60: sides * 2 * width * one},
        "outcomes": Outcomes(*(np.array([[followed]] * 3) for _ in range(3))), "realised": np.zeros((3, 1, 2)),
    }  # fmt: skip
    return Forecasts(**values)


def test_the_band_is_that_of_the_last_close_before_and_says_why_there_is_none() -> None:
    edges = ForecastEdges(EqualMinutes())
    assert edges.edge("A", 15, T0) == NONE_YET
    edges.take(forecasts(T0, 0.01), ("A", "B"))
    edges.take(forecasts(T0 + MINUTE, 0.03), ("A", "B"))
    assert edges.edge("A", 15, T0 + MINUTE - 1) == Edge(
        close_ms=T0, version="f1", low=-0.01, high=0.01, volatility=0.005
    )
    hour = edges.edge("B", 60, T0 + MINUTE)
    assert isinstance(hour, Edge)
    assert (hour.close_ms, hour.high) == (T0 + MINUTE, pytest.approx(0.06))
    assert edges.edge("A", 15, T0 - 1) == NONE_YET
    assert edges.edge("C", 15, T0) == "nothing was forecast of C"
    assert str(edges.edge("A", 15, T0 + 60 * MINUTE)).startswith("the last forecast before it is of 2025-05-29T00:01")


def test_detectors_are_given_the_touch_bands_and_chances_of_each_symbol() -> None:
    sides = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])[:, None, None]
    known = np.array([[0.3, np.nan]])
    of = dataclasses.replace(
        forecasts(T0, 0.01), high={15: 0.02 * sides * np.ones((1, 3))}, low={15: 0.03 * sides * np.ones((1, 3))},
        large_move={60: np.append(known, [[0.5]], 1)}, large_move_base={60: np.full((1, 3), 0.2)},
        large_move_threshold={60: np.full((1, 3), 0.012)},
    )  # fmt: skip
    found = bands_of(of, ("A", "B", "C"), np.array([100.0, 50.0, np.nan]))
    assert found["A"] == Bands(
        close_ms=T0, price=100.0, low=-0.03, high=0.02, large_move=0.3, large_move_base=0.2,
        large_move_threshold=0.012,
    )  # fmt: skip
    assert found["B"].large_move is None
    assert found.keys() == {"A", "B"}, "a symbol without a price has no bands"
    bare = bands_of(forecasts(T0, 0.01), ("A", "B"), np.array([100.0, 50.0]))["A"]
    assert (bare.low, bare.high, bare.large_move) == (None, None, None)


def test_what_follows_every_close_is_counted_against_its_own_band() -> None:
    """Of symbol A every fourth minute leaves its band a quarter of an hour later, of B none; a third joins late."""
    equal = EqualMinutes()
    edges = ForecastEdges(equal)
    for minute in range(400):
        beyond = 0.02 if (minute - 15) % 4 == 0 else 0.005
        edges.take(forecasts(T0 + minute * MINUTE, 0.01, (beyond, 0.0)), ("A", "B"))
    edge = edges.edge("A", 15, T0 + 399 * MINUTE)
    assert isinstance(edge, Edge)
    assert edges.base(15, T0 + 399 * MINUTE, edge) == pytest.approx(0.125, abs=0.01)


class Clock:
    now_ms = T0

    def now_ns(self) -> int:
        return self.now_ms * 1_000_000

    def monotonic_ns(self) -> int:
        return self.now_ns()


def alerting(clock: Clock) -> Alerting:
    settings, routes = PipelineSettings(budget=BudgetSettings()), (Route(channel="phone"),)
    log = IncidentLog(100, policies=lambda _: Policy(cooldown_ms=0))
    return Alerting(log, Pipeline(settings, routes, policies=lambda _: Policy(cooldown_ms=0)), clock)


def minutes(_symbol: str, open_ms: int, count: int) -> Floats | None:
    return None if open_ms + count * MINUTE > T0 + 70 * MINUTE else np.full((count, 4), 100.0)


def test_outcomes_begin_with_the_delivery_settle_when_due_and_go_on_after_a_restart() -> None:
    clock = Clock()
    first = alerting(clock)
    first.outcomes.bars = minutes
    first.outcomes.edges.take(forecasts(T0 - MINUTE, 0.01), ("A", "B"))
    first.incidents.fire("sudden_move", Severity.WARNING, "A up", T0, symbol="A", side="up")
    first.incidents.fire("whale_trade", Severity.INFO, "B bought", T0, symbol="B", side="Buy")
    assert len(first.decide()) == 1
    begun = {each.id: each for each in first.outcomes.take_changed()}
    assert sorted((each.kind, each.horizon_min, each.interrupted) for each in begun.values()) == [
        ("sudden_move", 15, True), ("sudden_move", 60, True), ("whale_trade", 15, False), ("whale_trade", 60, False),
    ]  # fmt: skip
    assert all(each.edge is not None and each.edge.close_ms == T0 - MINUTE for each in begun.values())
    clock.now_ms = T0 + 15 * MINUTE
    first.decide()
    begun |= {each.id: each for each in first.outcomes.take_changed()}
    assert sum(each.settled_ms is not None for each in begun.values()) == 2
    stored = first.state_text()
    clock.now_ms = T0 + 65 * MINUTE
    again = alerting(clock)
    again.resume((), None, stored=stored, outcomes=tuple(begun.values()))
    again.decide()
    assert again.outcomes.take_changed() == (), "nothing settles before there are bars"
    again.outcomes.bars = minutes
    again.decide()
    assert [each.horizon_min for each in again.outcomes.take_changed()] == [60, 60]
    again.decide()  # one kind is judged at a time
    document = performance_document(again, clock.now_ms)
    assert [(kind.kind, kind.incidents, kind.interruptions) for kind in document.kinds] == [
        ("sudden_move", 1, 1), ("whale_trade", 1, 0),
    ]  # fmt: skip
    assert (document.pending, document.interruptions_today, document.interruptions_allowed) == (0, 1, 4)
    assert [(row.kind, row.interrupts) for row in document.interrupting] == [
        ("sudden_move", True),
        ("whale_trade", False),
    ]


def test_times_are_the_exchanges_whatever_this_machine_thinks() -> None:
    """A replay has a time of its own, days from this machine's; so have its bars and forecasts."""
    clock, ahead_ms = Clock(), 3 * 86_400_000
    clock.now_ms = T0 + ahead_ms
    of = alerting(clock)
    of.outcomes.offset_ms = lambda: -ahead_ms
    of.outcomes.bars = minutes
    of.outcomes.edges.take(forecasts(T0 - MINUTE, 0.01), ("A", "B"))
    of.incidents.fire("sudden_move", Severity.WARNING, "A up", clock.now_ms, symbol="A", side="up")
    of.decide()
    begun = of.outcomes.take_changed()
    assert [(each.delivered_ms, each.edge is not None) for each in begun] == [(T0, True)] * 2
    clock.now_ms += 15 * MINUTE
    of.decide()
    (settled,) = of.outcomes.take_changed()
    assert (settled.settled_ms, settled.entry) == (T0 + 15 * MINUTE, 100.0)


def test_a_kind_that_was_worth_little_for_long_stops_to_interrupt() -> None:
    clock = Clock()
    of = alerting(clock)
    day = 1_440 * MINUTE
    edge = Edge(close_ms=T0, version="f1", low=-0.01, high=0.01, volatility=0.005)
    of.outcomes.resume(
        [
            Outcome(
                incident=f"i{i}", horizon_min=60, kind="sudden_move", symbol="A", severity=Severity.WARNING, side="up",
                delivered_ms=T0 - (i % 40 + 1) * day, interrupted=True, before=None, edge=edge, edge_reason=None,
                base=0.2, due_ms=T0, settled_ms=T0, entry=100.0, closed=0.05 if i % 8 == 0 else 0.0, highest=0.05,
                lowest=0.0,
            )
            for i in range(200)
        ],
        None,
    )  # fmt: skip
    of.incidents.fire("sudden_move", Severity.WARNING, "A up", T0, symbol="A", side="up")
    assert of.decide() == ()
    (open_one,) = of.incidents.open()
    assert open_one.path[-1].reason.startswith("demoted: lift ")
    of.incidents.fire("sudden_move", Severity.CRITICAL, "A up", T0, symbol="A", side="up")
    assert len(of.decide()) == 1
