"""How good what was lived was: figures with intervals, made of the sums of days.

Every figure is a function of sums. Its interval is that of resampled blocks of max(a day, twice the horizon), all
symbols together, and n_eff = p(1 − p)/variance for a rate (`quality.blocks`). A figure of fewer than `FEWEST` readings,
or `FEWEST_CLAIMS` claims, is unknown, and its n is told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.analysis.lived.measures import AT, bin_names
from virtuoso.analysis.lived.sums import ALL, Group, GroupSums
from virtuoso.analysis.quality.blocks import Statistic, effective, interval, quotient, ratio
from virtuoso.market.panel import Floats
from virtuoso.model.documents.performance import (
    BandQuality,
    ChanceQuality,
    ConeQuality,
    GroupRow,
    HorizonQuality,
    LivedFigure,
    ReliabilityBin,
    SideQuality,
    SideResult,
    TailQuality,
)
from virtuoso.model.timeframe import DAY_MS, Timeframe

FEWEST: Final = 100
"""Readings below which a figure is unknown."""
FEWEST_CLAIMS: Final = 20
"""Claims below which a figure of them is unknown."""
SYMBOL_HORIZONS_MIN: Final = (15, 60)
"""Horizons for which each symbol has a row."""
_BP: Final = 1e4
_RIVALS: Final = ("always_long", "momentum", "reversal", "random")


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a group over one horizon: block by block [b, measure], and on how many days anything was counted."""

    blocks: Floats
    days: int

    @property
    def total(self) -> Floats:
        """The sums of all blocks [measure]."""
        found: Floats = self.blocks.sum(axis=0)
        return found

    def of(self, name: str) -> float:
        """The sum of a measure (one of `measures.MEASURES`) over all blocks: a count, a loss, or a log return."""
        return float(self.total[AT[name]])

    def figure(
        self, count: str, names: Sequence[str], statistic: Statistic, *, fewest: int = FEWEST, rate: str | None = None
    ) -> LivedFigure:
        """A statistic of the sums of `names`; `count` says of how many it is, `rate` of which share n_eff is."""
        n = round(self.of(count))
        if n < fewest:
            return LivedFigure(value=None, low=None, high=None, n=n, n_eff=None, days=self.days)
        there = self.blocks[self.blocks[:, AT[count]] > 0]
        value, low, high = interval(there[:, [AT[name] for name in names]], statistic)
        n_eff = None if rate is None else effective(there[:, [AT[rate], AT[count]]])
        return LivedFigure(value=value, low=low, high=high, n=n, n_eff=n_eff, days=self.days)

    def share(self, name: str, count: str, fewest: int = FEWEST) -> LivedFigure:
        """How often something was so: the sum `name` over the sum `count`, with its interval."""
        return self.figure(count, (name, count), ratio, fewest=fewest, rate=name)

    def mean_bp(self, name: str, count: str, cost: str | None = None, fewest: int = FEWEST) -> LivedFigure:
        """The mean of log returns in bp, less the mean of `cost`."""
        names = (name, count) if cost is None else (name, count, cost)

        def mean(sums: Floats) -> Floats:
            spent = 0.0 if cost is None else sums[..., 2]
            return _BP * quotient(sums[..., 0] - spent, sums[..., 1])

        return self.figure(count, names, mean, fewest=fewest)


