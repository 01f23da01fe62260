"""Deliveries: what is in the outbox for each channel, and sending again what was given up."""

from enum import StrEnum
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from virtuoso.model.alerts import documents as docs
from virtuoso.model.alerts.documents import delivery_of
from virtuoso.model.catalogue import alert_examples as examples
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.damage import left_out
from virtuoso.storage.database.store import Database
from virtuoso.web.bodies import decoded, taking
from virtuoso.web.openapi import answers, changes, reference
from virtuoso.web.parameters import Cursor, Limit, MonitorName
from virtuoso.web.required_database import needed
from virtuoso.web.routes.documents import answer


class DeliveryState(StrEnum):
    """The state of a delivery, from waiting in the outbox to sent, folded or dead."""

    WAITING = "waiting"
    """In the outbox, to be sent."""
    SENDING = "sending"
    """Being sent now."""
    SENT = "sent"
    """The channel took it."""
    FOLDED = "folded"
    """It went into a digest, or to another channel."""
    DEAD = "dead"
    """The channel will never take it."""
    EXPIRED = "expired"
    """It waited for too long to be worth sending."""


DeliveryId = Annotated[str, Path(description="The `id` of a message: 32 hex digits.", pattern="^[0-9a-f]{32}$")]
ChannelName = Annotated[
    str | None, Query(description="Only messages for this channel, by its name.", pattern="^[a-z0-9_-]{1,60}$")
]
InState = Annotated[DeliveryState | None, Query(description="Only messages that are so far.")]


def router(database: Database | None, identity: str, clock: Clock) -> APIRouter:
    """The routes; deliveries of the monitor of this identity where no other is named."""
    routes = APIRouter()

    @routes.get(
        "/api/alerts/deliveries", summary="Messages in the outbox, newest first", response_class=Response,
        responses=answers(reference(docs.Deliveries), examples.DELIVERIES, 404, 422),
    )  # fmt: skip
    async def deliveries(
        request: Request,
        channel: ChannelName = None,
        state: InState = None,
        monitor: MonitorName = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        found = await _page(database, monitor or identity, channel, state, limit, cursor)
        return answer(request, msgspec.json.encode(found))

    @routes.post(
        "/api/alerts/deliveries/{delivery_id}/resend", summary="Send again what is dead or expired",
        response_class=Response, openapi_extra=taking(docs.Nothing, {}),
        responses=changes(200, reference(docs.DeliveryItem), examples.DELIVERY, 404, 413, 415, 422),
    )  # fmt: skip
    async def resend(request: Request, delivery_id: DeliveryId) -> Response:
        await decoded(request, docs.Nothing)
        with needed(database) as kept:
            found = await kept.resend(delivery_id, clock.now_ns() // 1_000_000)
        if found is None:
            raise HTTPException(404, f"no message {delivery_id} is dead or expired; /api/alerts/deliveries lists all")
        return answer(request, msgspec.json.encode(delivery_of(found)))

    return routes


async def _page(
    database: Database | None, identity: str, channel: str | None, state: str | None, limit: int, cursor: str | None
) -> docs.Deliveries:
    if database is None:
        return docs.Deliveries(deliveries=(), next=None, reason="no database is kept")
    try:
        page = await database.deliveries(identity, channel=channel, state=state, limit=limit, cursor=cursor)
    except StoreUnavailable as error:
        return docs.Deliveries(deliveries=(), next=cursor, reason=str(error))
    except ValueError as error:
        raise HTTPException(404, str(error)) from error
    return docs.Deliveries(
        deliveries=tuple(map(delivery_of, page.deliveries)), next=page.cursor, reason=left_out(page.damaged)
    )
