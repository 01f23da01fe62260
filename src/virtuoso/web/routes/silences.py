"""Silences: incidents that match one are recorded, and nobody is notified."""

from secrets import token_hex
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from virtuoso.model.alerts import documents as docs
from virtuoso.model.alerts.documents import silence_of
from virtuoso.model.alerts.incident import Silence
from virtuoso.model.catalogue import alert_examples as examples
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.store import Database
from virtuoso.web.bodies import decoded, taking
from virtuoso.web.openapi import answers, changes, reference
from virtuoso.web.required_database import needed
from virtuoso.web.routes.documents import answer

SilenceId = Annotated[str, Path(description="The `id` of a silence: 16 hex digits.", pattern="^[0-9a-f]{16}$")]
Over = Annotated[bool, Query(description="Whether to list those of the last 30 days that are over, too.")]


def router(database: Database | None, clock: Clock) -> APIRouter:
    """Make the routes that list, make and end silences."""
    routes = APIRouter()

    def now_ms() -> int:
        return clock.now_ns() // 1_000_000

    @routes.get(
        "/api/silences", summary="Silences in force or to come", response_class=Response,
        responses=answers(reference(docs.Silences), examples.SILENCES, 422),
    )  # fmt: skip
    async def silences(request: Request, over: Over = False) -> Response:
        return answer(request, msgspec.json.encode(await _listed(database, now_ms(), over=over)))

    @routes.post(
        "/api/silences", summary="Silence what matches", status_code=201, response_class=Response,
        openapi_extra=taking(docs.NewSilence, examples.SILENCING),
        responses=changes(201, reference(docs.SilenceItem), examples.SILENCE, 409, 413, 415, 422),
    )  # fmt: skip
    async def silence(request: Request) -> Response:
        made = _made(await decoded(request, docs.NewSilence), now_ms())
        with needed(database) as kept:
            if not await kept.add_silence(made):
                raise HTTPException(409, "500 silences are in force or to come; end one first")
        body = msgspec.json.encode(silence_of(made, made.created_ms))
        return Response(body, 201, media_type="application/json")

    @routes.delete(
        "/api/silences/{silence_id}", summary="End a silence now", status_code=204, response_class=Response,
        responses=changes(204, None, None, 404, 422),
    )  # fmt: skip
    async def end(silence_id: SilenceId) -> Response:
        with needed(database) as kept:
            if not await kept.end_silence(silence_id, now_ms()):
                raise HTTPException(404, f"no silence {silence_id} is kept; /api/silences lists those that are")
        return Response(status_code=204)

    return routes


async def _listed(database: Database | None, now_ms: int, *, over: bool) -> docs.Silences:
    if database is None:
        return docs.Silences(silences=(), reason="no database is kept")
    try:
        found = await database.silences(0 if over else now_ms)
    except StoreUnavailable as error:
        return docs.Silences(silences=(), reason=str(error))
    return docs.Silences(silences=tuple(silence_of(each, now_ms) for each in found))


def _made(wanted: docs.NewSilence, now_ms: int) -> Silence:
    starts_ms = now_ms + int(1000 * wanted.starts_in_s)
    return Silence(
        id=token_hex(8),
        matcher=wanted.matcher,
        created_ms=now_ms,
        starts_ms=starts_ms,
        ends_ms=starts_ms + int(1000 * wanted.duration_s),
        author=wanted.author,
        comment=wanted.comment,
    )
