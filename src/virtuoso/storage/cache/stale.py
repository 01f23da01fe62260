"""What a document says once it is too old: every quality stale, and nothing forecast any more."""

from typing import Any, Final

from virtuoso.model.documents.signals import FORECAST_FIELDS

REASON: Final = "the document is too old: it was not published anew in time"
_BETTER = ("live", "delayed", "partial")
_CHANCES = ("stop_first", "target_first", "levels_bp", "net_bp")


def stale(value: Any) -> Any:
    """A decoded document with each quality better than `stale` called so, and what was forecast null, with the reason.

    Told by their shape, at any depth: items of signals, forecasts with their horizons, and the chances of an entry.
    What people wrote or what incidents found is left as it is.
    """
    if isinstance(value, list):
        return [stale(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {
        key: _quality(inner) if key in {"quality", "data_quality"} else stale(inner) for key, inner in value.items()
    }
    if found.keys() >= FORECAST_FIELDS and isinstance(found.get("reasons"), list):
        return found | dict.fromkeys(FORECAST_FIELDS) | {"reasons": [REASON, *found["reasons"]]}
    if found.keys() >= {"reason", *_CHANCES}:
        return found | dict.fromkeys(_CHANCES) | {"reason": REASON}
    forecast = found.get("forecast")
    if isinstance(forecast, dict) and "horizons" in forecast:
        found["forecast"] = None
        if "counterfactual" in found:
            found["counterfactual"] = None  # it says what would change a band that is null
        if isinstance(found.get("reasons"), dict):
            found["reasons"] = found["reasons"] | {"forecast": REASON}
    return found


def _quality(value: Any) -> Any:
    return "stale" if isinstance(value, str) and value in _BETTER else stale(value)
