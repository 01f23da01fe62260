"""The status page and the API's own page: static files, nothing from elsewhere."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import APIRouter, Response

_PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/static/status.css": ("status.css", "text/css; charset=utf-8"),
    "/static/status.js": ("status.js", "text/javascript; charset=utf-8"),
    "/static/draw.js": ("draw.js", "text/javascript; charset=utf-8"),
    "/static/detail.js": ("detail.js", "text/javascript; charset=utf-8"),
    "/static/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}


def router() -> APIRouter:
    """The routes; the files are read once."""
    routes = APIRouter(include_in_schema=True)
    folder = files("virtuoso.web") / "static"
    for path, (name, kind) in _PAGES.items():
        body = (folder / name).read_bytes()
        content = {kind.partition(";")[0]: {"schema": {"type": "string"}}}
        routes.add_api_route(
            path, _page(body, kind), methods=["GET"], name=name, summary=name, response_class=Response,
            responses={200: {"description": "OK", "content": content}},
        )  # fmt: skip
    return routes


def _page(body: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def page() -> Response:
        return Response(body, media_type=kind, headers={"cache-control": "no-cache"})

    return page
