"""What the outlook says of one symbol, in words and numbers that are served."""

from collections.abc import Sequence
from math import isfinite

from virtuoso.analysis.forecast.claims.cells import UP, ClaimRule
from virtuoso.analysis.forecast.claims.signals import BUY, HOLD, SELL
from virtuoso.analysis.forecast.claims.tally import Standing
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.forecast.outlook import Said
from virtuoso.analysis.forecast.shipped_followed import FOLLOWED
from virtuoso.market.panel import Floats
from virtuoso.model.backtested import BACKTESTED
from virtuoso.model.clock import iso
from virtuoso.model.forecast import (
    Claim,
    ClaimCellItem,
    Forecast,
    HorizonForecast,
    Lean,
    WhatFollowed,
    horizon_text,
)
from virtuoso.model.signal import Label

_LABELS = {SELL: Label.SELL, HOLD: Label.HOLD, BUY: Label.BUY}
_PERCENT = 100.0
NO_FIT = "nothing is forecast before a fit: two days of samples are needed"
NO_BETA = "beta: needs a day of returns together with the market's, of a symbol that closed with the others"


def label_of(said: Said, i: int) -> Label | None:
    """The label in column `i`; `None` for unknown."""
    return _LABELS.get(int(said.signals.label[i]))


def confidence_of(said: Said, i: int) -> float | None:
    """Its confidence; `None` while it is unknown."""
    return _known(said.signals.confidence[i])


def claim_of(said: Said, i: int) -> Claim | None:
    """What it claims; `None` where it is neither BUY nor SELL."""
    if label_of(said, i) not in (Label.BUY, Label.SELL):
        return None
    signals = said.signals
    return Claim(
        made_at=iso(int(signals.began_ms[i])) or "",
        price=float(signals.price[i]),
        horizon_min=said.horizon_min,
        confidence=float(signals.confidence[i]),
        expires_at=iso(int(signals.expires_ms[i])) or "",
    )


def lean_of(said: Said, i: int) -> Lean | None:
    """Which way it leans, where that was earned."""
    odds = _odds(said, i)
    if odds is None or max(odds) <= 0.0 or said.withdrawn:
        return None
    up, down = odds
    found = _cell(said.standings, said.horizon_min, ClaimRule.FAVOURED, up=up >= down)
    if not (found.directed or found.pays) or found.net is None:
        return None
    return Lean(
        side="up" if up >= down else "down",
        probability=max(up, down) / (up + down),
        horizon_min=said.horizon_min,
        pays=found.pays,
        net_bp=found.net,
    )


def edge_of(said: Said, i: int) -> str | None:
    """Why it is HOLD: what following the likelier side has earned so far; `None` where nothing is forecast."""
    odds = _odds(said, i)
    if odds is None or label_of(said, i) is not Label.HOLD:
        return None
    if said.withdrawn:
        return f"no side is said: withdrawn until it holds again, as of {said.withdrawn[0].reason}"
    at = horizon_text(said.horizon_min)
    found = _cell(said.standings, said.horizon_min, ClaimRule.FAVOURED, up=odds[0] >= odds[1])
    if found.net is None or found.hit is None:
        return f"no edge at {at}: no day of entries has been counted yet"
    return (
        f"no edge at {at}: hit {found.hit:.0%}, net {found.net:+.1f} bp, {found.entries:,} entries, {found.days} days"
    )


def forecast_of(said: Said, i: int) -> Forecast:
    """Gather all that is forecast of the symbol in column `i`."""
    forecasts, fit = said.forecasts, said.fit
    beta = None if forecasts.market is None else _known(forecasts.market.beta[0, i])
    return Forecast(
        version=forecasts.version,
        fit_until=None if fit is None else iso(fit.last_ms),
        fit_days=None if fit is None else fit.days,
        cost_bp=_known(forecasts.cost_bp[0, i]),
        beta=beta,
        horizons=tuple(
            HorizonForecast(
                horizon_min=minutes,
                volatility=_of(forecasts.volatility.get(minutes), i, _PERCENT),
                cone=_quantiles_of(forecasts.cone.get(minutes), i),
                high=_quantiles_of(forecasts.high.get(minutes), i),
                low=_quantiles_of(forecasts.low.get(minutes), i),
                large_move=_of(forecasts.large_move.get(minutes), i),
                large_move_base=_of(forecasts.large_move_base.get(minutes), i),
                large_move_threshold=_of(forecasts.large_move_threshold.get(minutes), i, _PERCENT),
                last_move=_known(_PERCENT * forecasts.outcomes.close[k, 0, i]),
                last_move_as_large=_as_large(said, k, i),
                funding_bp=float(said.funding_bp[minutes][i]),
                uncalibrated=uncalibrated_of(said, minutes),
                beyond_up=_of(forecasts.beyond_up.get(minutes), i),
                beyond_down=_of(forecasts.beyond_down.get(minutes), i),
                backtested=BACKTESTED.horizons.get(minutes, ()),
                followed=_followed(said, i, minutes),
            )
            for k, minutes in enumerate(HORIZONS_MIN)
        ),
        backtested_on=BACKTESTED.sets,
        reason=unknown_of(said, i) or (NO_BETA if beta is None else None),
    )


