"""`/api/session`: log in with a token, see as whom, log out."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import LogIn, SessionDocument
from virtuoso.web.access import Access
from virtuoso.web.bodies import decoded, taking
from virtuoso.web.openapi import answers, changes, reference
from virtuoso.web.sessions import Role, Session

_EXAMPLE: Final[dict[str, Any]] = {"required": True, "role": "operate", "until": "2026-11-30T20:46:10.000Z"}
_NOT_KEPT: Final = {"cache-control": "no-store"}


def router(access: Access, clock: Clock) -> APIRouter:
    """Make the routes that begin, show and end a session."""
    routes = APIRouter()

    def now_s() -> float:
        return clock.now_ns() / 1e9

    @routes.get(
        "/api/session", summary="Whether a token is required, and who is logged in", response_class=Response,
        responses=answers(reference(SessionDocument), _EXAMPLE),
    )  # fmt: skip
    async def session(request: Request) -> Response:
        cookies = request.headers.get("cookie")
        return _said(access, access.session(None if cookies is None else cookies.encode("latin-1"), now_s()))

    @routes.post(
        "/api/session", summary="Log in: a token for the cookie of a session", response_class=Response,
        openapi_extra=taking(LogIn, {"token": "a-long-random-text"}),
        responses=changes(200, reference(SessionDocument), _EXAMPLE, 401, 413, 415, 422, 429),
    )  # fmt: skip
    async def log_in(request: Request) -> Response:
        wanted = await decoded(request, LogIn)
        if not access.required:
            return _said(access, None)
        found = await access.log_in(wanted.token, request.client.host if request.client else "", now_s())
        if not isinstance(found, Session):
            status, _, detail = found
            raise HTTPException(status, detail)
        answer = _said(access, found)
        answer.headers["set-cookie"] = access.cookie(found, now_s(), secure=_by_https(request))
        return answer

    @routes.delete(
        "/api/session", summary="Log out: end the session of this browser", status_code=204, response_class=Response,
        responses=changes(204, None, None),
    )  # fmt: skip
    async def log_out(request: Request) -> Response:
        return Response(status_code=204, headers={"set-cookie": access.ending(secure=_by_https(request))})

    return routes


def _said(access: Access, session: Session | None) -> Response:
    role = session.role if session else None if access.required else Role.OPERATE
    until = iso(session.until_s * 1_000) if session else None
    document = SessionDocument(required=access.required, role=role, until=until)
    return Response(msgspec.json.encode(document), media_type="application/json", headers=_NOT_KEPT)


def _by_https(request: Request) -> bool:
    """Whether the browser asks over HTTPS, also where a proxy ends it: the page's own origin says so."""
    return request.headers.get("origin", "").startswith("https://") or request.url.scheme == "https"
