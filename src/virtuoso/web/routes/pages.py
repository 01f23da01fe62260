"""The pages for people: the dashboard, which is built into `static/app`, and the API's own page."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Response

from virtuoso.web.addresses import DASHBOARD

_HTML = "text/html; charset=utf-8"
_SCRIPT = "text/javascript; charset=utf-8"
_STYLE = "text/css; charset=utf-8"
_FILES = {
    "/docs": ("docs.html", _HTML, "This API, for people"),
    "/static/docs.css": ("docs.css", _STYLE, "How the page of the API looks"),
    "/static/docs.js": ("docs.js", _SCRIPT, "What the page of the API does"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml", "The icon of the pages"),
}
_TYPES = {
    "css": _STYLE, "js": _SCRIPT, "png": "image/png", "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}  # fmt: skip
_ASKED_AGAIN, _KEPT = "no-cache", "public, max-age=31536000, immutable"
_NOT_BUILT = (
    b"<!doctype html><html lang=en><title>Virtuoso</title><p>The dashboard is not built: <code>make page</code> does "
    b"it, with Node 20.19 or newer. All it would show is served by the API: <a href=/docs>/docs</a>."
)


def router() -> APIRouter:
    """The routes; the files are read once."""
    routes = APIRouter()
    folder = files("virtuoso.web") / "static"
    for path, (name, kind, summary) in _FILES.items():
        _add(routes, path, _file((folder / name).read_bytes(), kind, _ASKED_AGAIN), kind, summary)
    built = folder / "app"
    page = built / "index.html"
    shown = _file(page.read_bytes() if page.is_file() else _NOT_BUILT, _HTML, _ASKED_AGAIN)
    for path, summary in DASHBOARD.items():
        _add(routes, path, shown, _HTML, summary)
    for path, part in _parts(built):
        kind = _TYPES.get(path.rpartition(".")[2], "application/octet-stream")
        kept = _KEPT if path.startswith("assets/") else _ASKED_AGAIN  # the names in it change with the content
        _add(routes, f"/static/app/{path}", _file(part.read_bytes(), kind, kept), kind, "A part of the dashboard")
    return routes


def _parts(folder: Traversable, before: str = "") -> list[tuple[str, Traversable]]:
    """The files that the dashboard was built into, by their paths."""
    if not folder.is_dir():
        return []
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = f"{before}{entry.name}"
        found += _parts(entry, f"{path}/") if entry.is_dir() else [(path, entry)]
    return found


def _add(routes: APIRouter, path: str, shown: Callable[[], Awaitable[Response]], kind: str, summary: str) -> None:
    content = {kind.partition(";")[0]: {"schema": {"type": "string"}}}
    routes.add_api_route(
        path, shown, methods=["GET"], name=path, summary=summary, response_class=Response,
        responses={200: {"description": "The file, as it is.", "content": content}},
        include_in_schema=path in {"/", "/docs"},  # the others are addresses and parts of the same page
    )  # fmt: skip


def _file(body: bytes, kind: str, kept: str) -> Callable[[], Awaitable[Response]]:
    headers = {
        "cache-control": kept,
        "service-worker-allowed": "/",
    }  # the worker of the dashboard keeps all its addresses

    async def file() -> Response:
        return Response(body, media_type=kind, headers=headers)

    return file
