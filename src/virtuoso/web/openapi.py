"""The OpenAPI document: schemas from the same structs that are encoded."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from virtuoso import __version__
from virtuoso.model import documents as docs
from virtuoso.model.alerts import documents as alerts
from virtuoso.model.catalogue.documents import DOCUMENTS
from virtuoso.model.documents import Problem
from virtuoso.web.access import is_open
from virtuoso.web.descriptions import describe

SCHEMAS: tuple[type[msgspec.Struct], ...] = (
    *dict.fromkeys(document.schema for document in DOCUMENTS.values() if document.example is not None),
    docs.Bars, docs.Cones, docs.SymbolSeries,
    docs.Ticks, docs.SignalHistory, docs.SignalDetail, docs.BacktestedQuality, docs.ScoreHistory, alerts.AlertDetail,
    alerts.AlertHistory,
    alerts.NewAcknowledgement, alerts.NewRule, alerts.AddedRuleItem,
    alerts.NewSilence, alerts.SilenceItem, alerts.Silences, alerts.Deliveries,
    alerts.DeliveryItem, alerts.Nothing, docs.MonitoringHistory, docs.LogIn, docs.SessionDocument, Problem,
)  # fmt: skip
"""Of published documents, and of what routes answer or take besides."""
_TEXTS = {
    304: "The document is still the version that `If-None-Match` names; the answer has no body.",
    400: "The request is no good HTTP: no Host header, or one that is given twice.",
    401: "The token is missing or wrong.",
    403: "Another site asks for a change, and only pages of this one may; or the token may only read.",
    404: "There is no such thing; `detail` says where those are listed that there are.",
    408: "The request took too long to come.",
    409: "There are as many already as there may be.",
    413: "The body has more than 65,536 bytes.",
    415: "The body is not called JSON: send `Content-Type: application/json`.",
    421: "The Host header names no host that is allowed (`web.allowed_hosts`).",
    422: "A parameter or the body is wrong; `detail` names it, and what would be right.",
    429: "Too many wrong tokens are being given; try again later.",
    431: "The request line and the headers are too large or too many.",
    500: "The request failed for a reason of the server's own; its log says more.",
    503: "The service cannot answer this now: a store is missing or does not answer, or there are too many clients.",
}
_ALWAYS, _OF_TOKENS = (400, 408, 421, 431, 500, 503), (401, 429)
"""What any route may say, and any that is not open."""
_TEMPLATE = "#/components/schemas/{name}"


def reference(struct: type[msgspec.Struct]) -> dict[str, str]:
    """A reference to the schema of a document."""
    return {"$ref": _TEMPLATE.format(name=struct.__name__)}


def answers(schema: dict[str, Any], example: Any, *others: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI documents of a route that reads: its document with an example, and what else it may say."""
    found: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "The document, as JSON.",
            "content": {"application/json": {"schema": schema, "example": example}},
        },
    }
    return found | {status: _answer(status) for status in others}


def changes(status: int, schema: dict[str, Any] | None, example: Any, *errors: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI documents of a route that changes something: its answer (`None`: empty), and its problems."""
    done: dict[str, Any] = {"description": "It is done."}
    if schema is not None:
        done["content"] = {"application/json": {"schema": schema, "example": example}}
    found: dict[int | str, dict[str, Any]] = {status: done}
    return found | {status: _answer(status) for status in (403, *errors)}


def _answer(status: int) -> dict[str, Any]:
    """An answer without the document: that it did not change, or a problem."""
    content = {"content": {"application/problem+json": {"schema": reference(Problem)}}} if status >= 400 else {}
    return {"description": _TEXTS[status], **content}


def _state_access(document: dict[str, Any], cookie: str) -> None:
    """A token is asked for where `web.token` is set, but for paths that are open; and what any route may say."""
    document["components"]["securitySchemes"] = {
        "token": {
            "type": "http", "scheme": "bearer",
            "description": "`web.token` or, to look only, `web.read_token`, where they are configured.",
        },
        "session": {
            "type": "apiKey", "in": "cookie", "name": cookie,
            "description": "The cookie that `/api/session` gives for a token; changes need an `Origin` with it.",
        },
    }  # fmt: skip
    document["security"] = [{"token": []}, {"session": []}, {}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if is_open(path):
                operation["security"] = []
            always = _ALWAYS if is_open(path) else (*_ALWAYS, *_OF_TOKENS)
            responses = {str(status): _answer(status) for status in always} | operation["responses"]
            operation["responses"] = dict(sorted(responses.items()))


def _whole_examples(document: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Put examples back as they are: FastAPI takes every `null` out of them, and what is unknown would be missing."""
    for route in routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                answered = document["paths"][route.path_format][method.lower()]["responses"]
                for status, said in route.responses.items():
                    for kind, content in said.get("content", {}).items():
                        if content.get("example"):
                            example = msgspec.json.decode(msgspec.json.encode(content["example"]))
                            answered[str(status)]["content"][kind]["example"] = example


def _taken(routes: Sequence[BaseRoute]) -> Iterator[object]:
    """The types of the parameters that routes take."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield from route.endpoint.__annotations__.values()


def install(app: FastAPI, routes: Sequence[BaseRoute], cookie: str) -> None:
    """Make the OpenAPI document of the application, which has these routes, once."""

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
            describe(schemas, (*SCHEMAS, *_taken(routes)))
            _state_access(document, cookie)
            _whole_examples(document, routes)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