def uncalibrated_of(said: Said, minutes: int) -> str | None:
    """What of a horizon's forecast does not hold by what came; `None` while all of it does."""
    found = [each.reason for each in said.withdrawn if each.horizon_min == minutes]
    return "; ".join(found) or None


def unknown_of(said: Said, i: int) -> str | None:
    """Why its probabilities are unknown; `None` where they are known."""
    if said.fit is None:
        return NO_FIT
    if _odds(said, i) is None:
        return "forecasts need four hours of bars without a gap, half a day of 5m bars, and a price that moved in them"
    return None


def cell_item(standing: Standing) -> ClaimCellItem:
    """Turn a claim cell and how it stands into the item that is published."""
    return ClaimCellItem(
        side="up" if standing.cell.side == UP else "down",
        horizon_min=standing.cell.horizon_min,
        rule=str(standing.cell.rule),
        entries=standing.entries,
        days=standing.days,
        net_bp=standing.net,
        net_twice_cost_bp=standing.net_twice_cost,
        net_lower_bp=standing.net_lower,
        hit=standing.hit,
        claimed=standing.claimed,
        right=standing.right,
        pays=standing.pays,
        directed=standing.directed,
    )


def _as_large(said: Said, k: int, i: int) -> float | None:
    """How often it moved as far as over the horizon that ends now; `None` where that is not known."""
    return None if said.as_large is None or k >= len(said.as_large) else _known(said.as_large[k, i])


def _followed(said: Said, i: int, minutes: int) -> WhatFollowed | None:
    """What followed readings like this; `None` where that is not known."""
    table = said.followed
    if table is None or said.cells is None or not isfinite(said.cells[i]):
        return None
    cell, h = int(said.cells[i]), table.horizons_min.index(minutes)
    (rose, move, size), (rose_base, move_base, size_base) = table.shrunk[:, cell, h], table.base[:, h]
    if not isfinite(rose):
        return None
    volatility = _PERCENT * said.forecasts.volatility[minutes][0, i]
    return WhatFollowed(
        rose=float(rose),
        rose_base=float(rose_base),
        move=_known(move * volatility),
        move_base=_known(move_base * volatility),
        size=_known(size * volatility),
        size_base=_known(size_base * volatility),
        days=int(table.days[cell, h]),
        readings=int(table.readings[cell, h]),
        source="shipped" if table is FOLLOWED else "own",
        until=iso(table.until_ms) or "",
    )


def _odds(said: Said, i: int) -> tuple[float, float] | None:
    """P(beyond costs) up and down at the configured horizon; `None` while unknown."""
    up = said.forecasts.beyond_up[said.horizon_min][0, i]
    down = said.forecasts.beyond_down[said.horizon_min][0, i]
    return (float(up), float(down)) if isfinite(up) and isfinite(down) else None


def _cell(standings: Sequence[Standing], horizon_min: int, rule: ClaimRule, *, up: bool) -> Standing:
    return next(
        each
        for each in standings
        if (each.cell.horizon_min, each.cell.rule, each.cell.side == UP) == (horizon_min, rule, up)
    )


def _of(array: Floats | None, i: int, times: float = 1.0) -> float | None:
    return None if array is None else _known(times * array[0, i])


def quantiles(returns: Floats) -> tuple[float, ...] | None:
    """Quantiles [tail] in percent; `None` unless all are known."""
    found = tuple((_PERCENT * returns).tolist())
    return found if all(map(isfinite, found)) else None


def _quantiles_of(array: Floats | None, i: int) -> tuple[float, ...] | None:
    return None if array is None else quantiles(array[:, 0, i])


def _known(value: float) -> float | None:
    return float(value) if isfinite(value) else None
