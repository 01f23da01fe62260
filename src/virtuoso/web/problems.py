"""Errors as RFC 9457 problem details."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from virtuoso.model.documents import Problem

log = structlog.get_logger(__name__)


def problem(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Make the response that describes an error as problem details in JSON."""
    body = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
    )
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


def _not_allowed(request: Request, routes: Sequence[BaseRoute]) -> Response:
    """What may be done with the path: all of it, though each method is a route of its own."""
    methods = {"OPTIONS"}
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    allow = {"allow": ", ".join(sorted(methods))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return problem(request, 405, f"{request.method} is not allowed here; {allow['allow']} are", allow)


def install(app: FastAPI, routes: Sequence[BaseRoute] = ()) -> None:
    """Answer every error of the application, which has these routes, as a problem."""

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return _not_allowed(request, routes)
        return problem(request, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        mistakes = [f"{'.'.join(str(p) for p in e['loc'][1:])}: {e['msg']}" for e in error.errors()]
        return problem(request, 422, "; ".join(mistakes))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        log.error("a request failed", path=request.url.path, error=repr(error))
        return problem(request, 500, "the request failed; the log says why")
