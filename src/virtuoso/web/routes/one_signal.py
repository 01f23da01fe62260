"""One signal by its id: what was claimed, by which build, its hash, and what came of it."""

from math import expm1
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.catalogue.lived import KEPT_DAYS, OUTCOME_HORIZONS_MIN
from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents.signal_detail import hash_of
from virtuoso.model.signal import Label
from virtuoso.model.timeframe import DAY_MS
from virtuoso.storage.database.damage import left_out
from virtuoso.storage.database.records import IncidentFilter, SignalRecord
from virtuoso.storage.database.signal_outcomes import SignalOutcome
from virtuoso.storage.database.store import Database
from virtuoso.web.openapi import answers, reference
from virtuoso.web.required_database import needed
from virtuoso.web.routes.documents import answer
from virtuoso.web.routes.signals import change_of

SignalId = Annotated[str, Path(description="The `id` of a signal: 32 hex digits.", pattern="^[0-9a-f]{32}$")]
_MINUTE_MS = 60_000
_NO_CLAIM = "no BUY or SELL begins here: only what is claimed is settled"
_OLDER = "an older program said it, and claimed nothing by it: only what is claimed is settled"
_NOT_DUE, _NOT_WRITTEN = "not due yet", "due, and not written yet"
_PATIENCE_MS = 2 * _MINUTE_MS
"""After it is due an outcome waits for the bar that it ends with."""
_NO_LONGER = f"what came of it is kept no longer: outcomes of claims are, for {KEPT_DAYS} days"
_NOT_SETTLED = (
    "no claim of this monitor was made at this close: an earlier one goes on here, or another monitor made it"
)
_NEAR_MS = 3_600_000
"""Incidents have the monitor's clock, signals the exchange's: one may be wrong by less."""
_LOOKED_AT, _ALERTS = 500, 20
_SIDES = {Label.BUY: 1.0, Label.SELL: -1.0}


def router(database: Database | None, identity: str, clock: Clock) -> APIRouter:
    """The route; without a database the problem 503 says so."""
    routes = APIRouter()

    @routes.get(
        "/api/signals/{signal_id}", summary="One signal: its claim, its hash, who said it, and what came of it",
        response_class=Response, responses=answers(reference(docs.SignalDetail), examples.SIGNAL_DETAIL, 404, 422),
    )  # fmt: skip
    async def one_signal(request: Request, signal_id: SignalId) -> Response:
        with needed(database) as kept:
            found = await kept.signal(signal_id)
            if found is None:
                raise HTTPException(404, f"there is no signal {signal_id}; /api/signals lists them")
            document = await _detail(kept, identity, found, clock.now_ns() // 1_000_000)
        return answer(request, msgspec.json.encode(document))

    return routes


async def _detail(database: Database, identity: str, signal: SignalRecord, now_ms: int) -> docs.SignalDetail:
    outcomes, reason = await _outcomes(database, identity, signal, now_ms)
    said = change_of(signal)
    expires_ms = signal.expires_ms
    return docs.SignalDetail(
        said=said, horizon_min=None if expires_ms is None else (expires_ms - signal.close_ms) // _MINUTE_MS,
        build=signal.build, hash=hash_of(said, signal.build), link=f"/signals/{signal.id}", outcomes=outcomes,
        alerts=await _alerts(database, identity, signal), reason=reason,
    )  # fmt: skip


async def _outcomes(
    database: Database, identity: str, signal: SignalRecord, now_ms: int
) -> tuple[tuple[docs.SignalOutcomeItem, ...], str | None]:
    """What came of a signal over each horizon; or nothing, and why, or what is missing of it."""
    if signal.label not in _SIDES:
        return (), _NO_CLAIM
    if signal.confidence is None:
        return (), _OLDER
    settled, found, damaged = await database.signal_outcomes(identity, signal)
    age_ms = now_ms - signal.close_ms
    if not settled and age_ms > _PATIENCE_MS:
        return (), left_out(damaged) or (_NO_LONGER if age_ms > KEPT_DAYS * DAY_MS else _NOT_SETTLED)
    return _items(signal.close_ms, _SIDES[signal.label], found, now_ms), left_out(damaged)


async def _alerts(database: Database, identity: str, signal: SignalRecord) -> tuple[docs.SignalAlert, ...]:
    """The incidents that name the signal, newest first."""
    until_ms = max(signal.close_ms, signal.expires_ms or 0) + _NEAR_MS
    wanted = IncidentFilter(
        symbol=signal.symbol, since_ms=signal.close_ms - _NEAR_MS, until_ms=until_ms, monitor=identity
    )
    page = await database.history(wanted, limit=_LOOKED_AT)
    found = [incident for incident in page.incidents if incident.signal_id == signal.id]
    return tuple(
        docs.SignalAlert(
            id=each.id, alert_type=each.kind, message=each.message, timestamp=iso(each.fired_ms) or "",
            link=f"/alerts/{each.id}",
        )
        for each in found[:_ALERTS]
    )  # fmt: skip


def _items(
    close_ms: int, side: float, found: tuple[SignalOutcome, ...], now_ms: int
) -> tuple[docs.SignalOutcomeItem, ...]:
    """What is written, and of each other horizon why it is not."""
    written = {each.horizon_min: each for each in found}
    items = []
    for minutes in OUTCOME_HORIZONS_MIN:
        due_ms = close_ms + minutes * _MINUTE_MS
        reason = _NOT_DUE if now_ms < due_ms + _PATIENCE_MS else _NOT_WRITTEN
        items.append(_item(side, written.get(minutes) or SignalOutcome(horizon_min=minutes, reason=reason), due_ms))
    return tuple(items)


def _item(side: float, outcome: SignalOutcome, due_ms: int) -> docs.SignalOutcomeItem:
    known = outcome.closed is not None and outcome.spent_bp is not None
    return docs.SignalOutcomeItem(
        horizon_min=outcome.horizon_min, due=iso(due_ms) or "", entry=outcome.entry, closed=_percent(outcome.closed),
        highest=_percent(outcome.highest), lowest=_percent(outcome.lowest), first=outcome.first,
        net_bp=side * 1e4 * (outcome.closed or 0.0) - (outcome.spent_bp or 0.0) if known else None,
        reason=outcome.reason,
    )  # fmt: skip


def _percent(log_return: float | None) -> float | None:
    return None if log_return is None else 100.0 * expm1(log_return)
