"""Health: 200 or 503 by the age of the last successful cycle."""

from typing import Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from virtuoso.model import documents as docs
from virtuoso.web import examples
from virtuoso.web.openapi import answers, reference
from virtuoso.web.routes.documents import answer


class Judged(Protocol):
    """Whoever knows how the cycles go."""

    @property
    def healthy(self) -> bool:
        """Whether a cycle succeeded lately."""
        ...

    def document(self) -> docs.Health:
        """The answer."""
        ...


def router(health: Judged) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    schema = reference(docs.Health)
    unhealthy = {"description": "Not healthy", "content": {"application/json": {"schema": schema}}}

    @routes.get(
        "/health", summary="Whether cycles succeed", response_class=Response,
        responses=answers(schema, examples.HEALTH) | {503: unhealthy},
    )  # fmt: skip
    async def alive() -> Response:
        return _judged(health)

    @routes.get(
        "/health/ready", summary="Whether signals are being served", response_class=Response,
        responses=answers(schema, examples.HEALTH) | {503: unhealthy},
    )  # fmt: skip
    async def ready() -> Response:
        return _judged(health)

    @routes.get(
        "/health/live", summary="Whether the process answers", response_class=Response,
        responses=answers({"type": "object"}, {"status": "alive"}),
    )  # fmt: skip
    async def live(request: Request) -> Response:
        return answer(request, b'{"status":"alive"}')

    return routes


def _judged(health: Judged) -> Response:
    status = 200 if health.healthy else 503
    return Response(msgspec.json.encode(health.document()), status, media_type="application/json")
