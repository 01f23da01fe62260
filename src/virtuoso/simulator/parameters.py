"""REST parameters as Bybit takes them, and the bodies with which it refuses them."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

CATEGORIES = ("linear", "spot", "inverse", "option")


class Refused(Exception):
    """A request is wrong: `code` and `message` as Bybit gives them, and the `result` that goes with them."""

    def __init__(self, message: str, result: Mapping[str, Any] | None = None, code: int = 10001) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.result = dict(result or {})


_INTEGER, _COUNT = re.compile(r"-?[0-9]{1,18}"), re.compile(r"[0-9]{1,18}")
_EMPTY_PAGE = {"category": "", "list": [], "nextPageCursor": ""}


class Parameters:
    """The query of one request; every getter refuses what Bybit refuses."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query

    def category(self) -> str:
        """The category, `linear` unless named."""
        category = self._query.get("category", "linear")
        if category not in CATEGORIES:
            raise Refused("Illegal category")
        return category

    def text(self, name: str) -> str | None:
        """An optional text; an empty one counts as absent."""
        return self._query.get(name) or None

    def symbol(self, listed: set[str]) -> str:
        """A symbol that must be there and be listed."""
        symbol = self._query.get("symbol", "")
        if symbol not in listed:
            raise Refused("params error: symbol invalid", _EMPTY_PAGE)
        return symbol

    def one_of(self, name: str, allowed: Mapping[str, Any] | tuple[str, ...]) -> str:
        """A text that must be one of those allowed."""
        value = self._query.get(name, "")
        if value not in allowed:
            raise Refused(f"params error: {name} invalid", _EMPTY_PAGE)
        return value

    def limit(self, default: int, most: int) -> int:
        """Read the page size, between 1 and `most`."""
        value = self.integer("limit")
        if value is None:
            return default
        if not 1 <= value <= most:
            raise Refused(f"params error: limit should be in [1, {most}]", _EMPTY_PAGE)
        return value

    def integer(self, name: str) -> int | None:
        """Return an integer parameter, or `None` if it is not given; raises `Refused` for anything else."""
        text = self._query.get(name)
        if not text:
            return None
        if not _INTEGER.fullmatch(text):
            raise Refused(f"params error: {name} invalid", _EMPTY_PAGE)
        return int(text)

    def offset(self) -> int:
        """Where a page of a list begins, from the cursor of the page before."""
        return self._cursor("offset") or 0

    def last_time(self) -> int | None:
        """Return the time of the last item of the page before (epoch ms), from its cursor."""
        return self._cursor("lasttime")

    def _cursor(self, name: str) -> int | None:
        text = self._query.get("cursor")
        if not text:
            return None
        value = dict(parse_qsl(unquote(text))).get(name, "")
        if not _COUNT.fullmatch(value):
            raise Refused("params error: cursor invalid", _EMPTY_PAGE)
        return int(value)


def cursor_at(offset: int, total: int) -> str:
    """The cursor of the next page; empty when there is none."""
    return f"offset%3D{offset}" if offset < total else ""


def time_cursor(last_ms: int) -> str:
    """Make the cursor of the page after the item at `last_ms`."""
    return f"lastid%3D0%26lasttime%3D{last_ms}"
