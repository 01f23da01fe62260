"""The OpenAPI document: schemas from the same structs that are encoded."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from virtuoso import __version__
from virtuoso.model import documents as docs
from virtuoso.model.alerts import documents as alerts
from virtuoso.model.catalogue.documents import DOCUMENTS
from virtuoso.model.documents import Problem
from virtuoso.web.access import OPEN_PATHS

SCHEMAS: tuple[type[msgspec.Struct], ...] = (
    *dict.fromkeys(document.schema for document in DOCUMENTS.values() if document.example is not None),
    docs.Bars, docs.SignalHistory, docs.ScoreHistory, alerts.AlertDetail, alerts.AlertHistory,
    alerts.NewAcknowledgement, alerts.NewSilence, alerts.SilenceRow, alerts.Silences, alerts.Deliveries,
    alerts.DeliveryRow, alerts.Nothing, Problem,
)  # fmt: skip
"""Of published documents, and of what routes answer or take besides."""
_TEXTS = {
    400: "It is no good HTTP", 401: "The token is missing or wrong", 429: "Too many wrong tokens are being given",
    403: "Another site asks for it", 404: "There is no such thing", 409: "There are too many", 413: "It is too large",
    415: "It is not called JSON", 421: "The Host header names no allowed host", 422: "A parameter is wrong",
    503: "Not available now",
}  # fmt: skip
_TEMPLATE = "#/components/schemas/{name}"


def reference(struct: type[msgspec.Struct]) -> dict[str, str]:
    """A reference to the schema of a document."""
    return {"$ref": _TEMPLATE.format(name=struct.__name__)}


def answers(schema: dict[str, Any], example: Any, *errors: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI documents of a route: its document with an example, and its problems."""
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "OK", "content": {"application/json": {"schema": schema, "example": example}}},
        304: {"description": "Not modified"},
        421: _problem(_TEXTS[421]),
    }
    return found | {status: _problem(_TEXTS[status]) for status in errors}


def changes(status: int, schema: dict[str, Any] | None, example: Any, *errors: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI documents of a route that changes something: its answer (`None`: empty), and its problems."""
    done: dict[str, Any] = {"description": "Done"}
    if schema is not None:
        done["content"] = {"application/json": {"schema": schema, "example": example}}
    found: dict[int | str, dict[str, Any]] = {status: done}
    return found | {problem: _problem(_TEXTS[problem]) for problem in (403, 421, 503, *errors)}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": reference(Problem)}}}


def _state_access(document: dict[str, Any]) -> None:
    """A token is asked for where `web.token` is set, but for paths that are open."""
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "`web.token`, where one is configured."}
    }
    document["security"] = [{"token": []}, {}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"] |= {"400": _problem(_TEXTS[400])}
            if path in OPEN_PATHS:
                operation["security"] = []
            else:
                operation["responses"] |= {"401": _problem(_TEXTS[401]), "429": _problem(_TEXTS[429])}


def install(app: FastAPI) -> None:
    """Make the application's OpenAPI document, once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title="Virtuoso", version=__version__, routes=app.routes, description=app.description
            )
            _, components = msgspec.json.schema_components(SCHEMAS, ref_template=_TEMPLATE)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for errors in ("HTTPValidationError", "ValidationError"):  # not what is served
                schemas.pop(errors, None)
            schemas.update(components)
            _state_access(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
