"""The status page and the API's own page: static files, nothing from elsewhere."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import APIRouter, Response

_PAGES = {
    "/": ("index.html", "text/html; charset=utf-8", "The status page, for people"),
    "/docs": ("docs.html", "text/html; charset=utf-8", "This API, for people"),
    "/static/status.css": ("status.css", "text/css; charset=utf-8", "How the pages look"),
    "/static/status.js": ("status.js", "text/javascript; charset=utf-8", "What the status page does"),
    "/static/draw.js": ("draw.js", "text/javascript; charset=utf-8", "How the status page draws curves"),
    "/static/detail.js": ("detail.js", "text/javascript; charset=utf-8", "How the status page shows one symbol"),
    "/static/docs.js": ("docs.js", "text/javascript; charset=utf-8", "What the page of the API does"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml", "The icon of the pages"),
}


def router() -> APIRouter:
    """The routes; the files are read once."""
    routes = APIRouter()
    folder = files("virtuoso.web") / "static"
    for path, (name, kind, summary) in _PAGES.items():
        body = (folder / name).read_bytes()
        content = {kind.partition(";")[0]: {"schema": {"type": "string"}}}
        routes.add_api_route(
            path, _page(body, kind), methods=["GET"], name=name, summary=summary, response_class=Response,
            responses={200: {"description": "The file, as it is.", "content": content}},
            include_in_schema=not path.startswith("/static/"),  # the pages' own parts
        )  # fmt: skip
    return routes


def _page(body: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def page() -> Response:
        return Response(body, media_type=kind, headers={"cache-control": "no-cache"})

    return page
