"""What the outlook says, as documents give it: the signal and its claim, the claim cells, the order of the top list."""

from collections.abc import Iterable
from typing import Any

import msgspec

from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.readings.market_outlook import market_forecast, unknown_of_market
from virtuoso.analysis.readings.outlooks import cell_row
from virtuoso.model import documents as docs
from virtuoso.model.forecast import ClaimCellRow, HorizonForecast, MarketForecast
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


def said_of(reading: Reading, *, told: bool) -> dict[str, Any]:
    """The fields of a row that come from forecasts; `None` each where what they rest on is too old to be told."""
    ahead = _ahead(reading) if told else None
    odds = () if ahead is None else (ahead.beyond_up, ahead.beyond_down)
    known = [p for p in odds if p is not None]
    return {
        "signal": reading.signal if told else None,
        "confidence": reading.confidence if told else None,
        "claim": reading.claim if told else None,
        "lean": reading.lean if told else None,
        "probability": max(known) if known else None,
        "large_move": None if ahead is None else ahead.large_move,
        "large_move_base": None if ahead is None else ahead.large_move_base,
    }


def entry_told(entry: Entry, held_back: str | None) -> Entry:
    """An entry whose chances are told unless they are `held_back`, for that reason."""
    if held_back is None:
        return entry
    chances = msgspec.structs.replace(
        entry.chances, stop_first=None, target_first=None, levels_bp=None, net_bp=None, reason=held_back
    )
    return msgspec.structs.replace(entry, chances=chances)


def _ahead(reading: Reading) -> HorizonForecast | None:
    horizons = () if reading.forecast is None else reading.forecast.horizons
    return next((each for each in horizons if each.horizon_min == HEADLINE_MIN), None)


def market_told(
    evaluations: Iterable[Evaluation], now: Iterable[DataQuality], exchange_ms: int, base_ms: int
) -> tuple[MarketForecast | None, str | None]:
    """The forecast of the market as of the latest close, and why it, or something in it, is unknown.

    It is told while its close is young enough, and what comes in now is fresh of half the symbols or more, as many as
    it takes to forecast it.

    Args:
        evaluations: of the symbols.
        now: quality of what comes in now, of each symbol.
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
        held_back = "data of more than half of the symbols is stale or unavailable by now"
    if held_back is not None:
        return None, held_back
    forecast = market_forecast(latest.forecasts.market, latest.close_ms)
    return forecast, unknown_of_market(forecast)


def claim_cells(evaluations: Iterable[Evaluation]) -> tuple[ClaimCellRow, ...]:
    """The claim cells as of the latest close."""
    said = [each.said for each in evaluations if each.said is not None]
    return tuple(map(cell_row, max(said, key=lambda each: each.close_ms).standings)) if said else ()


def rank(row: docs.SignalRow) -> tuple[int, float]:
    """What orders the top list, the first first (see `ORDER`)."""
    if row.signal in _SIDES:
        return 0, -(row.confidence or 0.0)
    if row.signal is None and row.band is None:
        return 3, 0.0
    if row.large_move is not None and row.large_move_base:
        return 1, -row.large_move / row.large_move_base
    return 2, -abs((row.score or 50.0) - 50.0) * (row.agreement or 0.0)
