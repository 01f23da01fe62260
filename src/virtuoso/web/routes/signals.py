"""The history of signals, a page at a time."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.clock import iso
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.signal import Label
from virtuoso.storage.database.records import SignalFilter, SignalRecord
from virtuoso.storage.database.store import Database
from virtuoso.web import examples
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import Limit, answer

Name = Annotated[
    str | None, Query(description="The exchange's own name, such as BTCUSDT.", pattern=r"^[A-Za-z0-9./:_-]{1,40}$")
]
Kind = Annotated[Label | None, Query(description="The label that was taken.")]
Since = Annotated[datetime | None, Query(description="Closes at or after, ISO 8601 with a time zone.")]
Until = Annotated[datetime | None, Query(description="Closes before, ISO 8601 with a time zone.")]
Cursor = Annotated[str | None, Query(description="`next` of the page before this.", max_length=200)]


class _Why(msgspec.Struct):
    """Of a kept reading, what is told here."""

    why: tuple[str, ...] = ()


def router(database: Database | None) -> APIRouter:
    """The route; without a database there is no history, and a reason."""
    routes = APIRouter()

    @routes.get(
        "/api/signals", summary="Changes of label, newest first", response_class=Response,
        responses=answers(reference(docs.SignalHistory), examples.SIGNAL_HISTORY, 404, 422),
    )  # fmt: skip
    async def signals(
        request: Request,
        symbol: Name = None,
        label: Kind = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        wanted = SignalFilter(symbol=symbol, label=label, since_ms=_ms("since", since), until_ms=_ms("until", until))
        return answer(request, msgspec.json.encode(await _page(database, wanted, limit, cursor)))

    return routes


async def _page(database: Database | None, wanted: SignalFilter, limit: int, cursor: str | None) -> docs.SignalHistory:
    if database is None:
        return docs.SignalHistory(signals=(), next=None, reason="no database is kept")
    try:
        page = await database.signals(wanted, limit=limit, cursor=cursor)
    except StoreUnavailable as error:
        return docs.SignalHistory(signals=(), next=cursor, reason=str(error))
    except ValueError as error:
        raise HTTPException(404, str(error)) from error
    return docs.SignalHistory(signals=tuple(map(_row, page.signals)), next=page.cursor)


def _ms(name: str, when: datetime | None) -> int | None:
    if when is None:
        return None
    if when.tzinfo is None:
        raise HTTPException(422, f"{name} = {when.isoformat()}: has no time zone; add Z for UTC")
    return max(0, int(when.timestamp() * 1000))  # nothing was kept before 1970


def _row(record: SignalRecord) -> docs.SignalChange:
    return docs.SignalChange(
        id=record.id,
        exchange=record.exchange,
        symbol=record.symbol,
        signal=record.label,
        before=record.before,
        timestamp=iso(record.close_ms) or "",
        score=record.score,
        confidence=record.confidence,
        price=record.price,
        data_quality=record.data_quality,
        data_source=record.data_source,
        why=() if record.why is None else msgspec.json.decode(record.why, type=_Why).why,
    )
