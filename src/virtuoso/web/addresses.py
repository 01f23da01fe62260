"""The addresses of pages, which hold no data: they are served to whoever asks, a token or not."""

DASHBOARD = {
    "/": "The market at a glance, for people",
    "/signals": "The signals of all symbols, for people",
    "/signals/{id}": "One signal, for people",
    "/symbol/{name:path}": "One symbol, for people",
    "/alerts": "Incidents, for people",
    "/alerts/{id}": "One incident, for people",
    "/track-record": "How good forecasts were, for people",
    "/system": "How the monitor is, for people",
    "/methodology": "How everything is computed, for people",
    "/login": "Where a token is given, for people",
}
"""The addresses of the dashboard: all of them are one page, which shows what its address says."""
_DOCS = "/docs"
_PREFIXES = ("/static/", *(path.partition("{")[0] for path in DASHBOARD if "{" in path))


def is_page(path: str) -> bool:
    """Whether a path is that of a page, which may end in a slash more, or of a part of one."""
    plain = path.removesuffix("/") or "/"
    return plain in DASHBOARD or plain == _DOCS or path.startswith(_PREFIXES)
