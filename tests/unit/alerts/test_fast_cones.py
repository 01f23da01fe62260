"""What is found by the forecast of the last close: edges touched, further widths, thin books, likely large moves."""

from math import exp, inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import MINUTE, PARAMETERS, START_MS, Desk, ns

from virtuoso.alerts.fast.cones.bands import Bands
from virtuoso.alerts.fast.cones.large import LargeMoveLikely
from virtuoso.alerts.fast.cones.thin import ThinBook
from virtuoso.alerts.fast.cones.touch import ConeTouch
from virtuoso.alerts.policy import Policy
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.market import Side, Trade

LOW, HIGH = -0.01, 0.02


def bands(close_ms: int = START_MS, price: float = 100.0, **more: float | None) -> Bands:
    values: dict[str, float | None] = {"low": LOW, "high": HIGH, **more}
    return Bands(close_ms=close_ms, price=price, **values)  # type: ignore[arg-type]


def touch(desk: Desk, of: Bands | None = None) -> tuple[ConeTouch, ThinBook]:
    thin = ThinBook("X", PARAMETERS.thin_break, desk.findings)
    found = ConeTouch("X", PARAMETERS.cone_touch, desk.findings, thin)
    found.forecast(bands() if of is None else of)
    return found, thin


@pytest.mark.parametrize(("side", "width"), [("up", HIGH), ("down", LOW)])
def test_each_edge_is_touched_at_its_own_distance(side: str, width: float) -> None:
    desk = Desk()
    found, _ = touch(desk)
    found.see(START_MS + 1_000, 100.0 * exp(0.99 * width), ns(START_MS + 1_000))
    assert desk.all() == []
    found.see(START_MS + 2_000, 100.0 * exp(1.01 * width), ns(START_MS + 2_000))
    (one,) = desk.all()
    assert (one.kind, one.labels["side"], one.severity) == ("cone_touched", side, Severity.WARNING)
    assert one.value == pytest.approx(1.01)
    assert one.details["from"] == 100.0
    assert one.details["edge"] == pytest.approx(100.0 * exp(width))


def test_further_widths_are_of_the_cone_of_the_first_touch_and_told_again() -> None:
    desk = Desk()
    desk.log._policies = lambda _: Policy(step=1.0)
    found, _ = touch(desk)
    for i, widths in enumerate((1.2, 1.9, 2.1, 2.2, 3.4)):
        at_ms = START_MS + 30_000 * i
        found.see(at_ms, 100.0 * exp(widths * HIGH), ns(at_ms))
        found.forecast(bands(START_MS + MINUTE * (i + 1), 100.0 * exp(widths * HIGH)))  # a new cone around the price
    (one,) = desk.all()
    assert one.value == pytest.approx(3.4)
    assert one.details["from"] == 100.0
    later = START_MS + 120_000 + 900_001
    found.forecast(bands(later, 106.0))
    found.see(later + 1, 106.0 * exp(1.1 * HIGH), ns(later + 1))
    assert [i.details["from"] for i in desk.all()] == [100.0, 106.0]


def test_without_a_forecast_or_by_an_old_one_nothing_is_found() -> None:
    desk = Desk()
    found, _ = touch(desk)
    for at_ms, of in ((START_MS + 180_000, bands()), (START_MS, None), (START_MS, bands(low=None, high=None))):
        found.forecast(of)
        found.see(at_ms, 200.0, ns(at_ms))
    found.forecast(bands(low=0.01, high=-0.01))  # a cone that does not hold its close
    found.see(START_MS, 200.0, ns(START_MS))
    assert desk.all() == []


@pytest.mark.parametrize("factor", [1_000.0, 0.001])
def test_a_price_in_another_unit_touches_nothing_until_the_next_forecast(factor: float) -> None:
    desk = Desk()
    found, _ = touch(desk)
    found.see(START_MS + 1_000, 100.0 * factor, ns(START_MS + 1_000))
    found.see(START_MS + 2_000, 110.0 * factor, ns(START_MS + 2_000))
    assert desk.all() == []
    found.forecast(bands(START_MS + MINUTE, 100.0 * factor))
    at_ms = START_MS + MINUTE + 1_000
    found.see(at_ms, 100.0 * factor * exp(1.5 * HIGH), ns(at_ms))
    assert [one.details["from"] for one in desk.all()] == [100.0 * factor]


def book(spread_bp: float, size: float) -> tuple[float, float, dict[float, float], dict[float, float]]:
    bid, ask = 100.0 * (1 - spread_bp / 20_000), 100.0 * (1 + spread_bp / 20_000)
    return bid, ask, {bid: size, 90.0: 1e6}, {ask: size, 110.0: 1e6}


