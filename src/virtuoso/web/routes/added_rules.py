"""Rules that people add while a monitor runs, such as a screen that is to alert; and how they are removed."""

from collections.abc import Iterable
from typing import Annotated, Protocol

import msgspec
from fastapi import APIRouter, HTTPException, Path, Request, Response

from virtuoso.model.alerts import documents as docs
from virtuoso.model.alerts.added_rule import RULE_NAME, AddedRule
from virtuoso.model.alerts.documents import added_rule_of
from virtuoso.model.catalogue import alert_examples as examples
from virtuoso.model.clock import Clock
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.store import Database
from virtuoso.web.bodies import decoded, taking
from virtuoso.web.openapi import changes, reference
from virtuoso.web.required_database import needed
from virtuoso.web.routes.documents import body_of

RuleName = Annotated[str, Path(description="The name of a rule that was added.", pattern=f"^{RULE_NAME}$")]


class RuleCheck(Protocol):
    """Judges a rule as `virtuoso rules check` and the monitor do."""

    def mistakes(self, rule: AddedRule) -> tuple[str, ...]:
        """Say what is wrong with it, a line each."""
        ...

    def no_room(self, rule: AddedRule, conditions: Iterable[str]) -> str | None:
        """Say why it cannot be judged beside rules of these conditions; `None` where it can."""
        ...


def router(
    cache: MemoryCache, database: Database | None, identity: str, clock: Clock, check: RuleCheck | None
) -> APIRouter:
    """Make the routes that add and remove rules.

    Without `check` none is added.
    """
    routes = APIRouter()

    @routes.post(
        "/api/alerts/rules", summary="Judge by a rule more, such as a screen of signals", status_code=201,
        response_class=Response, openapi_extra=taking(docs.NewRule, examples.ADDING),
        responses=changes(201, reference(docs.AddedRuleItem), examples.ADDED, 409, 413, 415, 422),
    )  # fmt: skip
    async def add(request: Request) -> Response:
        wanted = await decoded(request, docs.NewRule)
        now_ms = clock.now_ns() // 1_000_000
        rule = AddedRule(wanted.name, wanted.when, wanted.severity.value, wanted.author, now_ms)
        if check is None:
            raise HTTPException(503, "rules cannot be checked here, so that none is added")
        if mistakes := check.mistakes(rule):
            raise HTTPException(422, "; ".join(mistakes))
        known = msgspec.json.decode(body_of(cache, "alerts:rules"), type=docs.AlertRules).rules
        if any(each.kind == rule.name for each in known if not each.removable):
            raise HTTPException(409, f"a file has a rule {rule.name!r} already; choose another name")
        if (crowded := check.no_room(rule, [each.when or "" for each in known])) is not None:
            raise HTTPException(409, f"it cannot be judged beside the others: {crowded}; remove one first")
        with needed(database) as kept:
            if (refused := await kept.add_rule(identity, rule)) is not None:
                raise HTTPException(409, refused)
        return Response(msgspec.json.encode(added_rule_of(rule)), 201, media_type="application/json")

    @routes.delete(
        "/api/alerts/rules/{name}", summary="Judge by an added rule no longer", status_code=204,
        response_class=Response, responses=changes(204, None, None, 404, 422),
    )  # fmt: skip
    async def remove(name: RuleName) -> Response:
        with needed(database) as kept:
            if not await kept.remove_rule(identity, name):
                raise HTTPException(404, f"no rule {name!r} was added; one of a file is removed there")
        return Response(status_code=204)

    return routes
