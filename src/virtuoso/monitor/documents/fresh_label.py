"""Decides which labels may be served: those with fresh inputs. Forecasts need fresh bars alone.

The bar it was computed from closed within the last two base bars by the exchange's clock, or, as that clock may be set
back, less than one ahead of it; and the quality of what it was computed from and of what comes in now is neither stale
nor unavailable.
"""

from virtuoso.model.quality import DataQuality, worst_quality
from virtuoso.model.signal import Label, Reading

LABEL_BARS = 2
"""Base bars after whose close a label is told at most."""
UNFRESH = (DataQuality.STALE, DataQuality.UNAVAILABLE)


def outdated(reading: Reading, now: DataQuality, exchange_ms: int, base_ms: int) -> str | None:
    """Say why a label that was found is not served any more; `None` while it is.

    Args:
        reading: with the label.
        now: quality of what comes in now.
        exchange_ms: exchange time (epoch ms).
        base_ms: length of a base bar.
    """
    quality = worst_quality((reading.quality, now))
    return outlived(reading.close_ms, exchange_ms, base_ms) or unfresh("data", quality)


def unfresh(what: str, quality: DataQuality) -> str | None:
    """Say that something is not fresh by now; `None` where it is."""
    return f"{what} {'are' if what.endswith('s') else 'is'} {quality} by now" if quality in UNFRESH else None


def outlived(close_ms: int, exchange_ms: int, base_ms: int) -> str | None:
    """Say why what was read at a close (epoch ms) is too old or too new to be served; `None` where it is neither."""
    age_ms = exchange_ms - close_ms
    if age_ms > LABEL_BARS * base_ms:
        return f"the last reading is {age_ms / 1000:.0f} s old"
    if age_ms < -base_ms:
        return f"the last reading lies {-age_ms / 1000:.0f} s ahead of the exchange's time"
    return None


def served_label(reading: Reading, now: DataQuality, exchange_ms: int, base_ms: int) -> Label | None:
    """Return the label of a reading if it may be served."""
    return None if outdated(reading, now, exchange_ms, base_ms) is not None else reading.signal
