"""Alerts: the latest, the history with the path of each, acknowledgements, and how they are made and sent."""

from contextlib import suppress
from enum import StrEnum
from operator import attrgetter
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from virtuoso.model.alerts import documents as docs
from virtuoso.model.alerts.added_rule import RULE_NAME
from virtuoso.model.alerts.documents import alert_of, detail_of
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.catalogue import alert_examples as examples
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.damage import left_out
from virtuoso.storage.database.records import Acknowledgement, IncidentFilter
from virtuoso.storage.database.store import Database
from virtuoso.web.bodies import decoded, taking
from virtuoso.web.openapi import answers, changes, reference
from virtuoso.web.parameters import Cursor, Limit, MonitorName, Since, SymbolName, Until, milliseconds
from virtuoso.web.required_database import needed
from virtuoso.web.routes.documents import answer, body_of

_NEAR_MS = 15 * 60_000
_NEARBY, _LOOKED_AT = 20, 200


class AlertState(StrEnum):
    """States of an incident by which a list can be narrowed."""

    FIRING = "firing"
    """It holds."""
    RESOLVED = "resolved"
    """It is over."""
    EXPIRED = "expired"
    """Nobody can tell any longer whether it holds."""


AlertId = Annotated[str, Path(description="The `id` of an incident: 16 hex digits.", pattern="^[0-9a-f]{16}$")]
Kind = Annotated[
    str | None,
    Query(description="Only of this kind: a built-in one, or the name of a rule.", pattern=f"^{RULE_NAME}$"),
]
Least = Annotated[Severity | None, Query(description="Only of this severity or a higher one.")]
InState = Annotated[AlertState | None, Query(description="Only incidents that are so far.")]


def router(cache: MemoryCache, database: Database | None, clock: Clock) -> APIRouter:
    """Make the routes of alerts: listings, single incidents, acknowledgements."""
    routes = APIRouter()
    _listings(routes, cache, database)
    _single(routes, database, clock)
    return routes


def _listings(routes: APIRouter, cache: MemoryCache, database: Database | None) -> None:
    @routes.get(
        "/api/alerts/recent", summary="The latest incidents, newest first", response_class=Response,
        responses=answers({"type": "array", "items": reference(docs.Alert)}, [examples.ALERT], 304, 422),
    )  # fmt: skip
    async def recent_alerts(request: Request, limit: Limit = 200) -> Response:
        published = msgspec.json.decode(body_of(cache, "alerts"), type=tuple[docs.Alert, ...])
        return answer(request, msgspec.json.encode(await _latest(database, published, limit)))

    @routes.get(
        "/api/alerts", summary="Incidents, newest first, by filters", response_class=Response,
        responses=answers(reference(docs.AlertHistory), examples.HISTORY, 404, 422),
    )  # fmt: skip
    async def alerts(
        request: Request,
        kind: Kind = None,
        symbol: SymbolName = None,
        severity: Least = None,
        state: InState = None,
        monitor: MonitorName = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        wanted = IncidentFilter(
            kind=kind, symbol=symbol, severity=severity, state=state, monitor=monitor,
            since_ms=milliseconds("since", since), until_ms=milliseconds("until", until),
        )  # fmt: skip
        return answer(request, msgspec.json.encode(await _page(database, wanted, limit, cursor)))


def _single(routes: APIRouter, database: Database | None, clock: Clock) -> None:
    @routes.get(
        "/api/alerts/{alert_id}", summary="One incident, and every decision about it", response_class=Response,
        responses=answers(reference(docs.AlertDetail), examples.DETAIL, 404, 422),
    )  # fmt: skip
    async def alert(request: Request, alert_id: AlertId) -> Response:
        with needed(database) as kept:
            found = await _detail(kept, await kept.incident(alert_id))
        return answer(request, _known(found, alert_id))

    @routes.post(
        "/api/alerts/{alert_id}/ack", summary="Take note of an incident: no notification until it is over",
        response_class=Response, openapi_extra=taking(docs.NewAcknowledgement, examples.ACKNOWLEDGING),
        responses=changes(200, reference(docs.AlertDetail), examples.DETAIL, 404, 413, 415, 422),
    )  # fmt: skip
    async def acknowledge(request: Request, alert_id: AlertId) -> Response:
        said = await decoded(request, docs.NewAcknowledgement)
        now_ms = clock.now_ns() // 1_000_000
        with needed(database) as kept:
            taken = await kept.acknowledge(alert_id, Acknowledgement(by=said.by, at_ms=now_ms, comment=said.comment))
            found = await _detail(kept, taken)
        return answer(request, _known(found, alert_id))


async def _latest(database: Database | None, published: tuple[docs.Alert, ...], limit: int) -> tuple[docs.Alert, ...]:
    """What is kept, and what the monitor has published and not kept yet; of both, what is known to be over."""
    stored: tuple[docs.Alert, ...] = ()
    if database is not None:
        with suppress(StoreUnavailable):  # what is published is served all the same
            stored = tuple(map(alert_of, await database.incidents(limit)))
    known = {each.id: each for each in published}
    for each in stored:
        known[each.id] = max(each, known.get(each.id, each), key=attrgetter("resolved"))
    return tuple(sorted(known.values(), key=attrgetter("timestamp", "id"), reverse=True)[:limit])


async def _page(database: Database | None, wanted: IncidentFilter, limit: int, cursor: str | None) -> docs.AlertHistory:
    if database is None:
        return docs.AlertHistory(alerts=(), next=None, reason="no database is kept")
    try:
        page = await database.history(wanted, limit=limit, cursor=cursor)
    except StoreUnavailable as error:
        return docs.AlertHistory(alerts=(), next=cursor, reason=str(error))
    except ValueError as error:
        raise HTTPException(404, str(error)) from error
    return docs.AlertHistory(
        alerts=tuple(map(alert_of, page.incidents)), next=page.cursor, reason=left_out(page.damaged)
    )


async def _detail(database: Database, incident: Incident | None) -> docs.AlertDetail | None:
    """The incident with what followed it, and others of about the same time."""
    if incident is None:
        return None
    near = IncidentFilter(since_ms=incident.fired_ms - _NEAR_MS, until_ms=incident.fired_ms + _NEAR_MS)
    others = [each for each in (await database.history(near, limit=_LOOKED_AT)).incidents if each.id != incident.id]
    others.sort(key=lambda each: (abs(each.fired_ms - incident.fired_ms), each.id))
    return detail_of(incident, await database.outcomes_of(incident.id), others[:_NEARBY])


def _known(found: docs.AlertDetail | None, alert_id: str) -> bytes:
    if found is None:
        raise HTTPException(404, f"no alert {alert_id} is kept; /api/alerts lists those that are")
    return msgspec.json.encode(found)
