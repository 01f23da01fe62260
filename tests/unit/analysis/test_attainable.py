"""Every class of symbols and every mode can reach UP and DOWN with the defaults: planted evidence shows it."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.support import panels

from virtuoso.analysis.bands import DOWN, UNKNOWN, UP, BandRule
from virtuoso.analysis.engine import FACTORS, TIMEFRAMES, Engine, attainable_coverage
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.config.settings import Settings
from virtuoso.market.panel import BarBlock, BookBlock, MinuteBlock
from virtuoso.model.evidence import ALL, DERIVATIVES, Evidence, attainable
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars

M1, M5, M30 = Timeframe.M1, Timeframe.M5, Timeframe.M30
LENGTH, SEEN = 7_200, 80
SYMBOLS = ("S0USDT", "S1USDT")
SIGNS, SIDES = np.array([1, -1]), (UP, DOWN)
"""One rises and one falls."""
CCXT_LEAST = Evidence.BARS | Evidence.SIDES | Evidence.TRADES | Evidence.BOOK
WAYS = {
    "native, detailed": attainable(ALL, detailed=True, polled=False),
    "native, plain": attainable(ALL, detailed=False, polled=False),
    "polled, detailed": attainable(ALL, detailed=True, polled=True),
    "polled, plain": attainable(ALL, detailed=False, polled=True),
    "spot, detailed": attainable(ALL & ~DERIVATIVES, detailed=True, polled=False),
    "spot, plain": attainable(ALL & ~DERIVATIVES, detailed=False, polled=False),
    "ccxt with little, detailed": attainable(CCXT_LEAST, detailed=True, polled=True),
    "ccxt with little, plain": attainable(CCXT_LEAST, detailed=False, polled=True),
}
OF_MINUTES = {
    Evidence.TRADES: ("buy_orders", "sell_orders", "large_buy", "large_sell"),
    Evidence.OPEN_INTEREST: ("open_interest",),
    Evidence.FUNDING: ("funding", "funding_mean", "funding_deviation"),
    Evidence.ACCOUNT_RATIO: ("long_ratio", "long_ratio_mean", "long_ratio_deviation"),
    Evidence.BASIS: ("basis",),
    Evidence.LIQUIDATIONS: ("long_liquidated", "short_liquidated"),
}


@cache
def market() -> BarBlock:
    """Symbols that go one way each, with takers, open interest, funding and the crowd to it."""
    rng = np.random.default_rng(8)
    shape = (LENGTH, len(SYMBOLS))
    steps = SIGNS * 4e-4 + rng.normal(0, 8e-4, shape)
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    opened = np.vstack([np.full((1, len(SYMBOLS)), 100.0), close[:-1]])
    volume = rng.lognormal(3, 0.3, shape)
    bought = volume * np.clip(0.5 + SIGNS * 0.25 + rng.normal(0, 0.05, shape), 0, 1)
    block = BarBlock(
        timeframe=M1, rows=np.arange(len(SYMBOLS)), open_ms=panels.START_MS + M1.ms * np.arange(LENGTH, dtype=np.int64),
        open=opened, high=np.maximum(opened, close) * 1.0001, low=np.minimum(opened, close) / 1.0001, close=close,
        volume=volume, turnover=volume * close, buy_volume=bought,
    )  # fmt: skip
    ones = np.ones(shape)
    minutes = replace(
        panels.random_minutes(block),
        buy_orders=ones * (30 + SIGNS * 20), sell_orders=ones * (30 - SIGNS * 20),
        large_buy=volume * (0.3 + SIGNS * 0.2), large_sell=volume * (0.3 - SIGNS * 0.2),
        open_interest=1e4 * np.exp(np.cumsum(np.abs(rng.normal(2e-4, 1e-4, shape)), axis=0)),
        funding=ones * SIGNS * 3e-4, funding_mean=ones * 0.0, funding_deviation=ones * 1e-4,
        long_ratio=ones * SIGNS * -1.0, long_ratio_mean=ones * 0.0, long_ratio_deviation=ones * 0.2,
        basis=ones * SIGNS * 2e-3, long_liquidated=ones * 0.0, short_liquidated=ones * 0.0,
    )  # fmt: skip
    return replace(block, minutes=minutes)


def without(block: BarBlock, evidence: Evidence) -> BarBlock:
    """What of it is seen by one who has `evidence` alone."""
    if Evidence.SIDES not in evidence:
        block = replace(block, buy_volume=np.full_like(block.buy_volume, np.nan))
    minutes = block.minutes
    assert isinstance(minutes, MinuteBlock)
    for kind, names in OF_MINUTES.items():
        if kind not in evidence:
            minutes = replace(minutes, **{n: np.full_like(getattr(minutes, n), np.nan) for n in names})
    return replace(block, minutes=minutes)


def book(close: np.ndarray, evidence: Evidence) -> BookBlock | None:
    """A book to each; without its changes where they are not seen."""
    if Evidence.BOOK not in evidence:
        return None
    made, one = panels.random_book(close), np.ones(close.size)
    size = 10.0 * np.ones(made.bid_size.shape)
    made = replace(
        made, bid_size=size * (1 + SIGNS[:, None] * 0.8), ask_size=size * (1 - SIGNS[:, None] * 0.8),
        imbalance=one * SIGNS * 0.8,
        micro_deviation=one * SIGNS * 0.8, order_flow=one * SIGNS * 30.0, touch_size=one * 10.0, spread_bp=one * 0.1,
        absorbed_bid=one * (20 + SIGNS * 15.0), absorbed_ask=one * (20 - SIGNS * 15.0), vanished=one * 0.0,
    )  # fmt: skip
    if Evidence.BOOK_CHANGES in evidence:
        return made
    blind = np.full(close.size, np.nan)
    return replace(
        made, order_flow=blind, absorbed_bid=blind, absorbed_ask=blind, resilience=blind, vanished=blind
    )  # fmt: skip


@cache
def warmed(sides: Evidence) -> dict[str, Any]:
    """The engine's state after a history of bars alone."""
    engine = Engine(rule=BandRule())
    for row, symbol in enumerate(SYMBOLS):
        engine.add(symbol, row)
    bars = replace(without(market(), sides), minutes=None)
    first = LENGTH - SEEN
    upto_ms = int(bars.open_ms[first])
    blocks = [panels.part(bars, first - 1_000, first)]
    for timeframe in list(TIMEFRAMES)[1:]:
        higher = panels.aggregate(bars, timeframe)
        blocks.append(panels.part(higher, 0, int((higher.open_ms + timeframe.ms <= upto_ms).sum())))
    engine.warm_up(blocks)
    return engine.state()


