"""Forecasts of each close reach the detectors of each symbol, and the bands that alerts are measured by."""

from math import exp
from typing import Any

import numpy as np
import pytest
from tests.support.detectors import MINUTE, PARAMETERS, START_MS, ns

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.outcomes.edges import ForecastEdges
from virtuoso.alerts.outcomes.equal import EqualMinutes
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.state import MarketState
from virtuoso.model.alerts.outcome import Edge
from virtuoso.model.market import Bar, Side, Trade
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.detection import Detection
from virtuoso.monitor.watching.foresight import Foresight

WIDTH = 0.002


def market(symbols: tuple[str, ...]) -> MarketState:
    state = MarketState([Timeframe.M1], depth=50)
    for symbol in symbols:
        state.add(symbol)
    return state


class Clock:
    def now_ns(self) -> int:
        return ns(START_MS)

    def monotonic_ns(self) -> int:
        return ns(START_MS)


def forecasts(rows: list[int]) -> Forecasts:
    one = np.ones((1, len(rows)))
    sides = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])[:, None, None]
    cone = {15: WIDTH * sides * one, 60: 2 * WIDTH * sides * one}
    values: dict[str, Any] = {name: {} for name in Forecasts.__dataclass_fields__}
    values |= {
        "version": "f1", "close_ms": np.array([START_MS]), "rows": np.array(rows), "volatility": {15: one, 60: one},
        "outcomes": Outcomes(*(np.full((3, 1, len(rows)), np.nan) for _ in range(3))), "cone": cone, "high": cone,
        "low": cone,
    }  # fmt: skip
    return Forecasts(**values)


def test_a_trade_beyond_the_forecast_edge_is_found_and_its_band_is_known() -> None:
    state, log = market(("A", "B")), IncidentLog(100)
    for symbol, price in (("A", 100.0), ("B", 7.0)):
        bars = [Bar(START_MS + (i - 90) * MINUTE, price, price, price, price, 1.0, price) for i in range(90)]
        state[symbol].history.load(Timeframe.M1, bars)
    detection, edges = Detection(PARAMETERS, log), ForecastEdges(EqualMinutes())
    sinks = detection.sinks(state, ns(START_MS))
    foresight = Foresight(state, detection, edges, Clock())
    foresight.take(forecasts([state.rows["A"]]))
    foresight.take(forecasts([state.rows["B"], 999]))  # B's bars came late; a row that is no longer watched
    for symbol, price in (("A", 100.0), ("B", 7.0)):
        for i, ratio in enumerate((exp(0.9 * WIDTH), exp(1.1 * WIDTH))):
            at_ms = START_MS + 1_000 * (i + 1)
            sinks[symbol].trades(ns(at_ms), [Trade(at_ms, price * ratio, 1.0, Side.BUY, f"{symbol}{i}")])
    assert [(i.kind, i.symbol, i.value) for i in log.recent()[::-1]] == [
        ("cone_touched", "A", pytest.approx(1.1)), ("cone_touched", "B", pytest.approx(1.1)),
    ]  # fmt: skip
    for symbol in "AB":
        edge = edges.edge(symbol, 60, START_MS + 2_000)
        assert isinstance(edge, Edge)
        assert edge.high == pytest.approx(2 * WIDTH)
