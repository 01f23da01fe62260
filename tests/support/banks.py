"""Runs single measures over blocks of bars, and mirrors markets."""

import itertools
from dataclasses import replace

import numpy as np

from tests.support.panels import part
from virtuoso.analysis.bank import BarBank
from virtuoso.analysis.component import Component, Feed, Mirror, Modifier
from virtuoso.analysis.factors import orderbook, structure, technical, volume
from virtuoso.analysis.regimes.regime import MEASURES
from virtuoso.market.panel import BarBlock, BookBlock, MinuteBlock

FACTORS = (technical.FACTOR, volume.FACTOR, structure.FACTOR, orderbook.FACTOR)
BAR_COMPONENTS = tuple(c for f in FACTORS if f.feed is Feed.BARS for c in f.components)
BAR_MODIFIERS = (*(m for f in FACTORS if f.feed is Feed.BARS for m in f.modifiers), *MEASURES[1:])
BAR_MEASURES: tuple[Component | Modifier, ...] = (*BAR_COMPONENTS, *BAR_MODIFIERS)


def bank_of(measure: Component | Modifier, timeframe_ms: int) -> BarBank:
    """A bank with one measure."""
    if isinstance(measure, Component):
        return BarBank(timeframe_ms, (measure,), ())
    return BarBank(timeframe_ms, (), (measure,))


def raw_of(measure: Component | Modifier, block: BarBlock, *splits: int) -> np.ndarray:
    """Raw values [t, n] of one measure, the block cut at `splits`."""
    bank = bank_of(measure, block.timeframe.ms)
    edges = [0, *sorted(splits), block.open_ms.size]
    return np.concatenate([stepped(bank, part(block, a, b)) for a, b in itertools.pairwise(edges) if b > a])


def stepped(bank: BarBank, block: BarBlock) -> np.ndarray:
    """Raw values [t, n] of a bank's only measure."""
    return bank.step(block).raw[0]


def value_of(component: Component, raw: np.ndarray) -> np.ndarray:
    """The component's map, written again."""
    d = raw - component.center
    return np.tanh(np.sign(d) * np.maximum(np.abs(d) - component.dead, 0.0) / component.scale)


def mirror_bars(block: BarBlock, how: Mirror) -> BarBlock:
    """The market upside down: high and low exchanged, taker sides exchanged."""
    sides = {"buy_volume": block.volume - block.buy_volume}
    k = 2.0 * block.close.max(axis=0)
    if how is Mirror.RATIO:
        flip = {name: k * k / getattr(block, name) for name in ("open", "close")}
        flip |= {"high": k * k / block.low, "low": k * k / block.high}
        turnover = flip["close"] * block.volume
    else:
        flip = {name: 2 * k - getattr(block, name) for name in ("open", "close")}
        flip |= {"high": 2 * k - block.low, "low": 2 * k - block.high}
        turnover = 2 * k * block.volume - block.turnover
    minutes = None if block.minutes is None else mirror_minutes(block.minutes, flip["close"] / block.close)
    return replace(block, turnover=turnover, minutes=minutes, **flip, **sides)


def mirror_minutes(minutes: MinuteBlock, price: np.ndarray) -> MinuteBlock:
    """Takers and liquidated positions exchanged, what is paid, held and asked negated; prices are × `price`."""
    return replace(
        minutes,
        buy_orders=minutes.sell_orders,
        sell_orders=minutes.buy_orders,
        large_buy=minutes.large_sell,
        large_sell=minutes.large_buy,
        funding=-minutes.funding,
        funding_mean=-minutes.funding_mean,
        long_ratio=-minutes.long_ratio,
        long_ratio_mean=-minutes.long_ratio_mean,
        basis=-minutes.basis,
        long_liquidated=minutes.short_liquidated * price,
        short_liquidated=minutes.long_liquidated * price,
    )


def mirror_book(book: BookBlock) -> BookBlock:
    """Bid and ask exchanged about the best prices' sum."""
    k = book.bid_price[:, :1] + book.ask_price[:, :1]
    return replace(
        book,
        bid_price=k - book.ask_price,
        ask_price=k - book.bid_price,
        bid_size=book.ask_size,
        ask_size=book.bid_size,
        order_flow=-book.order_flow,
        imbalance=-book.imbalance,
        micro_deviation=-book.micro_deviation,
        absorbed_bid=book.absorbed_ask,
        absorbed_ask=book.absorbed_bid,
    )


def scale_bars(block: BarBlock, price: float, size: float) -> BarBlock:
    """Prices × `price`, sizes × `size`."""
    prices = {name: getattr(block, name) * price for name in ("open", "high", "low", "close")}
    sizes = {name: getattr(block, name) * size for name in ("volume", "buy_volume")}
    minutes = block.minutes
    if minutes is not None:
        forced = {name: getattr(minutes, name) * price * size for name in ("long_liquidated", "short_liquidated")}
        held = {name: getattr(minutes, name) * size for name in ("large_buy", "large_sell", "open_interest")}
        minutes = replace(minutes, **forced, **held)
    return replace(block, turnover=block.turnover * price * size, minutes=minutes, **prices, **sizes)