def sums_of(days: Mapping[int, GroupSums], horizon_min: int, group: Group = ALL) -> Sums:
    """The sums of a group by the sums of days (since 1970)."""
    length = max(1, -(-2 * horizon_min * Timeframe.M1.ms // DAY_MS))
    blocks: dict[int, Floats] = {}
    counted = 0
    for day in sorted(days):
        found = days[day][group]
        counted += bool(found[AT["known"]])
        blocks[day // length] = blocks.get(day // length, np.zeros(len(AT))) + found
    table = np.stack(list(blocks.values())) if blocks else np.zeros((0, len(AT)))
    return Sums(table, counted)


def horizon_quality(
    horizon_min: int, readings: Mapping[int, GroupSums], claims: Mapping[int, GroupSums]
) -> HorizonQuality:
    """Everything about one horizon, by the sums of days of readings and of claims."""
    read, claimed = sums_of(readings, horizon_min), sums_of(claims, horizon_min)
    return HorizonQuality(
        horizon_min=horizon_min,
        readings=round(read.of("known")),
        unknown=round(read.of("said") - read.of("known")),
        large_move=_chance(read, "large"),
        beyond_costs=_chance(read, "beyond"),
        cone=_cone(read),
        any_time=_rivals(read, FEWEST),
        claims=_side_quality(read, claimed),
        stop_first=read.share("entry_stop", "entry_n"),
        target_first=read.share("entry_target", "entry_n"),
    )


def group_rows(
    horizon_min: int, readings: Mapping[int, GroupSums], claims: Mapping[int, GroupSums]
) -> Iterable[GroupRow]:
    """A row for each group but the whole; symbols have none beyond an hour."""
    groups = sorted({group for sums in (*readings.values(), *claims.values()) for group in sums.groups()})
    for by, name in groups:
        if by == "all" or (by == "symbol" and horizon_min not in SYMBOL_HORIZONS_MIN):
            continue
        read, claimed = sums_of(readings, horizon_min, (by, name)), sums_of(claims, horizon_min, (by, name))
        yield GroupRow(
            by=by, name=name, horizon_min=horizon_min, readings=round(read.of("known")),
            large_move_skill=_skill(read, "large"), beyond_costs_skill=_skill(read, "beyond"),
            inside_80=_band(read, 1), claim_hit=claimed.share("claim_paid", "claim_n", FEWEST_CLAIMS),
            claim_net_bp=claimed.mean_bp("claim_net", "claim_n", fewest=FEWEST_CLAIMS),
        )  # fmt: skip


def _chance(read: Sums, name: str) -> ChanceQuality:
    bins = bin_names(name)
    flat = [measure for n, p, came in bins for measure in (n, p, came)]
    total = {measure: read.of(measure) for measure in flat}
    return ChanceQuality(
        skill=_skill(read, name),
        log_skill=read.figure(f"{name}_n", (f"{name}_log", f"{name}_log_base"), _one_less, rate=f"{name}_came"),
        log_score=read.figure(f"{name}_n", (f"{name}_log", f"{name}_n"), ratio),
        calibration_error=read.figure(f"{name}_n", (*flat, f"{name}_n"), _calibration),
        claimed=read.figure(f"{name}_n", (f"{name}_p", f"{name}_n"), ratio),
        came=read.share(f"{name}_came", f"{name}_n"),
        reliability=tuple(
            ReliabilityBin(claimed=total[p] / total[n], came=total[came] / total[n], n=round(total[n]))
            for n, p, came in bins
            if total[n] >= FEWEST
        ),
    )


def _skill(read: Sums, name: str) -> LivedFigure:
    return read.figure(f"{name}_n", (f"{name}_brier", f"{name}_brier_base"), _one_less, rate=f"{name}_came")


def _cone(read: Sums) -> ConeQuality:
    return ConeQuality(
        bands=tuple(
            BandQuality(
                claimed=TAILS[-1 - i] - TAILS[i],
                inside=_band(read, i),
                below=read.share(f"below_{i}", "cone_n"),
                above=read.figure("cone_n", (f"below_{len(TAILS) - 1 - i}", "cone_n"), _one_less),
            )
            for i in range(len(TAILS) // 2)
        ),
        touched=tuple(
            TailQuality(tail=tail, high=read.share(f"high_{i}", "touch_n"), low=read.share(f"low_{i}", "touch_n"))
            for i, tail in enumerate(TAILS)
        ),
        pinball_bp=read.mean_bp("pinball", "cone_n"),
        pinball_skill=read.figure("rival_n", ("own_pinball", "rival_pinball"), _one_less),
    )


def _band(read: Sums, i: int) -> LivedFigure:
    """The share inside the i-th band from the outside."""
    upper = f"below_{len(TAILS) - 1 - i}"

    def inside(sums: Floats) -> Floats:
        return quotient(sums[..., 0] - sums[..., 1], sums[..., 2])

    return read.figure("cone_n", (upper, f"below_{i}", "cone_n"), inside)


def _side_quality(read: Sums, claimed: Sums) -> SideQuality:
    few = FEWEST_CLAIMS
    return SideQuality(
        made=SideResult(
            rule="claims", hit=claimed.share("claim_paid", "claim_n", few),
            net_bp=claimed.mean_bp("claim_net", "claim_n", fewest=few),
            net_twice_cost_bp=claimed.mean_bp("claim_net", "claim_n", "claim_cost", fewest=few),
        ),
        confidence=claimed.figure("claim_n", ("claim_confidence", "claim_n"), ratio, fewest=few),
        rivals=_rivals(claimed, few),
        hold_confidence=read.figure("hold_n", ("hold_confidence", "hold_n"), ratio),
        hold_right=read.share("hold_right", "hold_n"),
        lean_probability=read.figure("lean_n", ("lean_probability", "lean_n"), ratio),
        lean_right=read.share("lean_right", "lean_n"),
    )  # fmt: skip


def _rivals(sums: Sums, fewest: int) -> tuple[SideResult, ...]:
    """What rules that know nothing made at the same moments; all pay the mean of both sides' cost."""

    def against(sign: float, times: float) -> Callable[[Floats], Floats]:
        return lambda x: _BP * quotient(sign * x[..., 0] - times * x[..., 1], x[..., 2])

    found = []
    for rule in _RIVALS:
        momentum = rule in ("momentum", "reversal")
        count, cost = ("momentum_n", "momentum_cost") if momentum else ("cost_n", "cost")
        gross = "momentum" if momentum else "long"
        sign = {"reversal": -1.0, "random": 0.0}.get(rule, 1.0)
        net = [sums.figure(count, (gross, cost, count), against(sign, times), fewest=fewest) for times in (1, 2)]
        paid = {"always_long": "up", "momentum": "momentum_paid", "reversal": "reversal_paid"}.get(rule)
        hit = (
            sums.figure(count, ("up", "down", count), _either, fewest=fewest)
            if paid is None
            else sums.share(paid, count, fewest)
        )
        found.append(SideResult(rule=rule, hit=hit, net_bp=net[0], net_twice_cost_bp=net[1]))
    return tuple(found)


def _one_less(sums: Floats) -> Floats:
    """1 less the ratio: the share that was not so, and the skill of a loss against that of its base."""
    return 1.0 - ratio(sums)


def _either(sums: Floats) -> Floats:
    """What a side that is drawn by lot hits."""
    return quotient(0.5 * (sums[..., 0] + sums[..., 1]), sums[..., 2])


def _calibration(sums: Floats) -> Floats:
    """Σ over bins of |Σp − Σcame|/n (Naeini, Cooper & Hauskrecht, 2015)."""
    return quotient(np.abs(sums[..., 1:-1:3] - sums[..., 2:-1:3]).sum(axis=-1), sums[..., -1])
