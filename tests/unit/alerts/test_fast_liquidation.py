"""Liquidations: large ones, cascades of a symbol, cascades of the market. `Buy` is a long that was liquidated."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import OTHER, PARAMETERS, START_MS, Desk, ns

from virtuoso.alerts.fast.liquidation import Liquidations
from virtuoso.model.market import Liquidation, Side

TURNOVER = 1_000_000.0
ONE, CASCADE = PARAMETERS.liquidation, PARAMETERS.cascade
QUIET_MS, WINDOW_MS = int(ONE.quiet * 1_000), int(CASCADE.window * 1_000)
SMALL = 0.9 * ONE.share_of_minute * TURNOVER


def detector(desk: Desk, turnover: float | None = TURNOVER, name: str = "X") -> Liquidations:
    found = Liquidations(name, ONE, CASCADE, desk.findings, desk.market)
    found.turnover = turnover
    return found


def one(value: float, at_ms: int = START_MS, side: Side = Side.BUY, price: float = 100.0) -> Liquidation:
    return Liquidation(at_ms, price, value / price, side)


def take(found: Liquidations, *rows: Liquidation) -> None:
    for row in rows:
        found.take([row], ns(row.event_ms))


def burst(
    count: int, value: float, side: Side = Side.BUY, start_ms: int = START_MS, gap_ms: int = 500
) -> list[Liquidation]:
    return [one(value, start_ms + i * gap_ms, side) for i in range(count)]


def test_a_long_that_is_liquidated_sells_into_the_market() -> None:
    desk = Desk()
    take(detector(desk), one(SMALL), one(1.01 * ONE.share_of_minute * TURNOVER))
    (found,) = desk.all("liquidation")
    assert (found.details["side"], found.details["direction"]) == ("Buy", "down")
    assert "long" in found.message
    assert found.details["value"] == pytest.approx(1.01 * ONE.share_of_minute * TURNOVER)
    assert found.details["threshold"] == pytest.approx(ONE.share_of_minute * TURNOVER)


def test_mirrored_liquidations_give_mirrored_findings() -> None:
    plain, mirrored = Desk(), Desk()
    rows = [*burst(6, 0.06 * TURNOVER), one(0.5 * TURNOVER, START_MS + 10_000, Side.SELL)]
    take(detector(plain), *rows)
    take(detector(mirrored), *(Liquidation(r.event_ms, r.price, r.size, OTHER[r.side]) for r in rows))
    exchanged = {"Buy": "Sell", "Sell": "Buy", "up": "down", "down": "up"}
    told = [(i.kind, i.fired_ms, str(i.details["side"]), str(i.details["direction"])) for i in plain.all()]
    assert {kind for kind, *_ in told} == {"liquidation", "liquidation_cascade"}
    assert [(kind, at, exchanged[side], exchanged[way]) for kind, at, side, way in told] == [
        (i.kind, i.fired_ms, i.details["side"], i.details["direction"]) for i in mirrored.all()
    ]


def test_once_enough_were_seen_one_must_be_rare_for_its_symbol() -> None:
    habit = [one(1.05 * ONE.share_of_minute * TURNOVER, START_MS + i * 600_000) for i in range(ONE.min_count + 20)]
    desk = Desk()
    found = detector(desk)
    take(found, *habit)
    early = len(desk.all("liquidation"))
    at_ms = habit[-1].event_ms
    take(found, *(one(1.05 * ONE.share_of_minute * TURNOVER, at_ms + i * 600_000) for i in range(1, 20)))
    assert len(desk.all("liquidation")) == early  # what comes every ten minutes is no news
    take(found, one(20 * ONE.share_of_minute * TURNOVER, at_ms + 20 * 600_000))
    assert len(desk.all("liquidation")) == early + 1


def test_one_liquidation_is_over_after_the_quiet_time() -> None:
    desk = Desk()
    take(detector(desk), one(TURNOVER))
    desk.findings.sweep(ns(START_MS + 10 * QUIET_MS))
    (found,) = desk.all("liquidation")
    assert found.resolved_ms == found.fired_ms + QUIET_MS


def test_a_burst_of_one_side_is_a_cascade_and_the_same_scattered_is_none() -> None:
    value = 1.2 * CASCADE.share_of_minute * TURNOVER / (CASCADE.min_count + 1)
    assert value < ONE.share_of_minute * TURNOVER
    scattered, mixed, few, desk = Desk(), Desk(), Desk(), Desk()
    take(detector(scattered), *burst(CASCADE.min_count + 1, value, gap_ms=2 * WINDOW_MS))
    take(detector(mixed), *(row for i, row in enumerate(burst(CASCADE.min_count + 1, value)) if i % 2))
    take(detector(few), *burst(CASCADE.min_count - 1, CASCADE.share_of_minute * TURNOVER))
    assert scattered.all("liquidation_cascade") == mixed.all("liquidation_cascade") == []
    assert few.all("liquidation_cascade") == []  # a few large ones are large ones
    take(detector(desk), *burst(CASCADE.min_count + 1, value))
    (found,) = desk.all()
    assert (found.kind, found.symbol, found.details["scope"]) == ("liquidation_cascade", "X", "symbol")
    assert found.details["value"] == pytest.approx((CASCADE.min_count + 1) * value, rel=0.1)


def test_a_symbol_that_is_always_liquidated_needs_more() -> None:
    """Every 20 s, for hours, as much as is a cascade elsewhere: only ten times that is one here."""
    desk = Desk()
    found = detector(desk)
    value = 0.07 * TURNOVER
    take(found, *burst(6 * 180, value, gap_ms=20_000))
    assert len(desk.all("liquidation_cascade")) <= 1  # when it began
    begun = len(desk.all("liquidation_cascade"))
    at_ms = START_MS + 6 * 180 * 20_000
    take(found, *burst(10, value, start_ms=at_ms))
    assert len(desk.all("liquidation_cascade")) == begun
    take(found, *burst(60, value, start_ms=at_ms + 10_000))
    assert len(desk.all("liquidation_cascade")) == begun + 1


def test_a_cascade_is_over_when_its_sum_is_half_of_what_it_took() -> None:
    desk = Desk()
    value = 1.2 * CASCADE.share_of_minute * TURNOVER / (CASCADE.min_count + 1)
    take(detector(desk), *burst(CASCADE.min_count + 1, value))
    desk.findings.sweep(ns(START_MS + 10**7))
    (found,) = desk.all("liquidation_cascade")
    assert found.resolved_ms is not None
    assert 0.5 * WINDOW_MS < found.resolved_ms - found.fired_ms < 2 * WINDOW_MS


def test_several_symbols_at_once_are_a_cascade_of_the_market() -> None:
    desk = Desk()
    value = 1.2 * CASCADE.share_of_minute * TURNOVER / CASCADE.min_count
    names = [f"S{i}" for i in range(CASCADE.symbols)]
    for i, name in enumerate(names[:-1]):
        take(detector(desk, name=name), *burst(CASCADE.min_count, value, start_ms=START_MS + i * 5_000))
    assert [i.symbol for i in desk.all() if i.symbol is None] == []
    take(detector(desk, name="other side"), *burst(CASCADE.min_count, value, Side.SELL, START_MS + 20_000))
    assert [i.symbol for i in desk.all() if i.symbol is None] == []
    take(detector(desk, name=names[-1]), *burst(CASCADE.min_count, value, start_ms=START_MS + 25_000))
    (found,) = [i for i in desk.all() if i.symbol is None]
    assert (found.kind, found.details["scope"], found.details["leader"]) == ("liquidation_cascade", "market", "S0")
    assert (found.details["symbols"], found.details["direction"]) == (CASCADE.symbols, "down")
    assert found.details["followers"] == ", ".join(names[1:])
    desk.findings.sweep(ns(START_MS + 10**7))
    assert desk.log.open() == ()


def test_symbols_one_after_the_other_or_gone_are_no_market() -> None:
    value = 1.2 * CASCADE.share_of_minute * TURNOVER / CASCADE.min_count
    for apart_ms, forget in ((10 * WINDOW_MS, False), (1_000, True)):
        desk = Desk()
        for i in range(3 * CASCADE.symbols):
            take(detector(desk, name=f"S{i}"), *burst(CASCADE.min_count, value, start_ms=START_MS + i * apart_ms))
            if forget:
                desk.market.forget(f"S{i}")
        assert [i.symbol for i in desk.all() if i.symbol is None] == []
        assert all(len(among) <= 1 for among in desk.market._until_ms.values())


def test_without_a_usual_minute_nothing_is_found() -> None:
    desk = Desk()
    take(detector(desk, None), *burst(50, 1e12))
    assert desk.all() == []


@pytest.mark.parametrize("factor", [2.0**20, 1e-3])
def test_scaling_prices_or_sizes_changes_nothing(factor: float) -> None:
    plain, scaled, priced = Desk(), Desk(), Desk()
    rows = [*burst(8, 0.06 * TURNOVER), one(TURNOVER, START_MS + 60_000, Side.SELL)]
    take(detector(plain), *rows)
    take(
        detector(scaled, TURNOVER * factor), *(Liquidation(r.event_ms, r.price, r.size * factor, r.side) for r in rows)
    )
    take(
        detector(priced, TURNOVER * factor), *(Liquidation(r.event_ms, r.price * factor, r.size, r.side) for r in rows)
    )
    assert plain.told() == scaled.told() == priced.told() != []


@given(
    st.lists(
        st.tuples(st.integers(0, 2**53), st.sampled_from([0.0, nan, inf, 1e-30, 1e6, 1e30]), st.sampled_from(Side))
    )
)
def test_no_number_raises(rows: list[tuple[int, float, Side]]) -> None:
    found = detector(Desk())
    found.take([], 0)
    for at_ms, size, side in rows:
        found.take([Liquidation(at_ms, 1.0, size, side)], ns(at_ms))
