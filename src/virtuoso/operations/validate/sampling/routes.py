"""Which requests stand for the documented operations: taken from the OpenAPI document, with real names put in."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from virtuoso.operations.validate.samples import ALERTS, BOOK, SIGNALS, Route

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_ALTERNATIVES: Final = re.compile(r"\^?\(?([A-Za-z0-9_.-]+)(?:\|[^)]*)?\)?\$?")
_LISTS: Final = {"alert_id": "/api/alerts?limit=1", "signal_id": "/api/signals?limit=1"}
"""Where a name is taken from, by the parameter of a path."""
_LISTED: Final = {"alert_id": "alerts", "signal_id": "signals"}


def lists(parameter: str) -> str | None:
    """The request whose answer names one of what a parameter of a path stands for."""
    return _LISTS.get(parameter)


def named(parameter: str, body: Any) -> str | None:
    """The first name in the answer of `lists`; `None` where there is none."""
    items = body.get(_LISTED[parameter]) if isinstance(body, dict) else None
    return str(items[0].get("id")) if isinstance(items, list) and items and isinstance(items[0], dict) else None


def wanted(document: Any) -> set[str]:
    """The parameters of the paths of an OpenAPI document, by name."""
    return {name for path in _paths(document) for name in re.findall(r"{([^}]+)}", path)}


def routes_of(document: Any, names: Mapping[str, str]) -> tuple[Route, ...]:
    """Every documented operation with the request that stands for it.

    Args:
        document: the OpenAPI document.
        names: what to put in, by the parameter of a path.
    """
    return tuple(
        _route(method, path, operation, names)
        for path, operations in _paths(document).items()
        for method, operation in operations.items()
        if method in _METHODS and isinstance(operation, dict)
    )


def _paths(document: Any) -> dict[str, Any]:
    paths = document.get("paths") if isinstance(document, dict) else None
    return paths if isinstance(paths, dict) else {}


def _route(method: str, path: str, operation: dict[str, Any], names: Mapping[str, str]) -> Route:
    asked, missing = path, [name for name in re.findall(r"{([^}]+)}", path) if name not in names]
    if missing and method == "get":
        reason = f"there is no {missing[0].removesuffix('_id')} yet whose page could be asked for"
        return Route(method="GET", path=path, reason=reason)
    for name in re.findall(r"{([^}]+)}", path):
        asked = asked.replace(f"{{{name}}}", quote(names.get(name, "0" * 16), safe=""))
    if method != "get":
        return Route(method=method.upper(), path=path, asked=asked, reason="it changes something")
    needed = [
        (each["name"], _value(each.get("schema") or {}))
        for each in operation.get("parameters") or ()
        if each.get("in") == "query" and each.get("required")
    ]
    if path == BOOK:
        needed.append(("depth", "1"))
    elif path in {SIGNALS, ALERTS}:
        needed.extend(("limit", str(most)) for most in _most(operation))
    return Route(method="GET", path=path, asked=asked + (f"?{urlencode(needed)}" if needed else ""))


def _most(operation: Mapping[str, Any]) -> list[int]:
    """The largest page that may be asked for, where pages have a size: what is left out cannot be judged."""
    found = [each.get("schema") or {} for each in operation.get("parameters") or () if each.get("name") == "limit"]
    return [int(schema["maximum"]) for schema in found if "maximum" in schema]


def _value(schema: Mapping[str, Any]) -> str:
    """A value that a schema allows: its default, example, first of an enumeration or of the ways of a pattern."""
    for key in ("default", "example", "const"):
        if key in schema:
            return str(schema[key])
    for key in ("enum", "examples"):
        if schema.get(key):
            return str(schema[key][0])
    if isinstance(schema.get("items"), dict):
        return _value(schema["items"])
    if found := _ALTERNATIVES.fullmatch(str(schema.get("pattern", ""))):
        return found[1]
    return "1" if schema.get("type") in {"integer", "number"} else "x"
