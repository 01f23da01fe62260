"""How likely the stop of an entry is touched first, or its target, from the touch quantiles of the forecast."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.cones.first import first_touch
from virtuoso.analysis.forecast.cones.touch import touched_above, touched_below
from virtuoso.analysis.forecast.outlook import Said
from virtuoso.analysis.readings.entry import Entries
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.signal import EntryChances


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """Of n entries P(stop first), P(target first), what both bring, and the mean net result [n]; `nan` for unknown."""

    horizon_min: int | None
    levels: NDArray[np.bool_]
    """Whether the entry has a stop and a target [n]."""
    stop: Floats
    target: Floats
    levels_bp: Floats
    net_bp: Floats

    def of(self, i: int) -> EntryChances:
        """Those of symbol `i`, or why they are not known."""
        stop, target, levels, net = (_known(of[i]) for of in (self.stop, self.target, self.levels_bp, self.net_bp))
        reason = None
        if not self.levels[i]:
            reason = "there is no stop or target to touch"
        elif stop is None or target is None:
            reason = "how far the price goes is not forecast yet"
        elif net is None:
            reason = "the cost of a round trip is not known"
        return EntryChances(
            horizon_min=self.horizon_min, stop_first=stop, target_first=target, levels_bp=levels, net_bp=net,
            reason=reason,
        )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def chances_of(entries: Entries, said: Said | None, places: Ints) -> Chances:
    """Work out the chances of stop and target for each symbol's entries.

    A stop and a target move results about, they earn nothing: a price without drift has a mean of 0 at the horizon,
    so what touches neither brings on average what the levels take. `levels_bp` is P(target)·gain − P(stop)·loss; with
    the rest it makes 0, and minus the cost `net_bp`.

    Args:
        entries: of n symbols.
        said: what was said at their close; `None` where nothing was.
        places: their columns in what was said [n], −1 where nothing was said of them.
    """
    if said is None:
        unknown = np.full(places.size, np.nan)
        return Chances(
            horizon_min=None, levels=entries.known, stop=unknown, target=unknown, levels_bp=unknown, net_bp=unknown
        )
    forecasts, horizon = said.forecasts, said.horizon_min
    sign, price = np.where(entries.long, 1.0, -1.0), entries.context.close
    high, low, cost = (
        np.where(places >= 0, of[..., 0, places], np.nan)
        for of in (forecasts.high[horizon], forecasts.low[horizon], forecasts.cost_bp)
    )
    cost += sign * said.funding_bp[horizon][places]
    with np.errstate(all="ignore"):
        loss, gain = (sign * (level / price - 1.0) for level in (entries.stop, entries.first))
        to_stop, to_target = (
            np.where(entries.known, sign * np.log(level / price), np.nan) for level in (entries.stop, entries.first)
        )
        # of a fall the same as of a rise, upside down
        ahead, behind = (np.where(entries.long, a, -b[::-1]) for a, b in ((high, low), (low, high)))
        stop, target = first_touch(touched_below(behind, to_stop), touched_above(ahead, to_target))
    levels = 1e4 * (target * gain + stop * loss)
    return Chances(
        horizon_min=horizon, levels=entries.known, stop=stop, target=target, levels_bp=levels,
        net_bp=np.where(np.isfinite(levels), -cost, np.nan),
    )  # fmt: skip
