"""A set of bars scored as a backtest does, with what followed: what every judgement of research begins with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from virtuoso.analysis.bands import BandRule
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.judging.readings import STEP_MIN, Followed, FollowedSampler, Readings, ReadingsSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How scores are made and become bands: plain values of the configuration."""

    timeframes: Mapping[Timeframe, float]
    factors: Mapping[str, float]
    rule: BandRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredSet:
    """Readings of one set, and what followed; both at the same closes, `readings` perhaps from some earlier ones on."""

    symbols: tuple[str, ...]
    taker_sides: bool
    readings: Readings
    followed: Followed


def scored(
    data: Path | Sequence[Path],
    weights: Weights,
    *,
    step_min: int = STEP_MIN,
    components: bool = True,
    tell: Callable[[float], None] = lambda _: None,
) -> ScoredSet:
    """Read a set and score it.

    Args:
        data: files, folders or patterns of 1m bars or trades.
        weights: how it is scored.
        step_min: minutes between the closes that are kept.
        components: whether the values of components are kept.
        tell: told the share that is done.

    Raises:
        UsageError: a file cannot be read or holds what cannot be true.
    """
    with read_bars(data, progress=lambda share: tell(0.2 * share)) as bars:
        factors = fed_by_bars(weights.factors, taker_sides=bars.taker_sides)
        run = Backtest(bars.symbols, weights.timeframes, factors, weights.rule, taker_sides=bars.taker_sides)
        readings = ReadingsSampler(step_min, components=components)
        followed = FollowedSampler(len(bars.symbols), step_min=step_min)
        done = 0
        for block in bars.blocks():
            for history in run.histories(block, bars.seams):
                readings.add(history)
            followed.add(block)
            done += block.open_ms.size
            tell(0.2 + 0.8 * done / bars.minutes)
        return ScoredSet(
            symbols=bars.symbols,
            taker_sides=bars.taker_sides,
            readings=readings.readings(),
            followed=followed.followed(),
        )