@pytest.mark.parametrize(
    ("spread_bp", "size", "severity"),
    [(1.0, 10.0, None), (9.0, 10.0, Severity.WARNING), (1.0, 0.5, Severity.WARNING), (9.0, 0.5, Severity.CRITICAL)],
)
def test_a_touch_in_a_thin_book_is_told_and_critical_where_spread_and_depth_are_rare(
    spread_bp: float, size: float, severity: Severity | None
) -> None:
    """Of 1,200 looks one in two hundred has a spread of 5 bp, and another one a size of 1."""
    desk = Desk()
    found, thin = touch(desk)
    for i in range(1_200):
        of = book(5.0, 10.0) if i % 200 == 50 else book(1.0, 1.0) if i % 200 == 150 else book(1.0, 10.0)
        thin.observe(START_MS + (i - 1_300) * 1_000, *of)
    thin.observe(START_MS, *book(spread_bp, size))
    found.see(START_MS + 500, 103.0, ns(START_MS + 500))
    broken = desk.all("thin_break")
    assert [each.severity for each in broken] == ([] if severity is None else [severity])
    if severity is Severity.CRITICAL:
        assert broken[0].details["depth"] == pytest.approx(size * 200, rel=0.01)
        assert broken[0].details["spread_bp"] == pytest.approx(9.0)


def test_a_book_that_is_old_or_hardly_known_says_nothing() -> None:
    for known, gone, late_ms in ((599, False, 0), (1_200, True, 0), (1_200, False, 6_000)):
        desk = Desk()
        found, thin = touch(desk)
        for i in range(known - 1):
            thin.observe(START_MS - (known - i) * 1_000, *book(1.0, 10.0))
        thin.observe(START_MS, *book(50.0, 0.01))
        if gone:
            thin.gone()
        found.see(START_MS + late_ms, 103.0, ns(START_MS + late_ms))
        assert [each.kind for each in desk.all()] == ["cone_touched"]


def test_a_large_move_is_likely_by_its_probability_and_the_symbols_own_rate() -> None:
    desk = Desk()
    found = LargeMoveLikely("X", PARAMETERS.large_move, desk.findings)
    chances = [(0.59, 0.2), (0.61, 0.3), (0.61, 0.2), (0.8, 0.2), (0.46, 0.2), (0.44, 0.2), (0.7, 0.2), (None, 0.2)]
    opened = []
    for i, (chance, base) in enumerate(chances):
        at_ms = START_MS + i * MINUTE
        found.forecast(bands(at_ms, large_move=chance, large_move_base=base, large_move_threshold=0.012), ns(at_ms))
        opened.append(len(desk.log.open()))
    assert opened == [0, 0, 1, 1, 1, 0, 1, 0]
    assert desk.all()[0].message == (
        "X: a move of more than 1.20 % within an hour has a probability of 61%, where 20% is usual"
    )
    found.forecast(None, ns(START_MS))
    assert desk.log.open() == ()


def test_a_symbol_without_forecasts_pays_nothing_and_with_them_finds_by_trades() -> None:
    desk = Desk()
    detectors = desk.symbol()
    detectors.book(START_MS, *book(1.0, 10.0), ns(START_MS))
    assert detectors._thin._count == 0
    detectors.forecast(bands(), ns(START_MS))
    detectors.book(START_MS, *book(1.0, 10.0), ns(START_MS))
    assert detectors._thin._count == 1
    detectors.trades([Trade(START_MS + 10, 97.0, 1.0, Side.SELL)], ns(START_MS + 10))
    assert desk.told("cone_touched") == [("cone_touched", "X", "down")]


@given(st.lists(st.floats(0.9, 1.1), min_size=1, max_size=60), st.floats(0.001, 0.05), st.floats(1e-6, 1e6))
def test_scaling_and_mirroring_change_nothing(ratios: list[float], width: float, factor: float) -> None:
    found = []
    for scale, sign in ((1.0, 1.0), (factor, 1.0), (1.0, -1.0)):
        desk = Desk()
        of, _ = touch(desk, bands(price=100.0 * scale, low=-width, high=width))
        for i, ratio in enumerate(ratios):
            at_ms = START_MS + i * 500
            of.see(at_ms, 100.0 * scale * ratio**sign, ns(at_ms))
        flip = {"up": "down", "down": "up"} if sign < 0 else {"up": "up", "down": "down"}
        found.append([(i.fired_ms, flip[i.labels["side"]], pytest.approx(i.value, rel=1e-6)) for i in desk.all()])
    assert found[0] == found[1] == found[2]


@given(
    st.lists(st.sampled_from([0.0, nan, inf, -1.0, 1e-9, 1.0, 1e18]), max_size=50), st.sampled_from([nan, 0.0, 1e18])
)
def test_no_number_raises(prices: list[float], odd: float) -> None:
    desk = Desk()
    found, thin = touch(desk)
    for i, price in enumerate(prices):
        found.see(START_MS + i, price, ns(START_MS + i))
        thin.observe(START_MS + i, price, odd, {price: odd}, {odd: price})
    assert np.isfinite([each.value or 0.0 for each in desk.all()]).all()
