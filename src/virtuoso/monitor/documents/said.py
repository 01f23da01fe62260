"""What the outlook says, as documents give it: the signal and its claim, the claim cells, the order of the top list."""

from collections.abc import Iterable
from typing import Any

import msgspec

from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.readings.outlooks import cell_row
from virtuoso.model import documents as docs
from virtuoso.model.forecast import ClaimCellRow, HorizonForecast
from virtuoso.model.signal import Entry, Label, Reading

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
