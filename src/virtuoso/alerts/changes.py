"""Makes incidents of changes of label, band and the market's regime, each until the next change."""

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.limits import LONG_GAP_MS
from virtuoso.model.alerts.incident import SIGNAL_ID, Details, Severity
from virtuoso.model.clock import iso
from virtuoso.model.signal import Band, Label
from virtuoso.model.text.numbers import PLAIN, Denomination

SIGNAL, PRESSURE, REGIME, GAP = "signal_change", "pressure", "regime_change", "watch_gap"
_WAYS = {Band.UP: "up", Band.DOWN: "down"}
_LOST = "is unknown: it has not been scored, or not on fresh and sufficient data, for some minutes"


def observe_signal(
    log: IncidentLog,
    symbol: str,
    before: Label | None,
    label: Label | None,
    now_ms: int,
    *,
    score: float | None,
    agreement: float | None,
    price: float | None,
    denomination: Denomination = PLAIN,
    signal_id: str | None = None,
) -> None:
    """Resolve the incident of a symbol's old label, and fire one of the new: of BUY and SELL, not of HOLD.

    Where the label is unknown (`None`), nobody can tell whether what it was still holds: it ends as that.
    """
    if before is not None and before is not Label.HOLD:
        if label is None:
            log.expire(SIGNAL, now_ms, symbol=symbol, side=before.lower(), why=f"whether it is still {before} {_LOST}")
        else:
            log.resolve(SIGNAL, now_ms, symbol=symbol, side=before.lower())
    if label is None or label is Label.HOLD:
        return
    details: Details = {
        "label": str(label), "before": before and str(before), "score": score, "agreement": agreement, "price": price,
        **_signal(signal_id),
    }  # fmt: skip
    said = [f"{symbol} {label}"]
    if price is not None:
        said.append(f"at {denomination.price(price)}")
    if score is not None:
        said.append(f"· score {score:.0f}")
    if agreement is not None:
        said.append(f"· agreement {100 * agreement:.0f} %")
    log.fire(
        SIGNAL, Severity.WARNING, " ".join(said), now_ms, symbol=symbol, side=label.lower(), value=score,
        details=details,
    )  # fmt: skip


def _signal(signal_id: str | None) -> Details:
    return {} if signal_id is None else {SIGNAL_ID: signal_id}


def observe_pressure(
    log: IncidentLog, symbol: str, before: Band | None, band: Band | None, now_ms: int, score: float | None,
    signal_id: str | None = None,
) -> None:  # fmt: skip
    """Resolve the incident of a symbol's old band, and fire one of a stretched new one, which foretells nothing.

    `signal_id` is the signal that stands for the symbol, if one does.
    """
    if before in _WAYS:
        if band is None:
            why = f"whether it is still {before} {_LOST}"
            log.expire(PRESSURE, now_ms, symbol=symbol, side=_WAYS[before], why=why)
        else:
            log.resolve(PRESSURE, now_ms, symbol=symbol, side=_WAYS[before])
    if band not in _WAYS:
        return
    said = f"{symbol} is {band}" if score is None else f"{symbol} is {band}: score {score:.0f}"
    details: Details = {"band": str(band), "before": before and str(before), "score": score, **_signal(signal_id)}
    log.fire(PRESSURE, Severity.INFO, said, now_ms, symbol=symbol, side=_WAYS[band], value=score, details=details)


def observe_regime(log: IncidentLog, before: str, after: str, now_ms: int) -> None:
    """Fire an incident of a change of the market's regime."""
    log.resolve(REGIME, now_ms, side=before.lower())
    text = f"the market is {after} (it was {before})"
    log.fire(REGIME, Severity.WARNING, text, now_ms, side=after.lower(), details={"before": before, "after": after})


def observe_gap(log: IncidentLog, since_ms: int, until_ms: int, now_ms: int) -> None:
    """Fire an incident of a gap: from `since_ms` until `until_ms` nothing was watched or judged."""
    seconds = (until_ms - since_ms) / 1000
    text = (
        f"nobody watched from {iso(since_ms)} to {iso(until_ms)} ({seconds:.0f} s): "
        "conditions that still hold are found again, single trades and liquidations of that time are not"
    )
    severity = Severity.CRITICAL if until_ms - since_ms >= LONG_GAP_MS else Severity.WARNING
    details: Details = {"since_ms": since_ms, "until_ms": until_ms, "seconds": round(seconds, 1)}
    log.fire(GAP, severity, text, now_ms, details=details)
    log.resolve(GAP, now_ms)