@cache
def watched(evidence: Evidence) -> list[Evaluation]:
    """The last closes, after a history of bars alone: as it is some hours after a start, with all defaults."""
    bars = without(market(), evidence)
    higher = {tf: panels.aggregate(bars, tf) for tf in TIMEFRAMES if tf is not M1}
    engine = Engine(rule=BandRule())
    for row, symbol in enumerate(SYMBOLS):
        engine.add(symbol, row)
    engine.load(warmed(evidence & Evidence.SIDES))
    found = []
    for k in range(LENGTH - SEEN, LENGTH):
        seen = book(bars.close[k], evidence)
        cut = panels.cut(bars, higher, k, seen, evidence=evidence)
        if seen is None:
            cut = replace(cut, book_quality=(DataQuality.UNAVAILABLE,) * len(SYMBOLS))
        found.append(engine.step(cut))
    return found


def test_the_defaults_are_those_of_the_configuration() -> None:
    band, rule = Settings().analysis.band, BandRule()
    assert (band.up, band.down, band.min_coverage) == (rule.up, rule.down, rule.min_coverage)


@pytest.mark.parametrize("way", WAYS)
def test_no_default_makes_a_band_unreachable(way: str) -> None:
    found = watched(WAYS[way])
    for row, (symbol, side) in enumerate(zip(SYMBOLS, SIDES, strict=True)):
        bands = [int(each.band[row]) for each in found]
        last = found[-1].reading(symbol)
        assert side in bands, last.why
        assert UNKNOWN not in bands[-20:], last.reasons
        assert last.coverage <= last.attainable + 1e-9


@pytest.mark.parametrize("sides", [True, False])
def test_nor_in_a_backtest(sides: bool) -> None:
    weights = fed_by_bars({name: factor.weight for name, factor in FACTORS.items()}, taker_sides=sides)
    run = Backtest(list(SYMBOLS), TIMEFRAMES, weights, BandRule(), taker_sides=sides)
    bars = without(market(), Evidence.BARS | Evidence.SIDES if sides else Evidence.BARS)
    bars = panels.part(replace(bars, minutes=None), 0, 5_000)
    bands = np.concatenate([block.band for block in run.score(bars)])
    for row, side in enumerate(SIDES):
        assert side in bands[:, row]
    assert UNKNOWN not in bands[4_000:]


def test_a_plain_symbol_has_half_of_the_evidence_and_its_reasons_say_that_the_rest_is_not_watched() -> None:
    plain = WAYS["native, plain"]
    share = float(attainable_coverage(tuple(FACTORS.values()), [plain])[0])
    assert share * 0.9 < 0.5 < share  # without the slowest timeframe it has less than half of all
    reading = watched(plain)[-1].reading("S0USDT")
    assert (reading.evidence_class, reading.attainable) == ("plain", pytest.approx(share))
    assert reading.band is not None
    by_name = {factor.name: factor for factor in reading.factors}
    assert by_name["order_book"].reason == "book: watched for the first `universe.detailed` symbols only"
    delta = next(c for c in by_name["order_flow"].components if c.name == "cumulative_volume_delta")
    assert delta.reason == "taker sides: watched for the first `universe.detailed` symbols only"
    assert attainable_coverage(tuple(FACTORS.values()), [ALL])[0] == pytest.approx(1.0)


def test_less_than_the_share_of_what_can_be_had_is_no_band_and_says_of_how_much() -> None:
    engine = Engine()
    bars = panels.random_bars(40, 1)
    engine.add("S0USDT", 0)
    engine.warm_up([panels.part(bars, 0, 39)])
    reading = engine.step(panels.cut(bars, {}, 39)).reading("S0USDT")
    assert reading.band is None
    assert reading.reasons[0] == (
        f"coverage {reading.coverage:.2f} is below 0.50, which is 0.5 of the 1.00 that this symbol can have"
    )
