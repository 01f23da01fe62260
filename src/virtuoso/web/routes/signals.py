"""The history of signals, a page at a time, and how good forecasts were on files."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.backtested import BACKTESTED
from virtuoso.model.catalogue import examples, performance_example
from virtuoso.model.clock import iso
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.signal import Label
from virtuoso.storage.database.damage import left_out
from virtuoso.storage.database.records import SignalFilter, SignalRecord
from virtuoso.storage.database.store import Database
from virtuoso.web.openapi import answers, reference
from virtuoso.web.parameters import Cursor, Limit, Since, SymbolName, Until, milliseconds
from virtuoso.web.routes.documents import answer

Kind = Annotated[
    Label | None, Query(description="Only changes to this label; to any, and to none, where none is given.")
]


class _Why(msgspec.Struct):
    """Of a kept reading, what is told here."""

    why: tuple[str, ...] = ()


def router(database: Database | None) -> APIRouter:
    """The routes; without a database there is no history, and a reason."""
    routes = APIRouter()
    measured = msgspec.json.encode(docs.backtested_quality(BACKTESTED))

    @routes.get(
        "/api/signals/backtested", summary="How good forecasts were on recorded months, before this version",
        response_class=Response,
        responses=answers(reference(docs.BacktestedQuality), performance_example.BACKTESTED),
    )  # fmt: skip
    async def backtested(request: Request) -> Response:
        return answer(request, measured)

    @routes.get(
        "/api/signals", summary="Changes of label, newest first", response_class=Response,
        responses=answers(reference(docs.SignalHistory), examples.SIGNAL_HISTORY, 404, 422),
    )  # fmt: skip
    async def signals(
        request: Request,
        symbol: SymbolName = None,
        label: Kind = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        since_ms, until_ms = milliseconds("since", since), milliseconds("until", until)
        wanted = SignalFilter(symbol=symbol, label=label, since_ms=since_ms, until_ms=until_ms)
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
    return docs.SignalHistory(
        signals=tuple(map(change_of, page.signals)), next=page.cursor, reason=left_out(page.damaged)
    )


def change_of(record: SignalRecord) -> docs.SignalChange:
    """Turn a stored signal into the item that the API lists."""
    return docs.SignalChange(
        id=record.id,
        exchange=record.exchange,
        symbol=record.symbol,
        signal=record.label,
        before=record.before,
        timestamp=iso(record.close_ms) or "",
        score=record.score,
        confidence=record.confidence,
        expires_at=iso(record.expires_ms),
        agreement=record.agreement,
        price=record.price,
        data_quality=record.data_quality,
        data_source=record.data_source,
        why=() if record.why is None else msgspec.json.decode(record.why, type=_Why).why,
    )
