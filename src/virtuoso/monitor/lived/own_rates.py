"""How often each side went beyond costs of each symbol in the days before: the base that is known at the time."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from virtuoso.analysis.lived.measures import AT
from virtuoso.analysis.lived.statements import OwnRates
from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.market.panel import Floats

FEWEST: Final = 96
"""Readings below which a symbol has no rate of its own: those of a day."""


def own_rates(days: Iterable[tuple[int, GroupSums]]) -> OwnRates:
    """The rates by the horizons (minutes) and sums of days that are over."""
    totals: dict[tuple[str, int], Floats] = {}
    for minutes, sums in days:
        for by, symbol in sums.groups():
            if by == "symbol":
                found = sums[by, symbol][[AT["cost_n"], AT["up"], AT["down"]]]
                totals[symbol, minutes] = totals.get((symbol, minutes), np.zeros(3)) + found
    rates: dict[str, dict[str, float]] = {}
    for (symbol, minutes), (n, up, down) in totals.items():
        if n >= FEWEST:
            own = rates.setdefault(symbol, {})
            own[f"base_up_{minutes}"], own[f"base_down_{minutes}"] = float(up / n), float(down / n)
    return rates
