"""Health: 200 or 503 by what is wrong; liveness by the age of the last completed cycle alone."""

from typing import Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import answer


class Judged(Protocol):
    """Whoever knows how the cycles go."""

    @property
    def live(self) -> bool:
        """Whether cycles are completed; nothing else."""
        ...

    def document(self) -> docs.Health:
        """Return the health as judged now."""
        ...


def router(health: Judged) -> APIRouter:
    """Make the routes `/health`, `/health/ready` and `/health/live`."""
    routes = APIRouter()
    schema = reference(docs.Health)
    stalled = {"description": "No cycle is completed: a restart may help."}
    unhealthy = {"description": "Not healthy: `reasons` say why.", "content": {"application/json": {"schema": schema}}}

    @routes.get(
        "/health", summary="Whether cycles are completed, and what is watched is fresh and analysed",
        response_class=Response, responses=answers(schema, examples.HEALTH) | {503: unhealthy},
    )  # fmt: skip
    async def whole() -> Response:
        return _judged(health)

    @routes.get(
        "/health/ready", summary="Whether signals that can be relied on are being served", response_class=Response,
        responses=answers(schema, examples.HEALTH) | {503: unhealthy},
    )  # fmt: skip
    async def ready() -> Response:
        return _judged(health)

    @routes.get(
        "/health/live", summary="Whether cycles are completed: for a supervisor", response_class=Response,
        responses=answers({"type": "object"}, {"status": "alive"}) | {503: stalled},
    )  # fmt: skip
    async def live(request: Request) -> Response:
        if health.live:
            return answer(request, b'{"status":"alive"}')
        return Response(b'{"status":"stalled"}', 503, media_type="application/json")

    return routes


def _judged(health: Judged) -> Response:
    document = health.document()
    status = 200 if document.status == "healthy" else 503
    return Response(msgspec.json.encode(document), status, media_type="application/json")
