"""Turns the outlook into fields of documents: signals and their claims, claim cells, the order of the top list."""

from collections.abc import Iterable
from typing import Any

import msgspec

from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.readings.market_outlook import market_forecast, unknown_of_market
from virtuoso.analysis.readings.outlooks import cell_item
from virtuoso.model import documents as docs
from virtuoso.model.forecast import ClaimCellItem, HorizonForecast, MarketForecast
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Entry, Label, Reading
from virtuoso.monitor.documents.fresh_label import UNFRESH, outlived

HEADLINE_MIN = 60
"""The horizon of large moves in the top list, minutes."""
ORDER = (
    "BUY and SELL by confidence; then by the probability of a large move within 1h over the symbol's own rate of it; "
    "then, without a forecast, by |score − 50| · agreement"
)
_SIDES = (Label.BUY, Label.SELL)
_LOW_80, _HIGH_80 = 1, 4
"""Where a cone has the ends of its 80 % band: the tails .1 and .9."""


def outlook_fields(reading: Reading, *, fresh: bool, forecast: bool) -> dict[str, Any]:
    """Fill the fields of a signal that come from forecasts; each is `None` where what it rests on is too old.

    `fresh` says whether all that the label rests on is not, `forecast` whether the bars are not.
    """
    ahead = _ahead(reading) if forecast else None
    odds = () if ahead is None else (ahead.beyond_up, ahead.beyond_down)
    known = [p for p in odds if p is not None]
    return {
        "signal": reading.signal if fresh else None,
        "confidence": reading.confidence if fresh else None,
        "claim": reading.claim if fresh else None,
        "lean": reading.lean if fresh else None,
        "probability": max(known) if known else None,
        "large_move": None if ahead is None else ahead.large_move,
        "large_move_base": None if ahead is None else ahead.large_move_base,
        "cone_1h": None if ahead is None or ahead.cone is None else (ahead.cone[_LOW_80], ahead.cone[_HIGH_80]),
        "move_1h": None if ahead is None else ahead.last_move,
        "move_1h_as_large": None if ahead is None else ahead.last_move_as_large,
    }


def served_entry(entry: Entry, held_back: str | None) -> Entry:
    """Return the entry as it is served: without its chances where they are `held_back`, which is the reason."""
    if held_back is None:
        return entry
    chances = msgspec.structs.replace(
        entry.chances, stop_first=None, target_first=None, levels_bp=None, net_bp=None, reason=held_back
    )
    return msgspec.structs.replace(entry, chances=chances)


def _ahead(reading: Reading) -> HorizonForecast | None:
    horizons = () if reading.forecast is None else reading.forecast.horizons
    return next((each for each in horizons if each.horizon_min == HEADLINE_MIN), None)


def served_market_forecast(
    evaluations: Iterable[Evaluation], now: Iterable[DataQuality], exchange_ms: int, base_ms: int
) -> tuple[MarketForecast | None, str | None]:
    """Return the forecast of the market as of the latest close, and why it, or something in it, is unknown.

    It is served while its close is young enough, and the bars that come in now are fresh of half the symbols or more,
    as many as it takes to forecast it.

    Args:
        evaluations: of the symbols.
        now: quality of the bars that come in now, of each symbol.
        exchange_ms: exchange time (epoch ms).
        base_ms: length of a base bar.
    """
    said = [each.said for each in evaluations if each.said is not None and each.said.forecasts.market is not None]
    latest = max(said, key=lambda each: each.close_ms, default=None)
    if latest is None or latest.forecasts.market is None:
        return None, "nothing has been forecast of a closed bar yet"
    fresh = [quality not in UNFRESH for quality in now]
    held_back = outlived(latest.close_ms, exchange_ms, base_ms)
    if held_back is None and 2 * sum(fresh) < len(fresh):
        held_back = "bars of more than half of the symbols are stale or unavailable by now"
    if held_back is not None:
        return None, held_back
    forecast = market_forecast(latest.forecasts.market, latest.close_ms)
    return forecast, unknown_of_market(forecast)


def claim_cells(evaluations: Iterable[Evaluation]) -> tuple[ClaimCellItem, ...]:
    """List the claim cells as of the latest close."""
    said = [each.said for each in evaluations if each.said is not None]
    return tuple(map(cell_item, max(said, key=lambda each: each.close_ms).standings)) if said else ()


def rank(item: docs.SignalItem) -> tuple[int, float]:
    """Give the key by which the top list is sorted, ascending (see `ORDER`)."""
    if item.signal in _SIDES:
        return 0, -(item.confidence or 0.0)
    if item.signal is None and item.band is None:
        return 3, 0.0
    if item.large_move is not None and item.large_move_base:
        return 1, -item.large_move / item.large_move_base
    return 2, -abs((item.score or 50.0) - 50.0) * (item.agreement or 0.0)
