"""The composition root of the web: the application and its front, built from what is passed in."""

from fastapi import FastAPI

from virtuoso import __version__
from virtuoso.model.clock import Clock
from virtuoso.model.views import DepthViews, MonitorViews, SymbolViews
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.store import Database
from virtuoso.web import openapi, problems
from virtuoso.web.access import Access
from virtuoso.web.front import App, Front
from virtuoso.web.routes import (
    added_rules,
    alerts,
    deliveries,
    documents,
    health,
    metrics,
    monitoring,
    one_signal,
    pages,
    session,
    signals,
    silences,
    stream,
    symbols,
)
from virtuoso.web.routes.added_rules import RuleCheck
from virtuoso.web.routes.health import Judged
from virtuoso.web.routes.symbol import cones, depths, series, tapes

_DESCRIPTION = (
    "What matters in crypto derivatives, why, and how fresh the data behind it is. Begin with `/api/signals/top`. "
    "Scores run from 0 to 100, 50 is neutral; prices are in quote units (the USDT of BTCUSDT), sizes in base units "
    "(its BTC), times ISO 8601 in UTC. `null` is unknown, and `reasons` says why. Errors are RFC 9457 problem details."
)


def create_app(
    *,
    cache: MemoryCache,
    board: Judged,
    views: SymbolViews,
    database: Database | None,
    identity: str,
    clock: Clock,
    access: Access,
    history: MonitorViews | None = None,
    depth: DepthViews | None = None,
    check_rule: RuleCheck | None = None,
) -> App:
    """The ASGI application; `identity` is that of the monitor whose outbox is listed, `access` says who may ask.

    Without `history` none is served of how the monitor has been, without `depth` none of what books held,
    without `check_rule` no rules can be added.
    """
    app = application(cache, board, views, database, identity, clock, access, history, depth, check_rule)
    return Front(app, cache, documents.HOT, access, clock)


def application(
    cache: MemoryCache, board: Judged, views: SymbolViews, database: Database | None, identity: str, clock: Clock,
    access: Access, history: MonitorViews | None = None, depth: DepthViews | None = None,
    check_rule: RuleCheck | None = None,
) -> FastAPI:  # fmt: skip
    """Build the application behind the front: routes, errors and OpenAPI."""
    app = FastAPI(
        title="Virtuoso", version=__version__, description=_DESCRIPTION, docs_url=None, redoc_url=None,
    )  # fmt: skip
    routers = (
        documents.router(cache),
        cones.router(cache, database, identity),  # before what a symbol's name may hold
        tapes.router(cache),
        series.router(views),
        depths.router(depth, cache),
        symbols.router(views, cache),
        signals.router(database),
        one_signal.router(database, identity, clock),  # after the paths that its id could be
        deliveries.router(database, identity, clock),  # before `/api/alerts/{id}`
        alerts.router(cache, database, clock),
        silences.router(database, clock),
        added_rules.router(cache, database, identity, clock, check_rule),
        stream.router(cache, clock, access),
        health.router(board),
        metrics.router(cache, board),
        monitoring.router(history),
        session.router(access, clock),
        pages.router(),
    )
    for router in routers:
        app.include_router(router)
    routes = [*app.routes, *(route for router in routers for route in router.routes)]
    problems.install(app, routes)
    openapi.install(app, routes, access.cookie_name)
    return app
