"""What following a label would have earned: hits and net results, beside those of rules that know nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, ratio, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats

Sides = NDArray[np.int8]
_BP = 1e4
_SEED = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """What entries of one rule made: their hits, and the mean net result of each in basis points, at cost and twice.

    `base_hit` is how often the same side would have hit at any time, so that a drift of the market is not a merit.
    """

    entries: int
    hit: Figure
    base_hit: Figure
    gross_bp: Figure
    net_bp: Figure
    net_twice_bp: Figure


def judge(sides: Sides, outcome: Floats, cost_bp: Floats | float, blocks: Blocks) -> Trades:
    """Judge entries `sides` [t, n] (1 long, −1 short, 0 none) by the log returns `outcome` [t, n] that followed.

    A hit is a return on the entry's side; one of exactly zero is none. `cost_bp` is that of the round trip.
    """
    there = np.isfinite(outcome)
    used = there & (sides != 0)
    gross = sides * outcome * _BP
    hit = (gross > 0).astype(np.float64)
    entries = int(used.sum())
    longs = float((sides[used] > 0).sum()) / max(1, entries)
    always = longs * (outcome > 0) + (1 - longs) * (outcome < 0)
    return Trades(
        entries=entries,
        hit=_mean(hit, used, blocks, rate=True),
        base_hit=_mean(always, there, blocks, rate=True),
        gross_bp=_mean(gross, used, blocks),
        net_bp=_mean(gross - cost_bp, used, blocks),
        net_twice_bp=_mean(gross - 2.0 * np.asarray(cost_bp), used, blocks),
    )


def naive_rivals(sides: Sides, past_return: Floats, outcome: Floats) -> Mapping[str, Sides]:
    """Rules that know nothing of the label, at as many entries: always long, momentum, reversal, and by chance.

    The first three enter when the label does; the last at moments drawn at random among those with an outcome.
    """
    entered = sides != 0
    follow = np.where(np.isfinite(past_return), np.sign(past_return), 0.0).astype(np.int8)
    return {
        "always_long": entered.astype(np.int8),
        "momentum": np.where(entered, follow, np.int8(0)),
        "reversal": np.where(entered, -follow, np.int8(0)),
        "random": _at_random(sides, np.isfinite(outcome)),
    }


def not_overlapping(entered: NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    """Of wished entries [t, n] those that are made when each is held for `rows` rows and none is made meanwhile."""
    made = np.zeros(entered.shape, np.bool_)
    free = np.zeros(entered.shape[1], np.int64)
    for at in np.flatnonzero(entered.any(axis=1)):
        now = entered[at] & (free <= at)
        made[at] = now
        free[now] = at + rows
    return made


def _at_random(sides: Sides, there: NDArray[np.bool_]) -> Sides:
    """As many entries of either side as `sides` has of each symbol, where there is an outcome."""
    rng = np.random.default_rng(_SEED)
    out: Sides = np.zeros(sides.shape, np.int8)
    for column in range(sides.shape[1]):
        mine = sides[there[:, column], column]
        out[there[:, column], column] = rng.permutation(mine)
    return out


def _mean(values: Floats, used: NDArray[np.bool_], blocks: Blocks, *, rate: bool = False) -> Figure:
    terms = summed(used, values, 1.0)
    if rate:
        return blocks.figure(used, terms, ratio, terms)
    variance = float(values[used].var()) if used.any() else 0.0
    return blocks.figure(used, terms, ratio, scatter=lambda _: variance)
